/* SPDX-License-Identifier: GPL-2.0-only */
/* A screen, from the top: the state of the host, a table or a page, one line of keys. */
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "top/view.h"

/* As much of a state as a line of alarm has room for. */
#define REASON 60

static const char table_keys[] =
	"q Quit  h Help  / Filter  <> Sort  r Reverse  Enter Open  Space Pause  c Checks";
static const char subject_keys[] = "Esc Back  h Help  Up Down PgUp PgDn Scroll  Space Pause";
static const char help_keys[] = "Any key goes back";

/* ---- what is the matter ---- */

static long long number_of(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static long long losses_of(const json_t *status)
{
	const json_t *n;
	const char *key;
	long long sum = 0;

	json_object_foreach(json_object_get(status, "losses"), key, n)
		sum += json_integer_value(n);
	return sum;
}

static void add_disarmed(const json_t *status, struct top_lines *ret)
{
	const json_t *disarmed = json_object_get(status, "disarmed");
	const char *reason = json_string_value(json_object_get(disarmed, "reason"));
	char left[DURATION_TEXT];

	if (json_is_object(disarmed))
		top_lines_add(ret, TOP_ALERT, "DISARMED for %s more, nothing is refused: %.*s",
			      duration_text((uint64_t)number_of(disarmed, "seconds_left"), left),
			      REASON, reason ?: "(reason not known)");
}

/* Only what is not as it should be. */
static void add_alerts(const struct top_view *v, struct top_lines *ret)
{
	const json_t *status = v->sample ? v->sample->status : NULL;
	size_t problems = json_array_size(json_object_get(status, "problems"));
	long long losses = losses_of(status), unfit = number_of(status, "seen_unfit");

	if (*v->waiting)
		top_lines_add(ret, TOP_ALERT, "%s", v->waiting);
	if (status && json_is_false(json_object_get(status, "daemon")))
		top_lines_add(
			ret, TOP_ALERT,
			"daemon not running; read from the kernel, what is bound stays bound");
	add_disarmed(status, ret);
	if (losses)
		top_lines_add(ret, TOP_ALERT,
			      "%lld lost in the kernel: 'leastcap status' says what", losses);
	if (problems)
		top_lines_add(ret, TOP_ALERT,
			      "%zu problem%s of policy files: 'leastcap status' says which",
			      problems, problems == 1 ? "" : "s");
	if (unfit)
		top_lines_add(ret, TOP_ALERT, "seen: %lld checks of too many kinds are in no line",
			      unfit);
}

static const char *enforcing(const struct top_view *v)
{
	if (!v->sample)
		return "";
	return json_is_true(json_object_get(v->sample->status, "enforcing")) ? "enforcing"
									     : "NOT enforcing";
}

static void add_totals(const struct top_view *v, struct top_lines *ret)
{
	const struct top_sample *s = v->sample;
	char denied[TOP_NUMBER], would[TOP_NUMBER], all_denied[TOP_NUMBER], all_would[TOP_NUMBER],
		seen[TOP_NUMBER], shown[48] = "";

	if (!s)
		return;
	if (*v->filter)
		snprintf(shown, sizeof(shown), " (%zu shown)", v->n_shown);
	top_lines_add(
		ret, TOP_PLAIN, "%zu subject%s%s  denied %s, %s/s  would deny %s, %s/s%s%s%s", s->n,
		s->n == 1 ? "" : "s", shown, top_number(s->total[TOP_DENIED], all_denied),
		top_rate_text(s->rate[TOP_DENIED], denied),
		top_number(s->total[TOP_WOULD], all_would),
		top_rate_text(s->rate[TOP_WOULD], would), v->counting ? "  seen " : "",
		v->counting ? top_rate_text(s->rate[TOP_SEEN], seen) : "", v->counting ? "/s" : "");
}

void top_screen_status(const struct top_view *v, size_t width, struct top_lines *ret)
{
	char left[160], right[64];
	size_t gap;

	snprintf(left, sizeof(left), "leastcap top  %s  %s  %s", v->host, v->clock, enforcing(v));
	snprintf(right, sizeof(right), "%severy %gs", v->paused ? "PAUSED  " : "", v->delay);
	gap = strlen(left) + strlen(right) + 2;
	gap = width > gap ? width - gap : 0;
	top_lines_add(ret, TOP_BOLD, "%s%*s  %s", left, (int)gap, "", right);
	add_totals(v, ret);
	add_alerts(v, ret);
}

/* ---- pages ---- */

/* Lines that are left for rows, below what is there and above the keys; at least one. */
static size_t room(const struct top_lines *l, size_t height)
{
	return height > l->n + 1 ? height - l->n - 1 : 1;
}

static void keep_cursor_visible(struct top_view *v, size_t rows)
{
	if (v->cursor < v->first)
		v->first = v->cursor;
	if (v->cursor >= v->first + rows)
		v->first = v->cursor - rows + 1;
	if (v->first + rows > v->n_shown)
		v->first = v->n_shown > rows ? v->n_shown - rows : 0;
}

static enum top_style style_of(const struct top_view *v, size_t i)
{
	const struct top_row *row = v->shown[i];

	if (i == v->cursor)
		return TOP_SELECTED;
	return row->rate[TOP_DENIED] > 0 ? TOP_ACTIVE : TOP_PLAIN;
}

static void add_text(struct top_lines *ret, enum top_style style, char *text)
{
	_cleanup_free_ char *line = text;

	if (line)
		top_lines_add(ret, style, "%s", line);
	else
		ret->failed = true;
}

static void add_nothing(const struct top_view *v, struct top_lines *ret)
{
	if (!v->sample)
		top_lines_add(ret, TOP_PLAIN, "waiting for the first numbers ...");
	else if (*v->filter)
		top_lines_add(ret, TOP_PLAIN, "no subject has '%s' in it; Esc shows all",
			      v->filter);
	else
		top_lines_add(ret, TOP_PLAIN,
			      "no subject: nothing is bound ('leastcap apply' binds a policy)");
}

static void add_table(struct top_view *v, size_t width, size_t height, struct top_lines *ret)
{
	struct top_layout layout;
	size_t rows;

	top_layout(width, v->counting, v->shown, v->n_shown, &layout);
	add_text(ret, TOP_BAR, top_head(&layout, v->sort, v->reverse));
	rows = v->page_rows = room(ret, height);
	keep_cursor_visible(v, rows);
	if (!v->n_shown)
		add_nothing(v, ret);
	for (size_t i = v->first; i < v->n_shown && i < v->first + rows; i++)
		add_text(ret, style_of(v, i), top_row_text(&layout, v->shown[i]));
}

/* What of a page is on the screen: as far as the last line, and no further. */
static void add_scrolled(struct top_view *v, const struct top_lines *page, size_t height,
			 struct top_lines *ret)
{
	size_t rows = v->page_rows = room(ret, height);

	if (page->n <= rows)
		v->scroll = 0;
	else if (v->scroll > page->n - rows)
		v->scroll = page->n - rows;
	for (size_t i = v->scroll; i < page->n && i < v->scroll + rows; i++)
		top_lines_add(ret, page->items[i].style, "%s", page->items[i].text);
}

static void add_subject(struct top_view *v, size_t width, size_t height, struct top_lines *ret)
{
	const struct top_row *row = top_sample_find(v->sample, v->subject);
	struct top_lines page = {};

	if (row)
		top_lines_add(ret, TOP_BAR, "%s: policy %s, %s", row->name, row->policy,
			      row->audit ? "audit" : "enforce");
	else
		top_lines_add(ret, TOP_BAR, "%s: it is bound no more",
			      json_string_value(json_object_get(v->detail, "name")) ?: "?");
	top_detail(row, v->detail, width, &page);
	add_scrolled(v, &page, height, ret);
	ret->failed |= page.failed;
	top_lines_done(&page);
}

static void add_help(struct top_view *v, size_t height, struct top_lines *ret)
{
	struct top_lines page = {};

	top_help(&page);
	add_scrolled(v, &page, height, ret);
	ret->failed |= page.failed;
	top_lines_done(&page);
}

static void add_keys(const struct top_view *v, struct top_lines *ret)
{
	if (v->typing)
		top_lines_add(ret, TOP_BAR, "Filter: %s_   (Enter keeps it, Esc shows all)",
			      v->filter);
	else if (v->page == TOP_PAGE_HELP)
		top_lines_add(ret, TOP_BAR, "%s", help_keys);
	else if (v->page == TOP_PAGE_SUBJECT)
		top_lines_add(ret, TOP_BAR, "%s", subject_keys);
	else if (*v->filter)
		top_lines_add(ret, TOP_BAR, "Filter: %s   / changes it, Esc shows all", v->filter);
	else
		top_lines_add(ret, TOP_BAR, "%s", table_keys);
}

/* The last line is the last of the screen. */
static void fill_up(struct top_lines *ret, size_t height)
{
	while (!ret->failed && ret->n + 1 < height)
		top_lines_add(ret, TOP_PLAIN, "%s", "");
}

void top_screen(struct top_view *v, size_t width, size_t height, struct top_lines *ret)
{
	if (v->page == TOP_PAGE_HELP) {
		add_help(v, height, ret);
	} else {
		top_screen_status(v, width, ret);
		if (v->page == TOP_PAGE_SUBJECT)
			add_subject(v, width, height, ret);
		else
			add_table(v, width, height, ret);
	}
	fill_up(ret, height);
	add_keys(v, ret);
}
