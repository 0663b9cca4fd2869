// SPDX-License-Identifier: GPL-2.0-only
/* Where an explanation gets what it is made of: events, policies, the process. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/duration.h"
#include "base/escape.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/explain.h"
#include "cli/output.h"
#include "cli/state.h"
#include "explain/explain.h"
#include "policy/policy.h"
#include "subject/cgroup.h"
#include "subject/find.h"

#define NSEC_PER_SEC 1000000000LL

/* NULL: the daemon does not answer, or not with an object. */
static json_t *ask(const char *path)
{
	struct api_reply reply = {0};
	int err = path ? api_request("GET", path, NULL, 0, &reply) : -ENOMEM;

	if (!err && api_ok(&reply) && json_is_object(reply.json))
		return reply.json;
	api_reply_done(&reply);
	return NULL;
}

/* ---- events ---- */

static int keep_line(const char *line, size_t len, void *ctx)
{
	json_t *event = json_loadb(line, len, 0, NULL);

	if (!json_is_object(event)) {
		json_decref(event);
		return 0;
	}
	return json_array_append_new(ctx, event);
}

/* What the daemon remembers comes with the oldest first. -ENOTCONN: it does not run. */
static int find_in_daemon(struct history *h)
{
	_cleanup_(api_reply_done) struct api_reply reply = {0};
	json_auto_t *events = json_array();
	int err = events ? api_stream("/v1/events", keep_line, events, &reply) : -ENOMEM;

	if (!err && !api_ok(&reply)) {
		api_refused(&reply, NULL);
		return -EREMOTEIO;
	}
	for (size_t i = json_array_size(events); !err && i-- > 0;)
		err = history_take(h, json_array_get(events, i));
	return err > 0 ? 0 : err;
}

/* Of a number the log may have others. */
static bool has_all(const struct history *h)
{
	return !h->subject && !h->by_seq && json_array_size(h->found);
}

/*
 * What an event does not name it may still be about: of a container whose name was not known then, the cgroup is. An event
 * has the path of a unit and of an id's beginning as well. In events paths are as they are shown.
 */
static char *find_path(const char *subject, bool *ret_there)
{
	_cleanup_free_ char *path = NULL;

	if (!subject)
		return NULL;
	*ret_there = !subject_find(subject, &path) || !subject_find_named(subject, &path);
	if (*ret_there)
		return escape_dup(path, strlen(path));
	return *subject == '/' ? escape_dup(subject, strlen(subject)) : NULL;
}

/* log: NULL for the daemon's, which knows where it writes. */
static int read_log(struct history *h, const char *log, bool daemon)
{
	json_auto_t *status = log ? NULL : ask("/v1/status");
	const char *path = log ?: state_log_file(status);
	int err = history_read(h, path);

	/* What the daemon remembers is enough, where there is no log or it may not be read. */
	if (!err || daemon)
		return 0;
	if (err == -EINVAL) {
		log_err(0, "%s is no regular file", path);
		return err;
	}
	if (!log)
		log_err(0, "the daemon does not run: its log is all there is");
	return log_err(err, "cannot read %s", path);
}

int explain_find(struct history *h, const char *log)
{
	_cleanup_free_ char *path = find_path(h->subject, &h->there);
	int err;

	h->path = path;
	err = log ? -ENOTCONN : find_in_daemon(h);
	if (err == -EREMOTEIO)
		return err;
	if (err && err != -ENOTCONN) {
		api_unreachable(err);
		return err;
	}
	h->remembered = h->quiet || json_array_size(h->found);
	err = has_all(h) ? 0 : read_log(h, log, !err);
	history_finish(h);
	h->path = NULL;
	return err;
}

/* ---- policies ---- */

/* NULL: the daemon does not know it, or does not run. */
static json_t *ask_policy(const char *name, bool shadow)
{
	_cleanup_free_ char *path =
		name ? api_path(shadow ? "/v1/policy?shadow=1&name=" : "/v1/policy?name=", name)
		     : NULL;

	return ask(path);
}

/* What binds a cgroup; where it is gone, what binds the nearest one above it that is there. */
static json_t *ask_bindings(const char *cgroup)
{
	_cleanup_free_ char *up = strdup(cgroup);

	while (up && *up == '/') {
		_cleanup_free_ char *path = api_path("/v1/show?subject=", up);
		json_t *answer = ask(path);
		char *slash = strrchr(up, '/');

		if (answer)
			return answer;
		if (slash == up)
			return NULL;
		*slash = '\0';
	}
	return NULL;
}

