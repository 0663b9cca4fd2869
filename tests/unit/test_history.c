/* SPDX-License-Identifier: GPL-2.0-only */
/* Events of the past: the newest first, those of a subject, in logs that may hold anything. And what /proc says of a process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "explain/history.h"
#include "subject/process.h"

#include "folder.h"

#define EVENT(seq, type, item)                                                                 \
	"{\"v\":1,\"seq\":" seq ",\"type\":\"" type "\",\"restriction\":\"capabilities\","     \
	"\"item\":\"" item "\",\"policy\":\"web\",\"syscall\":\"x\",\"subject\":{\"cgroup\":"  \
	"\"/system.slice/docker-" TEST_ID                                                      \
	".scope/below\",\"binding\":\"/system.slice/docker-" TEST_ID                           \
	".scope\",\"container\":\"" TEST_ID "\",\"name\":\"front\",\"unit\":\"docker-" TEST_ID \
	".scope\"}}\n"

static int setup(void **state)
{
	folder_make();
	return 0;
}

static int teardown(void **state)
{
	folder_remove();
	return 0;
}

static void begin(struct history *h, uint64_t seq, const char *subject)
{
	*h = (struct history){.by_seq = seq != 0, .seq = seq, .subject = subject};
	assert_int_equal(history_init(h), 0);
}

static json_int_t seq_of(const struct history *h, size_t i)
{
	return json_integer_value(json_object_get(json_array_get(h->found, i), "seq"));
}

static void read_all(struct history *h)
{
	assert_int_equal(history_read(h, folder_path("log")), 0);
	history_finish(h);
}

static void the_newest_refusal_is_found(void **state)
{
	_cleanup_(history_done) struct history h;

	folder_write("log", EVENT("1", "denied", "CHOWN") EVENT("2", "denied", "KILL") EVENT(
				    "3", "would-deny", "CHOWN") EVENT("4", "policy", "denied"));
	begin(&h, 0, NULL);
	read_all(&h);
	assert_int_equal(json_array_size(h.found), 1);
	assert_int_equal(seq_of(&h, 0), 2);
	assert_false(h.cut);
}

static void what_was_only_reported_is_found_if_there_is_nothing_else(void **state)
{
	_cleanup_(history_done) struct history h;

	folder_write("log", EVENT("3", "would-deny", "CHOWN") EVENT("4", "would-deny", "KILL"));
	begin(&h, 0, NULL);
	read_all(&h);
	assert_int_equal(json_array_size(h.found), 1);
	assert_int_equal(seq_of(&h, 0), 4);
}

static void older_files_are_read_in_their_order(void **state)
{
	_cleanup_(history_done) struct history h, g, none;

	folder_write("log", EVENT("1", "lost", "x"));
	folder_write("log.1", EVENT("7", "denied", "KILL"));
	folder_write("log.2", EVENT("7", "denied", "CHOWN") EVENT("6", "denied", "FOWNER"));
	/* log.3 is missing: what is behind it does not belong to it. */
	folder_write("log.4", EVENT("9", "denied", "FOWNER"));
	begin(&h, 7, NULL);
	read_all(&h);
	assert_int_equal(json_array_size(h.found), 1);
	/* Numbers begin anew with each daemon: the newest is meant. */
	assert_string_equal(json_string_value(json_object_get(json_array_get(h.found, 0), "item")),
			    "KILL");
	begin(&g, 6, NULL);
	read_all(&g);
	assert_int_equal(seq_of(&g, 0), 6);
	begin(&none, 9, NULL);
	read_all(&none);
	assert_int_equal(json_array_size(none.found), 0);
}

#define AT(seq, time, item)                                                                \
	"{\"v\":1,\"seq\":" seq ",\"time\":\"2026-01-02T03:04:" time "Z\",\"boot\":\"b\"," \
	"\"type\":\"denied\",\"item\":\"" item "\"}\n"

static int take(struct history *h, const char *line)
{
	return history_take_line(h, line, strlen(line) - 1);
}

