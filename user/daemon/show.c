/* SPDX-License-Identifier: GPL-2.0-only */
/* GET /v1/show: what a subject may do in the end, and which line of which policy says so. */
#include <string.h>

#include <leastcap/decide.h>

#include "audit/event.h"
#include "base/caps.h"
#include "base/words.h"
#include "daemon/internal.h"
#include "subject/cgroup.h"
#include "subject/container.h"
#include "subject/find.h"

/* Deeper than this the kernel makes no cgroups by default, and nobody binds. */
#define LAYERS_MAX 64

/* One bound cgroup on the way from the root to the subject. */
struct layer {
	char *path;
	struct leastcap_policy policy;
	const struct policy *written; /* NULL: of nobody that the daemon knows, `leastcap run` */
	const struct source *source;
	uint64_t shadow;
};

struct layers {
	struct layer items[LAYERS_MAX];
	size_t n;
};

static void layers_done(struct layers *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i].path);
}

/* ---- what binds it ---- */

static int add_layer(struct state *s, struct layers *l, const char *path)
{
	struct layer *layer = &l->items[l->n];
	struct leastcap_binding b;
	uint64_t id;
	int err = cgroup_id(path, &id, NULL);

	if (err || kernel_binding_get(s->k, id, &b))
		return 0;
	if (l->n == LAYERS_MAX)
		return -E2BIG;
	*layer = (struct layer){.path = strdup(path), .shadow = b.shadow};
	if (!layer->path)
		return -ENOMEM;
	l->n++;
	/* A policy that cannot be read allows nothing. */
	if (kernel_policy_get(s->k, b.policy, &layer->policy))
		layer->policy = (struct leastcap_policy){.name = "?", .deny = ~0U};
	layer->policy.name[sizeof(layer->policy.name) - 1] = '\0';
	layer->written = sources_find(&s->sources, layer->policy.name, &layer->source);
	return 0;
}

/* From the root down: "/", "/a", "/a/b". */
static int find_layers(struct state *s, const char *subject, struct layers *l)
{
	_cleanup_free_ char *path = strdup(subject);
	int err = path ? add_layer(s, l, "/") : -ENOMEM;

	for (char *end = path; !err && end && path[1];) {
		end = strchr(end + 1, '/');
		if (end)
			*end = '\0';
		err = add_layer(s, l, path);
		if (end)
			*end = '/';
	}
	return err;
}

/* ---- where it comes from ---- */

/* The file that a policy is written in. NULL: none; what is on trial since before this daemon began is in none. */
static const char *file_of(const struct layer *l)
{
	if (!l->written)
		return NULL;
	return l->written->file ?: l->source->api ? NULL : l->source->file;
}

static json_t *place_json(const struct layer *l, struct policy_pos pos)
{
	const char *file = file_of(l);
	json_t *place = json_pack("{s:o, s:o, s:n, s:n}", "policy",
				  event_string(shadow_shown(l->policy.name)), "file",
				  event_string(file), "line", "column");

	if (place && file) {
		json_object_set_new(place, "line", json_integer(pos.line));
		json_object_set_new(place, "column", json_integer(pos.column));
	}
	return place;
}

static struct policy_pos rule_pos(const struct layer *l, uint32_t rule)
{
	return l->written ? l->written->rule_pos[rule] : (struct policy_pos){};
}

/* The lists of a rule are in its long form. Those of policies that are in no file only the kernel has. */
static json_t *written_json(const struct layer *l, uint32_t rule)
{
	return l->written ? policy_rule_to_json(l->written, (enum leastcap_rule)rule) : json_null();
}

static json_t *places_json(const struct layer *l, uint32_t rule)
{
	return l->written ? policy_rule_places(l->written, (enum leastcap_rule)rule) : json_null();
}

static bool enforces(const struct layer *l)
{
	return l->policy.mode != LEASTCAP_AUDIT;
}

/* null, or the base that a policy has a capability of, and where that is defined: "file" is null where it is built in. */
static json_t *base_json(const struct layer *l, unsigned int cap)
{
	const struct capability_places *c = l->written ? &l->written->places : NULL;

	if (!c || !c->base || !(c->of_base >> cap & 1))
		return json_null();
	return json_pack("{s:s, s:o, s:i, s:i}", "name", c->base, "file",
			 c->base_file ? event_string(c->base_file) : json_null(), "line",
			 (int)c->base_pos.line, "column", (int)c->base_pos.column);
}

static json_t *capability_json(const struct layers *l, unsigned int cap)
{
	json_t *from = json_array();
	char name[32];

	for (size_t i = 0; i < l->n; i++) {
		const struct layer *layer = &l->items[i];
		json_t *place;

		if (!(layer->policy.allow >> cap & 1))
			continue;
		place = place_json(layer, layer->written ? layer->written->places.pos[cap]
							 : (struct policy_pos){});
		if (place)
			json_object_set_new(place, "base", base_json(layer, cap));
		json_array_append_new(from, place);
	}
	return json_pack("{s:s, s:o}", "name", caps_name(cap, name), "from", from);
}

