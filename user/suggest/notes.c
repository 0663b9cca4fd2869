/* SPDX-License-Identifier: GPL-2.0-only */
/* The comments of a suggestion. All forms take "#" for one. */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "audit/event.h"
#include "base/caps.h"
#include "base/escape.h"
#include "base/words.h"
#include "suggest/masks.h"
#include "suggest/suggest.h"
#include "trace/record.h"

#define COLUMNS 98
/* Lines of evidence of one capability. */
#define REASONS_MAX 8

/* ---- words ---- */

static void print_wrapped(FILE *f, const char *text)
{
	size_t at = (size_t)fprintf(f, "#");

	for (const char *end; *text; text = *end ? end + 1 : end) {
		size_t len;

		end = strchrnul(text, ' ');
		len = (size_t)(end - text);
		if (at > 1 && at + 1 + len > COLUMNS)
			at = (size_t)fprintf(f, "\n#") - 1;
		/* A backslash at the end of a line would mean something to somebody. */
		at += (size_t)fprintf(f, " %.*s%s", (int)len, text,
				      len && text[len - 1] == '\\' ? "\"" : "");
	}
	fputc('\n', f);
}

void suggest_note(FILE *f, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n >= 0)
		print_wrapped(f, text);
	else
		text = NULL;
}

static void note_caps(FILE *f, uint64_t caps, const char *before, const char *behind)
{
	_cleanup_free_ char *words = caps_to_text(caps);

	if (caps && words)
		suggest_note(f, "%s: %s%s", before, words, behind);
}

/* ---- what it is from ---- */

static void note_policies(const struct suggestion *s, FILE *f)
{
	_cleanup_free_ char *text = NULL;
	const char *name;
	json_t *each;
	size_t size;
	FILE *words = open_memstream(&text, &size);

	if (!words)
		return;
	json_object_foreach(s->policies, name, each)
		fprintf(words, "%s\"%s\"", ftell(words) ? ", " : "", name);
	if (!fclose(words) && size)
		suggest_note(f, "Bound by: %s.", text);
}

static void note_source(const struct suggestion *s, FILE *f)
{
	size_t bound = json_array_size(s->bindings), ended = json_object_size(s->ended),
	       left = json_object_size(s->namesakes);

	if (s->incomplete)
		suggest_note(
			f,
			"Not all of what is known of \"%s\" could be read: it may have used more.",
			s->subject);
	if (s->traced_only && s->incomplete) {
		suggest_note(f, "This was used while it was watched.");
		return;
	}
	if (s->traced_only) {
		suggest_note(
			f,
			"What \"%s\" has used while it was watched. No policy binds it: there are "
			"no masks, and what came before is not known.",
			s->subject);
		return;
	}
	suggest_note(
		f,
		"What \"%s\" has used, by the kernel's masks: %zu bound cgroup%s, and %zu before "
		"that have ended.",
		s->subject, bound, bound == 1 ? "" : "s", ended);
	if (s->evidence && !bound)
		suggest_note(
			f,
			"Nothing of it is bound now: what it did unbound is known only as far as it "
			"was watched, and of restrictions not at all.");
	note_policies(s, f);
	if (left)
		suggest_note(
			f,
			"Left out: %zu cgroup%s of that name, of another kind or under another "
			"policy; 'leastcap suggest' with the name of the policy has %s.",
			left, left == 1 ? "" : "s", left == 1 ? "it" : "them");
}

/* ---- what is to be known ---- */

static uint64_t unnamed(uint64_t caps)
{
	char name[32];

	for (unsigned int cap = 0; cap < 64; cap++) {
		if (isalpha((unsigned char)*caps_name(cap, name)))
			caps &= ~(1ULL << cap);
	}
	return caps;
}

static void note_unnamed(uint64_t caps, FILE *f)
{
	char name[32];

	for (unsigned int cap = 0; cap < 64; cap++) {
		if (caps >> cap & 1)
			suggest_note(
				f,
				"Capability %s was used, too. Nobody here has a name for it: it "
				"may be left out below.",
				caps_name(cap, name));
	}
}

