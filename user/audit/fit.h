/* SPDX-License-Identifier: GPL-2.0-only */
/* An event for a place that takes no long ones. Pure. */
#ifndef LEASTCAP_FIT_H
#define LEASTCAP_FIT_H

#include <stddef.h>

#include <jansson.h>

/*
 * The event as one line of JSON of at most max bytes, without a newline: the longest texts are cut, and end in "..." then; of what
 * is still too long the labels and the arguments are left out, and marked as cut. To be freed. NULL: no memory.
 */
char *fit_event(const json_t *event, size_t max);

#endif
