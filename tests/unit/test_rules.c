/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules of the decision: what a policy says of a rule, how policies join, and what their lists answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/capability.h>

#include <leastcap/decide.h>

#include "base/cleanup.h"

#define BIT(cap) (1ULL << (cap))
#define RULE(name) LEASTCAP_RULE_BIT(LEASTCAP_RULE_##name)
#define ALL LEASTCAP_ALL
#define EVERY_RULE (~0U)

#define ENFORCE LEASTCAP_ENFORCE
#define AUDIT LEASTCAP_AUDIT

static const __u32 malformed[] = {2, 3, 255, 0x80000000, 0xffffffff};

static struct leastcap_rules rules(__u32 mode, __u32 deny, __u32 would)
{
	return (struct leastcap_rules){.allow = ALL, .mode = mode, .deny = deny, .would = would};
}

/* ---- one policy, one rule ---- */

static const struct row {
	const char *what;
	__u32 mode;
	int deny, would, shadow;
	enum leastcap_verdict verdict;
} rows[] = {
	{"no rule", ENFORCE, 0, 0, 0, LEASTCAP_ALLOWED},
	{"enforced", ENFORCE, 1, 0, 0, LEASTCAP_DENIED},
	{"audited", ENFORCE, 0, 1, 0, LEASTCAP_WOULD_DENY},
	{"enforced and audited: enforced", ENFORCE, 1, 1, 0, LEASTCAP_DENIED},

	{"no rule in an audited policy", AUDIT, 0, 0, 0, LEASTCAP_ALLOWED},
	{"an audited policy refuses nothing", AUDIT, 1, 0, 0, LEASTCAP_WOULD_DENY},
	{"audited in an audited policy", AUDIT, 0, 1, 0, LEASTCAP_WOULD_DENY},
	{"both in an audited policy", AUDIT, 1, 1, 0, LEASTCAP_WOULD_DENY},

	{"no rule in a shadow", ENFORCE, 0, 0, 1, LEASTCAP_ALLOWED},
	{"a shadow refuses nothing", ENFORCE, 1, 0, 1, LEASTCAP_WOULD_DENY},
	{"audited in a shadow", ENFORCE, 0, 1, 1, LEASTCAP_WOULD_DENY},
	{"both in a shadow", ENFORCE, 1, 1, 1, LEASTCAP_WOULD_DENY},
	{"no rule in an audited shadow", AUDIT, 0, 0, 1, LEASTCAP_ALLOWED},
	{"an audited shadow", AUDIT, 1, 0, 1, LEASTCAP_WOULD_DENY},
};

/* What is said of the other rules must not matter: nothing, or the opposite. */
static enum leastcap_verdict verdict_of(const struct row *r, __u32 rule, int others)
{
	__u32 bit = LEASTCAP_RULE_BIT(rule), rest = others ? ~bit : 0;
	const struct leastcap_rules policy = rules(r->mode,
						   (r->deny ? bit : 0) | (r->deny ? 0 : rest),
						   (r->would ? bit : 0) | (r->would ? 0 : rest));

	return leastcap_rule_verdict(&policy, rule, r->shadow);
}

static void every_row_for_every_rule(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (__u32 rule = 0; rule < LEASTCAP_RULES; rule++) {
			for (int others = 0; others < 2; others++) {
				enum leastcap_verdict got = verdict_of(&rows[i], rule, others);

				if (got != rows[i].verdict)
					fail_msg("%s, rule %u: %d, not %d", rows[i].what, rule, got,
						 rows[i].verdict);
			}
		}
	}
}

