/* SPDX-License-Identifier: GPL-2.0-only */
/* Losses, tasks: what the kernel side writes. Ledgers are in pending.c. */
#include "kernel/internal.h"

#include <ctype.h>
#include <string.h>
#include <sys/syscall.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

const struct leastcap_state *kernel_state(const struct kernel *k)
{
	return k->state;
}

uint64_t kernel_bindings_version(const struct kernel *k)
{
	/* Both only grow, behind what they count. */
	return __atomic_load_n(&k->state->generation, __ATOMIC_SEQ_CST) +
	       __atomic_load_n(&k->state->born, __ATOMIC_SEQ_CST);
}

int kernel_events_fd(const struct kernel *k)
{
	return k->maps[MAP_EVENTS];
}

void kernel_wake_next(struct kernel *k)
{
	__atomic_store_n(&k->state->wake_mask, 0, __ATOMIC_SEQ_CST);
}

int kernel_losses(struct kernel *k, uint64_t ret[LEASTCAP_LOSSES])
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ uint64_t *values = NULL;

	if (cpus < 0)
		return cpus;
	values = calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (uint32_t i = 0; i < LEASTCAP_LOSSES; i++) {
		int err = bpf_map_lookup_elem(k->maps[MAP_LOSSES], &i, values);

		if (err)
			return err;
		ret[i] = 0;
		for (int cpu = 0; cpu < cpus; cpu++)
			ret[i] += values[cpu];
	}
	return 0;
}

/* The state of a process: the kernel finds it by a pidfd. -ENOENT: it has none, or is gone. */
static int process_state(struct kernel *k, pid_t pid, struct leastcap_task *ret)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return -ENOENT;
	return bpf_map_lookup_elem(k->maps[MAP_TASKS], &fd, ret);
}

int kernel_carried(struct kernel *k, uint64_t cgroup)
{
	_cleanup_closedir_ DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		return -errno;
	while ((entry = readdir(proc))) {
		struct leastcap_task task;

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    process_state(k, atoi(entry->d_name), &task))
			continue;
		for (int i = 0; i < LEASTCAP_HELD; i++) {
			if (task.held[i] == cgroup && (task.carried & (1U << i)))
				return 1;
		}
	}
	return 0;
}
