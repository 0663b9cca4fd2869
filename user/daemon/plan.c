/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/cleanup.h"
#include "policy/compile.h"
#include "subject/cgroup.h"
#include "subject/container.h"
#include "subject/unit.h"

struct maker {
	struct plan *plan;
	plan_complain_fn complain;
	void *ctx;
	struct place *places; /* parents before what is below them */
	size_t n_places;
	char *own; /* path of the cgroup this process is in */
};

__attribute__((format(printf, 4, 5))) static void complain(const struct maker *m,
							   const struct source *source,
							   struct policy_pos pos, const char *fmt,
							   ...)
{
	_cleanup_free_ char *message = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	va_end(args);
	m->complain(source, pos, message ?: "out of memory", m->ctx);
}

void plan_done(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_births; i++)
		free(plan->births[i].path);
	free(plan->births);
	free(plan->wants);
	*plan = (struct plan){};
}

static int add_want(struct plan *plan, struct want want)
{
	struct want *grown = reallocarray(plan->wants, plan->n_wants + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	plan->wants = grown;
	want.order = plan->n_wants;
	grown[plan->n_wants++] = want;
	return 0;
}

static int add_birth(struct plan *plan, struct want_birth birth)
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

/* ---- the containers of the host ---- */

static int note_place(const char *path, uint64_t id, uint32_t level, void *ctx)
{
	struct maker *m = ctx;
	struct place *grown, place = {.cgroup = id, .level = level};

	if (!container_from_path(path, place.id, NULL))
		return 0;
	grown = reallocarray(m->places, m->n_places + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	m->places = grown;
	place.path = strdup(path);
	if (!place.path)
		return -ENOMEM;
	grown[m->n_places++] = place;
	return 0;
}

static void places_done(struct maker *m)
{
	for (size_t i = 0; i < m->n_places; i++)
		free(m->places[i].path);
	free(m->places);
	free(m->own);
}

/* Is one path below the other? */
static bool path_below(const char *path, const char *above)
{
	size_t len = strlen(above);

	return !strcmp(above, "/") || (!strncmp(path, above, len) && path[len] == '/');
}

/* What leastcapd itself needs to go on: without it nobody could change the policy any more. */
#define NEEDED (1ULL << CAP_SYS_ADMIN | 1ULL << CAP_BPF | 1ULL << CAP_PERFMON)

static bool confines_us(const struct maker *m, const struct policy *policy, const char *path)
{
	return policy->mode == LEASTCAP_ENFORCE && (policy->allow & NEEDED) != NEEDED && m->own &&
	       (!strcmp(m->own, path) || path_below(m->own, path));
}

/* ---- one selector ---- */

/* A path of a cgroup that may exist, now or later. */
static int want_path(struct maker *m, struct want want, const char *path, bool must_exist)
{
	struct want_birth birth = {.path = (char *)path,
				   .kind = want.kind,
				   .policy = want.policy,
				   .source = want.source,
				   .pos = want.pos};
	int err = cgroup_id(path, &want.cgroup, &want.level);

	if (confines_us(m, want.policy, path)) {
		complain(
			m, want.source, want.pos,
			"\"%s\" holds leastcapd itself, which needs SYS_ADMIN, BPF and PERFMON: allow "
			"them, or select what is below",
			path);
		return 0;
	}
	if (!err)
		err = add_want(m->plan, want);
	else if (err == -ENOENT) {
		if (must_exist)
			complain(m, want.source, want.pos, "cgroup \"%s\" does not exist", path);
		err = 0;
	} else if (err == -EINVAL) {
		complain(m, want.source, want.pos, "\"%s\" is no path of a cgroup", path);
		return 0;
	}
	if (err)
		return err;
	if (strlen(path) >= LEASTCAP_PATH_LEN) {
		complain(
			m, want.source, want.pos,
			"the path has more than %d characters: a new cgroup of that name is not bound at birth",
			LEASTCAP_PATH_LEN - 1);
		return 0;
	}
	/* The root exists always. */
	return strcmp(path, "/") ? add_birth(m->plan, birth) : 0;
}

/*
 * Every container that the id fits, and none below one that fits: a container may make cgroups of any name inside its
 * own, and must not shed its policy by that.
 */
static int want_container(struct maker *m, struct want want, const char *id)
{
	const struct place *first = NULL;
	bool several = false;

	for (size_t i = 0; i < m->n_places; i++) {
		const struct place *p = &m->places[i];
		bool inside = false;
		int err;

		if (strncmp(p->id, id, strlen(id)))
			continue;
		for (size_t j = 0; j < i && !inside; j++)
			inside = path_below(p->path, m->places[j].path) &&
				 !strncmp(m->places[j].id, id, strlen(id));
		if (inside)
			continue;
		several = several || (first && strcmp(first->id, p->id));
		first = first ? first : p;
		want.cgroup = p->cgroup;
		want.level = p->level;
		err = add_want(m->plan, want);
		if (err)
			return err;
	}
	if (several)
		complain(m, want.source, want.pos,
			 "more than one container has an id that begins with %s", id);
	if (!first) {
		m->plan->pending++;
		complain(m, want.source, want.pos, "no container with the id %s is running", id);
	}
	return 0;
}

static int want_any(struct maker *m, struct want want)
{
	int err = 0;

	if (m->plan->any && m->plan->any != want.policy) {
		complain(m, want.source, want.pos, "policy \"%s\" is for any container already",
			 m->plan->any->name);
		return 0;
	}
	m->plan->any = want.policy;
	for (size_t i = 0; !err && i < m->n_places; i++) {
		want.cgroup = m->places[i].cgroup;
		want.level = m->places[i].level;
		err = add_want(m->plan, want);
	}
	return err;
}

/*
 * A container below one that the default policy holds has it already, as the kernel side takes it at birth
 * (inherits() in bpf/birth.bpf.h): a container cannot fill the map.
 */
static void leave_nested(const struct maker *m, struct plan *plan)
{
	for (size_t i = 0; i < m->n_places; i++) {
		const struct want *w = plan_find(plan, m->places[i].cgroup);
		bool inside = false;

		for (size_t j = 0; w && w->kind == SELECT_ANY_CONTAINER && j < i && !inside; j++) {
			const struct want *above = plan_find(plan, m->places[j].cgroup);

			inside = above && above->policy == w->policy &&
				 path_below(m->places[i].path, m->places[j].path);
		}
		if (inside) {
			size_t at = (size_t)(w - plan->wants);

			memmove(&plan->wants[at], &plan->wants[at + 1],
				(plan->n_wants - at - 1) * sizeof(*plan->wants));
			plan->n_wants--;
		}
	}
}

/* A policy that this kernel cannot hold whole is not bound at all. */
static bool is_held(struct maker *m, const struct source *source, const struct policy *policy)
{
	_cleanup_free_ char *why = policy_unsupported(policy);

	if (why)
		complain(m, source, policy->pos,
			 "unsupported: %s; `optional:` names what may be left out", why);
	return !why;
}

static int resolve(struct maker *m, const struct source *source, const struct policy *policy,
		   const struct selector *selector)
{
	struct want want = {
		.kind = selector->kind, .policy = policy, .source = source, .pos = selector->pos};
	_cleanup_free_ char *path = NULL;
	int err;

	switch (selector->kind) {
	case SELECT_CONTAINER_ID:
		return want_container(m, want, selector->value);
	case SELECT_UNIT:
		err = unit_cgroup(selector->value, &path, NULL);
		if (err == -EINVAL) {
			complain(m, source, selector->pos,
				 "\"%s\" is no name of a service, scope or slice", selector->value);
			return 0;
		}
		return err ?: want_path(m, want, path, false);
	case SELECT_CGROUP:
		return want_path(m, want, selector->value, true);
	case SELECT_ANY_CONTAINER:
		return want_any(m, want);
	}
	return -EINVAL;
}

/* ---- who wins ---- */

static int compare_wants(const void *a, const void *b)
{
	const struct want *x = a, *y = b;

	if (x->cgroup != y->cgroup)
		return x->cgroup < y->cgroup ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int compare_births(const void *a, const void *b)
{
	const struct want_birth *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	if (order)
		return order;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

void plan_settle(struct plan *plan, plan_complain_fn complain_fn, void *ctx)
{
	struct maker m = {.complain = complain_fn, .ctx = ctx};
	size_t kept = 0;

	if (plan->n_wants)
		qsort(plan->wants, plan->n_wants, sizeof(*plan->wants), compare_wants);
	for (size_t i = 0; i < plan->n_wants; i++) {
		const struct want *w = &plan->wants[i],
				  *winner = kept ? &plan->wants[kept - 1] : NULL;

		if (!winner || winner->cgroup != w->cgroup)
			plan->wants[kept++] = *w;
		else if (winner->kind == w->kind && winner->policy != w->policy)
			complain(&m, w->source, w->pos,
				 "policy \"%s\" selects the same cgroup in the same way",
				 winner->policy->name);
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

const struct want_birth *plan_find_birth(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->n_births; i++) {
		if (!strcmp(plan->births[i].path, path))
			return &plan->births[i];
	}
	return NULL;
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

		if (!plan_find_birth(&known, shadows->births[i].path))
			err = add_birth(plan, shadows->births[i]);
	}
	if (plan->n_wants)
		qsort(plan->wants, plan->n_wants, sizeof(*plan->wants), compare_wants);
	if (plan->n_births)
		qsort(plan->births, plan->n_births, sizeof(*plan->births), compare_births);
	plan->any = plan->any ?: shadows->any;
	plan->pending += shadows->pending;
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

			if (is_shadow(p->name) != shadows || !is_held(m, &sources->items[i], p))
				continue;
			plan->shadows = shadows;
			for (size_t k = 0; !err && k < p->n_selectors; k++)
				err = resolve(m, &sources->items[i], p, &p->selectors[k]);
		}
	}
	if (err)
		return err;
	plan_settle(plan, m->complain, m->ctx);
	leave_nested(m, plan);
	return 0;
}

int plan_make(const struct sources *sources, plan_complain_fn complain_fn, void *ctx,
	      struct plan *ret)
{
	_cleanup_(plan_done) struct plan plan = {}, shadows = {};
	_cleanup_(places_done) struct maker m = {.complain = complain_fn, .ctx = ctx};
	int err = cgroup_walk(note_place, &m);

	(void)cgroup_of(getpid(), &m.own);
	err = err ?: make(&m, sources, false, &plan) ?: make(&m, sources, true, &shadows) ?:
	      plan_join_shadows(&plan, &shadows);
	if (err)
		return err;
	plan.shadows = shadows.shadows;
	*ret = plan;
	plan = (struct plan){};
	return 0;
}
