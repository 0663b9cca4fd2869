/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEASTCAP_CLI_REPORT_H
#define LEASTCAP_CLI_REPORT_H

#include <stdio.h>

#include <jansson.h>

/* Rows of the picture; what is beyond is told as a number. */
#define REPORT_ROWS 200

/* Of the report: `unbound` as posture() wants it. NULL: it cannot be looked for. */
json_t *report_unbound(const json_t *status);

/* Of the report: `ended` as posture() wants it. Logs what cannot be read. NULL: no memory. */
json_t *report_ended(const json_t *status);

/* Bindings get a `name`, as top shows it. */
void report_name(json_t *status);

/* One page that needs nothing else. Everything that it is given is escaped. */
void report_html(FILE *f, const json_t *report);

#endif
