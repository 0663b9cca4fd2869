/* SPDX-License-Identifier: GPL-2.0-only */
/* Bindings, policies and the audit trail -> the masks of a suggestion. */
#include <stdlib.h>
#include <string.h>

#include "audit/event.h"
#include "base/caps.h"
#include "base/words.h"
#include "suggest/masks.h"
#include "suggest/suggest.h"
#include "trace/names.h"

/* Names that are shown of one rule. */
#define DETAILS_MAX 16

int suggestion_init(struct suggestion *s, const char *subject)
{
	json_t *printable = event_string(subject);

	*s = (struct suggestion){
		.subject = printable ? strdup(json_string_value(printable)) : NULL,
		.selectors = json_array(),
		.details = json_object(),
		.bindings = json_array(),
		.cgroups = json_object(),
		.ended = json_object(),
		.namesakes = json_object(),
		.policies = json_object(),
		.services = json_object(),
		.trail = json_object(),
		.trail_seen = json_object(),
	};
	json_decref(printable);
	return s->subject && s->selectors && s->details && s->bindings && s->cgroups && s->ended &&
			       s->namesakes && s->policies && s->services && s->trail &&
			       s->trail_seen
		       ? 0
		       : -ENOMEM;
}

void suggestion_done(struct suggestion *s)
{
	free(s->subject);
	free(s->name);
	json_decref(s->selectors);
	json_decref(s->written);
	json_decref(s->optional);
	json_decref(s->services);
	json_decref(s->details);
	json_decref(s->bindings);
	json_decref(s->cgroups);
	json_decref(s->ended);
	json_decref(s->namesakes);
	json_decref(s->policies);
	json_decref(s->trail);
	json_decref(s->trail_seen);
	*s = (struct suggestion){};
}

/* ---- bindings ---- */

/* What is seen of a subject that an audit policy or a shadow would refuse was allowed: it is used. */
static void join_masks(struct suggestion *s, const json_t *caps, const json_t *rules)
{
	s->used |= caps_from_json(json_object_get(caps, "used")) |
		   caps_from_json(json_object_get(caps, "would_deny"));
	s->denied |= caps_from_json(json_object_get(caps, "denied"));
	s->granted |= caps_from_json(json_object_get(caps, "granted"));
	s->rules_used |= mask_of_rules(json_object_get(rules, "used"));
	s->rules_would |= mask_of_rules(json_object_get(rules, "would_deny"));
	s->rules_denied |= mask_of_rules(json_object_get(rules, "denied"));
}

void suggest_watched(struct suggestion *s, uint32_t rules)
{
	s->watched = s->any_watched ? s->watched & rules : rules;
	s->any_watched = true;
}

static uint32_t watched_by(const json_t *rules)
{
	return mask_of_rules(json_object_get(rules, "enforced")) |
	       mask_of_rules(json_object_get(rules, "audited"));
}

static bool has_binding(const struct suggestion *s, const char *cgroup)
{
	return json_object_get(s->cgroups, cgroup);
}

static int join_binding(struct suggestion *s, const json_t *b)
{
	const json_t *rules = json_object_get(b, "rules"), *cgroup = json_object_get(b, "cgroup"),
		     *policy = json_object_get(b, "policy");
	bool known = has_binding(s, mask_text(b, "cgroup"));

	join_masks(s, json_object_get(b, "capabilities"), rules);
	suggest_watched(s, watched_by(rules));
	if (!json_is_string(policy) || !json_is_string(cgroup))
		return 0;
	if (json_object_set_new(s->policies, json_string_value(policy), json_true()) ||
	    json_object_set_new(s->cgroups, json_string_value(cgroup), json_true()))
		return -ENOMEM;
	if (known)
		return 0;
	return json_array_append_new(s->bindings,
				     json_pack("{s:O, s:O?, s:O, s:O?, s:O?}", "cgroup", cgroup,
					       "cgroup_id", json_object_get(b, "cgroup_id"),
					       "policy", policy, "mode", json_object_get(b, "mode"),
					       "gone", json_object_get(b, "gone")))
		       ? -ENOMEM
		       : 0;
}

static int join_bindings(struct suggestion *s, const struct suggest_subject *subject,
			 const json_t *bindings,
			 bool (*meant)(const struct suggest_subject *subject, const json_t *b),
			 size_t *ret_n)
{
	const json_t *each;
	size_t i;
	int err = 0;

	*ret_n = 0;
	json_array_foreach(bindings, i, each) {
		if (err || !meant(subject, each))
			continue;
		++*ret_n;
		err = join_binding(s, each);
	}
	s->bound_watched = *ret_n ? s->watched : 0;
	return err;
}

int suggest_bindings(struct suggestion *s, const struct suggest_subject *subject,
		     const json_t *status)
{
	const json_t *bindings = json_object_get(status, "bindings"),
		     *losses = json_object_get(status, "losses");
	size_t n;
	int err = join_bindings(s, subject, bindings, suggest_binds, &n);

	/* The ledger of a cgroup has what was done below it as well. */
	if (!err && !n)
		err = join_bindings(s, subject, bindings, suggest_binds_below, &n);
	s->unrecorded = (uint64_t)json_integer_value(json_object_get(losses, "ledger"));
	return err;
}

/* ---- the audit trail ---- */

