/* SPDX-License-Identifier: GPL-2.0-only */
/* What is tried again: when it is due, for as long as a minute, and not when it was dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "subject/retries.h"

#define MSEC 1000ULL

static sd_event *event;
static struct retries all;
static struct retry first, second;
static unsigned int n_first, n_second;

/* The first fails each time. */
static void again(struct retry *r, void *ctx)
{
	if (r == &second)
		n_second++;
	else
		assert_int_equal(retries_add(ctx, r), ++n_first < 3);
	/* So that the test need not take a minute. */
	if (n_first == 2)
		first.since -= RETRIES_GIVE_UP_USEC;
}

static int begin(void **state)
{
	first = second = (struct retry){};
	n_first = n_second = 0;
	all = (struct retries){.again = again, .ctx = &all};
	return sd_event_new(&event) < 0 || retries_init(&all, event);
}

static int end(void **state)
{
	retries_done(&all);
	event = sd_event_unref(event);
	return 0;
}

static void run(uint64_t usec)
{
	uint64_t now, stop;

	assert_true(sd_event_now(event, CLOCK_MONOTONIC, &now) >= 0);
	stop = now + usec;
	while (now < stop) {
		assert_true(sd_event_run(event, stop - now) >= 0);
		assert_true(sd_event_now(event, CLOCK_MONOTONIC, &now) >= 0);
	}
}

static void pauses_grow(void **state)
{
	assert_true(retries_pause(0) < retries_pause(1));
	assert_true(retries_pause(1) < retries_pause(2));
	assert_true(retries_pause(100) < RETRIES_GIVE_UP_USEC);
	assert_int_equal(retries_pause(100), retries_pause(101));
}

static void each_is_tried_when_it_is_due_and_given_up(void **state)
{
	assert_true(retries_add(&all, &first));
	assert_true(retries_add(&all, &second));
	/* It waits already. */
	assert_true(retries_add(&all, &second));
	assert_int_equal(second.tries, 1);
	run(25 * MSEC);
	assert_int_equal(n_first + n_second, 0);
	run(2000 * MSEC);
	assert_int_equal(n_first, 3);
	assert_int_equal(n_second, 1);
	assert_false(first.waits || second.waits);
	assert_true(TAILQ_EMPTY(&all.list));
}

static void what_was_dropped_is_not_tried(void **state)
{
	assert_true(retries_add(&all, &first));
	assert_true(retries_add(&all, &second));
	retries_drop(&all, &first);
	retries_drop(&all, &first);
	run(300 * MSEC);
	assert_int_equal(n_first, 0);
	assert_int_equal(n_second, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pauses_grow),
		TEST(each_is_tried_when_it_is_due_and_given_up),
		TEST(what_was_dropped_is_not_tried),
	};

	return cmocka_run_group_tests_name("retries", tests, NULL, NULL);
}
