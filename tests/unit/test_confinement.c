/* SPDX-License-Identifier: GPL-2.0-only */
/* Labels of AppArmor and SELinux: which of them may refuse something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "subject/confinement.h"

static void apparmor_enforces_where_it_says_so(void **state)
{
	static const struct {
		const char *label, *shown;
		bool enforces;
	} cases[] = {
		{"docker-default (enforce)\n", "docker-default (enforce)", true},
		{"docker-default (complain)", "docker-default (complain)", false},
		{"/usr/sbin/x (kill)", "/usr/sbin/x (kill)", true},
		{"unconfined\n", "unconfined", false},
		{"x (unconfined)", "x (unconfined)", false},
		{"(enforce) x", "(enforce) x", false},
		{"", "", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct confinement c;

		confinement_of_apparmor(cases[i].label, &c);
		assert_string_equal(c.by, "AppArmor");
		assert_string_equal(c.label, cases[i].shown);
		assert_int_equal(c.enforces, cases[i].enforces);
	}
}

static void selinux_enforces_but_for_unconfined_types(void **state)
{
	struct confinement c;

	confinement_of_selinux("system_u:system_r:container_t:s0:c1,c2", true, &c);
	assert_string_equal(c.by, "SELinux");
	assert_true(c.enforces);
	confinement_of_selinux("system_u:system_r:container_t:s0:c1,c2", false, &c);
	assert_false(c.enforces);
	confinement_of_selinux("unconfined_u:unconfined_r:unconfined_t:s0", true, &c);
	assert_false(c.enforces);
	confinement_of_selinux("system_u:system_r:spc_t:s0", true, &c);
	assert_false(c.enforces);
}

static void a_long_label_is_cut(void **state)
{
	struct confinement c;
	char label[1000];

	memset(label, 'a', sizeof(label) - 1);
	label[sizeof(label) - 1] = '\0';
	confinement_of_apparmor(label, &c);
	assert_int_equal(strlen(c.label), sizeof(c.label) - 1);
	assert_false(c.enforces);
}

/* Whatever this kernel has: it ends, and says whose label it is where there is one. */
static void of_a_process_that_is_not_there_nothing_is_known(void **state)
{
	struct confinement c;

	confinement_read(0x7fffffff, &c);
	assert_null(c.by);
	assert_string_equal(c.label, "");
	assert_false(c.enforces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(apparmor_enforces_where_it_says_so),
		cmocka_unit_test(selinux_enforces_but_for_unconfined_types),
		cmocka_unit_test(a_long_label_is_cut),
		cmocka_unit_test(of_a_process_that_is_not_there_nothing_is_known),
	};

	return cmocka_run_group_tests_name("confinement", tests, NULL, NULL);
}
