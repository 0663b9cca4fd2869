/* SPDX-License-Identifier: GPL-2.0-only */
/* POST and DELETE /v1/policies: one policy file more, one policy less. */
#include <string.h>

#include "audit/event.h"
#include "daemon/change.h"
#include "daemon/internal.h"
#include "daemon/ties.h"
#include "policy/compile.h"

static unsigned int answer_applied(struct state *s, const struct apply_request *request,
				   const struct policy_set *set, const json_t *old,
				   const struct peer *by, json_t **ret)
{
	json_t *applied = json_array(), *answer;

	for (size_t i = 0; i < set->n_policies; i++) {
		const char *name = set->policies[i].name;
		const struct policy *now = sources_find(&s->sources, name, NULL);
		struct leastcap_policy p = {};

		(void)published_policy(s, name, &p);
		json_array_append_new(
			applied,
			json_pack("{s:s, s:I, s:I, s:s, s:s, s:o, s:b}", "name", shadow_shown(name),
				  "revision", (json_int_t)p.revision, "bindings",
				  (json_int_t)count_wants(s, name), "mode", event_mode(now->mode),
				  "mode_by", modes_by(now), "left_out",
				  event_rules(policy_left_out(now)), "shadow", is_shadow(name)));
		tell_policy(s, "applied", name, old,
			    request->confirm ? json_pack("{s:I}", "confirm_within",
							 (json_int_t)request->confirm)
					     : NULL,
			    by);
	}
	answer = json_pack("{s:o, s:o}", "applied", applied, "disarmed", disarm_json(s));
	if (answer && request->confirm)
		json_object_set_new(answer, "confirm", confirm_json(s));
	return answer_json(answer, ret);
}

/* What was parsed becomes part of the sources. 0, or the status of the answer. */
static unsigned int put_all(struct state *s, const struct apply_request *request,
			    struct policy_set *set, struct sources *fresh, json_t **ret)
{
	int err = sources_copy(&s->sources, fresh);

	for (size_t i = 0; !err && i < set->n_policies; i++) {
		struct policy *p = &set->policies[i];

		if (request->shadow) {
			const char *file = sources_file_of(&s->sources, p->name);

			if (file)
				return answer_text(
					409, ret,
					"policy \"%s\" is defined in %s: a shadow of it could not be "
					"promoted; try that file with 'leastcap apply --dry-run', or "
					"say 'leastcap mode audit %s' and change it there",
					p->name, file, p->name);
			err = policy_make_shadow(p);
			if (err == -ENAMETOOLONG)
				return answer_text(
					422, ret,
					"policy \"%s\": the name of a shadow has at most %zu characters",
					p->name, SHADOW_NAME_MAX);
		} else if (request->dry_run) {
			/* A file of policies.d may be tried out, too. */
			sources_hide(fresh, p->name);
		} else if (sources_file_of(&s->sources, p->name)) {
			return answer_text(409, ret,
					   "policy \"%s\" is defined in %s: change it there",
					   p->name, sources_file_of(&s->sources, p->name));
		}
		err = err ?: sources_put(fresh, p);
	}
	return err ? answer_errno(s, err, "cannot apply, nothing was changed", ret) : 0;
}

/* All that the disk has to have for it, beside its place. */
static int stage(struct state *s, const struct apply_request *request, const struct policy_set *set,
		 const struct peer *by, struct change **ret)
{
	_cleanup_(change_freep) struct change *change = NULL;
	int err = change_begin(s->state_dir, &change);

	if (!err)
		err = request->confirm ? confirm_begin(s, set, request->confirm, by, change)
				       : change_put_policies(change, set);
	err = err ?: change_ready(change);
	if (!err)
		*ret = TAKE_PTR(change);
	return err;
}

static int parse(const struct apply_request *request, struct policy_set **ret,
		 struct policy_errors *errs)
{
	_cleanup_(policy_texts_done) struct policy_texts texts = {};
	int err;

	*errs = (struct policy_errors){};
	if (!request->family)
		return policy_parse(request->file, request->text, request->len, ret, errs);
	err = policy_texts_from_json(request->text, request->len, &texts);
	return err ?: policy_parse_texts(&texts, ret, errs);
}

/* Policies know where they are written: by the names that came with them. */
static int name_files(const char *name, struct policy_set *set)
{
	int err = 0;

	for (size_t i = 0; !err && i < set->n_policies; i++) {
		if (!set->policies[i].file)
			err = policy_name_file(&set->policies[i], name);
	}
	return err;
}

