/* SPDX-License-Identifier: GPL-2.0-only */
/* The Engine API behind every kind of engine: quick, late, absent, hanging, wrong, hostile. The loop never waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine_fixture.h"

/* ---- answers ---- */

static void a_container_is_described(void **state)
{
	int key;

	fake_start(&fake, socket_path, geteuid(), serve_web, NULL);
	make_engine(0);
	assert_int_equal(state_of(), ENGINE_UNUSED);
	assert_int_equal(engine_ask(engine, TEST_ID, &key), 0);
	assert_true(fake_run(event, &n_found, 1, 10000, NULL));
	assert_ptr_equal(said_key, &key);
	assert_string_equal(said.name, "web");
	assert_string_equal(said.image, "nginx:1.25");
	assert_int_equal(said.n_labels, 2);
	assert_string_equal(identity_label(&said, "tier"), "front");
	assert_int_equal(state_of(), ENGINE_ANSWERING);
	assert_int_equal(atomic_load(&fake.counts->requests), 1);

	assert_int_equal(engine_ask(engine, "web", &key), -EINVAL);
	assert_int_equal(engine_ask(engine, "../" TEST_ID, &key), -EINVAL);
}

static void serve_late(int fd, const char *id, unsigned int n)
{
	if (n <= 2)
		fake_unknown(fd);
	else
		serve_web(fd, id, n);
}

static void a_container_may_become_known_later(void **state)
{
	fake_start(&fake, socket_path, geteuid(), serve_late, NULL);
	make_engine(0);
	assert_int_equal(engine_ask(engine, TEST_ID, NULL), 0);
	assert_true(fake_run(event, &n_found, 1, 10000, NULL));
	assert_int_equal(atomic_load(&fake.counts->requests), 3);
	assert_int_equal(n_unknown, 0);
}

/* Which of the questions is which, their ids tell. */
static void serve_wrong(int fd, const char *id, unsigned int n)
{
	static char big[5 << 20];

	switch (id[63]) {
	case '0':
		fake_unknown(fd);
		break;
	case '1':
		fake_ok(fd, "this is no JSON");
		break;
	case '2':
		fake_ok(fd, "[]");
		break;
	case '3':
		memset(big, ' ', sizeof(big));
		big[0] = '{';
		big[sizeof(big) - 1] = '}';
		fake_send(fd, "200 OK", big, sizeof(big));
		break;
	case '4':
		/* Another container, called by the name that is asked for. */
		fake_container(fd, TEST_ID, ",\"Name\":\"/0\"");
		break;
	default:
		fake_send(fd, "500 Internal Server Error", "{}", 2);
	}
}

static void what_is_no_answer_is_given_up(void **state)
{
	fake_start(&fake, socket_path, geteuid(), serve_wrong, NULL);
	make_engine(1 * SEC);
	for (unsigned int n = 0; n < 6; n++)
		assert_int_equal(engine_ask(engine, id_of(n), NULL), 0);
	assert_true(fake_run(event, &n_unknown, 6, 10000, NULL));
	assert_int_equal(n_found, 0);
	/* At once, after 50, 200 and 1000 ms. */
	assert_in_range(atomic_load(&fake.counts->requests), 2 * 6, 4 * 6);
	assert_int_equal(state_of(), ENGINE_ANSWERING);
}

static void serve_types(int fd, const char *id, unsigned int n)
{
	fake_container(fd, id,
		       ",\"Name\":7,\"Config\":{\"Image\":[],\"Labels\":{\"a\":1,\"b\":\"c\"}}");
}

static void wrong_types_are_left_out(void **state)
{
	fake_start(&fake, socket_path, geteuid(), serve_types, NULL);
	make_engine(0);
	assert_int_equal(engine_ask(engine, TEST_ID, NULL), 0);
	assert_true(fake_run(event, &n_found, 1, 10000, NULL));
	assert_null(said.name);
	assert_null(said.image);
	assert_int_equal(said.n_labels, 1);
	assert_int_equal(values_dropped(), 3);
}

static void serve_hostile(int fd, const char *id, unsigned int n)
{
	static char rest[8000], longest[5001];

	memset(longest, 'x', sizeof(longest) - 1);
	snprintf(
		rest, sizeof(rest),
		",\"Name\":\"/a\\u001b[31m\",\"Config\":{\"Image\":\"\xff\xfe\",\"Labels\":{"
		"\"long\":\"%s\",\"n\\u0000l\":\"x\",\"line\":\"a\\nb\",\"turned\":\"\\u202e\",\"tier\":\"web\"}}",
		longest);
	fake_container(fd, id, rest);
}

static void hostile_words_are_left_out(void **state)
{
	fake_start(&fake, socket_path, geteuid(), serve_hostile, NULL);
	make_engine(0);
	assert_int_equal(engine_ask(engine, TEST_ID, NULL), 0);
	assert_true(fake_run(event, &n_found, 1, 10000, NULL));
	assert_null(said.name);
	assert_null(said.image);
	assert_int_equal(said.n_labels, 1);
	assert_string_equal(identity_label(&said, "tier"), "web");
	assert_int_equal(values_dropped(), 6);
}

