// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/event.h"
#include "base/duration.h"
#include "cli/client.h"
#include "cli/state.h"
#include "cli/status.h"
#include "cli/top.h"
#include "trace/names.h"

/* Events that are shown of a subject. */
#define EVENTS_SHOWN 12

struct top_source {
	json_t *names; /* id of a cgroup in decimal -> what people call it */
	json_t *events; /* of the subject, the oldest first; NULL: not asked yet */
	uint64_t events_of; /* the subject */
	json_int_t since; /* the newest event that was read */
	struct top_seen *seen;
	bool failed; /* checks cannot be counted */
};

struct top_source *top_source_new(void)
{
	struct top_source *s = calloc(1, sizeof(*s));

	if (s) {
		s->names = json_object();
		s->seen = top_seen_new();
	}
	return s && s->names && s->seen ? s : top_source_free(s);
}

struct top_source *top_source_free(struct top_source *s)
{
	if (!s)
		return NULL;
	json_decref(s->names);
	json_decref(s->events);
	top_seen_free(s->seen);
	free(s);
	return NULL;
}

void top_news_done(struct top_news *news)
{
	json_decref(news->status);
	json_decref(news->detail);
	*news = (struct top_news){};
}

__attribute__((format(printf, 2, 3))) static void tell(struct top_news *news, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(news->problem, sizeof(news->problem), fmt, args);
	va_end(args);
}

/* ---- names ---- */

static json_t *find_name(const char *path)
{
	_cleanup_free_ char *name = trace_name_shown(path);

	return name ? event_string(name) : NULL;
}

/* What was found out once is kept as long as the subject is there. */
static void add_names(struct top_source *s, json_t *status)
{
	json_t *names = json_object(), *each;
	size_t i;

	json_array_foreach(json_object_get(status, "bindings"), i, each) {
		const char *path = json_string_value(json_object_get(each, "cgroup")) ?: "";
		json_t *name;
		char id[24];

		snprintf(id, sizeof(id), "%lld",
			 (long long)json_integer_value(json_object_get(each, "cgroup_id")));
		name = json_incref(json_object_get(s->names, id)) ?: find_name(path);
		if (!name || json_object_set_new(each, "name", name))
			continue;
		(void)json_object_set(names, id, name);
	}
	json_decref(s->names);
	s->names = names;
}

/* ---- one subject ---- */

static json_t *find_binding(const json_t *status, uint64_t id)
{
	json_t *each;
	size_t i;

	json_array_foreach(json_object_get(status, "bindings"), i, each) {
		if (json_integer_value(json_object_get(each, "cgroup_id")) == (json_int_t)id)
			return each;
	}
	return NULL;
}

/* An event of whom? Those of a binding have `binding_id`; born and gone are about the cgroup itself. */
static bool is_about(const json_t *event, uint64_t id)
{
	const json_t *subject = json_object_get(event, "subject");
	const json_t *binding = json_object_get(subject, "binding_id");

	if (!json_is_integer(binding))
		binding = json_object_get(subject, "cgroup_id");
	return json_integer_value(binding) == (json_int_t)id;
}

static int take_event(const char *line, size_t len, void *ctx)
{
	json_auto_t *event = json_loadb(line, len, 0, NULL);
	struct top_source *s = ctx;

	if (!json_is_object(event))
		return 0;
	/* A daemon that was started anew begins with 1. */
	s->since = json_integer_value(json_object_get(event, "seq"));
	if (!is_about(event, s->events_of))
		return 0;
	if (json_array_size(s->events) >= EVENTS_SHOWN)
		json_array_remove(s->events, 0);
	return json_array_append(s->events, event);
}

/* What came since the last time. Without the daemon there is nobody to tell. */
static json_t *read_events(struct top_source *s, uint64_t subject)
{
	_cleanup_(api_reply_done) struct api_reply reply = {0};
	char path[64];

	if (!s->events || s->events_of != subject) {
		json_decref(s->events);
		s->events = json_array();
		s->events_of = subject;
		s->since = 0;
	}
	snprintf(path, sizeof(path), "/v1/events?since=%lld", (long long)s->since);
	if (!s->events || api_stream(path, take_event, s, &reply) || !api_ok(&reply))
		return json_null();
	/* Its own: the next ones are added while this is shown. */
	return json_copy(s->events);
}

static void add_detail(struct top_source *s, uint64_t subject, struct top_news *news)
{
	json_t *binding = find_binding(news->status, subject);

	if (!binding)
		return;
	/* Where they cannot be read `processes` is missing. */
	(void)status_subject_add(binding, false);
	(void)json_object_set_new(binding, "events", read_events(s, subject));
	news->detail = json_incref(binding);
}

/* ---- all ---- */

static int ask(json_t **ret, struct top_news *news)
{
	_cleanup_(api_reply_done) struct api_reply reply = {0};
	int err = api_request("GET", "/v1/status", NULL, 0, &reply);

	if (err)
		return err;
	if (!api_ok(&reply) || !reply.json) {
		tell(news, "the daemon answers with HTTP status %ld: %.60s", reply.status,
		     json_string_value(json_object_get(reply.json, "error")) ?: "?");
		return -EREMOTEIO;
	}
	*ret = TAKE_PTR(reply.json);
	return json_object_set_new(*ret, "daemon", json_true()) ? -ENOMEM : 0;
}

static void explain(struct top_news *news)
{
	switch (news->err) {
	case -EREMOTEIO:
		break;
	case -ENOTCONN:
		tell(news, "the daemon is not running; only root may read the kernel's maps");
		break;
	case -ECONNRESET:
		tell(news, "the daemon has ended; what is bound stays bound");
		break;
	default:
		tell(news, "nothing newer: %s", strerror(-news->err));
	}
}

static void add_seen(struct top_source *s, bool wanted, struct top_news *news)
{
	int err;

	if (!wanted) {
		s->failed = false;
		top_seen_stop(s->seen);
		return;
	}
	if (geteuid() != 0) {
		tell(news, "checks are not counted: that needs root");
		return;
	}
	err = s->failed ? -ECANCELED : top_seen_add(s->seen, news->status);
	if (err)
		tell(news, "checks are not counted: the program cannot be loaded");
	s->failed = err != 0;
}

void top_source_get(struct top_source *s, const struct top_wish *wish, struct top_news *ret)
{
	*ret = (struct top_news){};
	ret->err = ask(&ret->status, ret);
	if (ret->err == -ENOTCONN && geteuid() == 0)
		ret->err = state_status_from_maps(NULL, &ret->status);
	ret->time = boot_now();
	if (ret->err) {
		explain(ret);
		return;
	}
	add_names(s, ret->status);
	add_seen(s, wish->count, ret);
	if (wish->subject)
		add_detail(s, wish->subject, ret);
}
