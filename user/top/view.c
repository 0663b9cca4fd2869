/* SPDX-License-Identifier: GPL-2.0-only */
#include "top/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void top_view_done(struct top_view *v)
{
	top_sample_free(v->sample);
	free(v->shown);
	json_decref(v->detail);
	*v = (struct top_view){};
}

/* ---- which rows, in which order ---- */

static bool matches(const struct top_row *row, const char *filter)
{
	return !*filter || strcasestr(row->name, filter) || strcasestr(row->cgroup, filter) ||
	       strcasestr(row->policy, filter) ||
	       strcasestr(row->audit ? "audit" : "enforce", filter);
}

/* The selected row may have moved, or be gone: then its place has another one. */
static void find_cursor(struct top_view *v)
{
	for (size_t i = 0; v->chosen && i < v->n_shown; i++) {
		if (v->shown[i]->id == v->selected) {
			v->cursor = i;
			return;
		}
	}
	if (!v->chosen)
		v->cursor = 0;
	else if (v->cursor >= v->n_shown)
		v->cursor = v->n_shown ? v->n_shown - 1 : 0;
	v->selected = v->n_shown ? v->shown[v->cursor]->id : 0;
}

int top_view_arrange(struct top_view *v)
{
	size_t n = v->sample ? v->sample->n : 0;
	const struct top_row **shown =
		reallocarray(v->shown, n + 1, sizeof(const struct top_row *));

	v->n_shown = 0;
	if (!shown)
		return -ENOMEM;
	v->shown = shown;
	for (size_t i = 0; i < n; i++) {
		if (matches(&v->sample->rows[i], v->filter))
			shown[v->n_shown++] = &v->sample->rows[i];
	}
	top_sort(shown, v->n_shown, v->sort, v->reverse);
	find_cursor(v);
	return 0;
}

int top_view_update(struct top_view *v, struct top_sample *sample)
{
	top_sample_free(v->sample);
	v->sample = sample;
	return top_view_arrange(v);
}

/* ---- keys ---- */

/* Moves n of a list of `size` by a key; false: it is no key of that kind. */
static bool move(size_t *n, size_t size, size_t page, int key)
{
	size_t last = size ? size - 1 : 0;

	page = page ?: 1;
	switch (key) {
	case TOP_KEY_UP:
	case 'k':
		*n -= *n > 0;
		break;
	case TOP_KEY_DOWN:
	case 'j':
		*n += *n < last;
		break;
	case TOP_KEY_PAGE_UP:
		*n -= *n < page ? *n : page;
		break;
	case TOP_KEY_PAGE_DOWN:
		*n = last - *n < page ? last : *n + page;
		break;
	case TOP_KEY_HOME:
	case 'g':
		*n = 0;
		break;
	case TOP_KEY_END:
	case 'G':
		*n = last;
		break;
	default:
		return false;
	}
	return true;
}

static int type(struct top_view *v, int key)
{
	size_t len = strlen(v->filter);

	switch (key) {
	case TOP_KEY_ENTER:
		v->typing = false;
		return 0;
	case TOP_KEY_ESCAPE:
		v->typing = false;
		*v->filter = '\0';
		break;
	case TOP_KEY_BACKSPACE:
		/* As in less: one too many ends it. */
		v->typing = len > 0;
		v->filter[len ? len - 1 : 0] = '\0';
		break;
	default:
		if (key < ' ' || key > '~' || len + 1 >= sizeof(v->filter))
			return 0;
		v->filter[len] = (char)key;
		v->filter[len + 1] = '\0';
	}
	return top_view_arrange(v);
}

static void open_subject(struct top_view *v)
{
	if (!v->n_shown)
		return;
	v->page = TOP_PAGE_SUBJECT;
	v->subject = v->selected;
	v->scroll = 0;
}

static int sort_by(struct top_view *v, int step)
{
	struct top_layout all;

	/* All columns, also those that this width has no room for. */
	top_layout(1000, v->counting, v->shown, v->n_shown, &all);
	v->sort = top_column_beside(&all, v->sort, step);
	return top_view_arrange(v);
}

static int table_key(struct top_view *v, int key)
{
	if (move(&v->cursor, v->n_shown, v->page_rows, key)) {
		v->selected = v->n_shown ? v->shown[v->cursor]->id : 0;
		v->chosen = v->cursor > 0;
		return 0;
	}
	switch (key) {
	case 'q':
		v->quit = true;
		return 0;
	case TOP_KEY_ENTER:
		open_subject(v);
		return 0;
	case '/':
		v->typing = true;
		return 0;
	case TOP_KEY_ESCAPE:
		*v->filter = '\0';
		return top_view_arrange(v);
	case 's':
	case '>':
	case TOP_KEY_RIGHT:
		return sort_by(v, 1);
	case '<':
	case TOP_KEY_LEFT:
		return sort_by(v, -1);
	case 'r':
	case 'R':
		v->reverse = !v->reverse;
		return top_view_arrange(v);
	default:
		return 0;
	}
}

/* Of the page of a subject; how far down there is something, the screen knows. */
static void subject_key(struct top_view *v, int key)
{
	if (move(&v->scroll, SIZE_MAX, v->page_rows, key))
		return;
	if (key != 'q' && key != TOP_KEY_ESCAPE && key != TOP_KEY_LEFT && key != TOP_KEY_BACKSPACE)
		return;
	v->page = TOP_PAGE_TABLE;
	v->subject = 0;
	json_decref(v->detail);
	v->detail = NULL;
}

static void help_key(struct top_view *v, int key)
{
	if (move(&v->scroll, SIZE_MAX, v->page_rows, key))
		return;
	v->scroll = 0;
	v->page = v->subject ? TOP_PAGE_SUBJECT : TOP_PAGE_TABLE;
}

int top_view_key(struct top_view *v, int key)
{
	if (v->typing)
		return type(v, key);
	if (v->page == TOP_PAGE_HELP) {
		help_key(v, key);
		return 0;
	}
	switch (key) {
	case 'h':
	case '?':
	case TOP_KEY_HELP:
		v->page = TOP_PAGE_HELP;
		v->scroll = 0;
		return 0;
	case ' ':
		v->paused = !v->paused;
		return 0;
	case 'c':
		v->counting = !v->counting;
		return top_view_arrange(v);
	}
	if (v->page == TOP_PAGE_TABLE)
		return table_key(v, key);
	subject_key(v, key);
	return 0;
}
