// SPDX-License-Identifier: GPL-2.0-only
/* leastcap remove: takes back a policy that was applied. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"

static void print_removed(const json_t *answer)
{
	_cleanup_free_ char *name = out_member(answer, "removed");

	printf("%s: %sremoved\n", name ?: "?",
	       json_is_true(json_object_get(answer, "shadow")) ? "shadow " : "");
}

static int remove_policy(const char *name, bool shadow, bool json)
{
	_cleanup_free_ char *path = api_path("/v1/policies/", name), *request = NULL;

	if (path && asprintf(&request, "%s%s", path, shadow ? "?shadow=1" : "") < 0)
		request = NULL;
	return api_ask("DELETE", request, json, print_removed);
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
