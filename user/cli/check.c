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
#include "policy/ties.h"

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

static json_t *error_json(const struct policy_error *e, const char *file)
{
	return json_pack("{s:o, s:i, s:i, s:o, s:o, s:o}", "file", event_string(e->file ?: file),
			 "line", (int)e->pos.line, "column", (int)e->pos.column, "message",
			 event_string(e->message), "hint", event_string(e->hint), "source_line",
			 event_string(e->source_line));
}

json_t *cli_policy_errors(const struct policy_errors *errs, const char *file)
{
	json_t *errors = json_array();

	for (size_t i = 0; i < errs->n_errors; i++)
		json_array_append_new(errors, error_json(&errs->errors[i], file));
	return errors;
}

static json_t *file_to_json(const char *file, const struct policy_set *set,
			    const struct policy_errors *errs)
{
	json_t *policies = json_array();

	for (size_t i = 0; set && i < set->n_policies; i++)
		json_array_append_new(policies, summary(&set->policies[i]));
	return json_pack("{s:o, s:b, s:o, s:o}", "file", event_string(file), "valid", set != NULL,
			 "policies", policies, "errors", cli_policy_errors(errs, file));
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

/* A file, and what was found in it. */
struct checked {
	const char *name;
	struct policy_set *set; /* NULL: errors */
	struct policy_errors errs;
};

static void checked_done(struct checked *files, int n)
{
	for (int i = 0; i < n; i++) {
		policy_set_free(files[i].set);
		policy_errors_done(&files[i].errs);
	}
	free(files);
}

static void check_file(const char *file, struct checked *c)
{
	int err = parse(file, &c->set, &c->errs);

	c->name = strcmp(file, "-") ? file : "<stdin>";
	if (err == -ENOMEM)
		log_err(err, "%s", c->name);
	if (err)
		c->set = NULL;
}

/* ---- several files, which would be in force together ---- */

struct all {
	struct checked *files;
	int n;
	int err;
};

struct named {
	const struct policy *policy;
	struct checked *file;
};

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->policy->name, y->policy->name);

	return order ?: x->file < y->file ? -1 : x->file > y->file;
}

/* The daemon keeps the file that comes first. */
static int note_name(const struct named *first, const struct named *second)
{
	const struct policy *one = first->policy, *two = second->policy;
	_cleanup_free_ char *message = NULL;

	if (asprintf(&message, "policy \"%s\" is defined at %s:%u:%u already; %s is left out",
		     two->name, policy_file(first->file->set, one), one->pos.line, one->pos.column,
		     two->file ? second->file->name : "this file") < 0)
		message = NULL;
	return message && policy_errors_add(&second->file->errs, two->pos, two->file, message, NULL)
		       ? 0
		       : -ENOMEM;
}

/* 0 or -ENOMEM. */
static int check_names(struct all *all)
{
	_cleanup_free_ struct named *names = NULL;
	size_t n = 0, first = 0;
	int err = 0;

	for (int i = 0; i < all->n; i++)
		n += all->files[i].set ? all->files[i].set->n_policies : 0;
	names = calloc(n + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	n = 0;
	for (int i = 0; i < all->n; i++) {
		const struct policy_set *set = all->files[i].set;

		for (size_t j = 0; set && j < set->n_policies; j++)
			names[n++] = (struct named){&set->policies[j], &all->files[i]};
	}
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 1; !err && i < n; i++) {
		if (strcmp(names[first].policy->name, names[i].policy->name) != 0)
			first = i;
		else
			err = note_name(&names[first], &names[i]);
	}
	return err;
}

static struct checked *owner_of(const struct all *all, const struct claim *claim)
{
	for (int i = 0; i < all->n; i++) {
		const struct policy_set *set = all->files[i].set;

		if (set && claim->policy >= set->policies &&
		    claim->policy < set->policies + set->n_policies)
			return &all->files[i];
	}
	return NULL;
}

static void note_tie(const struct claim *first, const struct claim *second, void *ctx)
{
	_cleanup_free_ char *text = tie_to_text(first, second), *message = NULL;
	struct all *all = ctx;
	struct checked *two = owner_of(all, second);

	/* Within a file it is the parser's to say. */
	if (!two || owner_of(all, first) == two)
		return;
	if (!text || asprintf(&message, "%s; the first is at %s:%u:%u", text, first->file,
			      first->selector->pos.line, first->selector->pos.column) < 0)
		message = NULL;
	if (!message || !policy_errors_add(&two->errs, second->selector->pos, second->policy->file,
					   message, tie_hint(first, second)))
		all->err = -ENOMEM;
}

/* 0 or -ENOMEM. */
static int check_ties(struct all *all)
{
	_cleanup_free_ struct claim *claims = NULL;
	const struct claim *last = NULL;
	size_t n = 0, used = 0;
	int err;

	for (int i = 0; i < all->n; i++) {
		const struct policy_set *set = all->files[i].set;

		for (size_t j = 0; set && j < set->n_policies; j++)
			n += set->policies[j].n_selectors;
	}
	claims = calloc(n + 1, sizeof(*claims));
	if (!claims)
		return -ENOMEM;
	for (int i = 0; i < all->n; i++) {
		const struct policy_set *set = all->files[i].set;

		for (size_t j = 0; set && j < set->n_policies; j++)
			used += claims_put(claims + used, set, &set->policies[j]);
	}
	err = ties_find(claims, used, note_tie, all, &last);
	if (err == -E2BIG &&
	    !policy_errors_add(&owner_of(all, last)->errs, last->selector->pos, last->policy->file,
			       TIES_TOO_MANY, TIES_TOO_MANY_HINT))
		err = -ENOMEM;
	return err == -ENOMEM ? err : all->err;
}

/* ---- what is said of them ---- */

/* files: where the JSON of a file goes; NULL: text for people. */
static int tell_file(const struct checked *c, json_t *files)
{
	const bool good = c->set && !c->errs.n_errors;

	if (files)
		json_array_append_new(files, file_to_json(c->name, good ? c->set : NULL, &c->errs));
	else if (good)
		print_set(c->name, c->set);
	else
		policy_errors_print(&c->errs, c->name, stderr);
	return good ? CLI_DONE : CLI_FAILED;
}

static int check_all(char **names, int n, json_t *files)
{
	struct all all = {.files = calloc((size_t)n, sizeof(*all.files)), .n = n};
	int status = CLI_DONE, err = all.files ? 0 : -ENOMEM;

	for (int i = 0; !err && i < n; i++)
		check_file(names[i], &all.files[i]);
	err = err ?: check_names(&all) ?: check_ties(&all);
	for (int i = 0; !err && i < n; i++) {
		if (tell_file(&all.files[i], files))
			status = CLI_FAILED;
	}
	if (all.files)
		checked_done(all.files, n);
	if (!err)
		return status;
	log_err(err, "cannot check");
	return CLI_FAILED;
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

	status = check_all(argv + optind, argc - optind, files);
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
		"word. Several files are checked as if they were in force together: policies of one\n"
		"name, or that select the same as exactly, are an error. Nothing is changed. FILE -: standard input.\n",
};
