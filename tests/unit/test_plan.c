/* SPDX-License-Identifier: GPL-2.0-only */
/* The plan: who wins where several policies select one cgroup. And the sources: what is saved is read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <leastcap/decide.h>

#include "daemon/plan.h"
#include "daemon/resolve.h"
#include "policy/pattern.h"
#include "saving.h"

static struct policy a = {.name = (char *)"a"}, b = {.name = (char *)"b"};
static struct source source = {.file = (char *)"f"};
static void settle(struct plan *plan, const struct want *wants, size_t n)
{
	*plan = (struct plan){.wants = calloc(n, sizeof(*wants)), .n_wants = n};
	memcpy(plan->wants, wants, n * sizeof(*wants));
	for (size_t i = 0; i < n; i++) {
		plan->wants[i].order = i;
		plan->wants[i].source = &source;
	}
	assert_int_equal(plan_settle(plan), 0);
}

static void the_most_specific_selector_wins(void **state)
{
	static const enum selector_kind order[] = {
		SELECT_CONTAINER_ID,   SELECT_CONTAINER_NAME, SELECT_POD,	   SELECT_CONTAINER,
		SELECT_UNIT,	       SELECT_CGROUP,	      SELECT_UNIT_PATTERN, SELECT_USER_UNIT,
		SELECT_CGROUP_PATTERN, SELECT_ANY_CONTAINER};

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(order); j++) {
			struct want wants[] = {{.cgroup = 7, .rank.kind = order[i], .policy = &a},
					       {.cgroup = 7, .rank.kind = order[j], .policy = &b}};
			struct plan plan;

			settle(&plan, wants, 2);
			assert_int_equal(plan.n_wants, 1);
			assert_ptr_equal(plan.wants[0].policy, j < i ? &b : &a);
			assert_int_equal(plan.n_ties, i == j);
			plan_done(&plan);
		}
	}
}

/* Whatever the order of the files: by name, and the ties of two selectors are one. */
static void a_tie_is_the_first_s_by_name(void **state)
{
	struct want wants[] = {
		{.cgroup = 7,
		 .rank.kind = SELECT_CONTAINER,
		 .policy = &b,
		 .pos = {.line = 1, .column = 2}},
		{.cgroup = 8,
		 .rank.kind = SELECT_CONTAINER,
		 .policy = &b,
		 .pos = {.line = 1, .column = 2}},
		{.cgroup = 8,
		 .rank.kind = SELECT_CONTAINER,
		 .policy = &a,
		 .pos = {.line = 3, .column = 4}},
		{.cgroup = 7,
		 .rank.kind = SELECT_CONTAINER,
		 .policy = &a,
		 .pos = {.line = 3, .column = 4}},
		{.cgroup = 9,
		 .rank.kind = SELECT_CONTAINER,
		 .policy = &a,
		 .pos = {.line = 3, .column = 4}},
		{.cgroup = 9,
		 .rank = {SELECT_CONTAINER, .asked = 1},
		 .policy = &b,
		 .pos = {.line = 5, .column = 6}},
	};
	struct plan plan;

	settle(&plan, wants, ARRAY_SIZE(wants));
	assert_int_equal(plan.n_wants, 3);
	assert_ptr_equal(plan.wants[0].policy, &a);
	assert_ptr_equal(plan.wants[1].policy, &a);
	/* Who asks for more has it, whatever it is called. */
	assert_ptr_equal(plan.wants[2].policy, &b);
	assert_int_equal(plan.n_ties, 1);
	assert_int_equal(plan.ties[0].n, 2);
	assert_ptr_equal(plan.ties[0].winner.policy, &a);
	assert_ptr_equal(plan.ties[0].loser.policy, &b);
	assert_int_equal(plan.ties[0].loser.pos.line, 1);
	plan_done(&plan);
}

static void each_cgroup_has_one_policy_and_is_found(void **state)
{
	struct want wants[100];
	struct plan plan;

	for (size_t i = 0; i < 100; i++)
		wants[i] = (struct want){
			.cgroup = i * 37 % 50, .rank.kind = SELECT_CGROUP, .policy = &a};
	settle(&plan, wants, 100);
	assert_int_equal(plan.n_wants, 50);
	/* The same policy twice is no conflict. */
	assert_int_equal(plan.n_ties, 0);
	for (size_t i = 0; i < 50; i++)
		assert_int_equal(plan_find(&plan, i)->cgroup, i);
	assert_null(plan_find(&plan, 50));
	plan_done(&plan);
}

static struct want_pattern pattern_of(const char *text, enum selector_kind kind,
				      const struct policy *policy)
{
	struct want_pattern p = {.rank.kind = kind, .policy = policy};

	assert_int_equal(pattern_compile(text, true, &p.pattern), 0);
	return p;
}

