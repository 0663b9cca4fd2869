/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests that a child of the daemon answers: what takes long where much is bound, and only reads. The child is a copy of the
 * daemon at that moment, so the loop goes on, and the memory that the answer takes goes with the child.
 */
#ifndef LEASTCAP_ASIDE_H
#define LEASTCAP_ASIDE_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>
#include <microhttpd.h>
#include <systemd/sd-event.h>

/* In the child: writes the answer, and what the daemon is to do about it. Another status than 200: what was written does not count,
 * *ret_error is the answer. */
typedef unsigned int (*aside_fn)(void *ctx, const char *argument, FILE *answer, FILE *notes,
				 json_t **ret_error);

struct aside;

struct asides {
	struct aside *first;
	unsigned int n;
	bool woken; /* a connection goes on at the next MHD_run() */
	sd_event *event; /* borrowed */
	void *ctx; /* of both */
	void (*note)(void *ctx, const char *line); /* a line of the notes, in the daemon */
};

/* SIGCHLD has to be blocked. The connection is suspended until the child has ended. -errno. */
int aside_begin(struct asides *all, struct MHD_Connection *connection, aside_fn fn,
		const char *argument, struct aside **ret);

/* Queues the answer, for a connection that goes on. */
enum MHD_Result aside_answer(struct aside *a);

/* Kills the child, should it run. NULL is fine; returns NULL. */
struct aside *aside_free(struct aside *a);

/* Has a connection to go on? Asked once. */
bool asides_woken(struct asides *all);

/* Nobody waits any longer. */
void asides_end(struct asides *all);

#endif
