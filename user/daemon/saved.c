/* SPDX-License-Identifier: GPL-2.0-only */
/* What is on disk, in STATE/, and how it gets there. Policies are in applied/, shadow/ and last-good/; as text they are JSON, which is YAML. */
#include "daemon/saved.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/saved_file.h"
#include "daemon/sources.h"

json_t *saved_form(const struct policy *policy)
{
	struct policy p = *policy;

	p.name = (char *)shadow_shown(policy->name);
	p.mode = policy->overridden ? policy->written : policy->mode;
	return policy_to_json(&p);
}

char *policies_text(const struct policy *policies, size_t n)
{
	json_auto_t *json = json_pack("{s:[]}", "policies");

	for (size_t i = 0; json && i < n; i++) {
		if (json_array_append_new(json_object_get(json, "policies"),
					  saved_form(&policies[i])))
			return NULL;
	}
	return json ? json_dumps(json, JSON_INDENT(2)) : NULL;
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
	return saved_newer(state_dir) ? -EPROTONOSUPPORT : folder_ensure(state_dir);
}

int saved_open(const char *state_dir)
{
	char text[16];
	unsigned long version;
	int was = read_version(state_dir, &version), err;

	if (was != -ENOENT && was != -EBADMSG)
		return was;
	snprintf(text, sizeof(text), "%d\n", SAVED_VERSION);
	err = folder_ensure(state_dir) ?: saved_file_replace(state_dir, SAVED_VERSION_FILE, text);
	return err ?: was == -EBADMSG ? was : 0;
}

/* ---- policies ---- */

char *applied_name(const char *policy)
{
	bool shadow = is_shadow(policy);
	char *name;

	return asprintf(&name, "%s/%s.%s", shadow ? "shadow" : "applied", shadow_shown(policy),
			shadow ? "json" : "yaml") < 0
		       ? NULL
		       : name;
}

char *applied_path(const char *state_dir, const char *policy)
{
	_cleanup_free_ char *name = applied_name(policy);
	char *path;

	return !name || asprintf(&path, "%s/%s", state_dir, name) < 0 ? NULL : path;
}

int last_good_save(const char *state_dir, const char *base, const struct policy_set *set)
{
	_cleanup_free_ char *text = policies_text(set->policies, set->n_policies);
	_cleanup_free_ char *dir = NULL;
	int err = begin_writing(state_dir);

	if (!err && (!text || asprintf(&dir, "%s/last-good", state_dir) < 0))
		err = -ENOMEM;
	return err ?: folder_ensure(dir) ?: saved_file_replace(dir, base, text);
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
	return asprintf(&dir, "%s/last-good", state_dir) < 0 ? -ENOMEM
							     : saved_file_remove(dir, base);
}

/* ---- what is no policy ---- */

int saved_write(const char *state_dir, const char *name, const json_t *json)
{
	_cleanup_free_ char *text = json_dumps(json, JSON_INDENT(2));
	int err = text ? begin_writing(state_dir) : -ENOMEM;

	return err ?: saved_file_replace(state_dir, name, text);
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
	return saved_newer(state_dir) ? -EPROTONOSUPPORT : saved_file_remove(state_dir, name);
}
