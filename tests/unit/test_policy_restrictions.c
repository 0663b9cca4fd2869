/* SPDX-License-Identifier: GPL-2.0-only */
/* The restrictions of the policy language: what words, lists and profiles mean. Sockets: test_policy_sockets.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/capability.h>

#include "policies.h"

static void check_no_lists(const struct policy_lists *lists)
{
	assert_int_equal(lists->flags, 0);
	assert_int_equal(lists->families, 0);
	assert_null(lists->fs_deny);
	assert_null(lists->fs_read_only);
	assert_null(lists->unix_names);
	assert_null(lists->destinations);
	assert_null(lists->destination_rules);
	assert_int_equal(lists->n_destinations, 0);
}

static const char fs_deny[] = "debugfs tracefs securityfs bpf pstore efivarfs configfs";
static const char fs_read_only[] = "proc sysfs cgroup2 cgroup binfmt_misc";

static void nothing_is_restricted_that_is_not_named(void **state)
{
	_cleanup_(policy_set_freep) struct policy_set *set = good(BEGIN);
	const struct policy *p = &set->policies[0];

	assert_int_equal(p->deny, 0);
	assert_int_equal(p->would, 0);
	assert_int_equal(p->optional, 0);
	check_no_lists(&p->lists);
	for (int i = 0; i < LEASTCAP_RULES; i++)
		assert_int_equal(p->rule_pos[i].line, 0);
}

static void plain_words(void **state)
{
	static const struct {
		const char *rules;
		uint32_t deny, would;
	} want[] = {
		{"mounts: deny", RULE(MOUNTS), 0},
		{"modules: audit", 0, RULE(MODULES)},
		{"devices: allow", 0, 0},
		{"devices: deny", RULE(DEVICES), 0},
		{"attributes: 'deny'", RULE(ATTRIBUTES), 0},
		{"namespaces: deny", RULE(NAMESPACES), 0},
		{"bpf: audit", 0, RULE(BPF)},
		{"sockets: deny", SOCKET_RULES, 0},
		{"sockets: audit", 0, SOCKET_RULES},
		{"sockets: allow", 0, 0},
		{"filesystems: deny", RULE(FILESYSTEMS), 0},
		{"filesystems: audit", 0, RULE(FILESYSTEMS)},
		{"filesystems: allow", 0, 0},
		{"mode: audit\n  mounts: deny", RULE(MOUNTS), 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		_cleanup_(policy_set_freep) struct policy_set *set = good_rules(want[i].rules);
		const struct policy *p = &set->policies[0];
		const struct policy_lists *l = &p->lists;
		uint32_t rules = want[i].deny | want[i].would;

		if (p->deny != want[i].deny || p->would != want[i].would)
			fail_msg("%s: deny %#x would %#x", want[i].rules, p->deny, p->would);
		assert_int_equal(l->flags, rules & RULE(UNIX) ? LEASTCAP_LIST_UNIX_DENY : 0);
		assert_true(l->families == (rules & RULE(FAMILIES) ? ~COMMON : 0));
		check_names(l->fs_deny, rules & RULE(FILESYSTEMS) ? fs_deny : "");
		check_names(l->fs_read_only, rules & RULE(FILESYSTEMS) ? fs_read_only : "");
		check_names(l->unix_names, "");
		assert_int_equal(l->n_destinations, 0);
		for (int rule = 0; rule < LEASTCAP_RULES; rule++)
			assert_int_equal(p->rule_pos[rule].column,
					 rules & LEASTCAP_RULE_BIT(rule) ? 3 : 0);
	}
}

static void attributes_in_their_long_form(void **state)
{
	static const struct {
		const char *rules;
		uint32_t deny, would, flags;
	} want[] = {
		{"attributes: {mode: deny}", RULE(ATTRIBUTES), 0, 0},
		{"attributes: {mode: enforce}", RULE(ATTRIBUTES), 0, 0},
		{"attributes: {mode: audit}", 0, RULE(ATTRIBUTES), 0},
		{"attributes: {own-files: allow}", RULE(ATTRIBUTES), 0, LEASTCAP_LIST_OWN_FILES},
		{"attributes: {own-files: deny}", RULE(ATTRIBUTES), 0, 0},
		{"attributes: {own-files: allow, mode: audit}", 0, RULE(ATTRIBUTES),
		 LEASTCAP_LIST_OWN_FILES},
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		_cleanup_(policy_set_freep) struct policy_set *set = good_rules(want[i].rules);
		const struct policy *p = &set->policies[0];

		assert_int_equal(p->deny, want[i].deny);
		assert_int_equal(p->would, want[i].would);
		assert_int_equal(p->lists.flags, want[i].flags);
	}
}

static void filesystems_in_their_long_form(void **state)
{
	static const struct {
		const char *rules;
		uint32_t deny, would;
		const char *denied, *read_only;
	} want[] = {
		{"filesystems: {deny: [debugfs, tracefs], read-only: [proc]}", RULE(FILESYSTEMS), 0,
		 "debugfs tracefs", "proc"},
		{"filesystems: {mode: audit, deny: [debugfs, debugfs]}", 0, RULE(FILESYSTEMS),
		 "debugfs", ""},
		{"filesystems: {read-only: [my_fs.1-x, abcdefghijklmnopqrstuvwxyz01234]}",
		 RULE(FILESYSTEMS), 0, "", "my_fs.1-x abcdefghijklmnopqrstuvwxyz01234"},
		/* Nothing is refused: nothing need be held. */
		{"filesystems: {deny: []}", 0, 0, "", ""},
		{"filesystems: {deny: [], read-only: [], mode: audit}", 0, 0, "", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		_cleanup_(policy_set_freep) struct policy_set *set = good_rules(want[i].rules);
		const struct policy *p = &set->policies[0];

		assert_int_equal(p->deny, want[i].deny);
		assert_int_equal(p->would, want[i].would);
		check_names(p->lists.fs_deny, want[i].denied);
		check_names(p->lists.fs_read_only, want[i].read_only);
	}
}

