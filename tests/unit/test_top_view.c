/* SPDX-License-Identifier: GPL-2.0-only */
/* The screens of top, and what keys do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tops.h"

/* ---- the table ---- */

static void a_screen_of_80_by_24(void **state)
{
	_cleanup_view_ struct top_view v = {};
	_cleanup_lines_ struct top_lines l = {};

	fill(&v);
	show(&v, 80, 24, &l);
	assert_int_equal(l.n, 24);
	for (size_t i = 0; i < l.n; i++)
		assert_true(strlen(l.items[i].text) <= 80);
	assert_string_equal(
		l.items[0].text,
		"leastcap top  web1  12:03:04  enforcing                                 every 2s");
	assert_string_equal(l.items[1].text, "30 subjects  denied 40, 20.0/s  would deny 0, 0.0/s");
	assert_int_equal(l.items[2].style, TOP_BAR);
	assert_ptr_equal(strstr(l.items[3].text, "busy "), l.items[3].text);
	assert_non_null(strstr(l.items[3].text, " enforce    20.0      0.0      40       0     1"));
	assert_int_equal(l.items[3].style, TOP_SELECTED);
	keys(&v, "j");
	show(&v, 80, 24, &l);
	assert_int_equal(l.items[3].style, TOP_ACTIVE);
	assert_int_equal(l.items[4].style, TOP_SELECTED);
	assert_int_equal(l.items[23].style, TOP_BAR);
	assert_ptr_equal(strstr(l.items[23].text, "q Quit"), l.items[23].text);
}

static void any_size_is_filled_and_not_more(void **state)
{
	_cleanup_view_ struct top_view v = {};
	_cleanup_lines_ struct top_lines l = {};

	fill(&v);
	for (size_t height = 5; height < 60; height++) {
		show(&v, 20 + 3 * height, height, &l);
		assert_int_equal(l.n, height);
		assert_ptr_equal(strstr(l.items[height - 1].text, "q Quit"),
				 l.items[height - 1].text);
		/* The selected row is always there. */
		assert_int_not_equal(find(&l, "busy "), -1);
	}
	/* Smaller than anybody's: it shows what it can. */
	for (size_t height = 1; height < 5; height++)
		show(&v, 10, height, &l);
}

/* The first row is selected, whichever it is; one that was chosen stays so wherever it goes. */
static void the_selected_row_keeps_being_selected(void **state)
{
	_cleanup_view_ struct top_view v = {};
	_cleanup_lines_ struct top_lines l = {};

	fill(&v);
	assert_int_equal(v.selected, 99);
	assert_int_equal(v.cursor, 0);
	keys(&v, "r");
	assert_int_equal(v.selected, 1);
	assert_int_equal(v.cursor, 0);
	keys(&v, "Gr");
	assert_int_equal(v.selected, 99);
	assert_int_equal(v.cursor, 0);
	/* It is refused nothing more, and goes back among the others. */
	assert_int_equal(top_view_update(&v, sample_of(many(40), 5 * SECOND, v.sample)), 0);
	assert_int_equal(v.selected, 99);
	keys(&v, "G");
	assert_int_equal(v.cursor, 29);
	show(&v, 80, 24, &l);
	assert_int_equal(l.items[22].style, TOP_SELECTED);
	assert_int_equal(v.first, 10);
	assert_int_equal(top_view_key(&v, TOP_KEY_PAGE_UP), 0);
	assert_int_equal(v.cursor, 9);
	keys(&v, "kkkkkkkkkkkkk");
	assert_int_equal(v.cursor, 0);
	show(&v, 80, 24, &l);
	assert_int_equal(v.first, 0);
	/* What is gone leaves its place to another one. */
	assert_int_equal(top_view_update(&v, sample_of(json_array(), 7 * SECOND, v.sample)), 0);
	assert_int_equal(v.selected, 0);
	show(&v, 80, 24, &l);
	assert_int_not_equal(find(&l, "nothing is bound"), -1);
	assert_int_equal(top_view_key(&v, TOP_KEY_ENTER), 0);
	assert_int_equal(v.page, TOP_PAGE_TABLE);
}

