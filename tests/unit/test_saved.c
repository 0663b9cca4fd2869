/* SPDX-License-Identifier: GPL-2.0-only */
/* The state directory: its version, and what is done with one of a newer leastcap: nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/keep.h"
#include "daemon/saved.h"
#include "daemon/sources.h"
#include "folder.h"
#include "policies.h"
#include "saving.h"

#define POLICY(name) "policies:\n- name: " name "\n  capabilities: none\n"

static int begin(void **state)
{
	folder_make();
	return 0;
}

static int done(void **state)
{
	folder_remove();
	return 0;
}

static void check_text(const char *name, const char *want)
{
	char got[64] = "";
	FILE *f = fopen(folder_path(name), "r");

	assert_non_null(f);
	assert_non_null(fgets(got, sizeof(got), f));
	fclose(f);
	assert_string_equal(got, want);
}

static void a_directory_gets_a_version_once(void **state)
{
	char dir[128];

	snprintf(dir, sizeof(dir), "%s/new", folder);
	assert_false(saved_newer(dir));
	assert_int_equal(saved_open(dir), 0);
	check_text("new/version", "1\n");
	assert_int_equal(saved_open(dir), 0);
	assert_false(saved_newer(dir));
}

static void a_version_that_is_none_is_written_anew(void **state)
{
	static const char *const texts[] = {"", "\n", "x", "1x", "-2", "0", "\xff"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		folder_write("version", texts[i]);
		assert_false(saved_newer(folder));
		assert_int_equal(saved_open(folder), -EBADMSG);
		check_text("version", "1\n");
	}
	/* No room for it: something is in the place of the text that is to be. */
	assert_int_equal(remove(folder_path("version")), 0);
	assert_int_equal(mkdir(folder_path(".version.new"), 0700), 0);
	assert_int_equal(saved_open(folder), -EISDIR);
}

static void of_a_newer_version_nothing_is_read_written_or_removed(void **state)
{
	struct policy_set *set = good(POLICY("a"));
	json_t *json = json_pack("{s:i}", "x", 1), *read = NULL;

	assert_int_equal(saved_open(folder), 0);
	assert_int_equal(applied_save(folder, &set->policies[0]), 0);
	assert_int_equal(saved_write(folder, "x.json", json), 0);
	assert_int_equal(last_good_save(folder, "f.yaml", set), 0);
	folder_write("version", "2\n");
	assert_true(saved_newer(folder));
	assert_int_equal(saved_open(folder), 0);
	check_text("version", "2\n");
	assert_int_equal(applied_save(folder, &set->policies[0]), -EPROTONOSUPPORT);
	assert_int_equal(applied_remove(folder, "a"), -EPROTONOSUPPORT);
	assert_int_equal(saved_write(folder, "x.json", json), -EPROTONOSUPPORT);
	assert_int_equal(saved_remove(folder, "x.json"), -EPROTONOSUPPORT);
	assert_int_equal(last_good_save(folder, "f.yaml", set), -EPROTONOSUPPORT);
	assert_int_equal(saved_read(folder, "x.json", &read), -ENOENT);
	assert_null(last_good_read(folder, "f.yaml"));
	/* The same works again with the version that it had. */
	folder_write("version", "1\n");
	assert_int_equal(saved_read(folder, "x.json", &read), 0);
	assert_int_equal(saved_remove(folder, "x.json"), 0);
	assert_int_equal(saved_remove(folder, "x.json"), 0);
	assert_int_equal(saved_read(folder, "x.json", &json), -ENOENT);
	assert_int_equal(applied_remove(folder, "a"), 0);
	assert_int_equal(access(folder_path("applied/a.yaml"), F_OK), -1);
	json_decref(read);
	json_decref(json);
	policy_set_free(set);
}

/* A daemon that starts knows nothing of it; one that runs goes on with what it has. */
static void what_a_newer_version_has_bound_stays_bound(void **state)
{
	struct policy_set *set = good(POLICY("a"));
	struct sources old = {}, first = {}, second = {};
	json_t *problems = json_array();
	char config[128];

	snprintf(config, sizeof(config), "%s/policies.d", folder);
	folder_write("policies.d/f.yaml", POLICY("f"));
	assert_int_equal(saved_open(folder), 0);
	assert_int_equal(applied_save(folder, &set->policies[0]), 0);
	assert_int_equal(sources_load(config, folder, NULL, NULL, problems, &old), 0);
	assert_int_equal(json_array_size(problems), 0);
	folder_write("version", "2\n");

	assert_int_equal(sources_load(config, folder, NULL, NULL, problems, &first), 0);
	assert_int_equal(json_array_size(problems), 1);
	assert_null(sources_find(&first, "a", NULL));
	assert_non_null(sources_find(&first, "f", NULL));
	assert_string_equal(keep_owner(&first, &(struct sources){}, NULL, "a")->file,
			    folder_path("version"));
	assert_null(keep_owner(&first, &(struct sources){}, NULL, "f"));

	assert_int_equal(sources_load(config, folder, &old, NULL, problems, &second), 0);
	assert_non_null(sources_find(&second, "a", NULL));
	sources_done(&old);
	sources_done(&first);
	sources_done(&second);
	json_decref(problems);
	policy_set_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_directory_gets_a_version_once, begin, done),
		cmocka_unit_test_setup_teardown(a_version_that_is_none_is_written_anew, begin,
						done),
		cmocka_unit_test_setup_teardown(
			of_a_newer_version_nothing_is_read_written_or_removed, begin, done),
		cmocka_unit_test_setup_teardown(what_a_newer_version_has_bound_stays_bound, begin,
						done),
	};

	return cmocka_run_group_tests_name("saved", tests, NULL, NULL);
}
