// SPDX-License-Identifier: GPL-2.0-only
/* Where a suggestion's masks are read: the status, the policies, the audit trail. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/state.h"
#include "cli/suggest.h"
#include "cli/trail.h"
#include "subject/cgroup.h"
#include "subject/find.h"
#include "suggest/masks.h"
#include "trace/subjects.h"

int suggest_find(const char *text, struct suggest_subject *ret)
{
	_cleanup_free_ char *path = NULL;
	int err = subject_find(text, &path), found;

	if (err == -ENOENT && text[0] != '/')
		err = subject_find_named(text, &path);
	found = suggest_subject_init(ret, text, TAKE_PTR(path));
	ret->several = err == -ENOTUNIQ;
	/* It may be a policy's name, or something that was there. No cgroups: the daemon knows them. */
	if (err == -ENOENT || err == -EOPNOTSUPP || err == -ENOTUNIQ)
		err = 0;
	err = err ?: found;
	return err ? log_err(err, "cannot find '%s'", text) : 0;
}

/* ---- the audit trail ---- */

struct trail {
	struct suggestion *suggestion;
	const struct suggest_subject *subject;
};

/* Most lines are about something else. */
static bool may_tell(const char *line, size_t len)
{
	static const char *const types[] = {"\"gone\"", "\"unbound\"", "denied\"",
					    "\"would-deny\""};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (memmem(line, len, types[i], strlen(types[i])))
			return true;
	}
	return false;
}

/* What ended, and who asked for what. */
static int read_event(const char *line, size_t len, void *ctx)
{
	struct trail *t = ctx;

	return may_tell(line, len) ? suggest_event(t->suggestion, t->subject, line, len) : 0;
}

static int read_policy(const char *line, size_t len, void *ctx)
{
	if (may_tell(line, len))
		suggest_subject_ended(ctx, line, len);
	return 0;
}

/* ---- all of it ---- */

/* What the text means: a policy before all else that is called so. */
static int settle(struct suggest_subject *subject, const json_t *status, const json_t *policies)
{
	_cleanup_free_ char *place = subject->path ? strdup(subject->path) : NULL;

	suggest_subject_settle(subject, status, policies);
	if (subject->policy && place)
		log_info("'%s' is taken for the policy of that name; what else is called so: "
			 "leastcap suggest '%s'",
			 subject->text, place);
	if (subject->policy || subject->path || subject->text[0] == '/')
		return 0;
	if (subject->several) {
		cli_several(subject->text);
		return -ENOTUNIQ;
	}
	return trail_each(status, read_policy, subject);
}

static int gather(struct suggestion *s, struct suggest_subject *subject, const json_t *status)
{
	struct trail trail = {.suggestion = s, .subject = subject};
	json_auto_t *answer = NULL;
	const json_t *policies;
	int err = 0;

	if (json_is_true(json_object_get(status, "daemon")) && state_policies(&answer))
		return -EIO;
	policies = json_object_get(answer, "policies");
	if (settle(subject, status, policies))
		return -EIO;
	err = suggest_bindings(s, subject, status);
	err = err ?: trail_each(status, read_event, &trail);
	if (!err && answer)
		err = suggest_policies(s, policies);
	return err ? log_err(err, "cannot gather what '%s' has used", subject->text) : 0;
}

int suggest_gather(struct suggestion *s, struct suggest_subject *subject)
{
	json_auto_t *status = NULL;
	int err = state_status(NULL, &status);

	return err ?: gather(s, subject, status);
}

/* ---- nothing of it ---- */

/* The bound cgroup next above; NULL: none, or it is not known. Borrowed. */
static const json_t *bound_above(const json_t *status, const char *shown)
{
	const json_t *each, *best = NULL;
	size_t i;

	json_array_foreach(json_object_get(status, "bindings"), i, each) {
		const char *cgroup = mask_text(each, "cgroup");

		if (cgroup_path_below(shown, cgroup) &&
		    (!best || strlen(cgroup) > strlen(mask_text(best, "cgroup"))))
			best = each;
	}
	return best;
}

static void tell_nearest(const char *subject)
{
	_cleanup_free_ uint64_t *ids = NULL;
	_cleanup_free_ char *near = NULL;
	size_t n;

	if (trace_subjects(subject, &ids, &n, &near) == -ENODATA || state_has_policy(subject))
		log_err(0,
			"the policy '%s' holds nothing now, and nothing was recorded of it: what it "
			"selects has to run first",
			subject);
	else
		log_err(0, "no cgroup, unit, container or policy '%s'%s%s%s", subject,
			near ? ", did you mean '" : "", near ?: "", near ? "'?" : "");
}

void suggest_tell_above(const char *shown)
{
	json_auto_t *status = NULL;
	const json_t *above;

	(void)state_status_from_maps(NULL, &status);
	above = bound_above(status, shown);
	if (above)
		log_info("the policy '%s' binds '%s' above it, with masks for all that is below: "
			 "leastcap suggest '%s'",
			 mask_text(above, "policy"), mask_text(above, "cgroup"),
			 mask_text(above, "policy"));
}

void suggest_unknown(const struct suggest_subject *subject)
{
	if (!subject->path) {
		tell_nearest(subject->text);
		return;
	}
	log_err(0, "no policy binds '%s': what it uses is not recorded", subject->text);
	suggest_tell_above(subject->shown);
	log_info(
		"'leastcap learn %s' watches it as it is; or apply a policy in mode audit to it, and "
		"ask again when it has worked for a while",
		subject->text);
}
