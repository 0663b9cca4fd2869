/* SPDX-License-Identifier: GPL-2.0-only */
#include "explain/change.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/families.h"
#include "base/words.h"

int change_parse(const json_t *policy, struct policy_set **ret)
{
	json_auto_t *file = json_pack("{s:[O]}", "policies", policy);
	_cleanup_free_ char *text = file ? json_dumps(file, 0) : NULL;
	struct policy_errors errs = {0};
	int err;

	if (!text)
		return -ENOMEM;
	err = policy_parse("", text, strlen(text), ret, &errs);
	policy_errors_done(&errs);
	return err == -EINVAL ? -EBADMSG : err;
}

/* ---- lists ---- */

static int find_text(const json_t *list, const char *text)
{
	const json_t *each;
	size_t i;

	json_array_foreach(list, i, each) {
		if (json_string_value(each) && !strcmp(json_string_value(each), text))
			return (int)i;
	}
	return -1;
}

/* Joins object[key], which is made where there is none. */
static int list_add(json_t *object, const char *key, const char *text)
{
	json_t *list = json_object_get(object, key);

	if (!json_is_array(list)) {
		list = json_array();
		if (json_object_set_new(object, key, list))
			return -ENOMEM;
	}
	return find_text(list, text) >= 0 || !json_array_append_new(list, json_string(text))
		       ? 0
		       : -ENOMEM;
}

static bool list_drop(json_t *object, const char *key, const char *text)
{
	json_t *list = json_object_get(object, key);
	int at = find_text(list, text);

	return at >= 0 && !json_array_remove(list, (size_t)at);
}

static bool is_word(const json_t *object, const char *key, const char *word)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && !strcmp(text, word);
}

/* ---- rules with lists: 0 changed, -ENODATA nothing is refused any more, -EOPNOTSUPP the list cannot say it ---- */

/* An event escapes what it cannot show, so a name with "\x" in it may be another one. */
static bool sure_name(const char *detail)
{
	return detail && (*detail == '/' || *detail == '@') && !strstr(detail, "\\x") &&
	       strlen(detail) < LEASTCAP_UNIX_LEN;
}

static int allow_unix(json_t *rule, const struct refused *r)
{
	if (!json_is_object(rule) || !sure_name(r->detail))
		return -EOPNOTSUPP;
	if (is_word(rule, "default", "deny"))
		return list_add(rule, "allow", r->detail);
	if (!list_drop(rule, "deny", r->detail))
		return -EOPNOTSUPP;
	return json_array_size(json_object_get(rule, "deny")) ? 0 : -ENODATA;
}

/* In the form of policy_to_json(): one and the same address is one text. */
static int address_entry(const char *detail, char *buf, size_t size)
{
	static const uint8_t ipv4[12] = {[10] = 0xff, [11] = 0xff};
	char address[INET6_ADDRSTRLEN] = "", port[12] = "";
	uint8_t bytes[16];
	uint16_t number;

	if (refused_address(detail, bytes, &number))
		return -EOPNOTSUPP;
	if (number)
		snprintf(port, sizeof(port), ":%u", number);
	if (!memcmp(bytes, ipv4, sizeof(ipv4))) {
		inet_ntop(AF_INET, bytes + 12, address, sizeof(address));
		snprintf(buf, size, "%s/32%s", address, port);
		return 0;
	}
	inet_ntop(AF_INET6, bytes, address, sizeof(address));
	snprintf(buf, size, number ? "[%s/128]%s" : "%s/128%s", address, port);
	return 0;
}

static int allow_connect(json_t *rule, const struct refused *r)
{
	char entry[INET6_ADDRSTRLEN + 24];

	if (!json_is_object(rule) || r->item != LEASTCAP_ITEM_CONNECT || !r->detail ||
	    address_entry(r->detail, entry, sizeof(entry)))
		return -EOPNOTSUPP;
	/* An entry cannot be in both lists. */
	if (list_drop(rule, "deny", entry) && is_word(rule, "default", "allow") &&
	    !json_array_size(json_object_get(rule, "deny")))
		return -ENODATA;
	return list_add(rule, "allow", entry);
}

static int allow_family(json_t *rule, const struct refused *r)
{
	if (!json_is_object(rule) || !r->detail || family_parse(r->detail, strlen(r->detail)) < 0)
		return -EOPNOTSUPP;
	if (json_is_array(json_object_get(rule, "allow")))
		return list_add(rule, "allow", r->detail);
	if (!list_drop(rule, "deny", r->detail))
		return -EOPNOTSUPP;
	return json_array_size(json_object_get(rule, "deny")) ? 0 : -ENODATA;
}

