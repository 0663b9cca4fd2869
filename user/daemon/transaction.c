/* SPDX-License-Identifier: GPL-2.0-only */
/* From sources to what is in force: all of it, in the kernel and on disk, or nothing. */
#include <string.h>

#include "base/log.h"
#include "daemon/before.h"
#include "daemon/change.h"
#include "daemon/internal.h"
#include "daemon/keep.h"
#include "daemon/ties.h"
#include "daemon/unfit.h"

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

static void complain(const struct source *source, const struct policy *lost, const char *file,
		     struct policy_pos pos, const char *message, void *ctx)
{
	struct complaints *c = ctx;

	if (c->applied && (!source->api || !defines(c->applied, source->set->policies[0].name)))
		return;
	json_array_append_new(c->list,
			      problem_new(source_shown(source, file), pos, message, NULL, NULL));
}

int plan_try(struct state *s, const struct sources *sources, const struct policy_set *applied,
	     json_t *complaints, struct plan *ret)
{
	const struct plan_host host = {.who = containers_who, .keeps = containers_keep, .ctx = s};
	struct complaints c = {.list = complaints, .applied = applied};
	int err = plan_make(sources, &host, complain, &c, ret);

	if (!err && applied)
		ties_planned(ret, applied, complaints);
	return err;
}

/* What there was no room for is the last complaint: the policy that did not fit, or all of them. */
static void complain_unfit(const struct state *s, const struct sources *sources,
			   const struct plan *plan, const struct leave_out *may, int err,
			   json_t *complaints)
{
	const struct plan_unfit *last = plan->n_unfit ? &plan->unfit[plan->n_unfit - 1] : NULL;
	char why[ERROR_TEXT_LEN];

	if (last && !unfit_may(s, may, last->policy->name))
		json_array_append_new(complaints, unfit_refusal(s, sources, plan));
	else if (error_is_room(err))
		json_array_append_new(complaints, problem_new(s->config_dir, (struct policy_pos){},
							      error_text(s, err, why), NULL, NULL));
}

static int plan_and_publish_once(struct state *s, const struct sources *sources,
				 const struct policy_set *applied, const struct keep *keep,
				 json_t *complaints, struct plan *ret, bool *ret_news)
{
	/* There is nothing to go on with, or nobody has changed anything. */
	const struct leave_out may = {.any = !s->followed || sources == &s->sources,
				      .applied = applied};
	_cleanup_(before_freep) struct before *before = before_take(s);
	int err;

	if (!before)
		return -ENOMEM;
	err = plan_try(s, sources, applied, complaints, ret);
	if (!err && applied && json_array_size(complaints))
		err = -EINVAL;
	err = err ?: publish(s, sources, ret, before, keep, &may, ret_news);
	if (err)
		complain_unfit(s, sources, ret, &may, err, complaints);
	return err;
}

/* Rounds of planning and publishing: what comes while the first plan is made is in the second. */
#define ROUNDS 4

static int plan_and_publish(struct state *s, const struct sources *sources,
			    const struct policy_set *applied, json_t *complaints, struct plan *ret)
{
	_cleanup_(keep_done) struct keep keep = {};
	_cleanup_close_ int lock = kernel_lock();
	uint64_t born = 0;
	bool news = true;
	int err;

	if (lock < 0)
		return lock;
	err = keep_find(s, sources, &keep);
	for (int round = 0; !err && news && round < ROUNDS; round++) {
		_cleanup_(plan_done) struct plan plan = {};
		json_auto_t *found = json_array();

		born = __atomic_load_n(&kernel_state(s->k)->born, __ATOMIC_SEQ_CST);
		err = found ? plan_and_publish_once(s, sources, applied, &keep, found, &plan, &news)
			    : -ENOMEM;
		/*
		 * The first round has put it into force. What came or went since is looked at again, as if it had come a
		 * moment later.
		 */
		if (err && round) {
			s->again = true;
			err = 0;
			break;
		}
		json_array_clear(complaints);
		json_array_extend(complaints, found);
		plan_done(ret);
		*ret = plan;
		plan = (struct plan){};
	}
	if (err)
		return err;
	/* What was born since the last look may have what was in force before. Those that were under way have been waited for. */
	if (news || born != __atomic_load_n(&kernel_state(s->k)->born, __ATOMIC_SEQ_CST))
		s->again = true;
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
	s->followed = true;
	rules_forget(s);
	revisions_forget(s);
	proof_policies_changed(s);
	ties_follow(s);
	unfit_follow(s);
	/* A daemon that is killed now takes no number along that somebody has seen. */
	if (s->revised)
		counted_save(s);
	return 0;
}

/* ---- and the disk ---- */

static json_t *use_modes(struct state *s, json_t *modes)
{
	json_t *old = s->modes;

	s->modes = json_incref(modes);
	return old;
}

/* What cannot be saved is not to be in force. modes and sources are from before. */
static unsigned int take_back(struct state *s, struct sources *sources, json_t *modes, int why,
			      json_t **ret)
{
	json_auto_t *complaints = json_array();
	int err;

	json_decref(use_modes(s, modes));
	err = complaints ? state_follow(s, sources, NULL, complaints) : -ENOMEM;
	if (!err)
		return answer_unsaved(why, s, ret);
	log_err(err, "what was changed is in force, and cannot be saved in %s or taken back",
		s->state_dir);
	return answer_text(
		500, ret,
		"it is in force, and cannot be saved in %s: %s; when policies are read again, what was "
		"before comes back",
		s->state_dir, strerror(-why));
}

/* The last complaint says for what there was no room, see complain_unfit(). */
static unsigned int answer_refused(const struct state *s, int err, const json_t *complaints,
				   json_t **ret)
{
	const json_t *last = json_array_get(complaints, json_array_size(complaints) - 1);
	const char *message = json_string_value(json_object_get(last, "message"));

	if (error_is_room(err) && message)
		return answer_text(507, ret, "nothing was changed: %s", message);
	return answer_errno(s, err, "nothing was changed", ret);
}

unsigned int state_change(struct state *s, struct sources *sources,
			  const struct policy_set *applied, json_t *modes, struct change *change,
			  json_t **ret)
{
	_cleanup_(sources_done) struct sources before = {};
	json_auto_t *complaints = json_array(), *old = use_modes(s, modes ?: s->modes);
	unsigned int status = 0;
	int err = complaints ? sources_copy(&s->sources, &before) : -ENOMEM;

	err = err ?: state_follow(s, sources, applied, complaints);
	if (err)
		json_decref(use_modes(s, old));
	if (err == -EINVAL)
		return answer_error(422,
				    "the policy selects what it cannot have, nothing was changed",
				    complaints, ret);
	if (err)
		return answer_refused(s, err, complaints, ret);
	err = change_commit(change);
	if (err)
		status = take_back(s, &before, old, err, ret);
	return status;
}

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
