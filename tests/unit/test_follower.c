/* SPDX-License-Identifier: GPL-2.0-only */
/* A subject that is followed: which cgroups are new, and when it is looked for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "trace/follower.h"

#define MSEC 1000000ULL
#define SEC (1000 * MSEC)

static void what_was_there_is_not_new(void **state)
{
	const uint64_t before[] = {2, 5, 9};
	uint64_t now[] = {9, 7, 5, 1}, fresh[4];

	assert_int_equal(follower_fresh(before, ARRAY_SIZE(before), now, ARRAY_SIZE(now), fresh),
			 2);
	assert_int_equal(fresh[0], 1);
	assert_int_equal(fresh[1], 7);
	/* In order, for the next time. */
	assert_int_equal(now[0], 1);
	assert_int_equal(now[3], 9);
	assert_int_equal(follower_fresh(now, 4, now, 4, fresh), 0);
	assert_int_equal(follower_fresh(NULL, 0, now, 4, fresh), 4);
	assert_int_equal(follower_fresh(now, 4, NULL, 0, fresh), 0);
}

static uint64_t waits(const struct follower *f)
{
	return f->next - f->ended;
}

static void it_is_looked_at_once_and_then_less_and_less_often(void **state)
{
	struct follower f = {.wait = SEC};

	follower_ended(&f, 100 * SEC, 100 * SEC + 2 * MSEC);
	assert_int_equal(waits(&f), SEC);
	follower_hurry(&f);
	assert_true(waits(&f) <= 10 * MSEC);
	/* What came may have no name yet. */
	follower_ended(&f, 101 * SEC, 101 * SEC + MSEC);
	assert_int_equal(waits(&f), 20 * MSEC);
	follower_ended(&f, 102 * SEC, 102 * SEC + MSEC);
	assert_int_equal(waits(&f), 40 * MSEC);
	for (int i = 0; i < 10; i++)
		follower_ended(&f, 103 * SEC, 103 * SEC + MSEC);
	assert_int_equal(waits(&f), SEC);
}

static void a_look_that_takes_long_is_rare(void **state)
{
	struct follower f = {.wait = 20 * MSEC};

	follower_ended(&f, 0, SEC);
	assert_int_equal(waits(&f), 20 * SEC);
	follower_hurry(&f);
	assert_int_equal(waits(&f), 3 * SEC);
}

static int never(uint64_t id, void *ctx)
{
	fail_msg("nobody is followed");
	return 0;
}

static void without_a_subject_nothing_is_looked_for(void **state)
{
	struct follower f;

	follower_init(&f, NULL, NULL, 0);
	follower_wait(&f, MSEC);
	assert_false(follower_look(&f, never, NULL));
	follower_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_there_is_not_new),
		cmocka_unit_test(it_is_looked_at_once_and_then_less_and_less_often),
		cmocka_unit_test(a_look_that_takes_long_is_rare),
		cmocka_unit_test(without_a_subject_nothing_is_looked_for),
	};

	return cmocka_run_group_tests_name("follower", tests, NULL, NULL);
}
