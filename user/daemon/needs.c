/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/capability.h>

#include <leastcap/abi.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/words.h"
#include "daemon/needs.h"
#include "policy/compile.h"

/* What it looks things up in, and what it writes to. */
static const char *const read_in[] = {"bpf",	    "cgroup2", "proc", "sysfs",
				      "securityfs", "tmpfs",   NULL},
			 *const written_in[] = {"bpf", "cgroup2", "tmpfs", NULL};

static bool has_name(char *const *names, const char *name)
{
	for (; names && *names; names++) {
		if (!strcmp(*names, name))
			return true;
	}
	return false;
}

static bool have_any(char *const *names, const char *const *needed)
{
	for (; *needed; needed++) {
		if (has_name(names, *needed))
			return true;
	}
	return false;
}

static bool refuses(const struct policy *p, enum leastcap_rule rule, const char *notify)
{
	const struct policy_lists *l = &p->lists;

	switch (rule) {
	case LEASTCAP_RULE_BPF:
		return true;
	case LEASTCAP_RULE_ATTRIBUTES:
		/* Of its own socket. */
		return !(l->flags & LEASTCAP_LIST_OWN_FILES);
	case LEASTCAP_RULE_FAMILIES:
		return l->families & 1ULL << AF_UNIX;
	case LEASTCAP_RULE_FILESYSTEMS:
		return have_any(l->fs_deny, read_in) || have_any(l->fs_read_only, written_in);
	case LEASTCAP_RULE_UNIX:
		/* In the list is an exception from the default. */
		return notify &&
		       has_name(l->unix_names, notify) != !!(l->flags & LEASTCAP_LIST_UNIX_DENY);
	default:
		return false;
	}
}

/* Takes text over. */
static char *join(char *text, const char *word)
{
	_cleanup_free_ char *before = text;
	char *longer;

	return asprintf(&longer, "%s%s%s", before ?: "", before ? ", " : "", word) < 0 ? NULL
										       : longer;
}

char *needs_refused(const struct policy *policy, const char *notify)
{
	const uint64_t missing = NEEDS_CAPABILITIES & ~policy->allow;
	const uint32_t rules = policy->deny & ~policy_left_out(policy);
	char *text = NULL;

	if (policy->mode != LEASTCAP_ENFORCE)
		return NULL;
	if (missing)
		text = caps_to_text(missing);
	for (uint32_t rule = 0; rule < LEASTCAP_RULES; rule++) {
		if ((rules & LEASTCAP_RULE_BIT(rule)) && refuses(policy, rule, notify))
			text = join(text, word_rule(rule));
	}
	return text;
}
