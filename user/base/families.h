/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of address families: in policies and in events. */
#ifndef LEASTCAP_FAMILIES_H
#define LEASTCAP_FAMILIES_H

#include <stddef.h>
#include <stdint.h>

/* "inet6"; NULL: a number without a name. Static storage. */
const char *family_name(uint64_t family);

/* Number of a family, 0 to 63; any case, with or without AF_ or PF_. -ENOENT: no such name. */
int family_parse(const char *name, size_t len);

/* The known name nearest to a wrong one; NULL when none is near. Static storage. */
const char *family_nearest(const char *name, size_t len);

#endif
