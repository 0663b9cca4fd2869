/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/state.h"

#include <string.h>

#include "audit/event.h"
#include "base/log.h"
#include "base/words.h"
#include "daemon/internal.h"
#include "policy/compile.h"

int state_open(const struct state_options *o, struct kernel *k, struct sink *sink,
	       struct state **ret)
{
	_cleanup_(state_freep) struct state *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->k = k;
	s->sink = sink;
	s->config_dir = strdup(o->config_dir);
	s->state_dir = strdup(o->state_dir);
	s->problems = json_array();
	if (!s->config_dir || !s->state_dir || !s->problems)
		return -ENOMEM;
	err = identities_new(o->event, NULL, containers_changed, s, &s->identities);
	if (err)
		return err;
	/* What was lost before this daemon is in the status; only what comes is told. */
	(void)kernel_losses(k, s->losses);
	*ret = TAKE_PTR(s);
	return 0;
}

struct state *state_free(struct state *s)
{
	if (!s)
		return NULL;
	identities_free(s->identities);
	plan_done(&s->plan);
	sources_done(&s->sources);
	names_done(s);
	json_decref(s->problems);
	free(s->gone);
	free(s->config_dir);
	free(s->state_dir);
	free(s);
	return NULL;
}

void tell_policy(struct state *s, const char *action, const char *policy, uint32_t revision,
		 const struct peer *by)
{
	json_t *event = event_new("policy", sink_next(s->sink));

	if (event) {
		json_object_set_new(event, "action", json_string(action));
		json_object_set_new(event, "policy", event_string(policy));
		json_object_set_new(event, "revision", json_integer(revision));
		json_object_set_new(
			event, "by",
			json_pack("{s:i, s:i}", "pid", (int)by->pid, "uid", (int)by->uid));
	}
	sink_emit(s->sink, event);
}

/* ---- following ---- */

struct complaints {
	json_t *list;
	const struct policy_set *applied; /* only complaints about these count; NULL: about all */
};

static bool defines(const struct policy_set *set, const char *name)
{
	for (size_t i = 0; i < set->n_policies; i++) {
		if (!strcmp(set->policies[i].name, name))
			return true;
	}
	return false;
}

static void complain(const struct source *source, struct policy_pos pos, const char *message,
		     void *ctx)
{
	struct complaints *c = ctx;

	if (c->applied && (!source->api || !defines(c->applied, source->set->policies[0].name)))
		return;
	json_array_append_new(c->list, problem_new(source->set ? source->set->file : source->file,
						   pos, message, NULL, NULL));
}

/* A file that is bad and has no good form: nobody knows what it would have kept. */
static bool any_unknown(const struct sources *sources)
{
	for (size_t i = 0; i < sources->n; i++) {
		if (!sources->items[i].set)
			return true;
	}
	return false;
}

/* Rounds of planning and publishing: what comes while the first plan is made is in the second. */
#define ROUNDS 4

static int plan_and_publish(struct state *s, const struct sources *sources,
			    const struct policy_set *applied, json_t *complaints, struct plan *ret)
{
	const struct plan_host host = {.who = containers_who, .ctx = s};
	_cleanup_close_ int lock = kernel_lock();
	bool news = true;

	if (lock < 0)
		return lock;
	/* Before the host is walked: who comes meanwhile is told of. */
	kernel_set_watch(s->k, sources_ask_identity(sources));
	for (int round = 0; news && round < ROUNDS; round++) {
		_cleanup_(before_freep) struct before *before = before_take(s);
		struct complaints c = {.list = complaints, .applied = applied};
		int err;

		if (!before)
			return -ENOMEM;
		json_array_clear(complaints);
		plan_done(ret);
		err = plan_make(sources, &host, complain, &c, ret);
		if (!err && applied && json_array_size(complaints))
			err = -EINVAL;
		err = err ? err : publish(s, ret, before, any_unknown(sources), &news);
		if (err)
			return err;
	}
	return 0;
}

int state_follow(struct state *s, struct sources *sources, const struct policy_set *applied,
		 json_t *complaints)
{
	_cleanup_(plan_done) struct plan plan = {};
	int err = plan_and_publish(s, sources, applied, complaints, &plan);

	if (err)
		return err;
	/* The plan borrows from the sources: both change hands together. */
	plan_done(&s->plan);
	if (sources != &s->sources) {
		sources_done(&s->sources);
		s->sources = *sources;
		*sources = (struct sources){};
	}
	s->plan = plan;
	plan = (struct plan){};
	return 0;
}

