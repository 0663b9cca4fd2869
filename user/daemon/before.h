/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's bindings, births, patterns and default before a change: what a change that fails goes back to. */
#ifndef LEASTCAP_BEFORE_H
#define LEASTCAP_BEFORE_H

#include <stddef.h>
#include <stdint.h>

#include <leastcap/abi.h>

#include "base/cleanup.h"

struct state;

struct saved_birth {
	char *path;
	uint64_t policy;
};

struct before {
	struct leastcap_binding *bindings; /* in ascending order of cgroups */
	size_t n_bindings;
	struct saved_birth *births; /* sorted by path */
	size_t n_births;
	struct leastcap_birth_pattern *patterns;
	size_t n_patterns;
	uint64_t any;
};

/* Taken before the plan is made: what comes meanwhile is no old binding. NULL: no memory. */
struct before *before_take(struct state *s);
struct before *before_free(struct before *before);
DEFINE_CLEANUP(struct before *, before_free);

/* The binding that a cgroup had; NULL: none. */
const struct leastcap_binding *before_find(const struct before *before, uint64_t cgroup);
/*
 * One that the kernel has made since, at birth, is an old one from now on, in *ret until the next call: a change that fails
 * leaves it, and one that succeeds its flags. -errno.
 */
int before_add(struct state *s, struct before *before, uint64_t cgroup,
	       const struct leastcap_binding **ret);

const struct saved_birth *before_find_birth(const struct before *before,
					    const char *path); /* NULL: none */

#endif