/* ---- several together ---- */

static void optional_rules(void **state)
{
	static const struct {
		const char *words;
		uint32_t rules;
	} want[] = {
		{"[]", 0},
		{"[mounts]", RULE(MOUNTS)},
		{"[sockets]", RULE(UNIX) | RULE(CONNECT) | RULE(FAMILIES)},
		{"[host-unix, namespaces]", RULE(UNIX) | RULE(NAMESPACES)},
		{"[connect, families, bpf]", RULE(CONNECT) | RULE(FAMILIES) | RULE(BPF)},
		{"[mounts, modules, sockets, devices, attributes, filesystems, namespaces, bpf]",
		 ALL_RULES},
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		_cleanup_(policy_set_freep) struct policy_set *set = NULL;
		char rules[256];

		snprintf(rules, sizeof(rules), "mounts: deny\n  optional: %s", want[i].words);
		set = good_rules(rules);
		assert_int_equal(set->policies[0].optional, want[i].rules);
		assert_int_equal(set->policies[0].deny, RULE(MOUNTS));
	}
}

#define PROFILE (ALL_RULES & ~RULE(CONNECT))

static void the_profile_is_all_of_it(void **state)
{
	_cleanup_(policy_set_freep) struct policy_set *set =
		good("policies:\n- name: x\n  profile: container\n"
		     "- name: y\n  capabilities: {base: docker-default}\n");
	const struct policy *p = &set->policies[0];

	assert_true(p->allow == set->policies[1].allow && p->allow != 0);
	assert_int_equal(p->deny, PROFILE);
	assert_int_equal(p->would, 0);
	assert_int_equal(p->mode, LEASTCAP_ENFORCE);
	assert_int_equal(p->lists.flags, LEASTCAP_LIST_UNIX_DENY | LEASTCAP_LIST_OWN_FILES);
	assert_true(p->lists.families == ~COMMON);
	check_names(p->lists.fs_deny, fs_deny);
	check_names(p->lists.fs_read_only, fs_read_only);
	check_names(p->lists.unix_names, "");
	assert_int_equal(p->capabilities_pos.line, 3);
	for (int rule = 0; rule < LEASTCAP_RULES; rule++)
		assert_int_equal(p->rule_pos[rule].line, rule == LEASTCAP_RULE_CONNECT ? 0 : 3);
}

