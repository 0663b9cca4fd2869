// SPDX-License-Identifier: GPL-2.0-only
/* A suggestion's options, its last check, and where it goes. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/nearest.h"
#include "cli/output.h"
#include "cli/suggest.h"
#include "policy/policy.h"

/* ---- options ---- */

static int parse_format(struct suggest_options *o, const char *word)
{
	const char *near;

	for (unsigned int i = 0; i < SUGGEST_FORMATS; i++) {
		if (!strcmp(word, suggest_formats[i])) {
			o->format = (enum suggest_format)i;
			return CLI_DONE;
		}
	}
	near = nearest_word(word, strlen(word), suggest_formats);
	return cli_usage_error(o->verb, "--format: unknown form '%s'%s%s%s", word,
			       near ? ", did you mean '"
				    : "; there are policy, docker, compose, "
				      "kubernetes, systemd, quadlet, label",
			       near ?: "", near ? "'?" : "");
}

int suggest_option(struct suggest_options *o, int opt)
{
	switch (opt) {
	case 'F':
		return parse_format(o, optarg);
	case 'D':
		o->with_denied = true;
		break;
	case 'N':
		if (!suggest_name_good(optarg))
			return cli_usage_error(o->verb,
					       "--name: '%s' cannot be a policy's name: letters, "
					       "digits, '.', '_' and '-', at most 63",
					       optarg);
		o->name = optarg;
		break;
	case 'o':
		if (!*optarg)
			return cli_usage_error(o->verb, "--output: no FILE given");
		o->file = strcmp(optarg, "-") ? optarg : NULL;
		break;
	case 'q':
		o->quiet = true;
		break;
	case 'S':
		free(o->since);
		o->since = suggest_time(optarg);
		if (!o->since)
			return cli_usage_error(
				o->verb,
				"--since: '%s' is no time in UTC as in 2026-01-02 or "
				"'2026-01-02 03:04:05'",
				optarg);
		break;
	case CLI_OPT_JSON:
		o->json = true;
		break;
	}
	return CLI_DONE;
}

/* ---- the last check ---- */

static void errors_donep(struct policy_errors *errs)
{
	policy_errors_done(errs);
}

static int check(const char *text)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	_cleanup_(errors_donep) struct policy_errors errs = {};

	return policy_parse("<suggestion>", text, strlen(text), &set, &errs);
}

/*
 * What is suggested is right: a selector that cannot be one, of whatever name somebody has, is left to the user. *ret is set
 * with -EINVAL, too.
 */
static int make_text(const struct suggest_options *o, struct suggestion *s, char **ret)
{
	_cleanup_free_ char *text = suggest_text(s, o->format, !o->quiet);
	int err = text ? 0 : -ENOMEM;

	if (!err && o->format == SUGGEST_POLICY)
		err = check(text);
	if (err == -EINVAL && json_array_size(s->selectors)) {
		json_array_clear(s->selectors);
		free(text);
		text = suggest_text(s, o->format, !o->quiet);
		err = text ? check(text) : -ENOMEM;
	}
	if (!err || err == -EINVAL)
		*ret = TAKE_PTR(text);
	return err;
}

/* ---- where it goes ---- */

static int put(const struct suggest_options *o, const char *text)
{
	int status = out_text(o->file, text, 0644);

	if (status && o->file && o->once)
		(void)out_text(NULL, text, 0);
	return status;
}

static int put_json(const struct suggest_options *o, const struct suggestion *s, const char *text)
{
	json_auto_t *json = suggest_json(s, o->format, text);
	_cleanup_free_ char *dump = NULL;

	if (!o->file || !json)
		return out_json(json);
	dump = json_dumps(json, JSON_ENSURE_ASCII | JSON_INDENT(2));
	if (!dump) {
		log_err(-ENOMEM, "cannot write %s", o->file);
		return CLI_FAILED;
	}
	return put(o, dump);
}

int suggest_finish(const struct suggest_options *o, struct suggestion *s,
		   const struct suggest_subject *subject)
{
	_cleanup_free_ char *text = NULL;
	int err = suggest_identify(s, subject, o->name);

	err = err ?: make_text(o, s, &text);
	if (err)
		log_err(err, "cannot make a suggestion for '%s'", subject->text);
	/* Whatever is wrong with it. */
	if (err && text && o->once)
		(void)out_text(NULL, text, 0);
	if (err)
		return CLI_FAILED;
	return o->json ? put_json(o, s, text) : put(o, text);
}
