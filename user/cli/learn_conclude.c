// SPDX-License-Identifier: GPL-2.0-only
/* What `leastcap learn` has watched, and what is known besides -> a suggestion. */
#include "base/log.h"
#include "cli/learn.h"

/* What was watched cannot be had again: it is suggested even where the rest of what is known cannot be read. */
int learn_conclude(const struct suggest_options *o, const char *text, struct evidence *evidence)
{
	_cleanup_(suggestion_done) struct suggestion s = {};
	_cleanup_(suggest_subject_done) struct suggest_subject subject = {};
	int err = suggestion_init(&s, text), status;

	if (err) {
		log_err(err, "cannot make a suggestion for '%s'", text);
		return CLI_FAILED;
	}
	s.with_denied = o->with_denied;
	s.since = o->since;
	err = suggest_find(text, &subject);
	/* Whether leastcap is loaded or not: what it was told when it was unloaded is in the audit trail. */
	err = err ?: suggest_gather(&s, &subject);
	if (err)
		suggest_incomplete(&s);
	suggest_evidence(&s, evidence, !suggest_knows(&s));
	status = suggest_finish(o, &s, &subject);
	return err ? CLI_FAILED : status;
}
