/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines of a screen. All text is printable ASCII, so one byte is one column, in every locale and on every terminal:
 * other bytes are shown as \xNN.
 */
#ifndef LEASTCAP_TOP_LINES_H
#define LEASTCAP_TOP_LINES_H

#include <stdbool.h>
#include <stddef.h>

enum top_style {
	TOP_PLAIN,
	TOP_BOLD,
	TOP_BAR, /* headings, keys */
	TOP_SELECTED,
	TOP_ACTIVE, /* something is being refused here */
	TOP_ALERT,
};

struct top_line {
	char *text;
	enum top_style style;
};

struct top_lines {
	struct top_line *items;
	size_t n, size;
	bool failed; /* no memory: a line is missing */
};

void top_lines_done(struct top_lines *l);

/* Adds a line, made printable. What does not fit is cut where it is shown. */
void top_lines_add(struct top_lines *l, enum top_style style, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "label       words ...": as many lines as it takes, broken at blanks. */
void top_lines_wrap(struct top_lines *l, const char *label, const char *words, size_t width);

/* A printable copy, to be freed. NULL: no memory. */
char *top_ascii(const char *text);

#endif
