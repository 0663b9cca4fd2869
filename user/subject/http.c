/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/http.h"

#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <http_parser.h>

#define USEC_PER_SEC 1000000ULL
#define WHOLE_USEC (5 * USEC_PER_SEC)

/* What is read in one turn of the loop. */
#define BLOCK_SIZE 16384

struct http_request {
	TAILQ_ENTRY(http_request) link;
	struct http *h;
	struct http_get get;
	int fd;
	sd_event_source *io;
	sd_event_source *timer; /* its end; of a stream, that of a rest */
	http_parser parser;
	char *body;
	size_t len, size;
	int err; /* it has ended by this, and only has to be told */
	bool whole;
};

struct http {
	sd_event *event;
	TAILQ_HEAD(, http_request) requests;
};

static void request_free(struct http_request *r)
{
	TAILQ_REMOVE(&r->h->requests, r, link);
	sd_event_source_disable_unref(r->io);
	sd_event_source_disable_unref(r->timer);
	if (r->fd >= 0)
		close(r->fd);
	free(r->body);
	free(r);
}

static void finish(struct http_request *r, int err)
{
	_cleanup_free_ char *body = TAKE_PTR(r->body);
	const struct http_get get = r->get;
	const long status = r->parser.status_code;
	const size_t len = r->len;

	/* First, so that done() may begin another one, and end any. */
	request_free(r);
	get.done(err, err ? 0 : status, body, err ? 0 : len, get.ctx);
}

/* ---- what the parser calls ---- */

/* Whole lines go to line(), what is left of the last one moves to the front. */
static void split_lines(struct http_request *r)
{
	char *begin = r->body, *end;

	while ((end = memchr(begin, '\n', r->len - (size_t)(begin - r->body)))) {
		r->get.line(begin, (size_t)(end - begin), r->get.ctx);
		begin = end + 1;
	}
	r->len -= (size_t)(begin - r->body);
	memmove(r->body, begin, r->len);
}

static int append(struct http_request *r, const char *data, size_t n)
{
	if (n > r->get.max - r->len)
		return -EFBIG;
	if (r->len + n > r->size) {
		size_t size = r->size ? r->size : 4096;
		char *grown;

		while (size < r->len + n)
			size *= 2;
		grown = realloc(r->body, size);
		if (!grown)
			return -ENOMEM;
		r->body = grown;
		r->size = size;
	}
	memcpy(r->body + r->len, data, n);
	r->len += n;
	return 0;
}

/* By as much as there is room for: it is a line that is limited. */
static int append_lines(struct http_request *r, const char *data, size_t n)
{
	while (n) {
		size_t room = r->get.max - r->len, piece = n < room ? n : room;
		int err = piece ? append(r, data, piece) : -EFBIG;

		if (err)
			return err;
		split_lines(r);
		data += piece;
		n -= piece;
	}
	return 0;
}

static int on_headers(http_parser *parser)
{
	const struct http_request *r = parser->data;

	if (r->get.begun && parser->status_code == 200)
		r->get.begun(r->get.ctx);
	return 0;
}

static int on_body(http_parser *parser, const char *data, size_t n)
{
	struct http_request *r = parser->data;

	r->err = r->get.line ? append_lines(r, data, n) : append(r, data, n);
	return r->err != 0;
}

static int on_complete(http_parser *parser)
{
	struct http_request *r = parser->data;

	/* 100 and its kind: the answer is yet to come. */
	if (parser->status_code < 200 && !parser->upgrade)
		return 0;
	r->whole = true;
	/* What comes behind it was not asked for. */
	http_parser_pause(parser, 1);
	return 0;
}

static const http_parser_settings callbacks = {
	.on_headers_complete = on_headers, .on_body = on_body, .on_message_complete = on_complete};

/* ---- what the loop calls ---- */

