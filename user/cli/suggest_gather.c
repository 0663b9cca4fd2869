// SPDX-License-Identifier: GPL-2.0-only
/* Where a suggestion's masks are read: the status, the policies, the audit trail. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "cli/client.h"
#include "cli/state.h"
#include "cli/suggest.h"
#include "subject/cgroup.h"
#include "subject/find.h"
#include "suggest/masks.h"
#include "trace/subjects.h"

/* Older log files: FILE.1, FILE.2, ... */
#define LOG_FILES_MAX 100

int suggest_find(const char *subject, char **ret)
{
	int err = subject_find(subject, ret);

	if (err == -ENOENT && subject[0] != '/')
		err = subject_find_named(subject, ret);
	if (err == -ENOTUNIQ)
		return log_err(err, "'%s' are several containers: more of the id is needed",
			       subject);
	/* It may be a policy's name, or something that was there. No cgroups: the daemon knows them. */
	if (err == -ENOENT || err == -EOPNOTSUPP)
		return 0;
	return err ? log_err(err, "cannot find '%s'", subject) : 0;
}

/* ---- the audit trail ---- */

struct trail {
	struct suggestion *suggestion;
	const struct suggest_subject *subject;
};

static int read_event(const char *line, size_t len, void *ctx)
{
	struct trail *t = ctx;

	return suggest_event(t->suggestion, t->subject, line, len);
}

/* What ended, and who asked for what, by the log: the daemon itself forgets it when it ends. */
static int read_log(struct trail *t, FILE *f)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int err = 0;

	while (!err && (len = getline(&line, &size, f)) > 0) {
		if (strstr(line, "\"gone\"") || strstr(line, "denied\"") ||
		    strstr(line, "\"would-deny\""))
			err = read_event(line, (size_t)len, t);
	}
	return err;
}

/* A pipe is somebody else's to read. */
static FILE *open_log(const char *path)
{
	struct stat st;
	FILE *f = NULL;

	if (!stat(path, &st)) {
		if (!S_ISREG(st.st_mode))
			return NULL;
		f = fopen(path, "re");
	}
	if (!f && errno != ENOENT)
		log_warn(-errno, "cannot read %s: what has ended may be missing", path);
	return f;
}

static int read_logs(struct trail *t, const json_t *status)
{
	const char *path = state_log_file(status);

	for (unsigned int i = 0; i < LOG_FILES_MAX; i++) {
		_cleanup_free_ char *older = NULL;
		_cleanup_fclose_ FILE *f = NULL;
		int err;

		if (asprintf(&older, "%s.%u", path, i) < 0)
			return -ENOMEM;
		f = open_log(i ? older : path);
		if (!f && i)
			break;
		err = f ? read_log(t, f) : 0;
		if (err)
			return err;
	}
	return 0;
}

static int read_daemon(struct trail *t)
{
	_cleanup_(api_reply_done) struct api_reply reply = {0};
	int err = api_stream("/v1/events", read_event, t, &reply);

	if (err && err != -ECANCELED)
		log_warn(err, "cannot read the daemon's events, ignoring");
	return err == -ECANCELED ? -ENOMEM : 0;
}

/* ---- all of it ---- */

static int gather(struct suggestion *s, const struct suggest_subject *subject, const json_t *status)
{
	bool daemon = json_is_true(json_object_get(status, "daemon"));
	struct trail trail = {.suggestion = s, .subject = subject};
	json_auto_t *policies = NULL;
	int err = suggest_bindings(s, subject, status);

	if (!err && daemon)
		err = read_daemon(&trail);
	err = err ?: read_logs(&trail, status);
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
static const json_t *bound_above(const json_t *status, const char *path)
{
	const json_t *each, *best = NULL;
	size_t i;

	json_array_foreach(json_object_get(status, "bindings"), i, each) {
		const char *cgroup = mask_text(each, "cgroup");

		if (cgroup_path_below(path, cgroup) &&
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

	if (trace_subjects(subject, &ids, &n, &near) == -ENODATA)
		log_err(0, "the policy '%s' holds nothing now, and nothing was recorded of it",
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
	above = bound_above(status, subject->path);
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
