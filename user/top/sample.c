/* SPDX-License-Identifier: GPL-2.0-only */
#include "top/sample.h"

#include <stdlib.h>
#include <string.h>

#include "explain/balance.h"
#include "top/lines.h"

/* Of the counters of a binding. */
static const char *const keys[TOP_COUNTS] = {
	[TOP_DENIED] = "denied",
	[TOP_WOULD] = "would_deny",
};

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static uint64_t number_of(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 ? (uint64_t)n : 0;
}

/* ---- rates ---- */

double top_rate(uint64_t before, uint64_t now, double seconds)
{
	if (seconds <= 0)
		return -1;
	return (double)(now >= before ? now - before : now) / seconds;
}

static void set_rates(struct top_row *row, const struct top_row *before, double seconds)
{
	for (size_t i = 0; i < TOP_COUNTS; i++)
		row->rate[i] = top_rate(before ? before->n[i] : 0, row->n[i], seconds);
	/* Checks are counted only while somebody asks, and at first nothing is known. */
	if (!json_object_get(row->binding, "seen") ||
	    (before && !json_object_get(before->binding, "seen")))
		row->rate[TOP_SEEN] = -1;
}

static void add_up(struct top_sample *s, const struct top_row *row)
{
	for (size_t i = 0; i < TOP_COUNTS; i++) {
		s->total[i] += row->n[i];
		if (row->rate[i] >= 0)
			s->rate[i] = (s->rate[i] < 0 ? 0 : s->rate[i]) + row->rate[i];
	}
}

/* ---- rows ---- */

static void count_capabilities(struct top_row *row)
{
	struct balance b;

	balance_of(row->binding, &b);
	row->used = (unsigned int)__builtin_popcountll(b.used);
	row->unused = (unsigned int)__builtin_popcountll(b.unused);
}

static int fill_row(struct top_row *row, const json_t *binding)
{
	const json_t *counters = json_object_get(binding, "counters");
	const char *cgroup = text_of(binding, "cgroup"), *name = text_of(binding, "name");

	row->binding = binding;
	row->id = number_of(binding, "cgroup_id");
	row->audit = strcmp(text_of(binding, "mode"), "enforce") != 0;
	row->cgroup = top_ascii(*cgroup ? cgroup : "(a removed cgroup)");
	row->name = top_ascii(*name ? name : *cgroup ? cgroup : "(a removed cgroup)");
	row->policy = top_ascii(text_of(binding, "policy"));
	row->n[TOP_SEEN] = number_of(binding, "seen");
	for (size_t i = 0; i < TOP_COUNTS; i++) {
		if (keys[i])
			row->n[i] = number_of(counters, keys[i]);
	}
	count_capabilities(row);
	return row->cgroup && row->name && row->policy ? 0 : -ENOMEM;
}

static int by_id(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int fill(struct top_sample *s, const struct top_sample *before)
{
	double seconds = before ? (double)(s->time - before->time) / 1e9 : 0;
	const json_t *bindings = json_object_get(s->status, "bindings"), *each;
	size_t i;
	int err;

	s->rows = calloc(json_array_size(bindings) + 1, sizeof(*s->rows));
	if (!s->rows)
		return -ENOMEM;
	json_array_foreach(bindings, i, each) {
		err = fill_row(&s->rows[s->n++], each);
		if (err)
			return err;
	}
	qsort(s->rows, s->n, sizeof(*s->rows), by_id);
	for (i = 0; i < s->n; i++) {
		set_rates(&s->rows[i], top_sample_find(before, s->rows[i].id), seconds);
		add_up(s, &s->rows[i]);
	}
	return 0;
}

int top_sample_new(json_t *status, uint64_t time, const struct top_sample *before,
		   struct top_sample **ret)
{
	_cleanup_(top_sample_freep) struct top_sample *s = calloc(1, sizeof(*s));
	int err;

	if (!s) {
		json_decref(status);
		return -ENOMEM;
	}
	s->status = status;
	s->time = time;
	for (size_t i = 0; i < TOP_COUNTS; i++)
		s->rate[i] = -1;
	err = fill(s, before);
	if (!err)
		*ret = TAKE_PTR(s);
	return err;
}

struct top_sample *top_sample_free(struct top_sample *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->n; i++) {
		free(s->rows[i].name);
		free(s->rows[i].cgroup);
		free(s->rows[i].policy);
	}
	free(s->rows);
	json_decref(s->status);
	free(s);
	return NULL;
}

const struct top_row *top_sample_find(const struct top_sample *s, uint64_t id)
{
	const struct top_row key = {.id = id};

	return s && s->n ? bsearch(&key, s->rows, s->n, sizeof(key), by_id) : NULL;
}
