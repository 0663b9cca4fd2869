// SPDX-License-Identifier: GPL-2.0-only
/* leastcap show: what a subject may do in the end, and where that is written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/duration.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"
#include "subject/find.h"

/* " (web.yaml:7:12)", where there is a file. line: that has line and column. */
static void print_place(const json_t *place, const json_t *line)
{
	_cleanup_free_ char *file = out_member(place, "file");

	if (file && *file)
		printf(" (%s:%lld:%lld)", file, (long long)out_number(line, "line"),
		       (long long)out_number(line, "column"));
}

/* " base web (common.yaml:1:10)" */
static void print_base(const json_t *base)
{
	_cleanup_free_ char *name = out_member(base, "name");

	if (!json_is_object(base))
		return;
	printf(" base %s", name ?: "?");
	print_place(base, base);
}

/* "web (web.yaml:7:12)", for each place. */
static void print_places(const json_t *from)
{
	const json_t *each;
	size_t i;

	json_array_foreach(from, i, each) {
		_cleanup_free_ char *policy = out_member(each, "policy"),
				    *verdict = out_member(each, "verdict");

		printf("%s", i ? ", " : "  ");
		if (verdict && *verdict)
			printf("%s by ", verdict);
		printf("%s", policy ?: "?");
		print_place(each, each);
		print_base(json_object_get(each, "base"));
	}
	putchar('\n');
}

static void print_entry(const json_t *place, const json_t *line, const char *what,
			const char *entry)
{
	_cleanup_free_ char *policy = out_member(place, "policy");

	printf("    %-10s%-30s %s", what, entry, policy ?: "?");
	print_place(place, line);
	putchar('\n');
}

/* One entry of a list in each line, and where it comes from: those that a word stands for, where that is. */
static void print_list(const json_t *place, const char *what)
{
	const json_t *list = json_object_get(json_object_get(place, "written"), what), *each;
	const json_t *lines = json_object_get(json_object_get(place, "places"), what);
	size_t i;

	json_array_foreach(list, i, each) {
		const json_t *line = json_array_get(lines, i);
		_cleanup_free_ char *entry = out_printable(json_string_value(each));

		print_entry(place, json_is_object(line) ? line : place, what, entry ?: "?");
	}
}

/* What rules with lists say. */
static void print_lists(const json_t *from)
{
	static const char *const lists[] = {"allow", "deny", "read-only"};
	const json_t *place;
	size_t i;

	json_array_foreach(from, i, place) {
		json_t *rule = json_object_get(place, "written");
		_cleanup_free_ char *otherwise = out_member(rule, "default"),
				    *own = out_member(rule, "own-files");

		for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
			print_list(place, lists[k]);
		if (otherwise && *otherwise)
			print_entry(place, place, otherwise, "(all others)");
		if (own && *own)
			print_entry(place, place, own, "(files of its own)");
	}
}

static void print_container(const json_t *container)
{
	_cleanup_free_ char *id = out_member(container, "id"),
			    *name = out_member(container, "name"),
			    *image = out_member(container, "image"),
			    *pod = out_member(container, "pod"),
			    *namespace = out_member(container, "namespace");

	if (!json_is_object(container))
		return;
	printf("container   %s", name && *name ? name : id ?: "?");
	if (image && *image)
		printf(", image %s", image);
	if (pod && *pod)
		printf(", pod %s/%s", namespace && *namespace ? namespace : "?", pod);
	putchar('\n');
}

static void print_bindings(const json_t *bindings)
{
	const json_t *each;
	size_t i;

	if (!json_array_size(bindings))
		puts("bound by    nothing: it is free");
	json_array_foreach(bindings, i, each) {
		_cleanup_free_ char *cgroup = out_member(each, "cgroup"),
				    *policy = out_member(each, "policy"),
				    *mode = out_member(each, "mode"),
				    *shadow = out_member(each, "shadow");

		printf("%-12s%s, revision %lld, %s, at %s", i ? "" : "bound by", policy ?: "?",
		       (long long)out_number(each, "revision"), mode ?: "?", cgroup ?: "?");
		if (shadow && *shadow)
			printf(", shadow %s", shadow);
		putchar('\n');
	}
}

static void print_capabilities(const json_t *answer)
{
	const json_t *capabilities = json_object_get(answer, "capabilities"), *each;
	size_t i;

	puts("\ncapabilities");
	if (!json_array_size(capabilities))
		puts("  none is allowed");
	/* Without a binding there is no line to show. */
	if (!json_array_size(json_object_get(answer, "bindings"))) {
		puts("  all are allowed");
		return;
	}
	json_array_foreach(capabilities, i, each) {
		_cleanup_free_ char *name = out_member(each, "name");

		printf("  %-18s", name ?: "?");
		print_places(json_object_get(each, "from"));
	}
}

static void print_show(const json_t *answer)
{
	_cleanup_free_ char *cgroup = out_member(answer, "cgroup");
	const json_t *each, *disarmed = json_object_get(answer, "disarmed");
	char left[DURATION_TEXT];
	size_t i;

	printf("cgroup      %s\n", cgroup ?: "?");
	print_container(json_object_get(answer, "container"));
	if (json_is_object(disarmed))
		printf("DISARMED    nothing of this is enforced for %s\n",
		       duration_text((uint64_t)out_number(disarmed, "seconds_left"), left));
	print_bindings(json_object_get(answer, "bindings"));
	print_capabilities(answer);
	puts("\nrules");
	json_array_foreach(json_object_get(answer, "rules"), i, each) {
		_cleanup_free_ char *rule = out_member(each, "rule"),
				    *verdict = out_member(each, "verdict");

		printf("  %-12s%-6s", rule ?: "?", verdict ?: "?");
		print_places(json_object_get(each, "from"));
		print_lists(json_object_get(each, "from"));
	}
}

static int ask_show(const char *subject, struct api_reply *ret)
{
	_cleanup_free_ char *path = api_path("/v1/show?subject=", subject);

	return path ? api_request("GET", path, NULL, 0, ret) : -ENOMEM;
}

static int show(const struct verb *verb, int argc, char **argv)
{
	_cleanup_(api_reply_done) struct api_reply reply = {0};
	_cleanup_free_ char *cgroup = NULL;
	int status, err, named;
	bool json;

	if (cli_only_json(verb, argc, argv, 1, 1, "SUBJECT", &json, &status))
		return status;
	err = ask_show(argv[optind], &reply);
	/* A container's name that only its bundle has is looked for here: see find_subject() in daemon/show.c. */
	named = !err && reply.status == 404 ? subject_find_named(argv[optind], &cgroup) : -ENOENT;
	if (named == -ENOTUNIQ) {
		cli_several(argv[optind]);
		return CLI_FAILED;
	}
	if (!named) {
		api_reply_done(&reply);
		reply = (struct api_reply){0};
		err = ask_show(cgroup, &reply);
	}
	return err ? api_unreachable(err) : api_told(&reply, json, print_show);
}

const struct verb verb_show = {
	.name = "show",
	.args = "SUBJECT",
	.fn = show,
	.help = "what a subject may do in the end, and which line of which policy says so",
	.text = "SUBJECT is a cgroup path, a systemd unit, or a container's name or id (or its\n"
		"beginning).\n"
		"All policies on the way from the root to it are intersected: a capability is\n"
		"allowed if every one that enforces allows it, a rule holds if one has it.\n",
};
