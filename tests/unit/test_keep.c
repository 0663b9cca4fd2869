/* SPDX-License-Identifier: GPL-2.0-only */
/* What stays bound because a source cannot be read, whose it may be, and what is told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/keep.h"

static struct policy file_policy = {.name = (char *)"web", .file = NULL};
static struct policy api_policy = {.name = (char *)"api"},
		     waiting_policy = {.name = (char *)"late"};
static struct policy_set file_set = {
	.file = (char *)"/etc/a.yaml", .policies = &file_policy, .n_policies = 1};
static struct policy_set api_set = {
	.file = (char *)"api", .policies = &api_policy, .n_policies = 1};
static struct policy_set waiting = {
	.file = (char *)"api", .policies = &waiting_policy, .n_policies = 1};

#define READ_FILE                                               \
	{                                                       \
		.file = (char *)"/etc/a.yaml", .set = &file_set \
	}
#define READ_API                                                    \
	{                                                           \
		.file = (char *)"api", .api = true, .set = &api_set \
	}
#define BAD_FILE                              \
	{                                     \
		.file = (char *)"/etc/b.yaml" \
	}
#define BAD_API                                                        \
	{                                                              \
		.file = (char *)"/state/applied/old.yaml", .api = true \
	}
#define BAD_SHADOW                                                    \
	{                                                             \
		.file = (char *)"/state/shadow/old.json", .api = true \
	}

#define OWNER(now, old, waits, name)                                                             \
	({                                                                                       \
		const struct sources n = {(now), ARRAY_SIZE(now)}, o = {(old), ARRAY_SIZE(old)}; \
		const struct source *found = keep_owner(&n, &o, waits, name);                    \
		found ? found->file : "";                                                        \
	})

static void nobody_s_where_everything_is_read(void **state)
{
	struct source all[] = {READ_FILE, READ_API};

	assert_string_equal(OWNER(all, all, NULL, "web"), "");
	assert_string_equal(OWNER(all, all, NULL, "gone"), "");
}

/* A file of policies.d may have any name that nobody else has. */
static void a_file_may_have_any_name(void **state)
{
	struct source now[] = {READ_FILE, BAD_FILE}, before[] = {READ_FILE, READ_API};
	struct source none[] = {BAD_FILE};

	assert_string_equal(OWNER(now, none, NULL, "gone"), "/etc/b.yaml");
	assert_string_equal(OWNER(now, none, NULL, "api"), "/etc/b.yaml");
	/* Another file has it, it was applied and is removed, it is taken back, or no file can have it. */
	assert_string_equal(OWNER(now, none, NULL, "web"), "");
	assert_string_equal(OWNER(now, before, NULL, "api"), "");
	assert_string_equal(OWNER(now, none, NULL, "late"), "/etc/b.yaml");
	assert_string_equal(OWNER(now, none, &waiting, "late"), "");
	assert_string_equal(OWNER(now, none, NULL, LEASTCAP_SHADOW_PREFIX "gone"), "");
	assert_string_equal(OWNER(now, none, NULL, POLICY_UNSELECTED), "");
	assert_string_equal(OWNER(now, none, NULL, "run:12"), "");
	/* A file had it that is not there any more: it may be the other one now. */
	assert_string_equal(OWNER(none, now, NULL, "web"), "/etc/b.yaml");
}

static void an_applied_policy_has_the_name_of_its_file(void **state)
{
	struct source now[] = {READ_FILE, BAD_API, BAD_SHADOW}, dropped[] = {READ_FILE, BAD_SHADOW};

	assert_string_equal(OWNER(now, now, NULL, "old"), "/state/applied/old.yaml");
	assert_string_equal(OWNER(now, now, NULL, LEASTCAP_SHADOW_PREFIX "old"),
			    "/state/shadow/old.json");
	assert_string_equal(OWNER(now, now, NULL, "ol"), "");
	assert_string_equal(OWNER(now, now, NULL, "gone"), "");
	/* Removed, though it could not be read: also beside a file that may have any name. */
	assert_string_equal(OWNER(dropped, now, NULL, "old"), "");
	dropped[0] = (struct source)BAD_FILE;
	assert_string_equal(OWNER(dropped, now, NULL, "old"), "");
	assert_string_equal(OWNER(dropped, now, NULL, "other"), "/etc/b.yaml");
}

static void each_policy_is_told_of_once(void **state)
{
	struct kept items[] = {
		{.id = 1, .name = "one", .file = "/etc/b.yaml"},
		{.id = 2, .name = "one", .file = "/etc/b.yaml"},
		{.id = 3, .name = LEASTCAP_SHADOW_PREFIX "two", .file = "/s/two.json"}};
	struct source source = READ_FILE;
	struct policy other = {.name = (char *)"db", .file = (char *)"/etc/c.yaml"};
	struct want wants[] = {
		{.policy = &file_policy,
		 .source = &source,
		 .pos = {.line = 3, .column = 7},
		 .unheard = true},
		{.policy = &other,
		 .source = &source,
		 .pos = {.line = 4, .column = 9},
		 .unheard = true},
		{.policy = &other, .source = &source, .pos = {.line = 5, .column = 1}},
		{.policy = &file_policy,
		 .source = &source,
		 .pos = {.line = 3, .column = 7},
		 .unheard = true},
	};
	const struct keep keep = {items, ARRAY_SIZE(items)};
	const struct plan plan = {.wants = wants, .n_wants = ARRAY_SIZE(wants)};
	static const char *const told[][2] = {
		{"/etc/b.yaml",
		 "policy \"one\" stays as it is bound: this file may define it, and cannot be read"},
		{"/s/two.json",
		 "policy \"two\" stays as it is bound: this file may define it, and cannot be read"},
		{"/etc/a.yaml",
		 "2 containers keep policy \"web\": no engine has said yet who that is"},
		{"/etc/c.yaml",
		 "1 container keeps policy \"db\": no engine has said yet who that is"},
	};
	json_t *problems = keep_problems(&keep, &plan);

	assert_true(keep_has(&keep, 2));
	assert_false(keep_has(&keep, 4));
	assert_int_equal(json_array_size(problems), ARRAY_SIZE(told));
	for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
		const json_t *p = json_array_get(problems, i);

		assert_string_equal(json_string_value(json_object_get(p, "file")), told[i][0]);
		assert_string_equal(json_string_value(json_object_get(p, "message")), told[i][1]);
	}
	assert_int_equal(json_integer_value(json_object_get(json_array_get(problems, 2), "line")),
			 3);
	json_decref(problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_s_where_everything_is_read),
		cmocka_unit_test(a_file_may_have_any_name),
		cmocka_unit_test(an_applied_policy_has_the_name_of_its_file),
		cmocka_unit_test(each_policy_is_told_of_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
