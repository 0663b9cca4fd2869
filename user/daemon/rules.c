/* SPDX-License-Identifier: GPL-2.0-only */
/* From a refusal to the line of the policy that says so. */
#include <string.h>

#include "base/words.h"
#include "daemon/internal.h"
#include "policy/compile.h"

/* A policy of that name may have changed since the event: its lines would be others. */
static bool is_content(const struct policy *policy, uint64_t content)
{
	struct leastcap_policy compiled;
	struct kernel_lists lists;

	policy_compile(policy, &compiled, &lists, NULL);
	return compiled.content == content;
}

static const struct written *find_written(struct state *s, const struct leastcap_policy *policy)
{
	struct written *w = &s->written[policy->id % WRITTEN];
	const struct source *source = NULL;

	if (w->id == policy->id)
		return w;
	*w = (struct written){.id = policy->id};
	w->policy = sources_find(&s->sources, policy->name, &source);
	/* What came over the API is in no file. */
	if (w->policy && (source->api || !is_content(w->policy, policy->content)))
		w->policy = NULL;
	if (w->policy)
		w->file = w->policy->file ?: source->file;
	return w;
}

const char *rules_find(struct state *s, const struct leastcap_event *e,
		       const struct leastcap_policy *policy, unsigned int *ret_line)
{
	const struct written *w;
	int rule;

	if (e->type != LEASTCAP_EVENT_VERDICT && e->type != LEASTCAP_EVENT_QUIET)
		return NULL;
	w = find_written(s, policy);
	if (!w->policy)
		return NULL;
	rule = item_rule(e->restriction, e->item);
	*ret_line = rule < 0 ? w->policy->capabilities_pos.line : w->policy->rule_pos[rule].line;
	return w->file;
}

void rules_forget(struct state *s)
{
	memset(s->written, 0, sizeof(s->written));
}