static void what_cannot_be_read_refuses_every_rule(void **state)
{
	for (__u32 rule = 0; rule < LEASTCAP_RULES; rule++) {
		__u32 bit = LEASTCAP_RULE_BIT(rule);

		assert_int_equal(leastcap_rule_verdict(NULL, rule, 0), LEASTCAP_DENIED);
		/* A shadow refuses nothing, be it as broken as it may. */
		assert_int_equal(leastcap_rule_verdict(NULL, rule, 1), LEASTCAP_ALLOWED);
		for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
			const struct leastcap_rules none = rules(malformed[i], 0, 0);
			const struct leastcap_rules deny = rules(malformed[i], bit, 0);
			const struct leastcap_rules would = rules(malformed[i], 0, bit);

			assert_int_equal(leastcap_rule_verdict(&none, rule, 0), LEASTCAP_DENIED);
			assert_int_equal(leastcap_rule_verdict(&deny, rule, 0), LEASTCAP_DENIED);
			assert_int_equal(leastcap_rule_verdict(&would, rule, 0), LEASTCAP_DENIED);
			assert_int_equal(leastcap_rule_verdict(&none, rule, 1), LEASTCAP_ALLOWED);
			assert_int_equal(leastcap_rule_verdict(&deny, rule, 1),
					 LEASTCAP_WOULD_DENY);
			assert_int_equal(leastcap_rule_verdict(&would, rule, 1),
					 LEASTCAP_WOULD_DENY);
		}
	}
}

/* No number of a rule is an undefined shift; the sanitizer watches. */
static void a_rule_out_of_range_does_no_harm(void **state)
{
	static const __u32 numbers[] = {LEASTCAP_RULES, 31, 32, 33, 63, 64, 0x80000000, 0xffffffff};
	const struct leastcap_rules none = rules(ENFORCE, 0, 0), all = rules(ENFORCE, ~0U, ~0U);

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_int_equal(leastcap_rule_verdict(&none, numbers[i], 0), LEASTCAP_ALLOWED);
		assert_int_equal(leastcap_rule_verdict(&all, numbers[i], 0), LEASTCAP_DENIED);
	}
}

/* ---- the policies of all ancestors ---- */

static void nothing_binds_at_first(void **state)
{
	struct leastcap_view view;

	memset(&view, 0x55, sizeof(view));
	leastcap_view_init(&view);
	assert_true(view.enforce == ALL && view.audit == ALL && view.used == ALL);
	assert_int_equal(view.deny, 0);
	assert_int_equal(view.would, 0);
	assert_true(view.rules_used == EVERY_RULE);
}

static void rules_of_all_ancestors_add_up(void **state)
{
	const struct leastcap_rules slice = rules(ENFORCE, RULE(MOUNTS), RULE(BPF));
	const struct leastcap_rules service = rules(ENFORCE, RULE(UNIX), RULE(MOUNTS));
	const struct leastcap_rules audit = rules(AUDIT, RULE(DEVICES), RULE(MODULES));
	const struct leastcap_rules shadow = rules(ENFORCE, RULE(FAMILIES), RULE(CONNECT));
	struct leastcap_view view;

	leastcap_view_init(&view);
	leastcap_join(&view, &slice, 0);
	assert_int_equal(view.deny, RULE(MOUNTS));
	assert_int_equal(view.would, RULE(BPF));
	leastcap_join(&view, &service, 0);
	assert_int_equal(view.deny, RULE(MOUNTS) | RULE(UNIX));
	assert_int_equal(view.would, RULE(BPF) | RULE(MOUNTS));
	leastcap_join(&view, &audit, 0);
	assert_int_equal(view.deny, RULE(MOUNTS) | RULE(UNIX));
	assert_int_equal(view.would, RULE(BPF) | RULE(MOUNTS) | RULE(DEVICES) | RULE(MODULES));
	leastcap_join(&view, &shadow, 1);
	assert_int_equal(view.deny, RULE(MOUNTS) | RULE(UNIX));
	assert_int_equal(view.would, RULE(BPF) | RULE(MOUNTS) | RULE(DEVICES) | RULE(MODULES) |
					     RULE(FAMILIES) | RULE(CONNECT));
	/* Rules take no capability away. */
	assert_true(view.enforce == ALL && view.audit == ALL && view.used == ALL);
}

