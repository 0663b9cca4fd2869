/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "policy/internal.h"

static const char *const policy_keys[] = {"name",	  "select",	"mode",	       "profile",
					  "capabilities", "mounts",	"modules",     "sockets",
					  "devices",	  "attributes", "filesystems", "namespaces",
					  "bpf",	  "optional",	NULL};
static const struct keys policy_key_rule = {.where = "a policy", .known = policy_keys};

static const char *const default_keys[] = {
	"mode",	      "profile",     "capabilities", "mounts", "modules",  "sockets", "devices",
	"attributes", "filesystems", "namespaces",   "bpf",    "optional", NULL};
static const struct keys default_key_rule = {.where = "defaults", .known = default_keys};

static const char *const file_keys[] = {"policies", "version",	"include",
					"bases",    "defaults", NULL};
static const struct keys file_key_rule = {.where = "a policy file", .known = file_keys};

bool visit(struct parse *p, const struct node *node)
{
	if (p->too_large)
		return false;
	if (++p->visits <= 2 * POLICY_NODES_MAX)
		return true;
	p->too_large = true;
	complain(p, node->pos, NULL, "too large: aliases stand for more than %d words",
		 2 * POLICY_NODES_MAX);
	return false;
}

bool node_is(const struct node *node, const char *word)
{
	return node->kind == NODE_SCALAR && node->len == strlen(word) &&
	       !memcmp(node->text, word, node->len);
}

const struct node *node_get(const struct node *mapping, const char *key,
			    const struct node **ret_key)
{
	if (ret_key)
		*ret_key = NULL;
	for (const struct node *k = mapping->first; k; k = k->next->next) {
		if (!node_is(k, key))
			continue;
		if (ret_key)
			*ret_key = k;
		return k->next;
	}
	return NULL;
}

static bool node_in(const struct node *node, const char *const *words)
{
	for (; words && *words; words++) {
		if (node_is(node, *words))
			return true;
	}
	return false;
}

/* "a, b, c"; to be freed */
static char *join(const char *const *words)
{
	size_t size = 1;
	char *text, *end;

	for (size_t i = 0; words[i]; i++)
		size += strlen(words[i]) + 2;
	text = malloc(size);
	if (!text)
		return NULL;
	end = stpcpy(text, "");
	for (size_t i = 0; words[i]; i++)
		end = stpcpy(stpcpy(end, i ? ", " : ""), words[i]);
	return text;
}

void node_check_keys(struct parse *p, const struct node *mapping, const struct keys *keys)
{
	_cleanup_free_ char *list = join(keys->known), *hint = NULL;

	if (!list || asprintf(&hint, "keys here are: %s", list) < 0) {
		hint = NULL;
		p->no_memory = true;
		return;
	}
	for (const struct node *key = mapping->first; key; key = key->next->next) {
		const char *right;

		if (node_in(key, keys->known))
			continue;
		if (node_in(key, keys->later)) {
			complain(p, key->pos, keys->later_hint, "%s: %s", key->text,
				 keys->later_message);
			continue;
		}
		if (node_is(key, "<<")) {
			complain(p, key->pos, NULL, "merge keys (<<) are not supported");
			continue;
		}
		right = nearest_word(key->text, key->len, keys->known);
		if (!right && keys->later)
			right = nearest_word(key->text, key->len, keys->later);
		complain_nearest(p, key->pos, right, hint, "unknown key %s in %s", quote(key).text,
				 keys->where);
	}
}

bool name_is_good(const struct node *node)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	if (!memchr(letters, node->text[0], sizeof(letters) - 1))
		return false;
	for (size_t i = 1; i < node->len; i++) {
		char c = node->text[i];

		if (!memchr(letters, c, sizeof(letters) - 1) && c != '.' && c != '_' && c != '-')
			return false;
	}
	return true;
}

