/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEASTCAP_CLI_EXPLAIN_H
#define LEASTCAP_CLI_EXPLAIN_H

#include <jansson.h>

#include "explain/history.h"

/* The events that are meant, newest first: from the daemon and its log, or from a log alone. Logs on failure; -errno. */
int explain_find(struct history *h, const char *log);

/* All that is known of one. NULL: it is no refusal, or no memory. */
json_t *explain_event(const json_t *event);

/* The word at a place of a file, for struct explain_input. */
bool explain_word_at(const char *file, unsigned int line, unsigned int column, char buf[32]);

/* For people. */
void explain_print(const json_t *explanation);

#endif
