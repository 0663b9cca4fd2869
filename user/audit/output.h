/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One place where events go: a file, the journal, syslog, audit, standard output. Each has a queue of its own, and nothing here
 * waits: what cannot be written now stays in the queue, and what the queue has no room for is counted.
 */
#ifndef LEASTCAP_OUTPUT_H
#define LEASTCAP_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <jansson.h>

/* What waits in one queue at most: a few seconds of a flood, and a bound on memory. */
#define OUTPUT_QUEUE_EVENTS 4096
#define OUTPUT_QUEUE_BYTES (4UL << 20)
/* After an error, and where it is told that all is well again. */
#define OUTPUT_RETRY_NS 1000000000ULL

/* Why an event is not where it should be. */
enum output_loss {
	OUTPUT_LOSS_FULL, /* the queue was full: stuck, slow, or failing for too long */
	OUTPUT_LOSS_REFUSED, /* too large for this place */
	OUTPUT_LOSS_MEMORY,
	OUTPUT_LOSSES,
};

struct output;

struct output_kind {
	const char *name;
	/* Sets o->fd, never waits. -errno. */
	int (*open)(struct output *o);
	/* The event as it goes there, to be freed. line: its JSON with a newline. NULL: no memory. */
	char *(*text)(const json_t *event, const char *line, size_t len, size_t *ret_len);
	/* Writes what it can of a text, never waits: how many bytes; -EAGAIN; -EMSGSIZE: this one never; -errno. */
	ssize_t (*write)(struct output *o, const char *text, size_t len);
	/* What an error means here; NULL, and where it answers NULL: what the number means everywhere. */
	const char *(*reason)(int err);
};

/* A kind's open(), where the target is the unix socket of a datagram service. Never blocks. */
int output_connect(struct output *o);

extern const struct output_kind output_file, output_stdout, output_journal, output_syslog,
	output_audit;

struct output_item;

struct output {
	const struct output_kind *kind;
	char *target;
	int fd; /* -EBADF: not open */
	struct output_item *first, *last;
	size_t n_items, n_bytes;
	size_t done; /* bytes of the first item that are written */
	uint64_t written; /* events */
	uint64_t lost[OUTPUT_LOSSES], told[OUTPUT_LOSSES];
	int err; /* why it fails, -EAGAIN: it does not keep up; 0: it does not fail */
	int was; /* what err was, until it is told that it works again; 0: nothing to tell */
	uint64_t retry; /* boot_now(); not before */

	/* file.c */
	uint64_t limit; /* bytes of a file, 0: any */
	unsigned int keep; /* older files */
	struct stat opened;
	uint64_t size;
	bool torn; /* the file ends within a line that is not ours to complete */
	bool socket;

	/* linux_audit.c */
	bool sent; /* the first item is on its way */
	bool late; /* and has been waited for */
};

/* target is copied. -ENOMEM. Opens nothing: output_flush() does. */
int output_init(struct output *o, const struct output_kind *kind, const char *target);
/* Tries to write what waits. What is left is counted, and logged. */
void output_done(struct output *o);

/* Queues an event and writes what can be written. Logs when it begins to fail. */
void output_emit(struct output *o, const json_t *event, const char *line, size_t len);

/* Writes what can be written. Logs when it begins to fail or works again. True: it got on, and there is more. */
bool output_flush(struct output *o);

/* Opens it anew now. Logs. */
void output_reopen(struct output *o);

/* {"sink","target","written","queued","failing","losses"}. NULL: no memory. */
json_t *output_to_json(const struct output *o);

/* If it works again: {"sink","target","reason","losses"} of the time it did not, once; else NULL. */
json_t *output_recovered(struct output *o);

#endif
