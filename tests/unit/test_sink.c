/* SPDX-License-Identifier: GPL-2.0-only */
/* Events reach the file whole, a file that fails never stops them, and what it misses is counted. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "audit/event.h"
#include "audit/message.h"
#include "audit/sink.h"
#include "base/cleanup.h"
#include "base/log.h"

static char dir[64], path[128], moved[128];

static int setup(void **state)
{
	/* What is provoked here is not to be told. */
	log_set_level(LOG_LEVEL_ERR);
	snprintf(dir, sizeof(dir), "/tmp/leastcap-test-sink-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/log/events.jsonl", dir);
	snprintf(moved, sizeof(moved), "%s/moved", dir);
	return 0;
}

static int teardown(void **state)
{
	char log[128];

	snprintf(log, sizeof(log), "%s/log", dir);
	unlink(path);
	unlink(moved);
	rmdir(path);
	rmdir(log);
	unlink(log);
	return rmdir(dir);
}

static int start(struct sink *s)
{
	return sink_init(s, &(struct sink_options){.file = path, .file_keep = 2});
}

/* Without the wait after an error. */
static void retry(struct sink *s)
{
	s->outputs[0].retry = 0;
	(void)sink_flush(s);
}

static void emit(struct sink *s)
{
	sink_emit(s, event_new("born", sink_next(s)));
}

/* Number of lines; each is an object. *ret_torn: how many are none. */
static int count_lines(const char *file, int *ret_torn)
{
	_cleanup_fclose_ FILE *f = fopen(file, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	int n = 0;

	*ret_torn = 0;
	while (f && getline(&line, &size, f) > 0) {
		json_auto_t *o = json_loads(line, 0, NULL);

		n++;
		*ret_torn += !json_is_object(o) || !strchr(line, '\n');
	}
	return n;
}

static void events_are_numbered_lines(void **state)
{
	struct sink s;
	struct stat st;
	size_t len;
	int torn;

	assert_int_equal(start(&s), 0);
	for (int i = 0; i < 5; i++)
		emit(&s);
	assert_int_equal(count_lines(path, &torn), 5);
	assert_int_equal(torn, 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0137, 0);
	json_auto_t *last = json_loads(memory_get(&s.memory, 5, &len), 0, NULL);

	assert_int_equal(json_integer_value(json_object_get(last, "seq")), 5);
	sink_done(&s);
}

static void a_restart_appends(void **state)
{
	struct sink s;
	int torn;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(start(&s), 0);
		emit(&s);
		sink_done(&s);
	}
	assert_int_equal(count_lines(path, &torn), 3);
}

static void a_renamed_file_is_followed_until_reopened(void **state)
{
	struct sink s;
	int torn;

	assert_int_equal(start(&s), 0);
	emit(&s);
	assert_int_equal(rename(path, moved), 0);
	emit(&s);
	sink_reopen(&s);
	emit(&s);
	assert_int_equal(count_lines(moved, &torn), 2);
	assert_int_equal(count_lines(path, &torn), 1);
	sink_done(&s);
}

static void a_deleted_file_is_made_anew_with_the_next_event(void **state)
{
	struct sink s;
	int torn;

	assert_int_equal(start(&s), 0);
	emit(&s);
	assert_int_equal(unlink(path), 0);
	emit(&s);
	emit(&s);
	assert_int_equal(count_lines(path, &torn), 2);
	assert_int_equal(torn, 0);
	assert_int_equal(s.outputs[0].written, 3);
	assert_int_equal(s.outputs[0].err, 0);
	sink_done(&s);
}

static void a_file_that_cannot_be_opened_is_tried_again(void **state)
{
	struct sink s;
	int torn;
	char log[128];

	/* A directory is in the way. */
	snprintf(log, sizeof(log), "%s/log", dir);
	assert_int_equal(mkdir(log, 0700), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(start(&s), 0);
	emit(&s);
	emit(&s);
	retry(&s);
	assert_int_equal(s.outputs[0].n_items, 2);
	assert_int_equal(s.outputs[0].err, -EISDIR);
	assert_int_equal(s.memory.last, 2);
	assert_int_equal(rmdir(path), 0);
	retry(&s);
	assert_int_equal(s.outputs[0].err, 0);
	/* Both are there, and that it works again. */
	assert_int_equal(count_lines(path, &torn), 3);
	sink_done(&s);
}

static void a_pipe_without_a_reader_does_not_block(void **state)
{
	struct sink s;
	char log[128];

	snprintf(log, sizeof(log), "%s/log", dir);
	assert_int_equal(mkdir(log, 0700), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(start(&s), 0);
	emit(&s);
	assert_int_equal(s.outputs[0].err, -ENXIO);
	assert_int_equal(s.outputs[0].n_items, 1);
	sink_done(&s);
}

static void a_full_disk_loses_nothing_that_the_queue_holds(void **state)
{
	struct rlimit old, cut;
	struct sink s;
	int torn;

	assert_int_equal(start(&s), 0);
	emit(&s);
	/* RLIMIT_FSIZE cuts as a full disk does. */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	cut = old;
	cut.rlim_cur = s.outputs[0].size + 10;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &cut), 0);
	emit(&s);
	emit(&s);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(s.outputs[0].err, -EFBIG);
	assert_int_equal(s.outputs[0].n_items, 2);
	assert_int_equal(count_lines(path, &torn), 2);
	assert_int_equal(torn, 1);
	/* The line goes on where it was cut. */
	retry(&s);
	emit(&s);
	assert_int_equal(count_lines(path, &torn), 5);
	assert_int_equal(torn, 0);
	sink_done(&s);
}

