/* SPDX-License-Identifier: GPL-2.0-only */
/* The restrictions of a policy: their words, what a mapping of them is made of, and which may be left out. */
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/words.h"
#include "policy/internal.h"

static const char *const stances[] = {
	[STANCE_ALLOW] = "allow", [STANCE_AUDIT] = "audit", [STANCE_DENY] = "deny", NULL};

bool stance_build(struct parse *p, const char *key, const char *besides, const struct node *node,
		  enum stance *ret)
{
	if (node->kind != NODE_SCALAR || node->null) {
		complain(p, node->pos, NULL, "%s: allow, audit or deny is expected%s", key,
			 besides);
		return false;
	}
	for (int i = 0; stances[i]; i++) {
		if (node_is(node, stances[i])) {
			*ret = (enum stance)i;
			return true;
		}
	}
	complain_nearest(p, node->pos,
			 node_is(node, "enforce") ? "deny"
						  : nearest_word(node->text, node->len, stances),
			 "words here are allow, audit and deny", "%s: unknown word %s", key,
			 quote(node).text);
	return false;
}

enum stance stance_of_mode(struct parse *p, const struct node *mapping)
{
	static const char *const modes[] = {"enforce", "audit", "deny", NULL};
	const struct node *node = node_get(mapping, "mode", NULL);

	return node && visit(p, node) && mode_word(p, node, modes) == 1 ? STANCE_AUDIT
									: STANCE_DENY;
}

const struct node *list_get(struct parse *p, const struct node *mapping, const char *key,
			    const char *example, const struct node **ret_key)
{
	const struct node *list = node_get(mapping, key, ret_key);
	_cleanup_free_ char *hint = NULL;

	if (!list || !visit(p, list))
		return NULL;
	if (list->kind == NODE_SEQUENCE)
		return list;
	if (asprintf(&hint, "write a list in brackets, as in %s", example) < 0) {
		hint = NULL;
		p->no_memory = true;
	}
	complain(p, list->pos, hint, "%s: a list is expected", key);
	return NULL;
}

static bool has_name(char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return false;
}

static char ***names_of(struct policy_lists *lists, enum policy_list list)
{
	return list == POLICY_LIST_UNIX	     ? &lists->unix_names
	       : list == POLICY_LIST_FS_DENY ? &lists->fs_deny
					     : &lists->fs_read_only;
}

void names_build(struct parse *p, const struct node *list,
		 bool (*good)(struct parse *p, const struct node *name), struct policy_lists *lists,
		 enum policy_list which)
{
	char **names;
	size_t n = 0;

	if (!list || list->n == 0)
		return;
	if (list->n > POLICY_NAMES_MAX) {
		complain(p, list->pos, NULL, "more than %d names in one list", POLICY_NAMES_MAX);
		return;
	}
	names = calloc(list->n + 1, sizeof(*names));
	if (!names) {
		p->no_memory = true;
		return;
	}
	*names_of(lists, which) = names;
	for (const struct node *item = list->first; item; item = item->next) {
		if (!visit(p, item))
			return;
		if (item->kind != NODE_SCALAR || item->null || item->len == 0) {
			complain(p, item->pos, NULL, "a name is expected here");
			continue;
		}
		if (!good(p, item) || has_name(names, n, item->text))
			continue;
		names[n] = strdup(item->text);
		if (!names[n] || !places_note(lists, which, n, item->pos)) {
			p->no_memory = true;
			return;
		}
		n++;
	}
}

static void attributes_build(struct parse *p, const struct node *key, const struct node *node,
			     struct policy *policy)
{
	static const char *const known[] = {"mode", "own-files", NULL};
	static const struct keys rule = {.where = "attributes", .known = known};
	const struct node *own = node_get(node, "own-files", NULL);
	static const char *const words[] = {"allow", "deny", NULL};

	node_check_keys(p, node, &rule);
	if (node->n == 0)
		complain(p, node->pos, "write `attributes: deny`", "attributes: empty");
	rule_set(policy, LEASTCAP_RULE_ATTRIBUTES, stance_of_mode(p, node), key->pos);
	if (!own || !visit(p, own) || node_is(own, "deny"))
		return;
	if (node_is(own, "allow"))
		policy->lists.flags |= LEASTCAP_LIST_OWN_FILES;
	else if (own->kind != NODE_SCALAR || own->null)
		complain(p, own->pos, NULL, "own-files: allow or deny is expected");
	else
		complain_nearest(p, own->pos, nearest_word(own->text, own->len, words),
				 "words here are allow and deny", "own-files: unknown word %s",
				 quote(own).text);
}

/* The bits of a rule, or of all rules of a restriction. */
static uint32_t rules_of(const struct node *word)
{
	uint32_t rules = 0;

	for (uint32_t rule = 0; rule < LEASTCAP_RULES; rule++) {
		if (node_is(word, word_rule(rule)) ||
		    node_is(word, word_restriction(rule_restriction(rule))))
			rules |= LEASTCAP_RULE_BIT(rule);
	}
	return rules;
}

static const char *nearest_rule(const struct node *word)
{
	const char *words[LEASTCAP_RULES + 2] = {"sockets"};

	for (uint32_t rule = 0; rule < LEASTCAP_RULES; rule++)
		words[rule + 1] = word_rule(rule);
	return nearest_word(word->text, word->len, words);
}

static void optional_build(struct parse *p, const struct node *node, struct policy *policy)
{
	const struct node *list = list_get(p, node, "optional", "[namespaces]", NULL);

	for (const struct node *item = list ? list->first : NULL; item; item = item->next) {
		uint32_t rules;

		if (!visit(p, item))
			return;
		if (item->kind != NODE_SCALAR || item->null) {
			complain(p, item->pos, NULL, "a restriction's name is expected here");
			continue;
		}
		rules = rules_of(item);
		policy->optional |= rules;
		if (node_is(item, "capabilities"))
			complain(p, item->pos, "every kernel that can hold a policy holds them",
				 "optional: capabilities cannot be left out");
		else if (!rules)
			complain_nearest(
				p, item->pos, nearest_rule(item),
				"words here are those of restrictions, and host-unix, connect, families",
				"optional: unknown restriction %s", quote(item).text);
	}
}

void restrictions_build(struct parse *p, const struct node *node, struct policy *policy)
{
	for (uint32_t r = LEASTCAP_CAPABILITIES + 1; r < LEASTCAP_RESTRICTIONS; r++) {
		bool has_mapping = r == LEASTCAP_ATTRIBUTES || r == LEASTCAP_SOCKETS ||
				   r == LEASTCAP_FILESYSTEMS;
		const struct node *key, *value = node_get(node, word_restriction(r), &key);
		enum stance stance;

		if (!value || !visit(p, value))
			continue;
		if (value->kind == NODE_MAPPING && r == LEASTCAP_ATTRIBUTES)
			attributes_build(p, key, value, policy);
		else if (value->kind == NODE_MAPPING && r == LEASTCAP_SOCKETS)
			sockets_build(p, value, policy);
		else if (value->kind == NODE_MAPPING && r == LEASTCAP_FILESYSTEMS)
			filesystems_build(p, key, value, policy);
		else if (stance_build(p, word_restriction(r), has_mapping ? ", or a mapping" : "",
				      value, &stance) &&
			 !restriction_set(policy, (enum leastcap_restriction)r, stance, key->pos))
			p->no_memory = true;
	}
	optional_build(p, node, policy);
}