/* 0, or the status of the answer. */
static unsigned int read_set(const struct state *s, const struct apply_request *request,
			     struct policy_set **ret_set, json_t **ret)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	_cleanup_(policy_errors_done) struct policy_errors errs = {};
	int err = parse(request, &set, &errs) ?: name_files(request->file, set);

	if (err == -EINVAL)
		return answer_parse_errors(request->file, &errs, ret);
	if (err == -EBADMSG)
		return answer_text(
			400, ret,
			"family: {\"files\":[{\"paths\":[...],\"text\":\"...\"}]} is needed");
	if (err)
		return answer_errno(s, err, "cannot apply, nothing was changed", ret);
	*ret_set = TAKE_PTR(set);
	return 0;
}

unsigned int state_apply(struct state *s, const struct apply_request *request,
			 const struct peer *by, json_t **ret)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	_cleanup_(sources_done) struct sources fresh = {};
	_cleanup_(change_freep) struct change *change = NULL;
	json_auto_t *complaints = json_array(), *old = revisions_take(s);
	unsigned int status = request->dry_run ? 0 : confirm_busy(s, ret);
	int err;

	if (!status && (!complaints || !old))
		status = answer_errno(s, -ENOMEM, "cannot apply, nothing was changed", ret);
	status = status ?: read_set(s, request, &set, ret) ?: put_all(s, request, set, &fresh, ret);
	if (status)
		return status;
	err = ties_written(&fresh, set, complaints);
	if (err)
		return answer_errno(s, err, "cannot apply, nothing was changed", ret);
	if (!request->dry_run && json_array_size(complaints))
		return answer_error(422, TIES_REFUSED, complaints, ret);
	if (request->dry_run)
		return dry_run(s, request, &fresh, set, complaints, ret);
	err = stage(s, request, set, by, &change);
	status = err ? answer_unsaved(err, s, ret)
		     : state_change(s, &fresh, set, NULL, change, ret);
	if (status) {
		if (request->confirm)
			confirm_done(&s->confirm);
		return status;
	}
	return answer_applied(s, request, set, old, by, ret);
}

/* A policy, and the mode that overrides its own. */
static int stage_removal(struct state *s, const char *name, json_t *modes, struct change **ret)
{
	_cleanup_(change_freep) struct change *change = NULL;
	int err = change_begin(s->state_dir, &change) ?: change_take_policy(change, name);

	if (!err && !json_object_del(modes, name))
		err = modes_stage(modes, change);
	err = err ?: change_ready(change);
	if (!err)
		*ret = TAKE_PTR(change);
	return err;
}

unsigned int state_remove(struct state *s, const char *name, bool shadow, const struct peer *by,
			  json_t **ret)
{
	_cleanup_(sources_done) struct sources fresh = {};
	_cleanup_(change_freep) struct change *change = NULL;
	json_auto_t *modes = json_deep_copy(s->modes), *old = revisions_take(s);
	_cleanup_free_ char *full = NULL;
	const struct source *source = NULL;
	const struct policy *was;
	unsigned int status = confirm_busy(s, ret);
	int err;

	if (status)
		return status;
	if (asprintf(&full, "%s%s", shadow ? LEASTCAP_SHADOW_PREFIX : "", name) < 0)
		full = NULL;
	if (!full || !old || !modes)
		return answer_errno(s, -ENOMEM, "cannot remove, nothing was changed", ret);
	was = sources_find(&s->sources, full, &source);
	if ((!was && !sources_broken(&s->sources, full)) || (!shadow && is_shadow(full)))
		return answer_no_policy(s, name, shadow, ret);
	if (source && !source->api)
		return answer_text(409, ret, "policy \"%s\" is defined in %s: remove it there",
				   name, was && was->file ? was->file : source->file);
	err = sources_copy(&s->sources, &fresh) ?: sources_drop(&fresh, full);
	if (err)
		return answer_errno(s, err, "cannot remove, nothing was changed", ret);
	err = stage_removal(s, full, modes, &change);
	status = err ? answer_unsaved(err, s, ret)
		     : state_change(s, &fresh, NULL, modes, change, ret);
	if (status)
		return status;
	tell_policy(s, "removed", full, old, NULL, by);
	return answer_json(json_pack("{s:s, s:b}", "removed", name, "shadow", shadow), ret);
}
