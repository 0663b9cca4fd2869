/* SPDX-License-Identifier: GPL-2.0-only */
/* Where events go: memory, and any number of outputs. An event is numbered by the sink. */
#ifndef LEASTCAP_SINK_H
#define LEASTCAP_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "audit/memory.h"
#include "audit/output.h"

/* MESSAGE_ID of events in the journal: journalctl MESSAGE_ID=... */
#define SINK_ID_DENIED "7d0c5f1e2b6a4c3f9d8e6b0a41c2f7e5"
#define SINK_ID_WOULD_DENY "c1f0a3d86e5b4b0f8a9d27c4e6130b72"
#define SINK_ID_LOST "4b9e2d7730a64f1ca5e8f60b1d92c384"
#define SINK_ID_PROOF "5c3de1a94f0b4c7786d2b3e07f6a1994"
#define SINK_ID_OTHER "e25a8c6190d34db7b6f3084e7a1c5d9f"

#define SINK_JOURNAL_SOCKET "/run/systemd/journal/socket"

#define SINK_SYSLOGS 4
#define SINK_OUTPUTS (4 + SINK_SYSLOGS)

struct sink_options {
	const char *file; /* NULL: none */
	uint64_t file_size; /* where a new file is begun; 0: never */
	unsigned int file_keep; /* older files, at least 1 */
	const char *journal; /* its socket; NULL: none */
	bool standard_output;
	bool audit; /* the kernel's audit subsystem */
	const char *syslog[SINK_SYSLOGS]; /* a socket's path, or an address_parse(); NULL: none */
};

struct sink {
	struct memory memory;
	struct output outputs[SINK_OUTPUTS];
	size_t n_outputs;
	json_t *host, *boot; /* stamped on every event */
	uint64_t dropped; /* events for which there was no memory */
};

/* What cannot be opened is logged, and tried again. Only -ENOMEM. */
int sink_init(struct sink *s, const struct sink_options *o);
void sink_done(struct sink *s);

/* The number of the next event: its "seq". */
uint64_t sink_next(const struct sink *s);

/* Hands an event to all. Takes the reference; NULL counts as an event for which there was no memory. */
void sink_emit(struct sink *s, json_t *event);

/* Now and then: writes what waits, and tells of outputs that work again. True: soon again, there is more. */
bool sink_flush(struct sink *s);

/* Does nothing wait, and is nobody to be tried again? Then there is nothing to flush. */
bool sink_quiet(const struct sink *s);

/* After a file was renamed by logrotate. Logs. */
void sink_reopen(struct sink *s);

/* The outputs, as the status has them. NULL: no memory. */
json_t *sink_to_json(const struct sink *s);

#endif
