/* SPDX-License-Identifier: GPL-2.0-only */
/* Changing policies at runtime: what is compared, what is saved, what a daemon that starts makes of it. */
#include <errno.h>
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

#include "base/duration.h"
#include "daemon/compare.h"
#include "daemon/internal.h"
#include "daemon/saved.h"
#include "saving.h"

#define BIT(n) (1ULL << (n))
#define MOUNTS LEASTCAP_RULE_BIT(LEASTCAP_RULE_MOUNTS)
#define MODULES LEASTCAP_RULE_BIT(LEASTCAP_RULE_MODULES)
#define BPF LEASTCAP_RULE_BIT(LEASTCAP_RULE_BPF)

static struct policy_set *parsed(const char *text)
{
	struct policy_set *set = NULL;
	struct policy_errors errs = {};

	assert_int_equal(policy_parse("t.yaml", text, strlen(text), &set, &errs), 0);
	return set;
}

#define POLICY(name, mode, caps) \
	"policies:\n  - name: " name "\n    mode: " mode "\n    capabilities: " caps "\n"

static void put(struct sources *sources, const char *text, bool shadow)
{
	struct policy_set *set = parsed(text);

	if (shadow)
		assert_int_equal(policy_make_shadow(&set->policies[0]), 0);
	assert_int_equal(sources_put(sources, &set->policies[0]), 0);
	policy_set_free(set);
}

/* ---- dry run ---- */

static void a_dry_run_finds_what_was_used_and_would_be_refused(void **state)
{
	struct kernel_ledger here = {.used = BIT(0) | BIT(5), .rules_used = MOUNTS},
			     below = {.would_deny = BIT(21),
				      .rules_would_deny = BPF,
				      .denied = BIT(8),
				      .rules_denied = MODULES};
	struct leastcap_policy policy = {
		.allow = BIT(5) | BIT(7), .deny = MOUNTS | MODULES, .would = BPF};
	struct history history = {};
	struct comparison c = compare(&policy, &history);

	assert_false(history.any);
	assert_int_equal(c.refused | c.reported | c.rules_refused | c.rules_reported, 0);
	history_join(&history, &here);
	history_join(&history, &below);
	assert_true(history.any);
	c = compare(&policy, &history);
	assert_int_equal(c.refused, BIT(0) | BIT(21));
	assert_int_equal(c.reported, 0);
	assert_int_equal(c.rules_refused, MOUNTS);
	assert_int_equal(c.rules_reported, BPF);
	/* In audit mode nothing is refused. */
	policy.mode = LEASTCAP_AUDIT;
	c = compare(&policy, &history);
	assert_int_equal(c.refused, 0);
	assert_int_equal(c.reported, BIT(0) | BIT(21));
	assert_int_equal(c.rules_refused, 0);
	assert_int_equal(c.rules_reported, MOUNTS | BPF);
	/* A policy that allows everything refuses nothing. */
	policy = (struct leastcap_policy){.allow = LEASTCAP_ALL};
	c = compare(&policy, &history);
	assert_int_equal(c.refused | c.reported | c.rules_refused | c.rules_reported, 0);
}

/* ---- shadows ---- */