/* So much of a stream was read: the next is read when its time has come. */
static void rest(struct http_request *r, size_t n)
{
	if (!r->get.max_per_sec ||
	    sd_event_source_set_time_relative(r->timer, n * USEC_PER_SEC / r->get.max_per_sec) < 0)
		return;
	if (sd_event_source_set_enabled(r->timer, SD_EVENT_ONESHOT) >= 0)
		(void)sd_event_source_set_enabled(r->io, SD_EVENT_OFF);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	struct http_request *r = ctx;
	char block[BLOCK_SIZE];
	ssize_t n = recv(fd, block, sizeof(block), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	/* Nothing is its end, which completes an answer of no stated length. */
	if (n >= 0)
		(void)http_parser_execute(&r->parser, &callbacks, block, (size_t)n);
	if (r->whole)
		finish(r, 0);
	else if (n <= 0 || HTTP_PARSER_ERRNO(&r->parser) != HPE_OK)
		finish(r, r->err ?: -EPROTO);
	else if (r->get.line)
		rest(r, (size_t)n);
	return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *ctx)
{
	struct http_request *r = ctx;

	if (r->err || !r->get.line)
		finish(r, r->err ?: -ETIMEDOUT);
	else
		(void)sd_event_source_set_enabled(r->io, SD_EVENT_ON);
	return 0;
}

/* ---- the beginning of a request ---- */

/* A path can lead anywhere, above all one that a user has made: who listens counts. */
static bool is_theirs(const struct http_request *r)
{
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t len = sizeof(peer);

	return !getsockopt(r->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) && peer.uid == r->get.uid;
}

/* A unix socket is connected at once, or not at all. */
static int connect_error(int err)
{
	switch (err) {
	case ENOENT:
		return -ENOENT;
	case EAGAIN:
		/* As many wait for it as may. */
		return -ETIMEDOUT;
	default:
		return -ECONNREFUSED;
	}
}

/* An empty socket takes more than this. */
static int send_request(const struct http_request *r)
{
	_cleanup_free_ char *text = NULL;
	int len = asprintf(
		&text,
		"GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: leastcapd/" LEASTCAP_VERSION
		"\r\nAccept: */*\r\nConnection: close\r\n\r\n",
		r->get.path);

	if (len < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return send(r->fd, text, (size_t)len, MSG_NOSIGNAL) == len ? 0 : -EPROTO;
}

/* -errno: it does not begin. r->err: it has ended already. */
static int begin(struct http_request *r)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(r->get.socket);

	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, r->get.socket, len);
	r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (r->fd < 0)
		return -errno;
	if (connect(r->fd, (struct sockaddr *)&address, sizeof(address)))
		r->err = connect_error(errno);
	else
		r->err = is_theirs(r) ? send_request(r) : -EPERM;
	return 0;
}

static int watch(struct http_request *r)
{
	const bool endless = !r->err && r->get.line;
	int err = sd_event_add_time_relative(r->h->event, &r->timer, CLOCK_MONOTONIC,
					     r->err ? 0 : WHOLE_USEC, 1000, on_time, r);

	if (err >= 0 && endless)
		err = sd_event_source_set_enabled(r->timer, SD_EVENT_OFF);
	if (err >= 0 && !r->err)
		err = sd_event_add_io(r->h->event, &r->io, r->fd, EPOLLIN, on_readable, r);
	return err < 0 ? err : 0;
}

int http_get(struct http *h, const struct http_get *get, struct http_request **ret)
{
	struct http_request *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	*r = (struct http_request){.h = h, .get = *get, .fd = -EBADF};
	http_parser_init(&r->parser, HTTP_RESPONSE);
	r->parser.data = r;
	TAILQ_INSERT_TAIL(&h->requests, r, link);
	err = begin(r) ?: watch(r);
	if (err) {
		request_free(r);
		return err;
	}
	/* Not ours to keep. */
	r->get.socket = r->get.path = NULL;
	*ret = r;
	return 0;
}

void http_cancel(struct http_request *r)
{
	request_free(r);
}

/* ---- all of them ---- */

int http_new(sd_event *event, struct http **ret)
{
	struct http *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	TAILQ_INIT(&h->requests);
	h->event = sd_event_ref(event);
	*ret = h;
	return 0;
}

void http_free(struct http *h)
{
	while (!TAILQ_EMPTY(&h->requests))
		request_free(TAILQ_FIRST(&h->requests));
	sd_event_unref(h->event);
	free(h);
}
