/* SPDX-License-Identifier: GPL-2.0-only */
/* What `leastcap status SUBJECT` says beside the status of a binding: its processes, drift, files that give capabilities. */
#ifndef LEASTCAP_CLI_STATUS_H
#define LEASTCAP_CLI_STATUS_H

#include <stdbool.h>

#include <jansson.h>

/* Joins a binding of the status: `processes`, `processes_more`, `threads_unread`, `drift`, and where files is true `files`. -errno;
 * logs it. */
int status_subject_add(json_t *binding, bool files);

/* For people: what was added. */
void status_subject_print(const json_t *binding);

/* For people: of the state what was proven. */
void status_proof_print(const json_t *proof);

#endif
