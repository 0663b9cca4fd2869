/* SPDX-License-Identifier: GPL-2.0-only */
/* Capability names and sets. Names come from libcap; "CAP_" is optional on input and left out on output. */
#ifndef LEASTCAP_CAPS_H
#define LEASTCAP_CAPS_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* The highest capability that this build or this kernel knows, whichever is larger. */
unsigned int caps_last(void);

/* "SYS_ADMIN", or "41" for a number without a name. The buffer must hold 32 bytes. Returns buf. */
const char *caps_name(unsigned int cap, char buf[32]);

/* Number of a capability; any case, with or without CAP_. -ENOENT: no such name. */
int caps_parse(const char *name, size_t len);

/* The known name nearest to a wrong one; NULL when none is near. Static storage. */
const char *caps_nearest(const char *name, size_t len);

/* "NET_BIND_SERVICE,chown" or with spaces; "all", "none" or "" alone. -ENOENT: *ret_bad, *ret_bad_len is the wrong word inside list. */
int caps_parse_list(const char *list, uint64_t *ret, const char **ret_bad, size_t *ret_bad_len);

/* A new array of names in ascending order of number, up to caps_last(): LEASTCAP_ALL is every name. NULL: no
 * memory. */
json_t *caps_to_json(uint64_t set);

/* The set of an array of names, or of numbers as texts; what is neither is passed over. */
uint64_t caps_from_json(const json_t *list);

/* "CHOWN, SETUID", "all" or "none"; to be freed by the caller. NULL: no memory. */
char *caps_to_text(uint64_t set);

#endif
