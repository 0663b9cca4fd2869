// SPDX-License-Identifier: GPL-2.0-only
/* leastcap check: are these policy files right? Local, no daemon. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/event.h"
#include "base/caps.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/state.h"
#include "policy/policy.h"

static void errors_donep(struct policy_errors *errs)
{
	policy_errors_done(errs);
}

static json_t *summary(const struct policy *p)
{
	json_t *selectors = json_array();

	for (size_t i = 0; i < p->n_selectors; i++) {
		_cleanup_free_ char *text = selector_to_text(&p->selectors[i]);

		json_array_append_new(selectors, event_string(text));
	}
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o}", "name", event_string(p->name), "mode",
			 event_mode(p->mode), "capabilities", caps_to_json(p->allow), "enforced",
			 event_rules(p->deny), "audited", event_rules(p->would), "selectors",
			 selectors);
}

static json_t *error_to_json(const struct policy_error *e, const char *file)
{
	return json_pack("{s:o, s:i, s:i, s:o, s:o, s:o}", "file", event_string(e->file ?: file),
			 "line", (int)e->pos.line, "column", (int)e->pos.column, "message",
			 event_string(e->message), "hint", event_string(e->hint), "source_line",
			 event_string(e->source_line));
}

static json_t *file_to_json(const char *file, const struct policy_set *set,
			    const struct policy_errors *errs)
{
	json_t *policies = json_array(), *errors = json_array();

	for (size_t i = 0; set && i < set->n_policies; i++)
		json_array_append_new(policies, summary(&set->policies[i]));
	for (size_t i = 0; i < errs->n_errors; i++)
		json_array_append_new(errors, error_to_json(&errs->errors[i], file));
	return json_pack("{s:o, s:b, s:o, s:o}", "file", event_string(file), "valid", set != NULL,
			 "policies", policies, "errors", errors);
}

static void print_set(const char *file, const struct policy_set *set)
{
	_cleanup_free_ char *name = out_printable(file);

	printf("%s: %zu polic%s", name ? name : "?", set->n_policies,
	       set->n_policies == 1 ? "y" : "ies");
	for (size_t i = 0; i < set->n_policies; i++)
		printf("%s %s", i ? "," : ":", set->policies[i].name);
	putchar('\n');
}

static int parse(const char *file, struct policy_set **ret, struct policy_errors *errs)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int err;

	if (strcmp(file, "-"))
		return policy_parse_file(file, NULL, ret, errs);
	err = cli_read_file(file, &text, &len);
	if (err)
		return log_err(err, "cannot read standard input");
	return policy_parse("<stdin>", text, len, ret, errs);
}

/* files: where the JSON of a file goes; NULL: text for people. */
static int check_file(const char *file, json_t *files)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	_cleanup_(errors_donep) struct policy_errors errs = {0};
	const char *name = strcmp(file, "-") ? file : "<stdin>";
	int err = parse(file, &set, &errs);

	if (err == -ENOMEM)
		log_err(err, "%s", name);
	if (files)
		json_array_append_new(files, file_to_json(name, set, &errs));
	else if (err)
		policy_errors_print(&errs, name, stderr);
	else
		print_set(name, set);
	return err ? CLI_FAILED : CLI_DONE;
}

static int check(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {CLI_OPTIONS};
	json_auto_t *files = NULL, *all = NULL;
	int opt, status = CLI_DONE, printed = CLI_DONE;

	while ((opt = cli_option(verb, argc, argv, "", options, &status)) >= 0)
		if (opt == CLI_OPT_JSON && !files)
			files = json_array();
	if (opt == CLI_OPT_EXIT)
		return status;
	if (optind == argc)
		return cli_usage_error(verb, "check: no FILE given");

	for (int i = optind; i < argc; i++)
		if (check_file(argv[i], files))
			status = CLI_FAILED;
	if (files) {
		all = json_pack("{s:b, s:O}", "valid", status == CLI_DONE, "files", files);
		printed = out_json(all);
	}
	return status ? status : printed;
}

const struct verb verb_check = {
	.name = "check",
	.args = "FILE...",
	.fn = check,
	.help = "tell whether policy files are right; needs no daemon and no root",
	.text = "Parses policy files and prints every error with its place and the nearest right\n"
		"word. Nothing is changed. FILE -: standard input.\n",
};
