/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The plan becomes the kernel's: fill, flip, and only then take away. What fails half-way is turned back, so that
 * the old policy stays in force.
 */
#include <string.h>

#include "daemon/before.h"
#include "daemon/gone.h"
#include "daemon/internal.h"
#include "daemon/keep.h"
#include "policy/compile.h"

/* Bindings of `leastcap run` are its own. */
#define RUN_PREFIX "run:"

/* ---- the policies the kernel has ---- */

struct newest {
	const char *name;
	struct leastcap_policy policy; /* id 0: none */
};

static int note_newest(const struct leastcap_policy *p, void *ctx)
{
	struct newest *n = ctx;

	if (!strcmp(p->name, n->name) && (!n->policy.id || p->revision >= n->policy.revision))
		n->policy = *p;
	return 0;
}

int published_policy(struct state *s, const char *name, struct leastcap_policy *ret)
{
	struct newest n = {.name = name};
	int err = kernel_policy_each(s->k, note_newest, &n);

	if (err)
		return err;
	if (!n.policy.id)
		return -ENOENT;
	*ret = n.policy;
	return 0;
}

struct ids {
	const struct policy **policies;
	uint64_t *ids;
	size_t n;
};

static void ids_done(struct ids *ids)
{
	free(ids->policies);
	free(ids->ids);
}

/* The id of a policy's present content: what has not changed keeps its id and its revision. */
static int policy_id(struct state *s, struct ids *ids, const struct policy *policy, uint64_t *ret)
{
	struct leastcap_policy p = {}, now;
	struct kernel_lists lists;
	const struct policy **policies;
	uint64_t *numbers;
	int err;

	for (size_t i = 0; i < ids->n; i++) {
		if (ids->policies[i] == policy) {
			*ret = ids->ids[i];
			return 0;
		}
	}
	err = published_policy(s, policy->name, &p);
	if (err && err != -ENOENT)
		return err;
	policy_compile(policy, &now, &lists, NULL);
	if (err || p.content != now.content) {
		now.revision = err ? 1 : p.revision + 1;
		p = now;
		err = kernel_policy_add(s->k, &p, &lists);
		if (err)
			return err;
	}
	policies = reallocarray(ids->policies, ids->n + 1, sizeof(*policies));
	if (policies)
		ids->policies = policies;
	numbers = reallocarray(ids->ids, ids->n + 1, sizeof(*numbers));
	if (numbers)
		ids->ids = numbers;
	if (!policies || !numbers)
		return -ENOMEM;
	ids->policies[ids->n] = policy;
	ids->ids[ids->n++] = p.id;
	*ret = p.id;
	return 0;
}

/* ---- forwards and back ---- */

/* Is a pattern among those that are wanted? */
static bool has_pattern(const struct leastcap_birth_pattern *patterns, size_t n,
			const struct leastcap_pattern *pattern)
{
	for (size_t i = 0; i < n; i++) {
		if (!memcmp(&patterns[i].pattern, pattern, sizeof(*pattern)))
			return true;
	}
	return false;
}

/* In one step, and the last that can fail. What is kept stays before what is new: it is not to be loosened by it. */
static int put_patterns(struct state *s, struct plan *plan, const struct before *before,
			struct ids *ids, const struct keep *keep, bool *ret_changed)
{
	_cleanup_free_ struct leastcap_birth_pattern *patterns =
		calloc(plan->n_patterns + before->n_patterns + 1, sizeof(*patterns));
	size_t n = 0;

	if (!patterns)
		return -ENOMEM;
	for (size_t i = 0; i < before->n_patterns; i++) {
		if (keep_has(keep, before->patterns[i].policy))
			patterns[n++] = before->patterns[i];
	}
	plan_fit_patterns(plan, LEASTCAP_PATTERNS - n);
	for (size_t i = 0; i < plan->n_patterns; i++) {
		const struct want_pattern *w = &plan->patterns[i];
		uint64_t id = 0;
		int err;

		if (has_pattern(patterns, n, &w->pattern))
			continue;
		err = policy_id(s, ids, w->policy, &id);
		if (err)
			return err;
		patterns[n++] =
			(struct leastcap_birth_pattern){.pattern = w->pattern, .policy = id};
	}
	return kernel_patterns_set(s->k, patterns, n, ret_changed);
}