static void a_line_that_another_daemon_left_is_ended(void **state)
{
	struct sink s;
	FILE *f;
	int torn;

	assert_int_equal(start(&s), 0);
	sink_done(&s);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs("{\"v\":1,", f);
	fclose(f);
	assert_int_equal(start(&s), 0);
	emit(&s);
	assert_int_equal(count_lines(path, &torn), 2);
	assert_int_equal(torn, 1);
	sink_done(&s);
}

static void a_long_file_is_followed_by_another(void **state)
{
	char older[160];
	struct sink s;
	int torn, n;

	assert_int_equal(start(&s), 0);
	emit(&s);
	/* Three lines in each. */
	s.outputs[0].limit = s.outputs[0].size * 3 + 10;
	for (int i = 1; i < 30; i++)
		emit(&s);
	assert_int_equal(count_lines(path, &torn), 3);
	for (int i = 1; i <= 3; i++) {
		snprintf(older, sizeof(older), "%s.%d", path, i);
		n = count_lines(older, &torn);
		assert_int_equal(torn, 0);
		/* Two are kept. */
		assert_int_equal(n, i <= 2 ? 3 : 0);
		unlink(older);
	}
	assert_int_equal(s.outputs[0].written, 30);
	sink_done(&s);
}

static void what_a_queue_has_no_room_for_is_counted_and_told(void **state)
{
	json_auto_t *told = NULL, *status = NULL;
	struct sink s;
	char log[128];
	size_t len;
	int torn;

	snprintf(log, sizeof(log), "%s/log", dir);
	assert_int_equal(mkdir(log, 0700), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(start(&s), 0);
	for (int i = 0; i < OUTPUT_QUEUE_EVENTS + 7; i++)
		emit(&s);
	assert_int_equal(s.outputs[0].lost[OUTPUT_LOSS_FULL], 7);
	status = sink_to_json(&s);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(status, 0), "failing")),
		"Is a directory");
	assert_int_equal(rmdir(path), 0);
	retry(&s);
	/* All that it held, and the event about the seven. */
	assert_int_equal(count_lines(path, &torn), OUTPUT_QUEUE_EVENTS + 1);
	assert_int_equal(torn, 0);
	told = json_loads(memory_get(&s.memory, s.memory.last, &len), 0, NULL);
	assert_string_equal(json_string_value(json_object_get(told, "type")), "sink");
	assert_string_equal(json_string_value(json_object_get(told, "reason")), "Is a directory");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(told, "losses"), "full")), 7);
	/* Once. */
	retry(&s);
	assert_int_equal(s.memory.last, OUTPUT_QUEUE_EVENTS + 8);
	sink_done(&s);
}

static void an_event_without_memory_is_counted(void **state)
{
	struct sink s;

	assert_int_equal(sink_init(&s, &(struct sink_options){}), 0);
	sink_emit(&s, NULL);
	assert_int_equal(s.dropped, 1);
	assert_int_equal(sink_next(&s), 2);
	sink_done(&s);
}

static void messages_are_one_line_for_people(void **state)
{
	json_auto_t *e = json_pack("{s:s, s:s, s:{s:s}, s:{s:s, s:i}, s:s}", "type", "denied",
				   "item", "SYS_ADMIN", "subject", "cgroup", "/a/b", "process",
				   "comm", "mount", "pid", 12, "policy", "web");
	json_auto_t *p = json_pack("{s:s, s:s, s:s}", "type", "policy", "action", "applied",
				   "policy", "web");
	json_auto_t *r = json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:i}}", "type", "would-deny",
				   "restriction", "sockets", "item", "connect", "detail",
				   "10.0.0.1:80", "process", "comm", "nc", "pid", 7);
	_cleanup_free_ char *denied = message_text(e), *applied = message_text(p);
	_cleanup_free_ char *would = NULL, *named = NULL;

	assert_string_equal(denied, "denied SYS_ADMIN by mount[12] in /a/b, policy web");
	would = message_text(r);
	assert_string_equal(would, "would-deny sockets connect 10.0.0.1:80 by nc[7]");
	/* Capabilities go without the name of their restriction, and nothing has no text. */
	json_object_set_new(e, "restriction", json_string("capabilities"));
	json_object_set_new(e, "detail", json_null());
	named = message_text(e);
	assert_string_equal(named, denied);
	assert_string_equal(applied, "policy applied, policy web");
}

static void the_message_of_what_is_quiet_says_how_many(void **state)
{
	json_auto_t *e = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:{s:s}, s:{s:s}}", "type",
				   "quiet", "verdict", "denied", "restriction", "mounts", "item",
				   "mount", "policy", "web", "suppressed", 4999, "subject",
				   "cgroup", "/a", "process", "comm", "mount");
	_cleanup_free_ char *whole = message_text(e), *bare = NULL;

	assert_string_equal(whole,
			    "quiet: mounts mount by mount in /a, policy web, 4999 more, denied");
	assert_int_equal(message_priority(e), 6);
	json_object_set_new(e, "policy", json_null());
	json_object_set_new(e, "process", json_null());
	bare = message_text(e);
	assert_string_equal(bare, "quiet: mounts mount in /a, 4999 more, denied");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_message_of_what_is_quiet_says_how_many),
		cmocka_unit_test_setup_teardown(events_are_numbered_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(a_restart_appends, setup, teardown),
		cmocka_unit_test_setup_teardown(a_renamed_file_is_followed_until_reopened, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_deleted_file_is_made_anew_with_the_next_event,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_that_cannot_be_opened_is_tried_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_pipe_without_a_reader_does_not_block, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_loses_nothing_that_the_queue_holds,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_line_that_another_daemon_left_is_ended, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_long_file_is_followed_by_another, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_a_queue_has_no_room_for_is_counted_and_told,
						setup, teardown),
		cmocka_unit_test(an_event_without_memory_is_counted),
		cmocka_unit_test(messages_are_one_line_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
