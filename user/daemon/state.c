/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/state.h"

#include <string.h>

#include "audit/event.h"
#include "base/duration.h"
#include "base/log.h"
#include "base/words.h"
#include "daemon/internal.h"
#include "daemon/keep.h"
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
	s->own_problems = json_array();
	s->modes = json_object();
	s->applied = json_object();
	if (!s->config_dir || !s->state_dir || !s->problems || !s->own_problems || !s->modes ||
	    !s->applied)
		return -ENOMEM;
	boot_id(s->boot);
	err = identities_new(o->event, NULL, containers_changed, s, &s->identities) ?:
	      modes_open(s) ?: confirm_open(s) ?: disarm_open(s) ?: hold_open(s, o->event, o->hold_ns) ?:
	      proof_open(s, o->event, o->prove_ns, o->prove_exit);
	if (err)
		return err;
	counted_open(s);
	*ret = TAKE_PTR(s);
	return 0;
}

struct state *state_free(struct state *s)
{
	if (!s)
		return NULL;
	if (s->counted) {
		metrics_count(s);
		counted_save(s);
	}
	json_decref(s->counted);
	hold_done(s);
	proof_done(s);
	identities_free(s->identities);
	plan_done(&s->plan);
	sources_done(&s->sources);
	policy_reads_done(&s->reads);
	names_done(s);
	confirm_done(&s->confirm);
	json_decref(s->problems);
	json_decref(s->own_problems);
	json_decref(s->kept);
	json_decref(s->modes);
	json_decref(s->applied);
	tally_done(&s->tally);
	json_decref(s->disarm);
	free(s->gone);
	free(s->untold);
	free(s->config_dir);
	free(s->state_dir);
	free(s);
	return NULL;
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

static void complain(const struct source *source, const char *file, struct policy_pos pos,
		     const char *message, void *ctx)
{
	struct complaints *c = ctx;

	if (c->applied && (!source->api || !defines(c->applied, source->set->policies[0].name)))
		return;
	if (!file)
		file = source->set ? source->set->file : source->file;
	json_array_append_new(c->list, problem_new(file, pos, message, NULL, NULL));
}

int plan_try(struct state *s, const struct sources *sources, const struct policy_set *applied,
	     json_t *complaints, struct plan *ret)
{
	const struct plan_host host = {.who = containers_who, .keeps = containers_keep, .ctx = s};
	struct complaints c = {.list = complaints, .applied = applied};

	return plan_make(sources, &host, complain, &c, ret);
}

/* Rounds of planning and publishing: what comes while the first plan is made is in the second. */
#define ROUNDS 4

static int plan_and_publish(struct state *s, const struct sources *sources,
			    const struct policy_set *applied, json_t *complaints, struct plan *ret)
{
	_cleanup_(keep_done) struct keep keep = {};
	_cleanup_close_ int lock = kernel_lock();
	bool news = true;
	int err;

	if (lock < 0)
		return lock;
	err = keep_find(s, sources, &keep);
	if (err)
		return err;
	for (int round = 0; news && round < ROUNDS; round++) {
		_cleanup_(before_freep) struct before *before = before_take(s);

		if (!before)
			return -ENOMEM;
		json_array_clear(complaints);
		plan_done(ret);
		err = plan_try(s, sources, applied, complaints, ret);
		if (!err && applied && json_array_size(complaints))
			err = -EINVAL;
		err = err ? err : publish(s, ret, before, &keep, &news);
		if (err)
			return err;
	}
	json_decref(s->kept);
	s->kept = keep_problems(&keep, ret);
	return 0;
}

int state_follow(struct state *s, struct sources *sources, const struct policy_set *applied,
		 json_t *complaints)
{
	_cleanup_(plan_done) struct plan plan = {};
	int err;

	modes_join(s->modes, sources);
	/* A binding that ends now takes its ledger along. */
	metrics_count(s);
	err = plan_and_publish(s, sources, applied, complaints, &plan);
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
	rules_forget(s);
	proof_policies_changed(s);
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

/* Those of a reload that failed do not count as read: no content has this hash, so that the next look tries again. */
static void keep_reads(struct state *s, struct policy_reads *reads, int err)
{
	if (err)
		reads->hash = 1;
	policy_reads_done(&s->reads);
	s->reads = *reads;
	s->n_reloads++;
}

int state_reload(struct state *s, const struct peer *by)
{
	_cleanup_(sources_done) struct sources fresh = {}, old = {};
	struct policy_reads reads = {};
	json_t *problems = json_array();
	json_auto_t *selectors = json_array(), *revisions = revisions_take(s);
	int err;

	if (!problems || !selectors || !revisions)
		return log_err(-ENOMEM, "cannot reload, the policies stay as they are");
	err = sources_load(s->config_dir, s->state_dir, &s->sources, &reads, problems, &fresh) ?:
	      confirm_join(s, &fresh, problems) ?: sources_copy(&s->sources, &old) ?:
	      state_follow(s, &fresh, NULL, selectors);
	keep_reads(s, &reads, err);
	if (err || json_array_extend(problems, selectors) ||
	    json_array_extend(problems, s->own_problems)) {
		json_decref(problems);
		return log_err(err, "cannot reload, the policies stay as they are");
	}
	if (!json_equal(problems, s->problems))
		log_problems(problems);
	json_decref(s->problems);
	s->problems = problems;
	log_left_out(&s->sources);
	tell_changes(s, &old, revisions, by);
	confirm_tell(s, by);
	return 0;
}

int state_reload_changed(struct state *s)
{
	struct policy_reads now = {};
	int err = sources_look(s->config_dir, &now);
	bool same = !err && now.hash == s->reads.hash;

	policy_reads_done(&now);
	if (same)
		return 0;
	/* Also where it cannot be looked: it tells why. */
	log_info("the files of policies have changed");
	return state_reload(s, &(struct peer){.comm = "files"});
}

const struct policy_reads *state_reads(const struct state *s, unsigned int *ret_reload)
{
	*ret_reload = s->n_reloads;
	return &s->reads;
}

/* ---- requests ---- */

size_t count_wants(const struct state *s, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < s->plan.n_wants; i++) {
		const struct want *w = &s->plan.wants[i];

		n += !w->kept && (!strcmp(w->policy->name, name) ||
				  (w->shadow && !strcmp(w->shadow->name, name)));
	}
	return n;
}

static unsigned int answer_applied(struct state *s, const struct apply_request *request,
				   const struct policy_set *set, const json_t *old,
				   const struct peer *by, json_t **ret)
{
	json_t *applied = json_array(), *answer;

	for (size_t i = 0; i < set->n_policies; i++) {
		const char *name = set->policies[i].name;
		struct leastcap_policy p = {};

		(void)published_policy(s, name, &p);
		json_array_append_new(
			applied, json_pack("{s:s, s:I, s:I, s:o, s:b}", "name", shadow_shown(name),
					   "revision", (json_int_t)p.revision, "bindings",
					   (json_int_t)count_wants(s, name), "left_out",
					   event_rules(policy_left_out(&set->policies[i])),
					   "shadow", is_shadow(name)));
		tell_policy(s, "applied", name, old,
			    request->confirm ? json_pack("{s:I}", "confirm_within",
							 (json_int_t)request->confirm)
					     : NULL,
			    by);
	}
	answer = json_pack("{s:o}", "applied", applied);
	if (answer && request->confirm)
		json_object_set_new(answer, "confirm", confirm_json(s));
	return answer_json(answer, ret);
}

void unsave_all(struct state *s, const struct policy_set *set, const struct sources *sources)
{
	for (size_t i = 0; i < set->n_policies; i++) {
		const struct source *source = NULL;
		const struct policy *old = sources_find(sources, set->policies[i].name, &source);

		if (old && source->api)
			(void)applied_save(s->state_dir, old);
		else
			(void)applied_remove(s->state_dir, set->policies[i].name);
	}
}

/* What was parsed becomes part of the sources. 0, or the status of the answer. */
static unsigned int put_all(struct state *s, const struct apply_request *request,
			    struct policy_set *set, struct sources *fresh, json_t **ret)
{
	int err = sources_copy(&s->sources, fresh);

