/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/api.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "audit/event.h"
#include "audit/prom.h"
#include "base/escape.h"
#include "base/log.h"
#include "daemon/arguments.h"
#include "daemon/aside.h"
#include "daemon/http_loop.h"
#include "daemon/requests.h"
#include "daemon/socket.h"

#define CONNECTIONS_MAX 64U
/* Of these, so that the rest of the API stays reachable. */
#define STREAMS_MAX 48U
#define ASIDES_MAX 16U
#define IDLE_S 10U

#define STATUS_PATH "/v1/status"

#define BODY_MAX (1UL << 20)
/* A body that is refused is still read to here, so that the client gets to see why. */
#define DISCARD_MAX (16UL << 20)

struct api {
	struct MHD_Daemon *http;
	sd_event *event;
	struct http_loop loop;
	sd_event_source *after;
	struct state *state;
	struct streams streams;
	struct asides asides;
	int (*unload)(void *ctx);
	void *ctx;
	char *path; /* of the socket; NULL: not made */
	gid_t group;
};

struct request {
	const struct route *route;
	struct peer peer;
	char *path; /* decoded */
	char *body;
	size_t len, size;
	size_t discarded;
	unsigned int status; /* != 0: decided before the body */
	json_t *answer;
	struct aside *aside; /* a child answers it */
	char *text; /* an answer that is no JSON */
	const char *allow; /* for 405 */
	bool last; /* the daemon ends when it is answered */
};

struct route {
	const char *method;
	const char *path; /* ends in '/': anything may follow */
	bool change;
	/* Returns the HTTP status; NULL: `call` does, or handle() knows who answers. */
	unsigned int (*fn)(struct api *a, struct MHD_Connection *c, struct request *r,
			   json_t **ret);
	request_fn call;
	const char *arguments[6]; /* that it takes; ends with NULL */
};

/* ---- answers ---- */

static unsigned int refuse(json_t **ret, unsigned int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static unsigned int refuse(json_t **ret, unsigned int status, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_decref(*ret);
	/* It may have been cut within a character. */
	*ret = json_pack("{s:o}", "error", event_string(text));
	return status;
}

static enum MHD_Result send_answer(struct MHD_Connection *c, struct request *r)
{
	const char *type = r->text ? PROM_CONTENT_TYPE : "application/json";
	_cleanup_free_ char *text = r->text	? TAKE_PTR(r->text)
				    : r->answer ? json_dumps(r->answer, JSON_COMPACT)
						: NULL;
	struct MHD_Response *response;
	enum MHD_Result result;

	if (text) {
		response =
			MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
		if (response)
			TAKE_PTR(text);
	} else {
		static char no_memory[] = "{\"error\":\"out of memory\"}";

		r->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
		r->allow = NULL;
		response = MHD_create_response_from_buffer(sizeof(no_memory) - 1, no_memory,
							   MHD_RESPMEM_PERSISTENT);
	}
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (r->allow)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, r->allow);
	result = MHD_queue_response(c, r->status, response);
	MHD_destroy_response(response);
	return result;
}

static bool is_utf8(const char *text)
{
	size_t left = strlen(text), n;

	for (; left; text += n, left -= n) {
		n = utf8_next(text, left, NULL);
		if (!n)
			return false;
	}
	return true;
}

static const char *argument(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, name);
}

/* ---- requests ---- */

static unsigned int get_policies(struct api *a, struct MHD_Connection *c, struct request *r,
				 json_t **ret)
{
	return state_policies(a->state, ret);
}

static unsigned int get_metrics(struct api *a, struct MHD_Connection *c, struct request *r,
				json_t **ret)
{
	r->text = state_metrics(a->state);
	return r->text ? MHD_HTTP_OK : MHD_HTTP_INTERNAL_SERVER_ERROR;
}

static unsigned int post_reload(struct api *a, struct MHD_Connection *c, struct request *r,
				json_t **ret)
{
	int err = state_reload(a->state, &r->peer);
	char text[ERROR_TEXT_LEN];

	if (err == -ENOTUNIQ)
		return refuse(
			ret, MHD_HTTP_CONFLICT,
			"policies select the same, neither more exactly: they all stay as they "
			"are; 'leastcap status' shows where");
	if (err)
		return refuse(
			ret,
			error_is_room(err) ? MHD_HTTP_INSUFFICIENT_STORAGE
					   : MHD_HTTP_INTERNAL_SERVER_ERROR,
			"cannot reload, the policies stay as they are; 'leastcap status' tells "
			"more: %s",
			error_text(a->state, err, text));
	*ret = json_pack("{s:b}", "reloaded", 1);
	return MHD_HTTP_OK;
}

