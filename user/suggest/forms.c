/* SPDX-License-Identifier: GPL-2.0-only */
/* A suggestion as container runtimes, Kubernetes and systemd read it: the capabilities. */
#include <ctype.h>
#include <string.h>

#include "audit/event.h"
#include "base/caps.h"
#include "base/words.h"
#include "suggest/masks.h"
#include "suggest/suggest.h"
#include "trace/record.h"

const char *const suggest_formats[SUGGEST_FORMATS + 1] = {
	[SUGGEST_POLICY] = "policy",   [SUGGEST_DOCKER] = "docker",
	[SUGGEST_COMPOSE] = "compose", [SUGGEST_KUBERNETES] = "kubernetes",
	[SUGGEST_SYSTEMD] = "systemd", [SUGGEST_QUADLET] = "quadlet",
	[SUGGEST_LABEL] = "label",
};

/* Others take names only. The buffer holds it. */
static bool is_listed(uint64_t allowed, unsigned int cap, char name[32])
{
	return (allowed >> cap & 1) && isalpha((unsigned char)*caps_name(cap, name));
}

/* Each name between two texts; between: what separates them. Returns how many. */
static size_t print_names(FILE *f, uint64_t allowed, const char *before, const char *between)
{
	size_t n = 0;
	char name[32];

	for (unsigned int cap = 0; cap < 64; cap++) {
		if (is_listed(allowed, cap, name))
			fprintf(f, "%s%s%s", n++ ? between : "", before, name);
	}
	return n;
}

/* As a YAML list, each with its reasons. */
static void print_list(const struct suggestion *s, FILE *f, const char *key, const char *indent,
		       bool comments)
{
	uint64_t allowed = suggest_allowed(s);
	bool any = false;
	char name[32];

	for (unsigned int cap = 0; cap < 64; cap++) {
		if (!is_listed(allowed, cap, name))
			continue;
		if (!any)
			fprintf(f, "%s%s:\n", indent, key);
		any = true;
		if (comments)
			suggest_reasons(s, f, cap, indent);
		fprintf(f, "%s  - %s\n", indent, name);
	}
}

static void print_reasons(const struct suggestion *s, FILE *f, bool comments)
{
	for (unsigned int cap = 0; comments && cap < 64; cap++) {
		if (suggest_allowed(s) >> cap & 1)
			suggest_reasons(s, f, cap, "");
	}
}

static void print_docker(const struct suggestion *s, FILE *f, bool comments)
{
	print_reasons(s, f, comments);
	fputs("--cap-drop ALL", f);
	print_names(f, suggest_allowed(s), " --cap-add ", "");
	fputc('\n', f);
}

/* What stands in the user's own file stays in force beside this one. */
static void note_adds_only(FILE *f, const char *what, bool comments)
{
	if (comments)
		suggest_note(f, "It takes nothing away that another file adds: remove %s there.",
			     what);
}

static void print_service(const struct suggestion *s, const char *service, FILE *f, bool comments)
{
	fprintf(f, "  \"%s\":\n    cap_drop:\n      - ALL\n", service);
	print_list(s, f, "cap_add", "    ", comments);
}

static void print_compose(const struct suggestion *s, FILE *f, bool comments)
{
	const char *service;
	json_t *each;

	note_adds_only(f, "'cap_add' and 'privileged'", comments);
	fputs("services:\n", f);
	json_object_foreach(s->services, service, each)
		print_service(s, service, f, comments);
	if (!json_object_size(s->services))
		print_service(s, s->name, f, comments);
}

static void print_kubernetes(const struct suggestion *s, FILE *f, bool comments)
{
	if (comments)
		suggest_note(f, "Of a container, below spec.containers.");
	fputs("securityContext:\n  capabilities:\n    drop:\n      - ALL\n", f);
	print_list(s, f, "add", "    ", comments);
}

/* An empty line of a list forgets what the unit itself says. */
static void print_systemd(const struct suggestion *s, FILE *f, bool comments)
{
	static const char *const keys[] = {"CapabilityBoundingSet", "AmbientCapabilities"};

	if (comments)
		suggest_note(
			f, "A drop-in: UNIT.d/leastcap.conf. Ambient capabilities are for programs "
			   "that run with User=.");
	print_reasons(s, f, comments);
	fputs("[Service]\n", f);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		fprintf(f, "%s=\n%s=", keys[i], keys[i]);
		print_names(f, suggest_allowed(s), "CAP_", " ");
		fputc('\n', f);
	}
}

