/* SPDX-License-Identifier: GPL-2.0-only */
/* What top shows: rates from two samples, the order of rows, the columns that a width has room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tops.h"

static void assert_near(double wanted, double got)
{
	assert_true(got > wanted - 0.001 && got < wanted + 0.001);
}

/* ---- rates ---- */

static void rates_are_growth_by_time(void **state)
{
	_cleanup_(top_sample_freep) struct top_sample *a =
		sample_of(json_pack("[o, o]", binding(2, "/b", "web", "enforce", 10, 0, -1),
				    binding(1, "/a", "web", "audit", 0, 7, -1)),
			  5 * SECOND, NULL);
	_cleanup_(top_sample_freep) struct top_sample *b =
		sample_of(json_pack("[o, o]", binding(2, "/b", "web", "enforce", 35, 0, -1),
				    binding(1, "/a", "web", "audit", 0, 8, -1)),
			  7 * SECOND + SECOND / 2, a);

	/* Of one look nothing is known. */
	assert_true(a->rate[TOP_DENIED] < 0);
	assert_true(top_sample_find(a, 2)->rate[TOP_DENIED] < 0);
	assert_near(10, top_sample_find(b, 2)->rate[TOP_DENIED]);
	assert_near(0, top_sample_find(b, 2)->rate[TOP_WOULD]);
	assert_near(0.4, top_sample_find(b, 1)->rate[TOP_WOULD]);
	assert_near(10, b->rate[TOP_DENIED]);
	assert_int_equal(b->total[TOP_DENIED], 35);
	assert_int_equal(b->total[TOP_WOULD], 8);
	assert_true(top_sample_find(b, 1)->rate[TOP_SEEN] < 0);
	assert_true(b->rate[TOP_SEEN] < 0);
	assert_null(top_sample_find(b, 3));
	assert_null(top_sample_find(NULL, 3));
}

static void what_is_new_began_with_nothing_and_what_is_less_began_again(void **state)
{
	_cleanup_(top_sample_freep) struct top_sample *a = sample_of(
		json_pack("[o]", binding(1, "/a", "web", "enforce", 1000, 0, -1)), SECOND, NULL);
	_cleanup_(top_sample_freep) struct top_sample *b =
		sample_of(json_pack("[o, o]", binding(1, "/a", "web", "enforce", 6, 0, -1),
				    binding(2, "/b", "web", "enforce", 4, 0, -1)),
			  3 * SECOND, a);
	/* The clock does not go on: no rate, and no division by nothing. */
	_cleanup_(top_sample_freep) struct top_sample *c = sample_of(
		json_pack("[o]", binding(1, "/a", "web", "enforce", 9, 0, -1)), 3 * SECOND, b);

	assert_near(3, top_sample_find(b, 1)->rate[TOP_DENIED]);
	assert_near(2, top_sample_find(b, 2)->rate[TOP_DENIED]);
	assert_true(top_sample_find(c, 1)->rate[TOP_DENIED] < 0);
}

static void checks_have_a_rate_when_both_samples_count_them(void **state)
{
	_cleanup_(top_sample_freep) struct top_sample *a = sample_of(
		json_pack("[o]", binding(1, "/a", "web", "enforce", 0, 0, -1)), SECOND, NULL);
	_cleanup_(top_sample_freep) struct top_sample *b = sample_of(
		json_pack("[o]", binding(1, "/a", "web", "enforce", 0, 0, 50)), 2 * SECOND, a);
	_cleanup_(top_sample_freep) struct top_sample *c =
		sample_of(json_pack("[o, o]", binding(1, "/a", "web", "enforce", 0, 0, 150),
				    binding(2, "/b", "web", "enforce", 0, 0, 30)),
			  3 * SECOND, b);

	assert_true(top_sample_find(b, 1)->rate[TOP_SEEN] < 0);
	assert_near(100, top_sample_find(c, 1)->rate[TOP_SEEN]);
	assert_near(30, top_sample_find(c, 2)->rate[TOP_SEEN]);
	assert_near(130, c->rate[TOP_SEEN]);
}

static void what_is_unused_is_what_the_policy_leaves(void **state)
{
	_cleanup_(top_sample_freep) struct top_sample *s =
		sample_of(json_pack("[o, o]", binding(1, "/a", "web", "enforce", 0, 0, -1),
				    binding(2, "/b", "web", "audit", 0, 0, -1)),
			  SECOND, NULL);

	assert_int_equal(top_sample_find(s, 1)->used, 1);
	assert_int_equal(top_sample_find(s, 1)->unused, 0);
	/* KILL is granted and not allowed, and taken away by nobody. */
	assert_int_equal(top_sample_find(s, 2)->unused, 1);
}

