/* SPDX-License-Identifier: GPL-2.0-only */
/* GET over unix sockets: answers that are whole, cut, wrong, too large, too slow, too many, and streams of lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>

#include "fake_engine.h"
#include "folder.h"
#include "subject/http.h"

#define TEST_PATH "/containers/0123456789abcdef/json"
#define STREAM_PATH "/events?"
#define MAX 10000

static sd_event *event;
static struct fake fake;
static struct http *http;
static char socket_path[96];

/* What done() and line() have told. */
static unsigned int n_done, n_lines;
static int done_err;
static long done_status;
static char done_body[MAX + 1];
static size_t done_len;
static char last_line[MAX + 1];

static void on_done(int err, long status, char *body, size_t len, void *ctx)
{
	n_done++;
	done_err = err;
	done_status = status;
	done_len = len;
	assert_in_range(len, 0, MAX);
	if (len)
		memcpy(done_body, body, len);
	done_body[len] = '\0';
}

static void on_line(char *text, size_t len, void *ctx)
{
	n_lines++;
	assert_in_range(len, 0, MAX);
	memcpy(last_line, text, len);
	last_line[len] = '\0';
}

static int setup(void **state)
{
	folder_make();
	snprintf(socket_path, sizeof(socket_path), "%s/engine.sock", folder);
	n_done = n_lines = 0;
	return sd_event_new(&event) < 0 || http_new(event, &http);
}

static int teardown(void **state)
{
	http_free(http);
	fake_done(&fake, socket_path);
	event = sd_event_unref(event);
	folder_remove();
	return 0;
}

static struct http_request *get(void)
{
	const struct http_get get = {.socket = socket_path,
				     .path = TEST_PATH,
				     .uid = geteuid(),
				     .max = MAX,
				     .done = on_done};
	struct http_request *r = NULL;

	assert_int_equal(http_get(http, &get, &r), 0);
	assert_int_equal(n_done, 0);
	return r;
}

static void get_lines(size_t max_per_sec)
{
	const struct http_get get = {.socket = socket_path,
				     .path = STREAM_PATH,
				     .uid = geteuid(),
				     .max = MAX,
				     .max_per_sec = max_per_sec,
				     .done = on_done,
				     .line = on_line};
	struct http_request *r;

	assert_int_equal(http_get(http, &get, &r), 0);
}

/* ---- answers of which each byte is known: the n-th request gets the n-th ---- */

static const struct {
	const char *text;
	int err;
	long status;
	const char *body;
} answers[] = {
	{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", 0, 200, "body"},
	{"HTTP/1.1 204 No Content\r\n\r\n", 0, 204, ""},
	{"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", 0, 404, "{}"},
	/* Without a length: until its end. */
	{"HTTP/1.0 200 OK\r\n\r\nuntil the end", 0, 200, "until the end"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nTrailer: x\r\n\r\n",
	 0, 200, "abcde"},
	/* Another one before it, and what nobody asked for behind it. */
	{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
	 "HTTP/1.1 500 Oh\r\nContent-Length: 1\r\n\r\ny",
	 0, 200, "x"},
	{"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nraw", 0,
	 101, ""},
	/* Cut. */
	{"", -EPROTO, 0, ""},
	{"HTTP/1.1 20", -EPROTO, 0, ""},
	{"HTTP/1.1 200 OK\r\nContent-Le", -EPROTO, 0, ""},
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody", -EPROTO, 0, ""},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", -EPROTO, 0, ""},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", -EPROTO, 0, ""},
	{"HTTP/1.1 100 Continue\r\n\r\n", -EPROTO, 0, ""},
	/* Wrong. */
	{"SSH-2.0-OpenSSH_9.2\r\n", -EPROTO, 0, ""},
	{"GET / HTTP/1.1\r\n\r\n", -EPROTO, 0, ""},
	{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", -EPROTO, 0, ""},
	{"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", -EPROTO, 0, ""},
	{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", -EPROTO, 0, ""},
	{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	 -EPROTO, 0, ""},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n", -EPROTO, 0,
	 ""},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n", -EPROTO, 0,
	 ""},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n",
	 -EPROTO, 0, ""},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", -EPROTO, 0,
	 ""},
	/* More than is taken, announced or not. */
	{"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\nx", -EPROTO, 0, ""},
};

static void serve_answer(int fd, const char *id, unsigned int n)
{
	const char *text = answers[n - 1].text;

	(void)!write(fd, text, strlen(text));
}

