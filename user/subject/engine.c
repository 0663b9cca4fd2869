/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/engine.h"

#include <stdbool.h>
#include <string.h>
#include <sys/queue.h>

#include "base/duration.h"
#include "subject/document.h"
#include "subject/http.h"
#include "subject/retries.h"

#define MSEC 1000ULL
#define SEC 1000000ULL

#define ANSWER_MAX (4 << 20)
/* An event has all labels of its container. */
#define EVENT_MAX (1 << 20)

/* Between attempts at an engine that does not answer. */
#define PAUSE_MIN_USEC (500 * MSEC)
#define PAUSE_MAX_USEC (30 * SEC)

/* An engine that answers others, and this question never, is stuck with one container. */
#define HANGS_MAX 5

/* Type, events: container; rename, update, create. */
#define EVENTS_PATH                                                                             \
	"/events?filters=%7B%22type%22%3A%5B%22container%22%5D%2C%22event%22%3A%5B%22rename%22" \
	"%2C%22update%22%2C%22create%22%5D%7D&since="
/* Who writes an event, and who is first to be read, may differ by moments: told twice, it costs a question. */
#define OVERLAP_SEC 1

struct question {
	TAILQ_ENTRY(question) link;
	struct engine *e;
	void *key;
	char id[65];
	uint64_t since, due;
	unsigned int tries, hangs;
	uint64_t answers; /* the engine's, at the first hang */
	struct http_request *request;
};

TAILQ_HEAD(questions, question);

struct engine {
	struct engine_options options;
	char *socket;
	struct http *http;
	sd_event *event;
	sd_event_source *timer;
	struct questions asked, waiting, later; /* later: until due */
	size_t n_asked, n_waiting; /* n_waiting: with later */
	uint64_t answers;
	uint64_t pause, paused_until; /* pause 0: it answers */
	struct http_request *stream;
	uint64_t stream_pause, stream_due;
	time_t since; /* what has happened since then may not have been read; 0: nobody was asked yet */
	struct engine_stats stats;
};

static void set_state(struct engine *e, enum engine_state state)
{
	if (e->stats.state == state)
		return;
	e->stats.state = state;
	e->stats.since_usec = now_usec();
}

static uint64_t doubled(uint64_t pause)
{
	if (!pause)
		return PAUSE_MIN_USEC;
	return pause * 2 < PAUSE_MAX_USEC ? pause * 2 : PAUSE_MAX_USEC;
}

static void question_end(struct question *q, struct identity *said)
{
	struct engine *e = q->e;
	void *key = q->key;

	free(q);
	e->options.found(key, said, e->options.ctx);
}

static void pump(struct engine *e);

/* ---- events ---- */

/* An event of that time was read. A stream may break off before it has told all that was before it: only this counts. */
static void read_until(struct engine *e, double when)
{
	const time_t now = time(NULL);

	if (when <= (double)(e->since + OVERLAP_SEC))
		return;
	/* Nobody has read what is yet to come. */
	e->since = (when < (double)now ? (time_t)when : now) - OVERLAP_SEC;
}

static void on_event(char *text, size_t len, void *ctx)
{
	struct engine *e = ctx;
	json_t *event = len ? document_parse(text, len) : NULL;
	const char *action = json_string_value(json_object_get(event, "Action"));
	const char *id = json_string_value(json_object_get(json_object_get(event, "Actor"), "ID"));
	struct question *q;

	if (action && id && !strcmp(action, "create")) {
		/* Whoever got "not known" may ask again. */
		TAILQ_FOREACH(q, &e->later, link)
		if (!strcmp(q->id, id))
			q->due = 0;
		(void)sd_event_source_set_time(e->timer, 0);
		(void)sd_event_source_set_enabled(e->timer, SD_EVENT_ONESHOT);
	} else if (action && id && strlen(id) == 64 && e->options.changed) {
		e->options.changed(id, e->options.ctx);
	}
	read_until(e, json_number_value(json_object_get(event, "time")));
	json_decref(event);
}

static void on_stream(void *ctx)
{
	struct engine *e = ctx;

	e->stream_pause = 0;
}

static void on_stream_end(int err, long status, char *body, size_t len, void *ctx)
{
	struct engine *e = ctx;

	e->stream = NULL;
	/* Asked for again, one that does not fit would end every stream. */
	if (err == -EFBIG) {
		e->stats.values_dropped++;
		read_until(e, (double)time(NULL));
	}
	e->stream_pause = doubled(e->stream_pause);
	e->stream_due = now_usec() + e->stream_pause;
	pump(e);
}

