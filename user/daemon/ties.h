/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policies that nobody can choose between. What is written alike is an error before anything changes; what only shows on a
 * subject is bound to the first by name, and told.
 */
#ifndef LEASTCAP_TIES_H
#define LEASTCAP_TIES_H

#include "daemon/internal.h"

#define TIES_REFUSED "another policy selects the same as exactly, nothing was changed"

/*
 * Adds a problem for each tie that shows by what is written. applied: only of these policies, by whose selectors they are told
 * then; NULL: of all. Shadows tie with shadows only. -ENOMEM.
 */
int ties_written(const struct sources *sources, const struct policy_set *applied, json_t *problems);

/* Adds a problem for each tie of a plan that one of these policies is in. */
void ties_planned(const struct plan *plan, const struct policy_set *applied, json_t *problems);

/* Those of the plan in force become the state's problems. What is new is told, in the log and as an event. */
void ties_follow(struct state *s);

/* How many subjects have a policy by its name only. */
size_t ties_count(const struct plan *plan);

#endif