/* The path that the cgroup of an event has; of one that is gone the one that it is shown with. */
static char *find_cgroup(const json_t *subject)
{
	const char *shown = json_string_value(json_object_get(subject, "cgroup")),
		   *key = "cgroup_id";
	char *path = NULL;

	if (!shown) {
		shown = json_string_value(json_object_get(subject, "binding"));
		key = "binding_id";
	}
	if (shown && cgroup_shown(shown, (uint64_t)out_number(subject, key), &path))
		return strdup(shown);
	return path;
}

/* All bindings but the one that has decided: {"cgroup","policy"}. */
static json_t *ask_others(const json_t *event)
{
	const json_t *subject = json_object_get(event, "subject"), *each;
	const char *binding = json_string_value(json_object_get(subject, "binding"));
	_cleanup_free_ char *cgroup = find_cgroup(subject);
	json_auto_t *show = cgroup ? ask_bindings(cgroup) : NULL;
	json_t *others = json_array();
	size_t i;

	json_array_foreach(json_object_get(show, "bindings"), i, each) {
		const char *path = json_string_value(json_object_get(each, "cgroup"));
		const char *name = json_string_value(json_object_get(each, "policy"));
		json_t *policy;

		if (!path || (binding && !strcmp(path, binding)))
			continue;
		policy = ask_policy(name, false);
		if (policy)
			json_array_append_new(
				others, json_pack("{s:s, s:o}", "cgroup", path, "policy", policy));
	}
	return others;
}

/* ---- the process ---- */

static bool same_boot(const json_t *event)
{
	const char *boot = json_string_value(json_object_get(event, "boot"));
	_cleanup_fclose_ FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	char now[40] = "";

	if (!f || !fgets(now, sizeof(now), f))
		return false;
	now[strcspn(now, "\n")] = '\0';
	return boot && !strcmp(boot, now);
}

/* CLOCK_BOOTTIME of an event, which has the time of day. -1: not known. */
static int64_t event_boottime(const json_t *event)
{
	const char *text = json_string_value(json_object_get(event, "time"));
	struct timespec now;
	struct tm utc = {0};

	if (!text || !strptime(text, "%Y-%m-%dT%H:%M:%S", &utc))
		return -1;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)boot_now() - (now.tv_sec - timegm(&utc)) * NSEC_PER_SEC;
}

/* Is it the process of the event, and no later one with its number? */
static bool find_process(const json_t *event, struct process *ret)
{
	const json_t *subject = json_object_get(event, "subject");
	const char *shown = json_string_value(json_object_get(subject, "binding"));
	json_int_t pid = out_number(json_object_get(event, "process"), "pid");
	_cleanup_free_ char *binding = NULL, *cgroup = NULL;

	if (pid < 1 || pid > INT32_MAX || !shown || !same_boot(event) ||
	    cgroup_shown(shown, (uint64_t)out_number(subject, "binding_id"), &binding) ||
	    process_read((pid_t)pid, ret) || cgroup_of((pid_t)pid, &cgroup))
		return false;
	/* An event's time is cut to seconds here. */
	if (ret->start_ns > event_boottime(event) + NSEC_PER_SEC)
		return false;
	return !strcmp(cgroup, binding) || cgroup_path_below(cgroup, binding);
}

/* ---- all of it ---- */

bool explain_word_at(const char *file, unsigned int line, unsigned int column, char buf[32])
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	return !cli_read_file(file, &text, &len) && explain_word(text, len, line, column, buf);
}

/* How the arguments of an event's call are called. Nothing where tracefs is not mounted, or the kernel is without it. */
static void read_call_format(const json_t *event, char **ret, size_t *ret_len)
{
	static const char *const roots[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	const char *call = json_string_value(json_object_get(event, "syscall"));
	char path[160];

	/* A log is anybody's text. A 32-bit call has other arguments. */
	if (!call || strlen(call) > 64 || call[strspn(call, letters)] ||
	    json_is_true(json_object_get(event, "compat")))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		snprintf(path, sizeof(path), "%s/events/syscalls/sys_enter_%s/format", roots[i],
			 call);
		if (!cli_read_file(path, ret, ret_len))
			return;
	}
}

json_t *explain_event(const json_t *event)
{
	bool shadow = json_is_true(json_object_get(event, "shadow"));
	const char *name = json_string_value(json_object_get(event, "policy"));
	json_auto_t *policy = ask_policy(name, shadow), *others = ask_others(event);
	struct confinement confinement = {};
	_cleanup_free_ char *call_format = NULL;
	struct process process;
	struct explain_input in = {
		.event = event,
		.policy = policy,
		.others = others,
		.process = find_process(event, &process) ? &process : NULL,
		.confinement = &confinement,
		.word_at = explain_word_at,
	};

	read_call_format(event, &call_format, &in.call_format_len);
	in.call_format = call_format;
	if (in.process)
		confinement_read(process.pid, &confinement);
	return explain(&in);
}
