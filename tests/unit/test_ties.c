/* SPDX-License-Identifier: GPL-2.0-only */
/* Ties between policies of several sources, by what is written and by what is on a host: who is told of, and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/resolve.h"
#include "daemon/ties.h"
#include "folder.h"
#include "policies.h"

#define POLICY(name, selector) \
	"policies:\n- name: " name "\n  select:\n  - " selector "\n  capabilities: none\n"

static struct sources sources;

static void load(const char *const files[], size_t n)
{
	json_t *problems = json_array();

	for (size_t i = 0; i < n; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%zu.yaml", i);
		folder_write(name, files[i]);
	}
	assert_int_equal(sources_load(folder, "/nonexistent", NULL, NULL, problems, &sources), 0);
	assert_int_equal(json_array_size(problems), 0);
	json_decref(problems);
}

static int begin(void **state)
{
	folder_make();
	return 0;
}

static int done(void **state)
{
	sources_done(&sources);
	folder_remove();
	return 0;
}

/* "file:line:column message", one a line; files without their folder. */
static void check_told(const struct policy_set *applied, const char *want)
{
	json_auto_t *problems = json_array();
	char got[2048] = "", prefix[sizeof(folder) + 2];
	const json_t *p;
	size_t i;

	snprintf(prefix, sizeof(prefix), "%s/", folder);
	assert_int_equal(ties_written(&sources, applied, problems), 0);
	json_array_foreach(problems, i, p) {
		sprintf(got + strlen(got), "%s:%d:%d %s\n",
			json_string_value(json_object_get(p, "file")),
			(int)json_integer_value(json_object_get(p, "line")),
			(int)json_integer_value(json_object_get(p, "column")),
			json_string_value(json_object_get(p, "message")));
	}
	for (char *at; (at = strstr(got, prefix));)
		memmove(at, at + strlen(prefix), strlen(at + strlen(prefix)) + 1);
	assert_string_equal(got, want);
}

static void ties_of_files_have_both_places(void **state)
{
	static const char *const files[] = {
		POLICY("b", "unit: x.service"), POLICY("a", "unit: x.service"),
		POLICY("c", "cgroup: \"/a/b*\""), POLICY("d", "cgroup: \"/a/*b\""),
		POLICY("e", "cgroup: \"/a/*\"")};

	load(files, ARRAY_SIZE(files));
	check_told(NULL,
		   "1.yaml:4:11 policies \"b\" and \"a\" both select unit: x.service; policy "
		   "\"b\" is at 0.yaml:4:11\n"
		   "3.yaml:4:13 policies \"c\" and \"d\" both select what fits cgroup: /a/b* and "
		   "cgroup: /a/*b, neither more exactly; policy \"c\" is at 2.yaml:4:13\n");
}

static void what_is_applied_is_told_of_and_nothing_else(void **state)
{
	static const char *const files[] = {POLICY("a", "unit: x.service"),
					    POLICY("b", "unit: x.service"),
					    POLICY("c", "unit: y.service")};
	struct policy_set *set = good(POLICY("0", "unit: y.service")),
			  *other = good(POLICY("z", "unit: z.service"));

	load(files, ARRAY_SIZE(files));
	assert_int_equal(sources_put(&sources, &other->policies[0]), 0);
	check_told(other, "");
	assert_int_equal(sources_put(&sources, &set->policies[0]), 0);
	check_told(set, "api:4:11 policies \"c\" and \"0\" both select unit: y.service; policy "
			"\"c\" is at 2.yaml:4:11\n");
	policy_set_free(set);
	policy_set_free(other);
}

static void a_shadow_ties_with_shadows_only(void **state)
{
	static const char *const files[] = {POLICY("a", "unit: x.service")};
	struct policy_set *a = good(POLICY("a", "unit: x.service")),
			  *b = good(POLICY("b", "unit: x.service"));

	load(files, ARRAY_SIZE(files));
	assert_int_equal(policy_make_shadow(&a->policies[0]), 0);
	assert_int_equal(policy_make_shadow(&b->policies[0]), 0);
	assert_int_equal(sources_put(&sources, &a->policies[0]), 0);
	check_told(NULL, "");
	assert_int_equal(sources_put(&sources, &b->policies[0]), 0);
	check_told(b, "api:4:11 policies \"a\" and \"b\" both select unit: "
		      "x.service; policy \"a\" is applied\n");
	policy_set_free(a);
	policy_set_free(b);
}

static void a_tie_on_the_host_is_told_of_both_sides(void **state)
{
	struct policy_set *a = good(POLICY("a", "container: { image: x }")),
			  *b = good(POLICY("b", "container: { label: { x: y } }")),
			  *c = good(POLICY("c", "unit: x.service"));
	const struct source x = {.file = (char *)"x.yaml", .set = a},
			    y = {.file = (char *)"y.yaml", .set = b};
	struct plan plan = {};
	const struct policy_set *const applied[] = {a, b, c};

	a->file[0] = 'x';
	b->file[0] = 'y';
	assert_int_equal(add_want(&plan, (struct want){.cgroup = 1,
						       .policy = &b->policies[0],
						       .source = &y,
						       .pos = {.line = 4, .column = 26}}),
			 0);
	assert_int_equal(add_want(&plan, (struct want){.cgroup = 1,
						       .policy = &a->policies[0],
						       .source = &x,
						       .pos = {.line = 4, .column = 26}}),
			 0);
	assert_int_equal(plan_settle(&plan), 0);
	assert_int_equal(ties_count(&plan), 1);
	for (size_t i = 0; i < 3; i++) {
		static const char *const messages[] = {
			"policy \"a\" selects a subject that is there as exactly as policy \"b\" "
			"(at y.yaml:4:26)",
			"policy \"b\" selects a subject that is there as exactly as policy \"a\" "
			"(at x.yaml:4:26)"};
		json_auto_t *problems = json_array();

		ties_planned(&plan, applied[i], problems);
		assert_int_equal(json_array_size(problems), i < 2);
		if (i < 2)
			assert_string_equal(json_string_value(json_object_get(
						    json_array_get(problems, 0), "message")),
					    messages[i]);
	}
	plan_done(&plan);
	policy_set_free(a);
	policy_set_free(b);
	policy_set_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ties_of_files_have_both_places, begin, done),
		cmocka_unit_test_setup_teardown(what_is_applied_is_told_of_and_nothing_else, begin,
						done),
		cmocka_unit_test_setup_teardown(a_shadow_ties_with_shadows_only, begin, done),
		cmocka_unit_test(a_tie_on_the_host_is_told_of_both_sides),
	};

	return cmocka_run_group_tests_name("ties", tests, NULL, NULL);
}
