/* SPDX-License-Identifier: GPL-2.0-only */
#include "explain/posture.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "explain/meaning.h"

/* Names of subjects beside a grant for nothing. */
#define NAMED 3

/* One binding. */
struct row {
	const char *cgroup, *policy, *mode;
	char name[96];
	uint64_t granted, allowed, used, denied;
	uint64_t unused, withheld; /* of what is granted */
	unsigned int score;
};

struct rows {
	struct row *items;
	size_t n;
};

static void rows_done(struct rows *rows)
{
	free(rows->items);
}

/* ---- rows ---- */

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static uint64_t set_of(const json_t *binding, const char *key)
{
	return caps_from_json(json_object_get(json_object_get(binding, "capabilities"), key));
}

/* The shortest name: 12 digits of a container, else the last part of the path. */
static void name_row(struct row *row, const char *container)
{
	const char *slash = strrchr(row->cgroup, '/');

	if (strlen(container) >= 12)
		snprintf(row->name, sizeof(row->name), "container %.12s", container);
	else
		snprintf(row->name, sizeof(row->name), "%s",
			 !*row->cgroup	     ? "(a removed cgroup)"
			 : slash && slash[1] ? slash + 1
					     : row->cgroup);
}

static unsigned int score_of(uint64_t set)
{
	unsigned int score = 0;

	for (unsigned int cap = 0; cap < 64; cap++) {
		if (set >> cap & 1)
			score += meaning_danger(cap) * meaning_danger(cap);
	}
	return score;
}

static void fill_row(struct row *row, const json_t *binding)
{
	bool enforced;

	row->cgroup = text_of(binding, "cgroup");
	row->policy = text_of(binding, "policy");
	row->mode = text_of(binding, "mode");
	name_row(row, text_of(binding, "container"));
	row->granted = set_of(binding, "granted");
	row->allowed = set_of(binding, "allowed");
	row->used = set_of(binding, "used");
	row->denied = set_of(binding, "denied");
	/* A policy that only audits takes nothing away. */
	enforced = !strcmp(row->mode, "enforce");
	row->withheld = enforced ? row->granted & ~row->allowed : 0;
	row->unused = row->granted & ~row->withheld & ~row->used;
	row->score = score_of(row->unused);
}

static int by_score(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return strcmp(x->cgroup, y->cgroup);
}

static int read_rows(const json_t *status, struct rows *rows)
{
	const json_t *bindings = json_object_get(status, "bindings"), *each;
	size_t i;

	rows->items = calloc(json_array_size(bindings) + 1, sizeof(*rows->items));
	if (!rows->items)
		return -ENOMEM;
	json_array_foreach(bindings, i, each) {
		if (!json_is_true(json_object_get(each, "gone")))
			fill_row(&rows->items[rows->n++], each);
	}
	qsort(rows->items, rows->n, sizeof(*rows->items), by_score);
	return 0;
}

static const char *cell(const struct row *row, unsigned int cap)
{
	uint64_t bit = 1ULL << cap;

	return row->denied & bit     ? "denied"
	       : row->used & bit     ? "used"
	       : row->withheld & bit ? "withheld"
	       : row->unused & bit   ? "unused"
				     : NULL;
}

static json_t *row_json(const struct row *row)
{
	json_t *cells = json_object();
	char name[32];

	for (unsigned int cap = 0; cells && cap <= caps_last(); cap++) {
		const char *word = cell(row, cap);

		if (word)
			json_object_set_new(cells, caps_name(cap, name), json_string(word));
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:o}", "cgroup", row->cgroup, "name", row->name,
			 "policy", row->policy, "mode", row->mode, "score", (int)row->score,
			 "cells", cells);
}

/* ---- grants for nothing ---- */

struct grant {
	const char *policy;
	unsigned int cap;
	size_t count;
	json_t *names; /* borrowed by json */
};

/* The more dangerous, and of those the more frequent, first. */
static int by_harm(const struct grant *x, const struct grant *y)
{
	unsigned int a = meaning_danger(x->cap), b = meaning_danger(y->cap);

	if (a != b)
		return a > b ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	/* SYS_ADMIN before all others of its kind: it is most of root. */
	if ((x->cap == 21) != (y->cap == 21))
		return x->cap == 21 ? -1 : 1;
	return x->cap < y->cap ? -1 : x->cap > y->cap;
}

