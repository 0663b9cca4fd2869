/* SPDX-License-Identifier: GPL-2.0-only */
/* Waits for programs that are under way: what they have read may still be used until they are over. */
#include "kernel/internal.h"

#include <sys/syscall.h>

#include <bpf/bpf.h>
#include <linux/membarrier.h>

/*
 * A map of maps that is changed waits for all programs that may still be using the old one: maybe_wait_bpf_programs() in
 * kernel/bpf/syscall.c, since v4.20 (1ae80cf31938).
 */
static int wait_by_map(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	_cleanup_close_ int inner = -EBADF, outer = -EBADF;
	const uint32_t first = 0;

	inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "leastcap_inner", sizeof(first), sizeof(first),
			       1, NULL);
	if (inner < 0)
		return inner;
	opts.inner_map_fd = (uint32_t)inner;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "leastcap_wait", sizeof(first),
			       sizeof(first), 1, &opts);
	return outer < 0 ? outer : bpf_map_update_elem(outer, &first, &inner, BPF_ANY);
}

int kernel_wait_programs(void)
{
	/* synchronize_rcu(). Not where processors have no tick (nohz_full=): EINVAL, kernel/sched/membarrier.c. */
	return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) ? wait_by_map() : 0;
}
