/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/plan.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/resolve.h"
#include "policy/compile.h"
#include "policy/pattern.h"
#include "subject/container.h"
#include "subject/unit.h"

void plan_done(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_births; i++)
		free(plan->births[i].path);
	free(plan->births);
	free(plan->wants);
	free(plan->patterns);
	free(plan->ties);
	free(plan->unfit);
	*plan = (struct plan){};
}

int add_want(struct plan *plan, struct want want)
{
	struct want *grown = reallocarray(plan->wants, plan->n_wants + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	plan->wants = grown;
	want.order = plan->n_wants;
	grown[plan->n_wants++] = want;
	return 0;
}

int add_birth(struct plan *plan, struct want_birth birth)
{
	struct want_birth *grown = reallocarray(plan->births, plan->n_births + 1, sizeof(*grown));

	birth.path = strdup(birth.path);
	birth.order = plan->n_births;
	if (grown)
		plan->births = grown;
	if (!grown || !birth.path) {
		free(birth.path);
		return -ENOMEM;
	}
	grown[plan->n_births++] = birth;
	return 0;
}

int add_pattern(struct plan *plan, const struct want_pattern *pattern)
{
	struct want_pattern *grown =
		reallocarray(plan->patterns, plan->n_patterns + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	plan->patterns = grown;
	grown[plan->n_patterns] = *pattern;
	grown[plan->n_patterns].order = plan->n_patterns;
	plan->n_patterns++;
	return 0;
}

/* ---- who wins ---- */

static int compare_orders(size_t a, size_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_wants(const void *a, const void *b)
{
	const struct want *x = a, *y = b;

	if (x->cgroup != y->cgroup)
		return x->cgroup < y->cgroup ? -1 : 1;
	return rank_compare(&x->rank, &y->rank)			  ?:
	       strcmp(x->policy->name, y->policy->name)		  ?:
	       compare_orders(x->order, y->order);
}

static int compare_births(const void *a, const void *b)
{
	const struct want_birth *x = a, *y = b;

	return strcmp(x->path, y->path)				  ?:
	       rank_compare(&x->rank, &y->rank)			  ?:
	       strcmp(x->policy->name, y->policy->name)		  ?:
	       compare_orders(x->order, y->order);
}

static int compare_patterns(const void *a, const void *b)
{
	const struct want_pattern *x = a, *y = b;

	return rank_compare(&x->rank, &y->rank)			  ?:
	       strcmp(x->policy->name, y->policy->name)		  ?:
	       compare_orders(x->order, y->order);
}

/* The kernel looks for a path before it goes through patterns: where a unit's counts more, the path is the unit's. */
static void prefer_units(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_births; i++) {
		struct want_birth *b = &plan->births[i];
		const char *last = strrchr(b->path, '/');

		if (b->rank.kind <= SELECT_UNIT || !last || !unit_valid(last + 1))
			continue;
		for (size_t k = 0;
		     k < plan->n_patterns && plan->patterns[k].rank.kind == SELECT_UNIT; k++) {
			if (!pattern_fits(&plan->patterns[k].pattern, b->path, strlen(b->path)))
				continue;
			b->policy = plan->patterns[k].policy;
			break;
		}
	}
}

static bool same_pos(struct policy_pos a, struct policy_pos b)
{
	return a.line == b.line && a.column == b.column;
}

static bool is_claim_of(const struct want *a, const struct want *b)
{
	return a->policy == b->policy && same_pos(a->pos, b->pos);
}

static int add_tie(struct plan *plan, const struct want *winner, const struct want *loser)
{
	struct plan_tie *grown;

	for (size_t i = 0; i < plan->n_ties; i++) {
		struct plan_tie *tie = &plan->ties[i];

		if (is_claim_of(&tie->winner, winner) && is_claim_of(&tie->loser, loser)) {
			tie->n++;
			return 0;
		}
	}
	grown = reallocarray(plan->ties, plan->n_ties + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	plan->ties = grown;
	grown[plan->n_ties++] = (struct plan_tie){.winner = *winner, .loser = *loser, .n = 1};
	return 0;
}

int plan_settle(struct plan *plan)
{
	size_t kept = 0;
	int err = 0;

	if (plan->n_wants)
		qsort(plan->wants, plan->n_wants, sizeof(*plan->wants), compare_wants);
	for (size_t i = 0; i < plan->n_wants; i++) {
		const struct want *w = &plan->wants[i],
				  *winner = kept ? &plan->wants[kept - 1] : NULL;

		if (!winner || winner->cgroup != w->cgroup)
			plan->wants[kept++] = *w;
		else if (!rank_compare(&winner->rank, &w->rank) && winner->policy != w->policy)
			err = add_tie(plan, winner, w) ?: err;
	}
	plan->n_wants = kept;

	kept = 0;
	if (plan->n_births)
		qsort(plan->births, plan->n_births, sizeof(*plan->births), compare_births);
	for (size_t i = 0; i < plan->n_births; i++) {
		struct want_birth *b = &plan->births[i],
				  *winner = kept ? &plan->births[kept - 1] : NULL;

		if (!winner || strcmp(winner->path, b->path)) {
			plan->births[kept++] = *b;
			continue;
		}
		free(b->path);
	}
	plan->n_births = kept;

	if (plan->n_patterns)
		qsort(plan->patterns, plan->n_patterns, sizeof(*plan->patterns), compare_patterns);
	prefer_units(plan);
	return err;
}

void plan_fit_patterns(struct plan *plan, size_t room)
{
	size_t n = 0, surplus = 0;

	if (plan->n_patterns > room)
		surplus = plan->n_patterns - room;
	/* They are first, being the most specific. */
	while (n < plan->n_patterns && plan->patterns[n].rank.kind == SELECT_UNIT)
		n++;
	surplus = surplus < n ? surplus : n;
	if (!surplus)
		return;
	memmove(plan->patterns + n - surplus, plan->patterns + n,
		(plan->n_patterns - n) * sizeof(*plan->patterns));
	plan->n_patterns -= surplus;
	plan->pending += surplus;
}

/*
 * What a pattern, or being a container, selects below a cgroup that has the same policy is held by it already. The kernel
 * side has the same at birth (inherits() in bpf/birth.bpf.h): a container cannot fill the map with cgroups of its own.
 */
static int leave_nested(const struct maker *m, struct plan *plan)
{
	_cleanup_free_ bool *leave = calloc(plan->n_wants + 1, sizeof(*leave));
	size_t kept = 0;

	if (!leave)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_places; i++) {
		const struct want *w = plan_find(plan, m->places[i].cgroup);
		ssize_t up = m->places[i].parent;

		if (!w || w->rank.kind < SELECT_UNIT_PATTERN)
			continue;
		for (; up >= 0 && !leave[w - plan->wants]; up = m->places[up].parent) {
			const struct want *above = plan_find(plan, m->places[up].cgroup);

			leave[w - plan->wants] = above && above->policy == w->policy;
		}
	}
	for (size_t i = 0; i < plan->n_wants; i++) {
		if (!leave[i])
			plan->wants[kept++] = plan->wants[i];
	}
	plan->n_wants = kept;
	return 0;
}

/* A policy that this kernel cannot hold whole is not bound at all. */
static bool is_held(struct maker *m, const struct source *source, const struct policy *policy)
{
	_cleanup_free_ char *why = policy_unsupported(policy);

	if (why)
		maker_lose(m, source, policy, policy->pos,
			   "unsupported: %s; `optional:` names what may be left out", why);
	return !why;
}

const struct want *plan_find(const struct plan *plan, uint64_t cgroup)
{
	size_t low = 0, high = plan->n_wants;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (plan->wants[mid].cgroup == cgroup)
			return &plan->wants[mid];
		if (plan->wants[mid].cgroup < cgroup)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static int by_path(const void *a, const void *b)
{
	const struct want_birth *x = a, *y = b;

	return strcmp(x->path, y->path);
}

const struct want_birth *plan_find_birth(const struct plan *plan, const char *path)
{
	const struct want_birth key = {.path = (char *)path};

	return plan->n_births ? bsearch(&key, plan->births, plan->n_births, sizeof(key), by_path)
			      : NULL;
}

/* Is what comes by this path given a policy that is in force? A shadow, which refuses nothing, is not to take its place. */
static bool is_covered(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->n_patterns; i++) {
		if (pattern_fits(&plan->patterns[i].pattern, path, strlen(path)))
			return true;
	}
	return plan->any && container_from_path(path, NULL, NULL);
}

int plan_join_shadows(struct plan *plan, const struct plan *shadows)
{
	size_t n = plan->n_wants, n_births = plan->n_births;
	int err = 0;

	for (size_t i = 0; !err && i < shadows->n_wants; i++) {
		const struct want *shadow = &shadows->wants[i], *w;
		struct plan known = {.wants = plan->wants, .n_wants = n};

		w = plan_find(&known, shadow->cgroup);
		if (w)
			plan->wants[w - plan->wants].shadow = shadow->policy;
		else
			err = add_want(plan, *shadow);
	}
	for (size_t i = 0; !err && i < shadows->n_births; i++) {
		struct plan known = {.births = plan->births, .n_births = n_births};

		if (!plan_find_birth(&known, shadows->births[i].path) &&
		    !is_covered(plan, shadows->births[i].path))
			err = add_birth(plan, shadows->births[i]);
	}
	/* Else they are in order. */
	if (plan->n_wants > n)
		qsort(plan->wants, plan->n_wants, sizeof(*plan->wants), compare_wants);
	if (plan->n_births > n_births)
		qsort(plan->births, plan->n_births, sizeof(*plan->births), compare_births);
	for (size_t i = 0; !err && i < shadows->n_ties; i++)
		err = add_tie(plan, &shadows->ties[i].winner, &shadows->ties[i].loser);
	plan->any = plan->any ?: shadows->any;
	/* Cgroups that come by a shadow's pattern are found when it is looked for them. */
	plan->pending += shadows->pending + shadows->n_patterns;
	return err;
}

/* The plan of the policies in force, or of the shadows. */
static int make(struct maker *m, const struct sources *sources, bool shadows, struct plan *plan)
{
	int err = 0;

	m->plan = plan;
	for (size_t i = 0; !err && i < sources->n; i++) {
		const struct policy_set *set = sources->items[i].set;

		for (size_t j = 0; !err && set && j < set->n_policies; j++) {
			const struct policy *p = &set->policies[j];

			m->file = p->file;
			if (is_shadow(p->name) != shadows || !is_held(m, &sources->items[i], p))
				continue;
			plan->shadows = shadows;
			for (size_t k = 0; !err && k < p->n_selectors; k++)
				err = resolve(m, &sources->items[i], p, &p->selectors[k]);
		}
	}
	if (err)
		return err;
	if (!shadows && !plan->any && sources_ask_identity(sources)) {
		err = resolve_unselected(m);
		if (err)
			return err;
	}
	return plan_settle(plan) ?: leave_nested(m, plan);
}

int plan_make(const struct sources *sources, const struct plan_host *host,
	      plan_complain_fn complain, void *ctx, struct plan *ret)
{
	_cleanup_(plan_done) struct plan plan = {}, shadows = {};
	_cleanup_(places_done) struct maker m = {.host = host, .complain = complain, .ctx = ctx};
	int err = places_find(&m);

	err = err ?: make(&m, sources, false, &plan) ?: make(&m, sources, true, &shadows) ?:
	      plan_join_shadows(&plan, &shadows);
	if (err)
		return err;
	plan.shadows = shadows.shadows;
	*ret = plan;
	plan = (struct plan){};
	return 0;
}