static void note_around(uint32_t around, FILE *f)
{
	for (uint32_t i = 0; i < 32; i++) {
		const char *word = around >> i & 1 ? word_item(LEASTCAP_ITEM_URING_CREDS + i)
						   : NULL;

		if (word)
			suggest_note(
				f,
				"Used besides, and in no whitelist: %s. Only 'capabilities: all' "
				"without restrictions allows it.",
				word);
	}
}

/* What is not in the evidence. */
static void note_evidence(const struct suggestion *s, FILE *f)
{
	const struct evidence *e = s->evidence;
	uint64_t untold = e->lost + e->unfit + e->bad;

	if (e->late)
		suggest_note(f,
			     "%" PRIu64 " cgroup%s seen late, when something had run there "
			     "already: %s",
			     e->late, e->late == 1 ? " was" : "s were",
			     s->traced_only
				     ? "that is missing."
				     : "the masks have it as far as a policy bound it then, the "
				       "evidence not.");
	if (e->missed)
		suggest_note(
			f,
			"%" PRIu64 " check%s on this host came in the middle of another one and "
			"%s not looked at, whoever asked: %s",
			e->missed, e->missed == 1 ? "" : "s", e->missed == 1 ? "was" : "were",
			s->traced_only ? "what of it the subject asked for is missing, and the "
					 "whitelist may lack something."
				       : "the masks have what of it the subject asked for, as far "
					 "as a policy bound it then, the evidence not.");
	if (untold)
		suggest_note(f,
			     "%" PRIu64
			     " checks are not in the evidence: there were too many kinds.%s",
			     untold, e->bad ? "" : " Their capabilities are in the whitelist.");
}

void suggest_notes(const struct suggestion *s, FILE *f)
{
	uint64_t allowed = suggest_allowed(s);

	note_source(s, f);
	note_caps(f, s->granted & ~allowed, "Granted and never used", ".");
	note_caps(f, s->denied & ~allowed, "Refused, and left out", "; --include-denied adds it.");
	note_caps(f, s->missing & ~allowed & ~s->denied,
		  "Asked for by processes that do not have it", ".");
	note_unnamed(unnamed(allowed), f);
	note_around(s->around, f);
	if (s->unrecorded)
		suggest_note(f,
			     "%" PRIu64 " checks on this host are in no mask: some may be missing.",
			     s->unrecorded);
	if (!s->evidence && s->trail_more)
		suggest_note(f, "%" PRIu64 " events are not in the evidence: there were too many.",
			     s->trail_more);
	if (s->evidence)
		note_evidence(s, f);
}

/* ---- evidence ---- */

static void print_reason(FILE *f, const struct evidence_item *item, const char *indent)
{
	char comm[4 * LEASTCAP_COMM_LEN + 8], first[EVENT_TIME], last[EVENT_TIME], cap[32];

	escape_text(comm, sizeof(comm), item->comm, strnlen(item->comm, sizeof(item->comm)));
	event_time(item->first, first);
	event_time(item->last, last);
	fprintf(f, "%s# %s: %" PRIu64 " time%s %s", indent, caps_name(item->cap, cap), item->count,
		item->count == 1 ? "" : "s", trace_verdict(item->verdict));
	suggest_span(f, first, last);
	fprintf(f, ", by \"%s\"", comm);
	if (*item->syscall)
		fprintf(f, " in %s()", item->syscall);
	if (*item->function)
		fprintf(f, ", for %s()", item->function);
	fputc('\n', f);
}

void suggest_reasons(const struct suggestion *s, FILE *f, unsigned int cap, const char *indent)
{
	size_t n = 0;

	/* What was traced counts everything, what was told are samples: not both. */
	if (!s->evidence)
		n = suggest_trail_reasons(s, f, cap, indent, REASONS_MAX);
	for (size_t i = 0; s->evidence && i < s->evidence->n; i++) {
		const struct evidence_item *item = &s->evidence->items[i];

		/* What it did not have it does not need. */
		if (item->cap != cap || item->verdict == LEASTCAP_TRACE_MISSING)
			continue;
		if (n++ < REASONS_MAX)
			print_reason(f, item, indent);
	}
	if (n > REASONS_MAX)
		fprintf(f, "%s# and by %zu more programs\n", indent, n - REASONS_MAX);
}
