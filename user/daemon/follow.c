/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GET /v1/events. A stream remembers only the number of the last event it told: a reader that is too slow costs
 * no memory, it misses what was overwritten meanwhile and is told how much.
 */
#include "daemon/api.h"

#include <string.h>

#include "audit/event.h"
#include "base/log.h"
#include "daemon/http_loop.h"

/* What libmicrohttpd keeps for a stream; a line may be longer. */
#define BLOCK_SIZE 16384

struct stream {
	struct streams *all;
	struct stream *previous, *next;
	struct MHD_Connection *connection;
	sd_event_source *hangup;
	int fd; /* a duplicate of the connection's: ours to watch */
	uint64_t last; /* number of the last event that was told */
	uint64_t end; /* without follow: of the last one to tell */
	bool follow;
	bool waiting; /* the connection is suspended */
	bool gone; /* so is the client */
	char *line; /* being written */
	size_t len, done;
};

/* A line of our own: the client was too slow. Its number is that of the last event missed. */
static int lost_line(struct stream *s, uint64_t number, uint64_t n)
{
	json_auto_t *event = event_new("lost", number);
	_cleanup_free_ char *text = NULL;
	int len;

	if (!event ||
	    json_object_set_new(event, "losses", json_pack("{s:I}", "stream", (json_int_t)n)))
		return -ENOMEM;
	text = json_dumps(event, JSON_COMPACT);
	len = text ? asprintf(&s->line, "%s\n", text) : -1;
	if (len < 0) {
		s->line = NULL;
		return -ENOMEM;
	}
	s->len = (size_t)len;
	return 0;
}

/* Takes the next line. 1: there is one, 0: there is none, or -ENOMEM. */
static int next_line(struct stream *s)
{
	const struct memory *m = s->all->memory;
	uint64_t end = s->follow ? m->last : s->end, number = s->last + 1;
	const char *line = NULL;
	size_t len = 0;

	free(TAKE_PTR(s->line));
	s->len = s->done = 0;
	if (number > end)
		return 0;
	if (number < memory_oldest(m))
		number = memory_oldest(m);
	/* Events for which there was no memory are missed like the overwritten ones. */
	while (number <= m->last && !(line = memory_get(m, number, &len)))
		number++;
	if (number > s->last + 1) {
		int err = lost_line(s, number - 1, number - 1 - s->last);

		s->last = number - 1;
		return err ? err : 1;
	}
	/* Copied: it may be overwritten before it is sent. */
	s->line = malloc(len);
	if (!s->line)
		return -ENOMEM;
	memcpy(s->line, line, len);
	s->len = len;
	s->last = number;
	return 1;
}

static ssize_t read_stream(void *ctx, uint64_t position, char *buf, size_t max)
{
	struct stream *s = ctx;
	size_t used = 0;
	int more = 1;

	while (!s->gone && used < max) {
		size_t n = s->len - s->done;

		if (n == 0) {
			more = next_line(s);
			if (more <= 0)
				break;
			continue;
		}
		if (n > max - used)
			n = max - used;
		memcpy(buf + used, s->line + s->done, n);
		s->done += n;
		used += n;
	}
	if (used)
		return (ssize_t)used;
	if (s->gone || more < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!s->follow || s->all->ending)
		return MHD_CONTENT_READER_END_OF_STREAM;
	s->waiting = true;
	MHD_suspend_connection(s->connection);
	return 0;
}

static void free_stream(void *ctx)
{
	struct stream *s = ctx;

	if (s->previous)
		s->previous->next = s->next;
	else if (s->all->first == s)
		s->all->first = s->next;
	if (s->next)
		s->next->previous = s->previous;
	s->all->n--;
	sd_event_source_disable_unref(s->hangup);
	if (s->fd >= 0)
		close(s->fd);
	free(s->line);
	free(s);
}

static void go_on(struct stream *s)
{
	if (!s->waiting)
		return;
	s->waiting = false;
	s->all->woken = true;
	MHD_resume_connection(s->connection);
}

/* Without this, a client that left would keep its place until the next event. */
static int on_hangup(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	struct stream *s = ctx;

	s->gone = true;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	go_on(s);
	return 0;
}

static struct stream *new_stream(struct streams *all, struct MHD_Connection *connection,
				 const struct events_request *request)
{
	const struct memory *m = all->memory;
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->all = all;
	s->connection = connection;
	s->fd = -EBADF;
	s->follow = request->follow;
	s->end = m->last;
	/* A number that is yet to come is of an earlier daemon: what is remembered is all newer. */
	s->last = request->since && request->since <= m->last ? request->since
							      : memory_oldest(m) - 1;
	s->next = all->first;
	if (s->next)
		s->next->previous = s;
	all->first = s;
	all->n++;
	return s;
}

enum MHD_Result streams_answer(struct streams *all, struct MHD_Connection *connection,
			       const struct events_request *request)
{
	struct stream *s = new_stream(all, connection, request);
	struct MHD_Response *response;
	enum MHD_Result result;
	int err = 0;

	if (!s)
		return MHD_NO;
	if (s->follow)
		err = http_watch_hangup(connection, all->event, on_hangup, s, &s->hangup, &s->fd);
	if (err < 0) {
		log_debug("cannot watch a connection: %s", strerror(-err));
		free_stream(s);
		return MHD_NO;
	}
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, read_stream, s,
						     free_stream);
	if (!response) {
		free_stream(s);
		return MHD_NO;
	}
	/* From here on the response owns the stream. Who follows may be silent for as long as he likes. */
	if (s->follow)
		MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0U);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/x-ndjson");
	result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

bool streams_wake(struct streams *all)
{
	bool woken;

	for (struct stream *s = all->first; s; s = s->next)
		if (all->ending || s->last < all->memory->last)
			go_on(s);
	woken = all->woken;
	all->woken = false;
	return woken;
}
