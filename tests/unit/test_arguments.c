/* SPDX-License-Identifier: GPL-2.0-only */
/* Arguments of a request: what is not understood is refused, with the nearest that would be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "daemon/arguments.h"

static const char *const apply[] = {"file", "family", "dry_run", "shadow", "confirm", NULL};
static const char *const none[] = {NULL};

/* What is said of a URL's arguments. */
static const char *said(const char *const *known, const char *url)
{
	static struct arguments a;
	char *text = strdup(url), *rest = text, *one;

	a = (struct arguments){.known = known};
	while ((one = strsep(&rest, "&"))) {
		char *value = strchr(one, '=');

		if (value)
			*value++ = '\0';
		arguments_note(&a, one, value);
	}
	free(text);
	return a.wrong;
}

static void what_a_path_takes_passes(void **state)
{
	assert_string_equal(said(apply, "file=a"), "");
	assert_string_equal(said(apply, "dry_run=1&file=&family=0"), "");
	/* Whether it is a good one is the request's to say. */
	assert_string_equal(said(apply, "confirm=x"), "");
}

static void what_it_does_not_is_named_with_the_nearest(void **state)
{
	static const struct {
		const char *url, *said;
	} wrong[] = {
		{"dry-run=1", "unknown parameter \"dry-run\", did you mean dry_run?"},
		{"file=a&shdow=1", "unknown parameter \"shdow\", did you mean shadow?"},
		{"file=a&konfirm", "unknown parameter \"konfirm\", did you mean confirm?"},
		{"zzzz=1", "unknown parameter \"zzzz\"; this path takes file, family, dry_run, "
			   "shadow, confirm"},
		{"file=a&", "unknown parameter \"\"; this path takes"},
		{"=1", "unknown parameter \"\"; this path takes"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		const char *got = said(apply, wrong[i].url);

		if (strncmp(got, wrong[i].said, strlen(wrong[i].said)) != 0)
			fail_msg("%s: %s", wrong[i].url, got);
	}
	assert_string_equal(said(none, "dry_run=1"),
			    "unknown parameter \"dry_run\"; this path takes none");
}

static void a_flag_without_a_value_is_not_taken_for_none(void **state)
{
	assert_string_equal(said(apply, "file=a&dry_run"),
			    "dry_run: a value is needed, as in dry_run=...");
	assert_string_equal(said(apply, "shadow"), "shadow: a value is needed, as in shadow=...");
	assert_string_equal(said(apply, "confirm&file=a"),
			    "confirm: a value is needed, as in confirm=...");
}

static void of_two_that_differ_none_counts(void **state)
{
	assert_string_equal(said(apply, "dry_run=0&dry_run=1"), "dry_run: it is given twice");
}

static void a_long_one_is_cut(void **state)
{
	char url[4096];

	memset(url, 'x', sizeof(url) - 1);
	url[sizeof(url) - 1] = '\0';
	assert_true(strlen(said(apply, url)) < 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_path_takes_passes),
		cmocka_unit_test(what_it_does_not_is_named_with_the_nearest),
		cmocka_unit_test(a_flag_without_a_value_is_not_taken_for_none),
		cmocka_unit_test(of_two_that_differ_none_counts),
		cmocka_unit_test(a_long_one_is_cut),
	};

	return cmocka_run_group_tests_name("arguments", tests, NULL, NULL);
}