/* Wherever the key stands in the mapping. */
static void single_keys_override_the_profile(void **state)
{
	static const struct {
		const char *keys;
		uint32_t deny, would, flags;
		uint64_t families;
		const char *denied, *read_only, *names;
	} want[] = {
		{"mounts: allow", PROFILE & ~RULE(MOUNTS), 0,
		 LEASTCAP_LIST_UNIX_DENY | LEASTCAP_LIST_OWN_FILES, ~COMMON, fs_deny, fs_read_only,
		 ""},
		{"attributes: deny\n  bpf: audit", PROFILE & ~RULE(BPF), RULE(BPF),
		 LEASTCAP_LIST_UNIX_DENY, ~COMMON, fs_deny, fs_read_only, ""},
		{"sockets: allow\n  filesystems: allow\n  attributes: allow",
		 PROFILE & ~(SOCKET_RULES | RULE(FILESYSTEMS) | RULE(ATTRIBUTES)), 0, 0, 0, "", "",
		 ""},
		/* What the mapping does not speak of stays. */
		{"sockets: {connect: {default: deny, allow: [10.0.0.0/8]}}", ALL_RULES, 0,
		 LEASTCAP_LIST_UNIX_DENY | LEASTCAP_LIST_OWN_FILES | LEASTCAP_LIST_CONNECT_DENY,
		 ~COMMON, fs_deny, fs_read_only, ""},
		{"sockets: {host-unix: {allow: [/a]}, families: {deny: [alg], mode: audit}}",
		 PROFILE & ~RULE(FAMILIES), RULE(FAMILIES),
		 LEASTCAP_LIST_UNIX_DENY | LEASTCAP_LIST_OWN_FILES, FAMILY(38), fs_deny,
		 fs_read_only, "/a"},
		{"filesystems: {deny: [tracefs], mode: audit}", PROFILE & ~RULE(FILESYSTEMS),
		 RULE(FILESYSTEMS), LEASTCAP_LIST_UNIX_DENY | LEASTCAP_LIST_OWN_FILES, ~COMMON,
		 "tracefs", "", ""},
	};

	for (size_t i = 0; i < 2 * ARRAY_SIZE(want); i++) {
		_cleanup_(policy_set_freep) struct policy_set *set = NULL;
		const char *keys = want[i / 2].keys;
		const struct policy *p;
		char text[512];

		if (i % 2)
			snprintf(text, sizeof(text), "policies:\n- name: x\n  %s\n  %s\n", keys,
				 "profile: container");
		else
			snprintf(text, sizeof(text), "policies:\n- name: x\n  %s\n  %s\n",
				 "profile: container", keys);
		set = good(text);
		p = &set->policies[0];
		if (p->deny != want[i / 2].deny || p->would != want[i / 2].would)
			fail_msg("%s: deny %#x would %#x", keys, p->deny, p->would);
		assert_int_equal(p->lists.flags, want[i / 2].flags);
		assert_true(p->lists.families == want[i / 2].families);
		check_names(p->lists.fs_deny, want[i / 2].denied);
		check_names(p->lists.fs_read_only, want[i / 2].read_only);
		check_names(p->lists.unix_names, want[i / 2].names);
	}
}

static void capabilities_override_the_profile(void **state)
{
	_cleanup_(policy_set_freep) struct policy_set *set =
		good("policies:\n- name: x\n  capabilities: [KILL]\n  profile: container\n");

	assert_true(set->policies[0].allow == 1ULL << CAP_KILL);
	assert_int_equal(set->policies[0].deny, PROFILE);
}

static void lists_can_be_shared(void **state)
{
	_cleanup_(policy_set_freep) struct policy_set *set = good(
		BEGIN "  sockets: &s {host-unix: {allow: &n [/a, /b]}, connect: {deny: [::1]}}\n"
		      "- {name: y, capabilities: none, sockets: *s}\n"
		      "- name: z\n  capabilities: none\n  sockets: {host-unix: {deny: *n}}\n");

	for (int i = 0; i < 3; i++)
		check_names(set->policies[i].lists.unix_names, "/a /b");
	assert_int_equal(set->policies[1].lists.n_destinations, 1);
	assert_int_equal(set->policies[1].deny, RULE(UNIX) | RULE(CONNECT));
	assert_int_equal(set->policies[2].lists.flags, 0);
}

/* ---- words of a command line ---- */

