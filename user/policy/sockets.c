/* SPDX-License-Identifier: GPL-2.0-only */
/* The sockets restriction in its long form: listeners of AF_UNIX, destinations, address families. */
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/escape.h"
#include "base/families.h"
#include "base/nearest.h"
#include "policy/internal.h"

#define NAME_MAX_BYTES sizeof(((struct sockaddr_un *)NULL)->sun_path)

static const char *const known_keys[] = {"host-unix", "connect", "families", NULL};
static const struct keys key_rule = {.where = "sockets", .known = known_keys};

/* ---- { default: ..., mode: ..., allow: [...], deny: [...] } ---- */

static const char *const two_list_keys[] = {"default", "mode", "allow", "deny", NULL};

struct two_lists {
	bool deny; /* what no list names is refused */
	bool known; /* that is well said */
	enum stance stance;
	const struct node *allow, *deny_list; /* NULL: none */
	const struct node *allow_key, *deny_key;
};

/* The key `default`. Without it the one list that is there says it: what is allowed is not the rest. */
static void default_build(struct parse *p, const char *name, const struct node *node,
			  struct two_lists *l)
{
	static const char *const words[] = {"allow", "deny", NULL};
	const struct node *value = node_get(node, "default", NULL);

	l->known = true;
	if (!value) {
		l->deny = l->allow_key != NULL;
		l->known = node->n == 0 || !l->allow_key != !l->deny_key;
		if (!l->known)
			complain(p, node->pos,
				 "`default: deny` refuses what is not listed, `default: allow` "
				 "allows it",
				 "%s: default is missing", name);
		return;
	}
	l->deny = node_is(value, "deny");
	if (!visit(p, value) || l->deny || node_is(value, "allow"))
		return;
	l->known = false;
	if (value->kind != NODE_SCALAR || value->null)
		complain(p, value->pos, NULL, "default: allow or deny is expected");
	else if (node_is(value, "audit"))
		complain(p, value->pos, "write `default: deny` and `mode: audit`",
			 "default: \"audit\" is a mode");
	else
		complain_nearest(p, value->pos, nearest_word(value->text, value->len, words),
				 "words here are allow and deny", "default: unknown word %s",
				 quote(value).text);
}

static struct two_lists two_lists_build(struct parse *p, const char *name, const char *example,
					const struct node *node)
{
	const struct keys keys = {.where = name, .known = two_list_keys};
	struct two_lists l = {};

	node_check_keys(p, node, &keys);
	if (node->n == 0)
		complain(p, node->pos, NULL, "%s: empty", name);
	l.stance = stance_of_mode(p, node);
	l.allow = list_get(p, node, "allow", example, &l.allow_key);
	l.deny_list = list_get(p, node, "deny", example, &l.deny_key);
	default_build(p, name, node, &l);
	return l;
}

/* ---- host-unix ---- */

/* A name as bind(2) was given it: compared as a whole, nothing in it is resolved. */
static bool listener_is_good(struct parse *p, const struct node *name)
{
	if (name->text[0] != '/' && name->text[0] != '@') {
		complain(p, name->pos, "an abstract name begins with \"@\"",
			 "host-unix: %s is no absolute path", quote(name).text);
		return false;
	}
	for (size_t i = 0; i < name->len;) {
		bool safe;
		size_t n = utf8_next(name->text + i, name->len - i, &safe);

		if (!safe) {
			complain(p, name->pos, NULL, "host-unix: control character in %s",
				 quote(name).text);
			return false;
		}
		i += n;
	}
	if (name->text[strcspn(name->text, "*?[]")]) {
		complain(p, name->pos, "write the name that the listener is bound to",
			 "host-unix: %s: patterns are not supported", quote(name).text);
		return false;
	}
	if (name->len == 1 || (name->text[0] == '/' && name->text[name->len - 1] == '/')) {
		complain(p, name->pos, NULL, "host-unix: %s cannot be the name of a socket",
			 quote(name).text);
		return false;
	}
	if (name->len > NAME_MAX_BYTES) {
		complain(p, name->pos, NULL, "host-unix: %s is longer than %zu bytes",
			 quote(name).text, NAME_MAX_BYTES);
		return false;
	}
	return true;
}

static void listeners_build(struct parse *p, const struct node *key, const struct node *node,
			    struct policy *policy)
{
	struct two_lists l =
		two_lists_build(p, "host-unix", "[/run/systemd/journal/dev-log]", node);
	const struct node *names = l.deny ? l.allow : l.deny_list;

	if (l.known && l.deny && l.deny_key)
		complain(p, l.deny_key->pos, "under `default: deny`, allow has the exceptions",
			 "host-unix: deny adds nothing: it is the default");
	if (l.known && !l.deny && l.allow_key)
		complain(p, l.allow_key->pos, "under `default: allow`, deny has the exceptions",
			 "host-unix: allow adds nothing: it is the default");
	if (!l.deny && (!names || names->n == 0))
		l.stance = STANCE_ALLOW;
	rule_set(policy, LEASTCAP_RULE_UNIX, l.stance, key->pos);
	if (l.deny)
		policy->lists.flags |= LEASTCAP_LIST_UNIX_DENY;
	names_build(p, names, listener_is_good, &policy->lists, POLICY_LIST_UNIX);
}

static void host_unix_build(struct parse *p, const struct node *key, const struct node *node,
			    struct policy *policy)
{
	enum stance stance;

	if (node->kind == NODE_MAPPING) {
		listeners_build(p, key, node, policy);
	} else if (stance_build(p, "host-unix", ", or a mapping", node, &stance)) {
		rule_set(policy, LEASTCAP_RULE_UNIX, stance, key->pos);
		if (stance != STANCE_ALLOW)
			policy->lists.flags |= LEASTCAP_LIST_UNIX_DENY;
	}
}

