/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/fall_back.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/saved.h"
#include "daemon/unfit.h"

/* ---- what would not be bound ---- */

struct loss {
	const struct source *source;
	const struct policy *policy;
	json_t *problem;
};

struct losses {
	struct loss *items;
	size_t n;
	int err;
};

static void losses_done(struct losses *l)
{
	for (size_t i = 0; i < l->n; i++)
		json_decref(l->items[i].problem);
	free(l->items);
}

static void note(const struct source *source, const struct policy *lost, const char *file,
		 struct policy_pos pos, const char *message, void *ctx)
{
	struct losses *l = ctx;
	struct loss *grown;

	/* What was applied was tried out then, and is nobody's to write anew. */
	if (!lost || source->api)
		return;
	grown = reallocarray(l->items, l->n + 1, sizeof(*grown));
	if (!grown) {
		l->err = -ENOMEM;
		return;
	}
	l->items = grown;
	grown[l->n++] = (struct loss){
		.source = source,
		.policy = lost,
		.problem = problem_new(source_shown(source, file), pos, message, NULL, NULL)};
}

static int find_losses(struct state *s, struct sources *sources, struct losses *ret)
{
	const struct plan_host host = {.who = containers_who, .keeps = containers_keep, .ctx = s};
	_cleanup_(plan_done) struct plan plan = {};
	int err;

	modes_join(s->modes, sources);
	err = plan_make(sources, &host, note, ret, &plan);
	return err ?: ret->err;
}

static size_t count(const struct losses *l, const struct source *source, const char *policy)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->items[i].source == source && !strcmp(l->items[i].policy->name, policy);
	return n;
}

/* Does a form lose more of some policy than another one does? */
static bool is_worse(const struct losses *a, const struct source *new, const struct losses *b,
		     const struct source *old)
{
	for (size_t i = 0; i < a->n; i++) {
		const char *name = a->items[i].policy->name;

		if (a->items[i].source == new &&count(a, new, name) > count(b, old, name))
			return true;
	}
	return false;
}

/* ---- the forms from before ---- */

static struct source *find_file(const struct sources *sources, const char *file)
{
	for (size_t i = 0; i < sources->n; i++) {
		if (!strcmp(sources->items[i].file, file))
			return &sources->items[i];
	}
	return NULL;
}

/* The last good forms of files that lose something; without a set: there is none. */
static int read_old(struct state *s, const struct losses *lost, struct sources *ret)
{
	int err = 0;

	for (size_t i = 0; !err && i < lost->n; i++) {
		const char *file = lost->items[i].source->file;

		if (!find_file(ret, file))
			err = sources_append(ret, file, false,
					     sources_last_good(&s->sources, s->state_dir, file));
	}
	return err;
}

/* Was something in force, by another file, of what this one loses? Then its only form must not end that. */
static bool ends_something(const struct state *s, const struct losses *lost,
			   const struct source *source)
{
	for (size_t i = 0; i < lost->n; i++) {
		if (lost->items[i].source == source &&
		    sources_find(&s->sources, lost->items[i].policy->name, NULL))
			return true;
	}
	return false;
}

/* A policy of that form may have another place now. Then nothing of it is known: what is bound stays (keep.h). */
static bool clashes(const struct sources *fresh, const struct source *here,
		    const struct policy_set *set)
{
	const struct source *other = NULL;

	for (size_t i = 0; i < set->n_policies; i++) {
		if (sources_find(fresh, set->policies[i].name, &other) && other != here)
			return true;
	}
	return false;
}

static void add_problem(json_t *problems, json_t *problem, bool form)
{
	json_object_set_new(problem, "hint",
			    json_string(form ? "the last good form of this file stays"
					     : "what is bound stays"));
	json_array_append(problems, problem);
}

static void put_back(const struct sources *fresh, struct source *source, const struct losses *lost,
		     struct policy_set *set, json_t *problems)
{
	if (set && clashes(fresh, source, set))
		set = policy_set_free(set);
	for (size_t i = 0; i < lost->n; i++) {
		if (lost->items[i].source == source)
			add_problem(problems, lost->items[i].problem, set);
	}
	policy_set_free(source->set);
	source->set = set;
	source->kept = true;
}

int fall_back(struct state *s, struct sources *fresh, json_t *problems)
{
	_cleanup_(losses_done) struct losses lost = {}, lost_then = {};
	_cleanup_(sources_done) struct sources old = {};
	int err = find_losses(s, fresh, &lost);

	if (err || !lost.n)
		return err;
	err = read_old(s, &lost, &old) ?: find_losses(s, &old, &lost_then);
	for (size_t i = 0; !err && i < fresh->n; i++) {
		struct source *source = &fresh->items[i], *then = find_file(&old, source->file);

		if (then && (then->set ? is_worse(&lost, source, &lost_then, then)
				       : ends_something(s, &lost, source)))
			put_back(fresh, source, &lost, TAKE_PTR(then->set), problems);
	}
	return err;
}

/* ---- what has no room ---- */

static bool is_same(const struct policy_set *a, const struct policy_set *b)
{
	_cleanup_free_ char *x = policies_text(a->policies, a->n_policies),
			    *y = policies_text(b->policies, b->n_policies);

	return x && y && !strcmp(x, y);
}

/* True: the file that has a policy has its last good form now. */
static bool use_good(struct state *s, struct sources *fresh, const char *policy)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	const struct source *found = NULL;
	struct source *source;

	if (!sources_find(fresh, policy, &found) || found->api || found->kept)
		return false;
	source = find_file(fresh, found->file);
	set = sources_last_good(NULL, s->state_dir, source->file);
	if (!set || is_same(set, source->set) || clashes(fresh, source, set))
		return false;
	policy_set_free(source->set);
	source->set = TAKE_PTR(set);
	source->kept = true;
	return true;
}

int fall_back_unfit(struct state *s, json_t *problems, json_t *complaints)
{
	_cleanup_(sources_done) struct sources fresh = {};
	json_auto_t *found = json_array();
	int err = found ? sources_copy(&s->sources, &fresh) : -ENOMEM;

	for (size_t i = 0; !err && i < s->plan.n_unfit; i++) {
		const struct plan_unfit *unfit = &s->plan.unfit[i];
		json_auto_t *problem = unfit_problem(s, &s->sources, unfit);

		if (use_good(s, &fresh, unfit->policy->name))
			add_problem(found, problem, true);
	}
	if (err || !json_array_size(found))
		return err;
	err = state_follow(s, &fresh, NULL, complaints);
	return err ?: json_array_extend(problems, found);
}