static void a_shadow_is_kept_beside_the_policy_with_its_own_mode(void **state)
{
	char dir[] = "/tmp/test_change-XXXXXX", path[128];
	struct sources from = {}, read = {};
	json_t *problems = json_array();
	const struct policy *p;

	assert_non_null(mkdtemp(dir));
	put(&from, POLICY("web", "enforce", "[CHOWN]"), false);
	put(&from, POLICY("web", "enforce", "none"), true);
	assert_int_equal(from.n, 2);
	assert_int_equal(applied_save(dir, sources_find(&from, "web", NULL)), 0);
	assert_int_equal(applied_save(dir, sources_find(&from, "shadow:web", NULL)), 0);
	snprintf(path, sizeof(path), "%s/shadow/web.json", dir);
	assert_int_equal(access(path, F_OK), 0);

	assert_int_equal(sources_load("/nonexistent", dir, NULL, NULL, problems, &read), 0);
	assert_int_equal(json_array_size(problems), 0);
	p = sources_find(&read, "web", NULL);
	assert_int_equal(p->allow, BIT(0));
	assert_int_equal(p->mode, LEASTCAP_ENFORCE);
	/* They are written where they were found. */
	assert_string_equal(sources_find(&read, "shadow:web", NULL)->file, path);
	snprintf(path, sizeof(path), "%s/applied/web.yaml", dir);
	assert_string_equal(p->file, path);
	snprintf(path, sizeof(path), "%s/shadow/web.json", dir);
	p = sources_find(&read, "shadow:web", NULL);
	assert_int_equal(p->allow, 0);
	assert_int_equal(p->mode, LEASTCAP_AUDIT);
	assert_int_equal(p->written, LEASTCAP_ENFORCE);
	/* Each is taken back for itself. */
	assert_int_equal(sources_drop(&read, "shadow:web"), 0);
	assert_non_null(sources_find(&read, "web", NULL));
	assert_int_equal(applied_remove(dir, "shadow:web"), 0);
	assert_int_equal(access(path, F_OK), -1);
	sources_done(&from);
	sources_done(&read);
	json_decref(problems);
}

static void a_name_without_room_for_a_shadow_is_refused(void **state)
{
	char text[256], name[LEASTCAP_NAME_LEN];
	struct policy_set *set;

	memset(name, 'n', sizeof(name));
	name[SHADOW_NAME_MAX + 1] = '\0';
	snprintf(text, sizeof(text), POLICY("%s", "audit", "none"), name);
	set = parsed(text);
	assert_int_equal(policy_make_shadow(&set->policies[0]), -ENAMETOOLONG);
	assert_string_equal(set->policies[0].name, name);
	policy_set_free(set);

	name[SHADOW_NAME_MAX] = '\0';
	snprintf(text, sizeof(text), POLICY("%s", "audit", "none"), name);
	set = parsed(text);
	assert_int_equal(policy_make_shadow(&set->policies[0]), 0);
	assert_int_equal(strlen(set->policies[0].name), LEASTCAP_NAME_LEN - 1);
	assert_string_equal(shadow_shown(set->policies[0].name), name);
	policy_set_free(set);
}

static struct plan plan_of(const struct want *wants, size_t n)
{
	struct plan plan = {.wants = calloc(n + 1, sizeof(*wants)), .n_wants = n};

	memcpy(plan.wants, wants, n * sizeof(*wants));
	return plan;
}

static void a_shadow_is_beside_a_policy_or_in_place_of_none(void **state)
{
	struct policy a = {.name = (char *)"a"}, x = {.name = (char *)"shadow:a"};
	struct want in_force[] = {{.cgroup = 3, .policy = &a}, {.cgroup = 9, .policy = &a}},
		    trial[] = {{.cgroup = 1, .policy = &x},
			       {.cgroup = 5, .policy = &x},
			       {.cgroup = 9, .policy = &x}};
	struct plan plan = plan_of(in_force, 2), shadows = plan_of(trial, 3);

	shadows.any = &x;
	assert_int_equal(plan_join_shadows(&plan, &shadows), 0);
	assert_int_equal(plan.n_wants, 4);
	for (size_t i = 1; i < plan.n_wants; i++)
		assert_true(plan.wants[i - 1].cgroup < plan.wants[i].cgroup);
	assert_ptr_equal(plan_find(&plan, 9)->policy, &a);
	assert_ptr_equal(plan_find(&plan, 9)->shadow, &x);
	assert_ptr_equal(plan_find(&plan, 3)->policy, &a);
	assert_null(plan_find(&plan, 3)->shadow);
	assert_ptr_equal(plan_find(&plan, 1)->policy, &x);
	assert_null(plan_find(&plan, 1)->shadow);
	assert_ptr_equal(plan_find(&plan, 5)->policy, &x);
	assert_ptr_equal(plan.any, &x);
	/* What is in force for any container is not replaced by a trial. */
	plan.any = &a;
	assert_int_equal(plan_join_shadows(&plan, &shadows), 0);
	assert_ptr_equal(plan.any, &a);
	assert_int_equal(plan.n_wants, 4);
	plan_done(&plan);
	plan_done(&shadows);
}

