/* SPDX-License-Identifier: GPL-2.0-only */
/* What single words stand for: the plain `deny` of a restriction, and profiles. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/nearest.h"
#include "base/words.h"
#include "policy/internal.h"

/* The host's own state, none of a workload's business. */
static const char *const plain_fs_deny[] = {"debugfs", "tracefs",  "securityfs", "bpf",
					    "pstore",  "efivarfs", "configfs",	 NULL};
/* Read by everything, and written to change the host. */
static const char *const plain_fs_read_only[] = {"proc",   "sysfs",	  "cgroup2",
						 "cgroup", "binfmt_misc", NULL};

static const char *const profiles[] = {"container", NULL};

/* ---- rules and their lists ---- */

static void names_free(char ***names)
{
	for (char **name = *names; name && *name; name++)
		free(*name);
	free(*names);
	*names = NULL;
}

static char **names_dup(const char *const *names)
{
	char **copy;
	size_t n = 0;

	while (names[n])
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = strdup(names[i]);
		if (!copy[i])
			names_free(&copy);
	}
	return copy;
}

static void list_clear(struct policy_lists *lists, enum leastcap_rule rule)
{
	switch (rule) {
	case LEASTCAP_RULE_UNIX:
		names_free(&lists->unix_names);
		places_forget(lists, POLICY_LIST_UNIX);
		lists->flags &= ~LEASTCAP_LIST_UNIX_DENY;
		break;
	case LEASTCAP_RULE_CONNECT:
		free(lists->destinations);
		free(lists->destination_rules);
		lists->destinations = NULL;
		lists->destination_rules = NULL;
		lists->n_destinations = 0;
		places_forget(lists, POLICY_LIST_CONNECT);
		lists->flags &= ~LEASTCAP_LIST_CONNECT_DENY;
		break;
	case LEASTCAP_RULE_FAMILIES:
		lists->families = 0;
		places_forget(lists, POLICY_LIST_FAMILIES);
		break;
	case LEASTCAP_RULE_FILESYSTEMS:
		names_free(&lists->fs_deny);
		names_free(&lists->fs_read_only);
		places_forget(lists, POLICY_LIST_FS_DENY);
		places_forget(lists, POLICY_LIST_FS_READ_ONLY);
		break;
	case LEASTCAP_RULE_ATTRIBUTES:
		lists->flags &= ~LEASTCAP_LIST_OWN_FILES;
		break;
	default:
		break;
	}
}

void policy_lists_done(struct policy_lists *lists)
{
	for (int rule = 0; rule < LEASTCAP_RULES; rule++)
		list_clear(lists, (enum leastcap_rule)rule);
}

static int names_copy(char *const *from, char ***ret)
{
	*ret = from ? names_dup((const char *const *)from) : NULL;
	return from && !*ret ? -ENOMEM : 0;
}

int policy_lists_copy(const struct policy_lists *from, struct policy_lists *ret)
{
	struct policy_lists copy = {
		.flags = from->flags,
		.families = from->families,
		.n_destinations = from->n_destinations,
	};
	int err = names_copy(from->fs_deny, &copy.fs_deny);

	err = err ?: names_copy(from->fs_read_only, &copy.fs_read_only);
	err = err ?: names_copy(from->unix_names, &copy.unix_names);
	err = err ?: places_copy(from, &copy) ? 0 : -ENOMEM;
	if (!err && from->n_destinations) {
		size_t n = from->n_destinations;

		copy.destinations = calloc(n, sizeof(*copy.destinations));
		copy.destination_rules = calloc(n, sizeof(*copy.destination_rules));
		if (copy.destinations && copy.destination_rules) {
			memcpy(copy.destinations, from->destinations,
			       n * sizeof(*copy.destinations));
			memcpy(copy.destination_rules, from->destination_rules,
			       n * sizeof(*copy.destination_rules));
		} else {
			err = -ENOMEM;
		}
	}
	if (err)
		policy_lists_done(&copy);
	else
		*ret = copy;
	return err;
}

void rule_set(struct policy *policy, enum leastcap_rule rule, enum stance stance,
	      struct policy_pos pos)
{
	uint32_t bit = LEASTCAP_RULE_BIT(rule);

	list_clear(&policy->lists, rule);
	policy->deny &= ~bit;
	policy->would &= ~bit;
	policy->rule_pos[rule] = stance == STANCE_ALLOW ? (struct policy_pos){} : pos;
	if (stance == STANCE_DENY)
		policy->deny |= bit;
	else if (stance == STANCE_AUDIT)
		policy->would |= bit;
}

/* ---- plain words ---- */

bool restriction_set(struct policy *policy, enum leastcap_restriction restriction,
		     enum stance stance, struct policy_pos pos)
{
	struct policy_lists *lists = &policy->lists;

	for (int rule = 0; rule < LEASTCAP_RULES; rule++) {
		if (rule_restriction((uint32_t)rule) != restriction)
			continue;
		/* Only a list of addresses says which ones: the plain word leaves them alone. */
		if (rule == LEASTCAP_RULE_CONNECT && stance != STANCE_ALLOW)
			continue;
		rule_set(policy, (enum leastcap_rule)rule, stance, pos);
	}
	if (stance == STANCE_ALLOW)
		return true;
	if (restriction == LEASTCAP_SOCKETS) {
		lists->flags |= LEASTCAP_LIST_UNIX_DENY;
		lists->families = ~COMMON_FAMILIES;
	} else if (restriction == LEASTCAP_FILESYSTEMS) {
		lists->fs_deny = names_dup(plain_fs_deny);
		lists->fs_read_only = names_dup(plain_fs_read_only);
		return lists->fs_deny && lists->fs_read_only;
	}
	return true;
}