/* What the daemon remembers is in its log as well, and is one event; those of other starts of it are counted. */
static void of_a_number_others_are_counted(void **state)
{
	_cleanup_(history_done) struct history h, alone;

	folder_write("log", AT("7", "05.1", "CHOWN") AT("17", "05.2", "FOWNER")
				    AT("1", "06.1", "KILL") AT("7", "06.2", "KILL"));
	folder_write("log.1", AT("7", "04.1", "FOWNER"));
	begin(&h, 7, NULL);
	assert_int_equal(take(&h, AT("7", "06.2", "KILL")), 0);
	read_all(&h);
	assert_int_equal(json_array_size(h.found), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(h.found, 0), "item")),
			    "KILL");
	assert_int_equal(h.others, 2);
	begin(&alone, 17, NULL);
	read_all(&alone);
	assert_int_equal(seq_of(&alone, 0), 17);
	assert_int_equal(alone.others, 0);
}

#define OF(seq, time, type, verdict, binding, item, process)                               \
	"{\"v\":1,\"seq\":" seq ",\"time\":\"2026-01-02T03:04:" time "Z\",\"boot\":\"b\"," \
	"\"type\":\"" type "\",\"verdict\":" verdict ",\"restriction\":\"capabilities\","  \
	"\"item\":\"" item "\",\"shadow\":false,\"subject\":{\"binding_id\":" binding "}," \
	"\"process\":{" process "}}\n"
#define REFUSED(seq, time, binding, item, process) \
	OF(seq, time, "denied", "null", binding, item, process)
#define SH "\"comm\":\"sh\",\"exe\":\"/bin/sh\""

/* As trace, top and the report show it. */
static void a_service_is_found_by_what_is_shown(void **state)
{
	static const struct {
		const char *subject;
		bool is;
	} cases[] = {{"nginx.service", true},
		     {"nginx", true},
		     {"ngin", false},

		     {"nginx.", false}};
	json_auto_t *event = json_pack("{s:{s:s}}", "subject", "unit", "nginx.service");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(history_matches(event, cases[i].subject), cases[i].is);
}

static void what_fell_quiet_is_found(void **state)
{
	static const char *const others[] = {
		REFUSED("15", "15.0", "4", "KILL", SH), /* it came later */
		REFUSED("14", "05.0", "5", "KILL", SH),
		REFUSED("13", "05.0", "4", "CHOWN", SH),
		REFUSED("12", "05.0", "4", "KILL", "\"comm\":\"sh\",\"exe\":\"/bin/other\""),
		OF("11", "05.0", "would-deny", "null", "4", "KILL", SH),
	};
	static const char quiet[] = OF("20", "10.0", "quiet", "\"denied\"", "4", "KILL", SH);
	_cleanup_(history_done) struct history h, none;

	begin(&none, 20, NULL);
	assert_int_equal(take(&none, quiet), 0);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(take(&none, others[i]), 0);
	assert_non_null(none.quiet);
	assert_int_equal(json_array_size(none.found), 0);

	begin(&h, 20, NULL);
	assert_int_equal(take(&h, quiet), 0);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(take(&h, others[i]), 0);
	/* Again, of the log. */
	assert_int_equal(take(&h, quiet), 0);
	assert_int_equal(take(&h, REFUSED("10", "05.0", "4", "KILL", SH)), 0);
	assert_int_equal(take(&h, REFUSED("9", "04.0", "4", "KILL", SH)), 0);
	assert_int_equal(json_array_size(h.found), 1);
	assert_int_equal(seq_of(&h, 0), 10);
	assert_int_equal(h.others, 0);
}

