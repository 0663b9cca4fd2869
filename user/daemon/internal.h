/* SPDX-License-Identifier: GPL-2.0-only */
/* What state.c, publish.c, track.c and status.c share. */
#ifndef LEASTCAP_DAEMON_INTERNAL_H
#define LEASTCAP_DAEMON_INTERNAL_H

#include "daemon/plan.h"
#include "daemon/state.h"
#include "subject/identities.h"

/* Paths of cgroup ids, for events of cgroups that are gone meanwhile. Direct-mapped: bounded, never wrong. */
#define NAMES 4096

struct name {
	uint64_t cgroup;
	char *path;
};

struct state {
	struct kernel *k;
	struct sink *sink;
	char *config_dir;
	char *state_dir;
	struct sources sources;
	struct plan plan; /* of the sources, as it was published last */
	json_t *problems; /* array */
	struct name names[NAMES];
	uint64_t losses[LEASTCAP_LOSSES]; /* as told last */
	uint64_t *gone; /* bound cgroups that are gone, whose policy a task carries: told once */
	size_t n_gone;
	struct identities *identities; /* who the containers are; asked where a selector needs it */
	bool again; /* something that a selector may be about has come, or is known now */
	unsigned int ticks, swept;
};

/* publish.c: the kernel's bindings, births and default as they are. Taken before the plan is made: what comes
 * meanwhile is no old binding. NULL: no memory. */
struct before *before_take(struct state *s);
struct before *before_free(struct before *before);
DEFINE_CLEANUP(struct before *, before_free);

/*
 * Makes the kernel follow a plan, under the lock: all of it, or -errno and the old state. keep: takes nothing away. *ret_news:
 * the plan has a default or a birth that the kernel did not have, so that a cgroup may have come unseen: plan again.
 * Logs nothing.
 */
int publish(struct state *s, const struct plan *plan, const struct before *before, bool keep,
	    bool *ret_news);

/* The revision of a policy that is in force; id 0, mode and all: filled by publish(). -ENOENT. */
int published_policy(struct state *s, const char *name, struct leastcap_policy *ret);

/*
 * Resolves, publishes, and takes the sources over. complaints gets {"file",...} for every selector that selects
 * nothing or what another has. applied: only complaints about these policies, and any of them is -EINVAL and
 * nothing is changed; NULL: complaints change nothing.
 */
int state_follow(struct state *s, struct sources *sources, const struct policy_set *applied,
		 json_t *complaints);

/* containers.c */

/* For plan_host: what is known of a container, which is asked for if it was not. */
const struct identity *containers_who(const char *cgroup, void *state);
/* For identities_new(). */
void containers_changed(const char *cgroup, const struct identity *identity, void *state);
/* A container's cgroup is there, or no more. */
void containers_came(struct state *s, const char *path);
void containers_gone(struct state *s, const char *path);

/* track.c */
void names_put(struct state *s, uint64_t cgroup, const char *path);
/* Path of a cgroup: of a live one, else as it was. NULL: not known. Valid until the next call. */
const char *names_get(struct state *s, uint64_t cgroup);
void names_done(struct state *s);
bool is_gone(const struct state *s, uint64_t cgroup);

/* Emits {"type":"policy",...}. */
void tell_policy(struct state *s, const char *action, const char *policy, uint32_t revision,
		 const struct peer *by);

#endif
