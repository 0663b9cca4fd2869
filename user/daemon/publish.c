/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The plan becomes the kernel's: fill, flip, and only then take away. What fails half-way is turned back, so that
 * the old policy stays in force.
 */
#include <string.h>

#include "daemon/before.h"
#include "daemon/gone.h"
#include "daemon/in_force.h"
#include "daemon/internal.h"
#include "daemon/keep.h"
#include "daemon/unfit.h"
#include "policy/compile.h"
#include "subject/cgroup.h"

/* Bindings of `leastcap run` are its own. */
#define RUN_PREFIX "run:"

/* What is asked for, and what has come of it so far. */
struct publishing {
	struct state *s;
	const struct sources *sources;
	struct plan *plan;
	struct before *before;
	const struct keep *keep;
	const struct leave_out *may;
	struct in_force in_force; /* before any of it was done */
	struct published *policies;
	size_t n_policies;
	bool patterns; /* they are others now */
};

struct published {
	const struct policy *policy;
	uint64_t id;
	int err; /* it has none */
};

static int add_policy(struct publishing *p, const struct policy *policy, uint64_t *ret)
{
	const struct leastcap_policy *has = in_force_find(&p->in_force, policy->name);
	struct leastcap_policy now;
	struct kernel_lists lists;
	int err;

	policy_compile(policy, &now, &lists, NULL);
	if (has && has->content == now.content) {
		*ret = has->id;
		return 0;
	}
	now.revision = revision_next(p->s, &now, has);
	err = kernel_policy_add(p->s->k, &now, &lists);
	if (!err)
		*ret = now.id;
	return err;
}

