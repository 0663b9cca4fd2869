/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cgroups of a subject while it is traced: a container or a unit restarts, a policy gets a new replica. They are looked
 * for again at once when a cgroup is made beside those that are known, and every second or so for all others. What is made
 * where one of them was is watched by then: the kernel sees to that (lc_trace_birth).
 */
#ifndef LEASTCAP_TRACE_FOLLOWER_H
#define LEASTCAP_TRACE_FOLLOWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct follower {
	const char *subject; /* borrowed; NULL: nobody is followed */
	uint64_t *ids; /* all that were found, in order */
	size_t n;
	char **paths; /* of the first ones, where their like may come again */
	bool woken; /* a cgroup was made */
	int inotify; /* of the folders that they are in; < 0: none */
	uint64_t came; /* cgroups that joined since the beginning */
	uint64_t late; /* of them: some program had run in them already */
	uint64_t unwatched; /* of them: no room */
	/* CLOCK_BOOTTIME in ns. */
	uint64_t next; /* when it is looked again */
	uint64_t ended; /* when the last look ended */
	uint64_t took;
	uint64_t wait; /* until the next one, where nothing happens */
};

/* ids: of trace_subjects(), taken over. subject NULL: only follower_wait() is of use. */
void follower_init(struct follower *f, const char *subject, uint64_t *ids, size_t n);
void follower_done(struct follower *f);

/* Waits so long, or until a cgroup is made. */
void follower_wait(struct follower *f, uint64_t ns);

/*
 * Looks, if it is time to; watch() gets each cgroup that came, and returns 1 if it has been watched since it was made, 0 if
 * it is from now on, -errno. Returns whether any came.
 */
bool follower_look(struct follower *f, int (*watch)(uint64_t id, void *ctx), void *ctx);

/* ---- pure ---- */

/* Those of `now` that are not in `before`, which is in order; *now is put in order. Returns how many, at the front of fresh,
 * which has room for all. */
size_t follower_fresh(const uint64_t *before, size_t n_before, uint64_t *now, size_t n_now,
		      uint64_t *fresh);
/* A cgroup was made; a look has ended. Both set `next`. */
void follower_hurry(struct follower *f);
void follower_ended(struct follower *f, uint64_t began, uint64_t ended);

#endif
