/* SPDX-License-Identifier: GPL-2.0-only */
/* The columns of the table: what is in them, in which order they sort, and which of them a width has room for. Pure. */
#ifndef LEASTCAP_TOP_COLUMNS_H
#define LEASTCAP_TOP_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "top/sample.h"

/* In the order in which they are shown. */
enum top_column {
	TOP_COLUMN_SUBJECT,
	TOP_COLUMN_POLICY,
	TOP_COLUMN_MODE,
	TOP_COLUMN_SEEN_RATE,
	TOP_COLUMN_DENIED_RATE,
	TOP_COLUMN_WOULD_RATE,
	TOP_COLUMN_DENIED,
	TOP_COLUMN_WOULD,
	TOP_COLUMN_USED,
	TOP_COLUMN_UNUSED,
	TOP_COLUMN_CGROUP,
	TOP_COLUMNS,
};

/* As they are named with --sort; ends in NULL. */
extern const char *const top_column_words[TOP_COLUMNS + 1];

/* Widths; 0: there is no room for it. */
struct top_layout {
	size_t width[TOP_COLUMNS];
};

/* The wider, the more columns. seen: checks are counted. */
void top_layout(size_t width, bool seen, const struct top_row *const *rows, size_t n,
		struct top_layout *ret);

/* The column beside this one that is shown; itself if there is none. */
enum top_column top_column_beside(const struct top_layout *l, enum top_column column, int step);

/* "NAME   POLICY ...": one line, to be freed; NULL: no memory. The column that sorts has a "v", or "^" when reversed. */
char *top_head(const struct top_layout *l, enum top_column sort, bool reverse);
char *top_row_text(const struct top_layout *l, const struct top_row *row);

/* Orders rows: names upwards, numbers downwards, or the other way. What is equal is ordered by what is refused, then by name. */
void top_sort(const struct top_row **rows, size_t n, enum top_column column, bool reverse);

/* "1234567" as "1.23M", a rate as "12.5"; "-" for a negative one. Returns buf. */
#define TOP_NUMBER 16
const char *top_number(uint64_t n, char buf[TOP_NUMBER]);
const char *top_rate_text(double rate, char buf[TOP_NUMBER]);

#endif