/* Of a process that is gone the file is not known; one of very many programs is not told apart. */
static void a_quiet_program_is_known_by_what_is_known(void **state)
{
	static const char *const quiet[] = {
		OF("20", "10.0", "quiet", "\"denied\"", "4", "KILL",
		   "\"comm\":\"sh\",\"exe\":null"),
		OF("20", "10.0", "quiet", "\"denied\"", "4", "KILL", "\"comm\":null,\"exe\":null"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(quiet); i++) {
		_cleanup_(history_done) struct history h;

		begin(&h, 20, NULL);
		assert_int_equal(take(&h, quiet[i]), 0);
		assert_int_equal(take(&h, REFUSED("8", "05.0", "4", "KILL", "\"comm\":\"x\"")), 0);
		assert_int_equal(take(&h, REFUSED("7", "05.0", "4", "KILL", SH)), 0);
		assert_int_equal(seq_of(&h, 0), i ? 8 : 7);
	}
}

static void of_a_subject_each_kind_is_found_once(void **state)
{
	static const char *const subjects[] = {"front",
					       "web",
					       "0123",
					       TEST_ID,
					       "/",
					       "/system.slice",
					       "/system.slice/docker-" TEST_ID ".scope",
					       "docker-" TEST_ID ".scope"};
	static const char *const others[] = {"frnt", "012",  "/system",
					     "1234", "back", "/system.slice/d"};

	folder_write("log", EVENT("1", "denied", "CHOWN") EVENT("2", "denied", "KILL")
				    EVENT("3", "denied", "CHOWN"));
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
		_cleanup_(history_done) struct history h;

		begin(&h, 0, subjects[i]);
		read_all(&h);
		assert_int_equal(json_array_size(h.found), 2);
		assert_int_equal(seq_of(&h, 0), 3);
		assert_int_equal(seq_of(&h, 1), 2);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		_cleanup_(history_done) struct history h;

		begin(&h, 0, others[i]);
		read_all(&h);
		assert_int_equal(json_array_size(h.found), 0);
		if (i == 0)
			assert_string_equal(history_nearest(&h), "front");
		/* That is somebody of its own. */
		h.there = true;
		assert_null(history_nearest(&h));
	}
}

/* An event from before the container's name was known: its cgroup is what the name means now. */
static void the_cgroup_of_a_name_finds_events_without_it(void **state)
{
	_cleanup_(history_done) struct history h, other;

	folder_write("log", EVENT("1", "denied", "CHOWN") EVENT("2", "denied", "KILL"));
	begin(&h, 0, "later");
	h.path = "/system.slice/docker-" TEST_ID ".scope";
	read_all(&h);
	assert_int_equal(json_array_size(h.found), 2);
	begin(&other, 0, "later");
	other.path = "/system.slice/docker-1" TEST_ID ".scope";
	read_all(&other);
	assert_int_equal(json_array_size(other.found), 0);
}

static void kinds_are_bounded(void **state)
{
	_cleanup_(history_done) struct history h;

	begin(&h, 0, "web");
	for (int i = 0; i < 3 * HISTORY_KINDS; i++) {
		json_auto_t *event = json_pack("{s:s, s:s, s:s, s:s, s:o}", "type", "denied",
					       "policy", "web", "restriction", "sockets", "item",
					       "connect", "detail", json_sprintf("10.0.0.1:%d", i));

		assert_int_equal(history_take(&h, event), 0);
	}
	assert_int_equal(json_array_size(h.found), HISTORY_KINDS);
	assert_int_equal(h.more, 2 * HISTORY_KINDS);
}

static void hostile_lines_are_passed_over(void **state)
{
	static const char *const lines[] = {
		"",
		"\n\n\n",
		"denied\n",
		"{\"type\":\"denied\"",
		"[\"denied\"]\n",
		"\"denied\"\n",
		"{\"type\":\"denied\",\"type\":\"denied\"}\n",
		"{\"type\":[\"denied\"],\"subject\":\"denied\"}\n",
		"\xff\xfe denied \x01\n",
	};
	_cleanup_free_ char *text = NULL, *longest = malloc(70001);

	memset(longest, '[', 70000);
	longest[70000] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_(history_done) struct history h, all;

		free(TAKE_PTR(text));
		assert_true(asprintf(&text, "%s%sdenied\n%s%s", EVENT("5", "denied", "KILL"),
				     longest, lines[i], lines[i]) > 0);
		folder_write("log", text);
		begin(&h, 0, NULL);
		read_all(&h);
		assert_int_equal(json_array_size(h.found), 1);
		assert_int_equal(seq_of(&h, 0), 5);
		begin(&all, 0, "web");
		read_all(&all);
		assert_int_equal(json_array_size(all.found), 1);
	}
}