static int put_want(struct state *s, struct want *w, struct before *before, struct ids *ids,
		    const struct keep *keep)
{
	const struct leastcap_binding *old = NULL;
	uint64_t id = 0, shadow = 0;
	int err = before_look(s, before, w->cgroup, &old);

	w->kept = old && keep_has(keep, old->policy);
	if (err || w->kept)
		return err;
	err = policy_id(s, ids, w->policy, &id);
	if (!err && w->shadow)
		err = policy_id(s, ids, w->shadow, &shadow);
	if (err || (old && old->policy == id && old->shadow == shadow))
		return err;
	err = kernel_bind(s->k, w->cgroup, w->level, id, shadow, old ? old->flags : 0);
	w->bound = !err && !old;
	return err;
}

static int put_wanted(struct state *s, struct plan *plan, struct before *before, struct ids *ids,
		      const struct keep *keep, bool *ret_patterns)
{
	uint64_t id = 0;
	int err = 0;

	for (size_t i = 0; !err && i < plan->n_wants; i++)
		err = put_want(s, &plan->wants[i], before, ids, keep);
	for (size_t i = 0; !err && i < plan->n_births; i++) {
		const struct want_birth *w = &plan->births[i];
		const struct saved_birth *old = before_find_birth(before, w->path);

		if (old && keep_has(keep, old->policy))
			continue;
		err = policy_id(s, ids, w->policy, &id);
		if (!err && (!old || old->policy != id))
			err = kernel_birth_set(s->k, w->path, id);
	}
	id = 0;
	if (!err && plan->any)
		err = policy_id(s, ids, plan->any, &id);
	if (!err)
		err = put_patterns(s, plan, before, ids, keep, ret_patterns);
	if (!err && !keep_has(keep, before->any))
		kernel_set_default(s->k, id);
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
 * for the tasks that carry it, and follows its policy's name. gone.c ends it.
 */
static int drop_binding(struct state *s, const struct leastcap_binding *b, const struct ids *ids)
{
	struct leastcap_policy p = {};

	if (!kernel_policy_get(s->k, b->policy, &p) &&
	    !strncmp(p.name, RUN_PREFIX, strlen(RUN_PREFIX)))
		return 0;
	if (gone_untold(s, b->cgroup))
		return 0;
	for (size_t i = 0; is_gone(s, b->cgroup) && i < ids->n; i++) {
		if (!strcmp(ids->policies[i]->name, p.name))
			return b->policy == ids->ids[i] ? 0
							: kernel_bind(s->k, b->cgroup, b->level,
								      ids->ids[i], 0, b->flags);
	}
	return kernel_unbind(s->k, b->cgroup);
}

static void drop_unwanted(struct state *s, const struct plan *plan, const struct before *before,
			  const struct ids *ids, const struct keep *keep)
{
	for (size_t i = 0; i < before->n_bindings; i++) {
		const struct leastcap_binding *b = &before->bindings[i];

		if (!plan_find(plan, b->cgroup) && !keep_has(keep, b->policy))
			(void)drop_binding(s, b, ids);
	}
	for (size_t i = 0; i < before->n_births; i++) {
		const struct saved_birth *b = &before->births[i];

		if (!plan_find_birth(plan, b->path) && !keep_has(keep, b->policy))
			(void)kernel_birth_set(s->k, b->path, 0);
	}
}

/* A wanted binding that the kernel did not have: it, or the rule for its birth, came while the plan was made. */
static bool has_news(const struct plan *plan, const struct before *before)
{
	if (plan->any && !before->any)
		return true;
	for (size_t i = 0; i < plan->n_births; i++) {
		if (!before_find_birth(before, plan->births[i].path))
			return true;
	}
	return false;
}

int publish(struct state *s, struct plan *plan, struct before *before, const struct keep *keep,
	    bool *ret_news)
{
	_cleanup_(ids_done) struct ids ids = {};
	bool patterns = false;
	int err = put_wanted(s, plan, before, &ids, keep, &patterns);

	if (err) {
		put_back(s, plan, before);
		kernel_publish(s->k);
		return err;
	}
	kernel_publish(s->k);
	*ret_news = patterns || has_news(plan, before);
	drop_unwanted(s, plan, before, &ids, keep);
	kernel_publish(s->k);
	/* What could not be removed is removed the next time. */
	(void)kernel_policy_collect(s->k);
	return 0;
}