static void a_policy_that_cannot_be_read_has_every_rule(void **state)
{
	struct leastcap_view view;

	leastcap_view_init(&view);
	leastcap_join(&view, NULL, 0);
	assert_true(view.deny == EVERY_RULE && view.enforce == 0);
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		const struct leastcap_rules bad = rules(malformed[i], RULE(MOUNTS), 0);

		leastcap_view_init(&view);
		leastcap_join(&view, &bad, 0);
		assert_true(view.deny == EVERY_RULE && view.enforce == 0);
		/* As a shadow it is evaluated and refuses nothing. */
		leastcap_view_init(&view);
		leastcap_join(&view, &bad, 1);
		assert_true(view.enforce == ALL && view.deny == 0);
		assert_int_equal(view.would, RULE(MOUNTS));
	}
}

/*
 * The cached view is asked first, and each binding only if it has the rule: what one binding refuses must be in it, and
 * what none has must not.
 */
static void the_view_has_what_some_policy_says(void **state)
{
	static const __u32 modes[] = {ENFORCE, AUDIT, 2};
	const __u32 bit = RULE(NAMESPACES);
	struct {
		struct leastcap_rules rules;
		int shadow;
	} policies[ARRAY_SIZE(modes) * 8];
	const size_t n = ARRAY_SIZE(policies);

	for (size_t i = 0; i < n; i++) {
		policies[i].rules = rules(modes[i / 8], i & 1 ? bit : 0, i & 2 ? bit : 0);
		policies[i].shadow = !!(i & 4);
	}
	for (size_t i = 0; i < n * n; i++) {
		const size_t pair[] = {i / n, i % n};
		int denied = 0, any = 0;
		struct leastcap_view view;

		leastcap_view_init(&view);
		for (size_t k = 0; k < ARRAY_SIZE(pair); k++) {
			const struct leastcap_rules *r = &policies[pair[k]].rules;
			int shadow = policies[pair[k]].shadow;
			enum leastcap_verdict verdict =
				leastcap_rule_verdict(r, LEASTCAP_RULE_NAMESPACES, shadow);

			leastcap_join(&view, r, shadow);
			denied |= verdict == LEASTCAP_DENIED;
			any |= verdict != LEASTCAP_ALLOWED;
		}
		assert_int_equal(!!(view.deny & bit), denied);
		assert_int_equal(!!((view.deny | view.would) & bit), any);
	}
}

/* ---- the hot path ---- */

static void rules_held_by_system_call_keep_their_capabilities_awake(void **state)
{
	const __u64 asked = BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_BOOT) | BIT(CAP_SYS_CHROOT) |
			    BIT(CAP_SYS_MODULE);
	const __u32 by_syscall = RULE(MOUNTS) | RULE(MODULES) | RULE(NAMESPACES);

	for (__u32 rule = 0; rule < LEASTCAP_RULES; rule++) {
		__u32 bit = LEASTCAP_RULE_BIT(rule);
		__u64 want = bit & by_syscall ? ALL & ~asked : ALL;
		struct leastcap_view view;

		leastcap_view_init(&view);
		assert_true(leastcap_quiet(&view) == ALL);
		view.deny = bit;
		assert_true(leastcap_quiet(&view) == want);
		view.deny = 0;
		view.would = bit;
		assert_true(leastcap_quiet(&view) == want);
		/* A rule makes nothing quiet that is refused, audited away or not learned. */
		view.enforce = ~BIT(CAP_CHOWN);
		assert_true(leastcap_quiet(&view) == (want & ~BIT(CAP_CHOWN)));
		view.audit = ~BIT(CAP_KILL);
		assert_true(leastcap_quiet(&view) == (want & ~BIT(CAP_CHOWN) & ~BIT(CAP_KILL)));
		view.used = 0;
		assert_true(leastcap_quiet(&view) == 0);
	}
}

/* ---- lists ---- */

