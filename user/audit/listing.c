/* SPDX-License-Identifier: GPL-2.0-only */
#include "audit/listing.h"

#include <errno.h>
#include <string.h>

#include "audit/event.h"
#include "base/caps.h"
#include "base/duration.h"
#include "base/escape.h"
#include "base/shadow.h"
#include "subject/cgroup.h"
#include "subject/container.h"
#include "subject/granted.h"
#include "subject/unit.h"

/* Shortest beginning of a container's id that selects it. */
#define CONTAINER_PREFIX_MIN 4

struct collect {
	const struct listing *listing;
	const char *unit; /* the cgroup of the subject, should it be a unit */
	int (*fn)(const json_t *binding, void *ctx);
	void *ctx;
};

/* A path as it is, or as it is shown. */
static bool is_path(const char *subject, const char *path)
{
	_cleanup_free_ char *shown = strchr(subject, '\\') ? escape_dup(path, strlen(path)) : NULL;

	return !strcmp(subject, path) || (shown && !strcmp(subject, shown));
}

static bool is_container(const char *subject, const char *id, const struct identity *who)
{
	size_t len = strlen(subject);

	if (!*id)
		return false;
	return (who->name && !strcmp(subject, who->name)) ||
	       (len >= CONTAINER_PREFIX_MIN && !strncmp(id, subject, len));
}

static bool selected(const struct collect *c, const char *path, const char *container,
		     const struct identity *who, const char *policy)
{
	const char *subject = c->listing->subject;

	return !subject || !strcmp(subject, policy) || is_path(subject, path) ||
	       (c->unit && !strcmp(c->unit, path)) || is_container(subject, container, who);
}

json_t *listing_capabilities(uint64_t allowed, const struct kernel_ledger *ledger)
{
	json_t *caps = event_capabilities(ledger);

	if (caps && json_object_set_new(caps, "allowed", caps_to_json(allowed))) {
		json_decref(caps);
		return NULL;
	}
	return caps;
}

json_t *listing_rules(const struct leastcap_policy *policy, const struct kernel_ledger *l)
{
	json_t *rules = event_ledger_rules(l);

	if (rules && (json_object_set_new(rules, "enforced", event_enforced(policy)) ||
		      json_object_set_new(rules, "audited", event_audited(policy)))) {
		json_decref(rules);
		return NULL;
	}
	return rules;
}

static int count_held(uint32_t pid, const struct leastcap_held *h, void *ctx)
{
	*(json_int_t *)ctx += !h->let_go;
	return 0;
}

json_t *listing_hold(struct kernel *k)
{
	const struct leastcap_state *state = kernel_state(k);
	json_int_t now = 0;

	(void)kernel_held_each(k, count_held, &now);
	return json_pack("{s:b, s:I, s:I, s:I}", "on", state->hold, "now", now, "held",
			 (json_int_t)state->held, "too_long", (json_int_t)state->held_too_long);
}

json_t *listing_losses(const uint64_t losses[LEASTCAP_LOSSES])
{
	static const char *const names[LEASTCAP_LOSSES] = {
		[LEASTCAP_LOSS_RING] = "ring",	   [LEASTCAP_LOSS_KEY] = "key",
		[LEASTCAP_LOSS_LEDGER] = "ledger", [LEASTCAP_LOSS_STORAGE] = "storage",
		[LEASTCAP_LOSS_BIRTH] = "birth",   [LEASTCAP_LOSS_HOLD] = "hold",
	};
	json_t *object = json_object();

	for (size_t i = 0; object && i < LEASTCAP_LOSSES; i++)
		json_object_set_new(object, names[i], json_integer((json_int_t)losses[i]));
	return object;
}

json_t *listing_disarmed(const struct kernel *k, const json_t *about)
{
	uint64_t until = kernel_disarmed(k), now = boot_now();

	if (until <= now)
		return json_null();
	return json_pack("{s:O?, s:I, s:O?}", "reason", json_object_get(about, "reason"),
			 "seconds_left", (json_int_t)((until - now + 999999999) / 1000000000), "by",
			 json_object_get(about, "by"));
}

/* What is evaluated beside the policy, or in place of one. */
static json_t *shadow_json(const struct listing *l, const struct leastcap_binding *b,
			   const struct leastcap_policy *policy)
{
	struct leastcap_policy shadow = {.name = "?"};

	if (!b->shadow && !is_shadow(policy->name))
		return json_null();
	if (b->shadow)
		(void)kernel_policy_get(l->kernel, b->shadow, &shadow);
	else
		shadow = *policy;
	shadow.name[sizeof(shadow.name) - 1] = '\0';
	return json_pack("{s:o, s:I}", "policy", event_string(shadow_shown(shadow.name)),
			 "revision", (json_int_t)shadow.revision);
}

