// SPDX-License-Identifier: GPL-2.0-only
/* leastcap apply: hands a policy file to the daemon, which binds at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"
#include "policy/policy.h"

static void print_applied(const json_t *policies)
{
	const json_t *each, *rule;
	size_t i, j;

	json_array_foreach(policies, i, each) {
		_cleanup_free_ char *name = out_member(each, "name");
		json_int_t n = out_number(each, "bindings");

		printf("%s: revision %lld, %lld subject%s\n", name ? name : "?",
		       (long long)out_number(each, "revision"), (long long)n, n == 1 ? "" : "s");
		json_array_foreach(json_object_get(each, "left_out"), j, rule)
			printf("%s: %s is left out: this kernel cannot hold it\n",
			       name ? name : "?", json_string_value(rule));
	}
}

static int apply_text(const char *name, const char *text, size_t len, bool json)
{
	_cleanup_(api_reply_done) struct api_reply reply = {0};
	_cleanup_free_ char *path = api_path("/v1/policies?file=", name);
	int err = path ? api_request("POST", path, text, len, &reply) : -ENOMEM;

	if (err)
		return api_unreachable(err);
	if (!api_ok(&reply)) {
		if (json && reply.json)
			out_json(reply.json);
		return api_refused(&reply, name);
	}
	if (json)
		return out_json(reply.json);
	print_applied(json_object_get(reply.json, "applied"));
	return CLI_DONE;
}

static int apply(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {CLI_OPTIONS};
	_cleanup_free_ char *text = NULL;
	int opt, status = CLI_DONE, err;
	bool json = false;
	const char *name;
	size_t len;

	while ((opt = cli_option(verb, argc, argv, "", options, &status)) >= 0)
		json = json || opt == CLI_OPT_JSON;
	if (opt == CLI_OPT_EXIT)
		return status;
	status = cli_arguments(verb, argc, argv, 1, 1, "FILE");
	if (status)
		return status;

	name = strcmp(argv[optind], "-") ? argv[optind] : "<stdin>";
	err = cli_read_file(argv[optind], &text, &len);
	if (err == -EFBIG)
		log_err(0, "%s is larger than %d bytes: no policy file is", name, POLICY_FILE_MAX);
	else if (err)
		log_err(err, "cannot read %s", name);
	if (err)
		return CLI_FAILED;
	return apply_text(name, text, len, json);
}

const struct verb verb_apply = {
	.name = "apply",
	.args = "FILE",
	.fn = apply,
	.help = "bind the policies of a file to running and future subjects",
	.text = "Hands the file to the daemon: all of its policies are applied, or none. A policy\n"
		"of the same name is replaced in one step: a check sees the old one or the new\n"
		"one. FILE -: standard input. Needs root.\n",
};
