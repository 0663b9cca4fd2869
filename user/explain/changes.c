/* SPDX-License-Identifier: GPL-2.0-only */
#include "explain/changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/words.h"
#include "explain/change.h"
#include "explain/yaml.h"

#define RUN_PREFIX "run:"

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

const json_t *change_place(const json_t *answer, const struct refused *r)
{
	if (r->rule < 0)
		return json_object_get(answer, "capabilities");
	return json_object_get(json_object_get(answer, "rules"), word_rule((uint32_t)r->rule));
}

/* ---- one policy ---- */

/* What is to be changed in one policy, and what it becomes. */
struct edit {
	const struct explain_input *in;
	const json_t *answer; /* of GET /v1/policy */
	json_t *written; /* a copy that changes */
	json_t *list; /* gets the changes */
};

static const char *own_key(const struct refused *r)
{
	return r->rule < 0 ? "capabilities" : word_rule((uint32_t)r->rule);
}

static bool in_sockets(const struct refused *r)
{
	return r->rule >= 0 && rule_restriction((uint32_t)r->rule) == LEASTCAP_SOCKETS;
}

/* The key that stands where the rule is written, if it is the rule's own and within this policy: else the rule comes from a
 * profile or from defaults, above or below, and what is written in the policy itself goes before that. */
static bool key_there(const struct edit *e, const struct refused *r, char buf[32])
{
	const json_t *pos = change_place(e->answer, r);
	json_int_t line = json_integer_value(json_object_get(pos, "line"));
	json_int_t column = json_integer_value(json_object_get(pos, "column"));
	const json_t *own = json_object_get(e->answer, "pos");
	json_int_t first = json_integer_value(json_object_get(own, "line"));
	json_int_t last = json_integer_value(json_object_get(own, "last_line"));
	const char *file = text_of(e->answer, "file");

	if (!file || line < 1 || column < 1 || line < first || line > last || !e->in->word_at ||
	    !e->in->word_at(file, (unsigned int)line, (unsigned int)column, buf))
		return false;
	return !strcmp(buf, own_key(r)) || (in_sockets(r) && !strcmp(buf, "sockets"));
}

/* A line for the file, in place of a key that is there, or else beside the policy's name: the profile or the defaults that it is
 * of stay. A part of sockets that has no key of its own is written with the others. */
static json_t *edit_file(const struct edit *e, const struct refused *r, const char *note)
{
	const json_t *pos = change_place(e->answer, r);
	char key[32] = "";
	bool there = key_there(e, r, key);
	bool part = there && in_sockets(r) && strcmp(key, "sockets") != 0;
	const char *name = in_sockets(r) && !part ? "sockets" : own_key(r);
	const json_t *from = part ? json_object_get(e->written, "sockets") : e->written;
	const json_t *place = there ? pos : json_object_get(e->answer, "pos");
	_cleanup_free_ char *text = yaml_rule(name, json_object_get(from, name));

	return json_pack("{s:O, s:O, s:O?, s:O?, s:O?, s:s?, s:s?, s:n, s:s?}", "policy",
			 json_object_get(e->answer, "name"), "file",
			 json_object_get(e->answer, "file"), "line", json_object_get(place, "line"),
			 "last_line", there ? json_object_get(place, "last_line") : NULL, "column",
			 json_object_get(place, "column"), "replaces", there ? key : NULL, "text",
			 text, "command", "note", note);
}

/* All of the policy, for `leastcap apply`. */
static json_t *edit_api(const struct edit *e, const char *note)
{
	_cleanup_free_ char *text = yaml_policy(e->written), *command = NULL;
	bool shadow = json_is_true(json_object_get(e->answer, "shadow"));

	if (!text || asprintf(&command, "leastcap apply %s- <<'END'\n%sEND\n",
			      shadow ? "--shadow " : "", text) < 0) {
		command = NULL;
		return NULL;
	}
	return json_pack("{s:O, s:n, s:n, s:n, s:n, s:n, s:s, s:s, s:s?}", "policy",
			 json_object_get(e->answer, "name"), "file", "line", "last_line", "column",
			 "replaces", "text", text, "command", command, "note", note);
}

static void add_impossible(const struct edit *e, const char *why)
{
	json_array_append_new(e->list, json_pack("{s:O, s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:s}",
						 "policy", json_object_get(e->answer, "name"),
						 "file", "line", "last_line", "column", "replaces",
						 "text", "command", "note", why));
}

