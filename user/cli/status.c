// SPDX-License-Identifier: GPL-2.0-only
/* leastcap status: what is held by what, and what it did. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/duration.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/state.h"
#include "cli/status.h"

/* A set with every capability of this kernel is one word for people. */
static void print_set(const char *label, const json_t *caps, const char *key)
{
	const json_t *set = json_object_get(caps, key);
	const char *first = json_string_value(json_array_get(set, 0));
	json_auto_t *all = NULL;

	if ((first && !strcmp(first, "ALL")) || json_array_size(set) > caps_last()) {
		all = json_pack("[s]", "all");
		set = all;
	}
	out_words(label, set);
}

/* Rules of restrictions: most policies have but some. */
static void print_rules(const char *label, const json_t *rules, const char *key)
{
	const json_t *words = json_object_get(rules, key);

	if (json_array_size(words))
		out_words(label, words);
}

static void print_shadow(const json_t *shadow)
{
	_cleanup_free_ char *name = out_member(shadow, "policy");

	if (json_is_object(shadow))
		printf("  %-12s%s, revision %lld, refuses nothing\n", "shadow", name ?: "?",
		       (long long)out_number(shadow, "revision"));
}

static void print_binding(const json_t *b)
{
	_cleanup_free_ char *cgroup = out_member(b, "cgroup"), *policy = out_member(b, "policy"),
			    *mode = out_member(b, "mode");
	_cleanup_free_ char *name = out_member(b, "name"), *pod = out_member(b, "pod"),
			    *namespace = out_member(b, "namespace");
	const json_t *caps = json_object_get(b, "capabilities"),
		     *n = json_object_get(b, "counters"), *rules = json_object_get(b, "rules");

	printf("\n%s%s%s\n", cgroup && *cgroup ? cgroup : "(a removed cgroup)",
	       json_is_true(json_object_get(b, "born")) ? "  [bound at birth]" : "",
	       json_is_true(json_object_get(b, "gone")) ? "  [gone, its policy is carried]" : "");
	if (name && *name)
		printf("  %-12s%s\n", "container", name);
	if (pod && *pod)
		printf("  %-12s%s/%s\n", "pod", namespace && *namespace ? namespace : "?", pod);
	printf("  %-12s%s, revision %lld, %s\n", "policy", policy ? policy : "?",
	       (long long)out_number(b, "revision"), mode ? mode : "?");
	print_shadow(json_object_get(b, "shadow"));
	print_set("granted", caps, "granted");
	print_set("allowed", caps, "allowed");
	print_set("used", caps, "used");
	print_set("denied", caps, "denied");
	if (json_array_size(json_object_get(caps, "would_deny")))
		print_set("would deny", caps, "would_deny");
	print_rules("enforced", rules, "enforced");
	print_rules("audited", rules, "audited");
	print_rules("refused", rules, "denied");
	print_rules("reported", rules, "would_deny");
	printf("  %-12s%lld refused, %lld would be refused, %lld probes answered no\n", "checks",
	       (long long)out_number(n, "denied"), (long long)out_number(n, "would_deny"),
	       (long long)out_number(n, "probe_denied"));
	status_subject_print(b);
}

static void print_losses(const json_t *losses)
{
	static const struct {
		const char *key, *text;
	} kinds[] = {
		{"ring",
		 "events not sent: the ring buffer was full (masks and counters are exact)"},
		{"key", "events sent without deduplication: the key table was full"},
		{"ledger", "checks missing in masks and counters: no ledger could be made"},
		{"storage", "cached answers that could not be kept (checks are slower)"},
		{"birth", "containers not bound at birth: the bindings map is full"},
		{"hold",
		 "entrypoints not held: nobody was there to let them go, or a table was full"},
	};
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		json_int_t n = out_number(losses, kinds[i].key);

		if (n)
			printf("lost        %lld %s\n", (long long)n, kinds[i].text);
		any = any || n;
	}
	if (!any)
		puts("lost        nothing");
}

/* Only those that are not as they should be. */
static void print_sinks(const json_t *sinks)
{
	const json_t *each, *n;
	const char *key;
	size_t i;

	json_array_foreach(sinks, i, each) {
		_cleanup_free_ char *name = out_member(each, "sink"),
				    *target = out_member(each, "target"),
				    *failing = out_member(each, "failing");
		json_int_t lost = 0;

		json_object_foreach(json_object_get(each, "losses"), key, n)
			lost += json_integer_value(n);
		if (!lost && !(failing && *failing))
			continue;
		printf("sink        %s %s: %s, %lld events lost, %lld wait\n", name ? name : "?",
		       target ? target : "?", failing && *failing ? failing : "works",
		       (long long)lost, (long long)out_number(each, "queued"));
	}
}

