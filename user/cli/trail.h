/* SPDX-License-Identifier: GPL-2.0-only */
/* What was told before: the daemon's memory, and its log files, for the daemon forgets when it ends. */
#ifndef LEASTCAP_CLI_TRAIL_H
#define LEASTCAP_CLI_TRAIL_H

#include <stddef.h>

#include <jansson.h>

/*
 * Each event that is remembered, as a line; in any order, and one may come twice. status: as GET /v1/status has it, or without
 * a daemon. Lines may hold anything. Logs what cannot be read, ignoring it. -ENOMEM where fn returns anything but 0.
 */
int trail_each(const json_t *status, int (*fn)(const char *line, size_t len, void *ctx), void *ctx);

#endif
