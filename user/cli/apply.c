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
		_cleanup_free_ char *name = out_member(each, "name"), *mode = out_override(each);
		json_int_t n = out_number(each, "bindings");

		printf("%s: %srevision %lld, %lld subject%s%s\n", name ? name : "?",
		       json_is_true(json_object_get(each, "shadow")) ? "shadow, " : "",
		       (long long)out_number(each, "revision"), (long long)n, n == 1 ? "" : "s",
		       mode ?: "");
		json_array_foreach(json_object_get(each, "left_out"), j, rule)
			printf("%s: %s is left out: this kernel cannot hold it\n",
			       name ? name : "?", json_string_value(rule));
	}
}

struct how {
	bool dry_run, shadow, json;
	uint64_t confirm; /* seconds; 0: it stays */
};

/* What is handed over. */
struct body {
	const char *name;
	char *text;
	size_t len;
	bool family; /* the text is that of a file and of those that it includes */
};

static void body_done(struct body *body)
{
	free(body->text);
}

/* How to keep it, and what becomes of it otherwise. */
static void print_confirm(const json_t *confirm)
{
	char left[DURATION_TEXT];

	printf("to be confirmed within %s by 'leastcap confirm', or the policies from before come back\n",
	       duration_text((uint64_t)out_number(confirm, "seconds_left"), left));
}

static char *request_path(const struct body *body, const struct how *how)
{
	_cleanup_free_ char *file = api_path("/v1/policies?file=", body->name);
	char confirm[40] = "", *path;

	if (how->confirm)
		snprintf(confirm, sizeof(confirm), "&confirm=%llu",
			 (unsigned long long)how->confirm);
	if (!file ||
	    asprintf(&path, "%s%s%s%s%s", file, body->family ? "&family=1" : "",
		     how->dry_run ? "&dry_run=1" : "", how->shadow ? "&shadow=1" : "", confirm) < 0)
		return NULL;
	return path;
}

static int apply_body(const struct body *body, const struct how *how)
{
	_cleanup_(api_reply_done) struct api_reply reply = {0};
	_cleanup_free_ char *path = request_path(body, how);
	int err = path ? api_request("POST", path, body->text, body->len, &reply) : -ENOMEM, status;

	if (err)
		return api_unreachable(err);
	if (!api_ok(&reply)) {
		if (how->json && reply.json)
			out_json(reply.json);
		return api_refused(&reply, body->name);
	}
	if (how->json) {
		status = out_json(reply.json);
		return how->dry_run && !json_is_true(json_object_get(reply.json, "would_apply"))
			       ? CLI_FAILED
			       : status;
	}
	if (how->dry_run)
		return dry_run_print(reply.json, body->name);
	print_applied(json_object_get(reply.json, "applied"));
	if (how->confirm)
		print_confirm(json_object_get(reply.json, "confirm"));
	out_disarmed(json_object_get(reply.json, "disarmed"));
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

/* ---- what is handed over ---- */

/* Standard input stands alone. */
static int read_stdin(struct body *ret)
{
	int err = cli_read_file("-", &ret->text, &ret->len);

	ret->name = "<stdin>";
	if (err == -EFBIG)
		log_err(0, "%s is larger than %d bytes: no policy file is", ret->name,
			POLICY_FILE_MAX);
	else if (err)
		log_err(err, "cannot read %s", ret->name);
	return err ? CLI_FAILED : CLI_DONE;
}

/* The same that the daemon would say. */
static int tell_errors(const char *file, const struct policy_errors *errs, bool json)
{
	json_auto_t *answer = json ? json_pack("{s:s, s:o}", "error", "the policy file has errors",
					       "errors", cli_policy_errors(errs, file))
				   : NULL;

	if (answer)
		out_json(answer);
	policy_errors_print(errs, file, stderr);
	return CLI_FAILED;
}

static int make_body(const struct policy_reads *reads, struct body *ret)
{
	json_auto_t *json = reads->includes ? policy_texts_to_json(&reads->texts) : NULL;
	const struct policy_text *alone = &reads->texts.items[0];

	ret->family = reads->includes;
	ret->text = ret->family ? json_dumps(json, JSON_COMPACT) : strdup(alone->text);
	if (!ret->text) {
		log_err(0, "cannot hand %s over: no memory, or the path of a file is not UTF-8",
			ret->name);
		return CLI_FAILED;
	}
	ret->len = ret->family ? strlen(ret->text) : alone->len;
	return CLI_DONE;
}

/* The daemon sees other folders than the caller, who has the right to read them: so it is read here. */
static int read_files(const char *file, bool json, struct body *ret)
{
	_cleanup_(policy_reads_done) struct policy_reads reads = {.keep = true};
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	_cleanup_(policy_errors_done) struct policy_errors errs = {0};
	int err = policy_parse_file(file, &reads, &set, &errs);

	ret->name = file;
	if (errs.n_errors)
		return tell_errors(file, &errs, json);
	if (err) {
		log_err(err, "cannot read %s", file);
		return CLI_FAILED;
	}
	return make_body(&reads, ret);
}

static int apply(const struct verb *verb, int argc, char **argv)
{
	_cleanup_(body_done) struct body body = {0};
	struct how how = {0};
	int status;

	if (apply_options(verb, argc, argv, &how, &status) == CLI_OPT_EXIT)
		return status;
	status = strcmp(argv[optind], "-") ? read_files(argv[optind], how.json, &body)
					   : read_stdin(&body);
	return status ?: apply_body(&body, &how);
}

const struct verb verb_apply = {
	.name = "apply",
	.args = "[--dry-run | --shadow | --confirm TIME] FILE",
	.fn = apply,
	.help = "bind the policies of a file to running and future subjects",
	.text = "Hands the file to the daemon, and those that it includes: all of their policies are\n"
		"applied, or none. A policy of the same name is replaced in one step: a check sees\n"
		"the old one or the new one. FILE -: standard input. Needs root.\n\n"
		"  -n, --dry-run       change nothing; say what of that which the subjects have used\n"
		"                      would be refused\n"
		"      --shadow        evaluate it beside what is in force: refuses nothing, reports\n"
		"                      what it would refuse; 'leastcap promote' puts it in force\n"
		"      --confirm TIME  unless 'leastcap confirm' comes within 60s, 10m, ... the\n"
		"                      policies from before come back\n",
};