static void print_quadlet(const struct suggestion *s, FILE *f, bool comments)
{
	note_adds_only(f, "'AddCapability' and '--privileged' of 'PodmanArgs'", comments);
	print_reasons(s, f, comments);
	fputs("[Container]\nDropCapability=all\n", f);
	if (print_names(f, suggest_allowed(s), "AddCapability=CAP_", "\n"))
		fputc('\n', f);
}

/* An empty label is taken for none. */
static void print_label(const struct suggestion *s, FILE *f, bool comments)
{
	if (comments) {
		suggest_note(
			f, "Of an image: what it asks for. Podman takes the rest away; to leastcap "
			   "it permits nothing.");
		print_reasons(s, f, comments);
	}
	if (!suggest_allowed(s)) {
		suggest_note(f, "It needs no capability. No label says that.");
		return;
	}
	fputs("LABEL io.containers.capabilities=\"", f);
	print_names(f, suggest_allowed(s), "", ",");
	fputs("\"\n", f);
}

char *suggest_text(const struct suggestion *s, enum suggest_format format, bool comments)
{
	static void (*const forms[SUGGEST_FORMATS])(const struct suggestion *s, FILE *f,
						    bool comments) = {
		[SUGGEST_POLICY] = suggest_policy, [SUGGEST_DOCKER] = print_docker,
		[SUGGEST_COMPOSE] = print_compose, [SUGGEST_KUBERNETES] = print_kubernetes,
		[SUGGEST_SYSTEMD] = print_systemd, [SUGGEST_QUADLET] = print_quadlet,
		[SUGGEST_LABEL] = print_label,
	};
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	if (comments)
		suggest_notes(s, f);
	forms[format](s, f, comments);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- JSON ---- */

/* By name or number, those that nobody has a name for too. */
static json_t *caps_json(uint64_t caps)
{
	json_t *list = json_array();
	char name[32];

	for (unsigned int cap = 0; list && cap < 64; cap++) {
		if (caps >> cap & 1)
			json_array_append_new(list, json_string(caps_name(cap, name)));
	}
	return list;
}

static json_t *rules_json(const struct suggestion *s)
{
	static const char *const words[] = {
		[SUGGEST_UNKNOWN] = "unknown",
		[SUGGEST_DENY] = "deny",
		[SUGGEST_ALLOW] = "allow",
		[SUGGEST_KEEP] = "keep",
	};
	json_t *all = json_object();

	for (uint32_t rule = 0; all && rule < LEASTCAP_RULES; rule++)
		json_object_set_new(all, word_rule(rule),
				    json_string(words[suggest_rule(s, rule)]));
	return all;
}

json_t *suggest_json(const struct suggestion *s, enum suggest_format format, const char *text)
{
	uint64_t allowed = suggest_allowed(s);
	json_t *caps = json_pack("{s:o, s:o, s:o, s:o, s:o}", "allow", caps_json(allowed), "used",
				 caps_json(s->used), "denied", caps_json(s->denied), "missing",
				 caps_json(s->missing), "granted_unused",
				 caps_json(s->granted & ~allowed));
	json_t *evidence = s->evidence ? evidence_to_json(s->evidence) : suggest_trail_json(s);

	return json_pack(
		"{s:s, s:s, s:s, s:O, s:s, s:o, s:o, s:O, s:O, s:i, s:I, s:b, s:b, s:o, s:I, s:I, s:s}",
		"subject", s->subject, "name", s->name, "source",
		s->traced_only ? "trace" : "masks", "select", s->selectors, "format",
		suggest_formats[format], "capabilities", caps, "rules", rules_json(s), "details",
		s->details, "bindings", s->bindings, "ended", (int)json_object_size(s->ended),
		"unrecorded", (json_int_t)s->unrecorded, "incomplete", s->incomplete,
		"include_denied", s->with_denied, "evidence", evidence, "late",
		(json_int_t)(s->evidence ? s->evidence->late : 0), "missed",
		(json_int_t)(s->evidence ? s->evidence->missed : 0), "text", text);
}
