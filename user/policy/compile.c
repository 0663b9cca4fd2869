/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/words.h"

/* With their NULs, and an empty one at the end. */
static void hash_names(uint64_t *hash, char *const *names)
{
	for (; names && *names; names++)
		hash_bytes(hash, *names, strlen(*names) + 1);
	hash_bytes(hash, "", 1);
}

/* Over everything that makes a policy what it is. */
static uint64_t content_hash(const struct leastcap_policy *p, const struct kernel_lists *l)
{
	uint64_t hash = HASH_BEGIN;

	hash_bytes(&hash, &p->allow, sizeof(p->allow));
	hash_bytes(&hash, &p->mode, sizeof(p->mode));
	hash_bytes(&hash, &p->deny, sizeof(p->deny));
	hash_bytes(&hash, &p->would, sizeof(p->would));
	hash_bytes(&hash, &l->flags, sizeof(l->flags));
	hash_bytes(&hash, &l->families, sizeof(l->families));
	hash_names(&hash, l->fs_deny);
	hash_names(&hash, l->fs_read_only);
	hash_names(&hash, l->unix_names);
	for (size_t i = 0; i < l->n_destinations; i++) {
		hash_bytes(&hash, &l->destinations[i], sizeof(l->destinations[i]));
		hash_bytes(&hash, &l->destination_rules[i], sizeof(l->destination_rules[i]));
	}
	return hash;
}

uint32_t policy_left_out(const struct policy *policy)
{
	uint32_t rules = (policy->deny | policy->would) & policy->optional;

	return rules & ~kernel_rules_held(rules, NULL);
}

void policy_compile(const struct policy *policy, struct leastcap_policy *ret,
		    struct kernel_lists *ret_lists, uint32_t *ret_left_out)
{
	const struct policy_lists *l = &policy->lists;
	uint32_t left_out = policy_left_out(policy);

	*ret = (struct leastcap_policy){
		.allow = policy->allow,
		.mode = policy->mode,
		.deny = policy->deny & ~left_out,
		.would = policy->would & ~left_out,
	};
	*ret_lists = (struct kernel_lists){
		.flags = l->flags,
		.families = l->families,
		.fs_deny = l->fs_deny,
		.fs_read_only = l->fs_read_only,
		.unix_names = l->unix_names,
		.destinations = l->destinations,
		.destination_rules = l->destination_rules,
		.n_destinations = l->n_destinations,
	};
	snprintf(ret->name, sizeof(ret->name), "%s", policy->name ? policy->name : "");
	ret->content = content_hash(ret, ret_lists);
	if (ret_left_out)
		*ret_left_out = left_out;
}

/* "restriction sockets (host-unix) needs hook unix_may_send" */
static void say_lacking(FILE *f, uint32_t rule)
{
	const char *restriction = word_restriction(rule_restriction(rule));
	_cleanup_free_ char *why = NULL;

	(void)kernel_rules_held(LEASTCAP_RULE_BIT(rule), &why);
	fprintf(f, "%srestriction %s", ftell(f) > 0 ? ", " : "", restriction);
	if (strcmp(restriction, word_rule(rule)))
		fprintf(f, " (%s)", word_rule(rule));
	fprintf(f, " needs %s", why ?: "what this kernel has not");
}

char *policy_unsupported(const struct policy *policy)
{
	uint32_t wanted = (policy->deny | policy->would) & ~policy->optional;
	uint32_t lacking = wanted & ~kernel_rules_held(wanted, NULL);
	char *why = NULL;
	size_t size;
	FILE *f;

	if (!lacking)
		return NULL;
	f = open_memstream(&why, &size);
	for (uint32_t rule = 0; f && rule < LEASTCAP_RULES; rule++) {
		if (lacking & LEASTCAP_RULE_BIT(rule))
			say_lacking(f, rule);
	}
	if (f && fclose(f)) {
		free(why);
		why = NULL;
	}
	/* Refused, also where there is no memory to say why. */
	return why ?: strdup("this kernel cannot hold one of the rules");
}
