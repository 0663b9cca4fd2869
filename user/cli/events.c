// SPDX-License-Identifier: GPL-2.0-only
/* leastcap events: what the daemon saw. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"

/* "2026-01-02T03:04:05.678901Z" as local "03:04:05.678"; the text itself if it is something else. */
static void print_time(const char *text)
{
	struct tm utc = {0}, local;
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
	char clock[16];
	time_t t;

	t = timegm(&utc);
	if (!rest || *rest != '.' || strlen(rest) < 4 || !localtime_r(&t, &local) ||
	    !strftime(clock, sizeof(clock), "%H:%M:%S", &local))
		printf("%s ", text);
	else
		printf("%s%.4s ", clock, rest);
}

/* The shortest name that tells subjects apart: a container by 12 digits, else the cgroup. */
static char *subject_name(const json_t *subject)
{
	_cleanup_free_ char *id = out_member(subject, "container");
	char *name = NULL;

	if (!id || strlen(id) < 12)
		return out_member(subject, "cgroup");
	return asprintf(&name, "container %.12s", id) < 0 ? NULL : name;
}

static void print_refusal(const json_t *e, const char *type)
{
	const json_t *process = json_object_get(e, "process");
	_cleanup_free_ char *item = out_member(e, "item"), *call = out_member(e, "syscall"),
			    *policy = out_member(e, "policy"), *comm = out_name(process, "comm"),
			    *restriction = out_member(e, "restriction"),
			    *detail = out_member(e, "detail"),
			    *subject = subject_name(json_object_get(e, "subject"));
	json_int_t more = out_number(e, "suppressed");

	if (!item || !call || !policy || !comm || !restriction || !detail || !subject)
		return;
	printf("%-10s ", type);
	/* A capability's name says what it is. */
	if (*restriction && strcmp(restriction, "capabilities"))
		printf("%s: ", restriction);
	fputs(item, stdout);
	if (*detail)
		printf(" %s", detail);
	if (*call)
		printf(" in %s()", call);
	printf(" by %s[%lld]", comm, (long long)out_number(process, "pid"));
	if (more)
		printf(" (and %lld more)", (long long)more);
	printf("%s\n%13s%s, policy %s%s\n",
	       json_is_true(json_object_get(e, "child_userns")) ? ", in a child user namespace"
								: "",
	       "", subject, policy, json_is_true(json_object_get(e, "shadow")) ? " (shadow)" : "");
}

/* What is in no other event of a kind that has not come for a while. */
static void print_quiet(const json_t *e)
{
	_cleanup_free_ char *item = out_member(e, "item"), *policy = out_member(e, "policy"),
			    *comm = out_name(json_object_get(e, "process"), "comm"),
			    *restriction = out_member(e, "restriction"),
			    *verdict = out_member(e, "verdict"),
			    *subject = subject_name(json_object_get(e, "subject"));

	if (!item || !policy || !comm || !restriction || !verdict || !subject)
		return;
	printf("%-10s ", "quiet");
	if (strcmp(restriction, "capabilities"))
		printf("%s: ", restriction);
	printf("%s%s%s: %lld more, %s\n%13s%s%s%s%s\n", item, *comm ? " by " : "", comm,
	       (long long)out_number(e, "suppressed"), verdict, "", subject,
	       *policy ? ", policy " : "", policy,
	       json_is_true(json_object_get(e, "shadow")) ? " (shadow)" : "");
}