static void the_longer_prefix_counts_and_then_the_port(void **state)
{
	static const struct {
		int port_prefix, port_refuse; /* prefix -1: there is no such entry */
		int any_prefix, any_refuse;
		int otherwise, refused;
	} want[] = {
		{-1, 0, -1, 0, 0, 0}, /* no entry: the default */
		{-1, 0, -1, 0, 1, 1},	{32, 1, -1, 0, 0, 1}, /* one entry: it counts, whatever the default */
		{32, 0, -1, 0, 1, 0},	{-1, 0, 32, 1, 0, 1},  {-1, 0, 32, 0, 1, 0},
		{24, 1, 16, 0, 0, 1}, /* the longer one */
		{24, 0, 16, 1, 1, 0},	{16, 1, 24, 0, 1, 0},  {16, 0, 24, 1, 0, 1},
		{24, 1, 24, 0, 0, 1}, /* as long: the port */
		{24, 0, 24, 1, 1, 0},	{0, 1, 0, 0, 0, 1}, /* any address at that port, any address at all */
		{0, 0, 0, 1, 1, 0},	{0, 1, 128, 0, 1, 0},  {128, 0, 0, 1, 1, 0},
		{127, 1, 128, 0, 1, 0}, {128, 2, -1, 0, 0, 1}, /* anything but 0 refuses */
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		struct leastcap_destination_rule port = {.prefix = (__u32)want[i].port_prefix,
							 .refuse = (__u32)want[i].port_refuse};
		struct leastcap_destination_rule any = {.prefix = (__u32)want[i].any_prefix,
							.refuse = (__u32)want[i].any_refuse};
		int got = leastcap_destination_refused(want[i].port_prefix < 0 ? NULL : &port,
						       want[i].any_prefix < 0 ? NULL : &any,
						       want[i].otherwise);

		if (got != want[i].refused)
			fail_msg("row %zu: %d", i, got);
	}
}

static __u64 hash_of(const char *name)
{
	char padded[LEASTCAP_UNIX_LEN] = "";

	memcpy(padded, name, strlen(name));
	return leastcap_unix_hash(padded);
}

static void names_are_hashed_by_fnv_1a(void **state)
{
	char full[LEASTCAP_UNIX_LEN];

	/* The published test vectors. */
	assert_true(hash_of("") == 0xcbf29ce484222325);
	assert_true(hash_of("a") == 0xaf63dc4c8601ec8c);
	assert_true(hash_of("foobar") == 0x85944171f73967e8);
	/* Bytes have no sign. */
	assert_true(hash_of("\xff") == 0xaf64724c8602eb6e);
	/* As long as it can be, without a NUL: nothing behind it is read. */
	memset(full, 'A', sizeof(full));
	assert_true(leastcap_unix_hash(full) == 0x1c72af2e8aac0455);
}

static void a_hash_ends_at_the_first_nul(void **state)
{
	char name[LEASTCAP_UNIX_LEN] = "/run/x";

	memset(name + 7, 0xaa, sizeof(name) - 7);
	assert_true(leastcap_unix_hash(name) == hash_of("/run/x"));
	assert_true(hash_of("/run/x") != hash_of("/run/"));
	assert_true(hash_of("/run/x") != hash_of("/run/xx"));
	assert_true(hash_of("@x") != hash_of("x"));
}

static void one_other_byte_is_another_hash(void **state)
{
	char name[LEASTCAP_UNIX_LEN];

	memset(name, 'a', sizeof(name));
	__u64 hash = leastcap_unix_hash(name);

	for (size_t i = 0; i < sizeof(name); i++) {
		for (int c = 0; c < 256; c++) {
			name[i] = (char)c;
			assert_int_equal(leastcap_unix_hash(name) == hash, c == 'a');
		}
		name[i] = 'a';
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_for_every_rule),
		cmocka_unit_test(what_cannot_be_read_refuses_every_rule),
		cmocka_unit_test(a_rule_out_of_range_does_no_harm),
		cmocka_unit_test(nothing_binds_at_first),
		cmocka_unit_test(rules_of_all_ancestors_add_up),
		cmocka_unit_test(a_policy_that_cannot_be_read_has_every_rule),
		cmocka_unit_test(the_view_has_what_some_policy_says),
		cmocka_unit_test(rules_held_by_system_call_keep_their_capabilities_awake),
		cmocka_unit_test(the_longer_prefix_counts_and_then_the_port),
		cmocka_unit_test(names_are_hashed_by_fnv_1a),
		cmocka_unit_test(a_hash_ends_at_the_first_nul),
		cmocka_unit_test(one_other_byte_is_another_hash),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
