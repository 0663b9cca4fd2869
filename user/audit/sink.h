/* SPDX-License-Identifier: GPL-2.0-only */
/* Where events go: memory, a file of JSON lines, the journal. An event is numbered by the sink. */
#ifndef LEASTCAP_SINK_H
#define LEASTCAP_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "audit/memory.h"

/* MESSAGE_ID of every event in the journal: journalctl MESSAGE_ID=... */
#define SINK_MESSAGE_ID "7d0c5f1e2b6a4c3f9d8e6b0a41c2f7e5"

struct sink {
	struct memory memory;
	char *file; /* path; NULL: no file */
	int fd; /* -EBADF: not open, tried again with each event */
	bool torn; /* the last line was cut: the next one begins with a newline */
	bool failing; /* told once */
	bool journal;
	uint64_t failed; /* events that the file misses */
	uint64_t dropped; /* events for which there was no memory */
};

/* file may be NULL. A file that cannot be opened is logged, and tried again. Only -ENOMEM. */
int sink_init(struct sink *s, const char *file, bool journal);
void sink_done(struct sink *s);

/* The number of the next event: its "seq". */
uint64_t sink_next(const struct sink *s);

/* Hands an event to all. Takes the reference; NULL counts as an event for which there was no memory. */
void sink_emit(struct sink *s, json_t *event);

/* After the file was renamed by logrotate. Logs. */
void sink_reopen(struct sink *s);

/* "denied SYS_ADMIN by mount[12] in /a/b, policy web": one line for people. To be freed. */
char *sink_message(const json_t *event);

#endif
