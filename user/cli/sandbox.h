/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bound cgroup of our own, below /leastcap.run, without a daemon: for `run` and `doctor`.
 *
 * The owner holds a flock() on its cgroup's directory for as long as it lives. A cgroup there that nobody
 * holds and nothing runs in was left behind; the next sandbox sweeps it.
 */
#ifndef LEASTCAP_SANDBOX_H
#define LEASTCAP_SANDBOX_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <leastcap/abi.h>

#include "kernel/kernel.h"

#define SANDBOX_ROOT "/leastcap.run"

/* Exists while the pinned set is there only because a sandbox needed it: the last one removes it. */
#define SANDBOX_LOADED_FILE "/run/leastcap/loaded-by-run"

struct sandbox {
	struct kernel *kernel;
	int lock; /* kernel_lock(); -EBADF: not held */
	int dir; /* the cgroup's directory */
	char *path; /* below the cgroup2 root */
	uint64_t id;
	uint32_t level;
	bool bound;
};

#define SANDBOX_EMPTY ((struct sandbox){.lock = -EBADF, .dir = -EBADF})

/* A process in a sandbox. */
struct sandbox_child {
	pid_t pid;
	int failures; /* pipe: empty once the program runs */
};

/* How it ended. */
struct sandbox_end {
	struct kernel_ledger ledger;
	bool left; /* processes remain, or tasks that carry the policy: cgroup and binding were kept */
	bool unloaded; /* somebody unloaded leastcap meanwhile: it was not confined to the end */
};

/*
 * Makes the cgroup, and enforcement stand: loads this build, or with `as_it_is` takes what is loaded and
 * attached. On success the lock is held. Logs on failure; -errno. A sandbox that was opened, even in vain,
 * is closed by sandbox_close().
 */
int sandbox_open(struct sandbox *s, bool as_it_is);

/* Publishes the policy and binds it; lists may be NULL. Under the lock. Logs; -errno. */
int sandbox_bind(struct sandbox *s, struct leastcap_policy *policy,
		 const struct kernel_lists *lists);

void sandbox_unlock(struct sandbox *s);

/*
 * Starts a program in the sandbox. It is bound from its first instruction: the child moves itself in and
 * executes. mask: its signal mask. Logs; -errno.
 */
int sandbox_spawn(const struct sandbox *s, char *const *argv, const sigset_t *mask,
		  struct sandbox_child *ret);

/* After its end: 0 if the program was executed, else -errno, with *ret_entered false if it was the cgroup
 * that could not be entered. Closes the pipe. */
int sandbox_child_failure(struct sandbox_child *child, bool *ret_entered);

/*
 * Takes the lock, reads the ledger, unbinds and removes the cgroup if nothing is left in it, unloads what
 * was loaded for sandboxes only, unlocks. ret may be NULL. Logs; -errno. Can be called twice.
 */
int sandbox_close(struct sandbox *s, struct sandbox_end *ret);

static inline void sandbox_closep(struct sandbox *s)
{
	sandbox_close(s, NULL);
}

/* Under the lock: removes sandboxes that were left behind. k NULL: cgroups only. */
void sandbox_sweep(struct kernel *k);

#endif