/* The kernel looks at paths first, and the path is less exact than the unit. */
static void a_path_that_is_a_unit_s_is_born_as_the_unit(void **state)
{
	const struct want_pattern unit = pattern_of("/*.slice/x.service", SELECT_UNIT, &a),
				  wide = pattern_of("/*/y.service", SELECT_UNIT_PATTERN, &a);
	static const char *const paths[] = {"/u.slice/x.service", "/u.slice/y.service",
					    "/u.slice/x.service/z", "/u.slice"};
	struct plan plan = {};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		assert_int_equal(add_birth(&plan, (struct want_birth){.path = (char *)paths[i],
								      .rank.kind = SELECT_CGROUP,
								      .policy = &b}),
				 0);
	assert_int_equal(add_pattern(&plan, &wide), 0);
	assert_int_equal(add_pattern(&plan, &unit), 0);
	assert_int_equal(plan_settle(&plan), 0);
	assert_ptr_equal(plan_find_birth(&plan, paths[0])->policy, &a);
	for (size_t i = 1; i < ARRAY_SIZE(paths); i++)
		assert_ptr_equal(plan_find_birth(&plan, paths[i])->policy, &b);
	plan_done(&plan);
}

static void patterns_that_somebody_has_written_have_room(void **state)
{
	const struct want_pattern unit = pattern_of("/x.service", SELECT_UNIT, &a),
				  written = pattern_of("/y*", SELECT_CGROUP_PATTERN, &b);
	struct plan plan = {};

	for (int i = 0; i < 10; i++)
		assert_int_equal(add_pattern(&plan, i % 2 ? &unit : &written), 0);
	assert_int_equal(plan_settle(&plan), 0);
	plan_fit_patterns(&plan, 10);
	assert_int_equal(plan.n_patterns, 10);
	assert_int_equal(plan.pending, 0);
	plan_fit_patterns(&plan, 8);
	assert_int_equal(plan.n_patterns, 8);
	assert_int_equal(plan.pending, 2);
	/* More than there is room for is the kernel's to refuse. */
	plan_fit_patterns(&plan, 3);
	assert_int_equal(plan.n_patterns, 5);
	assert_int_equal(plan.pending, 5);
	for (int i = 0; i < 5; i++)
		assert_ptr_equal(plan.patterns[i].policy, &b);
	plan_done(&plan);
}

static void an_empty_plan_settles(void **state)
{
	struct plan plan = {};

	assert_int_equal(plan_settle(&plan), 0);
	assert_null(plan_find(&plan, 1));
	assert_null(plan_find_birth(&plan, "/a"));
	plan_done(&plan);
}

static struct policy_set *parsed(const char *text)
{
	struct policy_errors errs = {};
	struct policy_set *set = NULL;

	if (policy_parse("test", text, strlen(text), &set, &errs))
		policy_errors_print(&errs, "test", stderr);
	policy_errors_done(&errs);
	assert_non_null(set);
	return set;
}

static void an_applied_policy_is_read_back_as_it_was(void **state)
{
	struct policy_set *set = parsed("policies:\n"
					"  - name: one\n"
					"    mode: audit\n"
					"    select:\n"
					"      - unit: \"a\\\\x2db.service\"\n"
					"      - cgroup: /x/y\n"
					"      - container: { id: \"0123456789ab\" }\n"
					"      - any: container\n"
					"    capabilities: [CHOWN, SYS_ADMIN]\n");
	char dir[] = "/tmp/test_plan-XXXXXX";
	struct sources sources = {};
	json_t *problems = json_array();
	const struct policy *p;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(applied_save(dir, &set->policies[0]), 0);
	assert_int_equal(sources_load("/nonexistent", dir, NULL, NULL, problems, &sources), 0);
	assert_int_equal(json_array_size(problems), 0);
	p = sources_find(&sources, "one", NULL);
	assert_non_null(p);
	assert_int_equal(p->mode, LEASTCAP_AUDIT);
	assert_int_equal(p->allow, 1ULL << 0 | 1ULL << 21);
	assert_int_equal(p->n_selectors, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(p->selectors[i].kind, set->policies[0].selectors[i].kind);
		if (p->selectors[i].value)
			assert_string_equal(p->selectors[i].value,
					    set->policies[0].selectors[i].value);
	}
	assert_int_equal(applied_remove(dir, "one"), 0);
	sources_done(&sources);
	assert_int_equal(sources_load("/nonexistent", dir, NULL, NULL, problems, &sources), 0);
	assert_null(sources_find(&sources, "one", NULL));
	sources_done(&sources);
	json_decref(problems);
	policy_set_free(set);
}

