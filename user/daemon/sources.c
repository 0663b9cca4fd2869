/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/sources.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/nearest.h"
#include "policy/match.h"

json_t *problem_new(const char *file, struct policy_pos pos, const char *message, const char *hint,
		    const char *source_line)
{
	json_t *problem = json_pack("{s:s, s:i, s:i, s:s}", "file", file, "line", (int)pos.line,
				    "column", (int)pos.column, "message", message);

	/* A hostile file name may be no UTF-8: the message counts. */
	if (!problem)
		problem = json_pack("{s:s, s:i, s:i, s:s}", "file", "?", "line", (int)pos.line,
				    "column", (int)pos.column, "message", message);
	if (problem && hint)
		json_object_set_new(problem, "hint", json_string(hint));
	if (problem && source_line)
		json_object_set_new(problem, "source_line", json_string(source_line));
	return problem;
}

/* ---- copies ---- */

struct policy_set *policy_set_copy(const struct policy_set *from)
{
	_cleanup_(policy_set_freep) struct policy_set *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	set->file = strdup(from->file);
	set->policies = calloc(from->n_policies + 1, sizeof(*set->policies));
	if (!set->file || !set->policies)
		return NULL;
	for (; set->n_policies < from->n_policies; set->n_policies++) {
		if (policy_copy(&from->policies[set->n_policies], &set->policies[set->n_policies]))
			return NULL;
	}
	return TAKE_PTR(set);
}

int policy_make_shadow(struct policy *policy)
{
	char *name;

	if (strlen(policy->name) > SHADOW_NAME_MAX)
		return -ENAMETOOLONG;
	if (asprintf(&name, LEASTCAP_SHADOW_PREFIX "%s", policy->name) < 0)
		return -ENOMEM;
	free(policy->name);
	policy->name = name;
	policy->written = policy->mode;
	policy->overridden = true;
	policy->mode = LEASTCAP_AUDIT;
	return 0;
}

void sources_done(struct sources *sources)
{
	for (size_t i = 0; i < sources->n; i++) {
		free(sources->items[i].file);
		policy_set_free(sources->items[i].set);
	}
	free(sources->items);
	*sources = (struct sources){};
}

int sources_append(struct sources *sources, const char *file, bool api, struct policy_set *set)
{
	struct source *grown = reallocarray(sources->items, sources->n + 1, sizeof(*grown));
	char *name = strdup(file);

	if (grown)
		sources->items = grown;
	if (!grown || !name) {
		free(name);
		policy_set_free(set);
		return -ENOMEM;
	}
	grown[sources->n++] = (struct source){.file = name, .api = api, .set = set};
	return 0;
}

int sources_copy(const struct sources *from, struct sources *ret)
{
	struct sources copy = {};

	for (size_t i = 0; i < from->n; i++) {
		const struct source *item = &from->items[i];
		struct policy_set *set = item->set ? policy_set_copy(item->set) : NULL;

		if ((!set && item->set) || sources_append(&copy, item->file, item->api, set)) {
			sources_done(&copy);
			return -ENOMEM;
		}
		copy.items[copy.n - 1].kept = item->kept;
	}
	*ret = copy;
	return 0;
}

const struct policy *sources_find(const struct sources *sources, const char *name,
				  const struct source **ret_source)
{
	for (size_t i = 0; i < sources->n; i++) {
		const struct policy_set *set = sources->items[i].set;

		for (size_t j = 0; set && j < set->n_policies; j++) {
			if (strcmp(set->policies[j].name, name))
				continue;
			if (ret_source)
				*ret_source = &sources->items[i];
			return &set->policies[j];
		}
	}
	return NULL;
}

const char *sources_nearest(const struct sources *sources, const char *name, bool shadow)
{
	_cleanup_free_ const char **names = NULL;
	size_t most = 1, n = 0;

	for (size_t i = 0; i < sources->n; i++)
		most += sources->items[i].set ? sources->items[i].set->n_policies : 0;
	names = calloc(most, sizeof(*names));
	for (size_t i = 0; names && i < sources->n; i++) {
		const struct policy_set *set = sources->items[i].set;

		for (size_t j = 0; set && j < set->n_policies; j++) {
			if (is_shadow(set->policies[j].name) == shadow)
				names[n++] = shadow_shown(set->policies[j].name);
		}
	}
	return names ? nearest_word(name, strlen(name), names) : NULL;
}

const char *sources_file_of(const struct sources *sources, const char *name)
{
	const struct source *source = NULL;
	const struct policy *p = sources_find(sources, name, &source);

	return p && !source->api ? p->file ?: source->file : NULL;
}

bool sources_ask_identity(const struct sources *sources)
{
	for (size_t i = 0; i < sources->n; i++) {
		const struct policy_set *set = sources->items[i].set;

		for (size_t j = 0; set && j < set->n_policies; j++) {
			const struct policy *p = &set->policies[j];

			for (size_t k = 0; k < p->n_selectors; k++) {
				if (selector_asks_identity(&p->selectors[k]))
					return true;
			}
		}
	}
	return false;
}

void sources_hide(struct sources *sources, const char *name)
{
	for (size_t i = 0; i < sources->n; i++) {
		struct policy_set *set = sources->items[i].set;

		for (size_t j = 0; !sources->items[i].api && set && j < set->n_policies; j++) {
			if (strcmp(set->policies[j].name, name))
				continue;
			policy_done(&set->policies[j]);
			memmove(&set->policies[j], &set->policies[j + 1],
				(set->n_policies - j - 1) * sizeof(*set->policies));
			set->n_policies--;
			return;
		}
	}
}

int sources_put(struct sources *sources, const struct policy *policy)
{
	const struct policy_set one = {
		.file = (char *)SOURCES_API, .policies = (struct policy *)policy, .n_policies = 1};
	struct policy_set *set = policy_set_copy(&one);

	if (!set)
		return -ENOMEM;
	(void)sources_drop(sources, policy->name);
	return sources_append(sources, SOURCES_API, true, set);
}

const char *source_shown(const struct source *source, const char *file)
{
	return file ?: source->set ? source->set->file : source->file;
}

bool source_is_applied(const struct source *source, const char *name)
{
	const char *base = strrchr(source->file, '/');
	size_t len = strlen(shadow_shown(name));

	if (!source->api)
		return false;
	if (source->set)
		return !strcmp(source->set->policies[0].name, name);
	return base && !strncmp(base + 1, shadow_shown(name), len) &&
	       !strcmp(base + 1 + len, is_shadow(name) ? ".json" : ".yaml");
}

bool sources_broken(const struct sources *sources, const char *name)
{
	for (size_t i = 0; i < sources->n; i++) {
		if (!sources->items[i].set && source_is_applied(&sources->items[i], name))
			return true;
	}
	return false;
}

int sources_drop(struct sources *sources, const char *name)
{
	for (size_t i = 0; i < sources->n; i++) {
		struct source *source = &sources->items[i];

		if (!source_is_applied(source, name))
			continue;
		free(source->file);
		policy_set_free(source->set);
		memmove(source, source + 1, (sources->n - i - 1) * sizeof(*source));
		sources->n--;
		return 0;
	}
	return -ENOENT;
}
