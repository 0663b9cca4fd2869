/* SPDX-License-Identifier: GPL-2.0-only */
/* What tests of top share. Included once by each of them. */
#ifndef LEASTCAP_TEST_TOPS_H
#define LEASTCAP_TEST_TOPS_H

#include "base/cleanup.h"
#include "top/view.h"

#define SECOND 1000000000ULL

/* A binding as the status has it. seen < 0: checks are not counted. */
static inline json_t *binding(int id, const char *name, const char *policy, const char *mode,
			      int denied, int would, int seen)
{
	json_t *b = json_pack("{s:s, s:s, s:i, s:n, s:s, s:s, s:i, s:b, s:{s:[ss], s:[s], s:[s]},"
			      " s:{s:i, s:i, s:i}}",
			      "cgroup", name, "name", name, "cgroup_id", id, "container", "policy",
			      policy, "mode", mode, "revision", 3, "gone", 0, "capabilities",
			      "granted", "CHOWN", "KILL", "allowed", "CHOWN", "used", "CHOWN",
			      "counters", "denied", denied, "would_deny", would, "probe_denied", 5);

	assert_non_null(b);
	if (seen >= 0)
		json_object_set_new(b, "seen", json_integer(seen));
	return b;
}

static inline json_t *status_of(json_t *bindings)
{
	json_t *s = json_pack("{s:b, s:b, s:n, s:{s:i}, s:[], s:o}", "daemon", 1, "enforcing", 1,
			      "disarmed", "losses", "ring", 0, "problems", "bindings", bindings);

	assert_non_null(s);
	return s;
}

static inline struct top_sample *sample_of(json_t *bindings, uint64_t time,
					   const struct top_sample *before)
{
	struct top_sample *s = NULL;

	assert_int_equal(top_sample_new(status_of(bindings), time, before, &s), 0);
	return s;
}

/* ---- screens ---- */

static inline void lines_donep(struct top_lines *l)
{
	top_lines_done(l);
}

static inline void view_donep(struct top_view *v)
{
	top_view_done(v);
}

#define _cleanup_lines_ _cleanup_(lines_donep)
#define _cleanup_view_ _cleanup_(view_donep)

static inline void keys(struct top_view *v, const char *text)
{
	for (; *text; text++)
		assert_int_equal(top_view_key(v, *text), 0);
}

static inline void show(struct top_view *v, size_t width, size_t height, struct top_lines *ret)
{
	top_lines_done(ret);
	top_screen(v, width, height, ret);
	assert_false(ret->failed);
}

/* The line that has the text in it; -1: none has. */
static inline int find(const struct top_lines *l, const char *text)
{
	for (size_t i = 0; i < l->n; i++) {
		if (strstr(l->items[i].text, text))
			return (int)i;
	}
	return -1;
}

/* Twenty-nine quiet ones and "busy", which was refused 40 times in two seconds. */
static inline json_t *many(int denied)
{
	json_t *list = json_array();
	char name[32];

	for (int i = 1; i < 30; i++) {
		snprintf(name, sizeof(name), "/quiet/%02d", i);
		json_array_append_new(
			list, binding(i, name, i % 2 ? "odd" : "even", "enforce", 0, 0, -1));
	}
	json_array_append_new(list, binding(99, "busy", "web", "enforce", denied, 0, -1));
	return list;
}

static inline void fill(struct top_view *v)
{
	*v = (struct top_view){.sort = TOP_COLUMN_DENIED_RATE, .delay = 2};
	strcpy(v->host, "web1");
	strcpy(v->clock, "12:03:04");
	assert_int_equal(top_view_update(v, sample_of(many(0), SECOND, NULL)), 0);
	assert_int_equal(top_view_update(v, sample_of(many(40), 3 * SECOND, v->sample)), 0);
}

#endif