static void follow(struct engine *e, uint64_t now)
{
	char path[sizeof(EVENTS_PATH) + 20];
	const struct http_get get = {
		.socket = e->socket,
		.path = path,
		.uid = e->options.uid,
		.max = e->options.answer_max < EVENT_MAX ? e->options.answer_max : EVENT_MAX,
		/* Each may become a question: who is trusted less is heard less. */
		.max_per_sec = e->options.answer_max / 16,
		.done = on_stream_end,
		.line = on_event,
		.begun = on_stream,
		.ctx = e,
	};

	if (e->stream || !e->options.changed || !e->answers || e->pause || now < e->stream_due)
		return;
	snprintf(path, sizeof(path), "%s%lld", EVENTS_PATH, (long long)e->since);
	if (http_get(e->http, &get, &e->stream))
		e->stream_due = now + PAUSE_MAX_USEC;
}

/* ---- questions ---- */

/* Not known, or not said in a way that is understood. */
static void ask_later(struct question *q, uint64_t now)
{
	struct engine *e = q->e;

	if (now - q->since >= e->options.give_up_usec) {
		question_end(q, NULL);
		return;
	}
	q->due = now + retries_pause(q->tries++);
	TAILQ_INSERT_TAIL(&e->later, q, link);
	e->n_waiting++;
}

static void on_failure(struct question *q, int err, uint64_t now)
{
	struct engine *e = q->e;
	const bool absent = err == -ENOENT || err == -ECONNREFUSED || err == -EPERM;

	/* One of several that failed together: the pause has begun. */
	if (now >= e->paused_until) {
		e->pause = doubled(e->pause);
		e->paused_until = now + e->pause;
	}
	set_state(e, absent ? ENGINE_ABSENT : ENGINE_HANGING);
	if (!absent && !q->hangs++)
		q->answers = e->answers;
	if (q->hangs >= HANGS_MAX && q->answers != e->answers) {
		question_end(q, NULL);
		return;
	}
	/* Behind those that wait: it may be the only one that hangs. */
	q->due = e->paused_until;
	TAILQ_INSERT_TAIL(&e->later, q, link);
	e->n_waiting++;
}

static bool read_answer(struct question *q, char *body, size_t len, struct identity *ret)
{
	json_t *answer = document_parse(body, len);
	const char *id = json_string_value(json_object_get(answer, "Id"));
	/* A name can look like an id, and Podman takes the beginning of one. */
	const bool theirs = id && !strcmp(id, q->id);

	if (theirs)
		document_docker(ret, answer, &q->e->stats.values_dropped);
	json_decref(answer);
	return theirs;
}

static void on_answer(int err, long status, char *body, size_t len, void *ctx)
{
	struct question *q = ctx;
	struct engine *e = q->e;
	struct identity said = {0};
	const uint64_t now = now_usec();

	q->request = NULL;
	TAILQ_REMOVE(&e->asked, q, link);
	e->n_asked--;
	if (err && err != -EFBIG) {
		on_failure(q, err, now);
	} else {
		e->answers++;
		e->pause = e->paused_until = 0;
		set_state(e, ENGINE_ANSWERING);
		if (!err && status == 200 && read_answer(q, body, len, &said))
			question_end(q, &said);
		else
			ask_later(q, now);
	}
	identity_done(&said);
	pump(e);
}

static void ask(struct question *q)
{
	struct engine *e = q->e;
	char path[sizeof("/containers//json") + 64];
	const struct http_get get = {
		.socket = e->socket,
		.path = path,
		.uid = e->options.uid,
		.max = e->options.answer_max,
		.done = on_answer,
		.ctx = q,
	};

	if (!e->since)
		e->since = time(NULL);
	snprintf(path, sizeof(path), "/containers/%s/json", q->id);
	TAILQ_REMOVE(&e->waiting, q, link);
	e->n_waiting--;
	if (http_get(e->http, &get, &q->request)) {
		ask_later(q, now_usec());
		return;
	}
	TAILQ_INSERT_TAIL(&e->asked, q, link);
	e->n_asked++;
}