static char *name_build(struct parse *p, const struct node *node)
{
	char *name;

	if (node->kind != NODE_SCALAR || node->null || node->len == 0) {
		complain(p, node->pos, NULL, "name: a name is expected");
		return NULL;
	}
	if (!name_is_good(node)) {
		complain(p, node->pos, NAME_HINT, "name: %s cannot be a policy's name",
			 quote(node).text);
		return NULL;
	}
	if (node->len >= LEASTCAP_NAME_LEN) {
		complain(p, node->pos, NULL, "name: %s is longer than %d characters",
			 quote(node).text, LEASTCAP_NAME_LEN - 1);
		return NULL;
	}
	name = strdup(node->text);
	if (!name)
		p->no_memory = true;
	return name;
}

int mode_word(struct parse *p, const struct node *node, const char *const modes[])
{
	for (int i = 0; node && modes[i]; i++) {
		if (node_is(node, modes[i]))
			return i;
	}
	if (!node)
		return 0;
	if (node->kind != NODE_SCALAR || node->null)
		complain(p, node->pos, NULL, "mode: enforce or audit is expected");
	else
		complain_nearest(p, node->pos, nearest_word(node->text, node->len, modes),
				 "modes are enforce and audit", "unknown mode %s",
				 quote(node).text);
	return 0;
}

static enum leastcap_mode mode_build(struct parse *p, const struct node *node)
{
	static const char *const modes[] = {
		[LEASTCAP_ENFORCE] = "enforce", [LEASTCAP_AUDIT] = "audit", NULL};

	return (enum leastcap_mode)mode_word(p, node, modes);
}

/* What policies and defaults have in common. */
static void rules_build(struct parse *p, const struct node *node, struct policy *policy)
{
	const struct node *key, *value = node_get(node, "mode", NULL);

	if (value)
		policy->mode = mode_build(p, value);
	/* First: all that follows overrides it. */
	value = node_get(node, "profile", &key);
	if (value)
		profile_build(p, key, value, policy);
	restrictions_build(p, node, policy);
	value = node_get(node, "capabilities", &key);
	if (value) {
		policy->capabilities_pos = key->pos;
		policy->allow = capabilities_build(p, value, &policy->places);
	}
}

static void defaults_build(struct parse *p, const struct node *root, struct policy *defaults)
{
	const struct node *node = node_get(root, "defaults", NULL);

	if (!node || !visit(p, node))
		return;
	if (node->kind != NODE_MAPPING || node->n == 0) {
		complain(p, node->pos, "as in { mode: audit, mounts: deny }",
			 "defaults: keys of a policy are expected");
		return;
	}
	node_check_keys(p, node, &default_key_rule);
	rules_build(p, node, defaults);
}

static void policy_build(struct parse *p, const struct node *node, const struct policy *defaults,
			 struct policy *policy)
{
	const struct node *name, *select;

	if (!visit(p, node))
		return;
	if (policy_copy(defaults, policy)) {
		p->no_memory = true;
		return;
	}
	policy->pos = node->pos;
	if (node->kind != NODE_MAPPING) {
		complain(p, node->pos, "a policy begins with \"- name: ...\"",
			 "a policy is expected here");
		return;
	}
	node_check_keys(p, node, &policy_key_rule);
	name = node_get(node, "name", NULL);
	if (name) {
		policy->pos = name->pos;
		policy->pos.last_line = node->pos.last_line;
		policy->name = name_build(p, name);
	} else {
		complain(p, node->pos, "a policy begins with \"- name: ...\"", "name: missing");
	}
	select = node_get(node, "select", NULL);
	if (select)
		select_build(p, select, policy);
	rules_build(p, node, policy);
	if (!policy->capabilities_pos.line && !node_get(node, "profile", NULL))
		complain(p, node->pos, NULL,
			 "capabilities: missing; write `capabilities: none` to allow none");
}

static int by_name(const void *a, const void *b)
{
	const struct policy *const *x = a, *const *y = b;
	int order = strcmp((*x)->name, (*y)->name);

	return order ? order : *x < *y ? -1 : 1;
}

