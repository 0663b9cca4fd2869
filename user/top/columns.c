/* SPDX-License-Identifier: GPL-2.0-only */
#include "top/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Enough to tell subjects apart; below it a column goes. */
#define SUBJECT_MIN 20U
#define POLICY_MIN 9U
/* From here on there is room for the whole path beside the name. */
#define CGROUP_MIN 30U

const char *const top_column_words[TOP_COLUMNS + 1] = {
	[TOP_COLUMN_SUBJECT] = "subject",    [TOP_COLUMN_POLICY] = "policy",
	[TOP_COLUMN_MODE] = "mode",	     [TOP_COLUMN_SEEN_RATE] = "seen/s",
	[TOP_COLUMN_DENIED_RATE] = "deny/s", [TOP_COLUMN_WOULD_RATE] = "would/s",
	[TOP_COLUMN_DENIED] = "denied",	     [TOP_COLUMN_WOULD] = "would",
	[TOP_COLUMN_USED] = "used",	     [TOP_COLUMN_UNUSED] = "unused",
	[TOP_COLUMN_CGROUP] = "cgroup",
};

/* Of those that have one. The heading and the mark of the order fit in. */
static const size_t fixed[TOP_COLUMNS] = {
	[TOP_COLUMN_MODE] = 7,	     [TOP_COLUMN_SEEN_RATE] = 7, [TOP_COLUMN_DENIED_RATE] = 7,
	[TOP_COLUMN_WOULD_RATE] = 8, [TOP_COLUMN_DENIED] = 7,	 [TOP_COLUMN_WOULD] = 7,
	[TOP_COLUMN_USED] = 5,	     [TOP_COLUMN_UNUSED] = 7,
};

/* Where there is no room they go in this order. */
static const enum top_column optional[] = {
	TOP_COLUMN_UNUSED, TOP_COLUMN_USED,   TOP_COLUMN_WOULD,	     TOP_COLUMN_DENIED,
	TOP_COLUMN_MODE,   TOP_COLUMN_POLICY, TOP_COLUMN_WOULD_RATE, TOP_COLUMN_SEEN_RATE,
};

static bool is_text(enum top_column column)
{
	return column == TOP_COLUMN_SUBJECT || column == TOP_COLUMN_POLICY ||
	       column == TOP_COLUMN_MODE || column == TOP_COLUMN_CGROUP;
}

/* ---- what is in them ---- */

const char *top_number(uint64_t n, char buf[TOP_NUMBER])
{
	static const char units[] = "kMGTPE";
	double x = (double)n;
	size_t i = 0;

	if (n < 1000000) {
		snprintf(buf, TOP_NUMBER, "%llu", (unsigned long long)n);
		return buf;
	}
	for (x /= 1000; x >= 999.5 && units[i + 1]; i++)
		x /= 1000;
	snprintf(buf, TOP_NUMBER, "%.*f%c", x < 9.995 ? 2 : x < 99.95 ? 1 : 0, x, units[i]);
	return buf;
}

const char *top_rate_text(double rate, char buf[TOP_NUMBER])
{
	if (rate < 0)
		return "-";
	if (rate >= 9999.5)
		return top_number((uint64_t)(rate + 0.5), buf);
	snprintf(buf, TOP_NUMBER, "%.*f", rate < 999.95 ? 1 : 0, rate);
	return buf;
}

static const char *cell(const struct top_row *row, enum top_column column, char buf[TOP_NUMBER])
{
	switch (column) {
	case TOP_COLUMN_SUBJECT:
		return row->name;
	case TOP_COLUMN_POLICY:
		return row->policy;
	case TOP_COLUMN_MODE:
		return row->audit ? "audit" : "enforce";
	case TOP_COLUMN_SEEN_RATE:
		return top_rate_text(row->rate[TOP_SEEN], buf);
	case TOP_COLUMN_DENIED_RATE:
		return top_rate_text(row->rate[TOP_DENIED], buf);
	case TOP_COLUMN_WOULD_RATE:
		return top_rate_text(row->rate[TOP_WOULD], buf);
	case TOP_COLUMN_DENIED:
		return top_number(row->n[TOP_DENIED], buf);
	case TOP_COLUMN_WOULD:
		return top_number(row->n[TOP_WOULD], buf);
	case TOP_COLUMN_USED:
		return top_number(row->used, buf);
	case TOP_COLUMN_UNUSED:
		return top_number(row->unused, buf);
	default:
		return row->cgroup;
	}
}

