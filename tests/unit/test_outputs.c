/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The journal, syslog, pipes: nobody waits for one that is stuck, and whatever a container calls itself comes out of each
 * as one record. Run from the top of the source tree.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "audit/event.h"
#include "audit/sink.h"
#include "base/address.h"
#include "base/caps.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/words.h"
#include "subject/identity.h"

static char dir[64], journal[128], logger[128], fifo[128];

static int setup(void **state)
{
	/* What is provoked here is not to be told. */
	log_set_level(LOG_LEVEL_ERR);
	signal(SIGPIPE, SIG_IGN);
	snprintf(dir, sizeof(dir), "/tmp/leastcap-test-out-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(journal, sizeof(journal), "%s/journal", dir);
	snprintf(logger, sizeof(logger), "%s/log", dir);
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	return 0;
}

static int teardown(void **state)
{
	unlink(journal);
	unlink(logger);
	unlink(fifo);
	return rmdir(dir);
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* One datagram, with a NUL behind it; its length, 0: there is none. */
static size_t take(int fd, char *buf, size_t size)
{
	ssize_t n = recv(fd, buf, size - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* Reads a datagram as journald does. The value of a field, in buf; NULL: it is not there. *ret_fields: how many. */
static const char *field(const char *text, size_t len, const char *name, char *buf, int *ret_fields)
{
	const char *found = NULL, *p = text, *end = text + len;

	*ret_fields = 0;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		uint64_t n;

		assert_non_null(nl);
		/* Only the form with a length: no value ends a field. */
		assert_null(memchr(p, '=', (size_t)(nl - p)));
		assert_true(strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == (size_t)(nl - p));
		assert_true(end - nl > 9);
		memcpy(&n, nl + 1, sizeof(n));
		n = le64toh(n);
		assert_true(n < (size_t)(end - nl - 9));
		assert_int_equal(nl[9 + n], '\n');
		if (strlen(name) == (size_t)(nl - p) && !memcmp(p, name, strlen(name))) {
			memcpy(buf, nl + 9, n);
			buf[n] = '\0';
			found = buf;
		}
		++*ret_fields;
		p = nl + 10 + n;
	}
	return found;
}

static void emit(struct sink *s)
{
	sink_emit(s, event_new("born", sink_next(s)));
}

static void retry(struct sink *s)
{
	s->outputs[0].retry = 0;
	(void)sink_flush(s);
}

/* ---- stuck ---- */

static void a_journal_that_is_stopped_holds_nobody_up(void **state)
{
	_cleanup_close_ int fd = listen_at(journal), log = listen_at(logger);
	struct sink s;
	char buf[8192];
	size_t queued;
	int n = 0;

	assert_int_equal(
		sink_init(&s, &(struct sink_options){.journal = journal, .syslog = {logger}}), 0);
	/* More than the socket takes. Who reads his gets all of it. */
	for (int i = 0; i < 2000; i++) {
		emit(&s);
		assert_true(take(log, buf, sizeof(buf)) > 0);
	}
	queued = s.outputs[0].n_items;
	assert_true(queued > 0 && queued < 2000);
	assert_int_equal(s.outputs[0].err, 0);
	assert_false(sink_quiet(&s));
	assert_int_equal(s.outputs[1].written, 2000);
	/* It goes on: all come, in their order. */
	for (int last = 0; n < 2000;) {
		int fields, seq;
		char value[256];
		size_t len = take(fd, buf, sizeof(buf));

		if (!len) {
			assert_true(s.outputs[0].n_items > 0);
			retry(&s);
			continue;
		}
		seq = atoi(field(buf, len, "LEASTCAP_SEQ", value, &fields));
		assert_int_equal(seq, last + 1);
		last = seq;
		n++;
	}
	assert_int_equal(s.outputs[0].written, 2000);
	assert_int_equal(s.outputs[0].lost[OUTPUT_LOSS_FULL], 0);
	assert_true(sink_quiet(&s));
	sink_done(&s);
}

static void a_journal_that_is_not_there_is_told_of(void **state)
{
	_cleanup_close_ int fd = -EBADF;
	struct sink s;
	char buf[8192];

	assert_int_equal(sink_init(&s, &(struct sink_options){.journal = journal}), 0);
	assert_true(sink_quiet(&s));
	emit(&s);
	assert_int_equal(s.outputs[0].err, -ENOENT);
	assert_int_equal(s.outputs[0].n_items, 1);
	assert_false(sink_quiet(&s));
	/* Not before its time. */
	fd = listen_at(journal);
	sink_flush(&s);
	assert_int_equal(s.outputs[0].n_items, 1);
	retry(&s);
	assert_int_equal(s.outputs[0].n_items, 0);
	assert_int_equal(s.outputs[0].err, 0);
	assert_true(take(fd, buf, sizeof(buf)) > 0);
	/* And the event that tells of it. */
	assert_int_equal(s.memory.last, 2);
	assert_true(take(fd, buf, sizeof(buf)) > 0);
	assert_true(sink_quiet(&s));
	sink_done(&s);
}

static void a_pipe_gets_whole_lines(void **state)
{
	static char got[1 << 22];
	_cleanup_close_ int fd = -EBADF;
	struct sink s;
	size_t n = 0;
	int lines = 0;

	assert_int_equal(mkfifo(fifo, 0600), 0);
	fd = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(sink_init(&s, &(struct sink_options){.file = fifo, .file_keep = 1}), 0);
	for (int i = 0; i < 3000; i++)
		emit(&s);
	assert_true(s.outputs[0].n_items > 0);
	assert_int_equal(s.outputs[0].err, 0);
	while (lines < 3000) {
		/* A slow reader. */
		ssize_t len = read(fd, got + n, 777);

		if (len > 0)
			n += (size_t)len;
		else
			assert_true(s.outputs[0].n_items > 0);
		assert_true(n < sizeof(got) - 777);
		sink_flush(&s);
		for (char *nl; (nl = memchr(got, '\n', n));) {
			json_auto_t *o = json_loadb(got, (size_t)(nl - got), 0, NULL);

			assert_int_equal(json_integer_value(json_object_get(o, "seq")), ++lines);
			n -= (size_t)(nl + 1 - got);
			memmove(got, nl + 1, n);
		}
	}
	/* The reader goes. What comes then waits for the next one, who gets it whole. */
	close(TAKE_FD(fd));
	emit(&s);
	assert_int_equal(s.outputs[0].err, -EPIPE);
	fd = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	retry(&s);
	n = (size_t)read(fd, got, sizeof(got));
	assert_memory_equal(got, "{\"v\":1,\"seq\":3001,", 18);
	assert_int_equal(got[n - 1], '\n');
	sink_done(&s);
}

static void standard_output_stays_as_it_was(void **state)
{
	int pipes[2], old = dup(STDOUT_FILENO), flags;
	struct sink s;
	char buf[4096];

	fflush(stdout);
	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], STDOUT_FILENO);
	assert_int_equal(sink_init(&s, &(struct sink_options){.standard_output = true}), 0);
	for (int i = 0; i < 1000; i++)
		emit(&s);
	flags = fcntl(STDOUT_FILENO, F_GETFL);
	dup2(old, STDOUT_FILENO);
	close(old);
	/* A pipe that nobody reads takes 64 KiB; this is still here. */
	assert_true(s.outputs[0].n_items > 0);
	assert_false(flags & O_NONBLOCK);
	assert_true(read(pipes[0], buf, sizeof(buf)) > 0);
	assert_memory_equal(buf, "{\"v\":1,\"seq\":1,", 15);
	close(pipes[0]);
	close(pipes[1]);
	sink_done(&s);
}

static void udp_gets_its_datagrams(void **state)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
	socklen_t len = sizeof(in);
	char to[64], buf[4096];
	struct sink s;

	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	snprintf(to, sizeof(to), "127.0.0.1:%u", ntohs(in.sin_port));
	assert_int_equal(sink_init(&s, &(struct sink_options){.syslog = {to}}), 0);
	emit(&s);
	assert_true(take(fd, buf, sizeof(buf)) > 0);
	assert_memory_equal(buf, "<86>1 2", 7);
	assert_non_null(strstr(buf, " born - @cee: {\"v\":1,"));
	/* Nobody there is no error of UDP. */
	close(TAKE_FD(fd));
	for (int i = 0; i < 3; i++)
		emit(&s);
	assert_int_equal(s.outputs[0].written, 4);
	sink_done(&s);
}

