/* SPDX-License-Identifier: GPL-2.0-only */
/* The audit trail of changes: who, what, the revision before and after. */
#include <string.h>
#include <time.h>

#include "audit/event.h"
#include "daemon/internal.h"

/* What one event of a reload names; each change has an event of its own, too. */
#define RELOAD_CHANGES 64

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

void tell_unfit(struct state *s, const struct plan_unfit *unfit, const char *why)
{
	json_auto_t *extra =
		json_pack("{s:I, s:s}", "subjects", (json_int_t)unfit->n, "reason", why);

	sink_emit(s->sink,
		  policy_event(s, "unfit", unfit->policy->name, NULL, extra, &(struct peer){0}));
}

void tell_reload(struct state *s, const char *action, const json_t *changed, const struct peer *by)
{
	json_t *event, *few;

	/* The first is the daemon's start. */
	if (s->n_reloads == 1)
		return;
	event = event_new("reload", sink_next(s->sink));
	few = json_array();
	for (size_t i = 0; few && i < json_array_size(changed) && i < RELOAD_CHANGES; i++)
		json_array_append(few, json_array_get(changed, i));
	if (event && few) {
		json_object_set_new(event, "action", json_string(action));
		json_object_set_new(event, "changes",
				    json_integer((json_int_t)json_array_size(changed)));
		json_object_set(event, "changed", few);
		json_object_set_new(event, "problems", json_integer((json_int_t)problems_count(s)));
		json_object_set_new(event, "by", peer_json(by));
	}
	json_decref(few);
	sink_emit(s->sink, event);
}

void state_unloaded(struct state *s, size_t bindings, const struct peer *by)
{
	sink_emit(s->sink, event_unload(sink_next(s->sink), bindings, by->pid, by->uid,
					*by->comm ? by->comm : NULL));
}

/* Do two policies say the same, and of the same subjects? */
static bool is_same(const struct policy *a, const struct policy *b)
{
	json_auto_t *x = policy_to_json(a), *y = policy_to_json(b);

	return x && json_equal(x, y);
}

/* As a reload has it. */
static json_t *change_json(struct state *s, const char *action, const char *policy,
			   const json_t *old)
{
	struct leastcap_policy p = {};

	if (sources_find(&s->sources, policy, NULL))
		(void)published_policy(s, policy, &p);
	return json_pack("{s:s, s:s, s:b, s:I, s:O?}", "action", action, "policy",
			 shadow_shown(policy), "shadow", is_shadow(policy), "revision",
			 (json_int_t)p.revision, "old_revision", json_object_get(old, policy));
}

void tell_changes(struct state *s, const struct sources *was, const json_t *old,
		  const struct peer *by)
{
	json_auto_t *changed = json_array();

	for (size_t i = 0; i < s->sources.n; i++) {
		const struct policy_set *set = s->sources.items[i].set;

		for (size_t j = 0; set && j < set->n_policies; j++) {
			const struct policy *now = &set->policies[j],
					    *before = sources_find(was, now->name, NULL);

			if (before && is_same(before, now))
				continue;
			tell_policy(s, "applied", now->name, old, NULL, by);
			json_array_append_new(changed, change_json(s, "applied", now->name, old));
		}
	}
	for (size_t i = 0; i < was->n; i++) {
		const struct policy_set *set = was->items[i].set;

		for (size_t j = 0; set && j < set->n_policies; j++) {
			const char *name = set->policies[j].name;

			if (sources_find(&s->sources, name, NULL))
				continue;
			tell_policy(s, "removed", name, old, NULL, by);
			json_array_append_new(changed, change_json(s, "removed", name, old));
		}
	}
	tell_reload(s, "done", changed, by);
}
