// SPDX-License-Identifier: GPL-2.0-only
/* leastcap suggest: the smallest whitelist, by what the kernel has written down. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/suggest.h"

static int suggest_it(const struct suggest_options *o, const char *text)
{
	_cleanup_(suggestion_done) struct suggestion s = {};
	_cleanup_(suggest_subject_done) struct suggest_subject subject = {};

	if (suggest_find(text, &subject) || suggestion_init(&s, text))
		return CLI_FAILED;
	s.with_denied = o->with_denied;
	s.since = o->since;
	if (suggest_gather(&s, &subject))
		return CLI_FAILED;
	if (!suggest_knows(&s)) {
		suggest_unknown(&subject);
		return CLI_FAILED;
	}
	return suggest_finish(o, &s, &subject);
}

static int suggest(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {SUGGEST_OPTIONS};
	struct suggest_options o = {.verb = verb};
	int opt, status = CLI_DONE;

	while ((opt = cli_option(verb, argc, argv, SUGGEST_SHORTS, options, &status)) >= 0) {
		status = suggest_option(&o, opt);
		if (status)
			return status;
	}
	if (opt == CLI_OPT_EXIT)
		return status;
	status = cli_arguments(verb, argc, argv, 1, 1, "SUBJECT");
	status = status ?: suggest_it(&o, argv[optind]);
	free(o.since);
	return status;
}

const struct verb verb_suggest = {
	.name = "suggest",
	.args = "[OPTION...] SUBJECT",
	.fn = suggest,
	.help = "the smallest whitelist for what a subject has used",
	.text = "SUBJECT is a policy's name, for all that it holds; a container's name or id (or\n"
		"its beginning), a systemd unit, or a cgroup path. It has to be bound to a policy:\n"
		"the kernel's masks have what it uses, whatever becomes of events. Of a subject\n"
		"that no policy binds nothing is recorded: see 'leastcap learn'.\n\n" SUGGEST_HELP,
};