static int allow_filesystem(json_t *rule, const struct refused *r)
{
	static const char *const lists[] = {"deny", "read-only"};
	size_t left = 0;
	int err = -EOPNOTSUPP;

	for (size_t i = 0; json_is_object(rule) && i < ARRAY_SIZE(lists); i++) {
		json_t *list = json_object_get(rule, lists[i]), *each;
		char *types[2] = {NULL, NULL};
		size_t n;

		json_array_foreach(list, n, each) {
			types[0] = (char *)json_string_value(each);
			if (!types[0] || !refused_filesystem(r, types))
				continue;
			json_array_remove(list, n);
			err = 0;
			break;
		}
		left += json_array_size(list);
	}
	return left || err ? err : -ENODATA;
}

/* ---- */

/* Where the rule is in a policy, and by which key. */
static json_t *place_of(json_t *policy, uint32_t rule)
{
	return rule_restriction(rule) == LEASTCAP_SOCKETS ? json_object_get(policy, "sockets")
							  : policy;
}

/* What is to be said where the whole rule goes, because its list cannot say less. */
static const char *why_whole(const struct refused *r)
{
	switch (r->rule) {
	case LEASTCAP_RULE_UNIX:
		return "the event has no name of the socket that a list could have";
	case LEASTCAP_RULE_FILESYSTEMS:
		return "the event does not say of which type the file system is: taking that type "
		       "alone out of the list is the smaller change";
	case LEASTCAP_RULE_ATTRIBUTES:
		return r->item == LEASTCAP_ITEM_SETUID_FILE
			       ? NULL
			       : "for files that the subject has made itself this is enough: "
				 "attributes: { own-files: allow }";
	default:
		return NULL;
	}
}

/* The rule restricts nothing any more. */
static int allow_whole(json_t *policy, const struct refused *r)
{
	return json_object_set_new(place_of(policy, (uint32_t)r->rule),
				   word_rule((uint32_t)r->rule), json_string("allow"))
		       ? -EBADMSG
		       : 0;
}

/* By its list, where it has one. */
static int allow_listed(json_t *policy, const struct refused *r)
{
	static int (*const by_list[LEASTCAP_RULES])(json_t * rule, const struct refused *r) = {
		[LEASTCAP_RULE_UNIX] = allow_unix,
		[LEASTCAP_RULE_CONNECT] = allow_connect,
		[LEASTCAP_RULE_FAMILIES] = allow_family,
		[LEASTCAP_RULE_FILESYSTEMS] = allow_filesystem,
	};
	json_t *place = place_of(policy, (uint32_t)r->rule);

	if (!by_list[r->rule])
		return -EOPNOTSUPP;
	return by_list[r->rule](json_object_get(place, word_rule((uint32_t)r->rule)), r);
}

static int allow_capability(json_t *policy, const struct policy *p, unsigned int cap)
{
	json_t *list = caps_to_json(p->allow | 1ULL << cap);

	return json_object_set_new(policy, "capabilities", json_pack("{s:o}", "allow", list))
		       ? -ENOMEM
		       : 0;
}

/* Does the policy still parse, and not refuse it any more? */
static int verify(const json_t *policy, const struct refused *r)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	int err = change_parse(policy, &set);

	if (err)
		return err;
	return policy_refuses(&set->policies[0], r) == REFUSES ? -EOPNOTSUPP : 0;
}

static int change_capability(json_t *policy, const struct policy *p, const struct refused *r,
			     const char **ret_why)
{
	int err = refused_is_capability(r) ? allow_capability(policy, p, r->item) : -EOPNOTSUPP;

	if (err == -EOPNOTSUPP)
		*ret_why = "only a subject that may use all capabilities, and that no restriction "
			   "holds, may do this: there is no smaller change";
	return err ?: verify(policy, r);
}

/* What a list cannot say, names with "*" in them for one, is found out by trying. */
static int change_rule(json_t *policy, const struct refused *r, const char **ret_why)
{
	int err = allow_listed(policy, r);

	if (err == -ENOMEM)
		return err;
	if (!err && !verify(policy, r))
		return 0;
	if (err != -ENODATA)
		*ret_why = why_whole(r);
	return allow_whole(policy, r) ?: verify(policy, r);
}

int change_allow(json_t *policy, const struct refused *r, const char **ret_why)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	json_auto_t *changed = json_deep_copy(policy);
	int err = change_parse(policy, &set);

	*ret_why = NULL;
	if (err || !changed)
		return err ?: -ENOMEM;
	if (policy_refuses(&set->policies[0], r) == REFUSES_NOT)
		return -EALREADY;
	err = r->rule < 0 ? change_capability(changed, &set->policies[0], r, ret_why)
			  : change_rule(changed, r, ret_why);
	if (err)
		return err;
	return json_object_update(policy, changed) ? -ENOMEM : 0;
}
