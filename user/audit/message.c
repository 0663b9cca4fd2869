/* SPDX-License-Identifier: GPL-2.0-only */
#include "audit/message.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

const char *message_member(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static char *meanwhile_text(const json_t *event)
{
	char *message;
	int n = asprintf(&message, "while no daemon ran, %lld refused and %lld reported",
			 (long long)json_integer_value(json_object_get(event, "denied")),
			 (long long)json_integer_value(json_object_get(event, "would_deny")));

	return n < 0 ? NULL : message;
}

static char *sampling_text(const json_t *event)
{
	char *message;
	int n = asprintf(&message,
			 "sampling changed: an event of a kind every %lld ms, before %lld",
			 (long long)json_integer_value(json_object_get(event, "interval_ms")),
			 (long long)json_integer_value(json_object_get(event, "old_interval_ms")));

	return n < 0 ? NULL : message;
}

static char *quiet_text(const json_t *event)
{
	const char *comm = message_member(json_object_get(event, "process"), "comm");
	const char *policy = message_member(event, "policy");
	char *message;
	int n = asprintf(&message, "quiet: %s %s%s%s in %s%s%s, %lld more, %s",
			 message_member(event, "restriction"), message_member(event, "item"),
			 *comm ? " by " : "", comm,
			 message_member(json_object_get(event, "subject"), "cgroup"),
			 *policy ? ", policy " : "", policy,
			 (long long)json_integer_value(json_object_get(event, "suppressed")),
			 message_member(event, "verdict"));

	return n < 0 ? NULL : message;
}

char *message_text(const json_t *event)
{
	const json_t *process = json_object_get(event, "process");
	const char *cgroup = message_member(json_object_get(event, "subject"), "cgroup");
	const char *item = message_member(event, "item"), *policy = message_member(event, "policy");
	const char *action = message_member(event, "action"),
		   *detail = message_member(event, "detail");
	const char *restriction = message_member(event, "restriction"),
		   *sink = message_member(event, "sink");
	/* What is not proven, and why, is the message. */
	const char *proof = strcmp(message_member(event, "type"), "proof")
				    ? ""
				    : message_member(event, "reason");
	char who[96] = "", *message;
	int n;

	if (!strcmp(message_member(event, "type"), "meanwhile"))
		return meanwhile_text(event);
	if (!strcmp(message_member(event, "type"), "sampling"))
		return sampling_text(event);
	if (!strcmp(message_member(event, "type"), "quiet"))
		return quiet_text(event);

	if (process)
		snprintf(who, sizeof(who), " by %s[%lld]", message_member(process, "comm"),
			 (long long)json_integer_value(json_object_get(process, "pid")));
	/* A capability's name says what it is. */
	if (!strcmp(restriction, "capabilities"))
		restriction = "";
	n = asprintf(&message, "%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s",
		     message_member(event, "type"), *action ? " " : "", action,
		     *restriction ? " " : "", restriction, *item ? " " : "", item,
		     *detail ? " " : "", detail, *sink ? ": " : "", sink, *proof ? ": " : "", proof,
		     who, *cgroup ? " in " : "", cgroup, *policy ? ", policy " : "", policy);
	return n < 0 ? NULL : message;
}

int message_priority(const json_t *event)
{
	static const char *const warnings[] = {"denied",       "lost",	    "sink",
					       "hold-expired", "meanwhile", "unload"};
	const char *type = message_member(event, "type");

	if (!strcmp(type, "proof") && !strcmp(message_member(event, "action"), "failed"))
		return 2;
	if (!strcmp(message_member(event, "action"), "tied") ||
	    !strcmp(message_member(event, "action"), "unfit") ||
	    (!strcmp(type, "reload") && strcmp(message_member(event, "action"), "done") != 0))
		return 4;
	for (size_t i = 0; i < ARRAY_SIZE(warnings); i++) {
		if (!strcmp(type, warnings[i]))
			return 4;
	}
	return 6;
}
