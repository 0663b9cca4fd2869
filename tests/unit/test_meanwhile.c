/* SPDX-License-Identifier: GPL-2.0-only */
/* What was refused while no daemon ran is told, all of it and nothing else, and in a form of a bounded size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "audit/event.h"
#include "base/cleanup.h"
#include "daemon/meanwhile.h"

static const char *name_of(uint64_t cgroup, void *ctx)
{
	return cgroup == 9 ? NULL : "/a\nb";
}

/* A ledger with so many refusals, of two restrictions. */
static void note(struct tally *t, uint64_t cgroup, uint64_t denied, uint64_t would)
{
	struct kernel_ledger l = {.cgroup = cgroup};

	l.n_denied[LEASTCAP_CAPABILITIES] = denied / 2;
	l.n_denied[LEASTCAP_BPF] = denied - denied / 2;
	l.n_would_deny[LEASTCAP_MOUNTS] = would;
	assert_int_equal(tally_note(t, &l), 0);
}

/* As the next daemon reads it. */
static json_t *saved(const struct tally *t)
{
	json_auto_t *form = meanwhile_form(t);
	_cleanup_free_ char *text = json_dumps(form, 0);

	return json_loads(text, 0, NULL);
}

static json_int_t number(const json_t *o, const char *key)
{
	const json_t *n = json_object_get(o, key);

	assert_true(json_is_integer(n));
	return json_integer_value(n);
}

static void what_has_come_is_told(void **state)
{
	json_auto_t *was = NULL, *told = NULL;
	struct tally before = {}, now = {};
	const json_t *subject;

	note(&before, 5, 100, 0);
	note(&before, 6, 7, 7);
	note(&before, 7, 0, 0);
	was = saved(&before);
	note(&now, 5, 103, 0);
	note(&now, 6, 7, 7);
	note(&now, 7, 0, 20);
	/* Bound at birth while nobody ran, and nobody knows its name. */
	note(&now, 9, 1000, 0);
	told = meanwhile_members(&now, was, name_of, NULL);
	assert_int_equal(number(told, "denied"), 1003);
	assert_int_equal(number(told, "would_deny"), 20);
	assert_int_equal(number(told, "bindings"), 3);
	assert_int_equal(json_array_size(json_object_get(told, "subjects")), 3);
	subject = json_array_get(json_object_get(told, "subjects"), 0);
	assert_string_equal(json_string_value(json_object_get(subject, "cgroup")), "/a\\x0ab");
	assert_int_equal(number(subject, "cgroup_id"), 5);
	assert_int_equal(number(subject, "denied"), 3);
	subject = json_array_get(json_object_get(told, "subjects"), 2);
	assert_true(json_is_null(json_object_get(subject, "cgroup")));
	tally_done(&before);
	tally_done(&now);
}

static void nothing_is_told_where_nothing_has_come(void **state)
{
	json_auto_t *was = NULL;
	struct tally t = {};

	was = saved(&t);
	assert_null(meanwhile_members(&t, was, name_of, NULL));
	note(&t, 5, 100, 3);
	note(&t, 6, 0, 0);
	json_decref(was);
	was = saved(&t);
	assert_null(meanwhile_members(&t, was, name_of, NULL));
	tally_done(&t);
}

static void a_ledger_that_has_begun_anew_counts_from_zero(void **state)
{
	json_auto_t *was = json_pack("{s:[I, I], s:s, s:[]}", "5", (json_int_t)100, (json_int_t)3,
				     "6", "no counters", "7"),
		    *told = NULL;
	struct tally t = {};

	note(&t, 5, 2, 0);
	note(&t, 6, 1, 0);
	note(&t, 7, 1, 0);
	told = meanwhile_members(&t, was, name_of, NULL);
	assert_int_equal(number(told, "denied"), 4);
	assert_int_equal(number(told, "would_deny"), 0);
	tally_done(&t);
}

static void few_are_named(void **state)
{
	json_auto_t *told = NULL, *event = NULL;
	_cleanup_free_ char *line = NULL;
	char file[] = "/tmp/leastcap-test-meanwhile-XXXXXX", command[128];
	struct tally t = {};
	int fd;

	for (uint64_t i = 1; i <= 1000; i++)
		note(&t, i, i, 0);
	told = meanwhile_members(&t, NULL, name_of, NULL);
	assert_int_equal(number(told, "denied"), 500500);
	assert_int_equal(number(told, "bindings"), 1000);
	assert_int_equal(json_array_size(json_object_get(told, "subjects")), 16);
	tally_done(&t);

	/* It is what the schema says. */
	event = event_new("meanwhile", 1);
	json_object_update(event, told);
	json_object_set_new(event, "host", json_string("web1"));
	json_object_set_new(event, "boot", json_string("6f1f9f4e-0d0c-4c5e-9a86-1a2b3c4d5e6f"));
	line = json_dumps(event, 0);
	fd = mkstemp(file);
	assert_true(dprintf(fd, "%s\n", line) > 0);
	close(fd);
	snprintf(command, sizeof(command), "tests/events %s >&2", file);
	assert_int_equal(system(command), 0);
	unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_come_is_told),
		cmocka_unit_test(nothing_is_told_where_nothing_has_come),
		cmocka_unit_test(a_ledger_that_has_begun_anew_counts_from_zero),
		cmocka_unit_test(few_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
