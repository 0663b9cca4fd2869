// SPDX-License-Identifier: GPL-2.0-only
/* leastcap top: who is refused how much, live. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "audit/event.h"
#include "base/duration.h"
#include "base/log.h"
#include "base/nearest.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/top.h"
#include "top/json.h"

#define DELAY_S 2

#define COUNT_MAX 1000000000UL

struct top {
	const struct verb *verb;
	struct top_view view;
	uint64_t delay; /* seconds */
	uint64_t count; /* of refreshes; 0: until it is quit */
	bool json;
};

/* ---- the command line ---- */

static int parse_sort(struct top *t, const char *word)
{
	const char *near;

	for (int i = 0; i < TOP_COLUMNS; i++) {
		if (!strcmp(top_column_words[i], word)) {
			t->view.sort = (enum top_column)i;
			return CLI_DONE;
		}
	}
	near = nearest_word(word, strlen(word), top_column_words);
	if (near)
		return cli_usage_error(t->verb, "--sort: no column '%s', did you mean '%s'?", word,
				       near);
	return cli_usage_error(t->verb,
			       "--sort: no column '%s'; there are subject, policy, mode, seen/s, "
			       "deny/s, would/s, denied, would, used, unused and cgroup",
			       word);
}

static int parse_filter(struct top *t, const char *text)
{
	if (strlen(text) >= sizeof(t->view.filter))
		return cli_usage_error(t->verb, "--filter: at most %zu characters",
				       sizeof(t->view.filter) - 1);
	strcpy(t->view.filter, text);
	return CLI_DONE;
}

static int parse_count(struct top *t, const char *text)
{
	char *end;

	errno = 0;
	t->count = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && t->count && t->count <= COUNT_MAX)
		return CLI_DONE;
	return cli_usage_error(t->verb, "--count: '%s' is no number from 1 to %lu", text,
			       COUNT_MAX);
}

static int parse_delay(struct top *t, const char *text)
{
	_cleanup_free_ char *error = NULL;

	if (!duration_parse(text, &t->delay, &error))
		return CLI_DONE;
	return cli_usage_error(t->verb, "--delay: %s", error ?: "out of memory");
}

static int parse_option(struct top *t, int opt)
{
	switch (opt) {
	case 'd':
		return parse_delay(t, optarg);
	case 'n':
		return parse_count(t, optarg);
	case 's':
		return parse_sort(t, optarg);
	case 'f':
		return parse_filter(t, optarg);
	case 'o':
		t->count = 1;
		break;
	case 'r':
		t->view.reverse = true;
		break;
	case 'c':
		t->view.counting = true;
		break;
	case CLI_OPT_JSON:
		t->json = true;
		break;
	}
	return CLI_DONE;
}

static int parse(struct top *t, int argc, char **argv)
{
	static const struct option options[] = {
		{"delay", required_argument, NULL, 'd'}, {"count", required_argument, NULL, 'n'},
		{"sort", required_argument, NULL, 's'},	 {"filter", required_argument, NULL, 'f'},
		{"once", no_argument, NULL, 'o'},	 {"reverse", no_argument, NULL, 'r'},
		{"checks", no_argument, NULL, 'c'},	 CLI_OPTIONS,
	};
	int opt, status = CLI_DONE;

	while ((opt = cli_option(t->verb, argc, argv, "d:n:s:f:rc", options, &status)) >= 0) {
		status = parse_option(t, opt);
		if (status)
			return status;
	}
	if (opt == CLI_OPT_EXIT)
		return status ?: CLI_OPT_EXIT;
	return cli_arguments(t->verb, argc, argv, 0, 0, "");
}

/* ---- without a terminal ---- */

static void print_line(const char *text)
{
	size_t len = strlen(text);

	while (len && text[len - 1] == ' ')
		len--;
	printf("%.*s\n", (int)len, text);
}

static void print_own(char *text)
{
	_cleanup_free_ char *line = text;

	print_line(line ?: "?");
}

