/* SPDX-License-Identifier: GPL-2.0-only */
/* From selectors to the cgroups of this host, those that are there and those that may come. */
#include "daemon/resolve.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <leastcap/decide.h>

#include "base/cleanup.h"
#include "daemon/needs.h"
#include "policy/match.h"
#include "policy/pattern.h"
#include "prove/prove.h"
#include "subject/cgroup.h"
#include "subject/container.h"
#include "subject/unit.h"

static void complain(const struct maker *m, const struct source *source, const struct policy *lost,
		     struct policy_pos pos, const char *fmt, va_list args)
	__attribute__((format(printf, 5, 0)));
static void complain(const struct maker *m, const struct source *source, const struct policy *lost,
		     struct policy_pos pos, const char *fmt, va_list args)
{
	_cleanup_free_ char *message = NULL;

	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	m->complain(source, lost, m->file, pos, message ?: "out of memory", m->ctx);
}

void maker_complain(const struct maker *m, const struct source *source, struct policy_pos pos,
		    const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(m, source, NULL, pos, fmt, args);
	va_end(args);
}

void maker_lose(const struct maker *m, const struct source *source, const struct policy *policy,
		struct policy_pos pos, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(m, source, policy, pos, fmt, args);
	va_end(args);
}

/* ---- the cgroups of the host ---- */

