/* SPDX-License-Identifier: GPL-2.0-only */
/* What is on disk, in STATE/, and how it gets there. Policies are in applied/, shadow/ and last-good/; as text they are JSON, which is YAML. */
#include "daemon/saved.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "daemon/sources.h"

json_t *saved_form(const struct policy *policy)
{
	struct policy p = *policy;

	p.name = (char *)shadow_shown(policy->name);
	p.mode = policy->overridden ? policy->written : policy->mode;
	return policy_to_json(&p);
}

static char *policies_text(const struct policy *policies, size_t n)
{
	json_auto_t *json = json_pack("{s:[]}", "policies");

	for (size_t i = 0; json && i < n; i++) {
		if (json_array_append_new(json_object_get(json, "policies"),
					  saved_form(&policies[i])))
			return NULL;
	}
	return json ? json_dumps(json, JSON_INDENT(2)) : NULL;
}

/* ---- whole or not at all, also after a crash ---- */

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int fresh_path(const char *dir, const char *name, char **ret)
{
	return asprintf(ret, "%s/.%s.new", dir, name) < 0 ? -ENOMEM : 0;
}

/* The text of a file, on disk beside it: what needs room is done before anything is replaced. */
static int write_fresh(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *fresh = NULL;
	_cleanup_close_ int fd = -EBADF;
	int err = fresh_path(dir, name, &fresh);

	if (err)
		return err;
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, text, strlen(text));
	if (!err && fsync(fd))
		err = -errno;
	if (err)
		unlink(fresh);
	return err;
}

static void drop_fresh(const char *dir, const char *name)
{
	_cleanup_free_ char *fresh = NULL;

	if (!fresh_path(dir, name, &fresh))
		unlink(fresh);
}

/* What has come into a folder, or gone, has so on the disk, too. */
static int sync_folder(const char *dir)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) ? -errno : 0;
}

static int put_in_place(const char *dir, const char *name)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *fresh = NULL;
	int err = fresh_path(dir, name, &fresh);

	if (err)
		return err;
	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	return rename(fresh, path) ? -errno : sync_folder(dir);
}

static int write_atomically(const char *dir, const char *name, const char *text)
{
	int err = write_fresh(dir, name, text) ?: put_in_place(dir, name);

	if (err)
		drop_fresh(dir, name);
	return err;
}

/* Also where there is none. */
static int remove_file(const char *dir, const char *name)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	if (!unlink(path))
		return sync_folder(dir);
	return errno == ENOENT ? 0 : -errno;
}

static int make_folder(const char *path)
{
	_cleanup_free_ char *parent = NULL;

	if (mkdir(path, 0700))
		return errno == EEXIST ? 0 : -errno;
	return asprintf(&parent, "%s/..", path) < 0 ? -ENOMEM : sync_folder(parent);
}

/* ---- the version ---- */

/* -ENOENT; -EBADMSG: no version. */
static int read_version(const char *state_dir, unsigned long *ret)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_fclose_ FILE *f = NULL;
	char text[32] = "", *end;

	if (asprintf(&path, "%s/" SAVED_VERSION_FILE, state_dir) < 0)
		return -ENOMEM;
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (!fgets(text, sizeof(text), f) || *text < '1' || *text > '9')
		return -EBADMSG;
	*ret = strtoul(text, &end, 10);
	return *end && *end != '\n' ? -EBADMSG : 0;
}

bool saved_newer(const char *state_dir)
{
	unsigned long version = 0;

	return !read_version(state_dir, &version) && version > SAVED_VERSION;
}

/* Before anything is written. */
static int begin_writing(const char *state_dir)
{
	return saved_newer(state_dir) ? -EPROTONOSUPPORT : make_folder(state_dir);
}

int saved_open(const char *state_dir)
{
	char text[16];
	unsigned long version;
	int was = read_version(state_dir, &version), err;

	if (was != -ENOENT && was != -EBADMSG)
		return was;
	snprintf(text, sizeof(text), "%d\n", SAVED_VERSION);
	err = make_folder(state_dir) ?: write_atomically(state_dir, SAVED_VERSION_FILE, text);
	return err ?: was == -EBADMSG ? was : 0;
}

/* ---- policies ---- */

static int make_folders(const char *state_dir, const char *below, char **ret)
{
	int err = begin_writing(state_dir);

	if (!err && asprintf(ret, "%s/%s", state_dir, below) < 0)
		err = -ENOMEM;
	return err ?: make_folder(*ret);
}

