/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From policies to what should be bound: selectors are resolved to cgroups, and where several policies select one,
 * the most exact selector wins, in the order of rank_compare().
 */
#ifndef LEASTCAP_PLAN_H
#define LEASTCAP_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <leastcap/pattern.h>

#include "daemon/sources.h"
#include "policy/rank.h"
#include "subject/identity.h"

struct want {
	uint64_t cgroup; /* id */
	uint32_t level;
	struct selector_rank rank;
	const struct policy *policy; /* borrowed from the sources */
	const struct policy *shadow; /* evaluated beside it; NULL: none */
	const struct source *source;
	struct policy_pos pos; /* of the selector */
	size_t order; /* of the selectors of one policy */
	bool unheard; /* a container that has it already, and nobody says now who that is */
	bool kept; /* the kernel keeps what it has instead: publish() */
	bool bound; /* it had none: publish() has bound it */
	bool unfit; /* kept, because there is no room for it */
};

struct want_birth {
	char *path;
	bool unfit;
	struct selector_rank rank;
	const struct policy *policy;
	const struct source *source;
	struct policy_pos pos;
	size_t order;
};

/* Of cgroups that come. */
struct want_pattern {
	struct leastcap_pattern pattern;
	struct selector_rank rank;
	const struct policy *policy;
	size_t order;
};

/*
 * Two policies that select a cgroup equally well, which only shows on what is there: names are what is left to choose by. All
 * cgroups that two selectors tie about are one tie.
 */
struct plan_tie {
	struct want winner, loser;
	size_t n; /* cgroups; the one in the wants is the first of them */
};

/* A policy of which something has no room in the kernel: unfit.h. */
struct plan_unfit {
	const struct policy *policy;
	int err; /* of the first */
	size_t n; /* subjects */
};

struct plan {
	struct want *wants; /* sorted by cgroup, one each */
	size_t n_wants;
	struct want_birth *births; /* sorted by path, one each */
	size_t n_births;
	struct want_pattern *patterns; /* the first that fits counts */
	size_t n_patterns;
	struct plan_tie *ties;
	size_t n_ties;
	struct plan_unfit *unfit; /* one for each policy: publish() */
	size_t n_unfit;
	const struct policy *any; /* for new containers; NULL: none */
	bool shadows; /* some policy is a shadow: the kernel gives none to what is born */
	size_t pending; /* container ids that are not there (yet), and births that there is no room for */
};

/* What is known of the containers of the host. */
struct plan_host {
	/* By the path of its cgroup. NULL: nothing, now. */
	const struct identity *(*who)(const char *cgroup, void *ctx);
	/* Is it bound to this policy, and has nobody said who it is since? May be NULL: nothing is. */
	bool (*keeps)(const char *cgroup, uint64_t id, const char *policy, void *ctx);
	void *ctx;
};

/*
 * What is amiss with a selector. file: where it is, if not the source's. lost: the policy that is not bound by it, or not at
 * all, whatever there is on the host; NULL: it only selects nothing now.
 */
typedef void (*plan_complain_fn)(const struct source *source, const struct policy *lost,
				 const char *file, struct policy_pos pos, const char *message,
				 void *ctx);

/* Resolves against the host; host may be NULL. -errno: not made. */
int plan_make(const struct sources *sources, const struct plan_host *host,
	      plan_complain_fn complain, void *ctx, struct plan *ret);
void plan_done(struct plan *plan);

/* The pure part: sorts, lets the most exact win, and notes the ties. -ENOMEM. */
int plan_settle(struct plan *plan);

/*
 * A unit may come in any slice, and so takes several patterns. Where there is no room for all, those give way, for patterns
 * that somebody has written: such a unit is found by looking, a little after it has come.
 */
void plan_fit_patterns(struct plan *plan, size_t room);

/*
 * Shadows join the plan of what is in force: where a subject has a policy the shadow is beside it, where it has none the
 * shadow is its policy, which refuses nothing. -ENOMEM.
 */
int plan_join_shadows(struct plan *plan, const struct plan *shadows);

/* The policy wanted for a cgroup; NULL: none. */
const struct want *plan_find(const struct plan *plan, uint64_t cgroup);
const struct want_birth *plan_find_birth(const struct plan *plan, const char *path);

#endif
