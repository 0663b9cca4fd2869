// SPDX-License-Identifier: GPL-2.0-only
/* Checks by binding, as `leastcap trace --unique` counts them: exact, and nothing is in the kernel when nobody wants it. */
#include <stdlib.h>
#include <string.h>

#include <leastcap/decide.h>

#include "base/escape.h"
#include "cli/top.h"
#include "subject/cgroup.h"
#include "trace/session.h"

struct top_seen {
	struct trace *session;
	/* By id of a cgroup, in decimal. Policies come and go: what was counted stays with whom it was counted for. */
	json_t *last; /* -> checks until the last look */
	json_t *owners; /* -> id of the binding that it counted for; 0: of none */
	json_t *sums; /* of bindings -> checks */
};

struct top_seen *top_seen_new(void)
{
	return calloc(1, sizeof(struct top_seen));
}

void top_seen_stop(struct top_seen *s)
{
	s->session = trace_close(s->session);
	json_decref(s->last);
	json_decref(s->owners);
	json_decref(s->sums);
	s->last = s->owners = s->sums = NULL;
}

struct top_seen *top_seen_free(struct top_seen *s)
{
	if (s) {
		top_seen_stop(s);
		free(s);
	}
	return NULL;
}

/* ---- whose ---- */

static void key_of(uint64_t id, char key[24])
{
	snprintf(key, 24, "%llu", (unsigned long long)id);
}

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void add_to(json_t *object, const char *key, json_int_t n)
{
	(void)json_object_set_new(object, key, json_integer(number_of(object, key) + n));
}

/* The nearest binding on the way up. by_path: path of a cgroup -> its binding's id. False: the cgroup is gone. */
static bool find_owner(const json_t *by_path, uint64_t cgroup, json_int_t *ret)
{
	_cleanup_free_ char *path = NULL, *shown = NULL;

	if (cgroup_path(cgroup, &path))
		return false;
	/* As the status has it. */
	shown = escape_dup(path, strlen(path));
	*ret = 0;
	for (char *slash = shown; shown && slash && !*ret;) {
		*ret = number_of(by_path, shown);
		slash = strrchr(shown, '/');
		if (slash == shown && !slash[1])
			break;
		if (slash)
			slash[slash == shown] = '\0';
	}
	return true;
}

/* What a cgroup's checks have grown by counts for whom it is in now, or was in last. */
static void assign(struct top_seen *s, const json_t *by_path, const char *cgroup, json_int_t n)
{
	json_int_t owner = number_of(s->owners, cgroup);
	char key[24];

	(void)find_owner(by_path, strtoull(cgroup, NULL, 10), &owner);
	(void)json_object_set_new(s->owners, cgroup, json_integer(owner));
	key_of((uint64_t)owner, key);
	add_to(s->sums, key, n - number_of(s->last, cgroup));
	(void)json_object_set_new(s->last, cgroup, json_integer(n));
}

static void add_up(const struct leastcap_trace_key *kind, uint64_t n, void *ctx)
{
	char key[24];

	key_of(kind->cgroup, key);
	add_to(ctx, key, (json_int_t)n);
}

/* ---- the program ---- */

/* Nobody wants the checks themselves: the ring is emptied, so that none of its kinds is lost. */
static void pass_over(const void *record, size_t size, void *ctx)
{
}

static int start(struct top_seen *s)
{
	static const struct trace_options options = {
		.caps = LEASTCAP_ALL,
		.who = LEASTCAP_TRACE_CONFINED,
		/* Probes are the kernel's own questions. */
		.audited = true,
		.unique = true,
	};

	s->last = json_object();
	s->owners = json_object();
	s->sums = json_object();
	return s->last && s->owners && s->sums ? trace_open(&options, &s->session) : -ENOMEM;
}

static int count(struct top_seen *s, json_t *status)
{
	json_auto_t *by_path = json_object(), *totals = json_object();
	struct trace_counts counts;
	json_t *each;
	const char *key;
	size_t i;
	int err;

	json_array_foreach(json_object_get(status, "bindings"), i, each)
		(void)json_object_set(by_path,
				      json_string_value(json_object_get(each, "cgroup")) ?: "",
				      json_object_get(each, "cgroup_id"));
	(void)trace_drain(s->session, LEASTCAP_TRACE_KINDS, pass_over, NULL);
	err = trace_kind_each(s->session, add_up, totals);
	if (err)
		return err;
	json_object_foreach(totals, key, each)
		assign(s, by_path, key, json_integer_value(each));
	json_array_foreach(json_object_get(status, "bindings"), i, each) {
		char id[24];

		key_of((uint64_t)number_of(each, "cgroup_id"), id);
		(void)json_object_set_new(each, "seen", json_integer(number_of(s->sums, id)));
	}
	trace_count(s->session, &counts);
	return json_object_set_new(status, "seen_unfit", json_integer((json_int_t)counts.unfit))
		       ? -ENOMEM
		       : 0;
}

int top_seen_add(struct top_seen *s, json_t *status)
{
	int err = 0;

	/* Unloaded, or loaded anew: the program asks maps that nobody uses any more. */
	if (s->session && trace_stale(s->session))
		top_seen_stop(s);
	if (!trace_loaded())
		return 0;
	if (!s->session)
		err = start(s);
	err = err ?: count(s, status);
	if (err)
		top_seen_stop(s);
	return err;
}
