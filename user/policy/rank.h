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
/* Ids of containers: the shorter is the beginning of the longer one. */
bool ids_overlap(const char *a, const char *b);

#endif