static void print_other(const json_t *e, const char *type)
{
	_cleanup_free_ char *subject = subject_name(json_object_get(e, "subject")),
			    *policy = out_member(e, "policy"), *action = out_member(e, "action");
	const json_t *losses = json_object_get(e, "losses"), *who = json_object_get(e, "by"), *n;
	_cleanup_free_ char *by = out_name(who, "comm"), *reason = out_member(e, "reason"),
			    *sink = out_member(e, "sink"), *target = out_member(e, "target");
	const char *key;

	printf("%s", type);
	if (json_object_get(e, "changes"))
		printf(" with %lld changed policies,", (long long)out_number(e, "changes"));
	if (!strcmp(type, "unload"))
		printf(": %lld bindings are gone", (long long)out_number(e, "bindings"));
	else if (json_object_get(e, "bindings"))
		printf(" denied=%lld would_deny=%lld, while no daemon ran",
		       (long long)out_number(e, "denied"), (long long)out_number(e, "would_deny"));
	if (action && *action)
		printf(" %s", action);
	if (json_object_get(e, "interval_ms"))
		printf(" to %lld ms from %lld ms", (long long)out_number(e, "interval_ms"),
		       (long long)out_number(e, "old_interval_ms"));
	if (policy && *policy)
		printf(" %s%s", policy,
		       json_is_true(json_object_get(e, "shadow")) ? " (shadow)" : "");
	if (sink && *sink)
		printf(" %s %s", sink, target ? target : "?");
	json_object_foreach((json_t *)losses, key, n)
		if (json_integer_value(n))
			printf(" %s=%lld", key, (long long)json_integer_value(n));
	if (reason && *reason)
		printf(": %s", reason);
	if (by && *by)
		printf(", by %s[%lld]", by, (long long)out_number(who, "pid"));
	if (subject && *subject)
		printf(": %s", subject);
	putchar('\n');
}

struct printer {
	bool json;
	json_int_t printed;
};

static int print_line(const char *line, size_t len, void *ctx)
{
	json_auto_t *e = json_loadb(line, len, 0, NULL);
	struct printer *p = ctx;

	if (len == 0)
		return 0;
	if (!json_is_object(e)) {
		log_warn(0, "a line of the daemon is no JSON object, ignoring");
		return 0;
	}
	p->printed++;
	if (p->json) {
		/* Not as it came: the contract is one line, ASCII. */
		json_dumpf(e, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		putchar('\n');
	} else {
		_cleanup_free_ char *time = out_member(e, "time"), *type = out_member(e, "type");

		print_time(time ? time : "");
		if (type && (!strcmp(type, "denied") || !strcmp(type, "would-deny")))
			print_refusal(e, type);
		else if (type && !strcmp(type, "quiet"))
			print_quiet(e);
		else
			print_other(e, type ? type : "?");
	}
	/* A pipe wants each event when it happens. */
	return fflush(stdout) || ferror(stdout);
}

static int stream(bool json, bool follow)
{
	_cleanup_(api_reply_done) struct api_reply reply = {0};
	struct printer p = {.json = json};
	int err = api_stream(follow ? "/v1/events?follow=1" : "/v1/events", print_line, &p, &reply);

	if (err == -ECANCELED)
		return CLI_FAILED; /* main() tells that writing failed */
	if (err && !(follow && p.printed && err == -ECONNRESET))
		return api_unreachable(err);
	if (!err && !api_ok(&reply))
		return api_refused(&reply, NULL);
	if (follow) {
		log_err(0, "the daemon ended; what is bound stays bound");
		return CLI_FAILED;
	}
	if (!p.printed && !json)
		puts("no events");
	return CLI_DONE;
}

static int events(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {{"follow", no_argument, NULL, 'f'}, CLI_OPTIONS};
	int opt, status = CLI_DONE;
	bool json = false, follow = false;

	while ((opt = cli_option(verb, argc, argv, "f", options, &status)) >= 0) {
		json = json || opt == CLI_OPT_JSON;
		follow = follow || opt == 'f';
	}
	if (opt == CLI_OPT_EXIT)
		return status;
	status = cli_arguments(verb, argc, argv, 0, 0, "");
	return status ? status : stream(json, follow);
}

const struct verb verb_events = {
	.name = "events",
	.args = "[-f]",
	.fn = events,
	.help = "what was refused, and what else happened",
	.text = "Prints what the daemon remembers: the newest 1,000 events. Events are samples;\n"
		"the exact counts are in 'leastcap status'. --json prints one object a line.\n\n"
		"  -f, --follow   go on with what comes\n",
};