/* Those that no policy in enforce mode takes away. */
static json_t *capabilities_json(const struct layers *l)
{
	uint64_t allowed = LEASTCAP_ALL;
	json_t *list = json_array();

	for (size_t i = 0; i < l->n; i++)
		allowed &= enforces(&l->items[i]) ? l->items[i].policy.allow : LEASTCAP_ALL;
	for (unsigned int cap = 0; cap <= caps_last() && cap < 64; cap++) {
		if (allowed >> cap & 1)
			json_array_append_new(list, capability_json(l, cap));
	}
	return list;
}

static json_t *rule_json(const struct layers *l, uint32_t rule)
{
	json_t *from = json_array();
	bool deny = false;

	for (size_t i = 0; i < l->n; i++) {
		const struct layer *layer = &l->items[i];
		uint32_t bit = LEASTCAP_RULE_BIT(rule);
		bool enforced = (layer->policy.deny & bit) && enforces(layer);
		json_t *place;

		if (!((layer->policy.deny | layer->policy.would) & bit))
			continue;
		deny = deny || enforced;
		place = place_json(layer, rule_pos(layer, rule));
		if (place) {
			json_object_set_new(place, "verdict",
					    json_string(enforced ? "deny" : "audit"));
			json_object_set_new(place, "written", written_json(layer, rule));
			json_object_set_new(place, "places", places_json(layer, rule));
		}
		json_array_append_new(from, place);
	}
	return json_pack("{s:s, s:s, s:o}", "rule", word_rule(rule), "verdict",
			 deny			 ? "deny"
			 : json_array_size(from) ? "audit"
						 : "allow",
			 "from", from);
}

/* null, or who the container is that a cgroup belongs to. */
static json_t *container_json(struct state *s, const char *path)
{
	char id[65];
	_cleanup_free_ char *cgroup = event_container(path, id);
	const struct identity nobody = {}, *who = cgroup ? containers_who(cgroup, s) : NULL;

	if (!cgroup)
		return json_null();
	who = who ?: &nobody;
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "id", id, "name", event_string(who->name),
			 "image", event_string(who->image), "pod", event_string(who->pod),
			 "namespace", event_string(who->pod_namespace));
}

static json_t *layer_json(struct state *s, const struct layer *l)
{
	struct leastcap_policy shadow = {};

	if (l->shadow && !kernel_policy_get(s->k, l->shadow, &shadow))
		shadow.name[sizeof(shadow.name) - 1] = '\0';
	return json_pack("{s:o, s:o, s:I, s:s, s:o, s:o}", "cgroup", event_string(l->path),
			 "policy", event_string(shadow_shown(l->policy.name)), "revision",
			 (json_int_t)l->policy.revision, "mode", event_mode(l->policy.mode), "file",
			 event_string(file_of(l)), "shadow",
			 *shadow.name ? event_string(shadow_shown(shadow.name)) : json_null());
}

/*
 * As it is called; else a container by its name, as its engine has said it, or a service without ".service". What has to be read
 * for that, the bundles of all containers, the command reads: here everything would wait. A user may call theirs as they like.
 */
static int find_subject(struct state *s, const char *subject, char **ret)
{
	const char *cgroup = NULL;
	int err = subject_find(subject, ret);

	if (err != -ENOENT)
		return err;
	err = identities_find_named(s->identities, subject, &cgroup);
	if ((err == -ENOENT || (!err && container_user(cgroup))) &&
	    !subject_find_service(subject, ret))
		return 0;
	*ret = err ? NULL : strdup(cgroup);
	return err ?: *ret ? 0 : -ENOMEM;
}

unsigned int state_show(struct state *s, const char *subject, json_t **ret)
{
	_cleanup_(layers_done) struct layers layers = {};
	_cleanup_free_ char *path = NULL;
	json_t *bindings, *rules;
	int err = find_subject(s, subject, &path);

	if (err == -ENOTUNIQ)
		return answer_text(
			409, ret,
			"\"%.200s\" is the name of several containers, or the beginning of their "
			"ids: more of an id, or the path of the cgroup, is needed",
			subject);
	if (err)
		return answer_text(
			404, ret,
			"\"%.200s\" is neither a cgroup, a unit nor a container that is there",
			subject);
	err = find_layers(s, path, &layers);
	if (err)
		return answer_errno(s, err, "cannot read what binds it", ret);
	bindings = json_array();
	rules = json_array();
	for (size_t i = 0; i < layers.n; i++)
		json_array_append_new(bindings, layer_json(s, &layers.items[i]));
	for (uint32_t rule = 0; rule < LEASTCAP_RULES; rule++)
		json_array_append_new(rules, rule_json(&layers, rule));
	return answer_json(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "cgroup", event_string(path),
				     "container", container_json(s, path), "disarmed",
				     disarm_json(s), "bindings", bindings, "capabilities",
				     capabilities_json(&layers), "rules", rules),
			   ret);
}