/* ---- modes ---- */

static void an_override_changes_the_mode_and_not_what_is_saved(void **state)
{
	json_t *modes = json_pack("{s:s}", "web", "audit"), *none = json_object(), *form;
	struct sources sources = {};
	const struct policy *p;

	put(&sources, POLICY("web", "enforce", "none"), false);
	put(&sources, POLICY("db", "enforce", "none"), false);
	put(&sources, POLICY("web", "enforce", "none"), true);
	for (int i = 0; i < 2; i++) {
		modes_join(modes, &sources);
		p = sources_find(&sources, "web", NULL);
		assert_int_equal(p->mode, LEASTCAP_AUDIT);
		assert_true(p->overridden);
		form = saved_form(p);
		assert_string_equal(json_string_value(json_object_get(form, "mode")), "enforce");
		json_decref(form);
		assert_int_equal(sources_find(&sources, "db", NULL)->mode, LEASTCAP_ENFORCE);
		assert_int_equal(sources_find(&sources, "shadow:web", NULL)->mode, LEASTCAP_AUDIT);
		assert_int_equal(sources_find(&sources, "shadow:web", NULL)->written,
				 LEASTCAP_ENFORCE);
	}
	modes_join(none, &sources);
	p = sources_find(&sources, "web", NULL);
	assert_int_equal(p->mode, LEASTCAP_ENFORCE);
	assert_false(p->overridden);
	json_decref(modes);
	json_decref(none);
	sources_done(&sources);
}

/* ---- files that are broken ---- */

