// SPDX-License-Identifier: GPL-2.0-only
/* leastcap explain: why something was refused, and what would allow it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/explain.h"
#include "cli/output.h"
#include "explain/refused.h"

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

/* What others refuse is no event of leastcap's. */
static void say_none_of(const char *subject, const char *near)
{
	log_err(0, "no refusal of '%s' is known%s%s%s", subject, near ? ", did you mean '" : "",
		near ?: "", near ? "'?" : "");
	if (!near)
		log_info("leastcap knows its own alone: 'leastcap trace --denied' shows "
			 "capabilities that are not granted, or that another security module "
			 "refuses; AppArmor and SELinux tell the rest in the kernel's log, and "
			 "seccomp does not tell");
}

/* log: the only place that was looked at; NULL: all there is. */
static void say_none(const struct history *h, const char *log)
{
	if (h->quiet)
		log_err(0,
			"event %llu stands for refusals behind another one of their kind, which "
			"is not known any more",
			(unsigned long long)h->seq);
	else if (h->by_seq)
		log_err(0, "no event %llu is known", (unsigned long long)h->seq);
	else if (h->subject)
		say_none_of(h->subject, history_nearest(h));
	else if (log)
		log_err(0, "there is no refusal in %s", log);
	else
		log_err(0, "no refusal is known: nothing was refused or reported");
}

/* Which one is explained, where it is not the only one, or not the one that was asked for. */
static void say_which(const struct history *h)
{
	const json_t *named = h->quiet ?: json_array_get(h->found, 0);
	const char *time = json_string_value(json_object_get(named, "time"));

	if (h->others)
		log_warn(0,
			 "event %llu is the one of %.19s UTC, %s; %zu of other starts of the "
			 "daemon had that number, too",
			 (unsigned long long)h->seq, time ?: "?",
			 h->remembered ? "which the running daemon has told" : "the newest",
			 h->others);
	if (h->quiet && json_array_size(h->found))
		log_info("event %llu stands for %lld refusals behind event %lld of their kind, "
			 "which is this one",
			 (unsigned long long)h->seq, (long long)out_number(h->quiet, "suppressed"),
			 (long long)out_number(json_array_get(h->found, 0), "seq"));
}

static void say_unknown(const json_t *event)
{
	long long seq = (long long)out_number(event, "seq");
	struct refused r;
	const char *word;

	switch (refused_of_event(event, &r)) {
	case -EBADMSG:
		word = json_string_value(json_object_get(event, "type"));
		log_warn(0, "event %lld is no refusal: it is of type '%s'", seq, word ?: "?");
		break;
	case -ENOENT:
		word = json_string_value(json_object_get(event, "restriction"));
		log_warn(0, "event %lld cannot be explained: its restriction '%s' is not known",
			 seq, word ?: "?");
		break;
	case -ENODATA:
		word = json_string_value(json_object_get(event, "item"));
		log_warn(0, "event %lld cannot be explained: its item '%s' is not known", seq,
			 word ?: "?");
		break;
	default:
		log_warn(-ENOMEM, "event %lld cannot be explained", seq);
	}
}

static int show(const struct history *h, bool json)
{
	json_auto_t *all = json_array();
	const json_t *event;
	size_t i;

	json_array_foreach(h->found, i, event) {
		json_t *one = explain_event(event);

		if (!one) {
			say_unknown(event);
			continue;
		}
		if (!json) {
			if (json_array_size(all))
				putchar('\n');
			explain_print(one);
		}
		if (json_array_append_new(all, one))
			return CLI_FAILED;
	}
	if (!json_array_size(all))
		return CLI_FAILED;
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
	if (h.cut && !(h.by_seq && json_array_size(h.found)))
		log_warn(0, "the log is long: only its newest events were looked at");
	say_which(&h);
	if (!json_array_size(h.found)) {
		say_none(&h, log);
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
		"`seq`; of several of that number the running daemon's, else the newest. SUBJECT\n"
		"is a cgroup path, a systemd unit, a container's name or id (or its beginning), or\n"
		"a policy's name: the newest refusal of each kind.\n\n"
		"  -l, --log FILE  events of this log and its older files FILE.1, ... alone;\n"
		"                  otherwise those that the daemon remembers, and its log\n",
};
