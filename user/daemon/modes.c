/* SPDX-License-Identifier: GPL-2.0-only */
/* Modes that override what policies say, in STATE/modes.json: {"web": "audit"}. */
#include <string.h>

#include "audit/event.h"
#include "base/log.h"
#include "daemon/change.h"
#include "daemon/internal.h"
#include "daemon/keep.h"
#include "daemon/saved.h"

#define MODES_FILE "modes.json"

static bool is_mode(const char *word)
{
	return word && (!strcmp(word, "audit") || !strcmp(word, "enforce"));
}

int modes_open(struct state *s)
{
	_cleanup_free_ char *path = NULL;
	json_auto_t *modes = NULL;
	int err = saved_read(s->state_dir, MODES_FILE, &modes);
	const char *name;
	json_t *mode;

	if (err == -ENOENT)
		return 0;
	if (!err) {
		json_object_foreach(modes, name, mode) {
			if (!is_mode(json_string_value(mode)))
				err = -EBADMSG;
		}
	}
	if (!err) {
		json_decref(s->modes);
		s->modes = json_incref(modes);
		return 0;
	}
	if (err == -ENOMEM || asprintf(&path, "%s/" MODES_FILE, s->state_dir) < 0)
		return -ENOMEM;
	/* The policies' own modes are the nearest right thing. */
	json_array_append_new(s->own_problems,
			      problem_new(path, (struct policy_pos){},
					  "it cannot be read: modes set by 'leastcap mode' are "
					  "forgotten, the policies' own are in force",
					  NULL, NULL));
	return 0;
}

void modes_join(const json_t *modes, struct sources *sources)
{
	for (size_t i = 0; i < sources->n; i++) {
		struct policy_set *set = sources->items[i].set;

		for (size_t j = 0; set && j < set->n_policies; j++) {
			struct policy *p = &set->policies[j];
			const char *mode = json_string_value(json_object_get(modes, p->name));

			if (is_shadow(p->name))
				continue;
			if (!p->overridden)
				p->written = p->mode;
			p->overridden = mode != NULL;
			p->mode = !mode			  ? p->written
				  : strcmp(mode, "audit") ? LEASTCAP_ENFORCE
							  : LEASTCAP_AUDIT;
		}
	}
}

const char *modes_by(const struct policy *p)
{
	return is_shadow(p->name) ? "shadow" : p->overridden ? "override" : "policy";
}

int modes_stage(const json_t *modes, struct change *change)
{
	return json_object_size(modes) ? change_put(change, MODES_FILE, modes)
				       : change_take(change, MODES_FILE);
}

/* What was said wrong, and how it would be right; NULL: nothing. */
static unsigned int check(struct state *s, const char *name, const char *mode, json_t **ret)
{
	if (!is_mode(mode) && strcmp(mode, "file"))
		return answer_text(
			400, ret,
			"mode \"%.20s\": audit, enforce, or file for what the policy says", mode);
	/* What overrides nothing now may be in the way of a policy that is yet to come. */
	if (!is_mode(mode) && json_object_get(s->modes, name))
		return 0;
	if (is_shadow(name) || !sources_find(&s->sources, name, NULL))
		return answer_no_policy(s, name, false, ret);
	return 0;
}

/*
 * A mode that a policy cannot be bound with (it would hold the daemon itself) shows as a complaint that was not there before.
 * 0, or the status of the answer.
 */
static unsigned int try_out(struct state *s, const char *name, const struct sources *fresh,
			    json_t **ret)
{
	json_auto_t *before = json_array(), *after = json_array();
	_cleanup_(plan_done) struct plan old = {}, new = {};
	const json_t *x, *y;
	size_t i, j;
	int err = before && after ? plan_try(s, &s->sources, NULL, before, &old) : -ENOMEM;

	err = err ?: plan_try(s, fresh, NULL, after, &new);
	if (err)
		return answer_errno(s, err, "nothing was changed", ret);
	json_array_foreach(after, i, x) {
		bool known = false;

		json_array_foreach(before, j, y)
			known = known || json_equal(x, y);
		if (!known)
			return answer_text(
				422, ret,
				"policy \"%s\" cannot have this mode, nothing was changed: %.300s",
				name, json_string_value(json_object_get(x, "message")) ?: "?");
	}
	return 0;
}

