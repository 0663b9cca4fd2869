/* SPDX-License-Identifier: GPL-2.0-only */
/* Spans of time, and deadlines that a daemon finds when it starts again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/duration.h"

#define SECOND 1000000000ULL

static void a_span_is_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} good[] = {
		{"1s", 1},	  {"60s", 60},	     {"10m", 600},   {"1h30m", 5400},
		{"1h1m1s", 3661}, {"2h5s", 7205},    {"24h", 86400}, {"23h60m", 86400},
		{"0h1s", 1},	  {"86400s", 86400}, {"007s", 7},
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		uint64_t seconds = 0;
		char *error;

		assert_int_equal(duration_parse(good[i].text, &seconds, &error), 0);
		assert_int_equal(seconds, good[i].seconds);
		assert_null(error);
	}
}

static void a_wrong_span_says_what_would_be_right(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"60", "'60s', '60m' or '60h'"}, {"", "'60s', '10m' or '1h30m'"},
		{"m", "no span of time"},	 {"10x", "no span of time"},
		{"-5s", "no span of time"},	 {" 5s", "no span of time"},
		{"5s ", "no span of time"},	 {"5s10m", "no span of time"},
		{"5m5m", "no span of time"},	 {"1.5h", "no span of time"},
		{"0s", "at least '1s'"},	 {"25h", "at most '24h'"},
		{"24h1s", "at most '24h'"},	 {"99999999999999999999999999h", "at most '24h'"},
		{"9999999h", "at most '24h'"},	 {"5\x1b[31ms", "\\x1b"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint64_t seconds = 77;
		char *error;

		assert_int_equal(duration_parse(bad[i].text, &seconds, &error), -EINVAL);
		assert_int_equal(seconds, 77);
		if (!strstr(error, bad[i].says))
			fail_msg("%s: %s", bad[i].text, error);
		free(error);
	}
}

static void a_span_is_shown_short(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} shown[] = {
		{0, "0s"},	 {1, "1s"},    {59, "59s"},	 {60, "1m"},
		{61, "1m1s"},	 {3600, "1h"}, {3599, "59m59s"}, {3601, "1h1m"},
		{5400, "1h30m"}, {7199, "2h"}, {86400, "24h"},
	};
	char buf[DURATION_TEXT];

	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++)
		assert_string_equal(duration_text(shown[i].seconds, buf), shown[i].text);
}

static void a_deadline_holds_for_its_boot(void **state)
{
	const char *boot = "f0a1", *other = "f0a2";

	assert_int_equal(deadline_left(boot, 61 * SECOND, boot, SECOND), 60);
	assert_int_equal(deadline_left(boot, 61 * SECOND + 1, boot, SECOND), 61);
	assert_int_equal(deadline_left(boot, SECOND + 1, boot, SECOND), 1);
	assert_int_equal(deadline_left(boot, SECOND, boot, SECOND), 0);
	assert_int_equal(deadline_left(boot, 0, boot, SECOND), 0);
	assert_int_equal(deadline_left(boot, 61 * SECOND, other, SECOND), 0);
	assert_int_equal(deadline_left(NULL, 61 * SECOND, boot, SECOND), 0);
	assert_int_equal(deadline_left("", 61 * SECOND, "", SECOND), 0);
	/* As far as can be asked for, and further. */
	assert_int_equal(deadline_left(boot, (DURATION_MAX_S + 1) * SECOND, boot, SECOND),
			 DURATION_MAX_S);
	assert_int_equal(deadline_left(boot, (DURATION_MAX_S + 1) * SECOND + 1, boot, SECOND), 0);
	assert_int_equal(deadline_left(boot, UINT64_MAX, boot, SECOND), 0);
}

static void this_boot_has_a_name_and_a_clock_that_goes_on(void **state)
{
	uint64_t first = boot_now();
	char id[37];

	boot_id(id);
	assert_int_equal(strlen(id), 36);
	assert_true(first > 0);
	assert_true(boot_now() >= first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_span_is_read),
		cmocka_unit_test(a_wrong_span_says_what_would_be_right),
		cmocka_unit_test(a_span_is_shown_short),
		cmocka_unit_test(a_deadline_holds_for_its_boot),
		cmocka_unit_test(this_boot_has_a_name_and_a_clock_that_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
