// SPDX-License-Identifier: GPL-2.0-only
/* leastcap report: the host's posture, on a terminal or as a page. */
#include "cli/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/caps.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/explain.h"
#include "cli/output.h"
#include "cli/state.h"
#include "explain/changes.h"
#include "explain/posture.h"

/* Of what no policy holds; --html and --json have more. */
#define UNBOUND_SHOWN 10

/* ---- what it is made of ---- */

/* Where the policy is written, and what to write there. Without a daemon nobody knows. */
static void add_change(json_t *tighter)
{
	static const struct explain_input in = {.word_at = explain_word_at};
	_cleanup_(api_reply_done) struct api_reply reply = {0};
	const char *name = json_string_value(json_object_get(tighter, "policy"));
	_cleanup_free_ char *path = name ? api_path("/v1/policy?name=", name) : NULL;
	json_t *change = NULL;

	if (path && !api_request("GET", path, NULL, 0, &reply) && api_ok(&reply))
		change = change_capabilities(&in, reply.json,
					     caps_from_json(json_object_get(tighter, "keep")));
	json_object_set_new(tighter, "change", change ?: json_null());
}

static json_t *make_report(json_t *state)
{
	json_auto_t *unbound = report_unbound(state), *ended = report_ended(state);
	json_t *report, *each;
	time_t now = time(NULL);
	char when[40], host[65] = "";
	struct tm tm;
	size_t i;

	report_name(state);
	report = ended ? posture(state, unbound, ended) : NULL;
	if (!report)
		return NULL;
	if (!localtime_r(&now, &tm) || !strftime(when, sizeof(when), "%Y-%m-%d %H:%M %Z", &tm))
		strcpy(when, "?");
	gethostname(host, sizeof(host) - 1);
	json_array_foreach(json_object_get(report, "tighter"), i, each)
		add_change(each);
	json_object_set_new(report, "host", json_string(host) ?: json_string("?"));
	json_object_set_new(report, "time", json_string(when));
	return report;
}

/* ---- text ---- */

static size_t count_cells(const json_t *subject, const char *word)
{
	const char *key;
	json_t *each;
	size_t n = 0;

	json_object_foreach(json_object_get(subject, "cells"), key, each)
		n += !strcmp(json_string_value(each) ?: "", word);
	return n;
}

static void print_subjects(const json_t *subjects)
{
	static const char *const words[] = {"used", "would-deny", "unused", "withheld", "denied"};
	static const struct table_column columns[] = {
		{"SUBJECT", TABLE_CUT_START, false}, {"POLICY", TABLE_CUT_END, false},
		{"MODE", TABLE_KEEP, false},	     {"USED", TABLE_KEEP, true},
		{"WOULD", TABLE_KEEP, true},	     {"UNUSED", TABLE_KEEP, true},
		{"TAKEN AWAY", TABLE_KEEP, true},    {"DENIED", TABLE_KEEP, true},
		{"SCORE", TABLE_KEEP, true},
	};
	_cleanup_(table_freep) struct table *t = table_new(columns, ARRAY_SIZE(columns));
	const json_t *each;
	size_t i;

	json_array_foreach(subjects, i, each) {
		char numbers[ARRAY_SIZE(words)][24], score[24];
		const char *cells[ARRAY_SIZE(columns)] = {
			json_string_value(json_object_get(each, "name")) ?: "?",
			json_string_value(json_object_get(each, "policy")) ?: "?",
			json_string_value(json_object_get(each, "mode")) ?: "?",
		};

		for (size_t w = 0; w < ARRAY_SIZE(words); w++) {
			snprintf(numbers[w], sizeof(numbers[w]), "%zu",
				 count_cells(each, words[w]));
			cells[3 + w] = numbers[w];
		}
		snprintf(score, sizeof(score), "%lld", (long long)out_number(each, "score"));
		cells[3 + ARRAY_SIZE(words)] = score;
		if (!t || table_add(t, cells))
			return;
	}
	table_print(t);
}

/* The worst of what no policy holds. */
static void print_unbound(const json_t *unbound)
{
	size_t n = json_array_size(unbound);

	if (json_is_null(unbound))
		puts("\nwhat no policy holds is not known: cgroups cannot be read");
	else if (n)
		printf("\nheld by nobody: %zu container%s and service%s with capabilities, the most "
		       "dangerous first\n",
		       n, n == 1 ? "" : "s", n == 1 ? "" : "s");
	for (size_t i = 0; i < n && i < UNBOUND_SHOWN; i++) {
		const json_t *each = json_array_get(unbound, i);
		_cleanup_free_ char *name = out_member(each, "name");
		size_t granted = count_cells(each, "unbound");

		printf("  %2zu  %-28s %zu granted%s, score %lld\n", i + 1, name ?: "?", granted,
		       granted > caps_last() ? " (all)" : "", (long long)out_number(each, "score"));
	}
	if (n > UNBOUND_SHOWN)
		printf("      and %zu more\n", n - UNBOUND_SHOWN);
}