/* ---- engines that do not answer ---- */

/* The first id hangs, the second gets a byte now and then, others are served. */
static void serve_slow(int fd, const char *id, unsigned int n)
{
	if (id[63] == '0') {
		fake_sleep(30000);
	} else if (id[63] == '1') {
		dprintf(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
		for (int i = 0; i < 100 && write(fd, " ", 1) == 1; i++)
			fake_sleep(200);
	} else {
		serve_web(fd, id, n);
	}
}

static void who_hangs_costs_nothing_else(void **state)
{
	const uint64_t begin = fake_msec();
	uint64_t slowest = 0;

	fake_start(&fake, socket_path, geteuid(), serve_slow, NULL);
	make_engine(0);
	for (unsigned int n = 0; n < 10; n++)
		assert_int_equal(engine_ask(engine, id_of(n), NULL), 0);
	/* Well before the two have used up their five seconds. */
	assert_true(fake_run(event, &n_found, 8, 4000, &slowest));
	assert_int_equal(state_of(), ENGINE_ANSWERING);
	assert_true(becomes(ENGINE_HANGING, &slowest));
	assert_in_range(fake_msec() - begin, 4900, 9000);
	assert_int_equal(atomic_load(&fake.counts->requests), 10);
	assert_int_equal(n_found, 8);

	/* Then one attempt alone, for whoever has not hung yet; its answer ends the pause, and the two try again. */
	assert_int_equal(engine_ask(engine, id_of(15), NULL), 0);
	assert_true(fake_run(event, &n_found, 9, 4000, &slowest));
	assert_int_equal(state_of(), ENGINE_ANSWERING);
	assert_true(counts_to(&fake.counts->requests, 13));
	/* No turn of the loop has waited for any of them. */
	assert_in_range(slowest, 0, 1500);
}

static void serve_nothing_at_first(int fd, const char *id, unsigned int n)
{
	if (n == 1)
		return;
	if (n == 2)
		dprintf(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"Id\"");
	else if (n == 3)
		dprintf(fd, "SSH-2.0-OpenSSH\r\n");
	else
		serve_web(fd, id, n);
}

static void who_closes_early_is_asked_again(void **state)
{
	fake_start(&fake, socket_path, geteuid(), serve_nothing_at_first, NULL);
	make_engine(0);
	assert_int_equal(engine_ask(engine, TEST_ID, NULL), 0);
	/* After 0.5, 1 and 2 seconds. */
	assert_true(fake_run(event, &n_found, 1, 8000, NULL));
	assert_int_equal(atomic_load(&fake.counts->requests), 4);
	assert_int_equal(n_unknown, 0);
}

static void an_engine_comes_goes_and_comes_back(void **state)
{
	make_engine(0);
	assert_int_equal(engine_ask(engine, id_of(1), NULL), 0);
	assert_true(becomes(ENGINE_ABSENT, NULL));
	fake_start(&fake, socket_path, geteuid(), serve_web, NULL);
	assert_true(fake_run(event, &n_found, 1, 10000, NULL));
	assert_int_equal(state_of(), ENGINE_ANSWERING);

	fake_stop(&fake, socket_path);
	assert_int_equal(engine_ask(engine, id_of(2), NULL), 0);
	assert_true(becomes(ENGINE_ABSENT, NULL));
	fake_start(&fake, socket_path, geteuid(), serve_web, NULL);
	assert_true(fake_run(event, &n_found, 2, 10000, NULL));
	assert_int_equal(state_of(), ENGINE_ANSWERING);
}

/* A socket that is there, and nobody behind it any more. */
static void a_dead_socket_is_an_absent_engine(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, socket_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	make_engine(0);
	assert_int_equal(engine_ask(engine, TEST_ID, NULL), 0);
	assert_true(becomes(ENGINE_ABSENT, NULL));
	assert_int_equal(n_found + n_unknown, 0);
}

static void who_listens_counts(void **state)
{
	const struct engine_options options = {
		.socket = socket_path,
		.uid = geteuid() + 1,
		.found = on_found,
	};

	fake_start(&fake, socket_path, geteuid(), serve_web, NULL);
	assert_int_equal(engine_new(event, &options, &engine), 0);
	assert_int_equal(engine_ask(engine, TEST_ID, NULL), 0);
	assert_true(becomes(ENGINE_ABSENT, NULL));
	assert_int_equal(atomic_load(&fake.counts->requests), 0);
	assert_int_equal(n_found, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_container_is_described),		 TEST(a_container_may_become_known_later),
		TEST(what_is_no_answer_is_given_up),	 TEST(wrong_types_are_left_out),
		TEST(hostile_words_are_left_out),	 TEST(who_hangs_costs_nothing_else),
		TEST(who_closes_early_is_asked_again),	 TEST(an_engine_comes_goes_and_comes_back),
		TEST(a_dead_socket_is_an_absent_engine), TEST(who_listens_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
