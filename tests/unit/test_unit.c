/* SPDX-License-Identifier: GPL-2.0-only */
/* systemd unit names: which are full names of units with processes, and where their cgroups are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "subject/unit.h"

static void full_names_are_valid(void **state)
{
	static const char *const good[] = {
		"nginx.service",   "getty@tty1.service", "a.b.service",	   "a@b@c.service",
		"x\\x2dy.service", "init.scope",	 "docker-1.scope", "-.slice",
		"a-b.slice",	   "user-1000.slice",	 "a:b_c.service",  "-a.service",
	};
	static const char *const bad[] = {
		"",
		".service",
		"nginx",
		"nginx.timer",
		"nginx.socket",
		"nginx.target",
		"a b.service",
		"a/b.service",
		"getty@.service",
		"@x.service",
		"a\n.service",
		"é.service",
		"a*.service",
		".a.service",
		"--.slice",
		"a--b.slice",
		"-a.slice",
		"a-.slice",
		"a@b.slice",
		".slice",
		"nginx.service ",
		"nginx.serviceX",
	};
	char longest[300];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (!unit_valid(good[i]))
			fail_msg("%s", good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *path;

		if (unit_valid(bad[i]) || unit_cgroup(bad[i], &path, NULL) != -EINVAL)
			fail_msg("%s", bad[i]);
	}
	memset(longest, 'a', sizeof(longest));
	memcpy(longest + 247, ".service", 9);
	assert_true(unit_valid(longest));
	memset(longest, 'a', sizeof(longest));
	memcpy(longest + 248, ".service", 9);
	assert_false(unit_valid(longest));
}

static void cgroups_follow_from_names(void **state)
{
	static const struct {
		const char *unit, *slice, *path;
	} cases[] = {
		{"nginx.service", NULL, "/system.slice/nginx.service"},
		{"nginx.service", "-.slice", "/nginx.service"},
		{"nginx.service", "a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice/nginx.service"},
		{"a-b.slice", NULL, "/a.slice/a-b.slice"},
		{"system.slice", NULL, "/system.slice"},
		{"-.slice", NULL, "/"},
		{"init.scope", NULL, "/init.scope"},
		{"docker-1.scope", NULL, "/system.slice/docker-1.scope"},
		{"getty@tty1.service", NULL, "/system.slice/system-getty.slice/getty@tty1.service"},
		{"a-b@c.service", NULL, "/system.slice/system-a\\x2db.slice/a-b@c.service"},
		{"a\\x2fb@c.service", NULL,
		 "/system.slice/system-a\\x5cx2fb.slice/a\\x2fb@c.service"},
		{"user@1000.service", "user-1000.slice",
		 "/user.slice/user-1000.slice/user@1000.service"},
		/* Names that mean something in a cgroup's directory. */
		{"_x.service", NULL, "/system.slice/__x.service"},
		{"memory.service", NULL, "/system.slice/_memory.service"},
		{"memoryd.service", NULL, "/system.slice/memoryd.service"},
		{"cgroup.service", NULL, "/system.slice/_cgroup.service"},
		{"io.slice", NULL, "/_io.slice"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *path = NULL;

		assert_int_equal(unit_default_cgroup(cases[i].unit, cases[i].slice, &path), 0);
		assert_string_equal(path, cases[i].path);
	}
}

static void the_tree_has_units_in_any_slice(void **state)
{
	static const struct {
		const char *unit, *path;
		bool there;
	} cases[] = {
		{"a.service", "/system.slice/a.service", true},
		{"a.service", "/a.service", true},
		{"a.service", "/x.slice/x-y.slice/x-y-z.slice/1.slice/2.slice/3.slice/a.service",
		 true},
		{"session-5.scope", "/user.slice/user-1000.slice/session-5.scope", true},
		/* Not the system's: in what a service, a container or a user has made. */
		{"a.service", "/user.slice/user-1000.slice/user@1000.service/app.slice/a.service",
		 false},
		{"a.service", "/system.slice/docker-1.scope/system.slice/a.service", false},
		{"a.service", "/slice/a.service", false},
		{"a.service", "/.slice/a.service", false},
		{"a.service", "//a.service", false},
		{"a.service", "/system.slice/a.service/b", false},
		{"a.service", "/system.slice/aa.service", false},
		{"a.service", "/system.slice/_a.service", false},
		{"a.service", "a.service", false},
		{"memory.service", "/x.slice/_memory.service", true},
		{"memory.service", "/x.slice/memory.service", false},
		/* Where these are their names say. */
		{"a-b.slice", "/a.slice/a-b.slice", true},
		{"a-b.slice", "/b.slice/a-b.slice", false},
		{"init.scope", "/init.scope", true},
		{"init.scope", "/x.slice/init.scope", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (unit_at(cases[i].unit, cases[i].path) != cases[i].there)
			fail_msg("%s at %s", cases[i].unit, cases[i].path);
	}
}

static void the_deepest_slice_fits(void **state)
{
	_cleanup_free_ char *path = NULL;
	char slice[256];

	for (size_t i = 0; i < 249; i++)
		slice[i] = i % 2 ? '-' : 'a';
	memcpy(slice + 249, ".slice", 7);
	assert_true(unit_valid(slice));
	assert_int_equal(unit_default_cgroup(slice, NULL, &path), 0);
	assert_true(strlen(path) > 16000);
}

static void wrong_slices_are_refused(void **state)
{
	char *path;

	assert_int_equal(unit_default_cgroup("a.service", "b.service", &path), -EINVAL);
	assert_int_equal(unit_default_cgroup("a.service", "../b.slice", &path), -EINVAL);
	assert_int_equal(unit_default_cgroup("a.service", "", &path), -EINVAL);
	assert_int_equal(unit_default_cgroup("a", NULL, &path), -EINVAL);
}

/* With no bus, or a systemd that does not know the unit, the usual place is the answer, and soon. */
static void a_unit_nobody_knows_gets_its_usual_place(void **state)
{
	_cleanup_free_ char *path = NULL;
	time_t start = time(NULL);
	int running = 7;

	assert_int_equal(unit_cgroup("leastcap-no-such-unit.service", &path, &running), 0);
	assert_string_equal(path, "/system.slice/leastcap-no-such-unit.service");
	assert_int_equal(running, 0);
	assert_true(time(NULL) - start <= 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_names_are_valid),
		cmocka_unit_test(cgroups_follow_from_names),
		cmocka_unit_test(the_tree_has_units_in_any_slice),
		cmocka_unit_test(the_deepest_slice_fits),
		cmocka_unit_test(wrong_slices_are_refused),
		cmocka_unit_test(a_unit_nobody_knows_gets_its_usual_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
