/* SPDX-License-Identifier: GPL-2.0-only */
/* A policy as the kernel side takes it. Its content hash decides whether it is a new revision. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "policies.h"
#include "policy/compile.h"

static uint64_t content(const char *rules)
{
	_cleanup_(policy_set_freep) struct policy_set *set = good_rules(rules);
	struct leastcap_policy compiled;
	struct kernel_lists lists;
	uint32_t left_out = 1;

	policy_compile(&set->policies[0], &compiled, &lists, &left_out);
	assert_int_equal(left_out, 0);
	return compiled.content;
}

static void everything_is_taken_over(void **state)
{
	_cleanup_(policy_set_freep) struct policy_set *set =
		good("policies:\n- name: web\n  mode: audit\n  capabilities: [CHOWN]\n"
		     "  mounts: deny\n  bpf: audit\n  sockets:\n"
		     "    host-unix: {default: deny, allow: [/run/x]}\n"
		     "    connect: {default: deny, allow: [10.0.0.0/8]}\n"
		     "    families: {deny: [alg]}\n"
		     "  filesystems: {deny: [debugfs], read-only: [proc]}\n");
	const struct policy *p = &set->policies[0];
	struct leastcap_policy compiled;
	struct kernel_lists lists;

	policy_compile(p, &compiled, &lists, NULL);
	assert_string_equal(compiled.name, "web");
	assert_int_equal(compiled.mode, LEASTCAP_AUDIT);
	assert_true(compiled.allow == 1);
	assert_int_equal(compiled.deny,
			 RULE(MOUNTS) | SOCKET_RULES | RULE(CONNECT) | RULE(FILESYSTEMS));
	assert_int_equal(compiled.would, RULE(BPF));
	assert_int_equal(compiled.id, 0);
	assert_int_equal(compiled.revision, 0);
	assert_int_equal(lists.flags, LEASTCAP_LIST_UNIX_DENY | LEASTCAP_LIST_CONNECT_DENY);
	assert_true(lists.families == FAMILY(38));
	check_names(lists.unix_names, "/run/x");
	check_names(lists.fs_deny, "debugfs");
	check_names(lists.fs_read_only, "proc");
	assert_int_equal(lists.n_destinations, 1);
	assert_int_equal(lists.destinations[0].prefix, LEASTCAP_DESTINATION_FIXED + 96 + 8);
	assert_int_equal(lists.destination_rules[0].prefix, 96 + 8);
	assert_int_equal(lists.destination_rules[0].refuse, 0);
}

static void the_same_content_is_the_same_revision(void **state)
{
	static const char *const same[][2] = {
		{"mounts: deny", "mounts: 'deny'"},
		{"attributes: deny", "attributes: {mode: enforce, own-files: deny}"},
		{"sockets: deny", "sockets: {host-unix: deny, families: deny}"},
		{"sockets: {families: {deny: [alg]}}", "sockets: {families: {deny: [AF_ALG]}}"},
		{"optional: [bpf]\n  bpf: allow", "bpf: allow"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		if (content(same[i][0]) != content(same[i][1]))
			fail_msg("not the same: %s; %s", same[i][0], same[i][1]);
	}
}

/* What the kernel side would do otherwise is another revision. */
static void every_difference_is_another_revision(void **state)
{
	static const char *const all[] = {
		"mode: enforce",
		"mode: audit",
		"mounts: deny",
		"mounts: audit",
		"modules: deny",
		"devices: deny",
		"namespaces: deny",
		"bpf: deny",
		"bpf: audit",
		"attributes: deny",
		"attributes: {own-files: allow}",
		"sockets: deny",
		"sockets: {host-unix: deny}",
		"sockets: {host-unix: {allow: [/ab]}}",
		"sockets: {host-unix: {allow: [/a, /b]}}",
		"sockets: {host-unix: {allow: ['@ab']}}",
		"sockets: {host-unix: {deny: [/ab]}}",
		"sockets: {families: {deny: [alg]}}",
		"sockets: {families: {deny: [alg, vsock]}}",
		"sockets: {families: {allow: [unix]}}",
		"sockets: {connect: deny}",
		"sockets: {connect: {deny: [10.0.0.0/8]}}",
		"sockets: {connect: {deny: [10.0.0.0/9]}}",
		"sockets: {connect: {allow: [10.0.0.0/8]}}",
		"sockets: {connect: {default: deny, deny: [10.0.0.0/8]}}",
		"sockets: {connect: {deny: ['10.0.0.0/8:80']}}",
		"sockets: {connect: {deny: [10.0.0.1, 10.0.0.2]}}",
		"filesystems: {deny: [proc]}",
		"filesystems: {read-only: [proc]}",
		"filesystems: {deny: [proc, sysfs]}",
		"filesystems: {deny: [proc], read-only: [sysfs]}",
	};
	uint64_t seen[ARRAY_SIZE(all)];

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		seen[i] = content(all[i]);
		for (size_t k = 0; k < i; k++) {
			if (seen[k] == seen[i])
				fail_msg("the same: %s; %s", all[k], all[i]);
		}
	}
}

/* This machine's kernel may hold a rule or not: it is in the policy, or among those that are left out. */
static void optional_rules_are_held_or_left_out(void **state)
{
	_cleanup_(policy_set_freep) struct policy_set *set =
		good_rules("namespaces: deny\n  bpf: audit\n  mounts: deny\n"
			   "  optional: [namespaces, bpf, mounts, devices]");
	const struct policy *p = &set->policies[0];
	const uint32_t rules = RULE(NAMESPACES) | RULE(BPF) | RULE(MOUNTS);
	const uint32_t held = kernel_rules_held(rules, NULL);
	struct leastcap_policy compiled;
	struct kernel_lists lists;
	uint32_t left_out;

	policy_compile(p, &compiled, &lists, &left_out);
	assert_int_equal(left_out, rules & ~held);
	assert_int_equal(compiled.deny, (RULE(NAMESPACES) | RULE(MOUNTS)) & held);
	assert_int_equal(compiled.would, RULE(BPF) & held);
	assert_null(policy_unsupported(p));
}

static void what_cannot_be_held_is_named(void **state)
{
	_cleanup_(policy_set_freep) struct policy_set *set =
		good_rules("sockets: deny\n  bpf: deny");
	const uint32_t rules = SOCKET_RULES | RULE(BPF), held = kernel_rules_held(rules, NULL);
	_cleanup_free_ char *why = policy_unsupported(&set->policies[0]);

	assert_int_equal(why == NULL, held == rules);
	assert_int_equal(why && strstr(why, "restriction sockets (host-unix) needs "),
			 !(held & RULE(UNIX)));
	assert_int_equal(why && strstr(why, "restriction sockets (families) needs "),
			 !(held & RULE(FAMILIES)));
	assert_int_equal(why && strstr(why, "restriction bpf needs "), !(held & RULE(BPF)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_taken_over),
		cmocka_unit_test(the_same_content_is_the_same_revision),
		cmocka_unit_test(every_difference_is_another_revision),
		cmocka_unit_test(optional_rules_are_held_or_left_out),
		cmocka_unit_test(what_cannot_be_held_is_named),
	};

	return cmocka_run_group_tests_name("compile", tests, NULL, NULL);
}
