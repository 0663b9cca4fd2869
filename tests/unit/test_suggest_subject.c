// SPDX-License-Identifier: GPL-2.0-only
/* Whom a suggestion is for, where a cgroup has a name that cannot be shown: a status and events have it escaped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "suggestions.h"

#define RAW "/odd-\x1b[2J"
#define SHOWN "/odd-\\\\x1b[2J" /* in JSON */
#define SYS_TIME (1ULL << 25)

static const char bindings[] =
	"{\"bindings\": [{\"cgroup\": \"" SHOWN "/in\", \"cgroup_id\": 1, \"policy\": \"p\","
	" \"capabilities\": {\"used\": [\"CHOWN\"]}, \"rules\": {}},"
	" {\"cgroup\": \"" SHOWN "\", \"cgroup_id\": 2, \"policy\": \"q\","
	" \"capabilities\": {\"used\": [\"NET_BIND_SERVICE\"]}, \"rules\": {}},"
	" {\"cgroup\": \"/odd-\", \"cgroup_id\": 3, \"policy\": \"r\","
	" \"capabilities\": {\"used\": [\"KILL\"]}, \"rules\": {}}]}";

static const char ended[] =
	"{\"type\": \"gone\", \"policy\": \"p\", \"subject\": {\"cgroup_id\": 9, \"binding\": \"" SHOWN
	"/gone\"}, \"capabilities\": {\"used\": [\"SYS_TIME\"]}, \"rules\": {}}";

/* What is found of a cgroup without the nth of the bindings; there: the cgroup is. */
static uint64_t used_by(const char *text, bool there, size_t n)
{
	_cleanup_(suggest_subject_done) struct suggest_subject subject = {};
	_cleanup_(suggestion_done) struct suggestion s = {};
	json_auto_t *st = load(bindings);

	json_array_remove(json_object_get(st, "bindings"), n);
	assert_int_equal(suggest_subject_init(&subject, text, there ? strdup(text) : NULL), 0);
	assert_int_equal(suggestion_init(&s, text), 0);
	assert_int_equal(suggest_bindings(&s, &subject, st), 0);
	assert_int_equal(suggest_event(&s, &subject, ended, strlen(ended)), 0);
	return s.used;
}

static void a_cgroup_is_found_by_what_is_shown(void **state)
{
	static const struct {
		const char *text;
		bool there;
	} cases[] = {
		{RAW, true},
		/* It is gone. */
		{RAW, false},
		/* Copied from what leastcap has shown. */
		{"/odd-\\x1b[2J", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* Itself; where it is not bound what is below it; and what has ended there. */
		assert_true(used_by(cases[i].text, cases[i].there, 2) == (NET_BIND | SYS_TIME));
		assert_true(used_by(cases[i].text, cases[i].there, 1) == (CHOWN | SYS_TIME));
	}
	/* Another one, and one that only begins like it. */
	assert_true(used_by("/odd-", true, 1) == 1ULL << 5);
	assert_true(used_by("/odd-\x1b[2", true, 1) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cgroup_is_found_by_what_is_shown),
	};

	return cmocka_run_group_tests_name("suggest_subject", tests, NULL, NULL);
}
