// SPDX-License-Identifier: GPL-2.0-only
/* leastcap list: the policies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/state.h"

/* "CHOWN, SETUID", "all", "none". To be freed. */
static char *join(const json_t *words)
{
	size_t size = 8, i;
	const json_t *each;
	char *text, *p;

	json_array_foreach(words, i, each)
		size += json_string_length(each) + 2;
	text = malloc(size);
	if (!text)
		return NULL;
	p = stpcpy(text, json_array_size(words) ? "" : "none");
	json_array_foreach(words, i, each) {
		if (i)
			p = stpcpy(p, ", ");
		p = stpcpy(p, json_is_string(each) ? json_string_value(each) : "?");
	}
	return text;
}

/* "/etc/leastcap/policies.d/web.yaml", "api (web.yaml)". To be freed. */
static char *source_text(const json_t *policy)
{
	_cleanup_free_ char *source = out_member(policy, "source"),
			    *file = out_member(policy, "file");
	const char *base = file ? strrchr(file, '/') : NULL;
	char *text;

	if (!source || !file)
		return NULL;
	if (!*source || strcmp(source, "api") || !*file)
		return strdup(*source ? source : "-");
	return asprintf(&text, "api (%s)", base ? base + 1 : file) < 0 ? NULL : text;
}

static int add_row(struct table *t, const json_t *policy)
{
	_cleanup_free_ char *name = out_member(policy, "name"), *mode = out_member(policy, "mode"),
			    *source = source_text(policy), *by = out_member(policy, "mode_by"),
			    *text = NULL, *caps = join(json_object_get(policy, "capabilities"));
	char revision[24], bindings[24];

	bool shadow = json_is_object(json_object_get(policy, "shadow"));

	if (!name || !mode || !source || !caps || !by ||
	    asprintf(&text, "%s%s%s", !strcmp(by, "shadow") ? "shadow" : mode,
		     !strcmp(by, "override") ? " (override)" : "",
		     shadow && strcmp(by, "shadow") ? " +shadow" : "") < 0)
		return -ENOMEM;
	snprintf(revision, sizeof(revision), "%lld", (long long)out_number(policy, "revision"));
	snprintf(bindings, sizeof(bindings), "%lld", (long long)out_number(policy, "bindings"));
	return table_add(t, (const char *const[]){name, revision, text, bindings, source, caps});
}

static int print_list(const json_t *state)
{
	static const struct table_column columns[] = {
		{"POLICY", TABLE_CUT_END, false},   {"REVISION", TABLE_KEEP, true},
		{"MODE", TABLE_KEEP, false},	    {"SUBJECTS", TABLE_KEEP, true},
		{"SOURCE", TABLE_CUT_START, false}, {"CAPABILITIES", TABLE_CUT_END, false},
	};
	_cleanup_(table_freep) struct table *t = table_new(columns, ARRAY_SIZE(columns));
	const json_t *policies = json_object_get(state, "policies"), *each;
	size_t i;

	out_disarmed(json_object_get(state, "disarmed"));
	if (json_array_size(policies) == 0) {
		puts("no policies");
		return CLI_DONE;
	}
	json_array_foreach(policies, i, each)
		if (!t || add_row(t, each)) {
			log_err(-ENOMEM, "cannot print");
			return CLI_FAILED;
		}
	table_print(t);
	return CLI_DONE;
}

static int list(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {CLI_OPTIONS};
	json_auto_t *state = NULL;
	int opt, status = CLI_DONE;
	bool json = false;

	while ((opt = cli_option(verb, argc, argv, "", options, &status)) >= 0)
		json = json || opt == CLI_OPT_JSON;
	if (opt == CLI_OPT_EXIT)
		return status;
	status = cli_arguments(verb, argc, argv, 0, 0, "");
	if (status)
		return status;
	if (state_policies(&state))
		return CLI_FAILED;
	return json ? out_json(state) : print_list(state);
}

const struct verb verb_list = {
	.name = "list",
	.args = "",
	.fn = list,
	.help = "the policies, and how many subjects each holds",
	.text = "Without a daemon the policies in the kernel's maps are listed, which needs root.\n",
};
