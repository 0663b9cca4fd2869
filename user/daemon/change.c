/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/saved.h"
#include "daemon/saved_file.h"

struct step {
	char *dir, *base;
	bool staged; /* to be put, its text is beside it; else to be taken */
};

struct change {
	char *state_dir;
	json_t *list; /* {"put":["applied/web.yaml"],"take":["shadow/web.json"]} */
	struct step *steps;
	size_t n;
	bool listed, done;
};

/* ---- what is to be done ---- */

static void step_done(struct step *step)
{
	free(step->dir);
	free(step->base);
}

/* name: below STATE, "applied/web.yaml". */
static int step_make(const char *state_dir, const char *name, struct step *ret)
{
	const char *slash = strrchr(name, '/');
	struct step step = {.base = strdup(slash ? slash + 1 : name)};

	if (asprintf(&step.dir, "%s%s%.*s", state_dir, slash ? "/" : "",
		     slash ? (int)(slash - name) : 0, name) < 0)
		step.dir = NULL;
	if (!step.base || !step.dir) {
		step_done(&step);
		return -ENOMEM;
	}
	*ret = step;
	return 0;
}

/* *ret: valid until the next one. */
static int add_step(struct change *c, const char *key, const char *name, struct step **ret)
{
	struct step *grown = reallocarray(c->steps, c->n + 1, sizeof(*grown));
	int err;

	if (!grown)
		return -ENOMEM;
	c->steps = grown;
	err = step_make(c->state_dir, name, &grown[c->n]);
	if (err)
		return err;
	*ret = &grown[c->n++];
	return json_array_append_new(json_object_get(c->list, key), json_string(name)) ? -ENOMEM
										       : 0;
}

int change_begin(const char *state_dir, struct change **ret)
{
	_cleanup_(change_freep) struct change *c = calloc(1, sizeof(*c));
	int err = saved_newer(state_dir) ? -EPROTONOSUPPORT
					 : folder_ensure(state_dir) ?: change_finish(state_dir);

	if (err)
		return err;
	if (c) {
		c->state_dir = strdup(state_dir);
		c->list = json_pack("{s:[], s:[]}", "put", "take");
	}
	if (!c || !c->state_dir || !c->list)
		return -ENOMEM;
	*ret = TAKE_PTR(c);
	return 0;
}

struct change *change_free(struct change *c)
{
	if (!c)
		return NULL;
	for (size_t i = 0; i < c->n; i++) {
		if (c->steps[i].staged && !c->done)
			file_drop(c->steps[i].dir, c->steps[i].base);
		step_done(&c->steps[i]);
	}
	if (c->listed && !c->done)
		file_drop(c->state_dir, CHANGE_FILE);
	json_decref(c->list);
	free(c->steps);
	free(c->state_dir);
	free(c);
	return NULL;
}

static int put_text(struct change *c, const char *name, const char *text)
{
	struct step *step;
	int err = text ? add_step(c, "put", name, &step) : -ENOMEM;

	err = err ?: folder_ensure(step->dir) ?: file_stage(step->dir, step->base, text);
	if (!err)
		step->staged = true;
	return err;
}

int change_put(struct change *c, const char *name, const json_t *json)
{
	_cleanup_free_ char *text = json_dumps(json, JSON_INDENT(2));

	return put_text(c, name, text);
}

int change_put_policy(struct change *c, const struct policy *policy)
{
	_cleanup_free_ char *name = applied_name(policy->name), *text = policies_text(policy, 1);

	return name ? put_text(c, name, text) : -ENOMEM;
}

int change_put_policies(struct change *c, const struct policy_set *set)
{
	int err = 0;

	for (size_t i = 0; !err && i < set->n_policies; i++)
		err = change_put_policy(c, &set->policies[i]);
	return err;
}

int change_take(struct change *c, const char *name)
{
	struct step *step;

	return add_step(c, "take", name, &step);
}

int change_take_policy(struct change *c, const char *policy)
{
	_cleanup_free_ char *name = applied_name(policy);

	return name ? change_take(c, name) : -ENOMEM;
}

/* ---- doing it ---- */

int change_ready(struct change *c)
{
	_cleanup_free_ char *text = NULL;
	int err = 0;

	for (size_t i = 0; !err && i < c->n; i++) {
		const char *dir = c->steps[i].dir;

		/* What is staged has to be found after a crash, too. To take away, a folder only has to be writable. */
		if (c->steps[i].staged)
			err = folder_sync(dir);
		else if (access(dir, W_OK) && errno != ENOENT)
			err = -errno;
	}
	if (err || c->n < 2)
		return err;
	text = json_dumps(c->list, JSON_INDENT(2));
	err = text ? file_stage(c->state_dir, CHANGE_FILE, text) : -ENOMEM;
	c->listed = !err;
	return err;
}

static int do_step(const struct step *step, bool put)
{
	int err = put ? file_place(step->dir, step->base)
		      : saved_file_remove(step->dir, step->base);

	/* It was done before. */
	return put && err == -ENOENT ? 0 : err;
}

static int do_list(const char *state_dir, const json_t *list, const char *key)
{
	const json_t *each;
	size_t i;
	int err = 0;

	json_array_foreach(json_object_get(list, key), i, each) {
		const char *name = json_string_value(each);
		struct step step = {};

		if (err || !name)
			continue;
		err = step_make(state_dir, name, &step) ?: do_step(&step, !strcmp(key, "put"));
		step_done(&step);
	}
	return err;
}

int change_finish(const char *state_dir)
{
	json_auto_t *list = NULL;
	int err = saved_read(state_dir, CHANGE_FILE, &list);

	if (err)
		return err == -ENOENT ? 0 : err;
	return do_list(state_dir, list, "put") ?: do_list(state_dir, list, "take") ?:
	       saved_file_remove(state_dir, CHANGE_FILE);
}

/* One step needs no list: it decides itself, and from then on it is so, whether or not it is sure to outlast a crash. */
static int commit_one(struct change *c)
{
	const struct step *step = &c->steps[0];
	_cleanup_free_ char *path = NULL;
	int err;

	if (asprintf(&path, "%s/%s", step->dir, step->base) < 0)
		return -ENOMEM;
	err = step->staged			? file_move(step->dir, step->base)
	      : unlink(path) && errno != ENOENT ? -errno
						: 0;
	if (err)
		return err;
	c->done = true;
	err = folder_sync(step->dir);
	if (err && err != -ENOENT)
		log_warn(err,
			 "%s is what it is to be, and after a crash may be what it was, ignoring",
			 path);
	return 0;
}

int change_commit(struct change *c)
{
	int err;

	if (c->n == 1)
		return commit_one(c);
	err = c->listed ? file_place(c->state_dir, CHANGE_FILE) : 0;
	if (err) {
		/* Where it only could not be made sure that it is there: it is not to be. */
		(void)saved_file_remove(c->state_dir, CHANGE_FILE);
		return err;
	}
	c->done = true;
	err = change_finish(c->state_dir);
	if (err)
		log_warn(err,
			 "cannot put all of it in its place in %s, trying again when it is read",
			 c->state_dir);
	return 0;
}
