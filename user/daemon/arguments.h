/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arguments of a request's URL: those that its path takes, each of them once, and with a value. Whatever else there is
 * could have been meant to make less of the request than it is without it: "?dry-run=1", "?dry_run".
 */
#ifndef LEASTCAP_ARGUMENTS_H
#define LEASTCAP_ARGUMENTS_H

#include <stdint.h>

struct arguments {
	const char *const *known; /* ends with NULL; at most 32 */
	uint32_t seen; /* of these, by their number */
	char wrong[512]; /* what is wrong with the first that is; "": nothing */
};

/* One more. value: NULL where there is no "=". */
void arguments_note(struct arguments *a, const char *key, const char *value);

#endif