static int join_end(struct suggestion *s, const struct suggest_subject *subject,
		    const json_t *event)
{
	const char *policy = mask_text(event, "policy");
	const json_t *who = json_object_get(event, "subject"),
		     *caps = json_object_get(event, "capabilities"),
		     *rules = json_object_get(event, "rules");
	json_int_t id = json_integer_value(json_object_get(who, "cgroup_id"));
	bool says = json_object_get(rules, "enforced") && json_object_get(rules, "audited");
	char key[64];

	/* The daemon was not there: nothing was written down. */
	if (!json_is_object(caps))
		return 0;
	join_masks(s, caps, rules);
	if (says)
		suggest_watched(s, watched_by(rules));
	if (says && (s->bound_watched & ~watched_by(rules)) &&
	    strcmp(mask_text(event, "time"), s->unwatched_until) > 0)
		snprintf(s->unwatched_until, sizeof(s->unwatched_until), "%s",
			 mask_text(event, "time"));
	/* The policy that was asked for, which holds nothing any more, or whatever held what is no more. */
	if ((!strcmp(policy, subject->text) ||
	     (!json_array_size(s->bindings) && suggest_name_good(policy))) &&
	    json_object_set_new(s->policies, policy, json_true()))
		return -ENOMEM;
	if (suggest_service(s, mask_text(json_object_get(who, "labels"), COMPOSE_SERVICE)))
		return -ENOMEM;
	/* Numbers begin anew with a boot. */
	snprintf(key, sizeof(key), "%.36s/%lld", mask_text(event, "boot"), (long long)id);
	return json_object_set_new(s->ended, key, says ? json_true() : event_string(policy))
		       ? -ENOMEM
		       : 0;
}

/* Of which rule with a list is it, whose detail could be in that list? NULL: of none. */
static const char *rule_of(const json_t *event)
{
	const char *restriction = mask_text(event, "restriction"), *item = mask_text(event, "item");

	if (!strcmp(restriction, word_restriction(LEASTCAP_FILESYSTEMS)))
		return restriction;
	if (strcmp(restriction, word_restriction(LEASTCAP_SOCKETS)))
		return NULL;
	return !strcmp(item, "family") ? word_rule(LEASTCAP_RULE_FAMILIES)
	       : !strcmp(item, "host-unix") || !strcmp(item, "connect") ? item
									: NULL;
}

static int join_detail(struct suggestion *s, const json_t *event)
{
	const char *rule = rule_of(event), *detail = mask_text(event, "detail");
	json_t *list;
	const json_t *each;
	size_t i;

	if (!rule || !*detail)
		return 0;
	list = json_object_get(s->details, rule);
	if (!list && json_object_set_new(s->details, rule, list = json_array()))
		return -ENOMEM;
	json_array_foreach(list, i, each) {
		if (!strcmp(json_string_value(each), detail))
			return 0;
	}
	if (json_array_size(list) == DETAILS_MAX)
		return 0;
	/* Escaped already, and once more: what comes from a file is what somebody has written. */
	return json_array_append_new(list, event_string(detail)) ? -ENOMEM : 0;
}

/* Ways around a whitelist have no bit in a mask, and no name in a policy. */
static void join_around(struct suggestion *s, const json_t *event)
{
	static const uint32_t items[] = {LEASTCAP_ITEM_URING_CREDS, LEASTCAP_ITEM_OVERLAYFS,
					 LEASTCAP_ITEM_PTRACE_ENTERING};

	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		if (!strcmp(mask_text(event, "item"), word_item(items[i])))
			s->around |= 1U << (items[i] - LEASTCAP_ITEM_URING_CREDS);
	}
}

int suggest_event(struct suggestion *s, const struct suggest_subject *subject, const char *line,
		  size_t len)
{
	json_auto_t *event = json_loadb(line, len, 0, NULL);
	const char *type = mask_text(event, "type");
	bool would = !strcmp(type, "would-deny"), denied = !strcmp(type, "denied");
	int err;

	if (!json_is_object(event) ||
	    (s->since && strcmp(mask_text(event, "time"), s->since) < 0) ||
	    !suggest_about(s, subject, event))
		return 0;
	if (mask_is_end(event))
		return join_end(s, subject, event);
	/* Of kinds that other events have told of: how many more there were. */
	if (!strcmp(type, "quiet"))
		return suggest_trail(s, event);
	if (!would && !denied)
		return 0;
	if (would)
		join_around(s, event);
	err = would || s->with_denied ? join_detail(s, event) : 0;
	return err ?: suggest_trail(s, event);
}

/* ---- evidence ---- */

void suggest_evidence(struct suggestion *s, struct evidence *evidence, bool only)
{
	s->evidence = evidence;
	s->traced_only = only;
	s->missing = evidence_caps(evidence, LEASTCAP_TRACE_MISSING);
	/* Checks of somebody else's credentials are in no mask as long as they are allowed. */
	s->used |= evidence_caps(evidence, LEASTCAP_TRACE_ALLOWED);
	if (only)
		s->denied = evidence_caps(evidence, LEASTCAP_TRACE_DENIED);
}

char *suggest_time(const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	size_t len = strlen(text);
	char *time;

	if (len != strlen("dddd-dd-dd") && len != strlen("dddd-dd-ddTdd:dd") && len != strlen(form))
		return NULL;
	for (size_t i = 0; i < len; i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';

		if (form[i] == 'd'   ? !digit
		    : form[i] == 'T' ? !strchr("T ", text[i])
				     : text[i] != form[i])
			return NULL;
	}
	time = strdup(text);
	if (time && len > strlen("dddd-dd-dd"))
		time[strlen("dddd-dd-dd")] = 'T';
	return time;
}

void suggest_incomplete(struct suggestion *s)
{
	s->incomplete = true;
	s->watched = 0;
}

bool suggest_knows(const struct suggestion *s)
{
	return json_array_size(s->bindings) || json_object_size(s->ended) || s->traced_only;
}