static unsigned int post_unload(struct api *a, struct MHD_Connection *c, struct request *r,
				json_t **ret)
{
	size_t bindings = state_bindings(a->state);
	int err = a->unload(a->ctx);

	if (err)
		return refuse(ret, MHD_HTTP_INTERNAL_SERVER_ERROR, "cannot unload: %s",
			      strerror(-err));
	/* The maps are there for as long as somebody has them open. */
	state_ends(a->state);
	state_unloaded(a->state, bindings, &r->peer);
	r->last = true;
	*ret = json_pack("{s:b}", "unloaded", 1);
	return MHD_HTTP_OK;
}

static const struct route routes[] = {
	{MHD_HTTP_METHOD_GET, STATUS_PATH, false, NULL, NULL, {"subject", NULL}},
	{MHD_HTTP_METHOD_GET, "/v1/policies", false, get_policies, NULL, {NULL}},
	{MHD_HTTP_METHOD_POST,
	 "/v1/policies",
	 true,
	 NULL,
	 request_apply,
	 {"file", "family", "dry_run", "shadow", "confirm", NULL}},
	{MHD_HTTP_METHOD_DELETE, "/v1/policies/", true, NULL, request_remove, {"shadow", NULL}},
	{MHD_HTTP_METHOD_POST, "/v1/confirm", true, NULL, request_confirm, {NULL}},
	{MHD_HTTP_METHOD_POST, "/v1/promote", true, NULL, request_promote, {"policy", NULL}},
	{MHD_HTTP_METHOD_POST, "/v1/mode", true, NULL, request_mode, {"policy", "mode", NULL}},
	{MHD_HTTP_METHOD_POST,
	 "/v1/disarm",
	 true,
	 NULL,
	 request_disarm,
	 {"seconds", "reason", NULL}},
	{MHD_HTTP_METHOD_POST, "/v1/rearm", true, NULL, request_rearm, {NULL}},
	{MHD_HTTP_METHOD_GET, "/v1/sampling", false, NULL, request_sampling, {NULL}},
	{MHD_HTTP_METHOD_POST, "/v1/sampling", true, NULL, request_sample, {"interval_ms", NULL}},
	{MHD_HTTP_METHOD_GET, "/v1/policy", false, NULL, request_policy, {"name", "shadow", NULL}},
	{MHD_HTTP_METHOD_GET, "/v1/show", false, NULL, request_show, {"subject", NULL}},
	{MHD_HTTP_METHOD_POST, "/v1/reload", true, post_reload, NULL, {NULL}},
	{MHD_HTTP_METHOD_POST, "/v1/unload", true, post_unload, NULL, {NULL}},
	{MHD_HTTP_METHOD_GET, "/v1/events", false, NULL, NULL, {"since", "follow", NULL}},
	{MHD_HTTP_METHOD_GET, "/metrics", false, get_metrics, NULL, {NULL}},
};

static unsigned int call_route(struct api *a, struct MHD_Connection *c, struct request *r)
{
	const struct request_call call = {
		.state = a->state,
		.connection = c,
		.name = r->path + strlen(r->route->path),
		.body = r->body ? r->body : "",
		.len = r->len,
		.peer = &r->peer,
	};

	return r->route->fn ? r->route->fn(a, c, r, &r->answer) : r->route->call(&call, &r->answer);
}

static enum MHD_Result get_events(struct api *a, struct MHD_Connection *c, struct request *r)
{
	const char *since = argument(c, "since"), *follow = argument(c, "follow");
	struct events_request request = {.follow = follow && !strcmp(follow, "1")};

	if (since && request_number(since, &request.since))
		r->status = refuse(&r->answer, MHD_HTTP_BAD_REQUEST,
				   "since: the number of an event is needed");
	else if (follow && strcmp(follow, "0") && strcmp(follow, "1"))
		r->status = refuse(&r->answer, MHD_HTTP_BAD_REQUEST, "follow: 0 or 1 is needed");
	else if (a->streams.n >= STREAMS_MAX)
		r->status = refuse(&r->answer, MHD_HTTP_SERVICE_UNAVAILABLE,
				   "%u clients read events already", a->streams.n);
	else
		return streams_answer(&a->streams, c, &request);
	return send_answer(c, r);
}

/* Called twice: a child is begun, and has ended (aside.h). */
static enum MHD_Result get_status(struct api *a, struct MHD_Connection *c, struct request *r)
{
	int err;

	if (r->aside)
		return aside_answer(r->aside);
	if (a->asides.n >= ASIDES_MAX) {
		r->status = refuse(&r->answer, MHD_HTTP_SERVICE_UNAVAILABLE,
				   "%u clients wait for the status already", a->asides.n);
		return send_answer(c, r);
	}
	err = aside_begin(&a->asides, c, state_status, argument(c, "subject"), &r->aside);
	if (!err)
		return MHD_YES;
	r->status = refuse(&r->answer, MHD_HTTP_INTERNAL_SERVER_ERROR,
			   "no child for the answer: %s", strerror(-err));
	return send_answer(c, r);
}

