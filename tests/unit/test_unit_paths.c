/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the cgroup of a unit can be, and compiled patterns against the C library's matcher. */
#include <errno.h>
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/pattern.h"

static void what_cannot_be_compiled(void **state)
{
	struct leastcap_pattern p;
	char text[600];

	assert_int_equal(pattern_compile("[", false, &p), -EINVAL);
	assert_int_equal(pattern_compile("[]", false, &p), -EINVAL);
	assert_int_equal(pattern_compile("a[b", false, &p), -EINVAL);
	assert_int_equal(pattern_compile("[z-a]", false, &p), -EINVAL);
	for (int i = 0; i <= LEASTCAP_PATTERN_SETS; i++) {
		memcpy(text + 3 * i, "[a]", 4);
		assert_int_equal(pattern_compile(text, false, &p),
				 i < LEASTCAP_PATTERN_SETS ? 0 : -E2BIG);
	}
	memset(text, 'a', sizeof(text));
	text[PATTERN_MAX] = '\0';
	assert_int_equal(pattern_compile(text, false, &p), 0);
	assert_true(pattern_fits(&p, text, sizeof(text)));
	text[PATTERN_MAX] = 'a';
	text[PATTERN_MAX + 1] = '\0';
	assert_int_equal(pattern_compile(text, false, &p), -E2BIG);
}

/* All patterns of four elements over all texts of up to five letters. */
static void agrees_with_fnmatch(void **state)
{
	static const char letters[] = "ab/", elements[] = "ab/*?";
	char pattern[5] = "", text[6];

	for (int i = 0; i < 5 * 5 * 5 * 5; i++) {
		struct leastcap_pattern any, path;

		for (int k = 0, v = i; k < 4; k++, v /= 5)
			pattern[k] = elements[v % 5];
		assert_int_equal(pattern_compile(pattern, false, &any), 0);
		assert_int_equal(pattern_compile(pattern, true, &path), 0);
		for (int j = 0; j < 4 * 4 * 4 * 4 * 4; j++) {
			size_t len = 0;

			for (int k = 0, v = j; k < 5; k++, v /= 4) {
				if (v % 4 < 3)
					text[len++] = letters[v % 4];
			}
			text[len] = '\0';
			if (pattern_fits(&path, text, len) !=
				    !fnmatch(pattern, text, FNM_PATHNAME | FNM_NOESCAPE) ||
			    pattern_fits(&any, text, len) != !fnmatch(pattern, text, FNM_NOESCAPE))
				fail_msg("pattern %s, text %s", pattern, text);
		}
	}
}

static bool unit_at(const char *unit, const char *path)
{
	struct leastcap_pattern p[PATTERN_UNIT_PATHS];
	int n = pattern_unit_paths(unit, p);

	assert_int_equal(n, PATTERN_UNIT_PATHS);
	for (int i = 0; i < n; i++) {
		if (pattern_fits(&p[i], path, strlen(path)))
			return true;
	}
	return false;
}

static void units_live_in_slices(void **state)
{
	assert_true(unit_at("web-*.service", "/web-1.service"));
	assert_true(unit_at("web-*.service", "/system.slice/web-1.service"));
	assert_true(
		unit_at("getty@*.service", "/system.slice/system-getty.slice/getty@tty1.service"));
	assert_true(
		unit_at("*.scope", "/a.slice/a-b.slice/a-b-c.slice/a-b-c-d.slice/x.slice/y.scope"));
	/* A service makes cgroups of any name inside its own. */
	assert_false(unit_at("web-*.service", "/system.slice/other.service/web-1.service"));
	assert_false(unit_at("web-*.service", "/system.slice/web-1.service/payload"));
}

static bool user_unit_at(const char *user, const char *unit, const char *path)
{
	struct leastcap_pattern p[PATTERN_UNIT_PATHS];
	int n = pattern_user_unit_paths(user, unit, p);

	assert_int_equal(n, PATTERN_UNIT_PATHS);
	for (int i = 0; i < n; i++) {
		if (pattern_fits(&p[i], path, strlen(path)))
			return true;
	}
	return false;
}

#define USER_MANAGER "/user.slice/user-1000.slice/user@1000.service"

static void units_of_users_live_in_slices_of_their_manager(void **state)
{
	char long_name[256];

	assert_true(user_unit_at("1000", "app.service", USER_MANAGER "/app.slice/app.service"));
	assert_true(user_unit_at("1*", "a*.service", USER_MANAGER "/app.service"));
	assert_true(user_unit_at("*", "x.scope", USER_MANAGER "/a.slice/a-b.slice/x.scope"));
	assert_false(user_unit_at("1001", "app.service", USER_MANAGER "/app.slice/app.service"));
	assert_false(user_unit_at("*", "app.service", USER_MANAGER "/a.service/app.service"));
	assert_false(user_unit_at("*", "app.service", USER_MANAGER "/app.service/below"));
	assert_false(user_unit_at("*", "app.service", "/system.slice/app.service"));
	memset(long_name, 'a', sizeof(long_name));
	strcpy(long_name + 240, ".service");
	assert_int_equal(pattern_user_unit_paths("1", long_name, (struct leastcap_pattern[6]){}),
			 -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_compiled),
		cmocka_unit_test(agrees_with_fnmatch),
		cmocka_unit_test(units_live_in_slices),
		cmocka_unit_test(units_of_users_live_in_slices_of_their_manager),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
