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

/* message is taken over; NULL: no memory. */
static json_t *problem_of(const struct state *s, const struct sources *sources,
			  const struct policy *policy, char *message)
{
	const struct source *source = NULL;
	const char *file = policy->file;
	json_t *problem = NULL;

	if (!file && sources_find(sources, policy->name, &source))
		file = source->file;
	if (message)
		problem = problem_new(file ?: s->config_dir, policy->pos, message, NULL, NULL);
	free(message);
	return problem;
}

json_t *unfit_problem(const struct state *s, const struct sources *sources,
		      const struct plan_unfit *unfit)
{
	const char *name = shadow_shown(unfit->policy->name);
	char why[ERROR_TEXT_LEN], *message;
	int len;

	(void)error_text(s, unfit->err, why);
	if (unfit->n)
		len = asprintf(&message,
			       "policy \"%s\" does not fit: %zu subject%s not bound as it says; %s",
			       name, unfit->n, unfit->n == 1 ? " is" : "s are", why);
	else
		len = asprintf(&message,
			       "policy \"%s\" does not fit: what comes is not bound to it; %s",
			       name, why);
	return problem_of(s, sources, unfit->policy, len < 0 ? NULL : message);
}

json_t *unfit_refusal(const struct state *s, const struct sources *sources, const struct plan *plan)
{
	const struct plan_unfit *last = &plan->unfit[plan->n_unfit - 1];
	char why[ERROR_TEXT_LEN], *message;
	size_t n = 0;

	for (size_t i = 0; i < plan->n_wants; i++)
		n += plan->wants[i].policy == last->policy || plan->wants[i].shadow == last->policy;
	if (asprintf(&message, "policy \"%s\" does not fit: it selects %zu cgroup%s; %s",
		     shadow_shown(last->policy->name), n, n == 1 ? "" : "s",
		     error_text(s, last->err, why)) < 0)
		message = NULL;
	return problem_of(s, sources, last->policy, message);
}

void unfit_planned(const struct state *s, const struct sources *sources, struct plan *plan,
		   const struct policy_set *applied, json_t *problems)
{
	const size_t room = kernel_max_bindings(s->k);

	/* Where some are left out already, it is not said whose the room would be. */
	if (!room || plan->n_wants <= room || s->plan.n_unfit)
		return;
	for (size_t i = 0; i < plan->n_wants; i++) {
		const struct policy *policy = plan->wants[i].policy;

		if (!defines(applied, policy->name))
			continue;
		if (!unfit_note(plan, policy, -ENOSPC, true))
			json_array_append_new(problems, unfit_refusal(s, sources, plan));
		return;
	}
}

void unfit_follow(struct state *s)
{
	json_t *now = json_object();
	char why[ERROR_TEXT_LEN];

	for (size_t i = 0; now && i < s->plan.n_unfit; i++) {
		const struct plan_unfit *unfit = &s->plan.unfit[i];
		json_t *problem = unfit_problem(s, &s->sources, unfit);

		if (problem && !json_object_get(s->unfit, unfit->policy->name)) {
			problem_log(problem);
			tell_unfit(s, unfit, error_text(s, unfit->err, why));
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