static void a_text_filters(void **state)
{
	_cleanup_view_ struct top_view v = {};
	_cleanup_lines_ struct top_lines l = {};

	fill(&v);
	keys(&v, "/BUSY");
	assert_int_equal(v.n_shown, 1);
	show(&v, 80, 24, &l);
	assert_string_equal(l.items[23].text, "Filter: BUSY_   (Enter keeps it, Esc shows all)");
	assert_int_not_equal(find(&l, "30 subjects (1 shown)"), -1);
	assert_int_equal(find(&l, "/quiet/01"), -1);
	/* While it is typed, q is a letter. */
	keys(&v, "q");
	assert_int_equal(v.n_shown, 0);
	assert_false(v.quit);
	show(&v, 80, 24, &l);
	assert_int_not_equal(find(&l, "no subject has 'BUSYq' in it"), -1);
	assert_int_equal(top_view_key(&v, TOP_KEY_BACKSPACE), 0);
	assert_int_equal(top_view_key(&v, TOP_KEY_ENTER), 0);
	assert_int_equal(v.n_shown, 1);
	assert_false(v.typing);
	show(&v, 80, 24, &l);
	assert_ptr_equal(strstr(l.items[23].text, "Filter: BUSY  "), l.items[23].text);
	assert_int_equal(top_view_key(&v, TOP_KEY_ESCAPE), 0);
	assert_int_equal(v.n_shown, 30);
	/* By policy, and by the mode. */
	keys(&v, "/even");
	assert_int_equal(v.n_shown, 14);
	assert_int_equal(top_view_key(&v, TOP_KEY_ESCAPE), 0);
	keys(&v, "/audit");
	assert_int_equal(v.n_shown, 0);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(top_view_key(&v, TOP_KEY_BACKSPACE), 0);
	assert_false(v.typing);
	/* More than it has room for is not taken. */
	keys(&v, "/");
	for (size_t i = 0; i < 2 * TOP_FILTER; i++)
		keys(&v, "x");
	assert_int_equal(strlen(v.filter), TOP_FILTER - 1);
}

static void keys_sort(void **state)
{
	_cleanup_view_ struct top_view v = {};
	_cleanup_lines_ struct top_lines l = {};

	fill(&v);
	keys(&v, "r");
	show(&v, 80, 24, &l);
	assert_non_null(strstr(l.items[2].text, "DENY/S^"));
	assert_int_equal(v.shown[29]->id, 99);
	keys(&v, "r>");
	assert_int_equal(v.sort, TOP_COLUMN_WOULD_RATE);
	keys(&v, "s");
	assert_int_equal(v.sort, TOP_COLUMN_DENIED);
	keys(&v, "<<<<");
	/* Checks are not counted: that column is not there. */
	assert_int_equal(v.sort, TOP_COLUMN_POLICY);
	show(&v, 80, 24, &l);
	assert_non_null(strstr(l.items[2].text, "POLICYv"));
	assert_string_equal(v.shown[0]->policy, "even");
	keys(&v, "<<<");
	assert_int_equal(v.sort, TOP_COLUMN_SUBJECT);
	assert_string_equal(v.shown[0]->name, "/quiet/01");
}