static void whatever_a_status_holds(void **state)
{
	static const char *const odd[] = {
		"{}",
		"{\"bindings\": 7}",
		"{\"bindings\": [1, null, \"x\", [], {}]}",
		"{\"bindings\": [{\"cgroup\": 3, \"cgroup_id\": -1, \"policy\": [], \"mode\": {}}]}",
		"{\"bindings\": [{\"counters\": {\"denied\": -5, \"would_deny\": \"x\"}}]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		json_t *status = json_loads(odd[i], 0, NULL);
		_cleanup_(top_sample_freep) struct top_sample *s = NULL;

		assert_non_null(status);
		assert_int_equal(top_sample_new(status, SECOND, NULL, &s), 0);
		assert_int_equal(s->total[TOP_DENIED], 0);
	}
}

/* ---- order ---- */

static const char *order_of(const struct top_row **rows, size_t n, enum top_column column,
			    bool reverse)
{
	static char names[64];
	char *p = names;

	top_sort(rows, n, column, reverse);
	for (size_t i = 0; i < n; i++)
		p = stpcpy(p, rows[i]->name);
	return names;
}

static void rows_are_sorted(void **state)
{
	_cleanup_(top_sample_freep) struct top_sample *a =
		sample_of(json_pack("[o, o, o]", binding(1, "/c", "x", "enforce", 0, 0, -1),
				    binding(2, "/B", "z", "audit", 50, 0, -1),
				    binding(3, "/a", "y", "enforce", 0, 0, -1)),
			  SECOND, NULL);
	_cleanup_(top_sample_freep) struct top_sample *s =
		sample_of(json_pack("[o, o, o]", binding(1, "/c", "x", "enforce", 9, 5, -1),
				    binding(2, "/B", "z", "audit", 50, 0, -1),
				    binding(3, "/a", "y", "enforce", 3, 5, -1)),
			  2 * SECOND, a);
	const struct top_row *rows[] = {&s->rows[0], &s->rows[1], &s->rows[2]};

	assert_string_equal(order_of(rows, 3, TOP_COLUMN_SUBJECT, false), "/a/B/c");
	assert_string_equal(order_of(rows, 3, TOP_COLUMN_SUBJECT, true), "/c/B/a");
	assert_string_equal(order_of(rows, 3, TOP_COLUMN_POLICY, false), "/c/a/B");
	assert_string_equal(order_of(rows, 3, TOP_COLUMN_DENIED_RATE, false), "/c/a/B");
	assert_string_equal(order_of(rows, 3, TOP_COLUMN_DENIED_RATE, true), "/B/a/c");
	assert_string_equal(order_of(rows, 3, TOP_COLUMN_DENIED, false), "/B/c/a");
	/* What is equal is ordered by what is refused, whichever way round. */
	assert_string_equal(order_of(rows, 3, TOP_COLUMN_WOULD, false), "/c/a/B");
	assert_string_equal(order_of(rows, 3, TOP_COLUMN_WOULD, true), "/B/c/a");
	assert_string_equal(order_of(rows, 3, TOP_COLUMN_MODE, false), "/c/a/B");
	/* Nobody knows: they are all the same. */
	assert_string_equal(order_of(rows, 3, TOP_COLUMN_SEEN_RATE, false), "/c/a/B");
}

/* ---- numbers ---- */

