/* SPDX-License-Identifier: GPL-2.0-only */
/* The capabilities of a policy. Whatever is wrong allows nothing, and fails the file. */
#include <string.h>
#include <strings.h>

#include <leastcap/decide.h>

#include "base/caps.h"
#include "base/nearest.h"
#include "policy/internal.h"

#define BASES "bases are docker-default, restricted, none, all, and those below `bases:`"

static const char *const whole_words[] = {"all", "none", NULL};

static const char *const known_keys[] = {"allow", "base", "add", "drop", NULL};
static const struct keys key_rule = {.where = "capabilities", .known = known_keys};

static bool is_word(const struct node *node, const char *word)
{
	return node->kind == NODE_SCALAR && node->len == strlen(word) &&
	       !strncasecmp(node->text, word, node->len);
}

/* "all" or "none". */
static bool whole_set(const struct node *node, uint64_t *ret)
{
	if (!is_word(node, "all") && !is_word(node, "none"))
		return false;
	*ret = is_word(node, "all") ? LEASTCAP_ALL : 0;
	return true;
}

static void unknown_capability(struct parse *p, const struct node *node)
{
	complain_nearest(p, node->pos, caps_nearest(node->text, node->len),
			 "capabilities(7) lists them, as in NET_BIND_SERVICE",
			 "unknown capability %s", quote(node).text);
}

/* These are written here. places may be NULL. */
static void mark(struct capability_places *places, uint64_t set, struct policy_pos pos)
{
	for (unsigned int cap = 0; places && cap < ARRAY_SIZE(places->pos); cap++) {
		if (set >> cap & 1)
			places->pos[cap] = pos;
	}
	if (places)
		places->of_base &= ~set;
}

/* [NET_RAW, cap_chown] */
static uint64_t list_build(struct parse *p, const struct node *list,
			   struct capability_places *places)
{
	uint64_t set = 0, whole;

	for (const struct node *item = list->first; item; item = item->next) {
		int cap;

		if (!visit(p, item))
			return 0;
		if (item->kind != NODE_SCALAR || item->null) {
			complain(p, item->pos, NULL, "a capability's name is expected here");
			continue;
		}
		cap = caps_parse(item->text, item->len);
		if (cap >= 0) {
			set |= leastcap_bit((__u32)cap);
			mark(places, leastcap_bit((__u32)cap), item->pos);
		} else if (whole_set(item, &whole)) {
			complain(p, item->pos, "without brackets it stands for the whole set",
				 "%s is no capability and cannot be part of a list",
				 quote(item).text);
		} else {
			unknown_capability(p, item);
		}
	}
	return set;
}

/* A word where only "all", "none" or a list (or a base, where that may be written) can be. */
static void wrong_word(struct parse *p, const char *key, const struct node *node)
{
	bool capability = caps_parse(node->text, node->len) >= 0;
	uint64_t base;
	char meant[96];

	if (node->null) {
		complain(p, node->pos, "write none to allow none", "%s: empty", key);
	} else if (capability || base_find(p, node->text, node->len, &base)) {
		snprintf(meant, sizeof(meant), capability ? "[%s]" : "{ base: %s }", node->text);
		complain_nearest(p, node->pos, meant, NULL, "%s: %s is %s, no list", key,
				 quote(node).text, capability ? "one capability" : "a base");
	} else {
		const char *right = nearest_word(node->text, node->len, whole_words);

		complain_nearest(p, node->pos, right ? right : caps_nearest(node->text, node->len),
				 "write all, none or a list of capabilities in brackets",
				 "%s: unknown word %s", key, quote(node).text);
	}
}

/* all, none, or a list. */
static uint64_t set_build(struct parse *p, const char *key, const struct node *node,
			  struct capability_places *places)
{
	uint64_t set = 0;

