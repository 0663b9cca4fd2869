/* SPDX-License-Identifier: GPL-2.0-only */
/* Answers of the API, see docs/api.md. */
#include <stdarg.h>
#include <string.h>

#include "audit/event.h"
#include "daemon/internal.h"

unsigned int answer_error(unsigned int status, const char *message, json_t *errors, json_t **ret)
{
	/* It may have been cut within a character. */
	*ret = json_pack("{s:o}", "error", event_string(message));
	if (*ret && errors)
		json_object_set(*ret, "errors", errors);
	return status;
}

unsigned int answer_text(unsigned int status, json_t **ret, const char *fmt, ...)
{
	char message[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	return answer_error(status, message, NULL, ret);
}

unsigned int answer_no_policy(const struct state *s, const char *name, bool shadow, json_t **ret)
{
	const char *near = sources_nearest(&s->sources, name, shadow);

	return answer_text(404, ret, "there is no %s \"%.64s\"%s%s%s%s",
			   shadow ? "shadow of the policy" : "policy", name,
			   shadow ? ": 'leastcap apply --shadow' makes one" : "",
			   near ? "; did you mean '" : "", near ?: "", near ? "'?" : "");
}

bool error_is_room(int err)
{
	return err == -ENOSPC || err == -E2BIG;
}

const char *error_text(const struct state *s, int err, char buf[ERROR_TEXT_LEN])
{
	if (err == -ENOSPC)
		snprintf(buf, ERROR_TEXT_LEN,
			 "there is room for %u bindings in all (leastcapd --max-bindings)",
			 kernel_max_bindings(s->k));
	else if (err == -E2BIG)
		snprintf(
			buf, ERROR_TEXT_LEN,
			"a map of the kernel is full: policies, or their patterns, names, addresses "
			"or file system types");
	else
		snprintf(buf, ERROR_TEXT_LEN, "%s", strerror(-err));
	return buf;
}

unsigned int answer_errno(const struct state *s, int err, const char *what, json_t **ret)
{
	char text[ERROR_TEXT_LEN];

	return answer_text(error_is_room(err) ? 507 : 500, ret, "%s: %s", what,
			   error_text(s, err, text));
}

unsigned int answer_unsaved(int err, const struct state *s, json_t **ret)
{
	return answer_text(500, ret, "cannot save it in %s, nothing was changed: %s", s->state_dir,
			   err == -EPROTONOSUPPORT ? "it is of a newer leastcap" : strerror(-err));
}

unsigned int answer_json(json_t *json, json_t **ret)
{
	*ret = json;
	return json ? 200 : 500;
}

unsigned int answer_parse_errors(const char *file, const struct policy_errors *errs, json_t **ret)
{
	json_auto_t *errors = json_array();

	for (size_t i = 0; i < errs->n_errors; i++) {
		const struct policy_error *e = &errs->errors[i];

		json_array_append_new(errors, problem_new(e->file ?: file, e->pos, e->message,
							  e->hint, e->source_line));
	}
	return answer_error(422, "the policy file has errors", errors, ret);
}
