/* SPDX-License-Identifier: GPL-2.0-only */
/* The policies that the kernel has, read at one time. */
#ifndef LEASTCAP_IN_FORCE_H
#define LEASTCAP_IN_FORCE_H

#include <stddef.h>

#include <leastcap/abi.h>

struct state;

struct in_force {
	struct leastcap_policy *policies; /* by their names, the newest revision of each last */
	size_t n;
};

/* -errno: nothing was read. */
int in_force_read(struct state *s, struct in_force *ret);
/* The newest revision of a policy; NULL: there is none. */
const struct leastcap_policy *in_force_find(const struct in_force *in, const char *name);
void in_force_done(struct in_force *in);

#endif