static void print_worst(const json_t *worst)
{
	const json_t *each;
	size_t i;

	puts(json_array_size(worst)
		     ? "\ngranted for nothing, the worst first"
		     : "\nof what is bound, nothing is granted and allowed that is not used");
	json_array_foreach(worst, i, each) {
		_cleanup_free_ char *policy = out_member(each, "policy"),
				    *cap = out_member(each, "capability"),
				    *meaning = out_member(each, "meaning");

		printf("  %2zu  %-18s policy %s, %lld %s: could %s\n", i + 1, cap ?: "?",
		       policy ?: "?", (long long)out_number(each, "count"),
		       out_number(each, "count") == 1 ? "subject" : "subjects", meaning ?: "?");
	}
}

static void print_tighter(const json_t *tighter)
{
	const json_t *each;
	size_t i;

	if (json_array_size(tighter))
		puts("\nwhat to do: if they have run long enough to show what they need, write");
	json_array_foreach(tighter, i, each) {
		const json_t *change = json_object_get(each, "change");
		const char *command = json_string_value(json_object_get(change, "command"));
		_cleanup_free_ char *policy = out_member(each, "policy"),
				    *file = out_member(change, "file"),
				    *where = change_where(change),
				    *place = where ? out_printable(where) : NULL,
				    *text = out_member(change, "text");

		putchar('\n');
		if (command) {
			printf("policy %s, by this command\n", policy ?: "?");
			out_block(command);
		} else if (file && *file) {
			out_wrapped(0, place ?: "?");
			printf("    %s\n", text ?: "?");
		} else {
			printf("policy %s\n", policy ?: "?");
			out_words("capabilities", json_object_get(each, "keep"));
		}
	}
	if (json_array_size(tighter))
		puts("\n'leastcap apply --dry-run FILE' says before what it would break.");
}

static void print_report(const json_t *report)
{
	_cleanup_free_ char *host = out_member(report, "host"), *time = out_member(report, "time"),
			    *kernel = out_member(report, "kernel");

	printf("%s, %s, kernel %s: %s\n\n", host ?: "?", time ?: "?", kernel ?: "?",
	       json_is_true(json_object_get(report, "enforcing")) ? "enforcing" : "NOT enforcing");
	print_subjects(json_object_get(report, "subjects"));
	print_unbound(json_object_get(report, "unbound"));
	print_worst(json_object_get(report, "worst"));
	print_tighter(json_object_get(report, "tighter"));
}

/* ---- a page ---- */

static int report_to(const char *html, const json_t *report)
{
	_cleanup_free_ char *page = NULL;
	size_t size;
	FILE *f = open_memstream(&page, &size);

	if (f)
		report_html(f, report);
	if (!f || fclose(f)) {
		log_err(-errno, "cannot make a page");
		return CLI_FAILED;
	}
	return out_text(html, page, 0640);
}

static int report_verb(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {{"html", required_argument, NULL, 'H'},
						CLI_OPTIONS};
	json_auto_t *state = NULL, *report = NULL;
	int opt, status = CLI_DONE;
	const char *html = NULL;
	bool json = false;

	while ((opt = cli_option(verb, argc, argv, "", options, &status)) >= 0) {
		if (opt == 'H')
			html = optarg;
		json = json || opt == CLI_OPT_JSON;
	}
	if (opt == CLI_OPT_EXIT)
		return status;
	status = cli_arguments(verb, argc, argv, 0, 0, "");
	if (status)
		return status;
	if (json && html)
		return cli_usage_error(verb, "of --json and --html there may be one");
	if (html && !*html)
		return cli_usage_error(verb, "--html: no FILE given");
	if (state_status(NULL, &state))
		return CLI_FAILED;
	report = make_report(state);
	if (!report) {
		log_err(-ENOMEM, "cannot make a report");
		return CLI_FAILED;
	}
	if (html)
		return report_to(html, report);
	if (json)
		return out_json(report);
	print_report(report);
	return CLI_DONE;
}

const struct verb verb_report = {
	.name = "report",
	.args = "[--html FILE]",
	.fn = report_verb,
	.help = "the host's posture: who has which capabilities for nothing, and what to do",
	.text = "For each subject how many capabilities are used, granted for nothing (unused),\n"
		"taken away by its policy, and were denied; containers and services that no\n"
		"policy holds, and what they are granted; the ten worst grants for nothing; and for\n"
		"each policy what to write.\n\n"
		"      --html FILE  a page that needs nothing else; - is standard output\n",
};
