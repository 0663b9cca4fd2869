// SPDX-License-Identifier: GPL-2.0-only
/* leastcap apply: hands a policy file to the daemon, which binds at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/dry_run.h"
#include "cli/output.h"
#include "policy/policy.h"

static void print_applied(const json_t *policies)
{
	const json_t *each, *rule;
	size_t i, j;

	json_array_foreach(policies, i, each) {
		_cleanup_free_ char *name = out_member(each, "name");
		json_int_t n = out_number(each, "bindings");

		printf("%s: %srevision %lld, %lld subject%s\n", name ? name : "?",
		       json_is_true(json_object_get(each, "shadow")) ? "shadow, " : "",
		       (long long)out_number(each, "revision"), (long long)n, n == 1 ? "" : "s");
		json_array_foreach(json_object_get(each, "left_out"), j, rule)
			printf("%s: %s is left out: this kernel cannot hold it\n",
			       name ? name : "?", json_string_value(rule));
	}
}

struct how {
	bool dry_run, shadow, json;
	uint64_t confirm; /* seconds; 0: it stays */
};

/* How to keep it, and what becomes of it otherwise. */
static void print_confirm(const json_t *confirm)
{
	char left[DURATION_TEXT];

	printf("to be confirmed within %s by 'leastcap confirm', or the policies from before come back\n",
	       duration_text((uint64_t)out_number(confirm, "seconds_left"), left));
}

static char *request_path(const char *name, const struct how *how)
{
	_cleanup_free_ char *file = api_path("/v1/policies?file=", name);
	char confirm[40] = "", *path;

	if (how->confirm)
		snprintf(confirm, sizeof(confirm), "&confirm=%llu",
			 (unsigned long long)how->confirm);
	if (!file || asprintf(&path, "%s%s%s%s", file, how->dry_run ? "&dry_run=1" : "",
			      how->shadow ? "&shadow=1" : "", confirm) < 0)
		return NULL;
	return path;
}

static int apply_text(const char *name, const char *text, size_t len, const struct how *how)
{
	_cleanup_(api_reply_done) struct api_reply reply = {0};
	_cleanup_free_ char *path = request_path(name, how);
	int err = path ? api_request("POST", path, text, len, &reply) : -ENOMEM, status;

	if (err)
		return api_unreachable(err);
	if (!api_ok(&reply)) {
		if (how->json && reply.json)
			out_json(reply.json);
		return api_refused(&reply, name);
	}
	if (how->json) {
		status = out_json(reply.json);
		return how->dry_run && !json_is_true(json_object_get(reply.json, "would_apply"))
			       ? CLI_FAILED
			       : status;
	}
	if (how->dry_run)
		return dry_run_print(reply.json, name);
	print_applied(json_object_get(reply.json, "applied"));
	if (how->confirm)
		print_confirm(json_object_get(reply.json, "confirm"));
	return CLI_DONE;
}

static int set_confirm(const struct verb *verb, const char *text, struct how *how)
{
	_cleanup_free_ char *error = NULL;

	if (!duration_parse(text, &how->confirm, &error))
		return CLI_DONE;
	return cli_usage_error(verb, "--confirm: %s", error ?: "out of memory");
}

/* Returns CLI_OPT_EXIT, and *ret_status, when the verb is done. */
static int apply_options(const struct verb *verb, int argc, char **argv, struct how *how,
			 int *ret_status)
{
	static const struct option options[] = {
		{"dry-run", no_argument, NULL, 'n'},
		{"shadow", no_argument, NULL, 's'},
		{"confirm", required_argument, NULL, 'c'},
		CLI_OPTIONS,
	};
	int opt;

	*ret_status = CLI_DONE;
	while (!*ret_status &&
	       (opt = cli_option(verb, argc, argv, "n", options, ret_status)) != -1) {
		if (opt == CLI_OPT_EXIT)
			return opt;
		how->json = how->json || opt == CLI_OPT_JSON;
		how->dry_run = how->dry_run || opt == 'n';
		how->shadow = how->shadow || opt == 's';
		if (opt == 'c')
			*ret_status = set_confirm(verb, optarg, how);
	}
	if (!*ret_status && how->dry_run + how->shadow + !!how->confirm > 1)
		*ret_status = cli_usage_error(
			verb, "of --dry-run, --shadow and --confirm there may be one");
	if (!*ret_status)
		*ret_status = cli_arguments(verb, argc, argv, 1, 1, "FILE");
	return *ret_status ? CLI_OPT_EXIT : 0;
}

static int apply(const struct verb *verb, int argc, char **argv)
{
	_cleanup_free_ char *text = NULL;
	struct how how = {0};
	const char *name;
	int status, err;
	size_t len;

	if (apply_options(verb, argc, argv, &how, &status) == CLI_OPT_EXIT)
		return status;

	name = strcmp(argv[optind], "-") ? argv[optind] : "<stdin>";
	err = cli_read_file(argv[optind], &text, &len);
	if (err == -EFBIG)
		log_err(0, "%s is larger than %d bytes: no policy file is", name, POLICY_FILE_MAX);
	else if (err)
		log_err(err, "cannot read %s", name);
	if (err)
		return CLI_FAILED;
	return apply_text(name, text, len, &how);
}

const struct verb verb_apply = {
	.name = "apply",
	.args = "[--dry-run | --shadow | --confirm TIME] FILE",
	.fn = apply,
	.help = "bind the policies of a file to running and future subjects",
	.text = "Hands the file to the daemon: all of its policies are applied, or none. A policy\n"
		"of the same name is replaced in one step: a check sees the old one or the new\n"
		"one. FILE -: standard input. Needs root.\n\n"
		"  -n, --dry-run       change nothing; say what of that which the subjects have used\n"
		"                      would be refused\n"
		"      --shadow        evaluate it beside what is in force: refuses nothing, reports\n"
		"                      what it would refuse; 'leastcap promote' puts it in force\n"
		"      --confirm TIME  unless 'leastcap confirm' comes within 60s, 10m, ... the\n"
		"                      policies from before come back\n",
};
