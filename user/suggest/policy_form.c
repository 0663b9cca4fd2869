/* SPDX-License-Identifier: GPL-2.0-only */
/* A suggestion in the policy language. */
#include <string.h>

#include "base/caps.h"
#include "base/words.h"
#include "suggest/masks.h"
#include "suggest/suggest.h"

/* JSON is YAML. */
static void print_json(FILE *f, const json_t *json)
{
	(void)json_dumpf(json, f, JSON_ENCODE_ANY);
}

/* ---- capabilities ---- */

static void print_capabilities(const struct suggestion *s, FILE *f, bool comments)
{
	uint64_t allowed = suggest_allowed(s);
	bool any = false;
	char name[32];

	for (unsigned int cap = 0; cap <= caps_last() && cap < 64; cap++) {
		if (!(allowed >> cap & 1))
			continue;
		if (!any)
			fputs("    capabilities:\n      allow:\n", f);
		any = true;
		if (comments)
			suggest_reasons(s, f, cap, "        ");
		fprintf(f, "        - %s\n", caps_name(cap, name));
	}
	if (!any)
		fputs("    capabilities: none\n", f);
}

/* ---- rules ---- */

/* It is enforced now, whatever the mode was in which it was tried. */
static void print_written(FILE *f, const json_t *written)
{
	json_auto_t *enforced = json_deep_copy(written);

	if (enforced && !json_object_set_new(enforced, "mode", json_string("enforce")))
		print_json(f, enforced);
}

static const char *reason(const struct suggestion *s, uint32_t rule)
{
	uint32_t bit = LEASTCAP_RULE_BIT(rule);

	switch (suggest_rule(s, rule)) {
	case SUGGEST_DENY:
		return s->rules_denied & bit ? "never used, and refused when it was tried"
					     : "never used";
	case SUGGEST_KEEP:
		return "used, and the policy's own rule was enough";
	default:
		return s->rules_used & bit || s->rules_would & bit ? "used" : "was refused";
	}
}

/* What events name is no whole list: it is shown, and nothing is made of it. */
static void print_details(const struct suggestion *s, FILE *f, uint32_t rule, const char *indent)
{
	const json_t *details = json_object_get(s->details, word_rule(rule));

	if (!json_array_size(details))
		return;
	fprintf(f, "%s# events show these, and there may be more: ", indent);
	print_json(f, details);
	fputc('\n', f);
}

static void print_rule(const struct suggestion *s, FILE *f, uint32_t rule, const char *indent,
		       bool comments)
{
	enum suggest_rule answer = suggest_rule(s, rule);

	if (answer == SUGGEST_UNKNOWN)
		return;
	if (comments && answer == SUGGEST_ALLOW)
		print_details(s, f, rule, indent);
	fprintf(f, "%s%s: ", indent, word_rule(rule));
	if (answer == SUGGEST_KEEP)
		print_written(f, suggest_written(s, rule));
	else
		fputs(answer == SUGGEST_DENY ? "deny" : "allow", f);
	if (comments)
		fprintf(f, " # %s", reason(s, rule));
	fputc('\n', f);
}

static void print_rules(const struct suggestion *s, FILE *f, bool comments)
{
	bool sockets = false;

	for (uint32_t rule = 0; rule < LEASTCAP_RULES; rule++) {
		if (rule_restriction(rule) != LEASTCAP_SOCKETS) {
			print_rule(s, f, rule, "    ", comments);
			continue;
		}
		if (suggest_rule(s, rule) == SUGGEST_UNKNOWN)
			continue;
		if (!sockets)
			fputs("    sockets:\n", f);
		sockets = true;
		print_rule(s, f, rule, "      ", comments);
	}
}

/* Words of the rules of which nothing is known, of those alone; to be freed. */
static char *unknown(const struct suggestion *s, uint32_t rules)
{
	char *text = NULL;
	size_t size;
	FILE *words = open_memstream(&text, &size);

	if (!words)
		return NULL;
	for (uint32_t rule = 0; rule < LEASTCAP_RULES; rule++) {
		if ((rules & LEASTCAP_RULE_BIT(rule)) && suggest_rule(s, rule) == SUGGEST_UNKNOWN)
			fprintf(words, "%s%s", ftell(words) ? ", " : "", word_rule(rule));
	}
	fclose(words);
	return text;
}

static void note_unwatched(const struct suggestion *s, FILE *f)
{
	const char *until = s->unwatched_until;
	uint32_t earlier = *until ? s->bound_watched : 0;
	_cleanup_free_ char *never = unknown(s, ~earlier), *once = unknown(s, earlier);

	if (never && *never)
		suggest_note(
			f,
			"Nothing is known of: %s. It was not watched: a policy that has these on "
			"'audit' would.",
			never);
	if (once && *once)
		suggest_note(
			f,
			"It is watched now, and was not in what had ended until %.10s %.8s UTC: %s. "
			"With --since and a later time that is left out.",
			until, until + 11, once);
}

/* Ends that an older leastcap has told. */
static void note_unsaid(const struct suggestion *s, FILE *f)
{
	size_t by_policy, unsaid = suggest_unsaid(s, &by_policy);

	if (by_policy)
		suggest_note(
			f,
			"Of %zu that have ended it was not told what was watched: taken for what "
			"the policy says now.",
			by_policy);
	if (unsaid)
		suggest_note(
			f,
			"Of %zu that have ended it is not known what was watched: they may have "
			"used more of the restrictions.",
			unsaid);
}

/* Where a kernel cannot hold them, the policy goes without. */
static void print_optional(const struct suggestion *s, FILE *f)
{
	if (!json_array_size(s->optional))
		return;
	fputs("    optional: ", f);
	print_json(f, s->optional);
	fputc('\n', f);
}

/* ---- the whole ---- */

/* - unit: "a.service", or, with more in it, JSON. */
static void print_selector(FILE *f, json_t *selector)
{
	void *first = json_object_iter(selector);
	json_t *value = json_object_iter_value(first);

	if (json_object_size(selector) == 1 && json_is_string(value)) {
		fprintf(f, "%s: ", json_object_iter_key(first));
		selector = value;
	}
	print_json(f, selector);
}

static void print_selectors(const struct suggestion *s, FILE *f)
{
	json_t *each;
	size_t i;

	if (json_array_size(s->selectors))
		fputs("    select:\n", f);
	json_array_foreach(s->selectors, i, each) {
		fputs("      - ", f);
		print_selector(f, each);
		fputc('\n', f);
	}
}

void suggest_policy(const struct suggestion *s, FILE *f, bool comments)
{
	if (comments)
		note_unwatched(s, f);
	if (comments)
		note_unsaid(s, f);
	if (comments && !json_array_size(s->selectors))
		suggest_note(
			f, "Whom it is for has to be written: 'select:', see leastcap-policy(5).");
	fprintf(f, "policies:\n  - name: \"%s\"\n", s->name);
	print_selectors(s, f);
	fputs("    mode: enforce\n", f);
	print_capabilities(s, f, comments);
	print_rules(s, f, comments);
	print_optional(s, f);
}
