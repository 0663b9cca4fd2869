/* SPDX-License-Identifier: GPL-2.0-only */
/* The Engine API asked for many containers, for some that are forgotten, and its stream of events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine_fixture.h"

static void serve_busy(int fd, const char *id, unsigned int n)
{
	fake_sleep(100);
	serve_web(fd, id, n);
}

static void eight_are_asked_at_a_time(void **state)
{
	const uint64_t end = fake_msec() + 20000;
	size_t most = 0;

	fake_start(&fake, socket_path, geteuid(), serve_busy, NULL);
	make_engine(0);
	for (unsigned int n = 0; n < 40; n++)
		assert_int_equal(engine_ask(engine, id_of(n), NULL), 0);
	while (n_found < 40 && fake_msec() < end) {
		struct engine_stats stats;

		assert_true(sd_event_run(event, 10000) >= 0);
		engine_get_stats(engine, &stats);
		most = stats.asked > most ? stats.asked : most;
	}
	assert_int_equal(n_found, 40);
	assert_int_equal(most, ENGINE_ASKED_MAX);
	assert_int_equal(atomic_load(&fake.counts->requests), 40);
	assert_true(atomic_load(&fake.counts->most_at_once) > 1);
}

static void the_queue_is_bounded(void **state)
{
	struct engine_stats stats;

	make_engine(0);
	for (unsigned int n = 0; n < ENGINE_WAITING_MAX; n++)
		assert_int_equal(engine_ask(engine, id_of(n), NULL), 0);
	assert_int_equal(engine_ask(engine, TEST_ID, NULL), -ENOSPC);
	engine_get_stats(engine, &stats);
	assert_int_equal(stats.waiting, ENGINE_WAITING_MAX);
	assert_int_equal(stats.dropped, 1);
}

static void serve_in_a_second(int fd, const char *id, unsigned int n)
{
	fake_sleep(1000);
	serve_web(fd, id, n);
}

static void who_is_forgotten_is_not_told(void **state)
{
	struct engine_stats stats;
	unsigned int never = 0;
	int asked, waiting;

	fake_start(&fake, socket_path, geteuid(), serve_in_a_second, NULL);
	make_engine(0);
	assert_int_equal(engine_ask(engine, id_of(1), &asked), 0);
	assert_false(fake_run(event, &never, 1, 50, NULL));
	assert_int_equal(engine_ask(engine, id_of(2), &waiting), 0);
	engine_get_stats(engine, &stats);
	assert_int_equal(stats.asked, 1);
	assert_int_equal(stats.waiting, 1);
	engine_forget(engine, &asked);
	engine_forget(engine, &waiting);
	engine_get_stats(engine, &stats);
	assert_int_equal(stats.asked + stats.waiting, 0);
	assert_false(fake_run(event, &never, 1, 1500, NULL));
	assert_int_equal(n_found + n_unknown, 0);
	/* The control. */
	assert_int_equal(engine_ask(engine, id_of(3), &asked), 0);
	assert_true(fake_run(event, &n_found, 1, 10000, NULL));
}

/* ---- events ---- */