static void log_problems(const json_t *problems)
{
	const json_t *p;
	size_t i;

	json_array_foreach(problems, i, p) {
		const char *hint = json_string_value(json_object_get(p, "hint"));

		log_warn(0, "%s:%d:%d: %s%s%s", json_string_value(json_object_get(p, "file")),
			 (int)json_integer_value(json_object_get(p, "line")),
			 (int)json_integer_value(json_object_get(p, "column")),
			 json_string_value(json_object_get(p, "message")), hint ? "; " : "",
			 hint ?: "");
	}
}

/* What is optional, and not held here: no problem, but to be known. */
static void log_left_out(const struct sources *sources)
{
	for (size_t i = 0; i < sources->n; i++) {
		const struct policy_set *set = sources->items[i].set;

		for (size_t j = 0; set && j < set->n_policies; j++) {
			const struct policy *p = &set->policies[j];
			uint32_t left_out = policy_left_out(p);

			for (uint32_t rule = 0; rule < LEASTCAP_RULES; rule++) {
				if (left_out & LEASTCAP_RULE_BIT(rule))
					log_warn(
						0,
						"policy %s: %s is left out: this kernel cannot hold it",
						p->name, word_rule(rule));
			}
		}
	}
}

/* Do two policies say the same, whatever they select? */
static bool same_rules(const struct policy *a, const struct policy *b)
{
	json_auto_t *x = policy_to_json(a), *y = policy_to_json(b);

	json_object_del(x, "select");
	json_object_del(y, "select");
	return x && json_equal(x, y);
}

/* Tells of every policy whose revision is not what it was. */
static void tell_changes(struct state *s, const struct sources *old, const struct peer *by)
{
	for (size_t i = 0; i < s->sources.n; i++) {
		const struct policy_set *set = s->sources.items[i].set;

		for (size_t j = 0; set && j < set->n_policies; j++) {
			const struct policy *now = &set->policies[j];
			const struct policy *was = sources_find(old, now->name, NULL);
			struct leastcap_policy p = {};

			if (was && same_rules(was, now))
				continue;
			(void)published_policy(s, now->name, &p);
			tell_policy(s, "applied", now->name, p.revision, by);
		}
	}
	for (size_t i = 0; i < old->n; i++) {
		const struct policy_set *set = old->items[i].set;

		for (size_t j = 0; set && j < set->n_policies; j++) {
			if (!sources_find(&s->sources, set->policies[j].name, NULL))
				tell_policy(s, "removed", set->policies[j].name, 0, by);
		}
	}
}

int state_reload(struct state *s, const struct peer *by)
{
	_cleanup_(sources_done) struct sources fresh = {}, old = {};
	json_t *problems = json_array();
	json_auto_t *selectors = json_array();
	int err;

	if (!problems || !selectors)
		return log_err(-ENOMEM, "cannot reload, the policies stay as they are");
	err = sources_load(s->config_dir, s->state_dir, &s->sources, problems, &fresh) ?:
	      sources_copy(&s->sources, &old) ?: state_follow(s, &fresh, NULL, selectors);
	if (err || json_array_extend(problems, selectors)) {
		json_decref(problems);
		return log_err(err, "cannot reload, the policies stay as they are");
	}
	if (!json_equal(problems, s->problems))
		log_problems(problems);
	json_decref(s->problems);
	s->problems = problems;
	log_left_out(&s->sources);
	tell_changes(s, &old, by);
	return 0;
}

/* ---- requests ---- */

static unsigned int answer_error(unsigned int status, const char *message, json_t *errors,
				 json_t **ret)
{
	*ret = json_pack("{s:s}", "error", message);
	if (*ret && errors)
		json_object_set(*ret, "errors", errors);
	return status;
}

static unsigned int answer_errno(int err, const char *what, json_t **ret)
{
	char message[240];

	if (err == -E2BIG || err == -ENOSPC)
		snprintf(
			message, sizeof(message),
			"%s: a map of the kernel is full: bindings (leastcapd --max-bindings), or names, "
			"addresses or file system types of policies",
			what);
	else
		snprintf(message, sizeof(message), "%s: %s", what, strerror(-err));
	return answer_error(500, message, NULL, ret);
}

static unsigned int answer_parse_errors(const char *file, const struct policy_errors *errs,
					json_t **ret)
{
	json_auto_t *errors = json_array();

	for (size_t i = 0; i < errs->n_errors; i++) {
		const struct policy_error *e = &errs->errors[i];

		json_array_append_new(
			errors, problem_new(file, e->pos, e->message, e->hint, e->source_line));
	}
	return answer_error(422, "the policy file has errors", errors, ret);
}

/* How many cgroups a policy is bound to. */
static size_t count_wants(const struct state *s, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < s->plan.n_wants; i++)
		n += !strcmp(s->plan.wants[i].policy->name, name);
	return n;
}

