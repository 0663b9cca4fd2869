/* SPDX-License-Identifier: GPL-2.0-only */
/* POST /v1/policies?dry_run=1: what would be, from the plan that would be made and the ledgers that there are. */
#include <string.h>

#include "audit/event.h"
#include "base/caps.h"
#include "daemon/compare.h"
#include "daemon/internal.h"
#include "daemon/saved.h"
#include "daemon/unfit.h"
#include "policy/compile.h"
#include "subject/cgroup.h"

/* The bindings that there are, by path: what is below a subject is found by it. */
struct bound {
	char *path;
	struct leastcap_binding binding;
	struct kernel_ledger ledger;
};

struct table {
	struct state *s;
	struct bound *items;
	size_t n;
};

static void table_done(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->items[i].path);
	free(t->items);
}

static int note_bound(const struct leastcap_binding *b, void *ctx)
{
	struct table *t = ctx;
	struct bound one = {.binding = *b}, *grown;

	/* What is gone has no place any more. */
	if (kernel_ledger_get(t->s->k, b->cgroup, &one.ledger) || cgroup_path(b->cgroup, &one.path))
		return 0;
	grown = reallocarray(t->items, t->n + 1, sizeof(*grown));
	if (!grown) {
		free(one.path);
		return -ENOMEM;
	}
	t->items = grown;
	grown[t->n++] = one;
	return 0;
}

static const char *change_word(const struct policy *was, const struct policy *now)
{
	json_auto_t *x = was ? saved_form(was) : NULL, *y = saved_form(now);

	return !was ? "new" : json_equal(x, y) ? "unchanged" : "replaced";
}

/* One cgroup that would be bound, and what would become of what it has done. */
static json_t *subject_json(const struct table *t, const struct want *w, const struct policy *p)
{
	struct history history = {};
	struct leastcap_policy new, old = {};
	struct kernel_lists lists;
	struct comparison c;
	_cleanup_free_ char *path = NULL;

	if (cgroup_path(w->cgroup, &path))
		return NULL;
	for (size_t i = 0; i < t->n; i++) {
		if (t->items[i].binding.cgroup == w->cgroup ||
		    cgroup_path_below(t->items[i].path, path))
			history_join(&history, &t->items[i].ledger);
		if (t->items[i].binding.cgroup == w->cgroup)
			(void)kernel_policy_get(t->s->k, t->items[i].binding.policy, &old);
	}
	old.name[sizeof(old.name) - 1] = '\0';
	policy_compile(p, &new, &lists, NULL);
	c = compare(&new, &history);
	return json_pack("{s:o, s:s, s:o, s:b, s:{s:o, s:o}, s:{s:o, s:o}}", "cgroup",
			 event_string(path), "policy", shadow_shown(p->name), "bound_by",
			 old.id ? event_string(shadow_shown(old.name)) : json_null(), "history",
			 history.any, "refused", "capabilities", caps_to_json(c.refused), "rules",
			 event_rules(c.rules_refused), "reported", "capabilities",
			 caps_to_json(c.reported), "rules", event_rules(c.rules_reported));
}

static json_t *policies_json(struct state *s, const struct sources *fresh,
			     const struct policy_set *set)
{
	json_t *list = json_array();

	for (size_t i = 0; i < set->n_policies; i++) {
		const struct policy *p = sources_find(fresh, set->policies[i].name, NULL);
		_cleanup_free_ char *why = policy_unsupported(p);

		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "name", p->name, "mode",
				  event_mode(p->mode), "mode_by", modes_by(p), "change",
				  change_word(sources_find(&s->sources, p->name, NULL), p),
				  "defined_in", event_string(sources_file_of(&s->sources, p->name)),
				  "left_out", event_rules(policy_left_out(p)), "unsupported",
				  event_string(why)));
	}
	return list;
}

/* What an apply is refused for at once, however good the policies are. A file of policies.d is tried out by its own name. */
static void complain_at_once(struct state *s, const struct apply_request *request,
			     const struct policy_set *set, json_t *complaints)
{
	json_auto_t *busy = NULL;

	if (confirm_busy(s, &busy))
		json_array_append_new(
			complaints,
			problem_new(request->file, (struct policy_pos){},
				    json_string_value(json_object_get(busy, "error")) ?: "?", NULL,
				    NULL));
	for (size_t i = 0; i < set->n_policies; i++) {
		const struct policy *p = &set->policies[i];
		const char *file = sources_file_of(&s->sources, p->name);
		_cleanup_free_ char *message = NULL;

		if (!file || !strcmp(file, p->file))
			continue;
		if (asprintf(
			    &message,
			    "policy \"%s\" is defined in %s: it is changed there, apply would refuse it",
			    p->name, file) < 0)
			message = NULL;
		json_array_append_new(
			complaints,
			problem_new(p->file, p->pos, message ?: "out of memory", NULL, NULL));
	}
}

unsigned int dry_run(struct state *s, const struct apply_request *request, struct sources *fresh,
		     const struct policy_set *set, json_t *complaints, json_t **ret)
{
	_cleanup_(table_done) struct table t = {.s = s};
	_cleanup_(plan_done) struct plan plan = {};
	json_auto_t *subjects = json_array();
	int err = subjects ? kernel_binding_each(s->k, note_bound, &t) : -ENOMEM;

	complain_at_once(s, request, set, complaints);
	modes_join(s->modes, fresh);
	err = err ?: plan_try(s, fresh, set, complaints, &plan);
	if (err)
		return answer_errno(s, err, "cannot say what would be", ret);
	unfit_planned(s, fresh, &plan, set, complaints);
	for (size_t i = 0; i < plan.n_wants; i++) {
		const struct want *w = &plan.wants[i];

		for (size_t j = 0; j < set->n_policies; j++) {
			json_t *json = strcmp(w->policy->name, set->policies[j].name)
					       ? NULL
					       : subject_json(&t, w, w->policy);

			if (json)
				json_array_append_new(subjects, json);
		}
	}
	return answer_json(json_pack("{s:b, s:b, s:o, s:O, s:O}", "dry_run", 1, "would_apply",
				     !json_array_size(complaints), "policies",
				     policies_json(s, fresh, set), "subjects", subjects, "errors",
				     complaints),
			   ret);
}