static void edit_policy(struct edit *e, const struct refused *all, size_t n)
{
	bool api = !text_of(e->answer, "file"), changed = false;
	const char *note = NULL;

	for (size_t i = 0; i < n; i++) {
		const char *why;
		int err = change_allow(e->written, &all[i], &why);

		if (err == -EOPNOTSUPP)
			add_impossible(e, why);
		if (err)
			continue;
		changed = true;
		note = why ?: note;
		if (!api)
			json_array_append_new(e->list, edit_file(e, &all[i], why));
	}
	if (api && changed)
		json_array_append_new(e->list, edit_api(e, note));
}

/* A policy may hold several cgroups on the way. */
static bool is_edited(const json_t *list, const json_t *answer)
{
	const json_t *each;
	size_t i;

	json_array_foreach(list, i, each) {
		if (json_equal(json_object_get(each, "policy"), json_object_get(answer, "name")))
			return true;
	}
	return false;
}

static void edit_answer(const struct explain_input *in, const json_t *answer,
			const struct refused *all, size_t n, json_t *list)
{
	json_auto_t *written = json_deep_copy(json_object_get(answer, "written"));
	struct edit e = {.in = in, .answer = answer, .written = written, .list = list};

	if (json_is_object(written) && text_of(answer, "name") && !is_edited(list, answer))
		edit_policy(&e, all, n);
}

json_t *change_capabilities(const struct explain_input *in, const json_t *answer, uint64_t set)
{
	json_auto_t *written = json_deep_copy(json_object_get(answer, "written"));
	struct edit e = {.in = in, .answer = answer, .written = written};
	const struct refused r = refused_capability(0);

	if (!json_is_object(written) || !text_of(answer, "name") ||
	    json_object_set_new(written, "capabilities",
				json_pack("{s:o}", "allow", caps_to_json(set))))
		return NULL;
	return text_of(answer, "file") ? edit_file(&e, &r, NULL) : edit_api(&e, NULL);
}

char *change_where(const json_t *change)
{
	const char *file = text_of(change, "file"), *policy = text_of(change, "policy"),
		   *replaces = text_of(change, "replaces");
	long long line = json_integer_value(json_object_get(change, "line")),
		  last = json_integer_value(json_object_get(change, "last_line"));
	char *text = NULL;
	int n = -1;

	if (!file || !policy)
		return NULL;
	if (!replaces)
		n = asprintf(
			&text,
			"in %s, in the policy %s itself (line %lld), beside its other keys, and in "
			"place of the same key if it has one",
			file, policy, line);
	else if (last > line)
		n = asprintf(&text, "in %s, in place of '%s' in lines %lld to %lld (policy %s)",
			     file, replaces, line, last, policy);
	else
		n = asprintf(&text, "in %s, in place of '%s' in line %lld (policy %s)", file,
			     replaces, line, policy);
	return n < 0 ? NULL : text;
}

/* ---- `leastcap run` ---- */

static json_t *edit_run(const struct refused *r, const char *policy)
{
	_cleanup_free_ char *command = NULL, *note = NULL;
	char name[32];

	if (refused_is_capability(r)) {
		if (asprintf(&command, "leastcap run --allow %s", caps_name(r->item, name)) < 0)
			command = NULL;
		note = strdup("beside what it allows already, and before --");
	} else if (asprintf(&note,
			    "'leastcap run' has been told to refuse it: --deny without %s, or "
			    "its policy changed",
			    r->rule >= 0 ? word_restriction(rule_restriction((uint32_t)r->rule))
					 : "anything") < 0) {
		note = NULL;
	}
	return json_pack("{s:s, s:n, s:n, s:n, s:n, s:n, s:n, s:s?, s:s?}", "policy", policy,
			 "file", "line", "last_line", "column", "replaces", "text", "command",
			 command, "note", note);
}

/* ---- */

json_t *changes_json(const struct explain_input *in, const struct refused *r, int cap)
{
	const char *policy = text_of(in->event, "policy");
	bool shadow = json_is_true(json_object_get(in->event, "shadow"));
	struct refused all[2] = {*r};
	size_t n = 1, i;
	json_t *list = json_array(), *each;

	if (!refused_is_capability(r) && cap >= 0)
		all[n++] = refused_capability((unsigned int)cap);
	if (in->policy)
		edit_answer(in, in->policy, all, n, list);
	else if (policy && !strncmp(policy, RUN_PREFIX, strlen(RUN_PREFIX)))
		json_array_append_new(list, edit_run(r, policy));
	/* A shadow is changed by itself. One that only audits refuses nothing. */
	json_array_foreach(shadow ? NULL : in->others, i, each) {
		const json_t *answer = json_object_get(each, "policy");
		const char *mode = text_of(answer, "mode");

		if (mode && !strcmp(mode, "enforce"))
			edit_answer(in, answer, all, n, list);
	}
	return list;
}
