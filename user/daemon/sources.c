/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/sources.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "daemon/saved.h"
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

/* Takes set over, also on failure. */
static int sources_append(struct sources *sources, const char *file, bool api,
			  struct policy_set *set)
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

/* ---- reading ---- */

static int is_policy_file(const struct dirent *entry)
{
	return policy_file_name(entry->d_name);
}

static int is_shadow_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && !strcmp(entry->d_name + len - 5, ".json");
}

/* The form that was good last: of this run, else of the one before. NULL: none. */
static struct policy_set *last_good(const char *path, const char *base, const char *state_dir,
				    const struct sources *old)
{
	for (size_t i = 0; old && i < old->n; i++) {
		const struct source *item = &old->items[i];

		if (!item->api && item->set && !strcmp(item->file, path))
			return policy_set_copy(item->set);
	}
	return last_good_read(state_dir, base);
}

/* The first policy whose name another source has already; NULL: none. */
static const struct policy *clash(const struct sources *sources, const struct policy_set *set,
				  const struct source **ret_source)
{
	for (size_t i = 0; i < set->n_policies; i++) {
		if (sources_find(sources, set->policies[i].name, ret_source))
			return &set->policies[i];
	}
	return NULL;
}

static void complain_clash(json_t *problems, const char *path, const struct policy *policy,
			   const char *other)
{
	_cleanup_free_ char *message = NULL;

	if (asprintf(&message, "policy \"%s\" is defined in %s already; %s is left out",
		     policy->name, other, policy->file ? path : "this file") < 0)
		return;
	json_array_append_new(problems,
			      problem_new(policy->file ?: path, policy->pos, message, NULL, NULL));
}

/* What a file holds; NULL in *ret: nothing valid. -ENOMEM. */
static int parse(const char *path, struct policy_reads *reads, json_t *problems,
		 struct policy_set **ret)
{
	struct policy_errors errs = {};
	int err = policy_parse_file(path, reads, ret, &errs);

	if (err)
		*ret = NULL;
	for (size_t i = 0; i < errs.n_errors; i++) {
		const struct policy_error *e = &errs.errors[i];

		json_array_append_new(problems, problem_new(e->file ?: path, e->pos, e->message,
							    e->hint, e->source_line));
	}
	policy_errors_done(&errs);
	return err == -ENOMEM ? err : 0;
}

/* Drops a set that defines what another source has; says so where it is asked to. True: it is dropped. */
static bool drop_clash(const char *path, const struct sources *others, json_t *problems,
		       struct policy_set **set)
{
	const struct source *other = NULL;
	const struct policy *twice = *set ? clash(others, *set, &other) : NULL;

	if (!twice)
		return false;
	if (problems)
		complain_clash(problems, path, twice,
			       sources_find(others, twice->name, NULL)->file ?: other->file);
	*set = policy_set_free(*set);
	return true;
}

static int load_file(const char *path, const char *base, const char *state_dir,
		     const struct sources *old, struct policy_reads *reads, json_t *problems,
		     struct sources *ret)
{
	struct policy_set *set = NULL;
	int err = parse(path, reads, problems, &set);

	if (err)
		return err;
	drop_clash(path, ret, problems, &set);
	if (set) {
		/* Losing it costs only what a restart with a file that is broken meanwhile would need. */
		(void)last_good_save(state_dir, base, set);
	} else {
		set = last_good(path, base, state_dir, old);
		drop_clash(path, ret, NULL, &set);
	}
	return sources_append(ret, path, false, set);
}

/* Of an applied policy whose file cannot be read: the form of this run. */
static struct policy_set *applied_in_memory(const char *path, const struct sources *old)
{
	for (size_t i = 0; old && i < old->n; i++) {
		const struct source *item = &old->items[i];
		const struct source file = {.file = (char *)path, .api = true};

		if (item->api && item->set && source_is_applied(&file, item->set->policies[0].name))
			return policy_set_copy(item->set);
	}
	return NULL;
}

/* What is ours does not change by itself. */
static int load_applied(const char *path, const char *base, const char *state_dir,
			const struct sources *old, struct policy_reads *reads, json_t *problems,
			struct sources *ret)
{
	struct policy_set *set = NULL;
	int err = parse(path, NULL, problems, &set);

	/* It holds one policy. */
	if (!err && set && set->n_policies != 1)
		set = policy_set_free(set);
	if (!err && set && !strcmp(base + strlen(base) - 5, ".json"))
		err = policy_make_shadow(&set->policies[0]);
	if (err) {
		policy_set_free(set);
		return err == -ENAMETOOLONG ? 0 : err;
	}
	if (drop_clash(path, ret, problems, &set))
		return 0;
	set = set ?: applied_in_memory(path, old);
	/* Without any form nobody knows what it holds: what is bound stays. */
	return sources_append(ret, set ? SOURCES_API : path, true, set);
}

/* For a look at what there is. */
static int load_nothing(const char *path, const char *base, const char *state_dir,
			const struct sources *old, struct policy_reads *reads, json_t *problems,
			struct sources *ret)
{
	struct policy_set *set = NULL;
	int err = parse(path, reads, problems, &set);

	policy_set_free(set);
	return err;
}

typedef int (*load_fn)(const char *path, const char *base, const char *state_dir,
		       const struct sources *old, struct policy_reads *reads, json_t *problems,
		       struct sources *ret);

static int load_dir(const char *dir, int (*filter)(const struct dirent *entry), load_fn load,
		    const char *state_dir, const struct sources *old, struct policy_reads *reads,
		    json_t *problems, struct sources *ret)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, filter, alphasort), err = 0;

	if (n < 0)
		return errno == ENOENT ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = NULL;
		struct stat st;

		if (!err && asprintf(&path, "%s/%s", dir, entries[i]->d_name) < 0)
			err = -ENOMEM;
		if (!err && !stat(path, &st) && S_ISREG(st.st_mode))
			err = load(path, entries[i]->d_name, state_dir, old, reads, problems, ret);
		free(entries[i]);
	}
	free(entries);
	return err;
}

int sources_look(const char *config_dir, struct policy_reads *ret)
{
	json_auto_t *ignored = json_array();
	struct policy_reads reads = {};
	int err = ignored ? load_dir(config_dir, is_policy_file, load_nothing, NULL, NULL, &reads,
				     ignored, NULL)
			  : -ENOMEM;

	if (err)
		policy_reads_done(&reads);
	else
		*ret = reads;
	return err;
}

int sources_load(const char *config_dir, const char *state_dir, const struct sources *old,
		 struct policy_reads *reads, json_t *problems, struct sources *ret)
{
	_cleanup_(sources_done) struct sources fresh = {};
	_cleanup_free_ char *applied = NULL, *shadow = NULL;
	int err;

	if (asprintf(&applied, "%s/applied", state_dir) < 0 ||
	    asprintf(&shadow, "%s/shadow", state_dir) < 0)
		return -ENOMEM;
	err = load_dir(config_dir, is_policy_file, load_file, state_dir, old, reads, problems,
		       &fresh)
		      ?: load_dir(applied, is_policy_file, load_applied, state_dir, old, NULL,
				  problems, &fresh)
		      ?: load_dir(shadow, is_shadow_file, load_applied, state_dir, old, NULL,
				  problems, &fresh);
	if (err)
		return err;
	*ret = fresh;
	fresh = (struct sources){};
	return 0;
}