static void only_files_are_logs(void **state)
{
	_cleanup_(history_done) struct history h;

	begin(&h, 0, NULL);
	assert_int_equal(history_read(&h, folder_path("none")), -ENOENT);
	assert_int_equal(history_read(&h, folder), -EINVAL);
	assert_int_equal(mkfifo(folder_path("pipe"), 0600), 0);
	assert_int_equal(history_read(&h, folder_path("pipe")), -EINVAL);
	assert_int_equal(history_read(&h, "/dev/zero"), -EINVAL);
}

static void of_a_long_log_the_end_is_read(void **state)
{
	static const char first[] = EVENT("1", "denied", "CHOWN"),
			  last[] = EVENT("2", "denied", "KILL");
	_cleanup_(history_done) struct history h, g;
	FILE *f;

	folder_write("log", first);
	f = fopen(folder_path("log"), "r+");
	assert_non_null(f);
	/* A hole: it takes no room on the disk. */
	assert_int_equal(fseek(f, HISTORY_FILE_MAX + 100, SEEK_SET), 0);
	assert_true(fprintf(f, "\n%s", last) > 0);
	assert_int_equal(fclose(f), 0);
	begin(&h, 2, NULL);
	read_all(&h);
	assert_int_equal(seq_of(&h, 0), 2);
	begin(&g, 1, NULL);
	read_all(&g);
	assert_int_equal(json_array_size(g.found), 0);
	assert_true(g.cut);
}

/* ---- processes ---- */

static int parse(const char *text, struct process *ret)
{
	_cleanup_fclose_ FILE *f = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	*ret = (struct process){0};
	return process_parse(f, ret);
}

#define SETS                                                                                \
	"CapInh:\t0000000000000001\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000000002\n" \
	"CapBnd:\t0000000000000004\nCapAmb:\t0000000000000008\n"

static void a_process_is_read(void **state)
{
	struct process p;

	assert_int_equal(parse("Name:\tweb\\n(x\nUmask:\t0022\nUid:\t1\t2\t3\t4\n" SETS
			       "NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t9\n",
			       &p),
			 0);
	assert_string_equal(p.comm, "web\\n(x");
	assert_int_equal(p.uid, 2);
	assert_int_equal(p.inheritable, 1);
	assert_int_equal(p.permitted, 0x1ffffffffffULL);
	assert_int_equal(p.effective, 2);
	assert_int_equal(p.bounding, 4);
	assert_int_equal(p.ambient, 8);
	assert_true(p.no_new_privs);
	assert_int_equal(p.seccomp, 2);
	assert_int_equal(parse("Name:\tweb\nUid:\t0\t0\t0\t0\n", &p), -EBADMSG);
	assert_int_equal(parse("x", &p), -EBADMSG);
	assert_int_equal(process_read(getpid(), &p), 0);
	assert_int_equal(p.pid, getpid());
	assert_int_equal(p.uid, geteuid());
	assert_true(p.start_ns > 0);
	assert_int_equal(process_read(0x7fffffff, &p), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_newest_refusal_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_was_only_reported_is_found_if_there_is_nothing_else, setup, teardown),
		cmocka_unit_test_setup_teardown(older_files_are_read_in_their_order, setup,
						teardown),
		cmocka_unit_test_setup_teardown(of_a_number_others_are_counted, setup, teardown),
		cmocka_unit_test(a_service_is_found_by_what_is_shown),
		cmocka_unit_test(what_fell_quiet_is_found),
		cmocka_unit_test(a_quiet_program_is_known_by_what_is_known),
		cmocka_unit_test_setup_teardown(of_a_subject_each_kind_is_found_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_cgroup_of_a_name_finds_events_without_it, setup,
						teardown),
		cmocka_unit_test_setup_teardown(kinds_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_lines_are_passed_over, setup, teardown),
		cmocka_unit_test_setup_teardown(only_files_are_logs, setup, teardown),
		cmocka_unit_test_setup_teardown(of_a_long_log_the_end_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(a_process_is_read, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
