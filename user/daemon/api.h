/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control API: HTTP and JSON on a unix socket, see docs/api.md. Runs on the event loop, in its thread; a
 * request never waits for another.
 */
#ifndef LEASTCAP_API_H
#define LEASTCAP_API_H

#include <stdbool.h>
#include <stdint.h>

#include <microhttpd.h>
#include <systemd/sd-event.h>

#include "audit/memory.h"
#include "base/cleanup.h"
#include "daemon/state.h"

struct api;

struct api_options {
	const char *socket; /* path */
	sd_event *event; /* all of these are borrowed and outlive the API */
	struct state *state;
	const struct memory *memory;
	int (*unload)(void *ctx); /* empties the kernel; logs; -errno */
	void *ctx;
};

/* Listens. Logs; -errno. */
int api_open(const struct api_options *o, struct api **ret);

/* Ends streams in good order, closes, removes the socket. NULL is fine; returns NULL. */
struct api *api_free(struct api *a);
DEFINE_CLEANUP(struct api *, api_free);

/* ---- follow.c: GET /v1/events ---- */

struct stream;

/* The answers that are being written. */
struct streams {
	struct stream *first;
	unsigned int n;
	sd_event *event;
	const struct memory *memory;
	bool woken; /* a connection goes on at the next MHD_run() */
	bool ending; /* every stream ends when it has told what there is */
};

struct events_request {
	uint64_t since; /* 0: all that is remembered */
	bool follow;
};

/* Answers with what is remembered. MHD_NO: no memory; nothing was queued. */
enum MHD_Result streams_answer(struct streams *s, struct MHD_Connection *connection,
			       const struct events_request *request);

/* Goes on with the streams that wait and have something to tell. True: some do, at the next MHD_run(). */
bool streams_wake(struct streams *s);

#endif
