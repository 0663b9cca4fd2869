/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of policies.d whose new form cannot be bound: the last good one stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon_fixture.h"

static void a_file_that_cannot_be_bound_keeps_its_last_good_form(void **state)
{
	static const struct {
		const char *text, *problem;
	} wrong[] = {
		{POLICY("web", "unit: \"*.service\"", "[CHOWN]"), "holds leastcapd itself"},
		{POLICY("web", "cgroup: /system.slice", "[CHOWN]"), "holds leastcapd itself"},
		{POLICY("web", "unit: \"web-*.service\"", "[CHOWN]\n  namespaces: deny"),
		 "unsupported"},
		/* A new policy of it, beside one that would be fine. */
		{POLICY("web", "unit: \"web-*.service\"",
			"[CHOWN]\n- name: more\n  capabilities: all\n  namespaces: deny"),
		 "unsupported"},
	};
	struct state *s = *state;

	fake.lacking = LEASTCAP_RULE_BIT(LEASTCAP_RULE_NAMESPACES);
	fake_cgroup("/system.slice/web-1.service");
	fake_cgroup("/db");
	write_file("web.yaml", POLICY("web", "unit: \"web-*.service\"", "none"));
	write_file("db.yaml", POLICY("db", "cgroup: /db", "none"));
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_string_equal(fake_bound("/system.slice/web-1.service"), "web");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct state *next;

		write_file("web.yaml", wrong[i].text);
		write_file("db.yaml", POLICY("db", "cgroup: /db", "[KILL]"));
		assert_int_equal(state_reload(s, &nobody), 0);
		assert_string_equal(fake_bound("/system.slice/web-1.service"), "web");
		assert_string_equal(fake_bound("/system.slice/leastcapd.service"), "");
		assert_true(allowed(s, "web") == 0);
		assert_string_not_equal(problem_of(s, "web.yaml", wrong[i].problem), "");
		assert_int_equal(json_array_size(s->problems), 1);
		/* Others follow. */
		assert_true(allowed(s, "db") == 1ULL << 5);
		/* So it is for a daemon that starts, also with an empty kernel. */
		next = daemon_new();
		fake.n_policies = 0;
		memset(fake.bindings, 0, sizeof(fake.bindings));
		assert_int_equal(state_reload(next, &nobody), 0);
		assert_true(allowed(next, "web") == 0);
		assert_string_equal(fake_bound("/system.slice/web-1.service"), "web");
		assert_string_not_equal(problem_of(next, "web.yaml", wrong[i].problem), "");
		state_free(next);
	}
	/* Written well again, it counts again. */
	write_file("web.yaml", POLICY("web", "unit: \"web-*.service\"", "[CHOWN]"));
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_true(allowed(s, "web") == 1ULL << 0);
	assert_int_equal(json_array_size(s->problems), 0);
}

static void without_a_better_form_what_can_be_bound_is(void **state)
{
	struct state *s = *state;

	fake.lacking = LEASTCAP_RULE_BIT(LEASTCAP_RULE_NAMESPACES);
	fake_cgroup("/a");
	fake_cgroup("/b");
	write_file("x.yaml", POLICY("a", "cgroup: /a",
				    "none\n  namespaces: deny\n- name: b\n"
				    "  select: [{ cgroup: /b }]\n"
				    "  capabilities: none"));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(state_reload(s, &nobody), 0);
		assert_string_equal(fake_bound("/a"), "");
		assert_string_equal(fake_bound("/b"), "b");
		assert_string_not_equal(problem_of(s, "x.yaml", "unsupported"), "");
	}
	/* What is written anew beside it counts. */
	write_file("x.yaml", POLICY("a", "cgroup: /a",
				    "none\n  namespaces: deny\n- name: b\n"
				    "  select: [{ cgroup: /b }]\n"
				    "  capabilities: [CHOWN]"));
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_true(allowed(s, "b") == 1ULL << 0);
}

/* Nobody knows what the new file was to say of it: what is bound stays. */
static void another_file_that_cannot_be_bound_ends_nothing(void **state)
{
	struct state *s = *state;

	fake_cgroup("/web");
	write_file("web.yaml", POLICY("web", "cgroup: /web", "none"));
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_int_equal(unlink(folder_path("policies.d/web.yaml")), 0);
	write_file("10-web.yaml", POLICY("web", "unit: \"*.service\"", "none"));
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_string_equal(fake_bound("/web"), "web");
	assert_string_not_equal(problem_of(s, "10-web.yaml", "holds leastcapd itself"), "");
	/* A file that is gone is gone. */
	assert_int_equal(unlink(folder_path("policies.d/10-web.yaml")), 0);
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_string_equal(fake_bound("/web"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_that_cannot_be_bound_keeps_its_last_good_form),
		TEST(without_a_better_form_what_can_be_bound_is),
		TEST(another_file_that_cannot_be_bound_ends_nothing),
	};

	return cmocka_run_group_tests_name("fall_back", tests, NULL, NULL);
}
