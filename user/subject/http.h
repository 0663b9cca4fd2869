/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GET over unix sockets that never blocks: answers go through http_parser, driven by sd-event. libcurl would do it, and bring
 * forty libraries into the daemon for protocols that no engine speaks.
 */
#ifndef LEASTCAP_HTTP_H
#define LEASTCAP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"

struct http;
struct http_request;

struct http_get {
	const char *socket;
	const char *path; /* "/containers/ID/json" */
	uid_t uid; /* whose process must listen there */
	size_t max; /* bytes of the answer; of one line, in a stream */
	size_t max_per_sec; /* bytes, of a stream: what else comes waits at the sender's */

	/* Called once, after which the request is gone. err: 0 with the answer's status and body, which may be changed
	 * and is not kept; -ENOENT, -ECONNREFUSED: nobody listens; -EPERM: somebody else does; -ETIMEDOUT, also
	 * where too many wait for him; -EFBIG; -EPROTO: no answer that HTTP knows. */
	void (*done)(int err, long status, char *body, size_t len, void *ctx);

	/* Set for a stream: called for each line, without its end, of an answer that has no time limit and no body. */
	void (*line)(char *text, size_t len, void *ctx);
	/* A stream has begun, with status 200; may be NULL. */
	void (*begun)(void *ctx);
	void *ctx;
};

int http_new(sd_event *event, struct http **ret);

/* Begins; done() is never called from here. Nothing of `get` needs to outlive the call but ctx. */
int http_get(struct http *h, const struct http_get *get, struct http_request **ret);

/* Ends a request without done(). Not from within line() or begun(). */
void http_cancel(struct http_request *r);

/* With all its requests; not from within done(), line() or begun(). */
void http_free(struct http *h);
DEFINE_CLEANUP(struct http *, http_free);

#endif
