// SPDX-License-Identifier: GPL-2.0-only
/* How `leastcap learn` ends: what was watched, and what is known besides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/learn.h"
#include "suggestions.h"

#define KILL (1ULL << 5)

/* As the daemon writes it down when leastcap is unloaded. */
static const char unbound[] =
	"{\"type\": \"unbound\", \"policy\": \"web\", \"subject\": {\"cgroup_id\": 7, \"binding\": \"/web\"},"
	" \"capabilities\": {\"used\": [\"CHOWN\"]}, \"rules\": {\"enforced\": [\"modules\"], \"audited\": []}}";

/* ---- the command's other parts ---- */

static const char *trail; /* the only line; NULL: there is none */
static int readable;
static uint64_t allowed;
static bool traced_only, incomplete, says_unbound;
static enum suggest_rule modules;

int suggest_find(const char *text, struct suggest_subject *ret)
{
	return suggest_subject_init(ret, text, NULL);
}

/* Nothing is bound. */
int suggest_gather(struct suggestion *s, struct suggest_subject *subject)
{
	if (!readable && trail)
		suggest_subject_ended(subject, trail, strlen(trail));
	return readable ?: trail ? suggest_event(s, subject, trail, strlen(trail)) : 0;
}

int suggest_finish(const struct suggest_options *o, struct suggestion *s,
		   const struct suggest_subject *subject)
{
	_cleanup_free_ char *text = suggest_text(s, SUGGEST_DOCKER, true);

	assert_non_null(text);
	says_unbound = strstr(text, "Nothing of it is bound now: what");
	allowed = suggest_allowed(s);
	traced_only = s->traced_only;
	incomplete = s->incomplete;
	modules = suggest_rule(s, LEASTCAP_RULE_MODULES);
	return CLI_DONE;
}

static int conclude(const char *line, int err)
{
	const struct suggest_options options = {};
	struct evidence evidence = {.caps[LEASTCAP_TRACE_ALLOWED] = KILL};

	trail = line;
	readable = err;
	return learn_conclude(&options, "web", &evidence);
}

/* ---- tests ---- */

static void what_ended_joins_whatever_is_loaded(void **state)
{
	assert_int_equal(conclude(unbound, 0), CLI_DONE);
	assert_true(allowed == (CHOWN | KILL));
	assert_false(traced_only);
	assert_true(says_unbound);
	assert_false(incomplete);
	assert_int_equal(modules, SUGGEST_DENY);
}

static void where_nothing_ended_what_was_watched_is_all(void **state)
{
	assert_int_equal(conclude(NULL, 0), CLI_DONE);
	assert_true(allowed == KILL);
	assert_true(traced_only);
	assert_false(says_unbound);
	assert_false(incomplete);
}

static void what_cannot_be_read_loses_nothing_that_was_watched(void **state)
{
	assert_int_equal(conclude(unbound, -EIO), CLI_FAILED);
	assert_true(allowed == KILL);
	assert_true(incomplete);
	assert_int_equal(modules, SUGGEST_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_ended_joins_whatever_is_loaded),
		cmocka_unit_test(where_nothing_ended_what_was_watched_is_all),
		cmocka_unit_test(what_cannot_be_read_loses_nothing_that_was_watched),
	};

	return cmocka_run_group_tests_name("learn", tests, NULL, NULL);
}
