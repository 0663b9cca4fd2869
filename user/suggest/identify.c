/* SPDX-License-Identifier: GPL-2.0-only */
/* What a suggestion is called, and whom it is for. */
#include <string.h>

#include "base/escape.h"
#include "subject/cgroup.h"
#include "subject/unit.h"
#include "suggest/masks.h"
#include "suggest/suggest.h"
#include "trace/names.h"

/* Longest value of a selector. */
#define SELECTOR_MAX 255
/* Selectors that are made of bindings, one by one. */
#define SELECTORS_MAX 64

/* ---- names ---- */

static bool is_word(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (!first && (c == '.' || c == '_' || c == '-'));
}

bool suggest_name_good(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++) {
		if (!is_word(name[i], i == 0))
			return false;
	}
	return len && len < LEASTCAP_NAME_LEN;
}

int suggest_service(struct suggestion *s, const char *service)
{
	if (!service || !*service)
		return 0;
	for (const char *c = service; *c; c++) {
		if (!is_word(*c, false))
			return 0;
	}
	return json_object_set_new(s->services, service, json_true()) ? -ENOMEM : 0;
}

/* How much of a unit's name is its own. */
static size_t stem(const char *name)
{
	static const char *const types[] = {".service", ".scope", ".slice"};
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		size_t n = strlen(types[i]);

		if (len > n && !strcmp(name + len - n, types[i]))
			return len - n;
	}
	return len;
}

char *suggest_name(const char *subject)
{
	const char *slash = strrchr(subject, '/'), *from = slash ? slash + 1 : subject;
	size_t len = stem(from), n = 0;
	char name[LEASTCAP_NAME_LEN];

	for (size_t i = 0; i < len && n < sizeof(name) - 1; i++) {
		if (is_word(from[i], n == 0))
			name[n++] = from[i];
		else if (n && name[n - 1] != '-')
			name[n++] = '-';
	}
	while (n && name[n - 1] == '-')
		n--;
	name[n] = '\0';
	return strdup(n ? name : "suggested");
}

/* ---- selectors ---- */

/* A pattern that fits this text alone; NULL: none does, or no memory. */
static char *pattern_of(const char *text)
{
	char *pattern = malloc(3 * strlen(text) + 1), *to = pattern;

	for (; pattern && *text; text++) {
		if (strchr("*?[", *text)) {
			*to++ = '[';
			*to++ = *text;
			*to++ = ']';
		} else {
			*to++ = *text;
		}
	}
	if (!pattern || to - pattern > SELECTOR_MAX) {
		free(pattern);
		return NULL;
	}
	*to = '\0';
	return pattern;
}

static bool is_printable(const char *text)
{
	bool safe = true;

	for (size_t len = strlen(text), n; len && safe; text += n, len -= n)
		n = utf8_next(text, len, &safe) ?: 1;
	return safe;
}

static bool is_unit(const struct trace_name *n)
{
	return n->unit && unit_at(n->unit, n->path);
}

static json_t *selector_of(const struct trace_name *n)
{
	_cleanup_free_ char *name = n->container_name ? pattern_of(n->container_name) : NULL,
			    *path = pattern_of(n->path);

	if (name && is_printable(name))
		return json_pack("{s:{s:s}}", "container", "name", name);
	if (n->container)
		return json_pack("{s:{s:s}}", "container", "id", n->container);
	if (is_unit(n))
		return json_pack("{s:s}", "unit", n->unit);
	/* The root would be everybody. */
	if (path && path[0] == '/' && path[1] && is_printable(path))
		return json_pack("{s:s}", "cgroup", path);
	return json_null();
}

static bool has_selector(const struct suggestion *s, const json_t *selector)
{
	const json_t *each;
	size_t i;

	json_array_foreach(s->selectors, i, each) {
		if (json_equal(each, selector))
			return true;
	}
	return false;
}

int suggest_select(struct suggestion *s, const char *path)
{
	struct trace_name name = {};
	json_auto_t *selector = NULL;
	int err = trace_name_of(path, "/", &name);

	err = err ?: suggest_service(s, name.compose_service);
	selector = err ? NULL : selector_of(&name);
	trace_name_done(&name);
	if (!selector)
		return -ENOMEM;
	if (json_is_null(selector) || has_selector(s, selector))
		return 0;
	return json_array_append(s->selectors, selector) ? -ENOMEM : 0;
}

/* What is gone cannot be selected. */
static int select_binding(struct suggestion *s, const json_t *binding)
{
	json_int_t id = json_integer_value(json_object_get(binding, "cgroup_id"));
	const char *shown = mask_text(binding, "cgroup");
	_cleanup_free_ char *path = NULL;
	int err;

	if (json_is_true(json_object_get(binding, "gone")) || shown[0] != '/')
		return 0;
	err = cgroup_shown(shown, (uint64_t)id, &path);
	if (err)
		return err == -ENOMEM ? err : 0;
	return suggest_select(s, path);
}

static int select_bindings(struct suggestion *s)
{
	const json_t *each;
	size_t i;
	int err = 0;

	json_array_foreach(s->bindings, i, each) {
		if (!err && json_array_size(s->selectors) < SELECTORS_MAX)
			err = select_binding(s, each);
	}
	return err;
}

/* ---- both ---- */

/* The policy that the suggestion is to replace: it was asked for, or is for just the same. NULL: there is none. */
static const char *replaced(const struct suggestion *s, const struct suggest_subject *subject)
{
	const char *policy = json_object_iter_key(json_object_iter(s->policies));
	const json_t *select = json_object_get(s->written, "select");

	if (json_object_size(s->policies) != 1 || !suggest_name_good(policy))
		return NULL;
	return !strcmp(policy, subject->text) ||
			       (json_array_size(select) && json_equal(select, s->selectors))
		       ? policy
		       : NULL;
}

/* An id says little: the container's name, where there is one. */
static const char *called(const struct suggestion *s, const struct suggest_subject *subject)
{
	const json_t *container = json_object_get(json_array_get(s->selectors, 0), "container");
	const char *name = json_string_value(json_object_get(container, "name"));

	if (name && strspn(subject->text, "0123456789abcdef") == strlen(subject->text))
		return name;
	return subject->text;
}

/* Nothing of it is there now, or nothing that could be selected: the word itself, where it is one. */
static int select_text(struct suggestion *s, const struct suggest_subject *subject)
{
	if (subject->path || subject->text[0] == '/')
		return suggest_select(s, subject->path ?: subject->text);
	if (subject->policy || !unit_valid(subject->text))
		return 0;
	return json_array_append_new(s->selectors, json_pack("{s:s}", "unit", subject->text))
		       ? -ENOMEM
		       : 0;
}

/* Its own selectors say more than those of what it holds just now; and on another host, or kernel, what may be left out. */
static int take_over(struct suggestion *s)
{
	json_t *select = json_object_get(s->written, "select");

	s->optional = json_incref(json_object_get(s->written, "optional"));
	if (!json_array_size(select))
		return 0;
	json_array_clear(s->selectors);
	return json_array_extend(s->selectors, select) ? -ENOMEM : 0;
}

int suggest_identify(struct suggestion *s, const struct suggest_subject *subject, const char *name)
{
	const char *policy;
	int err = select_bindings(s);

	if (!err && !json_array_size(s->selectors))
		err = select_text(s, subject);
	policy = replaced(s, subject);
	if (!err && policy)
		err = take_over(s);
	if (err)
		return err;
	s->name = name ? strdup(name) : policy ? strdup(policy) : suggest_name(called(s, subject));
	return s->name ? 0 : -ENOMEM;
}