static void print_table(const struct top_view *v, bool first)
{
	size_t width = out_columns() ?: 4096;
	struct top_lines head = {};
	struct top_layout layout;

	if (!first)
		putchar('\n');
	top_screen_status(v, 0, &head);
	for (size_t i = 0; i < head.n; i++)
		print_line(head.items[i].text);
	top_lines_done(&head);
	top_layout(width, v->counting, v->shown, v->n_shown, &layout);
	print_own(top_head(&layout, v->sort, v->reverse));
	for (size_t i = 0; i < v->n_shown; i++)
		print_own(top_row_text(&layout, v->shown[i]));
}

static int print_json(const struct top_view *v, double seconds)
{
	struct timespec now;
	char time[EVENT_TIME];
	json_auto_t *json = NULL;

	clock_gettime(CLOCK_REALTIME, &now);
	event_time(now.tv_sec * 1000000000LL + now.tv_nsec, time);
	json = top_json(v, time, seconds);
	if (!json)
		return log_err(-ENOMEM, "cannot print");
	/* One line each, for whoever reads them one by one. */
	if (json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII))
		return -EIO;
	putchar('\n');
	return 0;
}

static int get(struct top *t, struct top_source *source)
{
	struct top_wish wish = {.count = t->view.counting};
	struct top_news news;
	int err;

	top_source_get(source, &wish, &news);
	if (news.err)
		log_err(0, "%s", news.problem);
	snprintf(t->view.waiting, sizeof(t->view.waiting), "%s", news.problem);
	err = news.err ?: top_show(&t->view, &news);
	top_news_done(&news);
	return err;
}

/* Rates are of two looks: the first one shows nothing. */
static int batch(struct top *t, struct top_source *source)
{
	const struct timespec delay = {.tv_sec = (time_t)t->delay};

	for (uint64_t i = 0; !t->count || i < t->count; i++) {
		uint64_t before = t->view.sample->time;

		nanosleep(&delay, NULL);
		if (get(t, source))
			return CLI_FAILED;
		if (!t->json)
			print_table(&t->view, i == 0);
		else if (print_json(&t->view, (double)(t->view.sample->time - before) / 1e9))
			return CLI_FAILED;
		if (fflush(stdout) || ferror(stdout))
			return CLI_FAILED;
	}
	return CLI_DONE;
}

/* ---- both ---- */

static int run(struct top *t)
{
	_cleanup_(top_source_freep) struct top_source *source = top_source_new();
	bool live = !t->count && !t->json;
	int status = live ? top_terminal_check() : CLI_DONE;

	if (status)
		return status;
	if (!source) {
		log_err(-ENOMEM, "cannot begin");
		return CLI_FAILED;
	}
	t->view.delay = (double)t->delay;
	gethostname(t->view.host, sizeof(t->view.host) - 1);
	if (get(t, source))
		return CLI_FAILED;
	return live ? top_live(&t->view, TAKE_PTR(source)) : batch(t, source);
}

static int top(const struct verb *verb, int argc, char **argv)
{
	struct top t = {
		.verb = verb,
		.view.sort = TOP_COLUMN_DENIED_RATE,
		.delay = DELAY_S,
	};
	int status = parse(&t, argc, argv);

	if (status)
		return status == CLI_OPT_EXIT ? CLI_DONE : status;
	status = run(&t);
	top_view_done(&t.view);
	return status;
}

const struct verb verb_top = {
	.name = "top",
	.args = "[OPTION...]",
	.fn = top,
	.help = "a live table: who is refused what, how often a second",
	.text = "Everything that a policy is bound to, with what is refused, and what would be, a\n"
		"second and in all. On a terminal it is live: h shows the keys, Enter all about a\n"
		"subject, / filters, < and > sort, q ends it.\n\n"
		"  -d, --delay TIME   between two refreshes: 1s, 5s, 1m, ...; 2s if not given\n"
		"  -s, --sort COLUMN  subject, policy, mode, seen/s, deny/s, would/s, denied,\n"
		"                     would, used, unused, cgroup\n"
		"  -r, --reverse      the other way round\n"
		"  -f, --filter TEXT  only what has it in its name, cgroup, policy or mode\n"
		"  -c, --checks       count all capability checks, too; a program in the kernel\n"
		"                     does that meanwhile, which needs root\n"
		"      --once         no terminal: the table once, with the rates of one delay\n"
		"  -n, --count N      no terminal: N times\n\n"
		"--json prints one object for each refresh, in one line, until it is ended.\n",
};
