/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ties.h"

#include <string.h>

#include "audit/event.h"
#include "policy/ties.h"

static bool is_of(const struct policy_set *set, const struct policy *policy)
{
	for (size_t i = 0; set && i < set->n_policies; i++) {
		if (!strcmp(set->policies[i].name, policy->name))
			return true;
	}
	return false;
}

/* Where a selector is: "at web.yaml:3:5", or "applied" without a file. "": no memory. */
static char *place_text(const char *file, struct policy_pos pos)
{
	char *text;

	if (!strcmp(file, SOURCES_API))
		return strdup("applied");
	return asprintf(&text, "at %s:%u:%u", file, pos.line, pos.column) < 0 ? NULL : text;
}

/* ---- by what is written ---- */

struct search {
	const struct policy_set *applied;
	json_t *problems;
	int err;
};

static void tell_written(const struct claim *first, const struct claim *second, void *ctx)
{
	struct search *search = ctx;
	_cleanup_free_ char *text = tie_to_text(first, second), *place = NULL, *message = NULL;
	const struct claim *here = second, *there = first;

	if (search->applied && !is_of(search->applied, second->policy)) {
		here = first;
		there = second;
	}
	if (search->applied && !is_of(search->applied, here->policy))
		return;
	place = place_text(there->file, there->selector->pos);
	if (!text || !place ||
	    asprintf(&message, "%s; policy \"%s\" is %s", text, shadow_shown(there->policy->name),
		     place) < 0) {
		search->err = -ENOMEM;
		return;
	}
	json_array_append_new(search->problems,
			      problem_new(here->file, here->selector->pos, message,
					  tie_hint(first, second), NULL));
}

/* Of the policies in force, or of the shadows: *ret_n claims. NULL: no memory. */
static struct claim *claims_of(const struct sources *sources, bool shadows, size_t *ret_n)
{
	struct claim *claims = NULL, *grown;
	size_t n = 0;

	for (size_t i = 0; i < sources->n; i++) {
		const struct policy_set *set = sources->items[i].set;

		for (size_t j = 0; set && j < set->n_policies; j++) {
			const struct policy *p = &set->policies[j];

			if (is_shadow(p->name) != shadows)
				continue;
			grown = reallocarray(claims, n + p->n_selectors + 1, sizeof(*claims));
			if (!grown) {
				free(claims);
				return NULL;
			}
			claims = grown;
			n += claims_put(claims + n, set, p);
		}
	}
	*ret_n = n;
	return claims ?: calloc(1, sizeof(*claims));
}

int ties_written(const struct sources *sources, const struct policy_set *applied, json_t *problems)
{
	struct search search = {.applied = applied, .problems = problems};

	for (int shadows = 0; shadows < 2; shadows++) {
		size_t n = 0;
		_cleanup_free_ struct claim *claims = claims_of(sources, shadows, &n);
		const struct claim *last = NULL;
		int err;

		if (!claims)
			return -ENOMEM;
		err = ties_find(claims, n, tell_written, &search, &last);
		if (err == -E2BIG)
			json_array_append_new(problems,
					      problem_new(last->file, last->selector->pos,
							  TIES_TOO_MANY, TIES_TOO_MANY_HINT, NULL));
		else if (err)
			return err;
	}
	return search.err;
}

/* ---- on the host ---- */

static const char *want_file(const struct want *w)
{
	return policy_file(w->source->set, w->policy);
}

/* NULL: none of these policies is in it, or no memory. */
static json_t *planned_problem(const struct plan_tie *tie, const struct policy_set *applied)
{
	const bool swap = applied && !is_of(applied, tie->loser.policy);
	const struct want *here = swap ? &tie->winner : &tie->loser,
			  *there = swap ? &tie->loser : &tie->winner;
	_cleanup_free_ char *place = place_text(want_file(there), there->pos), *message = NULL;

	if (applied && !is_of(applied, here->policy))
		return NULL;
	if (asprintf(
		    &message,
		    "policy \"%s\" selects a subject that is there as exactly as policy \"%s\" (%s)%s",
		    shadow_shown(here->policy->name), shadow_shown(there->policy->name),
		    place ?: "?", applied ? "" : ", which has it by its name") < 0)
		return NULL;
	return problem_new(want_file(here), here->pos, message,
			   "one subject has one policy: write one of them more exactly", NULL);
}

void ties_planned(const struct plan *plan, const struct policy_set *applied, json_t *problems)
{
	for (size_t i = 0; i < plan->n_ties; i++) {
		json_t *problem = planned_problem(&plan->ties[i], applied);

		if (problem)
			json_array_append_new(problems, problem);
	}
}

static bool is_known(const json_t *problems, const json_t *problem)
{
	const json_t *each;
	size_t i;

	json_array_foreach(problems, i, each) {
		if (json_equal(each, problem))
			return true;
	}
	return false;
}

void ties_follow(struct state *s)
{
	json_t *now = json_array();

	for (size_t i = 0; now && i < s->plan.n_ties; i++) {
		json_t *problem = planned_problem(&s->plan.ties[i], NULL);

		if (problem && !is_known(s->ties, problem)) {
			problem_log(problem);
			tell_tie(s, &s->plan.ties[i]);
		}
		json_array_append_new(now, problem);
	}
	if (!now)
		return;
	json_decref(s->ties);
	s->ties = now;
}

size_t ties_count(const struct plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_ties; i++)
		n += plan->ties[i].n;
	return n;
}
