/* SPDX-License-Identifier: GPL-2.0-only */
#include "explain/posture.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "explain/balance.h"
#include "explain/meaning.h"
#include "policy/policy.h"

/* Names of subjects beside a grant for nothing. */
#define NAMED 3

/* One binding, or what no policy binds: `policy` is NULL. */
struct row {
	const char *cgroup, *policy, *mode;
	const char *name;
	char digits[24]; /* in place of the name; "": it is one */
	struct balance is;
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

/* As people know it; where that is not told 12 digits of a container, else the last part of the path. */
static void name_row(struct row *row, const char *name, const char *container)
{
	const char *slash = strrchr(row->cgroup, '/');

	row->name = *name		? name
		    : !*row->cgroup	? "(a removed cgroup)"
		    : slash && slash[1] ? slash + 1
					: row->cgroup;
	if (!*name && strlen(container) >= 12)
		snprintf(row->digits, sizeof(row->digits), "container %.12s", container);
}

static const char *name_of(const struct row *row)
{
	return *row->digits ? row->digits : row->name;
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
	row->cgroup = text_of(binding, "cgroup");
	row->policy = text_of(binding, "policy");
	row->mode = text_of(binding, "mode");
	name_row(row, text_of(binding, "name"), text_of(binding, "container"));
	balance_of(binding, &row->is);
	row->score = score_of(row->is.unused);
}

static void fill_unbound(struct row *row, const json_t *subject)
{
	row->cgroup = text_of(subject, "cgroup");
	name_row(row, text_of(subject, "name"), "");
	row->is.granted = caps_from_json(json_object_get(subject, "granted"));
	row->score = score_of(row->is.granted);
}

static int by_score(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return strcmp(x->cgroup, y->cgroup);
}

/* Those of a list; what is gone holds nobody. */
static int read_rows(const json_t *list, void (*fill)(struct row *row, const json_t *from),
		     struct rows *rows)
{
	const json_t *each;
	size_t i;

	rows->items = calloc(json_array_size(list) + 1, sizeof(*rows->items));
	if (!rows->items)
		return -ENOMEM;
	json_array_foreach(list, i, each) {
		if (!json_is_true(json_object_get(each, "gone")))
			fill(&rows->items[rows->n++], each);
	}
	qsort(rows->items, rows->n, sizeof(*rows->items), by_score);
	return 0;
}

static const char *cell(const struct row *row, unsigned int cap)
{
	const struct balance *is = &row->is;
	uint64_t bit = 1ULL << cap;

	if (!row->policy)
		return is->granted & bit ? "unbound" : NULL;
	return is->denied & bit	    ? "denied"
	       : is->would & bit    ? "would-deny"
	       : is->used & bit	    ? "used"
	       : is->withheld & bit ? "withheld"
	       : is->unused & bit   ? "unused"
	       : is->allowed & bit  ? "allowed"
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
	return json_pack("{s:s, s:s, s:s?, s:s?, s:i, s:o}", "cgroup", row->cgroup, "name",
			 name_of(row), "policy", row->policy, "mode", row->mode, "score",
			 (int)row->score, "cells", cells);
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
			   rows->items[i].is.unused >> cap & 1;
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
		    rows->items[i].is.unused >> g->cap & 1)
			json_array_append_new(names, json_string(name_of(&rows->items[i])));
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

/* In all that it has held: what has ended, and what is gone and carried by tasks, may come again. */
static uint64_t used_under(const char *policy, const json_t *bindings, const json_t *ended)
{
	uint64_t used = caps_from_json(json_object_get(ended, policy));
	const json_t *each;
	size_t i;

	json_array_foreach(bindings, i, each) {
		struct balance is;

		if (strcmp(text_of(each, "policy"), policy) != 0)
			continue;
		balance_of(each, &is);
		used |= is.used;
	}
	return used;
}

/* Each policy that allows anything but what was used under it. */
static json_t *tighter_json(const struct rows *rows, const json_t *bindings, const json_t *ended)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->items[i];
		uint64_t used = used_under(row->policy, bindings, ended);

		/* What no policy selects has none to be changed. */
		if (!first_of_policy(rows, i) || !strcmp(row->policy, POLICY_UNSELECTED) ||
		    used == row->is.allowed)
			continue;
		json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o}", "policy", row->policy,
						      "drop", caps_to_json(row->is.allowed & ~used),
						      "add", caps_to_json(used & ~row->is.allowed),
						      "keep", caps_to_json(used)));
	}
	return list;
}

/* ---- */

/* Those that anybody has or wants. */
static uint64_t columns_of(const struct rows *rows)
{
	uint64_t any = 0;

	for (size_t i = 0; i < rows->n; i++)
		any |= rows->items[i].is.granted | rows->items[i].is.used |
		       rows->items[i].is.denied;
	return any;
}

static json_t *rows_json(const struct rows *rows)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++)
		json_array_append_new(list, row_json(&rows->items[i]));
	return list;
}

json_t *posture(const json_t *status, const json_t *unbound, const json_t *ended)
{
	_cleanup_(rows_done) struct rows rows = {0}, free_ones = {0};
	const json_t *bindings = json_object_get(status, "bindings");

	if (read_rows(bindings, fill_row, &rows) || read_rows(unbound, fill_unbound, &free_ones))
		return NULL;
	return json_pack(
		"{s:O?, s:b, s:o, s:o, s:o, s:o, s:o}", "kernel", json_object_get(status, "kernel"),
		"enforcing", json_is_true(json_object_get(status, "enforcing")), "capabilities",
		caps_to_json(columns_of(&rows) | columns_of(&free_ones)), "subjects",
		rows_json(&rows), "unbound", unbound ? rows_json(&free_ones) : json_null(), "worst",
		worst_json(&rows), "tighter", tighter_json(&rows, bindings, ended));
}