static void print_hold(const json_t *hold)
{
	bool on = json_is_true(json_object_get(hold, "on"));

	if (on || out_number(hold, "held"))
		printf("hold        %s; %lld held until now, %lld of them too long, %lld at present\n",
		       on ? "on" : "off", (long long)out_number(hold, "held"),
		       (long long)out_number(hold, "too_long"), (long long)out_number(hold, "now"));
}

static void print_problems(const json_t *problems)
{
	const json_t *each;
	size_t i;

	json_array_foreach(problems, i, each) {
		_cleanup_free_ char *file = out_member(each, "file"),
				    *text = out_member(each, "message");

		printf("problem     %s:%lld:%lld: %s\n", file ? file : "?",
		       (long long)out_number(each, "line"), (long long)out_number(each, "column"),
		       text ? text : "?");
	}
}

static void print_confirm(const json_t *confirm)
{
	const json_t *each;
	char left[DURATION_TEXT];
	size_t i;

	json_array_foreach(json_object_get(confirm, "policies"), i, each) {
		_cleanup_free_ char *name = out_printable(json_string_value(each) ?: "?");

		printf("%-12s%s comes back in %s, unless 'leastcap confirm' keeps it\n",
		       i ? "" : "confirm", name ?: "?",
		       duration_text((uint64_t)out_number(confirm, "seconds_left"), left));
	}
}

static void print_status(const json_t *state)
{
	_cleanup_free_ char *kernel = out_member(state, "kernel"),
			    *version = out_member(state, "version"),
			    *fallback = out_member(state, "default_policy");
	bool daemon = json_is_true(json_object_get(state, "daemon"));
	const json_t *bindings = json_object_get(state, "bindings"), *each,
		     *disarmed = json_object_get(state, "disarmed");
	size_t i;

	printf("enforcing   %s\n", json_is_object(disarmed)
					   ? "no: everything is allowed, and reported"
				   : json_is_true(json_object_get(state, "enforcing"))
					   ? "yes"
					   : "no: the programs are not attached");
	out_disarmed(disarmed);
	print_confirm(json_object_get(state, "confirm"));
	printf("kernel      %s\n", kernel ? kernel : "?");
	if (daemon)
		printf("daemon      running, version %s\n", version ? version : "?");
	else
		puts("daemon      not running; what is bound stays bound");
	printf("default     %s\n",
	       fallback && *fallback ? fallback : "none: new containers are free");
	print_losses(json_object_get(state, "losses"));
	print_sinks(json_object_get(state, "sinks"));
	print_hold(json_object_get(state, "hold"));
	status_proof_print(json_object_get(state, "proof"));
	print_problems(json_object_get(state, "problems"));
	if (json_array_size(bindings) == 0)
		puts("\nno bindings");
	json_array_foreach(bindings, i, each)
		print_binding(each);
}

/* Of a subject more is told than of all. */
static int add_subject(const json_t *state, bool files)
{
	json_t *each;
	size_t i;

	json_array_foreach(json_object_get(state, "bindings"), i, each) {
		if (status_subject_add(each, files))
			return -EIO;
	}
	return 0;
}

static int status_verb(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {{"files", no_argument, NULL, 'f'}, CLI_OPTIONS};
	json_auto_t *state = NULL;
	int opt, status = CLI_DONE;
	bool json = false, files = false;
	const char *subject;

	while ((opt = cli_option(verb, argc, argv, "f", options, &status)) >= 0) {
		json = json || opt == CLI_OPT_JSON;
		files = files || opt == 'f';
	}
	if (opt == CLI_OPT_EXIT)
		return status;
	status = cli_arguments(verb, argc, argv, 0, 1, "SUBJECT");
	if (status)
		return status;

	subject = argv[optind];
	if (files && !subject)
		return cli_usage_error(verb, "--files: no SUBJECT given whose files are meant");
	if (state_status(subject, &state) || (subject && add_subject(state, files)))
		return CLI_FAILED;
	if (json)
		status = out_json(state);
	if (subject && json_array_size(json_object_get(state, "bindings")) == 0) {
		log_err(0, "nothing is bound that matches '%s'", subject);
		return CLI_FAILED;
	}
	if (!json)
		print_status(state);
	return status;
}

const struct verb verb_status = {
	.name = "status",
	.args = "[--files] [SUBJECT]",
	.fn = status_verb,
	.help = "bound subjects: granted, allowed, used and denied capabilities",
	.text = "SUBJECT is a cgroup path, a systemd unit, a container's name or id (or its\n"
		"beginning) or a policy's name. For each binding:\n\n"
		"  granted  what its processes hold now\n"
		"  allowed  what the policy lets them use\n"
		"  used     what they asked for and got\n"
		"  denied   what they asked for and were refused\n\n"
		"and of a SUBJECT its processes with their sets, and what was granted for nothing:\n"
		"`never used`, though allowed, and `not allowed`.\n\n"
		"  -f, --files  the files below its root that give capabilities, and what of that\n"
		"               the policy leaves\n\n"
		"Without a daemon the kernel's maps are read, which needs root.\n",
};
