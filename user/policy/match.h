/* SPDX-License-Identifier: GPL-2.0-only */
/* Does a selector fit? Pure: what is known is handed in. See <leastcap/pattern.h> for the patterns. */
#ifndef LEASTCAP_POLICY_MATCH_H
#define LEASTCAP_POLICY_MATCH_H

#include <stdbool.h>

#include "policy/policy.h"
#include "subject/identity.h"

/* The kinds about containers and pods; false for others. What is asked for and not known does not match. */
bool selector_matches(const struct selector *s, const struct identity *who);

/* Does it ask for more of a container than its id? */
bool selector_asks_identity(const struct selector *s);

/* SELECT_UNIT and SELECT_UNIT_PATTERN, by a unit's full name; false for others. No pattern is for "-.slice". */
bool selector_matches_unit(const struct selector *s, const char *unit);

/* SELECT_CGROUP and SELECT_CGROUP_PATTERN, by a path below the cgroup2 root; false for others, and for the root. */
bool selector_matches_cgroup(const struct selector *s, const char *path);

/*
 * Does a pattern fit an image as the runtime names it? It fits the whole name, or the name without its registry and
 * without "library/"; each also without the digest, and without tag and digest.
 */
bool image_matches(const char *pattern, const char *image);

#endif
