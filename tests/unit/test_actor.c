/* SPDX-License-Identifier: GPL-2.0-only */
/* Who was refused: of the process that the record means or of none, bounded, and safe to show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "audit/actor.h"
#include "audit/event.h"
#include "audit/labels.h"
#include "base/cleanup.h"
#include "base/duration.h"

#define TICK (1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK))

/* ---- which process ---- */

static void a_process_that_began_later_is_another(void **state)
{
	static const char stat[] = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 500 1 1";

	assert_true(actor_was_there(stat, 500 * TICK));
	assert_true(actor_was_there(stat, 1000 * TICK));
	assert_false(actor_was_there(stat, 500 * TICK - 1));
	assert_false(actor_was_there(stat, 0));
	assert_false(actor_was_there("", 1000 * TICK));
	assert_false(actor_was_there("7 (a) S", 1000 * TICK));
}

static struct leastcap_event own_record(void)
{
	struct leastcap_event e = {.pid = (__u32)getpid(), .ppid = (__u32)getppid()};
	struct stat st;

	assert_int_equal(stat("/proc/self/exe", &st), 0);
	e.exe_ino = st.st_ino;
	e.time = boot_now();
	return e;
}

static void a_living_process_is_read(void **state)
{
	struct leastcap_event e = own_record();
	_cleanup_free_ struct actor *a = calloc(1, sizeof(*a));
	json_auto_t *args = NULL;

	actor_read(&e, a);
	assert_non_null(strstr(a->exe, "test_actor"));
	args = actor_args_json(a);
	assert_true(json_array_size(args) >= 1);
	assert_non_null(strstr(json_string_value(json_array_get(args, 0)), "test_actor"));
	assert_true(*a->parent);
	assert_null(strchr(a->parent, '\n'));
}

static void another_process_or_program_is_not_told(void **state)
{
	struct leastcap_event e = own_record();
	_cleanup_free_ struct actor *a = calloc(1, sizeof(*a));

	/* It has executed something else since. */
	e.exe_ino++;
	actor_read(&e, a);
	assert_string_equal(a->exe, "");
	assert_int_equal(a->args_len, 0);
	assert_true(*a->parent);
	/* It was not there yet: its number was another's. */
	e = own_record();
	e.time = 1;
	actor_read(&e, a);
	assert_string_equal(a->exe, "");
	assert_int_equal(a->args_len, 0);
	assert_string_equal(a->parent, "");
	/* Nobody. */
	e = own_record();
	e.pid = 0;
	actor_read(&e, a);
	assert_string_equal(a->exe, "");
	e.pid = 0x7fffffff;
	actor_read(&e, a);
	assert_string_equal(a->exe, "");
	assert_int_equal(a->container_pid, 0);
	assert_false(a->args_cut);
}

static void the_pid_in_a_container_is_the_innermost(void **state)
{
	assert_int_equal(actor_container_pid("Name:\ta\nNSpid:\t4711\nNSsid:\t1\n"), 0);
	assert_int_equal(actor_container_pid("Name:\ta\nNSpid:\t4711\t12\t1\nNSsid:\t9\t8\n"), 1);
	assert_int_equal(actor_container_pid("Name:\ta\nNSpid:\t4711\t12"), 12);
	assert_int_equal(actor_container_pid("NSpid:\t1\t2\n"), 0);
	assert_int_equal(actor_container_pid(""), 0);
	/* A name cannot begin a line: the kernel escapes its newlines. */
	assert_int_equal(actor_container_pid("Name:\tx\\nNSpid:\t7\t8\nNSpid:\t5\t6\n"), 6);
}

static void the_same_process_is_not_asked_each_time(void **state)
{
	struct leastcap_event e = own_record();
	_cleanup_free_ struct actor *a = calloc(1, sizeof(*a));

	actor_read(&e, a);
	assert_true(a->args_len > 0);
	a->args_len = 1;
	actor_read(&e, a);
	assert_int_equal(a->args_len, 1);
	/* Another program in the same file. */
	strcpy(e.comm, "mount");
	actor_read(&e, a);
	assert_true(a->args_len > 1);
	a->args_len = 1;
	a->until = 0;
	actor_read(&e, a);
	assert_true(a->args_len > 1);
}

