/* SPDX-License-Identifier: GPL-2.0-only */
/* Sources are read: policies.d, STATE/applied and STATE/shadow. */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "daemon/saved.h"
#include "daemon/sources.h"

/* What is read, and where it goes. */
struct load {
	const char *state_dir;
	const struct sources *old; /* the forms that were good last; NULL: none */
	struct policy_reads *reads; /* NULL: not wanted */
	json_t *problems;
	struct sources *ret;
};

static int is_policy_file(const struct dirent *entry)
{
	return policy_file_name(entry->d_name);
}

static int is_shadow_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && !strcmp(entry->d_name + len - 5, ".json");
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

struct policy_set *sources_last_good(const struct sources *old, const char *state_dir,
				     const char *path)
{
	for (size_t i = 0; old && i < old->n; i++) {
		const struct source *item = &old->items[i];

		if (!item->api && item->set && !strcmp(item->file, path))
			return policy_set_copy(item->set);
	}
	return last_good_read(state_dir, base_name(path));
}

void sources_save_good(const struct sources *sources, const char *state_dir)
{
	for (size_t i = 0; i < sources->n; i++) {
		const struct source *item = &sources->items[i];

		if (!item->api && item->set && !item->kept)
			(void)last_good_save(state_dir, base_name(item->file), item->set);
	}
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

static bool is_gone(const char *path)
{
	struct stat st;

	return lstat(path, &st) && errno == ENOENT;
}

/* What a file holds; NULL in *ret: nothing valid. -ENOMEM. */
static int parse(const struct load *l, const char *path, struct policy_reads *reads,
		 struct policy_set **ret)
{
	_cleanup_(policy_reads_done) struct policy_reads unwanted = {};
	struct policy_errors errs = {};
	int err;

	reads = reads ?: &unwanted;
	reads->only_files = true;
	err = policy_parse_file(path, reads, ret, &errs);
	if (err)
		*ret = NULL;
	for (size_t i = 0; i < errs.n_errors; i++) {
		const struct policy_error *e = &errs.errors[i];

		json_array_append_new(l->problems, problem_new(e->file ?: path, e->pos, e->message,
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

static int load_file(const struct load *l, const char *path, const char *base)
{
	struct policy_set *set = NULL;
	int err = parse(l, path, l->reads, &set);
	bool kept;

	if (err)
		return err;
	drop_clash(path, l->ret, l->problems, &set);
	kept = !set;
	if (kept) {
		set = sources_last_good(l->old, l->state_dir, path);
		drop_clash(path, l->ret, NULL, &set);
	}
	err = sources_append(l->ret, path, false, set);
	if (!err)
		l->ret->items[l->ret->n - 1].kept = kept;
	return err;
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
static int load_applied(const struct load *l, const char *path, const char *base)
{
	struct policy_set *set = NULL;
	int err = parse(l, path, NULL, &set);

	/* It holds one policy. */
	if (!err && set && set->n_policies != 1)
		set = policy_set_free(set);
	if (!err && set && !strcmp(base + strlen(base) - 5, ".json"))
		err = policy_make_shadow(&set->policies[0]);
	if (!err && set)
		err = policy_name_file(&set->policies[0], path);
	if (err) {
		policy_set_free(set);
		return err == -ENAMETOOLONG ? 0 : err;
	}
	if (drop_clash(path, l->ret, l->problems, &set))
		return 0;
	set = set ?: applied_in_memory(path, l->old);
	/* Without any form nobody knows what it holds: what is bound stays. */
	return sources_append(l->ret, set ? SOURCES_API : path, true, set);
}

/*
 * A state directory of a newer leastcap: what was applied goes on as this run has it, and what the kernel has beside that may
 * be of a file that cannot be read here.
 */
static int load_unknown(const struct load *l)
{
	_cleanup_free_ char *path = NULL;
	int err;

	if (asprintf(&path, "%s/" SAVED_VERSION_FILE, l->state_dir) < 0)
		return -ENOMEM;
	json_array_append_new(
		l->problems,
		problem_new(
			path, (struct policy_pos){},
			"this directory is of a newer leastcap: nothing in it is read or changed, "
			"and what is bound stays bound",
			NULL, NULL));
	err = sources_append(l->ret, path, false, NULL);
	for (size_t i = 0; !err && l->old && i < l->old->n; i++) {
		const struct source *item = &l->old->items[i];
		struct policy_set *set = item->api && item->set ? policy_set_copy(item->set) : NULL;

		if (item->api && item->set)
			err = set ? sources_append(l->ret, item->file, true, set) : -ENOMEM;
	}
	return err;
}

/* A file that comes by the name of one that is gone is another: it is not to bring back what that had. */
static int forget(const struct load *l, const char *base)
{
	_cleanup_free_ char *path = NULL, *message = NULL;
	int err = last_good_remove(l->state_dir, base);
	char why[128];

	if (!err)
		return 0;
	if (asprintf(&path, "%s/last-good/%s", l->state_dir, base) < 0 ||
	    asprintf(&message, "its file is gone, and it cannot be removed: %s",
		     strerror_r(-err, why, sizeof(why))) < 0)
		return -ENOMEM;
	json_array_append_new(l->problems,
			      problem_new(path, (struct policy_pos){}, message, NULL, NULL));
	return 0;
}

static int forget_gone(const struct load *l, const char *config_dir)
{
	_cleanup_free_ char *dir = NULL;
	struct dirent **entries = NULL;
	int n, err = 0;

	if (asprintf(&dir, "%s/last-good", l->state_dir) < 0)
		return -ENOMEM;
	n = scandir(dir, &entries, is_policy_file, alphasort);
	if (n < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = NULL;

		if (!err && asprintf(&path, "%s/%s", config_dir, entries[i]->d_name) < 0)
			err = -ENOMEM;
		if (!err && is_gone(path))
			err = forget(l, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return err;
}

/* For a look at what there is. */
static int load_nothing(const struct load *l, const char *path, const char *base)
{
	struct policy_set *set = NULL;
	int err = parse(l, path, l->reads, &set);

	policy_set_free(set);
	return err;
}

static int load_dir(const struct load *l, const char *dir,
		    int (*filter)(const struct dirent *entry),
		    int (*load)(const struct load *l, const char *path, const char *base))
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, filter, alphasort), err = 0;

	if (n < 0)
		return errno == ENOENT ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = NULL;

		if (!err && asprintf(&path, "%s/%s", dir, entries[i]->d_name) < 0)
			err = -ENOMEM;
		/* A name that leads to no file is no removed file: that it cannot be read is to be told. */
		if (!err && !is_gone(path))
			err = load(l, path, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return err;
}

int sources_look(const char *config_dir, struct policy_reads *ret)
{
	json_auto_t *ignored = json_array();
	struct policy_reads reads = {};
	const struct load l = {.reads = &reads, .problems = ignored};
	int err = ignored ? load_dir(&l, config_dir, is_policy_file, load_nothing) : -ENOMEM;

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
	const struct load l = {.state_dir = state_dir,
			       .old = old,
			       .reads = reads,
			       .problems = problems,
			       .ret = &fresh};
	int err;

	if (asprintf(&applied, "%s/applied", state_dir) < 0 ||
	    asprintf(&shadow, "%s/shadow", state_dir) < 0)
		return -ENOMEM;
	err = load_dir(&l, config_dir, is_policy_file, load_file);
	if (!err && saved_newer(state_dir))
		err = load_unknown(&l);
	else if (!err)
		err = forget_gone(&l, config_dir)
			      ?: load_dir(&l, applied, is_policy_file, load_applied)
			      ?: load_dir(&l, shadow, is_shadow_file, load_applied);
	if (err)
		return err;
	*ret = fresh;
	fresh = (struct sources){};
	return 0;
}
