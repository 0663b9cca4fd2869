/* SPDX-License-Identifier: GPL-2.0-only */
/* The control API of the daemon (docs/api.md), as its client. */
#ifndef LEASTCAP_CLIENT_H
#define LEASTCAP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/cleanup.h"

#define API_SOCKET "/run/leastcap/leastcap.sock"
/* The running daemon's, with the number of its process in it. */
#define DAEMON_LOCK_FILE "/run/leastcap/leastcapd.lock"

struct api_reply {
	long status; /* of HTTP */
	json_t *json; /* the answer's object; NULL when there was none or it was streamed */
};

static inline void api_reply_done(struct api_reply *reply)
{
	json_decref(reply->json);
}

/* Sends a request. 0: the daemon answered, whatever it said. -ENOTCONN: it is not running. Other -errno. */
int api_request(const char *method, const char *path, const char *body, size_t len,
		struct api_reply *ret);

/* Other requests are given up after two minutes: -ETIMEDOUT. */
int api_get(const char *path, unsigned int patience_s, struct api_reply *ret);

/* Like api_request("GET"), but a good answer is handed over line by line, without "\n", while it comes.
 * fn returns non-zero to stop: -ECANCELED. */
int api_stream(const char *path, int (*fn)(const char *line, size_t len, void *ctx), void *ctx,
	       struct api_reply *ret);

/* prefix with text appended, percent-encoded; to be freed. */
char *api_path(const char *prefix, const char *text);

/* Does anybody listen on the socket? */
bool api_alive(void);

/* Logs why there was no answer, and what to do. Returns CLI_FAILED. */
int api_unreachable(int err);

/* Logs an answer that is not 2xx. file: what `errors` of a bad policy are about that name none; may be NULL. Returns CLI_FAILED. */
int api_refused(const struct api_reply *reply, const char *file);

/* An answer as JSON, or by print(), or why there is none to print. Returns the exit status. */
int api_told(const struct api_reply *reply, bool json, void (*print)(const json_t *answer));

/* A request without a body, and its answer as JSON or by print(). path: NULL for no memory. Returns the exit status. */
int api_ask(const char *method, const char *path, bool json, void (*print)(const json_t *answer));

/* Prints the errors of a policy as `check` prints them, to standard error. -ENOMEM. */
int api_errors_print(const json_t *array, const char *file);

static inline bool api_ok(const struct api_reply *reply)
{
	return reply->status >= 200 && reply->status < 300;
}

#endif
