/* SPDX-License-Identifier: GPL-2.0-only */
/* An event that is too long for a place still is an event there: whole JSON, which says where something was cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/event.h"
#include "audit/fit.h"
#include "base/cleanup.h"

#define MAX 7500

/* A denial of which every text is this one, with as many labels and arguments as there can be. */
static json_t *denial(const char *text, int labels, int args)
{
	json_auto_t *shown = event_string(text);
	json_t *subject = json_pack("{s:O, s:O, s:O, s:O, s:{}, s:b}", "cgroup", shown, "binding",
				    shown, "name", shown, "image", shown, "labels", "labels_cut",
				    0);
	json_t *process = json_pack("{s:O, s:O, s:O, s:[], s:b, s:i}", "comm", shown, "exe", shown,
				    "parent", shown, "args", "args_cut", 0, "pid", 7);

	for (int i = 0; i < labels; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", i);
		json_object_set_new(json_object_get(subject, "labels"), name,
				    json_string("\"\"\"\"\"\""));
	}
	for (int i = 0; i < args; i++)
		json_array_append_new(json_object_get(process, "args"), json_string("\\x01"));
	return json_pack("{s:s, s:o, s:o, s:o, s:i}", "type", "denied", "subject", subject,
			 "process", process, "detail", shown, "suppressed", 12);
}

static const char *text(const json_t *e, const char *object, const char *key)
{
	return json_string_value(json_object_get(object ? json_object_get(e, object) : e, key));
}

static json_t *fitted(const json_t *event, size_t max)
{
	_cleanup_free_ char *line = fit_event(event, max);
	json_t *back = line ? json_loads(line, 0, NULL) : NULL;

	assert_non_null(back);
	assert_true(strlen(line) <= max);
	assert_null(strchr(line, '\n'));
	return back;
}

static void what_fits_stays_as_it_is(void **state)
{
	json_auto_t *event = denial("/bin/a\n\xff", 3, 3);
	json_auto_t *same = fitted(event, json_dumpb(event, NULL, 0, JSON_COMPACT));

	assert_true(json_equal(event, same));
}

static void long_texts_are_cut_and_say_so(void **state)
{
	char longest[4096];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	json_auto_t *event = denial(longest, 2, 2);
	json_auto_t *e = fitted(event, MAX);
	const char *exe = text(e, "process", "exe");

	assert_true(strlen(exe) >= 64 && strlen(exe) <= 1024 + 3);
	assert_string_equal(exe + strlen(exe) - 4, "x...");
	/* What is short says all that it said. */
	assert_string_equal(text(e, NULL, "type"), "denied");
	assert_int_equal(json_integer_value(json_object_get(e, "suppressed")), 12);
	assert_int_equal(json_object_size(json_object_get(json_object_get(e, "subject"), "labels")),
			 2);
	assert_true(json_is_false(json_object_get(json_object_get(e, "process"), "args_cut")));
	/* The event itself is not touched. */
	assert_int_equal(strlen(text(event, "process", "exe")), sizeof(longest) - 1);
}

static void nothing_is_cut_within_a_character(void **state)
{
	static const char *const units[] = {"\n", "\xff", "\xc3\xa9", "\xf0\x9f\x92\xa9", "a\n"};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		/* Each place in the unit comes to be where it is cut. */
		for (size_t shift = 0; shift < 8; shift++) {
			char longest[4096] = "aaaaaaaa";
			size_t len = shift;
			const char *exe, *at;

			for (; len + strlen(units[i]) < sizeof(longest); len += strlen(units[i]))
				strcpy(longest + len, units[i]);
			json_auto_t *event = denial(longest, 0, 0);
			json_auto_t *e = fitted(event, MAX);

			/* Parsed: it is UTF-8. And each "\x" has its two digits. */
			exe = text(e, "process", "exe");
			for (at = exe; (at = strstr(at, "\\x")); at++)
				assert_int_equal(strspn(at + 2, "0123456789abcdef") >= 2, 1);
		}
	}
}

static void many_labels_and_arguments_are_left_out_and_marked(void **state)
{
	char longest[4096];

	memset(longest, '\\', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	json_auto_t *event = denial(longest, 256, 256);
	json_auto_t *e = fitted(event, MAX);
	const json_t *subject = json_object_get(e, "subject"),
		     *process = json_object_get(e, "process");

	assert_true(json_is_null(json_object_get(subject, "labels")));
	assert_true(json_is_true(json_object_get(subject, "labels_cut")));
	assert_true(json_is_null(json_object_get(process, "args")));
	assert_true(json_is_true(json_object_get(process, "args_cut")));
	assert_int_equal(json_integer_value(json_object_get(process, "pid")), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_stays_as_it_is),
		cmocka_unit_test(long_texts_are_cut_and_say_so),
		cmocka_unit_test(nothing_is_cut_within_a_character),
		cmocka_unit_test(many_labels_and_arguments_are_left_out_and_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
