/* SPDX-License-Identifier: GPL-2.0-only */
/* Containers that wait to be known, and their entrypoints, which are held meanwhile: the other side of bpf/hold.bpf.h. */
#include "kernel/internal.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/log.h"
#include "base/procfs.h"

#define NS_PER_S 1000000000ULL

void kernel_hold_switch(struct kernel *k, bool on)
{
	__atomic_store_n(&k->state->hold, on, __ATOMIC_SEQ_CST);
}

void kernel_hold_until(struct kernel *k, uint64_t ns)
{
	__atomic_store_n(&k->state->hold_until, ns, __ATOMIC_SEQ_CST);
}

int kernel_waiting_each(struct kernel *k, int (*fn)(uint64_t cgroup, void *ctx), void *ctx)
{
	_cleanup_free_ void *keys = NULL;
	long n = map_keys(k->maps[MAP_WAITING], sizeof(uint64_t), &keys);
	const uint64_t *cgroups = keys;
	int err = n < 0 ? (int)n : 0;

	for (long i = 0; !err && i < n; i++)
		err = fn(cgroups[i], ctx);
	return err;
}

bool kernel_is_waiting(struct kernel *k, uint64_t cgroup)
{
	uint64_t since;

	return !bpf_map_lookup_elem(k->maps[MAP_WAITING], &cgroup, &since);
}

void kernel_waiting_end(struct kernel *k, uint64_t cgroup)
{
	(void)bpf_map_delete_elem(k->maps[MAP_WAITING], &cgroup);
}

int kernel_held_each(struct kernel *k,
		     int (*fn)(uint32_t pid, const struct leastcap_held *h, void *ctx), void *ctx)
{
	_cleanup_free_ void *keys = NULL;
	long n = map_keys(k->maps[MAP_HELD], sizeof(uint32_t), &keys);
	const uint32_t *pids = keys;

	for (long i = 0; i < n; i++) {
		struct leastcap_held h;
		int err = bpf_map_lookup_elem(k->maps[MAP_HELD], &pids[i], &h);

		if (err == -ENOENT)
			continue;
		err = err ?: fn(pids[i], &h, ctx);
		if (err)
			return err;
	}
	return n < 0 ? (int)n : 0;
}

void kernel_held_forget(struct kernel *k, uint32_t pid)
{
	(void)bpf_map_delete_elem(k->maps[MAP_HELD], &pid);
}

/* ---- letting go ---- */

/* Is it the process that was held, and no later one with its number? 0: it is. -ESRCH: no. Or why that cannot be said. */
static int is_same(uint32_t pid, uint64_t start_ns)
{
	uint64_t tick = NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK), start;
	_cleanup_close_ int fd = -EBADF;
	char path[32], stat[1024];
	ssize_t n;
	int err;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, stat, sizeof(stat) - 1);
	if (n < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	stat[n] = '\0';
	err = stat_start(stat, &start);
	return err ?: start == start_ns / tick ? 0 : -ESRCH;
}

int held_go_on(uint32_t pid, uint64_t start_ns)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	int err;

	/* EINVAL, later ENOENT: the number is that of a thread now. */
	if (fd < 0)
		return errno == ESRCH || errno == EINVAL || errno == ENOENT ? 0 : -errno;
	/* Looked at while the descriptor keeps its number. */
	err = is_same(pid, start_ns);
	if (!err && syscall(SYS_pidfd_send_signal, fd, SIGCONT, NULL, 0))
		err = -errno;
	return err == -ESRCH ? 0 : err;
}

/* The daemon, and its guard at the limit, may both be at it: who marks it first has let it go. */
static int let_go_bound(struct kernel *k, uint32_t pid, const struct leastcap_held *h)
{
	struct leastcap_held now;
	int err;

	kernel_waiting_end(k, h->cgroup);
	err = held_go_on(pid, h->start);
	if (err)
		return err;
	if (!bpf_map_lookup_elem(k->maps[MAP_HELD], &pid, &now) && now.let_go)
		return -EALREADY;
	kernel_held_forget(k, pid);
	return 0;
}

int kernel_let_go(struct kernel *k, uint32_t pid, const struct leastcap_held *h,
		  enum leastcap_let_go why)
{
	struct leastcap_held told = *h;
	int err;

	if (!why)
		return let_go_bound(k, pid, h);
	/* Before its container waits no longer: that alone looks as if its policy were bound. */
	told.let_go = why;
	/* Otherwise nobody is told, which is better than to hold it for ever. */
	if (bpf_map_update_elem(k->maps[MAP_HELD], &pid, &told, BPF_EXIST) == -ENOENT)
		return 0;
	kernel_waiting_end(k, h->cgroup);
	err = held_go_on(pid, h->start);
	if (err)
		(void)bpf_map_update_elem(k->maps[MAP_HELD], &pid, h, BPF_ANY);
	else
		__atomic_add_fetch(&k->state->held_too_long, 1, __ATOMIC_SEQ_CST);
	return err;
}

static int end_one(uint32_t pid, const struct leastcap_held *h, void *ctx)
{
	if (!h->let_go)
		(void)kernel_let_go(ctx, pid, h, LEASTCAP_LET_GO_ENDED);
	return 0;
}

void kernel_hold_end(struct kernel *k)
{
	kernel_hold_switch(k, false);
	kernel_hold_until(k, 0);
	(void)kernel_held_each(k, end_one, k);
}
