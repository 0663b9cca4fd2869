/* SPDX-License-Identifier: GPL-2.0-only */
/* Evidence of the audit trail: who asked for what, by the events of refusals, and how many refusals each stands for. */
#include <string.h>

#include "audit/event.h"
#include "base/caps.h"
#include "base/words.h"
#include "suggest/masks.h"
#include "suggest/suggest.h"

/* Events that are told apart: the daemon remembers what its log has, too. */
#define EVENTS_MAX 100000

/* Has it joined already? -ENOMEM. */
static int is_known(struct suggestion *s, const json_t *event)
{
	bool known;
	char *key;
	int err;

	if (asprintf(&key, "%s %lld %s", mask_text(event, "boot"),
		     (long long)json_integer_value(json_object_get(event, "seq")),
		     mask_text(event, "time")) < 0)
		return -ENOMEM;
	known = json_object_get(s->trail_seen, key);
	err = known ? 0 : json_object_set_new(s->trail_seen, key, json_true());
	free(key);
	return err ? -ENOMEM : known;
}

static bool is_quiet(const json_t *event)
{
	return !strcmp(mask_text(event, "type"), "quiet");
}

/* "denied", "would-deny" */
static const char *verdict_of(const json_t *event)
{
	return mask_text(event, is_quiet(event) ? "verdict" : "type");
}

static json_t *new_item(const json_t *event, bool capability)
{
	const char *comm = mask_text(json_object_get(event, "process"), "comm"),
		   *call = mask_text(event, "syscall");

	/* Escaped already, and once more: what comes from a file is what somebody has written. */
	return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:n, s:I, s:o, s:o}", "capability",
			 capability ? event_string(mask_text(event, "item")) : json_null(), "rule",
			 capability ? json_null() : event_string(mask_text(event, "restriction")),
			 "item", event_string(mask_text(event, "item")), "verdict",
			 strcmp(verdict_of(event), "denied") ? "allowed" : "denied", "comm",
			 event_string(*comm ? comm : NULL), "syscall",
			 event_string(*call ? call : NULL), "function", "count", (json_int_t)0,
			 "first", event_string(mask_text(event, "time")), "last",
			 event_string(mask_text(event, "time")));
}

static void count(json_t *item, const json_t *event)
{
	json_int_t n = json_integer_value(json_object_get(item, "count")),
		   more = json_integer_value(json_object_get(event, "suppressed"));
	const char *time = mask_text(event, "time");

	/* Of a file: whatever somebody has written. */
	more = (more < 0 || more > INT64_MAX / 2 ? 0 : more) + !is_quiet(event);
	json_object_set_new(item, "count", json_integer(n > INT64_MAX - more ? n : n + more));
	/* All are UTC, and of one length. */
	if (strcmp(time, mask_text(item, "first")) < 0)
		json_object_set_new(item, "first", event_string(time));
	if (strcmp(time, mask_text(item, "last")) > 0)
		json_object_set_new(item, "last", event_string(time));
}

static char *key_of(const json_t *event)
{
	char *key;

	return asprintf(&key, "%s\n%s\n%s\n%s", verdict_of(event), mask_text(event, "restriction"),
			mask_text(event, "item"),
			mask_text(json_object_get(event, "process"), "comm")) < 0
		       ? NULL
		       : key;
}

int suggest_trail(struct suggestion *s, const json_t *event)
{
	bool capability =
		!strcmp(mask_text(event, "restriction"), word_restriction(LEASTCAP_CAPABILITIES));
	_cleanup_free_ char *key = NULL;
	json_t *item;
	int known;

	if (json_object_size(s->trail_seen) >= EVENTS_MAX) {
		s->trail_more++;
		return 0;
	}
	known = is_known(s, event);
	if (known)
		return known < 0 ? known : 0;
	key = key_of(event);
	if (!key)
		return -ENOMEM;
	item = json_object_get(s->trail, key);
	if (!item && json_object_size(s->trail) >= EVIDENCE_MAX) {
		s->trail_more++;
		return 0;
	}
	if (!item && json_object_set_new(s->trail, key, item = new_item(event, capability)))
		return -ENOMEM;
	count(item, event);
	return 0;
}

json_t *suggest_trail_json(const struct suggestion *s)
{
	json_t *list = json_array(), *each;
	const char *key;

	json_object_foreach(s->trail, key, each)
		json_array_append(list, each);
	return list;
}

/* ---- as comments ---- */

/* "2026-01-02T03:04:05.678901Z", on the day that it says. */
static void print_time(FILE *f, const char *before, const char *time)
{
	fprintf(f, "%s%.10s %.8s", before, time, strlen(time) > 19 ? time + 11 : "");
}

void suggest_span(FILE *f, const char *first, const char *last)
{
	print_time(f, ", ", first);
	print_time(f, " to ", last);
	fputs(" UTC", f);
}

static void print_item(FILE *f, const json_t *item, const char *indent)
{
	json_int_t n = json_integer_value(json_object_get(item, "count"));
	const char *comm = mask_text(item, "comm"), *call = mask_text(item, "syscall");

	fprintf(f, "%s# %s: %lld time%s %s", indent, mask_text(item, "item"), (long long)n,
		n == 1 ? "" : "s", mask_text(item, "verdict"));
	suggest_span(f, mask_text(item, "first"), mask_text(item, "last"));
	if (*comm)
		fprintf(f, ", by \"%s\"", comm);
	if (*call)
		fprintf(f, " in %s()", call);
	fputc('\n', f);
}

size_t suggest_trail_reasons(const struct suggestion *s, FILE *f, unsigned int cap,
			     const char *indent, size_t max)
{
	const char *key;
	json_t *each;
	char name[32];
	size_t n = 0;

	caps_name(cap, name);
	json_object_foreach(s->trail, key, each) {
		if (strcmp(mask_text(each, "capability"), name) != 0)
			continue;
		if (n++ < max)
			print_item(f, each, indent);
	}
	return n;
}
