/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is enforced: the daemon's answer, or, when it is not running, what the pinned maps say, in the same
 * shape and with "daemon": false.
 */
#ifndef LEASTCAP_STATE_H
#define LEASTCAP_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <leastcap/abi.h>

#include "kernel/kernel.h"

/* As GET /v1/status. subject may be NULL. Logs on failure; -errno. */
int state_status(const char *subject, json_t **ret);

/* Where the daemon writes its events, by its status; where it does not say, by default. As long as status. */
const char *state_log_file(const json_t *status);

/* As GET /v1/policies. Logs on failure; -errno. */
int state_policies(json_t **ret);

/* Does the daemon have a policy of that name, whatever it holds? Does not log. */
bool state_has_policy(const char *name);

/* The maps alone. Do not log. A set that is not loaded has "enforcing": false. */
int state_status_from_maps(const char *subject, json_t **ret);
int state_policies_from_maps(json_t **ret);

#endif