/* Where an applied policy is kept: below state_dir, and its name there. To be freed. */
static int applied_place(const char *name, const char **ret_below, char **ret_base)
{
	bool shadow = is_shadow(name);

	*ret_below = shadow ? "shadow" : "applied";
	return asprintf(ret_base, "%s.%s", shadow_shown(name), shadow ? "json" : "yaml") < 0
		       ? -ENOMEM
		       : 0;
}

char *applied_path(const char *state_dir, const char *name)
{
	_cleanup_free_ char *base = NULL;
	const char *below;
	char *path;

	if (applied_place(name, &below, &base) ||
	    asprintf(&path, "%s/%s/%s", state_dir, below, base) < 0)
		return NULL;
	return path;
}

/* One step of saving a policy: its text beside its file, that text in its place, or away with it. */
enum step { STEP_WRITE, STEP_PLACE, STEP_DROP };

static int applied_step(const char *state_dir, const struct policy *policy, enum step step)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *dir = NULL;
	_cleanup_free_ char *base = NULL;
	const char *below;
	int err = applied_place(policy->name, &below, &base)
			  ?: make_folders(state_dir, below, &dir);

	if (err)
		return err;
	switch (step) {
	case STEP_WRITE:
		text = policies_text(policy, 1);
		return text ? write_fresh(dir, base, text) : -ENOMEM;
	case STEP_PLACE:
		return put_in_place(dir, base);
	case STEP_DROP:
		drop_fresh(dir, base);
	}
	return 0;
}

int applied_save_all(const char *state_dir, const struct policy_set *set)
{
	int err = 0;

	for (size_t i = 0; !err && i < set->n_policies; i++)
		err = applied_step(state_dir, &set->policies[i], STEP_WRITE);
	for (size_t i = 0; !err && i < set->n_policies; i++)
		err = applied_step(state_dir, &set->policies[i], STEP_PLACE);
	for (size_t i = 0; err && i < set->n_policies; i++)
		(void)applied_step(state_dir, &set->policies[i], STEP_DROP);
	return err;
}

int applied_save(const char *state_dir, const struct policy *policy)
{
	const struct policy_set one = {.policies = (struct policy *)policy, .n_policies = 1};

	return applied_save_all(state_dir, &one);
}

int applied_remove(const char *state_dir, const char *name)
{
	_cleanup_free_ char *dir = NULL;
	_cleanup_free_ char *base = NULL;
	const char *below;
	int err = saved_newer(state_dir) ? -EPROTONOSUPPORT : applied_place(name, &below, &base);

	if (err)
		return err;
	if (asprintf(&dir, "%s/%s", state_dir, below) < 0)
		return -ENOMEM;
	return remove_file(dir, base);
}

int last_good_save(const char *state_dir, const char *base, const struct policy_set *set)
{
	_cleanup_free_ char *text = policies_text(set->policies, set->n_policies);
	_cleanup_free_ char *dir = NULL;
	int err = make_folders(state_dir, "last-good", &dir);

	if (err)
		return err;
	return text ? write_atomically(dir, base, text) : -ENOMEM;
}

struct policy_set *last_good_read(const char *state_dir, const char *base)
{
	_cleanup_free_ char *path = NULL;
	struct policy_errors errs = {};
	struct policy_set *set = NULL;

	if (saved_newer(state_dir) || asprintf(&path, "%s/last-good/%s", state_dir, base) < 0)
		return NULL;
	if (policy_parse_file(path, NULL, &set, &errs))
		set = NULL;
	policy_errors_done(&errs);
	return set;
}

int last_good_remove(const char *state_dir, const char *base)
{
	_cleanup_free_ char *dir = NULL;

	if (saved_newer(state_dir))
		return -EPROTONOSUPPORT;
	return asprintf(&dir, "%s/last-good", state_dir) < 0 ? -ENOMEM : remove_file(dir, base);
}

/* ---- what is no policy ---- */

int saved_write(const char *state_dir, const char *name, const json_t *json)
{
	_cleanup_free_ char *text = json_dumps(json, JSON_INDENT(2));
	int err = text ? begin_writing(state_dir) : -ENOMEM;

	return err ?: write_atomically(state_dir, name, text);
}

int saved_read(const char *state_dir, const char *name, json_t **ret)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_fclose_ FILE *f = NULL;
	json_t *json;

	if (saved_newer(state_dir))
		return -ENOENT;
	if (asprintf(&path, "%s/%s", state_dir, name) < 0)
		return -ENOMEM;
	f = fopen(path, "re");
	if (!f)
		return -errno;
	json = json_loadf(f, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(json)) {
		json_decref(json);
		return -EBADMSG;
	}
	*ret = json;
	return 0;
}

int saved_remove(const char *state_dir, const char *name)
{
	return saved_newer(state_dir) ? -EPROTONOSUPPORT : remove_file(state_dir, name);
}
