/* SPDX-License-Identifier: GPL-2.0-only */
/* What the API says of policies: where they come from, and which one a mistyped name may mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon_fixture.h"

static void check_not_there(unsigned int status, json_t **answer, const char *what)
{
	assert_int_equal(status, 404);
	assert_string_equal(json_string_value(json_object_get(*answer, "error")), what);
	json_decref(*answer);
	*answer = NULL;
}

static void a_name_that_is_not_there_may_mean_another(void **state)
{
	struct state *s = *state;
	json_t *answer = NULL;

	apply(s, POLICY("web", "cgroup: \"/web*\"", "none"), false);
	apply(s, POLICY("dbserver", "cgroup: \"/db*\"", "none"), false);
	apply(s, POLICY("dbserver", "cgroup: \"/db*\"", "all"), true);
	check_not_there(state_mode(s, "wbe", "audit", &nobody, &answer), &answer,
			"there is no policy \"wbe\"; did you mean 'web'?");
	check_not_there(state_mode(s, "elsewhere", "file", &nobody, &answer), &answer,
			"there is no policy \"elsewhere\"");
	check_not_there(state_remove(s, "dbsrver", false, &nobody, &answer), &answer,
			"there is no policy \"dbsrver\"; did you mean 'dbserver'?");
	check_not_there(state_policy(s, "wb", false, &answer), &answer,
			"there is no policy \"wb\"; did you mean 'web'?");
	check_not_there(
		state_promote(s, "dbserve", &nobody, &answer), &answer,
		"there is no shadow of the policy \"dbserve\": 'leastcap apply --shadow' makes "
		"one; did you mean 'dbserver'?");
	/* It has no shadow. */
	check_not_there(
		state_promote(s, "web", &nobody, &answer), &answer,
		"there is no shadow of the policy \"web\": 'leastcap apply --shadow' makes one");
	check_not_there(
		state_remove(s, "we", true, &nobody, &answer), &answer,
		"there is no shadow of the policy \"we\": 'leastcap apply --shadow' makes one");
}

static void check_lines(const json_t *place, json_int_t line, json_int_t last)
{
	assert_int_equal(json_integer_value(json_object_get(place, "line")), line);
	assert_int_equal(json_integer_value(json_object_get(place, "last_line")), last);
}

/* What of its places is the policy's own can be told. */
static void a_policy_of_a_file_has_its_lines(void **state)
{
	struct state *s = *state;
	json_t *answer = NULL;

	write_file("web.yaml", "policies:\n"
			       "- name: web\n"
			       "  modules: deny\n"
			       "  sockets: { host-unix: deny,\n"
			       "             families: deny }\n"
			       "\n"
			       "defaults:\n"
			       "  capabilities: none\n"
			       "  mounts: deny\n");
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_int_equal(state_policy(s, "web", false, &answer), 200);
	check_lines(json_object_get(answer, "pos"), 2, 5);
	check_lines(json_object_get(answer, "capabilities"), 8, 8);
	check_lines(json_object_get(json_object_get(answer, "rules"), "mounts"), 9, 9);
	check_lines(json_object_get(json_object_get(answer, "rules"), "modules"), 3, 3);
	json_decref(answer);
}

static void check_source(struct state *s, const char *name, const char *source, const char *file)
{
	json_t *answer = NULL;
	const json_t *each;
	size_t i;
	bool found = false;

	assert_int_equal(state_policies(s, &answer), 200);
	json_array_foreach(json_object_get(answer, "policies"), i, each) {
		if (strcmp(json_string_value(json_object_get(each, "name")), name) != 0)
			continue;
		found = true;
		assert_string_equal(json_string_value(json_object_get(each, "source")), source);
		assert_string_equal(json_string_value(json_object_get(each, "file")), file);
	}
	assert_true(found);
	json_decref(answer);
}

static void what_was_applied_is_told_from_what_a_file_has(void **state)
{
	struct state *s = *state;
	_cleanup_free_ char *file = strdup(folder_path("policies.d/web.yaml")),
			    *saved = strdup(folder_path("state/applied/db.yaml"));

	write_file("web.yaml", POLICY("web", "cgroup: \"/web*\"", "none"));
	assert_int_equal(state_reload(s, &nobody), 0);
	apply(s, POLICY("db", "cgroup: \"/db*\"", "none"), false);
	apply(s, POLICY("new", "cgroup: \"/new*\"", "none"), true);
	check_source(s, "web", file, file);
	check_source(s, "db", "api", "t.yaml");
	check_source(s, "new", "api", "t.yaml");
	/* As a daemon has it that starts. */
	assert_int_equal(state_reload(s, &nobody), 0);
	check_source(s, "web", file, file);
	check_source(s, "db", "api", saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_name_that_is_not_there_may_mean_another),
		TEST(a_policy_of_a_file_has_its_lines),
		TEST(what_was_applied_is_told_from_what_a_file_has),
	};

	return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
