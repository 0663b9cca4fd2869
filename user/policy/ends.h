/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How what a selector fits begins and ends: by that most selectors are told apart that fit nothing in common, without
 * comparing their patterns.
 */
#ifndef LEASTCAP_POLICY_ENDS_H
#define LEASTCAP_POLICY_ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

/* Of one text that a selector asks for; of the pattern of a path each component is one, if they are few. */
struct ends {
	const char *text;
	size_t len;
	size_t begin, end; /* bytes that whatever fits it begins and ends with */
	bool id; /* of a container: it is the beginning of one */
};

/* An order by what is asked for: only selectors that are equal in it can have a subject in common. */
int ends_shape_compare(const struct selector *x, const struct selector *y);

/* Those of a selector: as many for all that are equal in that order, at least one. */
size_t ends_count(const struct selector *s);
void ends_put(struct ends *ends, const struct selector *s);

/* False: no text fits both. */
bool ends_agree(const struct ends *a, const struct ends *b);

/* Of two that agree: are they written alike? Of ids the shorter one says as much. */
bool ends_same(const struct ends *a, const struct ends *b);

/* Of n that are the same it is the same. */
uint64_t ends_hash(const struct ends *ends, size_t n);

#endif
