/* SPDX-License-Identifier: GPL-2.0-only */
/* The page of one subject. What it is called, does and says comes from the watched side: lines are made printable. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/caps.h"
#include "base/escape.h"
#include "base/words.h"
#include "top/view.h"

/* Of a process the effective set, of an event the detail: so many characters. */
#define DETAIL_TEXT 48

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static long long number_of(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

/* ---- capabilities ---- */

/* A set with every capability of its kernel is one word. */
static void add_set(struct top_lines *ret, const char *label, const json_t *names, size_t width)
{
	const char *first = json_string_value(json_array_get(names, 0));
	uint64_t set = caps_from_json(names);
	_cleanup_free_ char *words = NULL;

	if (json_array_size(names) > caps_last() || (first && !strcmp(first, "ALL")))
		set = ~0ULL;
	words = caps_to_text(set);
	top_lines_wrap(ret, label, words ?: "?", width);
}

static void add_capabilities(const json_t *binding, size_t width, struct top_lines *ret)
{
	const json_t *caps = json_object_get(binding, "capabilities"),
		     *drift = json_object_get(binding, "drift");
	static const char *const keys[] = {"granted", "allowed", "used", "denied"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		add_set(ret, keys[i], json_object_get(caps, keys[i]), width);
	if (json_array_size(json_object_get(caps, "would_deny")))
		add_set(ret, "would deny", json_object_get(caps, "would_deny"), width);
	if (json_array_size(json_object_get(drift, "never_used")))
		add_set(ret, "never used", json_object_get(drift, "never_used"), width);
	if (json_array_size(json_object_get(drift, "not_allowed")))
		add_set(ret, "not allowed", json_object_get(drift, "not_allowed"), width);
}

/* ---- restrictions ---- */

static bool has_word(const json_t *words, const char *word)
{
	const json_t *each;
	size_t i;

	json_array_foreach(words, i, each) {
		if (!strcmp(json_string_value(each) ?: "", word))
			return true;
	}
	return false;
}

/* What the policy says of a rule. */
static const char *verdict_of(const json_t *binding, uint32_t rule)
{
	const json_t *rules = json_object_get(binding, "rules");

	if (has_word(json_object_get(rules, "enforced"), word_rule(rule)))
		return "deny";
	return has_word(json_object_get(rules, "audited"), word_rule(rule)) ? "audit" : NULL;
}

/* "deny", or for the parts of sockets "connect deny, families deny". False: the policy does not have it. */
static bool describe(const json_t *binding, uint32_t restriction, char *buf, size_t size)
{
	size_t used = 0;

	*buf = '\0';
	if (restriction == LEASTCAP_CAPABILITIES)
		return snprintf(buf, size, "%s",
				!strcmp(text_of(binding, "mode"), "enforce") ? "deny" : "audit") >
		       0;
	for (uint32_t rule = 0; rule < LEASTCAP_RULES && used < size; rule++) {
		const char *verdict = verdict_of(binding, rule);
		bool part = restriction == LEASTCAP_SOCKETS;

		if (!verdict || rule_restriction(rule) != (enum leastcap_restriction)restriction)
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%s%s%s", used ? ", " : "",
					 part ? word_rule(rule) : "", part ? " " : "", verdict);
	}
	return used > 0;
}

static void add_restrictions(const json_t *binding, struct top_lines *ret)
{
	top_lines_add(ret, TOP_PLAIN, "%s", "");
	top_lines_add(ret, TOP_BOLD, "%-13s %10s %10s  %s", "RESTRICTION", "DENIED", "WOULD DENY",
		      "POLICY");
	for (uint32_t i = 0; i < LEASTCAP_RESTRICTIONS; i++) {
		const json_t *counts = json_object_get(json_object_get(binding, "restrictions"),
						       word_restriction(i));
		char says[128];

		if (describe(binding, i, says, sizeof(says)) || counts)
			top_lines_add(ret, TOP_PLAIN, "%-13s %10lld %10lld  %s",
				      word_restriction(i), number_of(counts, "denied"),
				      number_of(counts, "would_deny"), *says ? says : "-");
	}
}

/* ---- events ---- */

/* "2026-01-02T03:04:05.678901Z" as local "03:04:05". */
static void local_clock(const char *text, char buf[16])
{
	struct tm utc = {0}, local;
	time_t t;

	strcpy(buf, "?");
	if (!strptime(text, "%Y-%m-%dT%H:%M:%S", &utc))
		return;
	t = timegm(&utc);
	if (localtime_r(&t, &local))
		strftime(buf, 16, "%H:%M:%S", &local);
}

/* " by web[812]": the process has chosen its name, so in quotes, where that has anything like the rest of the line. */
static char *who_of(const json_t *process)
{
	_cleanup_free_ char *comm = top_ascii(text_of(process, "comm")),
			    *word = comm ? shell_word(comm) : NULL;
	char *who;

	if (!process)
		return strdup("");
	return asprintf(&who, " by %s[%lld]", word ?: "?", number_of(process, "pid")) < 0 ? NULL
											  : who;
}

static void add_event(const json_t *e, struct top_lines *ret)
{
	_cleanup_free_ char *who = who_of(json_object_get(e, "process"));
	const char *item = text_of(e, "item"), *detail = text_of(e, "detail"),
		   *call = text_of(e, "syscall"), *restriction = text_of(e, "restriction");
	bool named = *restriction && strcmp(restriction, "capabilities") != 0;
	char clock[16], more[32] = "";

	local_clock(text_of(e, "time"), clock);
	if (number_of(e, "suppressed"))
		snprintf(more, sizeof(more), " +%lld", number_of(e, "suppressed"));
	top_lines_add(ret, TOP_PLAIN, "%-8s %-10s %s%s%s%s%.*s%s%s%s%s%s%s", clock,
		      text_of(e, "type"), named ? restriction : "", named ? ": " : "", item,
		      *detail ? " " : "", DETAIL_TEXT, detail, *call ? " in " : "", call,
		      *call ? "()" : "", who ?: "", more,
		      json_is_true(json_object_get(e, "shadow")) ? " (shadow)" : "");
}

/* The newest first. */
static void add_events(const json_t *binding, struct top_lines *ret)
{
	const json_t *events = json_object_get(binding, "events");

	top_lines_add(ret, TOP_PLAIN, "%s", "");
	top_lines_add(ret, TOP_BOLD, "LAST EVENTS%s",
		      !json_is_array(events)	? ": the daemon does not tell"
		      : json_array_size(events) ? ""
						: ": none");
	for (size_t i = json_array_size(events); i > 0; i--)
		add_event(json_array_get(events, i - 1), ret);
}

/* ---- processes ---- */

static void add_process(const json_t *p, struct top_lines *ret)
{
	const json_t *names = json_object_get(p, "effective");
	uint64_t set = json_array_size(names) > caps_last() ? ~0ULL : caps_from_json(names);
	_cleanup_free_ char *words = caps_to_text(set), *comm = top_ascii(text_of(p, "comm"));

	top_lines_add(ret, TOP_PLAIN, "%7lld %6lld  %-15.32s  %s", number_of(p, "pid"),
		      number_of(p, "uid"), comm ?: "?", words ?: "?");
}

static void add_processes(const json_t *binding, struct top_lines *ret)
{
	const json_t *list = json_object_get(binding, "processes"), *each;
	size_t i;

	top_lines_add(ret, TOP_PLAIN, "%s", "");
	top_lines_add(ret, TOP_BOLD, "%7s %6s  %-15s  %s", "PID", "UID", "PROCESS", "EFFECTIVE");
	json_array_foreach(list, i, each)
		add_process(each, ret);
	if (json_is_true(json_object_get(binding, "processes_more")))
		top_lines_add(ret, TOP_PLAIN, "there are more");
	if (number_of(binding, "threads_unread"))
		top_lines_add(ret, TOP_PLAIN, "%lld threads could not be read",
			      number_of(binding, "threads_unread"));
	if (!json_array_size(list))
		top_lines_add(ret, TOP_PLAIN, "%s",
			      json_is_array(list) ? "none" : "they cannot be read");
}

/* ---- the head ---- */

static void add_policy(const json_t *binding, struct top_lines *ret)
{
	const json_t *shadow = json_object_get(binding, "shadow");

	top_lines_add(ret, TOP_PLAIN, "%-12s%s, revision %lld, %s%s%s", "policy",
		      text_of(binding, "policy"), number_of(binding, "revision"),
		      text_of(binding, "mode"),
		      json_is_object(shadow) ? "; on trial beside it: " : "",
		      text_of(shadow, "policy"));
}

static void add_rates(const struct top_row *row, const json_t *binding, struct top_lines *ret)
{
	char denied[TOP_NUMBER], would[TOP_NUMBER], seen[TOP_NUMBER];
	const json_t *counters = json_object_get(binding, "counters");

	if (row)
		top_lines_add(ret, TOP_PLAIN, "%-12s%s denied, %s would be%s%s", "a second",
			      top_rate_text(row->rate[TOP_DENIED], denied),
			      top_rate_text(row->rate[TOP_WOULD], would),
			      row->rate[TOP_SEEN] >= 0 ? "; checks seen: " : "",
			      row->rate[TOP_SEEN] >= 0 ? top_rate_text(row->rate[TOP_SEEN], seen)
						       : "");
	top_lines_add(ret, TOP_PLAIN, "%-12s%lld denied, %lld would be; %lld probes answered no",
		      "in all", number_of(counters, "denied"), number_of(counters, "would_deny"),
		      number_of(counters, "probe_denied"));
}

void top_detail(const struct top_row *row, const json_t *detail, size_t width,
		struct top_lines *ret)
{
	const json_t *binding = detail ?: row ? row->binding : NULL;

	if (!binding)
		return;
	top_lines_wrap(ret, "cgroup", text_of(binding, "cgroup"), width);
	add_policy(binding, ret);
	add_rates(row, binding, ret);
	add_capabilities(binding, width, ret);
	add_restrictions(binding, ret);
	if (detail) {
		add_events(binding, ret);
		add_processes(binding, ret);
	}
}
