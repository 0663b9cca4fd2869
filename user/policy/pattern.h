/* SPDX-License-Identifier: GPL-2.0-only */
/* Patterns, see <leastcap/pattern.h>: compiled, and matched on this side. */
#ifndef LEASTCAP_POLICY_PATTERN_H
#define LEASTCAP_POLICY_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include <leastcap/pattern.h>

/* The longest pattern, in bytes. */
#define PATTERN_MAX (LEASTCAP_PATTERN_LEN - 1)

/*
 * path: "/" is matched by nothing but itself. 0; -EINVAL: a set that is not closed, or has a range that runs backwards;
 * -E2BIG: too long, or more than LEASTCAP_PATTERN_SETS sets. ret is written on success only.
 */
int pattern_compile(const char *text, bool path, struct leastcap_pattern *ret);

/* Does a compiled pattern fit the whole text, which ends after len bytes or with a NUL? */
bool pattern_fits(const struct leastcap_pattern *pattern, const char *text, size_t len);

/* The same with a pattern that is compiled for it; one that cannot be fits nothing. */
bool pattern_matches_len(const char *pattern, const char *text, size_t len, bool path);
bool pattern_matches(const char *pattern, const char *text, bool path);

/*
 * The paths that the cgroup of a system unit can have: units live in slices, and slices in slices. Patterns of paths;
 * how many, or an error as of pattern_compile().
 */
#define PATTERN_UNIT_PATHS 6
int pattern_unit_paths(const char *unit, struct leastcap_pattern ret[PATTERN_UNIT_PATHS]);

/* The same of a unit of a user's own manager; user: a pattern of user ids. */
int pattern_user_unit_paths(const char *user, const char *unit,
			    struct leastcap_pattern ret[PATTERN_UNIT_PATHS]);

#endif
