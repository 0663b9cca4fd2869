// SPDX-License-Identifier: GPL-2.0-only
/* What `leastcap explain` prints for people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "cli/explain.h"
#include "cli/output.h"
#include "explain/changes.h"

#define LABEL 12

static void line(const char *label, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A label, and a text of several words that is wrapped. */
static void line(const char *label, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	printf("%-*s", LABEL, label);
	out_wrapped(LABEL, text ?: "?");
}

static void print_head(const json_t *event)
{
	_cleanup_free_ char *type = out_member(event, "type"), *item = out_member(event, "item"),
			    *detail = out_member(event, "detail"),
			    *time = out_member(event, "time"), *call = out_member(event, "syscall"),
			    *restriction = out_member(event, "restriction");
	json_int_t more = out_number(event, "suppressed");

	if (!type || !item || !detail || !time || !call || !restriction)
		return;
	printf("event %-6lld%s ", (long long)out_number(event, "seq"), type);
	if (strcmp(restriction, "capabilities"))
		printf("%s: ", restriction);
	printf("%s%s%s", item, *detail ? " " : "", detail);
	if (*call)
		printf(" in %s()", call);
	printf(", %.19s UTC", time);
	if (more)
		printf(" (and %lld more)", (long long)more);
	putchar('\n');
}

/* As they would be typed: people copy that, and what is called chooses its words. */
static char *arguments(const json_t *args)
{
	char *text = NULL;
	const json_t *each;
	size_t i, size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	json_array_foreach(args, i, each) {
		_cleanup_free_ char *shown = out_printable(json_string_value(each) ?: ""),
				    *word = shown ? shell_word(shown) : NULL;

		fprintf(f, "%s%s", i ? " " : "", word ?: "?");
	}
	fclose(f);
	return text;
}

/* Where it came from, what it was called with: what is not known is left out. */
static void print_more(const json_t *p)
{
	_cleanup_free_ char *args = arguments(json_object_get(p, "args")),
			    *parent = out_name(p, "parent");
	json_int_t inner = out_number(p, "container_pid"), above = out_number(p, "ppid");

	/* Not wrapped: what is copied has to be one line. */
	if (args && *args)
		printf("%-*s%s%s\n", LABEL, "called", args,
		       json_is_true(json_object_get(p, "args_cut")) ? " ..." : "");
	if (parent && *parent)
		line("by", "%s[%lld]", parent, (long long)above);
	else if (above)
		line("by", "process %lld", (long long)above);
	if (inner)
		line("inside", "process %lld of its own pid namespace", (long long)inner);
}

static void print_container(const json_t *s, const char *id, const char *cgroup)
{
	_cleanup_free_ char *name = out_member(s, "name"), *image = out_member(s, "image"),
			    *pod = out_member(s, "pod"), *space = out_member(s, "namespace");

	if (!name || !image || !pod || !space)
		return;
	line("where", "container %.12s%s%s%s%s%s%s%s%s, cgroup %s", id, *name ? " " : "", name,
	     *image ? ", image " : "", image, *pod ? ", pod " : "", space,
	     *pod && *space ? "/" : "", pod, cgroup);
}

static void print_who(const json_t *event)
{
	const json_t *p = json_object_get(event, "process"), *s = json_object_get(event, "subject");
	_cleanup_free_ char *comm = out_name(p, "comm"), *exe = out_member(p, "exe"),
			    *container = out_member(s, "container"), *unit = out_member(s, "unit"),
			    *cgroup = out_member(s, "cgroup");

	if (!comm || !exe || !container || !unit || !cgroup)
		return;
	line("who", "%s[%lld], uid %lld%s%s", comm, (long long)out_number(p, "pid"),
	     (long long)out_number(p, "uid"), *exe ? ", " : "", exe);
	print_more(p);
	if (*container)
		print_container(s, container, cgroup);
	else
		line("where", "%s%s%scgroup %s", *unit ? "unit " : "", unit, *unit ? ", " : "",
		     cgroup);
}

static void print_asked_for(const json_t *asked)
{
	_cleanup_free_ char *cap = out_member(asked, "capability"),
			    *rule = out_member(asked, "rule"), *act = out_member(asked, "act"),
			    *meaning = out_member(asked, "meaning"),
			    *call = out_member(asked, "call");

	if (!cap || !rule || !act || !meaning || !call)
		return;
	if (*act)
		line("tried", "to %s%s%s%s", act, *cap ? ", most likely" : "", *call ? ": " : "",
		     call);
	if (*cap && *meaning)
		line("means", "with %s a process can %s", cap, meaning);
	else if (*rule && *meaning)
		line("means", "under %s: %s", rule, meaning);
}