/* The same byte by byte: the parser sees every place where an answer can be cut. */
static void serve_dripping(int fd, const char *id, unsigned int n)
{
	for (const char *p = answers[n - 1].text; *p && write(fd, p, 1) == 1; p++)
		sched_yield();
}

static void check_answers(fake_serve serve)
{
	fake_start(&fake, socket_path, geteuid(), serve, NULL);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		n_done = 0;
		get();
		assert_true(fake_run(event, &n_done, 1, 10000, NULL));
		if (done_err != answers[i].err || done_status != answers[i].status ||
		    strcmp(done_body, answers[i].body))
			fail_msg("answer %zu: %d, status %ld, body \"%s\"", i, done_err,
				 done_status, done_body);
	}
}

static void answers_are_read(void **state)
{
	check_answers(serve_answer);
}

static void answers_in_pieces_are_the_same(void **state)
{
	check_answers(serve_dripping);
}

/* ---- limits ---- */

static void send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n <= 0)
			return;
		data += n;
		len -= (size_t)n;
	}
}

static void serve_sizes(int fd, const char *id, unsigned int n)
{
	static char big[MAX + 1], header[200000];

	memset(big, 'x', sizeof(big));
	memset(header, 'h', sizeof(header));
	if (n <= 2) {
		fake_send(fd, "200 OK", big, n == 1 ? MAX : MAX + 1);
	} else if (n == 3) {
		/* It never says how much. */
		dprintf(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
		for (int i = 0; i < 1000 && dprintf(fd, "64\r\n%.100s\r\n", big) > 0; i++)
			;
	} else {
		dprintf(fd, "HTTP/1.1 200 OK\r\nX-Long: ");
		send_all(fd, header, sizeof(header));
		dprintf(fd, "\r\nContent-Length: 0\r\n\r\n");
	}
}

static void sizes_are_limited(void **state)
{
	static const int errors[] = {0, -EFBIG, -EFBIG, -EPROTO};

	fake_start(&fake, socket_path, geteuid(), serve_sizes, NULL);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		n_done = 0;
		get();
		assert_true(fake_run(event, &n_done, 1, 10000, NULL));
		assert_int_equal(done_err, errors[i]);
		assert_int_equal(done_len, errors[i] ? 0 : MAX);
	}
}

/* All of them at a time: it takes five seconds. */
static void serve_endless(int fd, const char *id, unsigned int n)
{
	/* A body that does not come; a byte of a header now and then; answers before the answer. */
	if (n == 1)
		dprintf(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
	if (n == 2)
		dprintf(fd, "HTTP/1.1 200 OK\r\nX: ");
	for (int i = 0; n > 1 && i < 200; i++) {
		if (dprintf(fd, "%s", n == 2 ? "x" : "HTTP/1.1 100 Continue\r\n\r\n") < 0)
			return;
		fake_sleep(50);
	}
	fake_sleep(20000);
}

static void time_is_limited(void **state)
{
	const uint64_t start = fake_msec();

	fake_start(&fake, socket_path, geteuid(), serve_endless, NULL);
	for (int i = 0; i < 3; i++)
		get();
	for (unsigned int n = 1; n <= 3; n++) {
		assert_true(fake_run(event, &n_done, n, 15000, NULL));
		assert_int_equal(done_err, -ETIMEDOUT);
	}
	assert_in_range(fake_msec() - start, 4900, 9000);
	assert_int_equal(atomic_load(&fake.counts->requests), 3);
}

/* ---- who listens ---- */

static void nobody_listens(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	get();
	assert_true(fake_run(event, &n_done, 1, 1000, NULL));
	assert_int_equal(done_err, -ENOENT);
	strcpy(address.sun_path, socket_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	n_done = 0;
	get();
	assert_true(fake_run(event, &n_done, 1, 1000, NULL));
	assert_int_equal(done_err, -ECONNREFUSED);
	close(fd);
}

static void somebody_else_listens(void **state)
{
	const struct http_get get = {.socket = socket_path,
				     .path = TEST_PATH,
				     .uid = geteuid() + 1,
				     .max = MAX,
				     .done = on_done};
	struct http_request *r;

	fake_start(&fake, socket_path, geteuid(), serve_answer, NULL);
	assert_int_equal(http_get(http, &get, &r), 0);
	assert_true(fake_run(event, &n_done, 1, 1000, NULL));
	assert_int_equal(done_err, -EPERM);
	assert_int_equal(atomic_load(&fake.counts->requests), 0);
}

/* Who does not accept has a queue, which becomes full: the loop does not wait for a place. */
static void nobody_accepts(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, socket_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 0), 0);
	get();
	get();
	assert_true(fake_run(event, &n_done, 1, 1000, NULL));
	assert_int_equal(done_err, -ETIMEDOUT);
	assert_int_equal(n_done, 1);
	close(fd);
	/* The one that waited in the queue. */
	assert_true(fake_run(event, &n_done, 2, 1000, NULL));
	assert_int_equal(done_err, -EPROTO);
}

