/* SPDX-License-Identifier: GPL-2.0-only */
/* Selectors of several policies that nobody can choose between. */
#ifndef LEASTCAP_POLICY_TIES_H
#define LEASTCAP_POLICY_TIES_H

#include "policy/rank.h"

/* A selector and whose it is. */
struct claim {
	const struct selector *selector;
	const struct policy *policy;
	const char *file; /* where it is written */
	struct selector_rank rank; /* ties_find()'s */
	size_t index; /* so is it */
};

/* Those of a policy, as many as it has selectors. */
size_t claims_put(struct claim *claims, const struct policy_set *set, const struct policy *policy);

typedef void (*tie_fn)(const struct claim *first, const struct claim *second, void *ctx);

/*
 * Sorts claims and tells of those that nobody can choose between: of two policies, equally exact, and they overlap; of one
 * policy, and the same. Not of all pairs: of each claim that is in a tie with one that was seen before, once.
 * -ENOMEM. -E2BIG: it is too much work, and not all is told; *ret_last is where it was given up.
 */
int ties_find(struct claim *claims, size_t n, tie_fn tell, void *ctx,
	      const struct claim **ret_last);

#define TIES_TOO_MANY \
	"too many patterns that begin and end alike: it cannot be found out which select the same"
#define TIES_TOO_MANY_HINT "write more of them out where they begin or end"

/* What a tie is, for a message, without its places; NULL: no memory. And what to do about it; NULL: it is plain. */
char *tie_to_text(const struct claim *first, const struct claim *second);
const char *tie_hint(const struct claim *first, const struct claim *second);

#endif
