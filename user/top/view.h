/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is on the screen of `leastcap top`, and what keys do to it. Pure: a screen is lines of text, and whoever has a
 * terminal puts them on it.
 */
#ifndef LEASTCAP_TOP_VIEW_H
#define LEASTCAP_TOP_VIEW_H

#include "top/columns.h"
#include "top/lines.h"

/* Keys that are no printable character. */
enum top_key {
	TOP_KEY_UP = 0x1000,
	TOP_KEY_DOWN,
	TOP_KEY_LEFT,
	TOP_KEY_RIGHT,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_ENTER,
	TOP_KEY_ESCAPE,
	TOP_KEY_BACKSPACE,
	TOP_KEY_HELP,
};

enum top_page { TOP_PAGE_TABLE, TOP_PAGE_SUBJECT, TOP_PAGE_HELP };

#define TOP_FILTER 64

struct top_view {
	enum top_page page;
	enum top_column sort;
	bool reverse;
	char filter[TOP_FILTER]; /* only rows with this text in them */
	bool typing; /* the filter */
	bool paused;
	bool counting; /* checks are to be counted */
	bool quit;

	struct top_sample *sample; /* NULL: nothing is known yet */
	const struct top_row **shown; /* filtered, sorted; of the sample */
	size_t n_shown;
	uint64_t selected; /* id */
	bool chosen; /* it stays selected wherever it goes; else the first row is, whichever that is */
	size_t cursor; /* the selected row's place in shown */
	size_t first; /* the first one on the screen */
	size_t page_rows; /* as many as were last shown */

	uint64_t subject; /* of TOP_PAGE_SUBJECT */
	json_t *detail; /* its binding, with `processes` and `events`; NULL: not there yet */
	size_t scroll; /* lines that are above the page of a subject, or of help */

	char clock[16]; /* "12:03:04" of the sample */
	char host[65];
	double delay; /* seconds */
	char waiting[128]; /* why there is nothing newer; "" */
};

void top_view_done(struct top_view *v);

/* A newer sample, which is taken over. */
int top_view_update(struct top_view *v, struct top_sample *sample);

/* Filters and sorts anew. -ENOMEM. */
int top_view_arrange(struct top_view *v);

/* A printable character or an enum top_key. -ENOMEM. */
int top_view_key(struct top_view *v, int key);

/* The whole screen, at most height lines of any length. */
void top_screen(struct top_view *v, size_t width, size_t height, struct top_lines *ret);

/* ---- what a screen is made of ---- */

/* Two or three lines that all pages begin with. */
void top_screen_status(const struct top_view *v, size_t width, struct top_lines *ret);

/* All that is known of a subject; row may be NULL: it is gone. */
void top_detail(const struct top_row *row, const json_t *detail, size_t width,
		struct top_lines *ret);

void top_help(struct top_lines *ret);

#endif