static void print_place(const char *label, const json_t *place)
{
	_cleanup_free_ char *policy = out_member(place, "policy"),
			    *mode = out_member(place, "mode"),
			    *cgroup = out_member(place, "cgroup"),
			    *file = out_member(place, "file");
	const json_t *refuses = json_object_get(place, "refuses");
	json_int_t number = out_number(place, "line");

	if (!policy || !mode || !cgroup || !file)
		return;
	printf("%-*spolicy %s, revision %lld, %s", LABEL, label, policy,
	       (long long)out_number(place, "revision"), mode);
	if (*cgroup)
		printf(", at %s", cgroup);
	if (*file && number)
		printf("\n%*s%s:%lld:%lld", LABEL, "", file, (long long)number,
		       (long long)out_number(place, "column"));
	else
		printf("\n%*s%s", LABEL, "",
		       *file ? file : "it came over the API: there is no file of it");
	if (json_is_false(refuses))
		printf("\n%*sas it is now, it allows this", LABEL, "");
	else if (json_is_null(refuses))
		printf("\n%*swhether it refuses this, the event does not tell", LABEL, "");
	putchar('\n');
}

static void print_refused_by(const json_t *e)
{
	const json_t *by = json_object_get(e, "refused_by"), *each;
	_cleanup_free_ char *policy = out_member(json_object_get(e, "event"), "policy");
	size_t i;

	if (json_is_object(by))
		print_place("refused by", by);
	else
		line("refused by", "policy %s", policy && *policy ? policy : "(not known)");
	json_array_foreach(json_object_get(e, "others"), i, each)
		print_place(i ? "" : "and by", each);
}

static void print_confinement(const json_t *c)
{
	_cleanup_free_ char *by = out_member(c, "by"), *label = out_member(c, "label");

	if (json_is_object(c) && by && label)
		line("", "%s: %s", by, label);
}

/* "permitted, effective": the sets that have it. */
static void print_process(const json_t *p)
{
	static const char *const sets[] = {"permitted", "effective", "bounding"};
	_cleanup_free_ char *seccomp = out_member(p, "seccomp");
	const char *before = ", has it in ";

	if (!json_is_object(p) || !seccomp)
		return;
	printf("%-*s%lld is still there", LABEL, "process", (long long)out_number(p, "pid"));
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		if (!json_is_true(json_object_get(p, sets[i])))
			continue;
		printf("%s%s", before, sets[i]);
		before = ", ";
	}
	printf("; seccomp: %s%s\n", seccomp,
	       json_is_true(json_object_get(p, "no_new_privs")) ? "; no_new_privs" : "");
	print_confinement(json_object_get(p, "confinement"));
}

static void print_change(const char *label, const json_t *c)
{
	_cleanup_free_ char *policy = out_member(c, "policy"), *file = out_member(c, "file"),
			    *note = out_member(c, "note"), *text = out_member(c, "text");
	_cleanup_free_ char *where = change_where(c), *place = where ? out_printable(where) : NULL;
	const char *command = json_string_value(json_object_get(c, "command"));

	if (!policy || !file || !place || !note || !text)
		return;
	if (*file) {
		line(label, "%s:", place);
		printf("\n%*s%s\n\n", LABEL, "", text);
	} else if (command) {
		line(label, "policy %s, by this command:", policy);
		putchar('\n');
		out_block(command);
		putchar('\n');
	} else {
		line(label, "policy %s: %s", policy, *note ? note : "no change is known");
		return;
	}
	if (*note)
		line("", "%s", note);
}

void explain_print(const json_t *e)
{
	const json_t *event = json_object_get(e, "event"), *each;
	bool file = false;
	size_t i;

	print_head(event);
	print_who(event);
	print_asked_for(json_object_get(e, "asked_for"));
	print_refused_by(e);
	print_process(json_object_get(e, "process"));
	json_array_foreach(json_object_get(e, "hints"), i, each) {
		_cleanup_free_ char *hint = out_printable(json_string_value(each) ?: "");

		line(i ? "" : "note", "%s", hint ?: "?");
	}
	json_array_foreach(json_object_get(e, "changes"), i, each) {
		print_change(i ? "and" : "to allow", each);
		file = file || json_is_string(json_object_get(each, "file"));
	}
	if (file)
		line("then",
		     "leastcapd reads a file that has changed within some seconds; 'leastcap "
		     "check' says before whether it is right");
}
