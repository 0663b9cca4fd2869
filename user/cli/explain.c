// SPDX-License-Identifier: GPL-2.0-only
/* leastcap explain: why something was refused, and what would allow it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/explain.h"
#include "cli/output.h"

/* A longer number is the beginning of a container's id. */
#define SEQ_DIGITS 10

static int parse_what(const struct verb *verb, const char *word, struct history *h)
{
	size_t len = word ? strlen(word) : 0;

	if (!len) {
		return word ? cli_usage_error(verb, "explain: EVENT or SUBJECT is empty")
			    : CLI_DONE;
	} else if (len <= SEQ_DIGITS && strspn(word, "0123456789") == len) {
		h->by_seq = true;
		h->seq = strtoull(word, NULL, 10);
		if (!h->seq)
			return cli_usage_error(verb,
					       "explain: events are counted from 1, there is no 0");
	} else {
		h->subject = word;
	}
	return CLI_DONE;
}

static int parse(const struct verb *verb, int argc, char **argv, struct history *h,
		 const char **ret_log, bool *ret_json)
{
	static const struct option options[] = {
		{"log", required_argument, NULL, 'l'},
		CLI_OPTIONS,
	};
	int opt, status = CLI_DONE;

	while ((opt = cli_option(verb, argc, argv, "l:", options, &status)) >= 0) {
		if (opt == 'l')
			*ret_log = optarg;
		else if (opt == CLI_OPT_JSON)
			*ret_json = true;
	}
	if (opt == CLI_OPT_EXIT)
		return status ?: CLI_OPT_EXIT;
	status = cli_arguments(verb, argc, argv, 0, 1, "EVENT or SUBJECT");
	return status ?: parse_what(verb, argv[optind], h);
}

static void say_none(const struct history *h)
{
	const char *near = history_nearest(h);

	if (h->by_seq)
		log_err(0, "no event %llu is known", (unsigned long long)h->seq);
	else if (h->subject)
		log_err(0, "no refusal of '%s' is known%s%s%s", h->subject,
			near ? ", did you mean '" : "", near ?: "", near ? "'?" : "");
	else
		log_err(0, "no refusal is known: nothing was refused or reported");
}

static int show(const struct history *h, bool json)
{
	json_auto_t *all = json_array();
	const json_t *event;
	size_t i;

	json_array_foreach(h->found, i, event) {
		json_t *one = explain_event(event);

		if (!one) {
			const char *type = json_string_value(json_object_get(event, "type"));

			log_err(0,
				"event %lld is no refusal that can be explained: its type is '%s'",
				(long long)out_number(event, "seq"), type ?: "?");
			return CLI_FAILED;
		}
		if (!json) {
			if (i)
				putchar('\n');
			explain_print(one);
		}
		if (json_array_append_new(all, one))
			return CLI_FAILED;
	}
	if (json)
		return out_json(h->subject ? all : json_array_get(all, 0));
	if (h->more)
		printf("\nmore        %zu refusals of other kinds are not shown\n", h->more);
	return CLI_DONE;
}

static int explain_verb(const struct verb *verb, int argc, char **argv)
{
	_cleanup_(history_done) struct history h = {0};
	const char *log = NULL;
	bool json = false;
	int status = parse(verb, argc, argv, &h, &log, &json);

	if (status)
		return status == CLI_OPT_EXIT ? CLI_DONE : status;
	if (history_init(&h)) {
		log_err(-ENOMEM, "cannot look for events");
		return CLI_FAILED;
	}
	if (explain_find(&h, log))
		return CLI_FAILED;
	if (h.cut)
		log_warn(0, "the log is long: only its newest events were looked at");
	if (!json_array_size(h.found)) {
		say_none(&h);
		return CLI_FAILED;
	}
	return show(&h, json);
}

const struct verb verb_explain = {
	.name = "explain",
	.args = "[--log FILE] [EVENT | SUBJECT]",
	.fn = explain_verb,
	.help = "why something was refused, and the smallest change that would allow it",
	.text = "Without an argument: the newest refusal. EVENT is the number of an event, its\n"
		"`seq`. SUBJECT is a cgroup path, a systemd unit, a container's name or id (or its\n"
		"beginning), or a policy's name: the newest refusal of each kind.\n\n"
		"  -l, --log FILE  events of this log and its older files FILE.1, ... alone;\n"
		"                  otherwise those that the daemon remembers, and its log\n",
};
