/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of several selectors that fit a subject counts: the order, and when there is none. "Which policy wins" in
 * leastcap-policy(5) says it in words.
 */
#ifndef LEASTCAP_POLICY_RANK_H
#define LEASTCAP_POLICY_RANK_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/policy.h"

/* In the order of what counts. Not in it: the length of an id, whose beginning means the same container. */
struct selector_rank {
	enum selector_kind kind; /* fewer is more exact, */
	unsigned int asked; /* keys and labels: more, */
	unsigned int written; /* characters that stand for themselves: more, */
	unsigned int sets; /* "[ab]": more, */
	unsigned int any; /* "?": more, */
	unsigned int stars; /* fewer */
};

struct selector_rank selector_rank(const struct selector *s);

/* Below 0: a is more exact; 0: neither. */
int rank_compare(const struct selector_rank *a, const struct selector_rank *b);

/* Is there a text that both patterns fit? path: "/" is matched by nothing but itself. */
bool patterns_overlap(const char *a, const char *b, bool path);

/*
 * Do selectors that ask for the same keys fit one subject? False where that depends on what a subject happens to have: one
 * asks for an image and the other for a label, or the image has several names.
 */
bool selectors_overlap(const struct selector *a, const struct selector *b);

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
 * policy, and the same. Each second once, with one first before it in the order that claims had.
 */
void ties_find(struct claim *claims, size_t n, tie_fn tell, void *ctx);

/* What a tie is, for a message, without its places; NULL: no memory. And what to do about it; NULL: it is plain. */
char *tie_to_text(const struct claim *first, const struct claim *second);
const char *tie_hint(const struct claim *first, const struct claim *second);

#endif
