// SPDX-License-Identifier: GPL-2.0-only
/* leastcap remove: takes back a policy that was applied. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/nearest.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"

/* The name that was meant, from what the daemon has. */
static void suggest(const char *name)
{
	_cleanup_(api_reply_done) struct api_reply reply = {0};
	_cleanup_free_ const char **names = NULL;
	json_t *policies, *each;
	const char *near;
	size_t i;

	if (api_request("GET", "/v1/policies", NULL, 0, &reply) || !api_ok(&reply))
		return;
	policies = json_object_get(reply.json, "policies");
	names = calloc(json_array_size(policies) + 1, sizeof(*names));
	if (!names)
		return;
	json_array_foreach(policies, i, each) {
		const char *known = json_string_value(json_object_get(each, "name"));

		names[i] = known ? known : "";
	}
	near = nearest_word(name, strlen(name), names);
	if (near)
		log_err(0, "did you mean '%s'?", near);
}

static int remove_policy(const char *name, bool shadow, bool json)
{
	_cleanup_(api_reply_done) struct api_reply reply = {0};
	_cleanup_free_ char *path = api_path("/v1/policies/", name), *shown = out_printable(name),
			    *request = NULL;
	int err = -ENOMEM;

	if (path && asprintf(&request, "%s%s", path, shadow ? "?shadow=1" : "") < 0)
		request = NULL;
	if (request)
		err = api_request("DELETE", request, NULL, 0, &reply);

	if (err)
		return api_unreachable(err);
	if (!api_ok(&reply)) {
		if (json && reply.json)
			out_json(reply.json);
		api_refused(&reply, NULL);
		if (reply.status == 404)
			suggest(name);
		return CLI_FAILED;
	}
	if (json)
		return out_json(reply.json);
	printf("%s: %sremoved\n", shown ? shown : "?", shadow ? "shadow " : "");
	return CLI_DONE;
}

static int remove_verb(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {{"shadow", no_argument, NULL, 's'}, CLI_OPTIONS};
	int opt, status = CLI_DONE;
	bool json = false, shadow = false;

	while ((opt = cli_option(verb, argc, argv, "", options, &status)) >= 0) {
		json = json || opt == CLI_OPT_JSON;
		shadow = shadow || opt == 's';
	}
	if (opt == CLI_OPT_EXIT)
		return status;
	status = cli_arguments(verb, argc, argv, 1, 1, "NAME");
	return status ? status : remove_policy(argv[optind], shadow, json);
}

const struct verb verb_remove = {
	.name = "remove",
	.args = "[--shadow] NAME",
	.fn = remove_verb,
	.help = "take back a policy that was applied",
	.text = "Removes a policy that 'leastcap apply' made; its subjects are no longer held by\n"
		"it. A policy of a file in /etc/leastcap/policies.d is removed with its file.\n"
		"Needs root.\n\n"
		"      --shadow   take back the shadow of that name, not the policy in force\n",
};