static void addresses_are_numbers(void **state)
{
	static const struct {
		const char *text;
		bool good, loopback;
	} cases[] = {
		{"127.0.0.1:9000", true, true},
		{"[::1]:1", true, true},
		{"127.9.9.9:65535", true, true},
		{"0.0.0.0:514", true, false},
		{"192.0.2.1:514", true, false},
		{"[2001:db8::1]:514", true, false},
		{"[::ffff:127.0.0.1]:5", true, false},
		{"localhost:9000", false, false},
		{"127.0.0.1", false, false},
		{"127.0.0.1:", false, false},
		{"127.0.0.1:0", false, false},
		{"127.0.0.1:65536", false, false},
		{"127.0.0.1:-1", false, false},
		{"127.0.0.1: 1", false, false},
		{"127.0.0.1:000001", false, false},
		{"::1:9000", false, false},
		{":9000", false, false},
		{"", false, false},
		{"[::1]", false, false},
		{"[]:1", false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sockaddr_storage address;
		socklen_t len;
		int err = address_parse(cases[i].text, &address, &len);

		assert_int_equal(err, cases[i].good ? 0 : -EINVAL);
		if (!err)
			assert_int_equal(address_is_loopback(&address), cases[i].loopback);
	}
}

/* ---- hostile ---- */

#define LONG 4000

/* What a container may call something. */
static const char *const hostile[] = {
	"plain",
	"a\nMESSAGE=forged\nPRIORITY=0",
	"a\r\n<0>1 - forged - - - - x",
	"{\"type\":\"denied\"}\n{\"type\":\"forged\"}",
	"\"},\"type\":\"forged\",\"x\":{\"",
	"\\\",\\u000a\\",
	"\x1b[2J\x1b]0;forged\x07",
	"\xff\xfe\xc0\xaf\xed\xa0\x80 not UTF-8",
	"\xe2\x80\xa8\xe2\x80\xae\xc2\x85 separators",
	"\x7f\x01\x02\t\v",
	"%s%n%x",
	"-",
	" ",
	"=",
	"a=b",
	"caf\xc3\xa9 \xf0\x9f\x92\xa9",
};

struct outcome {
	int fd_journal, fd_logger;
	char *file;
	struct sink s;
	int n;
};

/* A record must be one in each place, and say what the others say. */
static void in_each_place(struct outcome *o, json_t *event, const char *comm)
{
	static char buf[1 << 18], value[1 << 18];
	_cleanup_free_ char *type = strdup(json_string_value(json_object_get(event, "type")));
	const char *found, *cee;
	size_t len;
	int fields;

	o->n++;
	sink_emit(&o->s, event);
	len = take(o->fd_journal, buf, sizeof(buf));
	assert_true(len > 0);
	found = field(buf, len, "LEASTCAP_TYPE", value, &fields);
	assert_string_equal(found, type);
	found = field(buf, len, "MESSAGE", value, &fields);
	assert_null(strpbrk(found, "\n\r\x1b"));
	assert_memory_equal(found, type, strlen(type));
	assert_string_not_equal(field(buf, len, "PRIORITY", value, &fields), "0");
	assert_true(fields < 40);
	if (comm)
		assert_string_equal(field(buf, len, "LEASTCAP_COMM", value, &fields), comm);
	assert_int_equal(take(o->fd_journal, buf, sizeof(buf)), 0);

	len = take(o->fd_logger, buf, sizeof(buf));
	assert_true(len > 0);
	assert_true(!memcmp(buf, "<84>1 ", 6) || !memcmp(buf, "<86>1 ", 6));
	/* What rsyslog takes, unless it is told otherwise. */
	assert_true(len <= 8192);
	for (size_t i = 0; i < len; i++)
		assert_true((unsigned char)buf[i] >= ' ' && buf[i] != 0x7f);
	cee = strstr(buf, "@cee: ");
	assert_non_null(cee);
	json_auto_t *json = json_loads(cee + 6, 0, NULL);

	assert_string_equal(json_string_value(json_object_get(json, "type")), type);
	assert_int_equal(take(o->fd_logger, buf, sizeof(buf)), 0);
}

static struct leastcap_event_cgroup record(uint16_t type, const char *text)
{
	struct leastcap_event_cgroup e = {.event = {.version = LEASTCAP_ABI,
						    .type = type,
						    .time = 1500000000,
						    .cgroup = 4712,
						    .binding = UINT64_MAX,
						    .policy = 9,
						    .syscall = 165,
						    .pid = 100,
						    .tid = 101,
						    .userns = 4026531837}};

	e.event.size = type == LEASTCAP_EVENT_BORN || type == LEASTCAP_EVENT_GONE ? sizeof(e)
										  : sizeof(e.event);
	snprintf(e.event.comm, sizeof(e.event.comm), "%s", text);
	snprintf(e.path, sizeof(e.path), "/%s", text);
	if (e.event.size == sizeof(e.event))
		memset(e.path, 0, sizeof(e.path));
	return e;
}

static void set_detail(struct leastcap_event *e, enum leastcap_detail detail, const char *text)
{
	uint64_t number = 77;

	e->detail = detail;
	memset(e->data, 0, sizeof(e->data));
	snprintf((char *)e->data, sizeof(e->data), "%s", text);
	e->detail_len = (uint32_t)strlen((char *)e->data);
	if (detail == LEASTCAP_DETAIL_NONE)
		e->detail_len = 0;
	if (detail == LEASTCAP_DETAIL_TEXT)
		e->detail_len++;
	if (detail == LEASTCAP_DETAIL_NUMBER) {
		memcpy(e->data, &number, sizeof(number));
		e->detail_len = sizeof(number);
	}
	if (detail == LEASTCAP_DETAIL_ARGUMENTS)
		e->detail_len = LEASTCAP_ARGUMENTS * sizeof(number);
	if (detail == LEASTCAP_DETAIL_PATH)
		e->detail_len = LEASTCAP_DETAIL_LEN;
}

static void try_record(struct outcome *o, const struct leastcap_event_cgroup *record,
		       const char *text)
{
	struct leastcap_policy policy = {.revision = 3, .mode = LEASTCAP_ENFORCE};
	struct identity who = {.name = (char *)text, .image = (char *)text, .pod = (char *)text};
	struct event_names names = {.seq = sink_next(&o->s),
				    .cgroup = text,
				    .binding = text,
				    .exe = text,
				    .who = &who,
				    .policy = &policy};
	struct leastcap_event_cgroup e;
	_cleanup_free_ char *comm = NULL;

	snprintf(policy.name, sizeof(policy.name), "%s", text);
	assert_int_equal(event_decode(record, record->event.size, &e), 0);
	json_auto_t *shown = event_string(e.event.comm);

	comm = strdup(json_string_value(shown));
	in_each_place(o, event_to_json(&e, &names), comm);
}

static void every_event(struct outcome *o, const char *text)
{
	for (uint16_t type = LEASTCAP_EVENT_ENTERING_EXPIRED; type <= LEASTCAP_EVENT_CARRIED;
	     type++) {
		struct leastcap_event_cgroup e = record(type, text);

		try_record(o, &e, text);
	}
	for (uint32_t item = 0; item < LEASTCAP_ITEMS(LEASTCAP_RESTRICTIONS); item++) {
		struct leastcap_event_cgroup e = record(LEASTCAP_EVENT_VERDICT, text);

		if (item >= 64 && !word_item(item))
			continue;
		e.event.restriction = LEASTCAP_ITEM_RESTRICTION(item);
		e.event.item = item;
		e.event.verdict = item % 2 ? LEASTCAP_DENIED : LEASTCAP_WOULD_DENY;
		set_detail(&e.event, item % (LEASTCAP_DETAIL_ARGUMENTS + 1), text);
		try_record(o, &e, text);
	}
}

static void hostile_names_stay_within_their_record(void **state)
{
	_cleanup_free_ char *file = NULL, *command = NULL, *longest = malloc(LONG + 1);
	struct outcome o = {.fd_journal = listen_at(journal), .fd_logger = listen_at(logger)};
	_cleanup_fclose_ FILE *f = NULL;
	int lines = 0;

	assert_true(asprintf(&file, "%s/events", dir) > 0);
	assert_int_equal(sink_init(&o.s, &(struct sink_options){.file = file,
								.file_keep = 1,
								.journal = journal,
								.syslog = {logger}}),
			 0);
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++)
		every_event(&o, hostile[i]);
	for (int i = 0; i < LONG; i++)
		longest[i] = i % 3 ? (char)(1 + i % 255) : '\n';
	longest[LONG] = '\0';
	every_event(&o, longest);
	for (size_t i = 0; i < o.s.n_outputs; i++)
		assert_int_equal(o.s.outputs[i].written, o.n);
	sink_done(&o.s);

	f = fopen(file, "re");
	assert_non_null(f);
	for (int c; (c = getc(f)) != EOF;) {
		lines += c == '\n';
		assert_true(c == '\n' || (c >= ' ' && c != 0x7f));
	}
	assert_int_equal(lines, o.n);
	/* All of them are what the schema says. */
	assert_true(asprintf(&command, "tests/events %s >&2", file) > 0);
	assert_int_equal(system(command), 0);
	unlink(file);
	close(o.fd_journal);
	close(o.fd_logger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_journal_that_is_stopped_holds_nobody_up, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_journal_that_is_not_there_is_told_of, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_pipe_gets_whole_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(standard_output_stays_as_it_was, setup, teardown),
		cmocka_unit_test_setup_teardown(udp_gets_its_datagrams, setup, teardown),
		cmocka_unit_test(addresses_are_numbers),
		cmocka_unit_test_setup_teardown(hostile_names_stay_within_their_record, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