static void what_is_the_matter_is_said(void **state)
{
	_cleanup_view_ struct top_view v = {};
	_cleanup_lines_ struct top_lines l = {};
	json_t *status = status_of(many(40));

	fill(&v);
	show(&v, 80, 24, &l);
	assert_int_equal(l.items[2].style, TOP_BAR);
	json_object_set_new(status, "daemon", json_false());
	json_object_set_new(status, "enforcing", json_false());
	json_object_set_new(status, "losses", json_pack("{s:i, s:i}", "ring", 2, "key", 3));
	json_object_set_new(status, "problems", json_pack("[{}]"));
	json_object_set_new(status, "seen_unfit", json_integer(7));
	json_object_set_new(
		status, "disarmed",
		json_pack("{s:s, s:i}", "reason", "incident\x1b[2J", "seconds_left", 540));
	{
		struct top_sample *s = NULL;

		assert_int_equal(top_sample_new(status, 5 * SECOND, v.sample, &s), 0);
		assert_int_equal(top_view_update(&v, s), 0);
	}
	strcpy(v.waiting, "waiting for an answer for 4s");
	keys(&v, " ");
	show(&v, 80, 24, &l);
	assert_int_equal(l.n, 24);
	assert_int_not_equal(find(&l, "NOT enforcing"), -1);
	assert_int_not_equal(find(&l, "PAUSED  every 2s"), -1);
	assert_int_not_equal(find(&l, "waiting for an answer for 4s"), -1);
	assert_int_not_equal(find(&l, "daemon not running; read from the kernel"), -1);
	assert_int_not_equal(find(&l, "DISARMED for 9m more, nothing is refused: incident\\x1b[2J"),
			     -1);
	assert_int_not_equal(find(&l, "5 lost in the kernel"), -1);
	assert_int_not_equal(find(&l, "1 problem of policy files"), -1);
	assert_int_not_equal(find(&l, "seen: 7 checks of too many kinds"), -1);
	assert_int_equal(l.items[find(&l, "DISARMED")].style, TOP_ALERT);
}

static void help_has_all_keys_and_fits(void **state)
{
	_cleanup_view_ struct top_view v = {};
	_cleanup_lines_ struct top_lines l = {};

	fill(&v);
	keys(&v, "?");
	show(&v, 80, 24, &l);
	assert_int_equal(l.n, 24);
	for (size_t i = 0; i < l.n; i++)
		assert_true(strlen(l.items[i].text) <= 80);
	assert_int_not_equal(find(&l, "Counts are the kernel's and exact"), -1);
	keys(&v, "x");
	assert_int_equal(v.page, TOP_PAGE_TABLE);
	/* On a small screen it scrolls. */
	keys(&v, "hG");
	show(&v, 80, 10, &l);
	assert_int_not_equal(find(&l, "Counts are the kernel's and exact"), -1);
	assert_int_equal(v.page, TOP_PAGE_HELP);
}

/* Whatever names hold, nothing but printable ASCII comes out. */
static void names_are_made_harmless(void **state)
{
	_cleanup_view_ struct top_view v = {.sort = TOP_COLUMN_DENIED_RATE};
	_cleanup_lines_ struct top_lines l = {};
	json_t *b = binding(1, "\x1b[2J\xe2\x80\xae\xc3\xa9", "p\ro", "enforce", 1, 1, 1);

	assert_int_equal(top_view_update(&v, sample_of(json_pack("[o]", b), SECOND, NULL)), 0);
	for (size_t width = 10; width < 200; width += 7) {
		show(&v, width, 24, &l);
		for (size_t i = 0; i < l.n; i++) {
			for (const char *c = l.items[i].text; *c; c++)
				assert_true(*c >= ' ' && *c <= '~');
		}
	}
	assert_int_not_equal(find(&l, "\\x1b[2J\\xe2\\x80\\xae\\xc3\\xa9"), -1);
	assert_int_not_equal(find(&l, "p\\x0do"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_screen_of_80_by_24),
		cmocka_unit_test(any_size_is_filled_and_not_more),
		cmocka_unit_test(the_selected_row_keeps_being_selected),
		cmocka_unit_test(a_text_filters),
		cmocka_unit_test(keys_sort),
		cmocka_unit_test(what_is_the_matter_is_said),
		cmocka_unit_test(help_has_all_keys_and_fits),
		cmocka_unit_test(names_are_made_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