	for (size_t i = 0; !err && i < set->n_policies; i++) {
		const struct source *source = NULL;
		struct policy *p = &set->policies[i];

		if (request->shadow) {
			err = policy_make_shadow(p);
			if (err == -ENAMETOOLONG)
				return answer_text(
					422, ret,
					"policy \"%s\": the name of a shadow has at most %zu characters",
					p->name, SHADOW_NAME_MAX);
		} else if (request->dry_run) {
			/* A file of policies.d may be tried out, too. */
			sources_hide(fresh, p->name);
		} else if (sources_find(&s->sources, p->name, &source) && !source->api) {
			return answer_text(
				409, ret, "policy \"%s\" is defined in %s: change it there",
				p->name,
				sources_find(&s->sources, p->name, NULL)->file ?: source->file);
		}
		err = err ?: sources_put(fresh, p);
	}
	return err ? answer_errno(err, "cannot apply, nothing was changed", ret) : 0;
}

static int save(struct state *s, const struct apply_request *request, const struct policy_set *set,
		const struct peer *by)
{
	int err = request->confirm ? confirm_save(s, set, request->confirm, by)
				   : applied_save_all(s->state_dir, set);

	if (err && !request->confirm)
		unsave_all(s, set, &s->sources);
	return err;
}

static void unsave(struct state *s, const struct apply_request *request,
		   const struct policy_set *set)
{
	if (request->confirm)
		confirm_drop(s);
	else
		unsave_all(s, set, &s->sources);
}

unsigned int state_apply(struct state *s, const struct apply_request *request,
			 const struct peer *by, json_t **ret)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	_cleanup_(sources_done) struct sources fresh = {};
	json_auto_t *complaints = json_array(), *old = revisions_take(s);
	struct policy_errors errs = {};
	unsigned int status = request->dry_run ? 0 : confirm_busy(s, ret);
	int err;

