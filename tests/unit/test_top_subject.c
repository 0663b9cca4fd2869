/* SPDX-License-Identifier: GPL-2.0-only */
/* The page of a subject, and top for programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "top/json.h"
#include "tops.h"

/* ---- the page ---- */

static json_t *detail(void)
{
	json_t *b = binding(99, "busy\x1b[2J", "web", "enforce", 40, 2, 10);

	json_object_set_new(b, "rules",
			    json_pack("{s:[sss], s:[s]}", "enforced", "mounts", "connect",
				      "families", "audited", "bpf"));
	json_object_set_new(b, "restrictions",
			    json_pack("{s:{s:i, s:i}, s:{s:i, s:i}}", "mounts", "denied", 39,
				      "would_deny", 0, "devices", "denied", 1, "would_deny", 2));
	json_object_set_new(b, "shadow", json_pack("{s:s, s:i}", "policy", "tight", "revision", 1));
	json_object_set_new(b, "drift",
			    json_pack("{s:[s], s:[]}", "never_used", "KILL", "not_allowed"));
	json_object_set_new(b, "processes",
			    json_pack("[{s:i, s:i, s:s, s:[ss]}]", "pid", 812, "uid", 33, "comm",
				      "ngi\nnx\xc2\x9b", "effective", "CHOWN", "KILL"));
	json_object_set_new(
		b, "events",
		json_pack(
			"[{s:s, s:s, s:s, s:s, s:{s:s, s:i}}, {s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:{s:s, s:i}}]",
			"time", "2026-01-02T03:04:05.678901Z", "type", "denied", "restriction",
			"capabilities", "item", "CHOWN", "process", "comm", "a[1]' \x1b[2J", "pid",
			814, "time", "2026-01-02T03:04:06.678901Z", "type", "denied", "restriction",
			"mounts", "item", "bind", "detail", "/tmp/\x1b]0;x", "syscall", "mount",
			"suppressed", 17, "process", "comm", "mount", "pid", 813));
	return b;
}

static void all_about_a_subject(void **state)
{
	_cleanup_view_ struct top_view v = {};
	_cleanup_lines_ struct top_lines l = {};

	setenv("TZ", "UTC", 1);
	fill(&v);
	assert_int_equal(top_view_key(&v, TOP_KEY_HOME), 0);
	assert_int_equal(top_view_key(&v, TOP_KEY_ENTER), 0);
	assert_int_equal(v.page, TOP_PAGE_SUBJECT);
	assert_int_equal(v.subject, 99);
	/* Before there is an answer the table's own knowledge is there. */
	show(&v, 80, 24, &l);
	assert_int_not_equal(find(&l, "busy: policy web, enforce"), -1);
	assert_int_not_equal(find(&l, "20.0 denied, 0.0 would be"), -1);
	assert_int_equal(find(&l, "LAST EVENTS"), -1);
	v.detail = detail();
	show(&v, 80, 60, &l);
	assert_int_not_equal(
		find(&l, "policy      web, revision 3, enforce; on trial beside it: tight"), -1);
	assert_int_not_equal(find(&l, "in all      40 denied, 2 would be; 5 probes answered no"),
			     -1);
	assert_int_not_equal(find(&l, "granted     CHOWN, KILL"), -1);
	assert_int_not_equal(find(&l, "allowed     CHOWN"), -1);
	assert_int_not_equal(find(&l, "denied      none"), -1);
	assert_int_not_equal(find(&l, "never used  KILL"), -1);
	assert_int_not_equal(find(&l, "mounts                39          0  deny"), -1);
	assert_int_not_equal(
		find(&l, "sockets                0          0  connect deny, families deny"), -1);
	assert_int_not_equal(find(&l, "devices                1          2  -"), -1);
	assert_int_not_equal(find(&l, "bpf                    0          0  audit"), -1);
	assert_int_equal(find(&l, "namespaces"), -1);
	/* The newest first. */
	assert_int_equal(find(&l, "03:04:06 denied     mounts: bind /tmp/\\x1b]0;x in mount() by "
				  "mount[813] +17"),
			 find(&l, "LAST EVENTS") + 1);
	assert_int_equal(find(&l, "03:04:05 denied     CHOWN by 'a[1]'\\'' \\x1b[2J'[814]"),
			 find(&l, "LAST EVENTS") + 2);
	assert_int_not_equal(find(&l, "    812     33  ngi\\x0anx\\xc2\\x9b  CHOWN, KILL"), -1);
	/* It scrolls as far as there is something. */
	show(&v, 80, 24, &l);
	assert_int_equal(find(&l, "    812"), -1);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(top_view_key(&v, TOP_KEY_END), 0);
	show(&v, 80, 24, &l);
	assert_int_equal(find(&l, "    812"), 22);
	keys(&v, "k");
	show(&v, 80, 24, &l);
	assert_int_equal(find(&l, "    812"), -1);
	/* q goes back, and does not quit. */
	keys(&v, "q");
	assert_int_equal(v.page, TOP_PAGE_TABLE);
	assert_false(v.quit);
	assert_null(v.detail);
	keys(&v, "q");
	assert_true(v.quit);
}

static void a_subject_that_ends_meanwhile(void **state)
{
	_cleanup_view_ struct top_view v = {};
	_cleanup_lines_ struct top_lines l = {};

	fill(&v);
	assert_int_equal(top_view_key(&v, TOP_KEY_HOME), 0);
	assert_int_equal(top_view_key(&v, TOP_KEY_ENTER), 0);
	v.detail = detail();
	assert_int_equal(top_view_update(&v, sample_of(json_array(), 5 * SECOND, v.sample)), 0);
	show(&v, 80, 24, &l);
	assert_int_not_equal(find(&l, "busy\\x1b[2J: it is bound no more"), -1);
	assert_int_not_equal(find(&l, "in all      40 denied"), -1);
}

/* ---- JSON ---- */

static void one_object_for_a_refresh(void **state)
{
	_cleanup_view_ struct top_view v = {};
	json_auto_t *json = NULL;
	const json_t *row;

	fill(&v);
	strcpy(v.filter, "busy");
	assert_int_equal(top_view_arrange(&v), 0);
	json = top_json(&v, "2026-01-02T03:04:05.000000Z", 2);
	assert_non_null(json);
	assert_int_equal(json_array_size(json_object_get(json, "subjects")), 1);
	row = json_array_get(json_object_get(json, "subjects"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "name")), "busy");
	assert_int_equal(json_integer_value(json_object_get(row, "denied")), 40);
	assert_true(json_real_value(json_object_get(row, "denied_per_second")) == 20);
	assert_true(json_is_null(json_object_get(row, "seen")));
	assert_true(json_is_null(json_object_get(row, "seen_per_second")));
	assert_true(json_is_true(json_object_get(json, "daemon")));
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(json, "totals"), "subjects")),
		30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_about_a_subject),
		cmocka_unit_test(a_subject_that_ends_meanwhile),
		cmocka_unit_test(one_object_for_a_refresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
