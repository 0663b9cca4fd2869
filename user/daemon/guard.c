/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/guard.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/log.h"
#include "kernel/kernel.h"

/* Between two looks. */
#define LOOK_MS 200
/* If the guard stands still, nothing is held any more after this. */
#define BEAT_NS 3000000000ULL

struct guard {
	struct kernel *k;
	uint64_t limit, now;
	uint64_t seen; /* how many had been held before it looked last */
	bool any; /* somebody was held then */
};

static int let_go_late(uint32_t pid, const struct leastcap_held *h, void *ctx)
{
	struct guard *g = ctx;

	g->any = g->any || !h->let_go;
	if (!h->let_go && g->now > h->since && g->now - h->since >= g->limit)
		(void)kernel_let_go(g->k, pid, h, LEASTCAP_LET_GO_LIMIT);
	return 0;
}

/* A walk through the table of who is held is only for where somebody is. */
static void look(struct guard *g)
{
	/* The kernel side counts behind its entry. */
	uint64_t held = __atomic_load_n(&kernel_state(g->k)->held, __ATOMIC_SEQ_CST);

	if (!g->any && held == g->seen)
		return;
	g->seen = held;
	g->any = false;
	(void)kernel_held_each(g->k, let_go_late, g);
}

/* Until the other end of the pipe is closed, by whatever ends the daemon. */
static void watch(struct guard *g, int pipe)
{
	struct pollfd fd = {.fd = pipe};

	/* Errors: a signal, which changes nothing. */
	while (poll(&fd, 1, LOOK_MS) <= 0) {
		g->now = boot_now();
		kernel_hold_until(g->k, g->now + BEAT_NS);
		look(g);
	}
}

__attribute__((noreturn)) static void guard(int pipe, uint64_t limit)
{
	struct guard g = {.limit = limit, .any = true};

	(void)prctl(PR_SET_NAME, "leastcapd-guard");
	/* Nothing of the daemon's is kept: not its lock, not its sockets. */
	if (dup2(pipe, STDERR_FILENO + 1) < 0 || close_range(STDERR_FILENO + 2, ~0U, 0) ||
	    kernel_open(&g.k))
		_exit(EXIT_FAILURE);
	watch(&g, STDERR_FILENO + 1);
	/* The second time for what was about to be held in the first. */
	kernel_hold_end(g.k);
	(void)usleep(LOOK_MS * 1000);
	kernel_hold_end(g.k);
	_exit(EXIT_SUCCESS);
}

pid_t guard_start(uint64_t limit_ns, int *ret_fd)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid) {
		close(ends[1]);
		guard(ends[0], limit_ns);
	}
	close(ends[0]);
	if (pid < 0) {
		int err = -errno;

		close(ends[1]);
		return err;
	}
	*ret_fd = ends[1];
	return pid;
}