static int note_place(const char *path, uint64_t id, uint32_t level, void *ctx)
{
	struct maker *m = ctx;
	struct place place = {.cgroup = id, .level = level, .parent = (ssize_t)m->n_places - 1};
	struct place *grown;

	/* Nobody's but this daemon's. */
	if (!strcmp(path, PROVE_CGROUP))
		return 0;
	/* The walk goes down before it goes on: the parent is the last place or one above it. */
	while (place.parent >= 0 && !cgroup_path_below(path, m->places[place.parent].path))
		place.parent = m->places[place.parent].parent;
	if (!container_from_path(path, place.id, NULL))
		place.id[0] = '\0';
	/* Twice as much each time. */
	if (!(m->n_places & (m->n_places - 1))) {
		grown = reallocarray(m->places, m->n_places ? 2 * m->n_places : 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		m->places = grown;
	}
	place.path = strdup(path);
	if (!place.path)
		return -ENOMEM;
	m->places[m->n_places++] = place;
	return 0;
}

int places_find(struct maker *m)
{
	(void)cgroup_of(getpid(), &m->own);
	return cgroup_walk(note_place, m);
}

void places_done(struct maker *m)
{
	for (size_t i = 0; i < m->n_places; i++)
		free(m->places[i].path);
	free(m->places);
	free(m->own);
}

static int want_place(struct maker *m, struct want want, const struct place *place)
{
	want.cgroup = place->cgroup;
	want.level = place->level;
	return add_want(m->plan, want);
}

/* Would this policy refuse leastcapd what it needs to go on? Then nobody could change it any more. Complains. */
static bool confines_us(const struct maker *m, const struct want *want, const char *path)
{
	_cleanup_free_ char *refused = NULL;

	if (!m->own || (strcmp(m->own, path) && !cgroup_path_below(m->own, path)))
		return false;
	refused = needs_refused(want->policy, getenv("NOTIFY_SOCKET"));
	if (!refused)
		return false;
	maker_lose(m, want->source, want->policy, want->pos,
		   "\"%s\" holds leastcapd itself, which needs what would be refused: %s; allow "
		   "it, or select what is below",
		   path, refused);
	return true;
}

/* ---- paths and units ---- */

/* A path of a cgroup that may exist, now or later. */
static int want_path(struct maker *m, struct want want, const char *path, bool must_exist)
{
	struct want_birth birth = {.path = (char *)path,
				   .rank = want.rank,
				   .policy = want.policy,
				   .source = want.source,
				   .pos = want.pos};
	int err = cgroup_id(path, &want.cgroup, &want.level);

	if (confines_us(m, &want, path))
		return 0;
	if (!err)
		err = add_want(m->plan, want);
	else if (err == -ENOENT) {
		if (must_exist)
			maker_complain(m, want.source, want.pos, "cgroup \"%s\" does not exist",
				       path);
		err = 0;
	} else if (err == -EINVAL) {
		maker_complain(m, want.source, want.pos, "\"%s\" is no path of a cgroup", path);
		return 0;
	}
	if (err)
		return err;
	if (strlen(path) >= LEASTCAP_PATH_LEN) {
		maker_complain(
			m, want.source, want.pos,
			"the path has more than %d characters: a new cgroup of that name is not bound at birth",
			LEASTCAP_PATH_LEN - 1);
		return 0;
	}
	/* The root exists always. */
	return strcmp(path, "/") ? add_birth(m->plan, birth) : 0;
}

static bool any_fits(const struct leastcap_pattern *patterns, int n, const struct place *place)
{
	for (int k = 0; k < n; k++) {
		if (place->level && pattern_fits(&patterns[k], place->path, strlen(place->path)))
			return true;
	}
	return false;
}

/*
 * Every cgroup that one of the patterns fits, and those that come. None where one holds leastcapd: born with such a policy,
 * its unit could not be started again.
 */
static int want_patterns(struct maker *m, struct want want, const struct leastcap_pattern *patterns,
			 int n)
{
	const size_t n_wants = m->plan->n_wants;
	int err = 0;

	for (size_t i = 0; !err && i < m->n_places; i++) {
		if (!any_fits(patterns, n, &m->places[i]))
			continue;
		if (confines_us(m, &want, m->places[i].path)) {
			m->plan->n_wants = n_wants;
			return 0;
		}
		err = want_place(m, want, &m->places[i]);
	}
	for (int k = 0; !err && k < n; k++) {
		struct want_pattern p = {
			.pattern = patterns[k], .rank = want.rank, .policy = want.policy};

		err = add_pattern(m->plan, &p);
	}
	return err;
}

static int want_unit_pattern(struct maker *m, struct want want, const char *unit)
{
	struct leastcap_pattern patterns[PATTERN_UNIT_PATHS];
	int n = pattern_unit_paths(unit, patterns);

	/* The parser has let it through. */
	return n < 0 ? -EINVAL : want_patterns(m, want, patterns, n);
}

static int want_user_unit(struct maker *m, struct want want, const struct selector *selector)
{
	struct leastcap_pattern patterns[PATTERN_UNIT_PATHS];
	int n = pattern_user_unit_paths(selector->user, selector->value, patterns);

	return n < 0 ? -EINVAL : want_patterns(m, want, patterns, n);
}

/* A unit's cgroup may come elsewhere than where systemd has it now: a transient one has the slice that it is started with. */
static int want_births_of(struct maker *m, const struct want *want, const char *unit,
			  const char *path)
{
	struct leastcap_pattern patterns[PATTERN_UNIT_PATHS];
	int err = 0, n;

	if (unit_has_one_place(unit))
		return 0;
	/* The name as a cgroup has it. */
	n = pattern_unit_paths(strrchr(path, '/') + 1, patterns);
	for (int k = 0; !err && k < n; k++) {
		struct want_pattern p = {
			.pattern = patterns[k], .rank = want->rank, .policy = want->policy};

		err = add_pattern(m->plan, &p);
	}
	return err;
}

/*
 * Where systemd has it, and where the tree has it, which is so also while systemd does not say anything: what is bound is
 * not given up for a guess.
 */
static int want_unit(struct maker *m, struct want want, const char *unit)
{
	_cleanup_free_ char *path = NULL;
	int err = unit_told(unit, &path);
	bool told = !err, there = false;

	if (err == -EINVAL) {
		maker_complain(m, want.source, want.pos,
			       "\"%s\" is no name of a service, scope or slice", unit);
		return 0;
	}
	if (err && err != -ENOMEM)
		err = unit_default_cgroup(unit, NULL, &path);
	if (err)
		return err;
	if (confines_us(m, &want, path))
		return 0;
	for (size_t i = 0; !err && i < m->n_places; i++) {
		const struct place *place = &m->places[i];

		if (!strcmp(place->path, path) || !unit_at(unit, place->path))
			continue;
		if (confines_us(m, &want, place->path))
			return 0;
		there = true;
		err = want_place(m, want, place);
	}
	/* It may be an alias: that is asked again. */
	if (!told && !there)
		m->plan->pending++;
	return err ?: want_path(m, want, path, false) ?: want_births_of(m, &want, unit, path);
}

static int want_cgroup_pattern(struct maker *m, struct want want, const char *path)
{
	struct leastcap_pattern pattern;

	return pattern_compile(path, true, &pattern) ? -EINVAL
						     : want_patterns(m, want, &pattern, 1);
}

/* ---- containers ---- */

/* Sets want->unheard: it fitted when it was bound, and nobody has said since who it is. */
static bool container_fits(const struct maker *m, struct want *want,
			   const struct selector *selector, const struct place *place)
{
	const bool asks = m->host && selector_asks_identity(selector);
	const struct identity *known = NULL;
	struct identity nobody = {};

	want->unheard = false;
	if (!*place->id)
		return false;
	if (asks)
		known = m->host->who(place->path, m->host->ctx);
	if (!known) {
		memcpy(nobody.id, place->id, sizeof(nobody.id));
		known = &nobody;
	}
	if (selector_matches(selector, known))
		return true;
	want->unheard =
		asks && m->host->keeps &&
		m->host->keeps(place->path, place->cgroup, want->policy->name, m->host->ctx);
	return want->unheard;
}

/*
 * Every container that the selector fits, and none below one that fits: a container may make cgroups of any name inside
 * its own, and must not shed its policy by that.
 */
static int want_containers(struct maker *m, struct want want, const struct selector *selector)
{
	_cleanup_free_ bool *fits = calloc(m->n_places + 1, sizeof(*fits));
	const struct place *first = NULL;
	bool several = false;

	if (!fits)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_places; i++) {
		const struct place *p = &m->places[i];
		int err;

		/* For what is below, too. */
		fits[i] = p->parent >= 0 && fits[p->parent];
		if (fits[i] || !container_fits(m, &want, selector, p) ||
		    confines_us(m, &want, p->path))
			continue;
		fits[i] = true;
		several = several || (first && strcmp(first->id, p->id));
		first = first ? first : p;
		err = want_place(m, want, p);
		if (err)
			return err;
	}
	if (selector->kind != SELECT_CONTAINER_ID)
		return 0;
	if (several)
		maker_complain(m, want.source, want.pos,
			       "more than one container has an id that begins with %s",
			       selector->value);
	if (!first) {
		m->plan->pending++;
		maker_complain(m, want.source, want.pos, "no container with the id %s is running",
			       selector->value);
	}
	return 0;
}

