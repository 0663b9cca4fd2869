/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policies that there is no room for in the kernel: maps are full, or it does not take them. A change that comes to that is
 * refused. But a daemon that starts has nothing to go on with, and neither can it choose who comes: then all that can be held is,
 * those that refuse something first, and what cannot is left as the kernel has it, and told.
 */
#ifndef LEASTCAP_UNFIT_H
#define LEASTCAP_UNFIT_H

#include "daemon/internal.h"

/* What may be left out. */
struct leave_out {
	bool any; /* whatever does not fit; else only what did not before */
	const struct policy_set *applied; /* but none of these; NULL: none */
};

bool unfit_may(const struct state *s, const struct leave_out *may, const char *policy);

/* Of a policy something is left out, a subject or what comes. -ENOMEM. */
int unfit_note(struct plan *plan, const struct policy *policy, int err, bool subject);

/* {"file",...}. NULL: no memory. */
json_t *unfit_problem(const struct state *s, const struct sources *sources,
		      const struct plan_unfit *unfit);

/* The same, of a plan that was refused for the last that did not fit. */
json_t *unfit_refusal(const struct state *s, const struct sources *sources,
		      const struct plan *plan);

/* Adds the same problem to those of a plan that is only tried, where it has more subjects than can be bound. */
void unfit_planned(const struct state *s, const struct sources *sources, struct plan *plan,
		   const struct policy_set *applied, json_t *problems);

/* Those of the plan in force become the state's problems. What is new is told, in the log and as an event. */
void unfit_follow(struct state *s);

/* How many subjects are not bound as their policies say. */
size_t unfit_subjects(const struct plan *plan);

#endif
