/* SPDX-License-Identifier: GPL-2.0-only */
/* A dry run says that it would apply where apply does, and only there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon_fixture.h"

#define WEB POLICY("web", "cgroup: /web", "none")

static json_t *answer;

static const json_t *try(struct state *s, const char *file)
{
	const struct apply_request r = {
		.file = file, .text = WEB, .len = strlen(WEB), .dry_run = true};

	json_decref(answer);
	answer = NULL;
	assert_int_equal(state_apply(s, &r, &nobody, &answer), 200);
	return json_array_get(json_object_get(answer, "policies"), 0);
}

static bool would_apply(void)
{
	const json_t *would = json_object_get(answer, "would_apply");

	assert_true(json_is_boolean(would));
	assert_true(json_is_true(would) == !json_array_size(json_object_get(answer, "errors")));
	return json_is_true(would);
}

static void forget(void)
{
	json_decref(answer);
	answer = NULL;
}

static void a_policy_of_a_file_is_not_applied_from_elsewhere(void **state)
{
	struct state *s = *state;
	_cleanup_free_ char *file = NULL;
	const json_t *web;

	fake_cgroup("/web");
	web = try(s, "t.yaml");
	assert_true(would_apply());
	assert_true(json_is_null(json_object_get(web, "defined_in")));
	write_file("web.yaml", POLICY("web", "cgroup: /web", "all"));
	assert_int_equal(state_reload(s, &nobody), 0);
	file = strdup(folder_path("policies.d/web.yaml"));
	assert_non_null(file);
	web = try(s, "t.yaml");
	assert_false(would_apply());
	assert_string_equal(json_string_value(json_object_get(web, "defined_in")), file);
	assert_string_equal(json_string_value(json_object_get(web, "change")), "replaced");
	assert_non_null(strstr(first_error(answer), file));
	/* Nor would it be. */
	forget();
	assert_int_equal(ask_apply(s, WEB, false, &answer), 409);
	/* The file itself, as a reload would have it. */
	web = try(s, file);
	assert_true(would_apply());
	assert_string_equal(json_string_value(json_object_get(web, "defined_in")), file);
	forget();
}

static void nothing_is_applied_while_something_waits(void **state)
{
	const struct apply_request waits = {.file = "a.yaml",
					    .text = POLICY("a", "cgroup: /a", "none"),
					    .len = strlen(POLICY("a", "cgroup: /a", "none")),
					    .confirm = 60};
	struct state *s = *state;

	fake_cgroup("/web");
	fake_cgroup("/a");
	assert_int_equal(state_apply(s, &waits, &nobody, &answer), 200);
	try(s, "t.yaml");
	assert_false(would_apply());
	assert_non_null(strstr(first_error(answer), "applied a "));
	forget();
	assert_int_equal(state_confirm(s, &nobody, &answer), 200);
	try(s, "t.yaml");
	assert_true(would_apply());
	forget();
}

static void the_mode_is_said_with_who_says_it(void **state)
{
	struct state *s = *state;
	const json_t *web;

	fake_cgroup("/web");
	apply(s, WEB, false);
	assert_int_equal(state_mode(s, "web", "audit", &nobody, &answer), 200);
	web = try(s, "t.yaml");
	assert_true(would_apply());
	assert_string_equal(json_string_value(json_object_get(web, "mode")), "audit");
	assert_string_equal(json_string_value(json_object_get(web, "mode_by")), "override");
	forget();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_policy_of_a_file_is_not_applied_from_elsewhere),
		TEST(nothing_is_applied_while_something_waits),
		TEST(the_mode_is_said_with_who_says_it),
	};

	return cmocka_run_group_tests_name("dry_run", tests, NULL, NULL);
}