static unsigned int answer_applied(struct state *s, const struct policy_set *set,
				   const struct peer *by, json_t **ret)
{
	json_auto_t *applied = json_array();

	for (size_t i = 0; i < set->n_policies; i++) {
		struct leastcap_policy p = {};

		(void)published_policy(s, set->policies[i].name, &p);
		json_array_append_new(
			applied,
			json_pack("{s:s, s:I, s:I, s:o}", "name", set->policies[i].name, "revision",
				  (json_int_t)p.revision, "bindings",
				  (json_int_t)count_wants(s, set->policies[i].name), "left_out",
				  event_rules(policy_left_out(&set->policies[i]))));
		tell_policy(s, "applied", set->policies[i].name, p.revision, by);
	}
	*ret = json_pack("{s:O}", "applied", applied);
	return *ret ? 200 : 500;
}

/* The applied policies go to disk before they go to the kernel: what is in force survives. */
static int save_all(struct state *s, const struct policy_set *set)
{
	for (size_t i = 0; i < set->n_policies; i++) {
		int err = applied_save(s->state_dir, &set->policies[i]);

		if (err)
			return err;
	}
	return 0;
}

/* The disk as the sources in force have it. */
static void unsave_all(struct state *s, const struct policy_set *set)
{
	for (size_t i = 0; i < set->n_policies; i++) {
		const struct source *source = NULL;
		const struct policy *old =
			sources_find(&s->sources, set->policies[i].name, &source);

		if (old && source->api)
			(void)applied_save(s->state_dir, old);
		else
			(void)applied_remove(s->state_dir, set->policies[i].name);
	}
}

unsigned int state_apply(struct state *s, const char *file, const char *text, size_t len,
			 const struct peer *by, json_t **ret)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	_cleanup_(sources_done) struct sources fresh = {};
	json_auto_t *complaints = json_array();
	struct policy_errors errs = {};
	int err = policy_parse(file, text, len, &set, &errs);

	if (err == -EINVAL) {
		unsigned int status = answer_parse_errors(file, &errs, ret);

		policy_errors_done(&errs);
		return status;
	}
	err = err ?: sources_copy(&s->sources, &fresh);
	for (size_t i = 0; !err && i < set->n_policies; i++) {
		const struct source *source = NULL;
		const char *name = set->policies[i].name;
		char message[512];

		if (sources_find(&s->sources, name, &source) && !source->api) {
			snprintf(message, sizeof(message),
				 "policy \"%s\" is defined in %s: change it there", name,
				 source->file);
			return answer_error(409, message, NULL, ret);
		}
		err = sources_put(&fresh, &set->policies[i]);
	}
	if (err || !complaints)
		return answer_errno(err ?: -ENOMEM, "cannot apply, nothing was changed", ret);
	err = save_all(s, set);
	if (err) {
		unsave_all(s, set);
		return answer_errno(err, "cannot save the policy, nothing was changed", ret);
	}
	err = state_follow(s, &fresh, set, complaints);
	if (err) {
		json_t *complaint;
		size_t i;

		unsave_all(s, set);
		json_array_foreach(complaints, i, complaint)
			json_object_set_new(complaint, "file", event_string(file));
		return err == -EINVAL
			       ? answer_error(
					 422,
					 "the policy selects what is not there, nothing was changed",
					 complaints, ret)
			       : answer_errno(err, "cannot apply, nothing was changed", ret);
	}
	return answer_applied(s, set, by, ret);
}

unsigned int state_remove(struct state *s, const char *name, const struct peer *by, json_t **ret)
{
	_cleanup_(sources_done) struct sources fresh = {};
	json_auto_t *complaints = json_array();
	const struct source *source = NULL;
	char message[512];
	int err;

	if (!sources_find(&s->sources, name, &source)) {
		snprintf(message, sizeof(message), "there is no policy \"%.64s\"", name);
		return answer_error(404, message, NULL, ret);
	}
	if (!source->api) {
		snprintf(message, sizeof(message),
			 "policy \"%s\" is defined in %s: remove it there", name, source->file);
		return answer_error(409, message, NULL, ret);
	}
	err = sources_copy(&s->sources, &fresh) ?: sources_drop(&fresh, name) ?:
	      state_follow(s, &fresh, NULL, complaints);
	if (err)
		return answer_errno(err, "cannot remove, nothing was changed", ret);
	err = applied_remove(s->state_dir, name);
	tell_policy(s, "removed", name, 0, by);
	if (err)
		return answer_errno(err, "removed, but its saved copy cannot be removed", ret);
	*ret = json_pack("{s:s}", "removed", name);
	return *ret ? 200 : 500;
}
