/* SPDX-License-Identifier: GPL-2.0-only */
/* A policy as JSON, which is YAML: policy_parse() makes the same policy of it. */
#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include <leastcap/decide.h>

#include "base/caps.h"
#include "base/families.h"
#include "base/words.h"
#include "policy/policy.h"

/* What is not asked for is not written. */
static void field_json(json_t *json, const char *key, const char *value)
{
	if (value)
		json_object_set_new(json, key, json_string(value));
}

static json_t *container_json(const struct selector *s)
{
	json_t *json = json_object(), *labels = s->n_labels ? json_object() : NULL;

	field_json(json, "id", s->value);
	field_json(json, "name", s->name);
	field_json(json, "image", s->image);
	field_json(json, "runtime", s->runtime);
	for (size_t i = 0; i < s->n_labels; i++)
		field_json(labels, s->labels[i].name, s->labels[i].value);
	if (labels)
		json_object_set_new(json, "label", labels);
	return json_pack("{s:o}", "container", json);
}

static json_t *pod_json(const struct selector *s)
{
	json_t *json = json_object();

	field_json(json, "namespace", s->pod_namespace);
	field_json(json, "name", s->pod);
	field_json(json, "container", s->pod_container);
	return json_pack("{s:o}", "pod", json);
}

static json_t *selector_json(const struct selector *s)
{
	switch (s->kind) {
	case SELECT_CONTAINER_ID:
	case SELECT_CONTAINER_NAME:
	case SELECT_CONTAINER:
		return container_json(s);
	case SELECT_POD:
		return pod_json(s);
	case SELECT_UNIT:
	case SELECT_UNIT_PATTERN:
		return json_pack("{s:s}", "unit", s->value);
	case SELECT_USER_UNIT:
		return json_pack("{s:{s:s, s:s}}", "unit", "user", s->user, "name", s->value);
	case SELECT_CGROUP:
	case SELECT_CGROUP_PATTERN:
		return json_pack("{s:s}", "cgroup", s->value);
	case SELECT_ANY_CONTAINER:
		return json_pack("{s:s}", "any", "container");
	}
	return NULL;
}

/* Names are bytes that the parser has found to be text. */
static json_t *names_json(char *const *names)
{
	json_t *list = json_array();

	for (; list && names && *names; names++)
		json_array_append_new(list, json_string(*names));
	return list;
}

static const char *mode_word(const struct policy *p, enum leastcap_rule rule)
{
	return p->deny & LEASTCAP_RULE_BIT(rule) ? "enforce" : "audit";
}

static json_t *unix_json(const struct policy *p)
{
	bool deny = p->lists.flags & LEASTCAP_LIST_UNIX_DENY;

	return json_pack("{s:s, s:s, s:o}", "default", deny ? "deny" : "allow", "mode",
			 mode_word(p, LEASTCAP_RULE_UNIX), deny ? "allow" : "deny",
			 names_json(p->lists.unix_names));
}

static json_t *destination_json(const struct leastcap_destination *d)
{
	static const uint8_t ipv4[12] = {[10] = 0xff, [11] = 0xff};
	unsigned int bits = d->prefix - LEASTCAP_DESTINATION_FIXED;
	char address[INET6_ADDRSTRLEN] = "", port[12] = "";

	if (d->port)
		snprintf(port, sizeof(port), ":%u", d->port);
	if (bits == 0)
		return json_sprintf("*%s", port);
	if (bits >= 96 && !memcmp(d->address, ipv4, sizeof(ipv4))) {
		inet_ntop(AF_INET, d->address + 12, address, sizeof(address));
		return json_sprintf("%s/%u%s", address, bits - 96, port);
	}
	inet_ntop(AF_INET6, d->address, address, sizeof(address));
	return d->port ? json_sprintf("[%s/%u]%s", address, bits, port)
		       : json_sprintf("%s/%u", address, bits);
}

static json_t *connect_json(const struct policy *p)
{
	const struct policy_lists *l = &p->lists;
	json_t *json = json_pack("{s:s, s:s, s:[], s:[]}", "default",
				 l->flags & LEASTCAP_LIST_CONNECT_DENY ? "deny" : "allow", "mode",
				 mode_word(p, LEASTCAP_RULE_CONNECT), "allow", "deny");

	for (size_t i = 0; json && i < l->n_destinations; i++)
		json_array_append_new(
			json_object_get(json, l->destination_rules[i].refuse ? "deny" : "allow"),
			destination_json(&l->destinations[i]));
	return json;
}