/* ---- arguments ---- */

static struct actor *with_args(const char *text, size_t len, bool cut)
{
	struct actor *a = calloc(1, sizeof(*a));

	memcpy(a->args, text, len);
	a->args_len = len;
	a->args_cut = cut;
	return a;
}

static void arguments_are_told_one_by_one_and_escaped(void **state)
{
	static const char text[] = "/bin/x\0a b\0\0{\"v\":1}\n\x1b[2J\xff";
	_cleanup_free_ struct actor *a = with_args(text, sizeof(text), false);
	json_auto_t *args = actor_args_json(a);
	_cleanup_free_ char *line = json_dumps(args, JSON_COMPACT);

	assert_string_equal(line,
			    "[\"/bin/x\",\"a b\",\"\",\"{\\\"v\\\":1}\\\\x0a\\\\x1b[2J\\\\xff\"]");
}

static void what_is_cut_says_so(void **state)
{
	char text[ACTOR_ARGS_MAX];
	_cleanup_free_ struct actor *a = NULL, *none = calloc(1, sizeof(*none));
	json_auto_t *args = NULL, *null = NULL;
	const char *last;

	memset(text, '\n', sizeof(text));
	text[1] = '\0';
	a = with_args(text, sizeof(text), true);
	args = actor_args_json(a);
	assert_int_equal(json_array_size(args), 2);
	last = json_string_value(json_array_get(args, 1));
	assert_int_equal(strlen(last), 4 * (sizeof(text) - 2) + 3);
	assert_string_equal(last + strlen(last) - 7, "\\x0a...");
	null = actor_args_json(none);
	assert_true(json_is_null(null));
}

/* ---- labels ---- */

static void labels_are_told(void **state)
{
	struct identity who = {};
	json_auto_t *some = NULL, *none = NULL, *null = NULL;
	bool cut = true;

	none = labels_json(&who, &cut);
	assert_true(json_is_object(none));
	assert_int_equal(json_object_size(none), 0);
	assert_false(cut);
	null = labels_json(NULL, &cut);
	assert_true(json_is_null(null));
	assert_int_equal(identity_set_label(&who, "tier", 4, "web", 3), 0);
	assert_int_equal(identity_set_label(&who, "a\"b", 3, "", 0), 0);
	some = labels_json(&who, &cut);
	assert_false(cut);
	assert_int_equal(json_object_size(some), 2);
	assert_string_equal(json_string_value(json_object_get(some, "tier")), "web");
	assert_string_equal(json_string_value(json_object_get(some, "a\"b")), "");
	identity_done(&who);
}

static void labels_are_bounded_and_what_is_left_out_is_said(void **state)
{
	char value[IDENTITY_LABEL_VALUE_MAX + 1], name[32];
	struct identity who = {};
	json_auto_t *labels = NULL;
	_cleanup_free_ char *line = NULL;
	const char *told;
	bool cut;

	memset(value, 'x', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "label-%d", i);
		assert_int_equal(
			identity_set_label(&who, name, strlen(name), value, sizeof(value) - 1), 0);
	}
	/* Shorter ones behind those that have no room. */
	assert_int_equal(identity_set_label(&who, "z", 1, "y", 1), 0);
	labels = labels_json(&who, &cut);
	assert_true(cut);
	told = json_string_value(json_object_get(labels, "label-0"));
	assert_int_equal(strlen(told), LABEL_VALUE_TOLD);
	assert_string_equal(told + strlen(told) - 4, "x...");
	assert_string_equal(json_string_value(json_object_get(labels, "z")), "y");
	line = json_dumps(labels, JSON_COMPACT);
	assert_true(strlen(line) < LABELS_TOLD + 200);
	identity_done(&who);
}

