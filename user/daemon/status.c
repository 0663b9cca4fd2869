/* SPDX-License-Identifier: GPL-2.0-only */
/* GET /v1/status and /v1/policies. */
#include <string.h>
#include <sys/utsname.h>

#include "audit/event.h"
#include "audit/listing.h"
#include "base/caps.h"
#include "base/duration.h"
#include "daemon/internal.h"

bool state_enforcing(struct state *s, char build[17])
{
	/* That the kernel calls them was looked at before they were attached, and is settled when it boots. */
	return kernel_attached(s->k, build) && kernel_disarmed(s->k) <= boot_now();
}

size_t problems_count(const struct state *s)
{
	return json_array_size(s->problems) + json_array_size(s->kept) + json_array_size(s->ties) +
	       json_object_size(s->unfit) + (s->unbound != 0);
}

json_t *problems_json(const struct state *s)
{
	json_t *all = json_copy(s->problems), *problem;
	const char *policy;

	if (all && s->kept)
		(void)json_array_extend(all, s->kept);
	if (all && s->ties)
		(void)json_array_extend(all, s->ties);
	json_object_foreach(s->unfit, policy, problem)
		json_array_append(all, problem);
	if (all && s->unbound)
		json_array_append_new(all, containers_problem(s));
	return all;
}

/* ---- GET /v1/status, in a child ---- */

struct telling {
	struct state *s;
	FILE *answer, *notes;
	size_t n; /* bindings that are told */
};

/* Whom the daemon has to ask about: the child is gone when the answer comes. */
static const struct identity *known_who(const char *cgroup, void *ctx)
{
	struct telling *t = ctx;

	if (identities_would_ask(t->s->identities, cgroup)) {
		fputs(cgroup, t->notes);
		putc('\0', t->notes);
	}
	return identities_get(t->s->identities, cgroup);
}

void state_status_note(void *ctx, const char *cgroup)
{
	(void)containers_who(cgroup, ctx);
}

static const char *told_path(uint64_t cgroup, void *ctx)
{
	struct telling *t = ctx;

	return names_get(t->s, cgroup);
}

/* All but the bindings. */
static json_t *status_json(struct state *s)
{
	const char *fallback = s->plan.any ? s->plan.any->name : NULL;
	uint64_t losses[LEASTCAP_LOSSES] = {};
	char build[17] = "";
	struct utsname host;
	bool enforcing = state_enforcing(s, build);

	/* What refuses nothing is no policy to rely on. */
	if (fallback && (is_shadow(fallback) || !strcmp(fallback, POLICY_UNSELECTED)))
		fallback = NULL;
	uname(&host);
	(void)kernel_losses(s->k, losses);
	return json_pack("{s:s, s:i, s:s, s:s, s:b, s:o, s:o, s:s?, s:o, s:o, s:o, s:o, s:o}",
			 "version", LEASTCAP_VERSION, "abi", LEASTCAP_ABI, "build", build, "kernel",
			 host.release, "enforcing", enforcing, "disarmed", disarm_json(s),
			 "confirm", confirm_json(s), "default_policy", fallback, "losses",
			 listing_losses(losses), "sinks", sink_to_json(s->sink), "hold",
			 listing_hold(s->k), "proof", proof_json(s), "problems", problems_json(s));
}

/* The bindings follow, one by one: all of them together take gigabytes. */
static int tell_state(struct telling *t)
{
	json_auto_t *state = status_json(t->s);
	_cleanup_free_ char *text = state ? json_dumps(state, JSON_COMPACT) : NULL;

	if (!text)
		return -ENOMEM;
	text[strlen(text) - 1] = '\0';
	return fprintf(t->answer, "%s,\"bindings\":[", text) < 0 ? -EIO : 0;
}

static int tell_binding(const json_t *binding, void *ctx)
{
	struct telling *t = ctx;

	if (t->n++ && putc(',', t->answer) == EOF)
		return -EIO;
	return json_dumpf(binding, t->answer, JSON_COMPACT) ? -EIO : 0;
}

unsigned int state_status(void *ctx, const char *subject, FILE *answer, FILE *notes,
			  json_t **ret_error)
{
	struct telling t = {.s = ctx, .answer = answer, .notes = notes};
	const struct listing list = {.kernel = t.s->k,
				     .subject = subject,
				     .old_path = told_path,
				     .who = known_who,
				     .ctx = &t};
	int err = tell_state(&t) ?: listing_each(&list, tell_binding, &t);

	if (!err && fputs("]}", answer) < 0)
		err = -EIO;
	if (err)
		return answer_errno(t.s, err, "cannot tell the status", ret_error);
	if (subject && !t.n)
		return answer_text(
			404, ret_error,
			"nothing is bound by the name \"%.200s\": neither a cgroup, a unit, a container nor a "
			"policy",
			subject);
	return 200;
}