/* The id of a policy's present content: what has not changed keeps its id and its revision. */
static int policy_id(struct publishing *p, const struct policy *policy, uint64_t *ret)
{
	struct published one = {.policy = policy}, *grown;

	for (size_t i = 0; i < p->n_policies; i++) {
		if (p->policies[i].policy != policy)
			continue;
		*ret = p->policies[i].id;
		return p->policies[i].err;
	}
	one.err = add_policy(p, policy, &one.id);
	grown = reallocarray(p->policies, p->n_policies + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->policies = grown;
	grown[p->n_policies++] = one;
	*ret = one.id;
	return one.err;
}

/* Something of a policy does not fit. 0: then without. */
static int leave_out(struct publishing *p, const struct policy *policy, int err, bool subject)
{
	int no_memory = unfit_note(p->plan, policy, err, subject);

	return unfit_may(p->s, p->may, policy->name) ? no_memory : err;
}

/* ---- forwards and back ---- */

/* The policy of a pattern; 0: it is none of them. */
static uint64_t pattern_policy(const struct leastcap_birth_pattern *patterns, size_t n,
			       const struct leastcap_pattern *pattern)
{
	for (size_t i = 0; i < n; i++) {
		if (!memcmp(&patterns[i].pattern, pattern, sizeof(*pattern)))
			return patterns[i].policy;
	}
	return 0;
}

/* In one step, and the last that can fail. What is kept stays before what is new: it is not to be loosened by it. */
static int put_patterns(struct publishing *p)
{
	const struct before *before = p->before;
	struct plan *plan = p->plan;
	_cleanup_free_ struct leastcap_birth_pattern *patterns =
		calloc(plan->n_patterns + before->n_patterns + 1, sizeof(*patterns));
	size_t n = 0;

	if (!patterns)
		return -ENOMEM;
	for (size_t i = 0; i < before->n_patterns; i++) {
		if (keep_has(p->keep, before->patterns[i].policy))
			patterns[n++] = before->patterns[i];
	}
	plan_fit_patterns(plan, LEASTCAP_PATTERNS - n);
	for (size_t i = 0; i < plan->n_patterns; i++) {
		const struct want_pattern *w = &plan->patterns[i];
		uint64_t id = 0;
		int err;

		if (pattern_policy(patterns, n, &w->pattern))
			continue;
		err = n < LEASTCAP_PATTERNS ? policy_id(p, w->policy, &id) : -E2BIG;
		if (err) {
			err = leave_out(p, w->policy, err, false);
			id = pattern_policy(before->patterns, before->n_patterns, &w->pattern);
		}
		if (err)
			return err;
		if (id && n < LEASTCAP_PATTERNS)
			patterns[n++] = (struct leastcap_birth_pattern){.pattern = w->pattern,
									.policy = id};
	}
	return kernel_patterns_set(p->s->k, patterns, n, &p->patterns);
}

/* old: NULL where there was none. */
static int bind_want(struct publishing *p, struct want *w, const struct leastcap_binding *old,
		     uint64_t id, uint64_t shadow)
{
	int err;

	if (!old) {
		err = kernel_bind_new(p->s->k, w->cgroup, w->level, id, shadow);
		w->bound = !err;
		if (err != -EEXIST)
			return err;
		/* It was bound at birth meanwhile; or was, and is gone already. */
		err = before_add(p->s, p->before, w->cgroup, &old);
		if (err)
			return err == -ENOENT ? 0 : err;
		w->kept = keep_has(p->keep, old->policy);
	}
	if (w->kept || (old->policy == id && old->shadow == shadow))
		return 0;
	return kernel_bind(p->s->k, w->cgroup, w->level, id, shadow, old->flags);
}

static int put_want(struct publishing *p, struct want *w)
{
	const struct leastcap_binding *old = before_find(p->before, w->cgroup);
	uint64_t id = 0, shadow = 0;
	int err;

	w->kept = old && keep_has(p->keep, old->policy);
	if (w->kept)
		return 0;
	err = w->shadow ? policy_id(p, w->shadow, &shadow) : 0;
	if (err)
		err = leave_out(p, w->shadow, err, true);
	if (err)
		return err;
	err = policy_id(p, w->policy, &id) ?: bind_want(p, w, old, id, shadow);
	if (!err)
		return 0;
	w->kept = w->unfit = true;
	return leave_out(p, w->policy, err, true);
}

static int put_birth(struct publishing *p, struct want_birth *w)
{
	const struct saved_birth *old = before_find_birth(p->before, w->path);
	uint64_t id = 0;
	int err;

	if (old && keep_has(p->keep, old->policy))
		return 0;
	err = policy_id(p, w->policy, &id);
	if (!err && (!old || old->policy != id))
		err = kernel_birth_set(p->s->k, w->path, id);
	w->unfit = err;
	return err ? leave_out(p, w->policy, err, false) : 0;
}

/* Those that refuse something come first: where there is no room for all, they have it. */
static int put_wants(struct publishing *p)
{
	int err = 0;

	for (int audit = 0; audit < 2; audit++) {
		for (size_t i = 0; !err && i < p->plan->n_wants; i++) {
			struct want *w = &p->plan->wants[i];

			if ((w->policy->mode == LEASTCAP_AUDIT) == audit)
				err = put_want(p, w);
		}
	}
	return err;
}

static int put_wanted(struct publishing *p)
{
	uint64_t id = 0;
	int err = put_wants(p);

	for (size_t i = 0; !err && i < p->plan->n_births; i++)
		err = put_birth(p, &p->plan->births[i]);
	if (!err && p->plan->any) {
		err = policy_id(p, p->plan->any, &id);
		if (err) {
			id = p->before->any;
			err = leave_out(p, p->plan->any, err, false);
		}
	}
	if (!err)
		err = put_patterns(p);
	if (!err && !keep_has(p->keep, p->before->any))
		kernel_set_default(p->s->k, id);
	return err;
}

static void put_back(struct state *s, const struct plan *plan, const struct before *before)
{
	for (size_t i = 0; i < plan->n_wants; i++) {
		if (plan->wants[i].bound)
			(void)kernel_unbind(s->k, plan->wants[i].cgroup);
	}
	for (size_t i = 0; i < before->n_bindings; i++) {
		const struct leastcap_binding *b = &before->bindings[i];

		(void)kernel_bind(s->k, b->cgroup, b->level, b->policy, b->shadow, b->flags);
	}
	for (size_t i = 0; i < plan->n_births; i++) {
		if (!before_find_birth(before, plan->births[i].path))
			(void)kernel_birth_set(s->k, plan->births[i].path, 0);
	}
	for (size_t i = 0; i < before->n_births; i++)
		(void)kernel_birth_set(s->k, before->births[i].path, before->births[i].policy);
	kernel_set_default(s->k, before->any);
}

/*
 * A binding that nobody wants. If its cgroup is gone it stays until that is told, with what its ledger has; then it is there
 * for the tasks that carry it, and follows its policy's name for as long as there is one. gone.c ends it.
 * True: it has ended.
 */
static bool drop_binding(struct publishing *done, const struct leastcap_binding *b)
{
	struct state *s = done->s;
	const struct policy *policy = NULL;
	struct leastcap_policy p = {};
	uint64_t id;

	if (!kernel_policy_get(s->k, b->policy, &p) &&
	    !strncmp(p.name, RUN_PREFIX, strlen(RUN_PREFIX)))
		return false;
	if (gone_untold(s, b->cgroup))
		return false;
	/* Given at its birth, and too deep to be seen. */
	if (b->level > CGROUP_LEVELS_MAX && !is_gone(s, b->cgroup))
		return false;
	if (is_gone(s, b->cgroup))
		policy = sources_find(done->sources, p.name, NULL);
	if (!policy) {
		gone_unbound(s, b);
		if (kernel_unbind(s->k, b->cgroup))
			return false;
		tally_end(&s->tally, b->cgroup);
		return true;
	}
	/* What has no room leaves what was. */
	if (!policy_id(done, policy, &id) && b->policy != id)
		(void)kernel_bind(s->k, b->cgroup, b->level, id, 0, b->flags);
	return false;
}

/* Returns how many bindings have ended: so much room there is now. */
static size_t drop_unwanted(struct publishing *p)
{
	const struct before *before = p->before;
	size_t n = 0;

	for (size_t i = 0; i < before->n_bindings; i++) {
		const struct leastcap_binding *b = &before->bindings[i];

		if (!plan_find(p->plan, b->cgroup) && !keep_has(p->keep, b->policy))
			n += drop_binding(p, b);
	}
	for (size_t i = 0; i < before->n_births; i++) {
		const struct saved_birth *b = &before->births[i];

		if (!plan_find_birth(p->plan, b->path) && !keep_has(p->keep, b->policy))
			(void)kernel_birth_set(p->s->k, b->path, 0);
	}
	return n;
}

/* A wanted binding that the kernel did not have: it, or the rule for its birth, came while the plan was made. */
static bool has_news(const struct publishing *p)
{
	if (kernel_default(p->s->k) && !p->before->any)
		return true;
	for (size_t i = 0; i < p->plan->n_births; i++) {
		const struct want_birth *w = &p->plan->births[i];

		if (!w->unfit && !before_find_birth(p->before, w->path))
			return true;
	}
	return p->patterns;
}

static void note_revisions(const struct publishing *p)
{
	for (size_t i = 0; i < p->n_policies; i++) {
		struct leastcap_policy policy;

		if (!p->policies[i].err && !kernel_policy_get(p->s->k, p->policies[i].id, &policy))
			revision_note(p->s, &policy);
	}
}

int publish(struct state *s, const struct sources *sources, struct plan *plan,
	    struct before *before, const struct keep *keep, const struct leave_out *may,
	    bool *ret_news)
{
	struct publishing p = {.s = s,
			       .sources = sources,
			       .plan = plan,
			       .before = before,
			       .keep = keep,
			       .may = may};
	int err = in_force_read(s, &p.in_force);

	if (err)
		return err;
	err = put_wanted(&p);
	if (err)
		put_back(s, plan, before);
	kernel_publish(s->k);
	kernel_patterns_settle(s->k);
	if (!err) {
		*ret_news = has_news(&p);
		if (drop_unwanted(&p) && plan->n_unfit)
			*ret_news = true;
		note_revisions(&p);
		kernel_publish(s->k);
	}
	/*
	 * Also what was added for nothing. What could not be removed is removed the next time, which is at once where there
	 * is news. What did not fit needs the room then.
	 */
	if (err || !*ret_news || plan->n_unfit)
		(void)kernel_policy_collect(s->k);
	in_force_done(&p.in_force);
	free(p.policies);
	return err;
}
