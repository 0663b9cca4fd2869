/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A shadow is a policy with a prefix before its name and with the mode audit: so it has a revision of its own, and refuses
 * nothing where it is all that a subject has.
 */
#ifndef LEASTCAP_SHADOW_H
#define LEASTCAP_SHADOW_H

#include <stdbool.h>
#include <string.h>

#include <leastcap/abi.h>

static inline bool is_shadow(const char *name)
{
	return !strncmp(name, LEASTCAP_SHADOW_PREFIX, strlen(LEASTCAP_SHADOW_PREFIX));
}

/* The name as it was written. */
static inline const char *shadow_shown(const char *name)
{
	return is_shadow(name) ? name + strlen(LEASTCAP_SHADOW_PREFIX) : name;
}

#endif