static void words_that_deny(void **state)
{
	static const struct {
		const char *list;
		uint32_t deny;
	} want[] = {
		{"mounts", RULE(MOUNTS)},
		{"mounts,sockets", RULE(MOUNTS) | SOCKET_RULES},
		{" mounts , bpf ", RULE(MOUNTS) | RULE(BPF)},
		{"filesystems,filesystems", RULE(FILESYSTEMS)},
		{"all", PROFILE},
		{"attributes,all,devices", PROFILE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		struct policy p = {.would = ALL_RULES};
		char *error = NULL;

		assert_int_equal(policy_deny_words(want[i].list, &p, &error), 0);
		assert_null(error);
		assert_int_equal(p.deny, want[i].deny);
		assert_int_equal(p.would, ALL_RULES & ~want[i].deny);
		assert_int_equal(p.lists.flags,
				 want[i].deny & RULE(UNIX) ? LEASTCAP_LIST_UNIX_DENY : 0);
		assert_true(p.lists.families == (want[i].deny & RULE(FAMILIES) ? ~COMMON : 0));
		check_names(p.lists.fs_deny, want[i].deny & RULE(FILESYSTEMS) ? fs_deny : "");
		/* Twice is not more, and leaks nothing. */
		assert_int_equal(policy_deny_words(want[i].list, &p, &error), 0);
		assert_int_equal(p.deny, want[i].deny);
		policy_lists_done(&p.lists);
		check_no_lists(&p.lists);
		policy_lists_done(&p.lists);
	}
}

static void words_join_a_policy_of_a_file(void **state)
{
	_cleanup_(policy_set_freep) struct policy_set *set =
		good_rules("sockets: {host-unix: {deny: [/a]}, connect: {deny: [::1]}}\n"
			   "  attributes: {own-files: allow}");
	struct policy *p = &set->policies[0];
	char *error = NULL;

	assert_int_equal(policy_deny_words("sockets,attributes", p, &error), 0);
	check_names(p->lists.unix_names, "");
	/* The plain word says nothing of addresses. */
	assert_int_equal(p->lists.n_destinations, 1);
	assert_int_equal(p->lists.flags, LEASTCAP_LIST_UNIX_DENY);
	assert_int_equal(p->deny, RULE(UNIX) | RULE(CONNECT) | RULE(FAMILIES) | RULE(ATTRIBUTES));
}

/* What the policy's own lists refuse is not allowed by a plain word. */
static void words_take_nothing_back(void **state)
{
	_cleanup_(policy_set_freep) struct policy_set *set =
		good_rules("sockets: {families: {deny: [inet]}}\n"
			   "  filesystems: {deny: [nfs], read-only: [ext4]}");
	struct policy *p = &set->policies[0];
	char *error = NULL;

	assert_int_equal(policy_deny_words("all", p, &error), 0);
	/* inet by the list, alg by the word; unix by neither. */
	assert_true(p->lists.families >> 2 & 1);
	assert_true(p->lists.families >> 38 & 1);
	assert_false(p->lists.families >> 1 & 1);
	check_names(p->lists.fs_deny,
		    "debugfs tracefs securityfs bpf pstore efivarfs configfs nfs");
	check_names(p->lists.fs_read_only, "proc sysfs cgroup2 cgroup binfmt_misc ext4");
}

static void wrong_words_that_deny(void **state)
{
	static const struct {
		const char *list, *error;
	} want[] = {
		{"mount", "unknown restriction 'mount', did you mean mounts?"},
		{"mounts,scokets", "unknown restriction 'scokets', did you mean sockets?"},
		{"MOUNTS", "unknown restriction 'MOUNTS', did you mean mounts?"},
		{"host-unix", "unknown restriction 'host-unix', did you mean sockets?"},
		{"al", "unknown restriction 'al', did you mean all?"},
		{"mounts bpf",
		 "unknown restriction 'mounts bpf'; there are mounts, modules, sockets, "
		 "devices, attributes, filesystems, namespaces, bpf and all"},
		{"x\x1b",
		 "unknown restriction 'x\\x1b'; there are mounts, modules, sockets, devices, "
		 "attributes, filesystems, namespaces, bpf and all"},
		{"capabilities", "capabilities are restricted by a list of allowed ones"},
		{"", "a restriction is missing in the list"},
		{",", "a restriction is missing in the list"},
		{"bpf,", "a restriction is missing in the list"},
		{"bpf,,all", "a restriction is missing in the list"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		struct policy p = {};
		char *error = NULL;

		assert_int_equal(policy_deny_words(want[i].list, &p, &error), -EINVAL);
		assert_string_equal(error, want[i].error);
		free(error);
		policy_lists_done(&p.lists);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_restricted_that_is_not_named),
		cmocka_unit_test(plain_words),
		cmocka_unit_test(attributes_in_their_long_form),
		cmocka_unit_test(filesystems_in_their_long_form),
		cmocka_unit_test(optional_rules),
		cmocka_unit_test(the_profile_is_all_of_it),
		cmocka_unit_test(single_keys_override_the_profile),
		cmocka_unit_test(capabilities_override_the_profile),
		cmocka_unit_test(lists_can_be_shared),
		cmocka_unit_test(words_that_deny),
		cmocka_unit_test(words_join_a_policy_of_a_file),
		cmocka_unit_test(words_take_nothing_back),
		cmocka_unit_test(wrong_words_that_deny),
	};

	return cmocka_run_group_tests_name("restrictions", tests, NULL, NULL);
}