static struct grant count_grant(const struct rows *rows, const char *policy, unsigned int cap)
{
	struct grant g = {.policy = policy, .cap = cap};

	for (size_t i = 0; i < rows->n; i++)
		g.count += !strcmp(rows->items[i].policy, policy) &&
			   rows->items[i].unused >> cap & 1;
	return g;
}

/* Puts it among the ten, where it belongs. */
static void place(struct grant worst[POSTURE_WORST + 1], size_t *n, struct grant g)
{
	size_t at = *n;

	while (at > 0 && by_harm(&g, &worst[at - 1]) < 0)
		at--;
	memmove(&worst[at + 1], &worst[at], (*n - at) * sizeof(*worst));
	worst[at] = g;
	*n += *n < POSTURE_WORST;
}

static bool first_of_policy(const struct rows *rows, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (!strcmp(rows->items[j].policy, rows->items[i].policy))
			return false;
	}
	return true;
}

static json_t *grant_json(const struct rows *rows, const struct grant *g)
{
	json_t *names = json_array();
	char name[32];

	for (size_t i = 0; i < rows->n && json_array_size(names) < NAMED; i++) {
		if (!strcmp(rows->items[i].policy, g->policy) &&
		    rows->items[i].unused >> g->cap & 1)
			json_array_append_new(names, json_string(rows->items[i].name));
	}
	return json_pack("{s:s, s:s, s:i, s:s?, s:I, s:o}", "policy", g->policy, "capability",
			 caps_name(g->cap, name), "danger", (int)meaning_danger(g->cap), "meaning",
			 meaning_capability(g->cap), "count", (json_int_t)g->count, "subjects",
			 names);
}

static json_t *worst_json(const struct rows *rows)
{
	struct grant worst[POSTURE_WORST + 1];
	json_t *list = json_array();
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++) {
		if (!first_of_policy(rows, i))
			continue;
		for (unsigned int cap = 0; cap <= caps_last(); cap++) {
			struct grant g = count_grant(rows, rows->items[i].policy, cap);

			if (g.count)
				place(worst, &n, g);
		}
	}
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, grant_json(rows, &worst[i]));
	return list;
}

/* What each policy could do without: allowed by it, granted to one of its subjects, and used by none. */
static json_t *tighter_json(const struct rows *rows)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->items[i];
		uint64_t used = 0, unused = 0, drop;

		if (!first_of_policy(rows, i))
			continue;
		for (size_t j = i; j < rows->n; j++) {
			if (strcmp(rows->items[j].policy, row->policy))
				continue;
			used |= rows->items[j].used;
			unused |= rows->items[j].unused;
		}
		drop = unused & row->allowed & ~used;
		if (drop)
			json_array_append_new(list,
					      json_pack("{s:s, s:o, s:o}", "policy", row->policy,
							"drop", caps_to_json(drop), "keep",
							caps_to_json(row->allowed & ~drop)));
	}
	return list;
}

/* ---- */

/* Those that anybody has or wants. */
static json_t *columns_json(const struct rows *rows)
{
	json_t *list = json_array();
	uint64_t any = 0;
	char name[32];

	for (size_t i = 0; i < rows->n; i++)
		any |= rows->items[i].granted | rows->items[i].used | rows->items[i].denied;
	for (unsigned int cap = 0; cap <= caps_last(); cap++) {
		if (any >> cap & 1)
			json_array_append_new(list, json_string(caps_name(cap, name)));
	}
	return list;
}

json_t *posture(const json_t *status)
{
	_cleanup_(rows_done) struct rows rows = {0};
	json_t *subjects = json_array();

	if (!subjects || read_rows(status, &rows)) {
		json_decref(subjects);
		return NULL;
	}
	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(subjects, row_json(&rows.items[i]));
	return json_pack("{s:O?, s:b, s:o, s:o, s:o, s:o}", "kernel",
			 json_object_get(status, "kernel"), "enforcing",
			 json_is_true(json_object_get(status, "enforcing")), "capabilities",
			 columns_json(&rows), "subjects", subjects, "worst", worst_json(&rows),
			 "tighter", tighter_json(&rows));
}