static void put_text(const char *dir, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void copies_share_nothing(void **state)
{
	char dir[] = "/tmp/test_plan-XXXXXX";
	struct sources from = {}, copy = {};
	json_t *problems = json_array();
	const struct policy *p;

	assert_non_null(mkdtemp(dir));
	put_text(
		dir, "1.yaml",
		"policies:\n  - name: lists\n    capabilities: all\n"
		"    sockets: { host-unix: { allow: [/run/a, \"@b\"] }, connect: { deny: [10.0.0.0/8] } }\n"
		"    filesystems: { deny: [debugfs], read-only: [proc, sysfs] }\n");
	assert_int_equal(sources_load(dir, "/nonexistent", NULL, NULL, problems, &from), 0);
	assert_int_equal(json_array_size(problems), 0);
	assert_int_equal(sources_copy(&from, &copy), 0);
	assert_int_equal(sources_put(&copy, sources_find(&from, "lists", NULL)), 0);
	sources_done(&from);
	p = sources_find(&copy, "lists", NULL);
	assert_string_equal(p->lists.unix_names[1], "@b");
	assert_null(p->lists.unix_names[2]);
	assert_string_equal(p->lists.fs_deny[0], "debugfs");
	assert_string_equal(p->lists.fs_read_only[1], "sysfs");
	assert_int_equal(p->lists.n_destinations, 1);
	assert_int_equal(p->lists.destination_rules[0].refuse, 1);
	sources_done(&copy);
	json_decref(problems);
}

#define GOOD(name, caps) "policies:\n  - name: " name "\n    capabilities: " caps "\n"

static void a_bad_file_keeps_its_last_good_form_and_stops_nobody(void **state)
{
	char dir[] = "/tmp/test_plan-XXXXXX", config[64];
	struct sources first = {}, second = {}, third = {};
	json_t *problems = json_array();

	assert_non_null(mkdtemp(dir));
	snprintf(config, sizeof(config), "%s/policies.d", dir);
	assert_int_equal(mkdir(config, 0700), 0);
	put_text(config, "1.yaml", GOOD("one", "none"));
	put_text(config, "2.yaml", GOOD("two", "[CHOWN]"));
	put_text(config, ".hidden.yaml", "junk");
	put_text(config, "readme.txt", "junk");
	assert_int_equal(sources_load(config, dir, NULL, NULL, problems, &first), 0);
	assert_int_equal(json_array_size(problems), 0);

	put_text(config, "1.yaml", "policies: [");
	put_text(config, "2.yaml", GOOD("two", "[KILL]"));
	/* From memory, and over a restart from disk. */
	assert_int_equal(sources_load(config, dir, &first, NULL, problems, &second), 0);
	assert_true(json_array_size(problems) >= 1);
	assert_int_equal(sources_find(&second, "one", NULL)->allow, 0);
	assert_int_equal(sources_find(&second, "two", NULL)->allow, 1ULL << 5);
	/* It was in force, and is not saved again in place of itself. */
	sources_save_good(&first, dir);
	sources_save_good(&second, dir);
	assert_int_equal(sources_load(config, dir, NULL, NULL, problems, &third), 0);
	assert_int_equal(sources_find(&third, "one", NULL)->allow, 0);
	assert_true(third.items[0].kept);
	assert_false(third.items[1].kept);
	sources_done(&first);
	sources_done(&second);
	sources_done(&third);
	json_decref(problems);
}

static void a_name_in_two_files_leaves_the_later_file_out(void **state)
{
	char dir[] = "/tmp/test_plan-XXXXXX", config[64];
	struct sources sources = {};
	json_t *problems = json_array();

	assert_non_null(mkdtemp(dir));
	snprintf(config, sizeof(config), "%s/policies.d", dir);
	assert_int_equal(mkdir(config, 0700), 0);
	put_text(config, "1.yaml", GOOD("same", "none"));
	put_text(config, "2.yaml", GOOD("same", "all"));
	assert_int_equal(sources_load(config, dir, NULL, NULL, problems, &sources), 0);
	assert_int_equal(json_array_size(problems), 1);
	assert_int_equal(sources_find(&sources, "same", NULL)->allow, 0);
	sources_done(&sources);
	json_decref(problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_most_specific_selector_wins),
		cmocka_unit_test(a_tie_is_the_first_s_by_name),
		cmocka_unit_test(each_cgroup_has_one_policy_and_is_found),
		cmocka_unit_test(a_path_that_is_a_unit_s_is_born_as_the_unit),
		cmocka_unit_test(patterns_that_somebody_has_written_have_room),
		cmocka_unit_test(an_empty_plan_settles),
		cmocka_unit_test(an_applied_policy_is_read_back_as_it_was),
		cmocka_unit_test(copies_share_nothing),
		cmocka_unit_test(a_bad_file_keeps_its_last_good_form_and_stops_nobody),
		cmocka_unit_test(a_name_in_two_files_leaves_the_later_file_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