/* A family without a name is only in the complement of a list. */
static json_t *families_json(const struct policy *p)
{
	bool rest = p->lists.families >> 63;
	uint64_t listed = rest ? ~p->lists.families : p->lists.families;
	json_t *list = json_array();

	for (uint64_t family = 0; list && family < 64; family++) {
		const char *name = family_name(family);

		if ((listed >> family & 1) && name)
			json_array_append_new(list, json_string(name));
	}
	return json_pack("{s:s, s:o}", "mode", mode_word(p, LEASTCAP_RULE_FAMILIES),
			 rest ? "allow" : "deny", list);
}

/* `allow`, or the long form by fn. */
static json_t *socket_rule_json(const struct policy *p, enum leastcap_rule rule,
				json_t *(*fn)(const struct policy *p))
{
	return (p->deny | p->would) & LEASTCAP_RULE_BIT(rule) ? fn(p) : json_string("allow");
}

static json_t *rule_json(const struct policy *p, enum leastcap_rule rule)
{
	uint32_t bit = LEASTCAP_RULE_BIT(rule);
	const char *word = p->deny & bit ? "deny" : p->would & bit ? "audit" : "allow";

	if (!((p->deny | p->would) & bit))
		return json_string(word);
	if (rule == LEASTCAP_RULE_ATTRIBUTES && (p->lists.flags & LEASTCAP_LIST_OWN_FILES))
		return json_pack("{s:s, s:s}", "mode", word, "own-files", "allow");
	if (rule == LEASTCAP_RULE_FILESYSTEMS)
		return json_pack("{s:s, s:o, s:o}", "mode", mode_word(p, rule), "deny",
				 names_json(p->lists.fs_deny), "read-only",
				 names_json(p->lists.fs_read_only));
	return json_string(word);
}

json_t *policy_rule_to_json(const struct policy *p, enum leastcap_rule rule)
{
	switch (rule) {
	case LEASTCAP_RULE_UNIX:
		return socket_rule_json(p, rule, unix_json);
	case LEASTCAP_RULE_CONNECT:
		return socket_rule_json(p, rule, connect_json);
	case LEASTCAP_RULE_FAMILIES:
		return socket_rule_json(p, rule, families_json);
	default:
		return rule_json(p, rule);
	}
}

static int rules_join(json_t *json, const struct policy *p)
{
	json_t *sockets = json_pack("{s:o, s:o, s:o}", "host-unix",
				    policy_rule_to_json(p, LEASTCAP_RULE_UNIX), "connect",
				    policy_rule_to_json(p, LEASTCAP_RULE_CONNECT), "families",
				    policy_rule_to_json(p, LEASTCAP_RULE_FAMILIES));
	int err = json_object_set_new(json, "sockets", sockets);

	for (uint32_t rule = 0; rule < LEASTCAP_RULES; rule++) {
		if (rule_restriction(rule) != LEASTCAP_SOCKETS)
			err = json_object_set_new(json, word_rule(rule),
						  rule_json(p, (enum leastcap_rule)rule))
				      ?: err;
	}
	return err;
}

static json_t *optional_json(uint32_t rules)
{
	json_t *list = json_array();

	for (uint32_t rule = 0; list && rule < LEASTCAP_RULES; rule++) {
		if (rules & LEASTCAP_RULE_BIT(rule))
			json_array_append_new(list, json_string(word_rule(rule)));
	}
	return list;
}

json_t *policy_to_json(const struct policy *p)
{
	json_auto_t *json = json_pack("{s:s, s:s, s:[]}", "name", p->name, "mode",
				      p->mode == LEASTCAP_AUDIT ? "audit" : "enforce", "select");
	json_t *allow = p->allow == LEASTCAP_ALL ? json_string("all") : caps_to_json(p->allow);

	if (!json || json_object_set_new(json, "capabilities", json_pack("{s:o}", "allow", allow)))
		return NULL;
	for (size_t i = 0; i < p->n_selectors; i++) {
		if (json_array_append_new(json_object_get(json, "select"),
					  selector_json(&p->selectors[i])))
			return NULL;
	}
	if (rules_join(json, p))
		return NULL;
	if (p->optional && json_object_set_new(json, "optional", optional_json(p->optional)))
		return NULL;
	return json_incref(json);
}
