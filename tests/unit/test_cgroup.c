/* SPDX-License-Identifier: GPL-2.0-only */
/* cgroup paths. The rest needs a cgroup2 tree and is tested in guests; what is there is read here as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "subject/cgroup.h"

static void paths_that_are_not_clean_are_refused(void **state)
{
	static const char *const bad[] = {
		"",	"a",	 "a/b",	 "/a//b", "//a",     "/.",  "/..",
		"/a/.", "/a/..", "/./a", "/../a", "/a/../b", "./a", "../a",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint64_t id = 7;
		uint32_t level = 7;

		if (cgroup_id(bad[i], &id, &level) != -EINVAL)
			fail_msg("%s", bad[i]);
		assert_int_equal(id, 7);
		assert_int_equal(level, 7);
	}
}

static void nothing_is_changed_by_a_path_that_is_not_clean(void **state)
{
	/* -EOPNOTSUPP: there is no cgroup2 here at all. */
	int err = cgroup_make("/../x");

	assert_true(err == -EINVAL || err == -EOPNOTSUPP);
	err = cgroup_remove("/");
	assert_true(err < 0);
	err = cgroup_remove("/a/../..");
	assert_true(err == -EINVAL || err == -EOPNOTSUPP);
	err = cgroup_move("a", getpid());
	assert_true(err == -EINVAL || err == -EOPNOTSUPP);
	err = cgroup_kill("/a//b");
	assert_true(err == -EINVAL || err == -EOPNOTSUPP);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	_cleanup_free_ char *path = malloc(70000);
	uint64_t id;

	assert_non_null(path);
	for (size_t i = 0; i < 69999; i++)
		path[i] = i % 2 ? 'a' : '/';
	path[69999] = '\0';
	assert_true(cgroup_id(path, &id, NULL) < 0);
}

static void dots_inside_a_name_are_fine(void **state)
{
	static const char *const good[] = {"/...", "/.a",	"/a..b/c",
					   "/..a", "/no-such/", "/a/b.c/"};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		uint64_t id;
		int err = cgroup_id(good[i], &id, NULL);

		assert_true(err == -ENOENT || err == -EOPNOTSUPP);
	}
}

struct seen {
	unsigned int n;
	char last[4096];
};

/* Parents first, levels that are the number of components, ids that lead back to the path. */
static int see(const char *path, uint64_t id, uint32_t level, void *ctx)
{
	struct seen *seen = ctx;
	uint32_t slashes = 0, same_level;
	uint64_t same;

	for (const char *p = path; *p; p++)
		slashes += p[0] == '/' && p[1];
	assert_int_equal(level, slashes);
	if (seen->n == 0)
		assert_string_equal(path, "/");
	if (!cgroup_id(path, &same, &same_level)) {
		assert_true(same == id);
		assert_int_equal(same_level, level);
	}
	return ++seen->n == 50 ? 77 : 0;
}

static void the_tree_is_walked_from_the_root(void **state)
{
	struct seen seen = {0};
	int err = cgroup_walk(see, &seen);

	if (err == -EOPNOTSUPP) {
		assert_int_equal(seen.n, 0);
		return;
	}
	assert_true(err == 77 || err == 0);
	assert_int_equal(err == 77, seen.n == 50);
}

static void a_process_that_is_not_there_has_no_cgroup(void **state)
{
	char *path = NULL;

	assert_true(cgroup_of(999999999, &path) < 0);
	assert_null(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_that_are_not_clean_are_refused),
		cmocka_unit_test(nothing_is_changed_by_a_path_that_is_not_clean),
		cmocka_unit_test(a_path_that_is_too_long_is_refused),
		cmocka_unit_test(dots_inside_a_name_are_fine),
		cmocka_unit_test(the_tree_is_walked_from_the_root),
		cmocka_unit_test(a_process_that_is_not_there_has_no_cgroup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