static bool all_set(struct policy *policy, struct policy_pos pos)
{
	for (int r = LEASTCAP_CAPABILITIES + 1; r < LEASTCAP_RESTRICTIONS; r++) {
		if (!restriction_set(policy, (enum leastcap_restriction)r, STANCE_DENY, pos))
			return false;
	}
	return true;
}

/* ---- profiles ---- */

void profile_build(struct parse *p, const struct node *key, const struct node *node,
		   struct policy *policy)
{
	if (!visit(p, node))
		return;
	if (node->kind != NODE_SCALAR || node->null) {
		complain(p, node->pos, "write `profile: container`", "profile: a name is expected");
		return;
	}
	if (!node_is(node, "container")) {
		complain_nearest(p, node->pos, nearest_word(node->text, node->len, profiles),
				 "the only profile is container", "unknown profile %s",
				 quote(node).text);
		return;
	}
	policy->capabilities_pos = key->pos;
	policy->allow = base_docker_default();
	capability_places_done(&policy->places);
	for (size_t cap = 0; cap < ARRAY_SIZE(policy->places.pos); cap++)
		policy->places.pos[cap] = key->pos;
	if (!all_set(policy, key->pos))
		p->no_memory = true;
	policy->lists.flags |= LEASTCAP_LIST_OWN_FILES;
}

/* ---- words of a command line ---- */

static char *wrong_word(const char *word, size_t len)
{
	const char *words[LEASTCAP_RESTRICTIONS + 1] = {"all"}, *right;
	char shown[80], *message = NULL;
	int n;

	for (uint32_t r = LEASTCAP_CAPABILITIES + 1; r < LEASTCAP_RESTRICTIONS; r++)
		words[r] = word_restriction(r);
	right = nearest_word(word, len, words);
	for (uint32_t rule = 0; !right && rule < LEASTCAP_RULES; rule++) {
		if (strlen(word_rule(rule)) == len && !memcmp(word_rule(rule), word, len))
			right = word_restriction(rule_restriction(rule));
	}
	escape_text(shown, sizeof(shown), word, len);
	if (len == 0)
		n = asprintf(&message, "a restriction is missing in the list");
	else if (len == strlen("capabilities") && !memcmp(word, "capabilities", len))
		n = asprintf(&message, "capabilities are restricted by a list of allowed ones");
	else if (right)
		n = asprintf(&message, "unknown restriction '%s', did you mean %s?", shown, right);
	else
		n = asprintf(
			&message,
			"unknown restriction '%s'; there are mounts, modules, sockets, devices, "
			"attributes, filesystems, namespaces, bpf and all",
			shown);
	return n < 0 ? NULL : message;
}

static bool has_name(char *const *names, const char *name)
{
	for (; names && *names; names++) {
		if (!strcmp(*names, name))
			return true;
	}
	return false;
}

/* Adds copies of the names that are not there yet; NULL: none. */
static bool names_add(char ***to, char *const *names)
{
	size_t n = 0;

	while (*to && (*to)[n])
		n++;
	for (; names && *names; names++) {
		char **grown;

		if (has_name(*to, *names))
			continue;
		grown = reallocarray(*to, n + 2, sizeof(*grown));
		if (!grown)
			return false;
		*to = grown;
		grown[n] = strdup(*names);
		grown[n + 1] = NULL;
		if (!grown[n++])
			return false;
	}
	return true;
}

/* Denies a restriction on top of what the policy says: what its own lists refuse stays refused. */
static bool restriction_add(struct policy *policy, enum leastcap_restriction restriction)
{
	struct policy_lists *lists = &policy->lists, own;
	bool done = !policy_lists_copy(lists, &own);

	if (!done)
		return false;
	done = restriction_set(policy, restriction, STANCE_DENY, (struct policy_pos){});
	if (done && restriction == LEASTCAP_SOCKETS)
		lists->families |= own.families;
	if (done && restriction == LEASTCAP_FILESYSTEMS)
		done = names_add(&lists->fs_deny, own.fs_deny) &&
		       names_add(&lists->fs_read_only, own.fs_read_only);
	policy_lists_done(&own);
	return done;
}

/* 0: set. -EINVAL: no such word. */
static int deny_word(struct policy *policy, const char *word, size_t len)
{
	bool all = len == 3 && !memcmp(word, "all", len), known = false;

	for (uint32_t r = LEASTCAP_CAPABILITIES + 1; r < LEASTCAP_RESTRICTIONS; r++) {
		const char *name = word_restriction(r);

		if (!all && (strlen(name) != len || memcmp(name, word, len)))
			continue;
		known = true;
		if (!restriction_add(policy, (enum leastcap_restriction)r))
			return -ENOMEM;
	}
	return known ? 0 : -EINVAL;
}

int policy_deny_words(const char *list, struct policy *policy, char **ret_error)
{
	*ret_error = NULL;
	for (;;) {
		size_t len;
		int err;

		list += strspn(list, " ");
		len = strcspn(list, ",");
		while (len > 0 && list[len - 1] == ' ')
			len--;
		err = deny_word(policy, list, len);
		if (err == -EINVAL) {
			*ret_error = wrong_word(list, len);
			return *ret_error ? -EINVAL : -ENOMEM;
		}
		if (err)
			return err;
		list += len;
		list += strspn(list, " ");
		if (!*list)
			return 0;
		list++;
	}
}