/* ---- deciding, before the body is read ---- */

static unsigned int find_route(struct request *r, const char *method)
{
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		const struct route *route = &routes[i];

		len = strlen(route->path);
		if (route->path[len - 1] == '/'
			    ? strncmp(r->path, route->path, len) || strlen(r->path) == len
			    : strcmp(r->path, route->path))
			continue;
		if (!strcmp(method, route->method)) {
			r->route = route;
			r->allow = NULL;
			return 0;
		}
		/* Paths with two methods have them next to each other in the table: GET and POST. */
		r->allow = r->allow ? "GET, POST" : route->method;
	}
	if (!r->allow)
		return refuse(
			&r->answer, MHD_HTTP_NOT_FOUND,
			"no such path; the API is /v1/status, /v1/policies, /v1/policy, "
			"/v1/show, /v1/events, /v1/confirm, /v1/promote, /v1/mode, /v1/disarm, "
			"/v1/rearm, /v1/sampling, /v1/reload, /v1/unload, /metrics");
	return refuse(&r->answer, MHD_HTTP_METHOD_NOT_ALLOWED, "this path takes %s only", r->allow);
}

static enum MHD_Result check_argument(void *ctx, enum MHD_ValueKind kind, const char *key,
				      const char *value)
{
	bool *bad = ctx;

	*bad = *bad || !is_utf8(key) || (value && !is_utf8(value));
	return MHD_YES;
}

static enum MHD_Result note_argument(void *ctx, enum MHD_ValueKind kind, const char *key,
				     const char *value)
{
	arguments_note(ctx, key, value);
	return MHD_YES;
}

/* Returns 0 if the request may go on, else its status, with the answer in r. */
static unsigned int decide(struct api *a, struct MHD_Connection *c, struct request *r,
			   const char *method)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	bool in_group = false, bad = !is_utf8(r->path);
	struct arguments arguments = {};
	int err = info ? socket_peer(info->connect_fd, a->group, &r->peer, &in_group) : -EBADF;
	unsigned int status;

	if (err)
		return refuse(&r->answer, MHD_HTTP_INTERNAL_SERVER_ERROR,
			      "cannot tell who asks: %s", strerror(-err));
	if (r->peer.uid != 0 && !in_group)
		return refuse(&r->answer, MHD_HTTP_FORBIDDEN,
			      "reading needs root or the group of the socket");
	MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, check_argument, &bad);
	if (bad)
		return refuse(&r->answer, MHD_HTTP_BAD_REQUEST, "the URL is not UTF-8");
	status = find_route(r, method);
	if (status)
		return status;
	if (r->route->change && r->peer.uid != 0)
		return refuse(&r->answer, MHD_HTTP_FORBIDDEN, "changing needs root");
	arguments.known = r->route->arguments;
	MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, note_argument, &arguments);
	return *arguments.wrong ? refuse(&r->answer, MHD_HTTP_BAD_REQUEST, "%s", arguments.wrong)
				: 0;
}

static unsigned int body_too_large(struct request *r)
{
	free(TAKE_PTR(r->body));
	return refuse(
		&r->answer, MHD_HTTP_CONTENT_TOO_LARGE,
		"the body is larger than %lu bytes: no policy file is, with all that it includes",
		BODY_MAX);
}

static void free_request(struct request *r)
{
	json_decref(r->answer);
	aside_free(r->aside);
	free(r->text);
	free(r->path);
	free(r->body);
	free(r);
}

static enum MHD_Result begin(struct api *a, struct MHD_Connection *c, const char *url,
			     const char *method, void **ctx)
{
	const char *length =
		MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	const char *expect =
		MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT);
	struct request *r = calloc(1, sizeof(*r));
	bool large = length && strtoull(length, NULL, 10) > BODY_MAX;

	if (!r)
		return MHD_NO;
	r->path = strdup(url);
	if (!r->path) {
		free_request(r);
		return MHD_NO;
	}
	*ctx = r;
	r->status = decide(a, c, r, method);
	if (!r->status && large)
		r->status = body_too_large(r);
	/* An answer before the body closes the connection. A client that is not prepared for that, and sends a
	 * body that is short, gets it afterwards. */
	return r->status && (large || expect) ? send_answer(c, r) : MHD_YES;
}

/* MHD_NO closes the connection. */
static enum MHD_Result take_body(struct request *r, const char *data, size_t len)
{
	size_t size = r->size ? r->size : 4096;
	char *grown;