/* ---- widths ---- */

static size_t taken(const struct top_layout *l)
{
	size_t sum = 0;

	for (size_t i = 0; i < TOP_COLUMNS; i++)
		sum += l->width[i] ? l->width[i] + 1 : 0;
	return sum ? sum - 1 : 0;
}

/* What the column would like to have. */
static size_t longest(enum top_column column, const struct top_row *const *rows, size_t n)
{
	size_t most = strlen(top_column_words[column]) + 1;
	char buf[TOP_NUMBER];

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(cell(rows[i], column, buf));

		most = len > most ? len : most;
	}
	return most;
}

/* Hands out what is left: one column at a time to the narrowest that would like to have more. */
static void widen(struct top_layout *l, const size_t wanted[TOP_COLUMNS], size_t width)
{
	for (size_t used = taken(l); used < width; used++) {
		size_t best = TOP_COLUMNS;

		for (size_t i = 0; i < TOP_COLUMNS; i++) {
			if (l->width[i] && l->width[i] < wanted[i] &&
			    (best == TOP_COLUMNS || l->width[i] < l->width[best]))
				best = i;
		}
		if (best == TOP_COLUMNS)
			return;
		l->width[best]++;
	}
}

void top_layout(size_t width, bool seen, const struct top_row *const *rows, size_t n,
		struct top_layout *ret)
{
	size_t wanted[TOP_COLUMNS] = {
		[TOP_COLUMN_SUBJECT] = longest(TOP_COLUMN_SUBJECT, rows, n),
		[TOP_COLUMN_POLICY] = longest(TOP_COLUMN_POLICY, rows, n),
	};
	size_t over;

	memcpy(ret->width, fixed, sizeof(fixed));
	ret->width[TOP_COLUMN_SUBJECT] = SUBJECT_MIN;
	ret->width[TOP_COLUMN_POLICY] = POLICY_MIN;
	if (!seen)
		ret->width[TOP_COLUMN_SEEN_RATE] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(optional) && taken(ret) > width; i++)
		ret->width[optional[i]] = 0;
	/* Narrower than anybody's: the name alone gives way. */
	over = taken(ret) > width ? taken(ret) - width : 0;
	if (over)
		ret->width[TOP_COLUMN_SUBJECT] = over < SUBJECT_MIN ? SUBJECT_MIN - over : 1;
	/* Short names leave room for longer ones beside; nobody's remains the subject's. */
	if (!over && wanted[TOP_COLUMN_SUBJECT] < SUBJECT_MIN)
		ret->width[TOP_COLUMN_SUBJECT] = wanted[TOP_COLUMN_SUBJECT];
	widen(ret, wanted, width);
	if (wanted[TOP_COLUMN_SUBJECT] < SUBJECT_MIN) {
		wanted[TOP_COLUMN_SUBJECT] = SUBJECT_MIN;
		widen(ret, wanted, width);
	}
	if (taken(ret) + 1 + CGROUP_MIN > width)
		return;
	ret->width[TOP_COLUMN_CGROUP] = CGROUP_MIN;
	wanted[TOP_COLUMN_CGROUP] = longest(TOP_COLUMN_CGROUP, rows, n);
	widen(ret, wanted, width);
}

enum top_column top_column_beside(const struct top_layout *l, enum top_column column, int step)
{
	for (int i = (int)column + step; i >= 0 && i < TOP_COLUMNS; i += step) {
		if (l->width[i])
			return (enum top_column)i;
	}
	return column;
}

/* ---- lines ---- */

/* A name that is cut keeps its beginning, a path its end. */
static void put(FILE *f, const char *text, size_t width, bool right, bool last)
{
	size_t len = strlen(text);

	if (len > width && *text == '/' && width > 2)
		fprintf(f, "..%s", text + len - (width - 2));
	else if (len > width && width > 2)
		fprintf(f, "%.*s..", (int)(width - 2), text);
	else if (last && !right)
		fprintf(f, "%.*s", (int)width, text);
	else
		fprintf(f, right ? "%*.*s" : "%-*.*s", (int)width, (int)width, text);
	if (!last)
		fputc(' ', f);
}

