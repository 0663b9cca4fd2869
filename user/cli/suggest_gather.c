// SPDX-License-Identifier: GPL-2.0-only
/* Where a suggestion's masks are read: the status, the policies, the audit trail. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
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
	if (err == -ENOTUNIQ)
		return log_err(err, "'%s' are several containers: more of the id is needed", text);
	/* It may be a policy's name, or something that was there. No cgroups: the daemon knows them. */
	if (err == -ENOENT || err == -EOPNOTSUPP)
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
	static const char *const types[] = {"\"gone\"", "denied\"", "\"would-deny\""};

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

/* ---- all of it ---- */

static int gather(struct suggestion *s, const struct suggest_subject *subject, const json_t *status)
{
	bool daemon = json_is_true(json_object_get(status, "daemon"));
	struct trail trail = {.suggestion = s, .subject = subject};
	json_auto_t *policies = NULL;
	int err = suggest_bindings(s, subject, status);

	err = err ?: trail_each(status, read_event, &trail);
	if (!err && daemon) {
		if (state_policies(&policies))
			return -EIO;
		err = suggest_policies(s, json_object_get(policies, "policies"));
	}
	return err ? log_err(err, "cannot gather what '%s' has used", subject->text) : 0;
}

int suggest_gather(struct suggestion *s, const struct suggest_subject *subject)
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

void suggest_unknown(const struct suggest_subject *subject)
{
	json_auto_t *status = NULL;
	const json_t *above;

	if (!subject->path) {
		tell_nearest(subject->text);
		return;
	}
	(void)state_status_from_maps(NULL, &status);
	above = bound_above(status, subject->shown);
	log_err(0, "no policy binds '%s': what it uses is not recorded", subject->text);
	if (above)
		log_info("the policy '%s' binds '%s' above it, with masks for all that is below: "
			 "leastcap suggest '%s'",
			 mask_text(above, "policy"), mask_text(above, "cgroup"),
			 mask_text(above, "policy"));
	log_info(
		"'leastcap learn %s' watches it as it is; or apply a policy in mode audit to it, and "
		"ask again when it has worked for a while",
		subject->text);
}