static int want_any(struct maker *m, struct want want)
{
	int err = 0;

	/* Also where a policy that selects more exactly is for its container: it would be born with this one. */
	for (size_t i = 0; i < m->n_places; i++) {
		if (*m->places[i].id && confines_us(m, &want, m->places[i].path))
			return 0;
	}
	/* Of several, as plan_settle() has it. */
	if (!m->plan->any || strcmp(want.policy->name, m->plan->any->name) < 0)
		m->plan->any = want.policy;
	for (size_t i = 0; !err && i < m->n_places; i++) {
		if (*m->places[i].id)
			err = want_place(m, want, &m->places[i]);
	}
	return err;
}

/*
 * Where policies know containers by name, and none is for any of them: one that allows everything. A container has to be
 * bound when its runtime moves in, or the policy that it gets when it is known would hold the runtime in the midst of its
 * work.
 */
static const struct policy unselected = {
	.name = (char *)POLICY_UNSELECTED, .mode = LEASTCAP_AUDIT, .allow = LEASTCAP_ALL};

int resolve_unselected(struct maker *m)
{
	return want_any(m, (struct want){.rank.kind = SELECT_ANY_CONTAINER, .policy = &unselected});
}

int resolve(struct maker *m, const struct source *source, const struct policy *policy,
	    const struct selector *selector)
{
	struct want want = {.rank = selector_rank(selector),
			    .policy = policy,
			    .source = source,
			    .pos = selector->pos};

	switch (selector->kind) {
	case SELECT_CONTAINER_ID:
	case SELECT_CONTAINER_NAME:
	case SELECT_POD:
	case SELECT_CONTAINER:
		return want_containers(m, want, selector);
	case SELECT_UNIT:
		return want_unit(m, want, selector->value);
	case SELECT_CGROUP:
		return want_path(m, want, selector->value, true);
	case SELECT_UNIT_PATTERN:
		return want_unit_pattern(m, want, selector->value);
	case SELECT_USER_UNIT:
		return want_user_unit(m, want, selector);
	case SELECT_CGROUP_PATTERN:
		return want_cgroup_pattern(m, want, selector->value);
	case SELECT_ANY_CONTAINER:
		return want_any(m, want);
	}
	return -EINVAL;
}