	if (!r->status && len > BODY_MAX - r->len)
		r->status = body_too_large(r);
	if (r->status) {
		r->discarded += len;
		return r->discarded > DISCARD_MAX ? MHD_NO : MHD_YES;
	}
	while (size < r->len + len + 1)
		size *= 2;
	if (size != r->size) {
		grown = realloc(r->body, size);
		if (!grown)
			return MHD_NO;
		r->body = grown;
		r->size = size;
	}
	memcpy(r->body + r->len, data, len);
	r->len += len;
	r->body[r->len] = '\0';
	return MHD_YES;
}

static enum MHD_Result handle(void *ctx, struct MHD_Connection *c, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *size, void **request)
{
	struct api *a = ctx;
	struct request *r = *request;

	if (!r)
		return begin(a, c, url, method, request);
	if (*size) {
		enum MHD_Result result = take_body(r, data, *size);

		*size = 0;
		return result;
	}
	if (!r->status && !r->route->fn && !r->route->call)
		return !strcmp(r->route->path, STATUS_PATH) ? get_status(a, c, r)
							    : get_events(a, c, r);
	if (!r->status)
		r->status = call_route(a, c, r);
	return send_answer(c, r);
}

static void completed(void *ctx, struct MHD_Connection *c, void **request,
		      enum MHD_RequestTerminationCode code)
{
	struct api *a = ctx;
	struct request *r = *request;

	if (!r)
		return;
	*request = NULL;
	if (r->last)
		sd_event_exit(a->event, EXIT_SUCCESS);
	free_request(r);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* As libmicrohttpd's, but a NUL stays encoded: it would cut off what follows. */
static size_t unescape(void *ctx, struct MHD_Connection *c, char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		int high = *p == '%' ? hex(p[1]) : -1, low = high >= 0 ? hex(p[2]) : -1;

		if (low >= 0 && (high || low)) {
			*to++ = (char)(high << 4 | low);
			p += 2;
		} else {
			*to++ = *p;
		}
	}
	*to = '\0';
	return (size_t)(to - text);
}

/* ---- the event loop ---- */

/* After anything else has happened: there may be new events. */
static int on_other(sd_event_source *source, void *ctx)
{
	struct api *a = ctx;

	const bool events = streams_wake(&a->streams), answers = asides_woken(&a->asides);

	/* Nothing in libmicrohttpd's epoll tells it that a connection goes on. */
	if (events || answers)
		http_loop_run(&a->loop);
	return 0;
}

static int start_http(struct api *a, int fd)
{
	a->http = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
				   NULL, NULL, handle, a, MHD_OPTION_EXTERNAL_LOGGER, http_loop_log,
				   NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				   CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
				   MHD_OPTION_NOTIFY_COMPLETED, completed, a,
				   MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_END);
	return a->http ? 0 : -EIO;
}

static int add_sources(struct api *a)
{
	int err = http_loop_open(&a->loop, a->event, a->http);

	if (err)
		return err;
	err = sd_event_add_post(a->event, &a->after, on_other, a);
	return err < 0 ? err : 0;
}

int api_open(const struct api_options *o, struct api **ret)
{
	_cleanup_(api_freep) struct api *a = calloc(1, sizeof(*a));
	_cleanup_free_ char *path = strdup(o->socket);
	sigset_t set;
	int fd, err;

	if (!a || !path)
		return log_err(-ENOMEM, "cannot serve %s", o->socket);
	a->event = o->event;
	a->state = o->state;
	a->unload = o->unload;
	a->ctx = o->ctx;
	a->streams = (struct streams){.event = o->event, .memory = o->memory};
	a->asides = (struct asides){.event = o->event, .ctx = o->state, .note = state_status_note};
	/* sd_event_add_child(3) asks for it. */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return log_err(-errno, "cannot block SIGCHLD");
	fd = socket_listen(path, &a->group);
	if (fd < 0)
		return fd;
	a->path = TAKE_PTR(path);
	/* Owned by libmicrohttpd from here on; when it fails it has closed it, or the process ends. */
	err = start_http(a, fd);
	if (!err)
		err = add_sources(a);
	if (err)
		return log_err(err, "cannot serve %s", a->path);
	*ret = TAKE_PTR(a);
	return 0;
}

struct api *api_free(struct api *a)
{
	if (!a)
		return NULL;
	if (a->http) {
		int fd = MHD_quiesce_daemon(a->http);

		if (fd >= 0)
			close(fd);
		/* Who follows gets his last lines and a proper end; libmicrohttpd dies of connections that are
		 * suspended when it is stopped. */
		a->streams.ending = true;
		asides_end(&a->asides);
		for (int i = 0; i < 8 && (a->streams.n || a->asides.n); i++) {
			streams_wake(&a->streams);
			MHD_run(a->http);
		}
		streams_wake(&a->streams);
		MHD_stop_daemon(a->http);
	}
	http_loop_close(&a->loop);
	sd_event_source_disable_unref(a->after);
	if (a->path)
		unlink(a->path);
	free(a->path);
	free(a);
	return NULL;
}
