/* SPDX-License-Identifier: GPL-2.0-only */
/* Policy files without mistakes, and what they come to. Included behind cmocka.h. */
#ifndef LEASTCAP_TESTS_POLICIES_H
#define LEASTCAP_TESTS_POLICIES_H

#include <stdbool.h>
#include <string.h>

#include "policy/policy.h"

#define RULE(name) LEASTCAP_RULE_BIT(LEASTCAP_RULE_##name)
#define ALL_RULES (LEASTCAP_RULE_BIT(LEASTCAP_RULES) - 1)
#define SOCKET_RULES (RULE(UNIX) | RULE(FAMILIES)) /* of the plain word */
#define FAMILY(n) (1ULL << (n))
#define COMMON (FAMILY(1) | FAMILY(2) | FAMILY(10) | FAMILY(16) | FAMILY(17))

#define BEGIN "policies:\n- name: x\n  capabilities: none\n"

static inline struct policy_set *good(const char *text)
{
	struct policy_set *set = NULL;
	struct policy_errors errs;

	if (policy_parse("t.yaml", text, strlen(text), &set, &errs)) {
		policy_errors_print(&errs, "t", stderr);
		fail_msg("refused: %s", text);
	}
	return set;
}

static inline struct policy_set *good_rules(const char *rules)
{
	char text[2048];

	assert_true(snprintf(text, sizeof(text), BEGIN "  %s\n", rules) < (int)sizeof(text));
	return good(text);
}

/* "a b c" of a list of names; "" for none, which is NULL and no empty list. */
static inline void check_names(char *const *names, const char *want)
{
	char got[1024] = "";

	assert_true(!names || names[0]);
	for (; names && *names; names++)
		sprintf(got + strlen(got), "%s%s", got[0] ? " " : "", *names);
	assert_string_equal(got, want);
}

#endif
