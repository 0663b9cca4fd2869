/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/keep.h"

#include <string.h>

#include "base/escape.h"

/* Those of `leastcap run`, and the canary. */
#define RUN_PREFIX "run:"

/* ---- whose ---- */

static bool defines(const struct policy_set *set, const char *name)
{
	for (size_t i = 0; set && i < set->n_policies; i++) {
		if (!strcmp(set->policies[i].name, name))
			return true;
	}
	return false;
}

/* Is it sure that no file of policies.d has it? */
static bool is_known(const struct sources *sources, const struct sources *old,
		     const struct policy_set *waiting, const char *name)
{
	const struct source *source = NULL;

	if (is_shadow(name) || !strcmp(name, POLICY_UNSELECTED) ||
	    !strncmp(name, RUN_PREFIX, strlen(RUN_PREFIX)))
		return true;
	if (sources_find(sources, name, NULL) || defines(waiting, name))
		return true;
	return (sources_find(old, name, &source) && source->api) || sources_broken(old, name);
}

const struct source *keep_owner(const struct sources *sources, const struct sources *old,
				const struct policy_set *waiting, const char *name)
{
	const bool known = is_known(sources, old, waiting, name);

	for (size_t i = 0; i < sources->n; i++) {
		const struct source *source = &sources->items[i];

		if (!source->set && (source->api ? source_is_applied(source, name) : !known))
			return source;
	}
	return NULL;
}

/* ---- what the kernel has ---- */

struct search {
	struct state *s;
	const struct sources *sources;
	struct keep keep;
};

static int note(const struct leastcap_policy *p, void *ctx)
{
	struct search *search = ctx;
	struct state *s = search->s;
	const struct source *owner =
		keep_owner(search->sources, &s->sources, s->confirm.set, p->name);
	struct kept *grown;

	if (!owner)
		return 0;
	grown = reallocarray(search->keep.items, search->keep.n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	search->keep.items = grown;
	grown[search->keep.n] = (struct kept){.id = p->id, .file = owner->file};
	memcpy(grown[search->keep.n++].name, p->name, sizeof(p->name));
	return 0;
}

static bool all_read(const struct sources *sources)
{
	for (size_t i = 0; i < sources->n; i++) {
		if (!sources->items[i].set)
			return false;
	}
	return true;
}

int keep_find(struct state *s, const struct sources *sources, struct keep *ret)
{
	struct search search = {.s = s, .sources = sources};
	int err = all_read(sources) ? 0 : kernel_policy_each(s->k, note, &search);

	if (err)
		keep_done(&search.keep);
	else
		*ret = search.keep;
	return err;
}

void keep_done(struct keep *keep)
{
	free(keep->items);
	*keep = (struct keep){};
}

bool keep_has(const struct keep *keep, uint64_t policy)
{
	for (size_t i = 0; i < keep->n; i++) {
		if (keep->items[i].id == policy)
			return true;
	}
	return false;
}

/* ---- what is told of it ---- */

static void add(json_t *problems, const char *file, struct policy_pos pos, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static void add(json_t *problems, const char *file, struct policy_pos pos, const char *fmt, ...)
{
	_cleanup_free_ char *message = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	va_end(args);
	json_array_append_new(problems,
			      problem_new(file, pos, message ?: "out of memory", NULL, NULL));
}

/* Has a revision before this one the same name? */
static bool is_told(const struct keep *keep, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(keep->items[i].name, keep->items[n].name))
			return true;
	}
	return false;
}

/* The number of containers that keep a policy unheard, where this is the first of them; else 0. */
static size_t count_unheard(const struct plan *plan, size_t first)
{
	const struct want *w = &plan->wants[first];
	size_t n = 0;

	for (size_t i = 0; i < plan->n_wants; i++) {
		if (!plan->wants[i].unheard || plan->wants[i].policy != w->policy)
			continue;
		if (i < first)
			return 0;
		n++;
	}
	return n;
}

json_t *keep_problems(const struct keep *keep, const struct plan *plan)
{
	json_t *problems = json_array();

	for (size_t i = 0; i < keep->n; i++) {
		const struct kept *k = &keep->items[i];

		if (!is_told(keep, i))
			add(problems, k->file, (struct policy_pos){},
			    "policy \"%s\" stays as it is bound: this file may define it, and cannot be read",
			    shadow_shown(k->name));
	}
	for (size_t i = 0; i < plan->n_wants; i++) {
		const struct want *w = &plan->wants[i];
		size_t n = w->unheard ? count_unheard(plan, i) : 0;

		if (n)
			add(problems, w->policy->file ?: w->source->file, w->pos,
			    "%zu container%s keep%s policy \"%s\": no engine has said yet who that is",
			    n, n == 1 ? "" : "s", n == 1 ? "s" : "", w->policy->name);
	}
	return problems;
}