/* ---- connect ---- */

static void ranges_build(struct parse *p, const struct node *key, const struct node *node,
			 struct policy *policy)
{
	struct two_lists l = two_lists_build(p, "connect", "[\"10.0.0.0/8:443\"]", node);
	size_t n_allow = l.allow ? l.allow->n : 0, n_deny = l.deny_list ? l.deny_list->n : 0;
	struct destinations d = {};

	if (l.known && !l.deny && n_allow > 0 && n_deny == 0)
		complain(p, l.allow_key->pos, "write `default: deny` to refuse all others",
			 "connect: allow adds nothing: it is the default, and nothing is denied");
	if (!l.deny && n_deny == 0)
		l.stance = STANCE_ALLOW;
	rule_set(policy, LEASTCAP_RULE_CONNECT, l.stance, key->pos);
	if (l.deny)
		policy->lists.flags |= LEASTCAP_LIST_CONNECT_DENY;
	destinations_add(p, &d, l.allow, false);
	destinations_add(p, &d, l.deny_list, true);
	destinations_finish(p, &d, l.deny, &policy->lists);
}

static void connect_build(struct parse *p, const struct node *key, const struct node *node,
			  struct policy *policy)
{
	enum stance stance;

	if (node->kind == NODE_MAPPING) {
		ranges_build(p, key, node, policy);
	} else if (stance_build(p, "connect", ", or a mapping", node, &stance)) {
		rule_set(policy, LEASTCAP_RULE_CONNECT, stance, key->pos);
		if (stance != STANCE_ALLOW)
			policy->lists.flags |= LEASTCAP_LIST_CONNECT_DENY;
	}
}

/* ---- families ---- */

static uint64_t family_list_build(struct parse *p, const struct node *list)
{
	uint64_t set = 0;

	for (const struct node *item = list ? list->first : NULL; item; item = item->next) {
		int family;

		if (!visit(p, item))
			break;
		if (item->kind != NODE_SCALAR || item->null) {
			complain(p, item->pos, NULL, "an address family's name is expected here");
			continue;
		}
		family = family_parse(item->text, item->len);
		if (family >= 0)
			set |= 1ULL << family;
		else
			complain_nearest(p, item->pos, family_nearest(item->text, item->len),
					 "address_families(7) lists them, as in inet6",
					 "families: unknown address family %s", quote(item).text);
	}
	return set;
}

static void family_places_note(struct parse *p, const struct node *list, struct policy_lists *lists)
{
	for (const struct node *item = list ? list->first : NULL; item; item = item->next) {
		int family = item->kind == NODE_SCALAR ? family_parse(item->text, item->len) : -1;

		if (family >= 0 &&
		    !places_note(lists, POLICY_LIST_FAMILIES, (size_t)family, item->pos))
			p->no_memory = true;
	}
}

static void family_lists_build(struct parse *p, const struct node *key, const struct node *node,
			       struct policy *policy)
{
	static const char *const known[] = {"allow", "deny", "mode", NULL};
	static const struct keys rule = {.where = "families", .known = known};
	const struct node *allow_key, *deny_key;
	const struct node *allow = list_get(p, node, "allow", "[unix, inet, inet6]", &allow_key);
	const struct node *deny = list_get(p, node, "deny", "[alg, vsock]", &deny_key);
	enum stance stance = stance_of_mode(p, node);
	uint64_t refused;

	node_check_keys(p, node, &rule);
	if (node->n == 0)
		complain(p, node->pos, "as in { deny: [alg, vsock] }", "families: empty");
	else if (allow_key && deny_key)
		complain(p, deny_key->pos, "what allow does not list is denied already",
			 "families: allow and deny exclude each other");
	else if (!allow_key && !deny_key)
		complain(p, node->pos, "as in { deny: [alg, vsock] }",
			 "families: neither allow nor deny");
	/* What is not allowed is refused, the families that have no name yet too. */
	refused = allow ? ~family_list_build(p, allow) : family_list_build(p, deny);
	rule_set(policy, LEASTCAP_RULE_FAMILIES, refused ? stance : STANCE_ALLOW, key->pos);
	policy->lists.families = refused;
	family_places_note(p, allow ?: deny, &policy->lists);
}

static void families_build(struct parse *p, const struct node *key, const struct node *node,
			   struct policy *policy)
{
	enum stance stance;

	if (node->kind == NODE_MAPPING) {
		family_lists_build(p, key, node, policy);
	} else if (stance_build(p, "families", ", or a mapping", node, &stance)) {
		rule_set(policy, LEASTCAP_RULE_FAMILIES, stance, key->pos);
		if (stance != STANCE_ALLOW)
			policy->lists.families = ~COMMON_FAMILIES;
	}
}

/* What it does not say of the three stays as it is: allowed, or as the profile has it. */
void sockets_build(struct parse *p, const struct node *node, struct policy *policy)
{
	static void (*const builders[])(struct parse * p, const struct node *key,
					const struct node *node, struct policy *policy) = {
		host_unix_build, connect_build, families_build};

	node_check_keys(p, node, &key_rule);
	if (node->n == 0)
		complain(p, node->pos, "write `sockets: deny`", "sockets: empty");
	for (size_t i = 0; i < ARRAY_SIZE(builders); i++) {
		const struct node *key, *value = node_get(node, known_keys[i], &key);

		if (value && visit(p, value))
			builders[i](p, key, value, policy);
	}
}