static void write_text(const char *dir, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void a_truncated_policy_is_known_to_be_unknown(void **state)
{
	char dir[] = "/tmp/test_change-XXXXXX";
	struct sources first = {}, second = {}, third = {};
	json_t *problems = json_array();

	assert_non_null(mkdtemp(dir));
	put(&first, POLICY("web", "enforce", "none"), false);
	assert_int_equal(applied_save(dir, sources_find(&first, "web", NULL)), 0);
	write_text(dir, "applied/web.yaml", "{\n  \"policies\": [\n    {\n      \"na");
	/* The daemon that runs has it in memory. */
	assert_int_equal(sources_load("/nonexistent", dir, &first, NULL, problems, &second), 0);
	assert_true(json_array_size(problems) >= 1);
	assert_int_equal(sources_find(&second, "web", NULL)->allow, 0);
	assert_false(sources_broken(&second, "web"));
	/* One that starts does not: what is bound has to stay, and the name can be dropped. */
	assert_int_equal(sources_load("/nonexistent", dir, NULL, NULL, problems, &third), 0);
	assert_null(sources_find(&third, "web", NULL));
	assert_int_equal(third.n, 1);
	assert_null(third.items[0].set);
	assert_true(sources_broken(&third, "web"));
	assert_false(sources_broken(&third, "we"));
	assert_false(sources_broken(&third, "shadow:web"));
	assert_int_equal(sources_drop(&third, "web"), 0);
	assert_int_equal(third.n, 0);
	sources_done(&first);
	sources_done(&second);
	sources_done(&third);
	json_decref(problems);
}

static void what_cannot_be_written_whole_replaces_nothing(void **state)
{
	struct policy_set *set = parsed("policies:\n  - name: a\n    capabilities: all\n"
					"  - name: b\n    capabilities: all\n");
	char dir[] = "/tmp/test_change-XXXXXX", path[128];
	struct sources sources = {}, read = {};
	json_t *problems = json_array();

	assert_non_null(mkdtemp(dir));
	put(&sources, POLICY("a", "enforce", "none"), false);
	assert_int_equal(applied_save(dir, sources_find(&sources, "a", NULL)), 0);
	/* The second has no room: something is in its place. */
	snprintf(path, sizeof(path), "%s/applied/.b.yaml.new", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(applied_save_all(dir, set), -EISDIR);
	assert_int_equal(sources_load("/nonexistent", dir, NULL, NULL, problems, &read), 0);
	assert_int_equal(read.n, 1);
	assert_int_equal(sources_find(&read, "a", NULL)->allow, 0);
	snprintf(path, sizeof(path), "%s/applied/.a.yaml.new", dir);
	assert_int_equal(access(path, F_OK), -1);
	sources_done(&read);
	snprintf(path, sizeof(path), "%s/applied/.b.yaml.new", dir);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(applied_save_all(dir, set), 0);
	assert_int_equal(sources_load("/nonexistent", dir, NULL, NULL, problems, &read), 0);
	assert_int_equal(read.n, 2);
	assert_true(sources_find(&read, "a", NULL)->allow == LEASTCAP_ALL);
	assert_int_equal(json_array_size(problems), 0);
	sources_done(&sources);
	sources_done(&read);
	json_decref(problems);
	policy_set_free(set);
}

/* ---- confirm ---- */

/* What a daemon knows before it has read anything. */
static struct state *daemon_new(const char *dir)
{
	struct state *s = calloc(1, sizeof(*s));

	s->state_dir = strdup(dir);
	s->modes = json_object();
	s->own_problems = json_array();
	boot_id(s->boot);
	return s;
}

static void daemon_dies(struct state *s)
{
	confirm_done(&s->confirm);
	sources_done(&s->sources);
	json_decref(s->modes);
	json_decref(s->own_problems);
	free(s->state_dir);
	free(s);
}

/* A daemon that starts, reads the policies, and joins what waits. */
static struct state *daemon_starts(const char *dir)
{
	struct state *s = daemon_new(dir);
	json_t *problems = json_array();

	assert_int_equal(confirm_open(s), 0);
	assert_int_equal(sources_load("/nonexistent", dir, NULL, NULL, problems, &s->sources), 0);
	assert_int_equal(confirm_join(s, &s->sources, problems), 0);
	json_decref(problems);
	return s;
}

/* A daemon that has applied web (CHOWN before, nothing now) and new, to be confirmed, and dies. */
static void apply_and_die(const char *dir, uint64_t seconds)
{
	struct policy_set *set = parsed("policies:\n  - name: web\n    capabilities: none\n"
					"  - name: new\n    capabilities: none\n");
	const struct peer by = {.pid = 7, .comm = "leastcap"};
	struct state *s = daemon_new(dir);
	struct change *change = NULL;

	put(&s->sources, POLICY("web", "enforce", "[CHOWN]"), false);
	assert_int_equal(applied_save(dir, sources_find(&s->sources, "web", NULL)), 0);
	assert_int_equal(change_begin(dir, &change), 0);
	assert_int_equal(confirm_begin(s, set, seconds, &by, change), 0);
	assert_int_equal(change_ready(change), 0);
	assert_int_equal(change_commit(change), 0);
	change_free(change);
	assert_int_equal(s->confirm.old.n, 1);
	daemon_dies(s);
	policy_set_free(set);
}

static void in_time_a_daemon_that_starts_goes_on_waiting(void **state)
{
	char dir[] = "/tmp/test_change-XXXXXX";
	json_t *answer = NULL;
	struct state *s;

	assert_non_null(mkdtemp(dir));
	apply_and_die(dir, 60);
	s = daemon_starts(dir);
	assert_null(s->confirm.over);
	assert_int_equal(sources_find(&s->sources, "web", NULL)->allow, 0);
	assert_non_null(sources_find(&s->sources, "new", NULL));
	/* It knows what to take back: web as it was, and new altogether. */
	assert_int_equal(sources_find(&s->confirm.old, "web", NULL)->allow, BIT(0));
	assert_null(sources_find(&s->confirm.old, "new", NULL));
	/* Nobody else changes anything meanwhile, and is told why. */
	assert_int_equal(confirm_busy(s, &answer), 409);
	assert_non_null(
		strstr(json_string_value(json_object_get(answer, "error")), "leastcap, process 7"));
	assert_non_null(
		strstr(json_string_value(json_object_get(answer, "error")), "applied web, new"));
	json_decref(answer);
	daemon_dies(s);
}

/* A member of confirm.json as somebody else would have written it. */
static void change_saved(const char *dir, const char *key, json_t *value)
{
	json_t *json = NULL;

	assert_int_equal(saved_read(dir, "confirm.json", &json), 0);
	json_object_set_new(json, key, value);
	assert_int_equal(saved_write(dir, "confirm.json", json), 0);
	json_decref(json);
}

static void after_its_time_and_in_another_boot_it_comes_back(void **state)
{
	for (int i = 0; i < 3; i++) {
		char dir[] = "/tmp/test_change-XXXXXX";
		struct state *s;

		assert_non_null(mkdtemp(dir));
		apply_and_die(dir, 60);
		if (i == 0)
			change_saved(dir, "deadline", json_integer((json_int_t)boot_now()));
		else if (i == 1)
			change_saved(dir, "boot_id", json_string("00000000-0000"));
		else
			write_text(dir, "confirm.json", "{\n  \"boot_id\": \"");
		s = daemon_starts(dir);
		assert_string_equal(s->confirm.over, "rolled-back");
		assert_int_equal(sources_find(&s->sources, "web", NULL)->allow, BIT(0));
		assert_null(sources_find(&s->sources, "new", NULL));
		daemon_dies(s);
	}
}

static void without_anything_that_waits_nobody_is_busy(void **state)
{
	char dir[] = "/tmp/test_change-XXXXXX";
	json_t *answer = NULL;
	struct state *s;

	assert_non_null(mkdtemp(dir));
	s = daemon_starts(dir);
	assert_int_equal(confirm_busy(s, &answer), 0);
	assert_null(answer);
	assert_true(json_is_null(confirm_json(s)));
	daemon_dies(s);
}

/* ---- modes.json ---- */

static void a_truncated_list_of_modes_is_a_problem_and_changes_nothing_else(void **state)
{
	char dir[] = "/tmp/test_change-XXXXXX";
	static const char *const bad[] = {"{\"web\": \"au", "[]", "{\"web\": \"adit\"}",
					  "{\"web\": 1}", ""};

	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct state *s = daemon_new(dir);

		write_text(dir, "modes.json", bad[i]);
		assert_int_equal(modes_open(s), 0);
		assert_int_equal(json_array_size(s->own_problems), 1);
		assert_int_equal(json_object_size(s->modes), 0);
		daemon_dies(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dry_run_finds_what_was_used_and_would_be_refused),
		cmocka_unit_test(a_shadow_is_kept_beside_the_policy_with_its_own_mode),
		cmocka_unit_test(a_name_without_room_for_a_shadow_is_refused),
		cmocka_unit_test(a_shadow_is_beside_a_policy_or_in_place_of_none),
		cmocka_unit_test(an_override_changes_the_mode_and_not_what_is_saved),
		cmocka_unit_test(a_truncated_policy_is_known_to_be_unknown),
		cmocka_unit_test(what_cannot_be_written_whole_replaces_nothing),
		cmocka_unit_test(in_time_a_daemon_that_starts_goes_on_waiting),
		cmocka_unit_test(after_its_time_and_in_another_boot_it_comes_back),
		cmocka_unit_test(without_anything_that_waits_nobody_is_busy),
		cmocka_unit_test(a_truncated_list_of_modes_is_a_problem_and_changes_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
