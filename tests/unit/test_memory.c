/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/memory.h"

static void add(struct memory *m, unsigned int n)
{
	char *line;
	int len = asprintf(&line, "%u\n", n);

	assert_true(len > 0);
	memory_add(m, line, (size_t)len);
}

static void an_empty_memory_has_nothing(void **state)
{
	struct memory m = {0};
	size_t len;

	assert_int_equal(memory_oldest(&m), m.last + 1);
	assert_null(memory_get(&m, 0, &len));
	assert_null(memory_get(&m, 1, &len));
	memory_done(&m);
}

static void the_newest_thousand_are_kept(void **state)
{
	struct memory m = {0};
	size_t len;

	for (unsigned int i = 1; i <= 2 * MEMORY_EVENTS + 7; i++) {
		add(&m, i);
		assert_int_equal(m.last, i);
		assert_int_equal(memory_oldest(&m), i <= MEMORY_EVENTS ? 1 : i - MEMORY_EVENTS + 1);
	}
	for (uint64_t i = memory_oldest(&m); i <= m.last; i++) {
		const char *line = memory_get(&m, i, &len);

		assert_non_null(line);
		assert_int_equal(atoi(line), i);
		assert_int_equal(len, strlen(line));
	}
	assert_null(memory_get(&m, memory_oldest(&m) - 1, &len));
	assert_null(memory_get(&m, m.last + 1, &len));
	assert_null(memory_get(&m, UINT64_MAX, &len));
	memory_done(&m);
}

static void a_lost_line_keeps_its_number(void **state)
{
	struct memory m = {0};
	size_t len;

	add(&m, 1);
	memory_add(&m, NULL, 0);
	add(&m, 3);
	assert_null(memory_get(&m, 2, &len));
	assert_string_equal(memory_get(&m, 3, &len), "3\n");
	memory_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_memory_has_nothing),
		cmocka_unit_test(the_newest_thousand_are_kept),
		cmocka_unit_test(a_lost_line_keeps_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
