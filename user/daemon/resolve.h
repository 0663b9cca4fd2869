/* SPDX-License-Identifier: GPL-2.0-only */
/* What plan.c and resolve.c share: the plan while it is made. */
#ifndef LEASTCAP_RESOLVE_H
#define LEASTCAP_RESOLVE_H

#include "daemon/plan.h"

/* A cgroup that exists. */
struct place {
	char *path;
	uint64_t cgroup;
	uint32_t level;
	ssize_t parent; /* its place; -1: the root */
	char id[65]; /* of a container; empty: it is none */
};

struct maker {
	struct plan *plan;
	const struct plan_host *host; /* NULL: nothing is known of containers */
	plan_complain_fn complain;
	void *ctx;
	const char *file; /* that has the policy, if not the source's */
	struct place *places; /* parents before what is below them */
	size_t n_places;
	char *own; /* path of the cgroup this process is in */
};

void maker_complain(const struct maker *m, const struct source *source, struct policy_pos pos,
		    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The same, of what is not bound for it. */
void maker_lose(const struct maker *m, const struct source *source, const struct policy *policy,
		struct policy_pos pos, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* What of the host a selector selects, and what it selects when it comes. */
int resolve(struct maker *m, const struct source *source, const struct policy *policy,
	    const struct selector *selector);

/* Binds containers that no policy selects, and those that come, to one that allows everything. */
int resolve_unselected(struct maker *m);

/* Walks the host. */
int places_find(struct maker *m);
void places_done(struct maker *m);

/* plan.c */
int add_want(struct plan *plan, struct want want);
int add_birth(struct plan *plan, struct want_birth birth); /* the path is copied */
int add_pattern(struct plan *plan, const struct want_pattern *pattern);

#endif