static void a_path_that_is_no_address(void **state)
{
	static char path[200];
	const struct http_get get = {
		.socket = path, .path = TEST_PATH, .max = MAX, .done = on_done};
	struct http_request *r = NULL;

	memset(path, 'x', sizeof(path) - 1);
	assert_int_equal(http_get(http, &get, &r), -ENAMETOOLONG);
	assert_null(r);
}

static void who_is_cancelled_is_not_told(void **state)
{
	unsigned int never = 0;

	fake_start(&fake, socket_path, geteuid(), serve_answer, NULL);
	http_cancel(get());
	assert_false(fake_run(event, &never, 1, 200, NULL));
	assert_int_equal(n_done, 0);
}

/* ---- streams ---- */

static void stream_lines(int fd, const char *id, unsigned int n)
{
	dprintf(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	dprintf(fd, "8\r\none\ntwo\n\r\n3\r\nthr\r\n");
	fake_sleep(50);
	dprintf(fd, "6\r\nee\n\n5x\r\n0\r\n\r\n");
}

static void lines_are_told(void **state)
{
	fake_start(&fake, socket_path, geteuid(), serve_answer, stream_lines);
	get_lines(1000000);
	assert_true(fake_run(event, &n_lines, 2, 10000, NULL));
	assert_string_equal(last_line, "two");
	assert_true(fake_run(event, &n_lines, 4, 10000, NULL));
	assert_string_equal(last_line, "");
	assert_true(fake_run(event, &n_done, 1, 10000, NULL));
	assert_int_equal(done_err, 0);
	/* No whole line. */
	assert_string_equal(done_body, "5x");
}

static void stream_one_long(int fd, const char *id, unsigned int n)
{
	static char big[MAX + 1];

	memset(big, 'x', sizeof(big));
	dprintf(fd, "HTTP/1.1 200 OK\r\n\r\nshort\n");
	send_all(fd, big, sizeof(big));
	fake_sleep(20000);
}

static void a_line_is_limited(void **state)
{
	fake_start(&fake, socket_path, geteuid(), serve_answer, stream_one_long);
	get_lines(1000000);
	assert_true(fake_run(event, &n_done, 1, 10000, NULL));
	assert_int_equal(n_lines, 1);
	assert_int_equal(done_err, -EFBIG);
}

static void stream_much(int fd, const char *id, unsigned int n)
{
	static char line[1000];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	dprintf(fd, "HTTP/1.1 200 OK\r\n\r\n");
	for (int i = 0; i < 100; i++)
		send_all(fd, line, sizeof(line));
}

/* A hundred thousand bytes, of which fifty thousand are read in a second. */
static void a_stream_is_slowed_down(void **state)
{
	const uint64_t start = fake_msec();

	fake_start(&fake, socket_path, geteuid(), serve_answer, stream_much);
	get_lines(50000);
	assert_true(fake_run(event, &n_done, 1, 10000, NULL));
	assert_int_equal(n_lines, 100);
	assert_int_equal(done_err, 0);
	assert_in_range(fake_msec() - start, 1500, 6000);
}

/* One that is silent has no end. */
static void stream_silent(int fd, const char *id, unsigned int n)
{
	dprintf(fd, "HTTP/1.1 200 OK\r\n\r\n");
	fake_sleep(6000);
	dprintf(fd, "late\n");
	fake_sleep(20000);
}

static void a_stream_may_be_silent(void **state)
{
	fake_start(&fake, socket_path, geteuid(), serve_answer, stream_silent);
	get_lines(1000);
	assert_true(fake_run(event, &n_lines, 1, 10000, NULL));
	assert_string_equal(last_line, "late");
	assert_int_equal(n_done, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_are_read),
		TEST(answers_in_pieces_are_the_same),
		TEST(sizes_are_limited),
		TEST(time_is_limited),
		TEST(nobody_listens),
		TEST(somebody_else_listens),
		TEST(nobody_accepts),
		TEST(a_path_that_is_no_address),
		TEST(who_is_cancelled_is_not_told),
		TEST(lines_are_told),
		TEST(a_line_is_limited),
		TEST(a_stream_is_slowed_down),
		TEST(a_stream_may_be_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
