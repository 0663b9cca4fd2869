/* SPDX-License-Identifier: GPL-2.0-only */
/* The audit trail of changes: who, what, the revision before and after. */
#include <string.h>
#include <time.h>

#include "audit/event.h"
#include "daemon/internal.h"

static int note_revision(const struct leastcap_policy *p, void *ctx)
{
	json_t *known = json_object_get(ctx, p->name);

	if (known && json_integer_value(known) >= p->revision)
		return 0;
	return json_object_set_new(ctx, p->name, json_integer(p->revision)) ? -ENOMEM : 0;
}

json_t *revisions_take(struct state *s)
{
	json_t *revisions = json_object();

	if (revisions && kernel_policy_each(s->k, note_revision, revisions)) {
		json_decref(revisions);
		return NULL;
	}
	return revisions;
}

json_t *peer_json(const struct peer *by)
{
	return json_pack("{s:i, s:i, s:o}", "pid", (int)by->pid, "uid", (int)by->uid, "comm",
			 event_string(*by->comm ? by->comm : NULL));
}

/* For metrics, which go without it where there is no memory. */
static void note_applied(struct state *s, const char *policy)
{
	if (sources_find(&s->sources, policy, NULL))
		json_object_set_new(s->applied, policy, json_integer(time(NULL)));
	else
		json_object_del(s->applied, policy);
}

static json_t *policy_event(struct state *s, const char *action, const char *policy,
			    const json_t *old, const json_t *extra, const struct peer *by)
{
	json_t *event = event_new("policy", sink_next(s->sink)),
	       *was = old ? json_object_get(old, policy) : NULL;
	struct leastcap_policy p = {};

	if (sources_find(&s->sources, policy, NULL))
		(void)published_policy(s, policy, &p);
	if (event) {
		json_object_set_new(event, "action", json_string(action));
		json_object_set_new(event, "policy", event_string(shadow_shown(policy)));
		json_object_set_new(event, "shadow", json_boolean(is_shadow(policy)));
		json_object_set_new(event, "revision", json_integer(p.revision));
		json_object_set_new(event, "old_revision", was ? json_incref(was) : json_null());
		json_object_set_new(event, "by", peer_json(by));
		if (extra)
			json_object_update(event, (json_t *)extra);
	}
	return event;
}

void tell_policy(struct state *s, const char *action, const char *policy, const json_t *old,
		 json_t *extra, const struct peer *by)
{
	json_t *event = policy_event(s, action, policy, old, extra, by);

	json_decref(extra);
	note_applied(s, policy);
	sink_emit(s->sink, event);
}

void tell_tie(struct state *s, const struct plan_tie *tie)
{
	const char *path = names_get(s, tie->loser.cgroup);
	json_auto_t *extra = json_pack("{s:s, s:o, s:I}", "winner",
				       shadow_shown(tie->winner.policy->name), "cgroup",
				       event_string(path), "subjects", (json_int_t)tie->n);

	sink_emit(s->sink,
		  policy_event(s, "tied", tie->loser.policy->name, NULL, extra, &(struct peer){0}));
}

/* Do two policies say the same, whatever they select? */
static bool same_rules(const struct policy *a, const struct policy *b)
{
	json_auto_t *x = policy_to_json(a), *y = policy_to_json(b);

	json_object_del(x, "select");
	json_object_del(y, "select");
	return x && json_equal(x, y);
}

void tell_changes(struct state *s, const struct sources *was, const json_t *old,
		  const struct peer *by)
{
	for (size_t i = 0; i < s->sources.n; i++) {
		const struct policy_set *set = s->sources.items[i].set;

		for (size_t j = 0; set && j < set->n_policies; j++) {
			const struct policy *now = &set->policies[j],
					    *before = sources_find(was, now->name, NULL);

			if (!before || !same_rules(before, now))
				tell_policy(s, "applied", now->name, old, NULL, by);
		}
	}
	for (size_t i = 0; i < was->n; i++) {
		const struct policy_set *set = was->items[i].set;

		for (size_t j = 0; set && j < set->n_policies; j++) {
			if (!sources_find(&s->sources, set->policies[j].name, NULL))
				tell_policy(s, "removed", set->policies[j].name, old, NULL, by);
		}
	}
}
