// SPDX-License-Identifier: GPL-2.0-only
/* leastcap confirm, promote, mode, disarm, rearm: one request each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/log.h"
#include "base/nearest.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"

/* path: taken over, NULL for no memory. print: for people. */
static int change(char *path, bool json, void (*print)(const json_t *answer))
{
	_cleanup_free_ char *owned = path;

	return api_ask("POST", owned, json, print);
}

/* ---- confirm ---- */

static void print_confirmed(const json_t *answer)
{
	const json_t *names = json_object_get(answer, "confirmed"), *each;
	size_t i;

	json_array_foreach(names, i, each) {
		_cleanup_free_ char *name = out_printable(json_string_value(each) ?: "?");

		printf("%s: confirmed, it stays\n", name ?: "?");
	}
}

static int confirm(const struct verb *verb, int argc, char **argv)
{
	bool json;
	int status;

	if (cli_only_json(verb, argc, argv, 0, 0, "", &json, &status))
		return status;
	return change(strdup("/v1/confirm"), json, print_confirmed);
}

const struct verb verb_confirm = {
	.name = "confirm",
	.args = "",
	.fn = confirm,
	.help = "keep what 'leastcap apply --confirm' applied",
	.text = "Without it the policies from before come back when the time is over.\n"
		"Needs root.\n",
};

/* ---- promote ---- */

static void print_promoted(const json_t *answer)
{
	_cleanup_free_ char *name = out_member(answer, "promoted"),
			    *mode = out_member(answer, "mode"), *by = out_member(answer, "mode_by");
	json_int_t n = out_number(answer, "bindings");

	printf("%s: in force, mode %s%s, revision %lld, %lld subject%s\n", name ?: "?", mode ?: "?",
	       by && !strcmp(by, "override") ? " (leastcap mode)" : "",
	       (long long)out_number(answer, "revision"), (long long)n, n == 1 ? "" : "s");
	out_disarmed(json_object_get(answer, "disarmed"));
}

static int promote(const struct verb *verb, int argc, char **argv)
{
	bool json;
	int status;

	if (cli_only_json(verb, argc, argv, 1, 1, "NAME", &json, &status))
		return status;
	return change(api_path("/v1/promote?policy=", argv[optind]), json, print_promoted);
}

const struct verb verb_promote = {
	.name = "promote",
	.args = "NAME",
	.fn = promote,
	.help = "let a policy that was applied as a shadow become the one in force",
	.text = "In one step: a check sees the policy before, or the shadow. It has the mode that is\n"
		"written in it, unless 'leastcap mode' has set another one. Needs root.\n",
};

/* ---- mode ---- */

static void print_mode(const json_t *answer)
{
	_cleanup_free_ char *name = out_member(answer, "policy"),
			    *mode = out_member(answer, "mode"), *by = out_member(answer, "mode_by");

	if (mode && *mode)
		printf("%s: mode %s%s\n", name ?: "?", mode,
		       by && !strcmp(by, "policy") ? ", as the policy says" : "");
	else
		printf("%s: no mode is set any more; there is no such policy now\n", name ?: "?");
}

static int mode_verb(const struct verb *verb, int argc, char **argv)
{
	static const char *const modes[] = {"audit", "enforce", "file", NULL};
	_cleanup_free_ char *name = NULL;
	const char *mode, *near;
	char *path = NULL;
	bool json;
	int status;

	if (cli_only_json(verb, argc, argv, 2, 2, "mode and NAME", &json, &status))
		return status;
	mode = argv[optind];
	if (!strcmp(mode, "default"))
		mode = "file";
	if (strcmp(mode, "audit") && strcmp(mode, "enforce") && strcmp(mode, "file")) {
		near = nearest_word(mode, strlen(mode), modes);
		return cli_usage_error(verb, "mode: '%s' is none of audit, enforce, file%s%s%s",
				       mode, near ? "; did you mean '" : "", near ?: "",
				       near ? "'?" : "");
	}
	name = api_path("", argv[optind + 1]);
	if (!name || asprintf(&path, "/v1/mode?mode=%s&policy=%s", mode, name) < 0)
		path = NULL;
	return change(path, json, print_mode);
}

const struct verb verb_mode = {
	.name = "mode",
	.args = "audit|enforce|file NAME",
	.fn = mode_verb,
	.help = "let a policy only report, or refuse, whatever it says itself",
	.text = "Holds for a policy of a file as for one that was applied, and over restarts.\n"
		"file: what the policy says itself counts again. Needs root.\n",
};

/* ---- disarm, rearm ---- */

static void print_disarmed(const json_t *answer)
{
	const json_t *d = json_object_get(answer, "disarmed");
	char left[DURATION_TEXT];

	printf("DISARMED for %s: everything is allowed, and reported. 'leastcap rearm' ends it\n",
	       duration_text((uint64_t)out_number(d, "seconds_left"), left));
	if (json_is_false(json_object_get(answer, "saved")))
		log_warn(
			0,
			"the reason could not be saved: a daemon that starts anew will not know it");
}

static int disarm_for(const char *span, const char *reason, bool json)
{
	_cleanup_free_ char *text = NULL, *error = NULL;
	char *path = NULL;
	uint64_t seconds;
	int err = duration_parse(span, &seconds, &error);

	if (err == -EINVAL)
		return cli_usage_error(&verb_disarm, "--for: %s", error);
	text = err ? NULL : api_path("", reason);
	if (!text || asprintf(&path, "/v1/disarm?seconds=%llu&reason=%s",
			      (unsigned long long)seconds, text) < 0)
		path = NULL;
	return change(path, json, print_disarmed);
}

static int disarm(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{"for", required_argument, NULL, 'f'},
		{"reason", required_argument, NULL, 'r'},
		CLI_OPTIONS,
	};
	const char *span = NULL, *reason = NULL;
	int opt, status = CLI_DONE;
	bool json = false;

	while ((opt = cli_option(verb, argc, argv, "f:r:", options, &status)) >= 0) {
		json = json || opt == CLI_OPT_JSON;
		span = opt == 'f' ? optarg : span;
		reason = opt == 'r' ? optarg : reason;
	}
	if (opt == CLI_OPT_EXIT)
		return status;
	status = cli_arguments(verb, argc, argv, 0, 0, "");
	if (status)
		return status;
	if (!span)
		return cli_usage_error(verb, "disarm: --for is needed, for how long: '10m'");
	if (!reason)
		return cli_usage_error(verb,
				       "disarm: --reason is needed, for those who read the log");
	return disarm_for(span, reason, json);
}

const struct verb verb_disarm = {
	.name = "disarm",
	.args = "--for TIME --reason TEXT",
	.fn = disarm,
	.help = "break glass: everything is allowed, and reported, for a while",
	.text = "Nothing is refused until the time is over; what would be is counted and told.\n"
		"It ends by itself, in the kernel, with or without a daemon. Needs root.\n\n"
		"  -f, --for TIME     10m, 1h30m; at most 24h\n"
		"  -r, --reason TEXT  for the log and the status, at most 200 characters\n",
};

static void print_rearmed(const json_t *answer)
{
	puts("armed: policies are enforced again");
}

static int rearm(const struct verb *verb, int argc, char **argv)
{
	bool json;
	int status;

	if (cli_only_json(verb, argc, argv, 0, 0, "", &json, &status))
		return status;
	return change(strdup("/v1/rearm"), json, print_rearmed);
}

const struct verb verb_rearm = {
	.name = "rearm",
	.args = "",
	.fn = rearm,
	.help = "end a 'leastcap disarm' before its time",
	.text = "Needs root.\n",
};