static void numbers_are_short(void **state)
{
	static const struct {
		uint64_t n;
		const char *text;
	} cases[] = {
		{0, "0"},
		{999999, "999999"},
		{1000000, "1.00M"},
		{9994999, "9.99M"},
		{9995000, "10.0M"},
		{99949999, "99.9M"},
		{123456789, "123M"},
		{999499999, "999M"},
		{999500000, "1.00G"},
		{5000000000, "5.00G"},
		{UINT64_MAX, "18.4E"},
	};
	static const struct {
		double rate;
		const char *text;
	} rates[] = {
		{-1, "-"},	  {0, "0.0"},	      {0.04, "0.0"},
		{12.34, "12.3"},  {999.94, "999.9"},  {999.96, "1000"},
		{9999.4, "9999"}, {123456, "123456"}, {12345678, "12.3M"},
	};
	char buf[TOP_NUMBER];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(top_number(cases[i].n, buf), cases[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++)
		assert_string_equal(top_rate_text(rates[i].rate, buf), rates[i].text);
}

/* ---- columns ---- */

static size_t width_of(const struct top_layout *l)
{
	size_t sum = 0;

	for (size_t i = 0; i < TOP_COLUMNS; i++)
		sum += l->width[i] ? l->width[i] + 1 : 0;
	return sum - 1;
}

static void columns_fit_into_any_width(void **state)
{
	_cleanup_(top_sample_freep) struct top_sample *s = sample_of(
		json_pack("[o]", binding(1, "/a/name/that/is/longer/than/most/of/them/are.service",
					 "a-policy-with-a-long-name", "enforce", 1, 2, 3)),
		SECOND, NULL);
	const struct top_row *rows[] = {&s->rows[0]};

	for (size_t width = 12; width < 300; width++) {
		for (int seen = 0; seen < 2; seen++) {
			_cleanup_free_ char *head = NULL, *line = NULL;
			struct top_layout l;

			top_layout(width, seen, rows, 1, &l);
			assert_true(width_of(&l) <= width);
			/* Who, and how often, is never left out. */
			assert_true(l.width[TOP_COLUMN_SUBJECT]);
			assert_true(l.width[TOP_COLUMN_DENIED_RATE]);
			assert_true(seen || !l.width[TOP_COLUMN_SEEN_RATE]);
			head = top_head(&l, TOP_COLUMN_DENIED_RATE, false);
			line = top_row_text(&l, rows[0]);
			assert_true(strlen(head) <= width);
			assert_true(strlen(line) <= width);
		}
	}
}

static void eighty_columns_and_more(void **state)
{
	_cleanup_(top_sample_freep) struct top_sample *s =
		sample_of(json_pack("[o]", binding(1, "/system.slice/one-more-web.service", "web",
						   "enforce", 1, 2, -1)),
			  SECOND, NULL);
	const struct top_row *rows[] = {&s->rows[0]};
	_cleanup_free_ char *head = NULL, *line = NULL, *wide = NULL;
	struct top_layout l;

	top_layout(80, false, rows, 1, &l);
	head = top_head(&l, TOP_COLUMN_DENIED_RATE, false);
	assert_string_equal(
		head,
		"SUBJECT                 POLICY    MODE    DENY/Sv  WOULD/S  DENIED   WOULD  USED");
	line = top_row_text(&l, rows[0]);
	/* The end of a path counts. */
	assert_string_equal(
		line,
		"../one-more-web.service web       enforce       -        -       1       2     1");
	free(TAKE_PTR(line));
	top_layout(160, false, rows, 1, &l);
	wide = top_head(&l, TOP_COLUMN_UNUSED, true);
	assert_non_null(strstr(wide, " UNUSED^ CGROUP"));
	line = top_row_text(&l, rows[0]);
	assert_ptr_equal(strstr(line, "/system.slice/one-more-web.service "), line);
	assert_int_equal(top_column_beside(&l, TOP_COLUMN_MODE, 1), TOP_COLUMN_DENIED_RATE);
	assert_int_equal(top_column_beside(&l, TOP_COLUMN_DENIED_RATE, -1), TOP_COLUMN_MODE);
	assert_int_equal(top_column_beside(&l, TOP_COLUMN_SUBJECT, -1), TOP_COLUMN_SUBJECT);
	assert_int_equal(top_column_beside(&l, TOP_COLUMN_CGROUP, 1), TOP_COLUMN_CGROUP);
}

static void short_names_leave_room_for_a_long_policy(void **state)
{
	_cleanup_(top_sample_freep) struct top_sample *s =
		sample_of(json_pack("[o]", binding(1, "web", "every-container", "audit", 1, 2, -1)),
			  SECOND, NULL);
	const struct top_row *rows[] = {&s->rows[0]};
	_cleanup_free_ char *line = NULL;
	struct top_layout l;

	top_layout(80, false, rows, 1, &l);
	line = top_row_text(&l, rows[0]);
	assert_ptr_equal(strstr(line, "web "), line);
	assert_non_null(strstr(line, " every-container audit "));
	assert_int_equal(strlen(line), 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_growth_by_time),
		cmocka_unit_test(what_is_new_began_with_nothing_and_what_is_less_began_again),
		cmocka_unit_test(checks_have_a_rate_when_both_samples_count_them),
		cmocka_unit_test(what_is_unused_is_what_the_policy_leaves),
		cmocka_unit_test(whatever_a_status_holds),
		cmocka_unit_test(rows_are_sorted),
		cmocka_unit_test(numbers_are_short),
		cmocka_unit_test(columns_fit_into_any_width),
		cmocka_unit_test(eighty_columns_and_more),
		cmocka_unit_test(short_names_leave_room_for_a_long_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