/* A line of one text for each column. */
static char *line(const struct top_layout *l,
		  const char *(*text)(enum top_column column, const void *ctx, char *buf),
		  const void *ctx)
{
	enum top_column last = TOP_COLUMN_SUBJECT;
	char *ret = NULL, buf[32];
	size_t size;
	FILE *f = open_memstream(&ret, &size);

	if (!f)
		return NULL;
	for (int i = 0; i < TOP_COLUMNS; i++)
		last = l->width[i] ? (enum top_column)i : last;
	for (int i = 0; i < TOP_COLUMNS; i++) {
		enum top_column column = (enum top_column)i;

		if (l->width[i])
			put(f, text(column, ctx, buf), l->width[i], !is_text(column),
			    column == last);
	}
	if (fclose(f)) {
		free(ret);
		return NULL;
	}
	return ret;
}

struct order {
	enum top_column column;
	bool reverse;
};

static const char *head_text(enum top_column column, const void *ctx, char *buf)
{
	const struct order *sort = ctx;
	char *p = buf;

	for (const char *c = top_column_words[column]; *c; c++)
		*p++ = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
	if (column == sort->column)
		*p++ = sort->reverse ? '^' : 'v';
	*p = '\0';
	return buf;
}

char *top_head(const struct top_layout *l, enum top_column sort, bool reverse)
{
	struct order order = {sort, reverse};

	return line(l, head_text, &order);
}

static const char *row_text(enum top_column column, const void *ctx, char *buf)
{
	return cell(ctx, column, buf);
}

char *top_row_text(const struct top_layout *l, const struct top_row *row)
{
	return line(l, row_text, row);
}

/* ---- order ---- */

static int compare(double a, double b)
{
	return a > b ? -1 : a < b;
}

static int by_column(const struct top_row *a, const struct top_row *b, enum top_column column)
{
	switch (column) {
	case TOP_COLUMN_SUBJECT:
		return strcasecmp(a->name, b->name);
	case TOP_COLUMN_POLICY:
		return strcasecmp(a->policy, b->policy);
	case TOP_COLUMN_MODE:
		return a->audit - b->audit;
	case TOP_COLUMN_SEEN_RATE:
		return compare(a->rate[TOP_SEEN], b->rate[TOP_SEEN]);
	case TOP_COLUMN_DENIED_RATE:
		return compare(a->rate[TOP_DENIED], b->rate[TOP_DENIED]);
	case TOP_COLUMN_WOULD_RATE:
		return compare(a->rate[TOP_WOULD], b->rate[TOP_WOULD]);
	case TOP_COLUMN_DENIED:
		return compare((double)a->n[TOP_DENIED], (double)b->n[TOP_DENIED]);
	case TOP_COLUMN_WOULD:
		return compare((double)a->n[TOP_WOULD], (double)b->n[TOP_WOULD]);
	case TOP_COLUMN_USED:
		return compare(a->used, b->used);
	case TOP_COLUMN_UNUSED:
		return compare(a->unused, b->unused);
	default:
		return strcmp(a->cgroup, b->cgroup);
	}
}

static int by_order(const void *a, const void *b, void *ctx)
{
	static const enum top_column then[] = {TOP_COLUMN_DENIED_RATE, TOP_COLUMN_WOULD_RATE,
					       TOP_COLUMN_DENIED, TOP_COLUMN_WOULD,
					       TOP_COLUMN_SUBJECT};
	const struct top_row *x = *(const struct top_row *const *)a,
			     *y = *(const struct top_row *const *)b;
	const struct order *order = ctx;
	int n = by_column(x, y, order->column);

	if (n)
		return order->reverse ? -n : n;
	for (size_t i = 0; !n && i < ARRAY_SIZE(then); i++)
		n = by_column(x, y, then[i]);
	return n ?: (x->id < y->id ? -1 : x->id > y->id);
}

void top_sort(const struct top_row **rows, size_t n, enum top_column column, bool reverse)
{
	struct order order = {column, reverse};

	qsort_r(rows, n, sizeof(*rows), by_order, &order);
}
