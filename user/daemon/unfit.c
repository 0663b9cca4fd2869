/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/unfit.h"

#include <string.h>
static struct plan_unfit *find(const struct plan *plan, const char *policy)
{
	for (size_t i = 0; i < plan->n_unfit; i++) {
		if (!strcmp(plan->unfit[i].policy->name, policy))
			return &plan->unfit[i];
	}
	return NULL;
}

static bool defines(const struct policy_set *set, const char *policy)
{
	for (size_t i = 0; set && i < set->n_policies; i++) {
		if (!strcmp(set->policies[i].name, policy))
			return true;
	}
	return false;
}

bool unfit_may(const struct state *s, const struct leave_out *may, const char *policy)
{
	return !defines(may->applied, policy) && (may->any || find(&s->plan, policy));
}

int unfit_note(struct plan *plan, const struct policy *policy, int err, bool subject)
{
	struct plan_unfit *unfit = find(plan, policy->name), *grown;

	if (!unfit) {
		grown = reallocarray(plan->unfit, plan->n_unfit + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		plan->unfit = grown;
		unfit = &grown[plan->n_unfit++];
		*unfit = (struct plan_unfit){.policy = policy, .err = err};
	}
	unfit->n += subject;
	return 0;
}

static const char *why(const struct plan_unfit *unfit)
{
	return unfit->err == -E2BIG || unfit->err == -ENOSPC ? MAP_FULL : strerror(-unfit->err);
}

json_t *unfit_problem(const struct state *s, const struct sources *sources,
		      const struct plan_unfit *unfit)
{
	const char *name = unfit->policy->name, *file = unfit->policy->file;
	_cleanup_free_ char *message = NULL;
	const struct source *source = NULL;
	int len;

	if (!file && sources_find(sources, name, &source))
		file = source->file;
	if (unfit->n)
		len = asprintf(&message,
			       "policy \"%s\" does not fit: %zu subject%s not bound as it says; %s",
			       shadow_shown(name), unfit->n, unfit->n == 1 ? " is" : "s are",
			       why(unfit));
	else
		len = asprintf(&message,
			       "policy \"%s\" does not fit: what comes is not bound to it; %s",
			       shadow_shown(name), why(unfit));
	return len < 0 ? NULL
		       : problem_new(file ?: s->config_dir, unfit->policy->pos, message, NULL,
				     NULL);
}

void unfit_follow(struct state *s)
{
	json_t *now = json_object();

	for (size_t i = 0; now && i < s->plan.n_unfit; i++) {
		const struct plan_unfit *unfit = &s->plan.unfit[i];
		json_t *problem = unfit_problem(s, &s->sources, unfit);

		if (problem && !json_object_get(s->unfit, unfit->policy->name)) {
			problem_log(problem);
			tell_unfit(s, unfit, why(unfit));
		}
		json_object_set_new(now, unfit->policy->name, problem);
	}
	if (!now)
		return;
	json_decref(s->unfit);
	s->unfit = now;
}

size_t unfit_subjects(const struct plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_unfit; i++)
		n += plan->unfit[i].n;
	return n;
}
