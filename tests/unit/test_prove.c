/* SPDX-License-Identifier: GPL-2.0-only */
/* What an act that was tried twice proves, and what the canary's policy refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include <linux/capability.h>

#include <leastcap/decide.h>

#include "prove/prove.h"

static void proven_is_what_is_possible_outside_and_refused_and_counted_inside(void **state)
{
	for (unsigned int act = 0; act < PROVE_ACTS; act++) {
		struct prove_verdict v = prove_judge(act, prove_free(act), EPERM, true);

		assert_int_equal(v.state, PROVE_PROVEN);
		assert_string_equal(v.reason, "");
		/* The errors differ: else nobody could tell who has refused. */
		assert_int_not_equal(prove_free(act), EPERM);
	}
}

static void what_is_allowed_or_refused_by_another_has_failed(void **state)
{
	for (unsigned int act = 0; act < PROVE_ACTS; act++) {
		struct prove_verdict v = prove_judge(act, prove_free(act), prove_free(act), false);

		assert_int_equal(v.state, PROVE_FAILED);
		assert_string_equal(v.reason, "it was allowed");
		/* Counted, and allowed all the same. */
		v = prove_judge(act, prove_free(act), prove_free(act), true);
		assert_int_equal(v.state, PROVE_FAILED);
		v = prove_judge(act, prove_free(act), EPERM, false);
		assert_int_equal(v.state, PROVE_FAILED);
		assert_string_equal(v.reason, "it was refused, but not by leastcap");
	}
}

static void what_is_not_possible_outside_proves_nothing(void **state)
{
	const unsigned int act = PROVE_RULE(LEASTCAP_RULE_NAMESPACES);
	struct prove_verdict v = prove_judge(act, ENOSPC, EPERM, true);

	assert_int_equal(v.state, PROVE_UNTRIED);
	assert_string_equal(v.reason, "it cannot be tried on this host: outside of the canary it "
				      "ended with ENOSPC, not EFAULT");
	v = prove_judge(PROVE_RULE(LEASTCAP_RULE_DEVICES), EPERM, EPERM, true);
	assert_int_equal(v.state, PROVE_UNTRIED);
	assert_non_null(strstr(v.reason, "EPERM, not success"));
	v = prove_judge(act, PROVE_NOT_TRIED, PROVE_NOT_TRIED, false);
	assert_int_equal(v.state, PROVE_UNTRIED);
	assert_non_null(strstr(v.reason, "it ended with nothing"));
	v = prove_judge(act, EFAULT, PROVE_NOT_TRIED, false);
	assert_int_equal(v.state, PROVE_UNTRIED);
	v = prove_judge(act, EFAULT, 4000, false);
	assert_int_equal(v.state, PROVE_UNTRIED);
	assert_string_equal(v.reason, "in the canary it ended with errno 4000");
}

static void the_policy_refuses_what_is_in_use_and_no_more(void **state)
{
	uint32_t mask = 1U << PROVE_CAPABILITIES | 1U << PROVE_RULE(LEASTCAP_RULE_BPF);
	struct leastcap_policy p;
	struct kernel_lists l;

	prove_policy(mask, &p, &l);
	assert_int_equal(p.deny, LEASTCAP_RULE_BIT(LEASTCAP_RULE_BPF));
	assert_int_equal(p.would, 0);
	assert_int_equal(p.mode, LEASTCAP_ENFORCE);
	assert_string_equal(p.name, KERNEL_CANARY);
	assert_true(~p.allow == 1ULL << CAP_DAC_READ_SEARCH);
	/* No bit of the types of file systems is taken for nothing. */
	assert_null(l.fs_deny);

	prove_policy((1U << PROVE_ACTS) - 1, &p, &l);
	assert_int_equal(p.deny, LEASTCAP_ALL_RULES);
	assert_string_equal(l.fs_deny[0], "cgroup2");
	assert_null(l.fs_deny[1]);
	assert_true(l.flags & LEASTCAP_LIST_UNIX_DENY);
	assert_true(l.flags & LEASTCAP_LIST_CONNECT_DENY);
	/* The pipe whose mode is set was made outside. */
	assert_false(l.flags & LEASTCAP_LIST_OWN_FILES);
}

static void a_refusal_is_counted_by_its_own_rule(void **state)
{
	struct kernel_ledger ledger = {.rules_denied = LEASTCAP_RULE_BIT(LEASTCAP_RULE_UNIX)};

	ledger.n_denied[LEASTCAP_SOCKETS] = 1;
	for (unsigned int act = 0; act < PROVE_ACTS; act++)
		assert_int_equal(prove_counted(act, &ledger),
				 act == PROVE_RULE(LEASTCAP_RULE_UNIX));
	ledger = (struct kernel_ledger){.denied = 1ULL << CAP_SYS_ADMIN};
	ledger.n_denied[LEASTCAP_CAPABILITIES] = 3;
	assert_false(prove_counted(PROVE_CAPABILITIES, &ledger));
	ledger.denied |= 1ULL << PROVE_CAP;
	assert_true(prove_counted(PROVE_CAPABILITIES, &ledger));
}

static void acts_have_the_names_of_rules(void **state)
{
	assert_string_equal(prove_name(PROVE_CAPABILITIES), "capabilities");
	assert_int_equal(prove_restriction(PROVE_CAPABILITIES), LEASTCAP_CAPABILITIES);
	assert_string_equal(prove_name(PROVE_RULE(LEASTCAP_RULE_UNIX)), "host-unix");
	assert_int_equal(prove_restriction(PROVE_RULE(LEASTCAP_RULE_UNIX)), LEASTCAP_SOCKETS);
	for (unsigned int act = 0; act < PROVE_ACTS; act++)
		assert_non_null(prove_name(act));
}

/* On this host, where no policy holds us: the acts that need no privilege end as they should. */
static void acts_end_with_their_own_errors(void **state)
{
	static const unsigned int acts[] = {
		PROVE_RULE(LEASTCAP_RULE_UNIX), PROVE_RULE(LEASTCAP_RULE_CONNECT),
		PROVE_RULE(LEASTCAP_RULE_FAMILIES), PROVE_RULE(LEASTCAP_RULE_ATTRIBUTES)};
	_cleanup_(prove_kit_done) struct prove_kit kit = PROVE_KIT_EMPTY;
	int ends[2], results[PROVE_ACTS];
	uint32_t mask = 0;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(prove_kit_open(&kit, ends[1], "unit"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
		mask |= 1U << acts[i];
	prove_try_all(mask, &kit, results);
	for (unsigned int act = 0; act < PROVE_ACTS; act++)
		assert_int_equal(results[act], mask >> act & 1 ? prove_free(act) : PROVE_NOT_TRIED);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proven_is_what_is_possible_outside_and_refused_and_counted_inside),
		cmocka_unit_test(what_is_allowed_or_refused_by_another_has_failed),
		cmocka_unit_test(what_is_not_possible_outside_proves_nothing),
		cmocka_unit_test(the_policy_refuses_what_is_in_use_and_no_more),
		cmocka_unit_test(a_refusal_is_counted_by_its_own_rule),
		cmocka_unit_test(acts_have_the_names_of_rules),
		cmocka_unit_test(acts_end_with_their_own_errors),
	};

	return cmocka_run_group_tests_name("prove", tests, NULL, NULL);
}
