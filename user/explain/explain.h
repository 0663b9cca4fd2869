/* SPDX-License-Identifier: GPL-2.0-only */
/* A refusal, put together from all that is known of it. Pure. */
#ifndef LEASTCAP_EXPLAIN_EXPLAIN_H
#define LEASTCAP_EXPLAIN_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "subject/confinement.h"
#include "subject/process.h"

struct explain_input {
	const json_t *event;
	/* Answers of GET /v1/policy: of the policy that has decided, NULL: not known; and of what else holds the subject, an
	 * array of {"cgroup", "policy"}. */
	const json_t *policy;
	const json_t *others;
	const struct process *process; /* NULL: it is gone */
	const struct confinement *confinement; /* of the process; NULL: not known */
	/* What tracefs has of the event's system call, see call.h; NULL: not known. */
	const char *call_format;
	size_t call_format_len;
	/* The word at a place of a file, in buf; false: it cannot be read. May be NULL. */
	bool (*word_at)(const char *file, unsigned int line, unsigned int column, char buf[32]);
};

/*
 * {"event", "call", "asked_for": {"capability","rule","act","meaning"}, "refused_by", "others", "process", "hints", "changes"}, as
 * leastcap(1) has it. NULL: the event is no refusal with words that are known, or no memory.
 */
json_t *explain(const struct explain_input *in);

/* The word at a place of a text: letters, digits and "-". False: there is none, or one that is longer. */
bool explain_word(const char *text, size_t len, unsigned int line, unsigned int column,
		  char buf[32]);

#endif