/* The second is never in an included file where the first is not: those come first. */
static void complain_twice(struct parse *p, const struct policy *first, const struct policy *second)
{
	if (second->file)
		complain(p, p->include_pos, NULL,
			 "duplicate policy name \"%s\": it is at %s:%u:%u and at %s:%u:%u",
			 second->name, first->file, first->pos.line, first->pos.column,
			 second->file, second->pos.line, second->pos.column);
	else if (first->file)
		complain(p, second->pos, NULL,
			 "duplicate policy name \"%s\"; the other one is at %s:%u:%u", second->name,
			 first->file, first->pos.line, first->pos.column);
	else
		complain(p, second->pos, NULL,
			 "duplicate policy name \"%s\"; the other one is at line %u, column %u",
			 second->name, first->pos.line, first->pos.column);
}

static void check_names(struct parse *p, const struct policy_set *set)
{
	_cleanup_free_ const struct policy **sorted = calloc(set->n_policies + 1, sizeof(*sorted));
	size_t n = 0;

	if (!sorted) {
		p->no_memory = true;
		return;
	}
	for (size_t i = 0; i < set->n_policies; i++) {
		if (set->policies[i].name)
			sorted[n++] = &set->policies[i];
	}
	qsort(sorted, n, sizeof(const struct policy *), by_name);
	for (size_t i = 1; i < n; i++) {
		const struct policy *first = sorted[i - 1], *second = sorted[i];

		if (!strcmp(first->name, second->name))
			complain_twice(p, first, second);
	}
}

static void check_top_keys(struct parse *p, const struct node *root)
{
	const struct node *version = node_get(root, "version", NULL);
	bool misplaced = false;

	for (const struct node *key = root->first; key; key = key->next->next) {
		if (!node_in(key, policy_keys))
			continue;
		/* One key of a policy that hangs too high is seldom alone: said once. */
		if (!misplaced)
			complain(
				p, key->pos,
				"policies are a list below `policies:`; each begins with \"- name: ...\"",
				"%s: is a key of a policy, not of the file", key->text);
		misplaced = true;
	}
	if (!misplaced)
		node_check_keys(p, root, &file_key_rule);
	if (version && !node_is(version, "1"))
		complain(p, version->pos, NULL, "version: only 1 is known");
}

static void policies_build(struct parse *p, const struct node *list, const struct policy *defaults,
			   struct policy_set *set)
{
	struct policy *grown;

	if (list->kind != NODE_SEQUENCE || list->n == 0) {
		complain(p, list->pos, "a policy begins with \"- name: ...\"",
			 list->kind == NODE_SCALAR && !list->null ? "policies: a list is expected"
			 : list->kind == NODE_MAPPING		  ? "policies: a list is expected"
								  : "policies: no policies");
		return;
	}
	grown = reallocarray(set->policies, set->n_policies + list->n, sizeof(*grown));
	if (!grown) {
		p->no_memory = true;
		return;
	}
	set->policies = grown;
	memset(grown + set->n_policies, 0, list->n * sizeof(*grown));
	for (const struct node *item = list->first; item && !p->too_large; item = item->next)
		policy_build(p, item, defaults, &set->policies[set->n_policies++]);
}

void model_build(struct parse *p, const struct node *root, struct policy_set *set)
{
	_cleanup_(policy_done) struct policy defaults = {};
	const struct node *list;
	bool good;

	if (root->kind != NODE_MAPPING) {
		complain(p, root->pos, "a policy file begins with `policies:`",
			 root->kind == NODE_SCALAR && root->null ? "no policies"
								 : "not a policy file");
		return;
	}
	good = !parse_failed(p);
	check_top_keys(p, root);
	good = good && !parse_failed(p);
	include_build(p, root, set);
	bases_build(p, root);
	defaults_build(p, root, &defaults);
	list = node_get(root, "policies", NULL);
	if (list) {
		policies_build(p, list, &defaults, set);
	} else if (good && (!p->family ||
			    !(node_get(root, "include", NULL) ?: node_get(root, "bases", NULL)))) {
		/* A wrong key is most likely this one, and its error says so. */
		complain(p, root->pos, "a policy file begins with `policies:`", "no policies");
	}
	check_names(p, set);
	select_check_ties(p, set);
}