/* What an identity never holds, should it hold it all the same. */
static void hostile_labels_stay_in_their_line(void **state)
{
	static char bad_name[] = "a\nb\xff", bad_value[] = "\x1b\"\n{\xe2\x80\xae";
	struct identity_label label = {bad_name, bad_value};
	struct identity who = {.labels = &label, .n_labels = 1};
	json_auto_t *labels = NULL;
	_cleanup_free_ char *line = NULL;
	bool cut;

	labels = labels_json(&who, &cut);
	line = json_dumps(labels, JSON_COMPACT);
	assert_string_equal(line,
			    "{\"a\\\\x0ab\\\\xff\":\"\\\\x1b\\\"\\\\x0a{\\\\xe2\\\\x80\\\\xae\"}");
	assert_false(cut);
	/* Those that it does not hold are missed. */
	who.labels_cut = true;
	json_decref(labels);
	labels = labels_json(&who, &cut);
	assert_true(cut);
	json_decref(labels);
	labels = labels_json(NULL, &cut);
	assert_false(cut);
}

/* ---- the event ---- */

static void an_event_has_all_of_it(void **state)
{
	struct leastcap_event_cgroup e = {.event = {.version = LEASTCAP_ABI,
						    .type = LEASTCAP_EVENT_VERDICT,
						    .size = sizeof(struct leastcap_event),
						    .verdict = LEASTCAP_DENIED,
						    .syscall = -1}};
	_cleanup_free_ struct actor *a = with_args("x\0y", 4, true);
	struct identity who = {};
	struct event_names names = {
		.actor = a, .who = &who, .rule_file = "/etc/\n/w.yaml", .rule_line = 7};
	json_auto_t *event = NULL, *bare = NULL;
	_cleanup_free_ char *process = NULL, *rule = NULL;

	strcpy(a->parent, "s\x1bh");
	a->container_pid = 1;
	identity_set_label(&who, "tier", 4, "web", 3);
	event = event_to_json(&e, &names);
	process = json_dumps(json_object_get(event, "process"), JSON_COMPACT);
	assert_string_equal(process,
			    "{\"pid\":0,\"tid\":0,\"ppid\":0,\"uid\":0,\"comm\":\"\",\"exe\":null,"
			    "\"args\":[\"x\",\"y\"],\"args_cut\":true,\"container_pid\":1,"
			    "\"parent\":\"s\\\\x1bh\"}");
	rule = json_dumps(json_object_get(event, "rule"), JSON_COMPACT);
	assert_string_equal(rule, "{\"file\":\"/etc/\\\\x0a/w.yaml\",\"line\":7}");
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(json_object_get(event, "subject"), "labels"), "tier")),
		"web");

	names = (struct event_names){.rule_file = "/etc/w.yaml"};
	bare = event_to_json(&e, &names);
	assert_true(json_is_null(json_object_get(bare, "rule")));
	assert_true(json_is_null(json_object_get(json_object_get(bare, "subject"), "labels")));
	assert_true(json_is_false(json_object_get(json_object_get(bare, "process"), "args_cut")));
	identity_done(&who);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_that_began_later_is_another),
		cmocka_unit_test(a_living_process_is_read),
		cmocka_unit_test(another_process_or_program_is_not_told),
		cmocka_unit_test(the_pid_in_a_container_is_the_innermost),
		cmocka_unit_test(the_same_process_is_not_asked_each_time),
		cmocka_unit_test(arguments_are_told_one_by_one_and_escaped),
		cmocka_unit_test(what_is_cut_says_so),
		cmocka_unit_test(labels_are_told),
		cmocka_unit_test(labels_are_bounded_and_what_is_left_out_is_said),
		cmocka_unit_test(hostile_labels_stay_in_their_line),
		cmocka_unit_test(an_event_has_all_of_it),
	};

	return cmocka_run_group_tests_name("actor", tests, NULL, NULL);
}