/* A file that could not be read has been written anew. */
static void end_problems(struct state *s)
{
	const json_t *own;
	size_t i, j;

	json_array_foreach(s->own_problems, i, own) {
		for (j = json_array_size(s->problems); j--;) {
			if (json_equal(json_array_get(s->problems, j), own))
				json_array_remove(s->problems, j);
		}
	}
	json_array_clear(s->own_problems);
}

static void tell_mode(struct state *s, const char *name, const json_t *old, const struct peer *by)
{
	const struct policy *p = sources_find(&s->sources, name, NULL);
	json_t *extra =
		p ? json_pack("{s:s, s:s}", "mode", event_mode(p->mode), "mode_by", modes_by(p))
		  : json_pack("{s:s}", "mode_by", "policy");

	tell_policy(s, "mode", name, old, extra, by);
}

static int save(const struct state *s, const json_t *modes)
{
	_cleanup_(change_freep) struct change *change = NULL;

	return change_begin(s->state_dir, &change) ?: modes_stage(modes, change) ?:
	       change_ready(change) ?: change_commit(change);
}

void modes_forget(struct state *s, const struct sources *was, const struct peer *by)
{
	json_auto_t *left = json_object(), *all = s->modes;
	const char *name;
	json_t *mode;
	int err = left ? 0 : -ENOMEM;

	json_object_foreach(all, name, mode) {
		if (sources_find(&s->sources, name, NULL) ||
		    keep_owner(&s->sources, was, s->confirm.set, name))
			err = err ?: (json_object_set(left, name, mode) ? -ENOMEM : 0);
	}
	if (!err && json_object_size(left) != json_object_size(all))
		err = save(s, left);
	if (err) {
		log_warn(err, "a mode that was set for a policy that is gone stays, ignoring");
		json_incref(all);
		return;
	}
	s->modes = json_incref(left);
	json_object_foreach(all, name, mode) {
		if (!json_object_get(left, name))
			tell_mode(s, name, NULL, by);
	}
}

unsigned int state_mode(struct state *s, const char *name, const char *mode, const struct peer *by,
			json_t **ret)
{
	_cleanup_(sources_done) struct sources fresh = {};
	_cleanup_(change_freep) struct change *change = NULL;
	json_auto_t *old = revisions_take(s), *modes = json_deep_copy(s->modes);
	unsigned int status = confirm_busy(s, ret) ?: check(s, name, mode, ret);
	const struct policy *p;
	int err;

	if (status)
		return status;
	err = old && modes ? sources_copy(&s->sources, &fresh) : -ENOMEM;
	if (err)
		return answer_errno(s, err, "nothing was changed", ret);
	if (is_mode(mode))
		json_object_set_new(modes, name, json_string(mode));
	else
		(void)json_object_del(modes, name);
	modes_join(modes, &fresh);
	status = try_out(s, name, &fresh, ret);
	if (status)
		return status;
	err = change_begin(s->state_dir, &change) ?: modes_stage(modes, change) ?:
	      change_ready(change);
	status = err ? answer_unsaved(err, s, ret)
		     : state_change(s, &fresh, NULL, modes, change, ret);
	if (status)
		return status;
	end_problems(s);
	tell_mode(s, name, old, by);
	p = sources_find(&s->sources, name, NULL);
	return answer_json(json_pack("{s:s, s:s?, s:s?}", "policy", name, "mode",
				     p ? event_mode(p->mode) : NULL, "mode_by",
				     p ? modes_by(p) : NULL),
			   ret);
}