/* ---- GET /v1/policies ---- */

static json_t *selectors_json(const struct policy *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n_selectors; i++) {
		_cleanup_free_ char *text = selector_to_text(&p->selectors[i]);

		if (json_array_append_new(list, event_string(text ? text : "?"))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* The shadow of a policy, which may be the policy itself. */
static json_t *shadow_json(struct state *s, const struct policy *p)
{
	_cleanup_free_ char *name = NULL;
	struct leastcap_policy shadow = {};

	if (asprintf(&name, LEASTCAP_SHADOW_PREFIX "%s", shadow_shown(p->name)) < 0)
		name = NULL;
	if (!name || !sources_find(&s->sources, name, NULL))
		return json_null();
	(void)published_policy(s, name, &shadow);
	return json_pack("{s:s, s:I, s:I}", "policy", shadow_shown(name), "revision",
			 (json_int_t)shadow.revision, "bindings", (json_int_t)count_wants(s, name));
}

static json_t *policy_json(struct state *s, const struct source *source, const struct policy *p)
{
	/* What waits to be confirmed since before this daemon began is in none. */
	const char *file = p->file ?: source->api ? NULL : source->file;
	struct leastcap_policy in_force = {};

	(void)published_policy(s, p->name, &in_force);
	return json_pack("{s:s, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o}",
			 "name", shadow_shown(p->name), "revision", (json_int_t)in_force.revision,
			 "mode", event_mode(p->mode), "mode_by", modes_by(p), "source",
			 event_string(source->api ? SOURCES_API : file), "file", event_string(file),
			 "capabilities", caps_to_json(p->allow), "enforced",
			 event_enforced(&in_force), "audited", event_audited(&in_force), "shadow",
			 shadow_json(s, p), "selectors", selectors_json(p), "bindings",
			 (json_int_t)count_wants(s, p->name), "written", policy_to_json(p));
}

unsigned int state_policies(struct state *s, json_t **ret)
{
	json_auto_t *list = json_array();

	*ret = NULL;
	for (size_t i = 0; i < s->sources.n; i++) {
		const struct source *source = &s->sources.items[i];

		for (size_t j = 0; source->set && j < source->set->n_policies; j++) {
			const struct policy *p = &source->set->policies[j];

			/* The shadow of a policy in force is told with it. */
			if (is_shadow(p->name) &&
			    sources_find(&s->sources, shadow_shown(p->name), NULL))
				continue;
			if (json_array_append_new(list, policy_json(s, source, p)))
				return 500;
		}
	}
	return answer_json(json_pack("{s:O, s:o}", "policies", list, "disarmed", disarm_json(s)),
			   ret);
}

static int count_one(const struct leastcap_binding *b, void *ctx)
{
	++*(size_t *)ctx;
	return 0;
}

/* Every second: a walk through a table with room for as many as there may be is only for where they have changed. */
size_t state_bindings(struct state *s)
{
	uint64_t version = kernel_bindings_version(s->k);

	if (version != s->bindings_version) {
		s->bindings = 0;
		(void)kernel_binding_each(s->k, count_one, &s->bindings);
		s->bindings_version = version;
	}
	return s->bindings;
}

void state_summary(struct state *s, char *buf, size_t size)
{
	size_t bindings = state_bindings(s), problems = problems_count(s);
	char build[17], what[1024], proof[160], unfit[64] = "";

	if (!disarm_summary(s, what, sizeof(what)))
		snprintf(what, sizeof(what), "%s",
			 state_enforcing(s, build) ? "enforcing" : "NOT enforcing");
	proof_summary(s, proof, sizeof(proof));
	if (s->plan.n_unfit)
		snprintf(unfit, sizeof(unfit), ", NO ROOM for %zu polic%s", s->plan.n_unfit,
			 s->plan.n_unfit == 1 ? "y" : "ies");
	snprintf(buf, size, "%s%s, %zu binding%s, %zu problem%s%s%s", what, unfit, bindings,
		 bindings == 1 ? "" : "s", problems, problems == 1 ? "" : "s", proof,
		 s->confirm.about ? ", an apply waits to be confirmed" : "");
}

size_t state_unfit(const struct state *s)
{
	return s->plan.n_unfit;
}