	if (status)
		return status;
	err = policy_parse(request->file, request->text, request->len, &set, &errs);
	if (err == -EINVAL) {
		status = answer_parse_errors(request->file, &errs, ret);
		policy_errors_done(&errs);
		return status;
	}
	if (err || !complaints || !old)
		return answer_errno(err ?: -ENOMEM, "cannot apply, nothing was changed", ret);
	status = put_all(s, request, set, &fresh, ret);
	if (status)
		return status;
	if (request->dry_run)
		return dry_run(s, &fresh, set, request->file, ret);
	err = save(s, request, set, by);
	if (err)
		return answer_unsaved(err, s, ret);
	err = state_follow(s, &fresh, set, complaints);
	if (err) {
		json_t *complaint;
		size_t i;

		unsave(s, request, set);
		json_array_foreach(complaints, i, complaint)
			json_object_set_new(complaint, "file", event_string(request->file));
		return err == -EINVAL
			       ? answer_error(
					 422,
					 "the policy selects what is not there, nothing was changed",
					 complaints, ret)
			       : answer_errno(err, "cannot apply, nothing was changed", ret);
	}
	return answer_applied(s, request, set, old, by, ret);
}

unsigned int state_remove(struct state *s, const char *name, bool shadow, const struct peer *by,
			  json_t **ret)
{
	_cleanup_(sources_done) struct sources fresh = {};
	json_auto_t *complaints = json_array(), *old = revisions_take(s);
	_cleanup_free_ char *full = NULL;
	const struct source *source = NULL;
	const struct policy *was;
	unsigned int status = confirm_busy(s, ret);
	int err;

	if (status)
		return status;
	if (asprintf(&full, "%s%s", shadow ? LEASTCAP_SHADOW_PREFIX : "", name) < 0)
		full = NULL;
	if (!full || !old || !complaints)
		return answer_errno(-ENOMEM, "cannot remove, nothing was changed", ret);
	was = sources_find(&s->sources, full, &source);
	if ((!was && !sources_broken(&s->sources, full)) || (!shadow && is_shadow(full)))
		return answer_text(404, ret, "there is no %s \"%.64s\"",
				   shadow ? "shadow of the policy" : "policy", name);
	if (source && !source->api)
		return answer_text(409, ret, "policy \"%s\" is defined in %s: remove it there",
				   name, was && was->file ? was->file : source->file);
	err = sources_copy(&s->sources, &fresh) ?: sources_drop(&fresh, full);
	if (err)
		return answer_errno(err, "cannot remove, nothing was changed", ret);
	err = applied_remove(s->state_dir, full);
	if (err)
		return answer_unsaved(err, s, ret);
	err = state_follow(s, &fresh, NULL, complaints);
	if (err) {
		if (was)
			(void)applied_save(s->state_dir, was);
		return answer_errno(err, "cannot remove, nothing was changed", ret);
	}
	if (!shadow)
		modes_forget(s, full);
	tell_policy(s, "removed", full, old, NULL, by);
	return answer_json(json_pack("{s:s, s:b}", "removed", name, "shadow", shadow), ret);
}