static json_t *binding_json(const struct listing *l, const struct leastcap_binding *b,
			    const char *path, bool gone, const struct leastcap_policy *policy,
			    const struct kernel_ledger *ledger, const char *container,
			    const struct identity *who)
{
	json_t *caps = listing_capabilities(policy->allow, ledger);
	uint64_t granted = 0;

	/* Processes may end while they are counted. */
	if (!gone)
		(void)granted_in(path, &granted);
	if (caps)
		json_object_set_new(caps, "granted", caps_to_json(granted));
	return json_pack(
		"{s:o, s:I, s:s?, s:o, s:o, s:o, s:o, s:s, s:I, s:o, s:b, s:b, s:o, s:o, s:o, s:o}",
		"cgroup", event_string(path), "cgroup_id", (json_int_t)b->cgroup, "container",
		*container ? container : NULL, "name", event_string(who->name), "pod",
		event_string(who->pod), "namespace", event_string(who->pod_namespace), "policy",
		event_string(shadow_shown(policy->name)), "mode", event_mode(policy->mode),
		"revision", (json_int_t)policy->revision, "shadow", shadow_json(l, b, policy),
		"born", !!(b->flags & LEASTCAP_BORN), "gone", gone, "capabilities", caps, "rules",
		listing_rules(policy, ledger), "counters", event_counters(ledger), "restrictions",
		event_restrictions(ledger));
}

static int add_binding(const struct leastcap_binding *b, const struct kernel_ledger *ledger,
		       void *ctx)
{
	struct collect *c = ctx;
	const struct listing *l = c->listing;
	/* A policy that cannot be read allows nothing, see leastcap_join(). */
	struct leastcap_policy policy = {.name = "?"};
	struct kernel_ledger own = {.cgroup = b->cgroup};
	const struct identity nobody = {}, *who = NULL;
	_cleanup_free_ char *live = NULL;
	json_auto_t *binding = NULL;
	char container[65] = "";
	const char *path;
	bool gone;
	int err;

	err = cgroup_path(b->cgroup, &live);
	if (err && err != -ESTALE && err != -ENOENT)
		return err;
	gone = err != 0;
	path = live;
	if (gone && l->old_path)
		path = l->old_path(b->cgroup, l->ctx);
	path = path ? path : "";
	if (container_from_path(path, container, NULL) != 1)
		container[0] = '\0';
	else if (l->who)
		who = l->who(path, l->ctx);
	who = who ?: &nobody;
	err = kernel_policy_get(l->kernel, b->policy, &policy);
	if (err && err != -ENOENT)
		return err;
	policy.name[sizeof(policy.name) - 1] = '\0';
	/* Why not? That there is none is no error. */
	err = ledger ? 0 : kernel_ledger_get(l->kernel, b->cgroup, &own);
	if (err && err != -ENOENT)
		return err;
	if (!selected(c, path, container, who, shadow_shown(policy.name)))
		return 0;
	binding = binding_json(l, b, path, gone, &policy, ledger ?: &own, container, who);
	return binding ? c->fn(binding, c->ctx) : -ENOMEM;
}

int listing_each(const struct listing *l, int (*fn)(const json_t *binding, void *ctx), void *ctx)
{
	struct collect c = {.listing = l, .fn = fn, .ctx = ctx};
	_cleanup_free_ char *unit = NULL, *service = NULL;

	/* Units are shown without their type. */
	if (l->subject && l->subject[0] != '/' &&
	    asprintf(&service, "%s%s", l->subject, unit_valid(l->subject) ? "" : ".service") < 0)
		service = NULL;
	if (service && !unit_cgroup(service, &unit, NULL))
		c.unit = unit;
	return kernel_ledger_each(l->kernel, add_binding, &c);
}

static int append(const json_t *binding, void *ctx)
{
	/* What it is in is ours. */
	return json_array_append(ctx, (json_t *)binding) ? -ENOMEM : 0;
}

int listing_bindings(const struct listing *l, json_t **ret)
{
	json_auto_t *bindings = json_array();
	int err = bindings ? listing_each(l, append, bindings) : -ENOMEM;

	if (!err)
		*ret = json_incref(bindings);
	return err;
}
