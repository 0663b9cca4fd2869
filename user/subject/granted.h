/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEASTCAP_GRANTED_H
#define LEASTCAP_GRANTED_H

#include <stddef.h>
#include <stdint.h>

/* The union of the permitted sets of the processes in a cgroup and below it, now. 0 where there is none. */
int granted_in(const char *cgroup, uint64_t *ret);

/* Unions over all threads: each has its own sets. */
struct granted_sets {
	uint64_t permitted, bounding;
	size_t threads; /* that were listed */
	size_t unread; /* of them, and are not in the sets */
};

int granted_sets(const char *cgroup, struct granted_sets *ret);

#endif
