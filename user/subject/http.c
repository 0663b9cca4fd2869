/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/http.h"

#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

#include <curl/curl.h>

#define CONNECT_MSEC 2000L
#define WHOLE_MSEC 5000L

struct http_request {
	TAILQ_ENTRY(http_request) link;
	struct http *h;
	struct http_get get;
	CURL *easy;
	int fd; /* curl's, while it is connected */
	char *body;
	size_t len, size;
	bool too_big, not_theirs;
};

struct http {
	CURLM *multi;
	sd_event *event;
	sd_event_source *timer;
	TAILQ_HEAD(, http_request) requests;
};

static void request_free(struct http_request *r)
{
	TAILQ_REMOVE(&r->h->requests, r, link);
	if (r->easy) {
		curl_multi_remove_handle(r->h->multi, r->easy);
		curl_easy_cleanup(r->easy);
	}
	free(r->body);
	free(r);
}

/* ---- what curl calls for one request ---- */

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

static size_t on_data(char *data, size_t one, size_t n, void *ctx)
{
	struct http_request *r = ctx;

	n *= one;
	if (n > r->get.max - r->len) {
		r->too_big = true;
		return 0;
	}
	if (r->len + n > r->size) {
		size_t size = r->size ? r->size : 4096;
		char *grown;

		while (size < r->len + n)
			size *= 2;
		grown = realloc(r->body, size);
		if (!grown)
			return 0;
		r->body = grown;
		r->size = size;
	}
	memcpy(r->body + r->len, data, n);
	r->len += n;
	if (r->get.line)
		split_lines(r);
	return n;
}

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_request *r = ctx;

	r->fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	return r->fd < 0 ? CURL_SOCKET_BAD : r->fd;
}

/* Connected, nothing sent yet. A path can lead anywhere, above all one that a user has made: who listens counts. */
static int on_connected(void *ctx, char *remote, char *local, int remote_port, int local_port)
{
	struct http_request *r = ctx;
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t len = sizeof(peer);

	if (!getsockopt(r->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) && peer.uid == r->get.uid)
		return CURL_PREREQFUNC_OK;
	r->not_theirs = true;
	return CURL_PREREQFUNC_ABORT;
}

/* ---- the end of a request ---- */

static int error_of(const struct http_request *r, CURLcode code)
{
	long os = 0;

	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(r->easy, CURLINFO_OS_ERRNO, &os);
		return os == ENOENT ? -ENOENT : -ECONNREFUSED;
	default:
		break;
	}
	if (r->not_theirs)
		return -EPERM;
	return r->too_big ? -EFBIG : -EPROTO;
}

static void reap(struct http *h)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(h->multi, &left))) {
		struct http_request *r = NULL;
		struct http_get get;
		long status = 0;
		char *body;
		size_t len;
		int err;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &r);
		curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
		err = error_of(r, message->data.result);
		get = r->get;
		body = TAKE_PTR(r->body);
		len = r->len;
		/* First, so that done() may begin another one, and end any. */
		request_free(r);
		get.done(err, err ? 0 : status, body, err ? 0 : len, get.ctx);
		free(body);
	}
}

/* ---- curl's sockets and its clock, in the event loop ---- */

static int on_socket_ready(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	struct http *h = ctx;
	int running, mask = 0;

	if (events & EPOLLIN)
		mask |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		mask |= CURL_CSELECT_ERR;
	curl_multi_socket_action(h->multi, fd, mask, &running);
	reap(h);
	return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *assigned)
{
	sd_event_source *source = assigned;
	struct http *h = ctx;
	uint32_t events = 0;

	if (what == CURL_POLL_REMOVE) {
		sd_event_source_disable_unref(source);
		curl_multi_assign(h->multi, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	/* Without a source the request ends by its time limit. */
	if (source)
		(void)sd_event_source_set_io_events(source, events);
	else if (sd_event_add_io(h->event, &source, fd, events, on_socket_ready, h) >= 0)
		curl_multi_assign(h->multi, fd, source);
	return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *ctx)
{
	struct http *h = ctx;
	int running;

	curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	reap(h);
	return 0;
}

static int on_timer(CURLM *multi, long msec, void *ctx)
{
	struct http *h = ctx;

	if (msec < 0)
		return sd_event_source_set_enabled(h->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
	if (sd_event_source_set_time_relative(h->timer, (uint64_t)msec * 1000) < 0)
		return -1;
	return sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

/* ---- outside ---- */

int http_new(sd_event *event, struct http **ret)
{
	_cleanup_(http_freep) struct http *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	TAILQ_INIT(&h->requests);
	h->event = sd_event_ref(event);
	h->multi = curl_multi_init();
	if (!h->multi)
		return -ENOMEM;
	err = sd_event_add_time_relative(event, &h->timer, CLOCK_MONOTONIC, 0, 1000, on_time, h);
	if (err < 0)
		return err;
	err = sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
	if (err < 0)
		return err;
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	*ret = TAKE_PTR(h);
	return 0;
}

static int prepare(struct http_request *r)
{
	_cleanup_free_ char *url = NULL;
	CURL *easy = r->easy;
	int bad = 0;

	if (asprintf(&url, "http://localhost%s", r->get.path) < 0) {
		url = NULL;
		return -ENOMEM;
	}
	bad |= curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, r->get.socket);
	bad |= curl_easy_setopt(easy, CURLOPT_URL, url);
	bad |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
	bad |= curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* whatever the environment says */
	bad |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MSEC);
	bad |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, r->get.line ? 0L : WHOLE_MSEC);
	bad |= curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)r->get.max_per_sec);
	/* A connection each: on_connected() sees every one of them, and a restarted engine leaves no stale ones. */
	bad |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	bad |= curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	bad |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	bad |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, r);
	bad |= curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
	bad |= curl_easy_setopt(easy, CURLOPT_PREREQDATA, r);
	bad |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
	bad |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, r);
	bad |= curl_easy_setopt(easy, CURLOPT_PRIVATE, r);
	return bad ? -EINVAL : 0;
}

int http_get(struct http *h, const struct http_get *get, struct http_request **ret)
{
	struct http_request *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	*r = (struct http_request){.h = h, .get = *get, .fd = -EBADF};
	TAILQ_INSERT_TAIL(&h->requests, r, link);
	r->easy = curl_easy_init();
	err = r->easy ? prepare(r) : -ENOMEM;
	if (!err && curl_multi_add_handle(h->multi, r->easy) != CURLM_OK)
		err = -ENOMEM;
	if (err) {
		request_free(r);
		return err;
	}
	/* Copied by curl; not ours to keep. */
	r->get.socket = r->get.path = NULL;
	*ret = r;
	return 0;
}

void http_cancel(struct http_request *r)
{
	request_free(r);
}

void http_free(struct http *h)
{
	while (!TAILQ_EMPTY(&h->requests))
		request_free(TAILQ_FIRST(&h->requests));
	if (h->multi)
		curl_multi_cleanup(h->multi);
	sd_event_source_disable_unref(h->timer);
	sd_event_unref(h->event);
	free(h);
}