static void stream_two(int fd, const char *id, unsigned int n)
{
	dprintf(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	if (n == 1) {
		/* Rubbish, and an event in two pieces; then the engine ends. */
		static const char head[] =
			"\n7\n{]\n{\"Action\":\"rename\"}\n{\"Action\":\"rename\",\"Act";
		static const char tail[] = "or\":{\"ID\":\"" TEST_ID "\"}}\n";

		dprintf(fd, "%zx\r\n%s\r\n", sizeof(head) - 1, head);
		fake_sleep(50);
		dprintf(fd, "%zx\r\n%s\r\n0\r\n\r\n", sizeof(tail) - 1, tail);
		return;
	}
	fake_sleep(20000);
}

static void renames_are_told(void **state)
{
	const struct engine_options options = {
		.socket = socket_path,
		.uid = geteuid(),
		.found = on_found,
		.changed = on_changed,
	};
	unsigned int never = 0;

	fake_start(&fake, socket_path, geteuid(), serve_web, stream_two);
	assert_int_equal(engine_new(event, &options, &engine), 0);
	assert_false(fake_run(event, &never, 1, 100, NULL));
	assert_int_equal(atomic_load(&fake.counts->streams), 0);
	assert_int_equal(engine_ask(engine, TEST_ID, NULL), 0);
	assert_true(fake_run(event, &n_changed, 1, 10000, NULL));
	assert_string_equal(changed_id, TEST_ID);
	/* The stream has ended; there is another one after a pause. */
	assert_true(counts_to(&fake.counts->streams, 2));
	assert_int_equal(n_changed, 1);
}

/* A turn of the clock that the fake knows, too. */
static time_t event_time;

static void begin_stream(int fd)
{
	dprintf(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
}

static void tell_rename(int fd, time_t when)
{
	char text[256];
	int len = snprintf(text, sizeof(text),
			   "{\"Action\":\"rename\",\"Actor\":{\"ID\":\"" TEST_ID
			   "\"},\"time\":%lld}\n",
			   (long long)when);

	dprintf(fd, "%x\r\n%s\r\n", (unsigned int)len, text);
}

static void wait_until(time_t when)
{
	while (time(NULL) < when)
		fake_sleep(10);
}

static void follow_events(fake_serve stream, size_t answer_max)
{
	const struct engine_options options = {
		.socket = socket_path,
		.uid = geteuid(),
		.answer_max = answer_max,
		.found = on_found,
		.changed = on_changed,
	};

	event_time = time(NULL) + 3;
	fake_start(&fake, socket_path, geteuid(), serve_web, stream);
	assert_int_equal(engine_new(event, &options, &engine), 0);
	assert_int_equal(engine_ask(engine, TEST_ID, NULL), 0);
}

/* The first four tell nothing, and end. */
static void stream_silence(int fd, const char *id, unsigned int n)
{
	begin_stream(fd);
	fake_sleep(n < 5 ? 10 : 20000);
}

static void refuse_stream(int fd, const char *id, unsigned int n)
{
	dprintf(fd, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
}

static void what_happens_between_two_streams_is_asked_for(void **state)
{
	const long long asked = time(NULL);
	long long since;
	uint64_t begin;

	follow_events(stream_silence, 0);
	/* What has happened since the first question. */
	assert_true(counts_to(&fake.counts->streams, 1));
	since = atomic_load(&fake.counts->since);
	assert_in_range(since, asked, time(NULL));
	begin = fake_msec();
	/* One that tells, though nothing, is an engine that answers: four short pauses. */
	assert_true(counts_to(&fake.counts->streams, 5));
	assert_in_range(fake_msec() - begin, 1500, 4000);
	assert_int_equal(atomic_load(&fake.counts->since), since);

	/* Nor is anything read while there is none. */
	fake_stop(&fake, socket_path);
	fake_start(&fake, socket_path, geteuid(), serve_web, refuse_stream);
	assert_true(counts_to(&fake.counts->streams, 8));
	assert_in_range(time(NULL), since + 3, since + 60);
	assert_int_equal(atomic_load(&fake.counts->since), since);
}

/* A replay that breaks off after one event, one that tells nothing, one that tells what was before; then of what is to come. */
static void stream_broken(int fd, const char *id, unsigned int n)
{
	begin_stream(fd);
	switch (n) {
	case 1:
		wait_until(event_time);
		tell_rename(fd, event_time);
		break;
	case 3:
		tell_rename(fd, event_time - 2);
		break;
	case 4:
		wait_until(event_time + 3);
		tell_rename(fd, event_time + 1000000);
		break;
	case 5:
		fake_sleep(20000);
		break;
	}
}

static void a_replay_that_broke_off_goes_on_where_it_was_read_to(void **state)
{
	follow_events(stream_broken, 0);
	for (unsigned int n = 2; n <= 4; n++) {
		assert_true(counts_to(&fake.counts->streams, n));
		assert_int_equal(atomic_load(&fake.counts->since), event_time - 1);
	}
	assert_int_equal(n_changed, 2);
	assert_true(counts_to(&fake.counts->streams, 5));
	assert_in_range(atomic_load(&fake.counts->since), event_time + 2, time(NULL) - 1);
	assert_int_equal(n_changed, 3);
}

static void stream_too_long(int fd, const char *id, unsigned int n)
{
	begin_stream(fd);
	if (n > 1)
		fake_sleep(20000);
	wait_until(event_time);
	dprintf(fd, "7d0\r\n%02000d", 0);
}

static void an_event_that_does_not_fit_is_passed_over_and_counted(void **state)
{
	follow_events(stream_too_long, 1024);
	assert_true(counts_to(&fake.counts->streams, 2));
	assert_in_range(atomic_load(&fake.counts->since), event_time - 1, time(NULL) - 1);
	assert_int_equal(values_dropped(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(eight_are_asked_at_a_time),
		TEST(the_queue_is_bounded),
		TEST(who_is_forgotten_is_not_told),
		TEST(renames_are_told),
		TEST(what_happens_between_two_streams_is_asked_for),
		TEST(a_replay_that_broke_off_goes_on_where_it_was_read_to),
		TEST(an_event_that_does_not_fit_is_passed_over_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