	if (node->kind == NODE_SEQUENCE)
		return list_build(p, node, places);
	if (node->kind == NODE_MAPPING)
		complain(p, node->pos, NULL, "%s: all, none or a list of capabilities is expected",
			 key);
	else if (!whole_set(node, &set))
		wrong_word(p, key, node);
	mark(places, set, node->pos);
	return set;
}

/* The list of add or drop; all and none are for a base. */
static uint64_t change_build(struct parse *p, const char *key, const struct node *node,
			     struct capability_places *places)
{
	if (!node)
		return 0;
	if (node->kind == NODE_SEQUENCE)
		return list_build(p, node, places);
	complain(p, node->pos, "write a list in brackets, as in [NET_RAW]",
		 "%s: a list of capabilities is expected", key);
	return 0;
}

/* What the policy has by its base. */
static void mark_base(struct parse *p, const struct node *node, uint64_t set,
		      struct capability_places *places)
{
	const struct own_base *own = own_base_find(p, node->text, node->len);

	if (!places)
		return;
	mark(places, set, node->pos);
	places->of_base = set;
	places->base = strdup(node->text);
	places->base_file = own ? strdup(own->file) : NULL;
	places->base_pos = own ? own->pos : (struct policy_pos){};
	if (!places->base || (own && !places->base_file))
		p->no_memory = true;
}

static uint64_t base_build(struct parse *p, const struct node *node,
			   struct capability_places *places)
{
	uint64_t set = 0;

	if (node->kind != NODE_SCALAR || node->null)
		complain(p, node->pos, BASES, "base: a name is expected");
	else if (!base_find(p, node->text, node->len, &set) && !p->bases_missing)
		complain_nearest(p, node->pos, base_nearest(p, node->text, node->len), BASES,
				 "unknown base %s", quote(node).text);
	else
		mark_base(p, node, set, places);
	return set;
}

/* A capability both added and dropped: whoever wrote it means one of the two, nobody knows which. */
static void check_conflict(struct parse *p, const struct node *drop_key, uint64_t both)
{
	_cleanup_free_ char *text = NULL;

	if (!both)
		return;
	text = caps_to_text(both);
	if (text)
		complain(p, drop_key->pos, NULL, "both added and dropped: %s", text);
	else
		p->no_memory = true;
}

static uint64_t mapping_build(struct parse *p, const struct node *node,
			      struct capability_places *places)
{
	const struct node *allow_key, *add_key, *drop_key;
	const struct node *allow = node_get(node, "allow", &allow_key);
	const struct node *base = node_get(node, "base", NULL);
	const struct node *add = node_get(node, "add", &add_key);
	const struct node *drop = node_get(node, "drop", &drop_key);
	uint64_t set = 0, added, dropped;
	size_t n_errors = p->errs->n_errors;

	node_check_keys(p, node, &key_rule);
	if (allow) {
		if (base || add || drop)
			complain(p, allow_key->pos,
				 "a base is changed by add and drop; allow is the whole list",
				 "allow cannot be combined with base, add or drop");
		set = set_build(p, "allow", allow, places);
	}
	if (base)
		set = base_build(p, base, places);
	added = change_build(p, "add", add, places);
	dropped = change_build(p, "drop", drop, NULL);
	if (!allow && !base && (add || drop))
		complain(p, (add ? add_key : drop_key)->pos, BASES, "%s needs a base to change",
			 add ? "add" : "drop");
	else if (!allow && !base && p->errs->n_errors == n_errors)
		complain(p, node->pos, "write `capabilities: none` to allow none",
			 "capabilities: empty");
	check_conflict(p, drop_key, added & dropped);
	return (set | added) & ~dropped;
}

uint64_t capabilities_build(struct parse *p, const struct node *node,
			    struct capability_places *places)
{
	if (places)
		capability_places_done(places);
	if (!visit(p, node))
		return 0;
	if (node->kind == NODE_MAPPING)
		return mapping_build(p, node, places);
	return set_build(p, "capabilities", node, places);
}
