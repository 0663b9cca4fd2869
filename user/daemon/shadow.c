/* SPDX-License-Identifier: GPL-2.0-only */
/* A shadow becomes the policy in force. How it is applied and removed: state.c. */
#include <string.h>

#include "audit/event.h"
#include "daemon/change.h"
#include "daemon/internal.h"
#include "daemon/saved.h"
#include "daemon/ties.h"

/* A shadow that is written below STATE moves there: its text stays the same. */
static int move_place(const struct state *s, const char *shadow, struct policy *p)
{
	_cleanup_free_ char *from = applied_path(s->state_dir, shadow);
	_cleanup_free_ char *to = applied_path(s->state_dir, p->name);

	if (!from || !to)
		return -ENOMEM;
	return p->file && !strcmp(p->file, from) ? policy_name_file(p, to) : 0;
}

/* The policy that a shadow is a trial of: by its own name, with the mode that is written in it. To be freed. */
static struct policy_set *real_form(const struct state *s, const struct policy *shadow)
{
	const struct policy_set one = {
		.file = (char *)SOURCES_API, .policies = (struct policy *)shadow, .n_policies = 1};
	_cleanup_(policy_set_freep) struct policy_set *set = policy_set_copy(&one);
	struct policy *p = set ? &set->policies[0] : NULL;
	char *name = p ? strdup(shadow_shown(shadow->name)) : NULL;

	if (!name)
		return NULL;
	free(p->name);
	p->name = name;
	p->mode = shadow->written;
	p->overridden = false;
	return move_place(s, shadow->name, p) ? NULL : TAKE_PTR(set);
}

unsigned int state_promote(struct state *s, const char *name, const struct peer *by, json_t **ret)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	_cleanup_(sources_done) struct sources fresh = {};
	_cleanup_(change_freep) struct change *change = NULL;
	json_auto_t *complaints = json_array(), *old = revisions_take(s);
	_cleanup_free_ char *shadow = NULL;
	const struct source *source = NULL;
	const struct policy *p = NULL;
	struct leastcap_policy now = {};
	unsigned int status = confirm_busy(s, ret);
	int err;

	if (status)
		return status;
	if (asprintf(&shadow, LEASTCAP_SHADOW_PREFIX "%s", name) < 0)
		shadow = NULL;
	p = shadow ? sources_find(&s->sources, shadow, NULL) : NULL;
	if (!p)
		return answer_no_policy(s, name, true, ret);
	if (sources_find(&s->sources, name, &source) && !source->api)
		return answer_text(409, ret, "policy \"%s\" is defined in %s: change it there",
				   name, source->file);
	set = real_form(s, p);
	err = set && complaints && old ? sources_copy(&s->sources, &fresh) : -ENOMEM;
	err = err ?: sources_drop(&fresh, shadow) ?: sources_put(&fresh, &set->policies[0]) ?:
	      ties_written(&fresh, set, complaints);
	if (err)
		return answer_errno(s, err, "nothing was changed", ret);
	if (json_array_size(complaints))
		return answer_error(422, TIES_REFUSED, complaints, ret);
	err = change_begin(s->state_dir, &change) ?: change_put_policies(change, set) ?:
	      change_take_policy(change, shadow) ?: change_ready(change);
	/* As a shadow, in mode audit, it could be what it cannot be in force. */
	status = err ? answer_unsaved(err, s, ret)
		     : state_change(s, &fresh, set, NULL, change, ret);
	if (status)
		return status;
	tell_policy(s, "promoted", name, old, NULL, by);
	(void)published_policy(s, name, &now);
	p = sources_find(&s->sources, name, NULL);
	return answer_json(json_pack("{s:s, s:I, s:I, s:s, s:s, s:o}", "promoted", name, "revision",
				     (json_int_t)now.revision, "bindings",
				     (json_int_t)count_wants(s, name), "mode", event_mode(p->mode),
				     "mode_by", modes_by(p), "disarmed", disarm_json(s)),
			   ret);
}
