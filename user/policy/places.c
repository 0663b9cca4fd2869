/* SPDX-License-Identifier: GPL-2.0-only */
/* Where each entry of a policy is written: capabilities, and what is in the lists of its rules. */
#include <stdlib.h>
#include <string.h>

#include "base/families.h"
#include "policy/internal.h"

/* ---- capabilities ---- */

void capability_places_done(struct capability_places *c)
{
	free(c->base);
	free(c->base_file);
	*c = (struct capability_places){};
}

bool capability_places_copy(const struct capability_places *from, struct capability_places *ret)
{
	struct capability_places copy = *from;

	copy.base = from->base ? strdup(from->base) : NULL;
	copy.base_file = from->base_file ? strdup(from->base_file) : NULL;
	if ((from->base && !copy.base) || (from->base_file && !copy.base_file)) {
		capability_places_done(&copy);
		return false;
	}
	*ret = copy;
	return true;
}

/* ---- lists ---- */

bool places_note(struct policy_lists *lists, enum policy_list list, size_t entry,
		 struct policy_pos pos)
{
	size_t n = lists->n_places;
	struct entry_place *grown = lists->places;

	/* Full whenever it is a power of two. */
	if (!(n & (n - 1)))
		grown = reallocarray(grown, n ? 2 * n : 1, sizeof(*grown));
	if (!grown)
		return false;
	lists->places = grown;
	grown[lists->n_places++] = (struct entry_place){list, (uint32_t)entry, pos};
	return true;
}

void places_forget(struct policy_lists *lists, enum policy_list list)
{
	size_t kept = 0;

	for (size_t i = 0; i < lists->n_places; i++) {
		if (lists->places[i].list != list)
			lists->places[kept++] = lists->places[i];
	}
	lists->n_places = kept;
	if (kept)
		return;
	free(lists->places);
	lists->places = NULL;
}

bool places_copy(const struct policy_lists *from, struct policy_lists *ret)
{
	for (size_t i = 0; i < from->n_places; i++) {
		const struct entry_place *e = &from->places[i];

		if (!places_note(ret, e->list, e->entry, e->pos))
			return false;
	}
	return true;
}

/* ---- as JSON ---- */

/* null: it is not written, a word stands for it. */
static json_t *place_json(const struct policy_lists *lists, enum policy_list list, size_t entry)
{
	for (size_t i = 0; i < lists->n_places; i++) {
		const struct entry_place *e = &lists->places[i];

		if (e->list == list && e->entry == entry)
			return json_pack("{s:i, s:i}", "line", (int)e->pos.line, "column",
					 (int)e->pos.column);
	}
	return json_null();
}

static json_t *names_places(const struct policy_lists *lists, enum policy_list list,
			    char *const *names)
{
	json_t *places = json_array();

	for (size_t i = 0; names && names[i]; i++)
		json_array_append_new(places, place_json(lists, list, i));
	return places;
}

static json_t *families_places(const struct policy_lists *lists)
{
	bool rest = lists->families >> 63;
	uint64_t listed = rest ? ~lists->families : lists->families;
	json_t *places = json_array();

	for (uint64_t family = 0; family < 64; family++) {
		if ((listed >> family & 1) && family_name(family))
			json_array_append_new(places,
					      place_json(lists, POLICY_LIST_FAMILIES, family));
	}
	return json_pack("{s:o}", rest ? "allow" : "deny", places);
}

static json_t *destinations_places(const struct policy_lists *lists)
{
	json_t *json = json_pack("{s:[], s:[]}", "allow", "deny");

	for (size_t i = 0; i < lists->n_destinations; i++)
		json_array_append_new(json_object_get(json, lists->destination_rules[i].refuse
								    ? "deny"
								    : "allow"),
				      place_json(lists, POLICY_LIST_CONNECT, i));
	return json;
}

json_t *policy_rule_places(const struct policy *p, enum leastcap_rule rule)
{
	const struct policy_lists *l = &p->lists;

	if (!((p->deny | p->would) & LEASTCAP_RULE_BIT(rule)))
		return json_null();
	switch (rule) {
	case LEASTCAP_RULE_UNIX:
		return json_pack("{s:o}", l->flags & LEASTCAP_LIST_UNIX_DENY ? "allow" : "deny",
				 names_places(l, POLICY_LIST_UNIX, l->unix_names));
	case LEASTCAP_RULE_CONNECT:
		return destinations_places(l);
	case LEASTCAP_RULE_FAMILIES:
		return families_places(l);
	case LEASTCAP_RULE_FILESYSTEMS:
		return json_pack("{s:o, s:o}", "deny",
				 names_places(l, POLICY_LIST_FS_DENY, l->fs_deny), "read-only",
				 names_places(l, POLICY_LIST_FS_READ_ONLY, l->fs_read_only));
	default:
		return json_null();
	}
}