/* Asks what can be asked now, and wakes for the rest. */
static void pump(struct engine *e)
{
	const uint64_t now = now_usec();
	uint64_t next = UINT64_MAX;
	struct question *q, *following;

	for (q = TAILQ_FIRST(&e->later); q; q = following) {
		following = TAILQ_NEXT(q, link);
		if (q->due > now) {
			next = q->due < next ? q->due : next;
			continue;
		}
		TAILQ_REMOVE(&e->later, q, link);
		TAILQ_INSERT_TAIL(&e->waiting, q, link);
	}
	if (now < e->paused_until) {
		next = e->paused_until < next ? e->paused_until : next;
	} else {
		const size_t most = e->pause ? 1 : ENGINE_ASKED_MAX;

		while (e->n_asked < most && (q = TAILQ_FIRST(&e->waiting)))
			ask(q);
	}
	follow(e, now);
	if (!e->stream && e->stream_due > now && e->stream_due < next)
		next = e->stream_due;
	if (next == UINT64_MAX)
		return;
	(void)sd_event_source_set_time(e->timer, next);
	(void)sd_event_source_set_enabled(e->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *ctx)
{
	pump(ctx);
	return 0;
}

/* ---- outside ---- */

int engine_new(sd_event *event, const struct engine_options *options, struct engine **ret)
{
	_cleanup_(engine_freep) struct engine *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	TAILQ_INIT(&e->asked);
	TAILQ_INIT(&e->waiting);
	TAILQ_INIT(&e->later);
	e->options = *options;
	if (!e->options.answer_max)
		e->options.answer_max = ANSWER_MAX;
	if (!e->options.give_up_usec)
		e->options.give_up_usec = RETRIES_GIVE_UP_USEC;
	e->stats.since_usec = now_usec();
	e->event = sd_event_ref(event);
	e->socket = strdup(options->socket);
	if (!e->socket)
		return -ENOMEM;
	err = http_new(event, &e->http);
	if (err)
		return err;
	err = sd_event_add_time(event, &e->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, e);
	if (err < 0)
		return err;
	err = sd_event_source_set_enabled(e->timer, SD_EVENT_OFF);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(e);
	return 0;
}

int engine_ask(struct engine *e, const char *id, void *key)
{
	struct question *q;

	if (strlen(id) != 64 || strspn(id, "0123456789abcdef") != 64)
		return -EINVAL;
	if (e->n_waiting >= ENGINE_WAITING_MAX) {
		e->stats.dropped++;
		return -ENOSPC;
	}
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	*q = (struct question){.e = e, .key = key, .since = now_usec()};
	memcpy(q->id, id, sizeof(q->id));
	TAILQ_INSERT_TAIL(&e->waiting, q, link);
	e->n_waiting++;
	/* From the loop: whoever asks is not called back before this returns. */
	if (sd_event_source_set_time(e->timer, 0) < 0 ||
	    sd_event_source_set_enabled(e->timer, SD_EVENT_ONESHOT) < 0) {
		TAILQ_REMOVE(&e->waiting, q, link);
		e->n_waiting--;
		free(q);
		return -ENOMEM;
	}
	return 0;
}

/* The container may be new to an engine that is asked the first time. */
#define SAYS_NO 2

static bool may_tell_in(const struct questions *list, const void *key)
{
	const struct question *q;

	TAILQ_FOREACH(q, list, link)
	{
		if (q->key == key)
			return q->tries < SAYS_NO;
	}
	return false;
}

bool engine_owes(const struct engine *e, const void *key)
{
	return may_tell_in(&e->asked, key) || may_tell_in(&e->waiting, key) ||
	       may_tell_in(&e->later, key);
}

bool engine_may_tell(const struct engine *e, const void *key)
{
	return e->stats.state != ENGINE_ABSENT && engine_owes(e, key);
}

static size_t forget_in(struct questions *list, const void *key)
{
	struct question *q, *following;
	size_t n = 0;

	for (q = TAILQ_FIRST(list); q; q = following) {
		following = TAILQ_NEXT(q, link);
		if (key && q->key != key)
			continue;
		TAILQ_REMOVE(list, q, link);
		if (q->request)
			http_cancel(q->request);
		free(q);
		n++;
	}
	return n;
}

void engine_forget(struct engine *e, const void *key)
{
	e->n_asked -= forget_in(&e->asked, key);
	e->n_waiting -= forget_in(&e->waiting, key) + forget_in(&e->later, key);
	/* From the loop again, for a place that has become free. */
	(void)sd_event_source_set_time(e->timer, 0);
	(void)sd_event_source_set_enabled(e->timer, SD_EVENT_ONESHOT);
}

void engine_get_stats(const struct engine *e, struct engine_stats *ret)
{
	*ret = e->stats;
	ret->asked = e->n_asked;
	ret->waiting = e->n_waiting;
}

void engine_free(struct engine *e)
{
	/* NULL: of everybody. */
	forget_in(&e->asked, NULL);
	forget_in(&e->waiting, NULL);
	forget_in(&e->later, NULL);
	if (e->http)
		http_free(e->http);
	sd_event_source_disable_unref(e->timer);
	sd_event_unref(e->event);
	free(e->socket);
	free(e);
}
