/* SPDX-License-Identifier: GPL-2.0-only */
/* Whom a suggestion is for: which bindings and which events are about it. What others can choose, as a name of a container, says
 * little; a cgroup's path, and the policy, say it all. */
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "subject/cgroup.h"
#include "subject/container.h"
#include "subject/unit.h"
#include "suggest/masks.h"
#include "suggest/suggest.h"

/* Shortest beginning of a container's id that selects it, as in `status`. */
#define CONTAINER_PREFIX_MIN 4

static bool is_container(const char *text, const char *id)
{
	return strlen(text) >= CONTAINER_PREFIX_MIN && !strncmp(id, text, strlen(text));
}

/* What was found at this path; a container's scope can be asked for as the unit that it is, too. NULL: nothing was. */
static enum subject_kind kind_of(const char *text, const char *path)
{
	char id[65];

	if (text[0] == '/')
		return SUBJECT_CGROUP;
	if (!path)
		return SUBJECT_NOTHING;
	if (container_from_path(path, id, NULL) && !unit_at(text, path))
		return is_container(text, id) ? SUBJECT_ID : SUBJECT_NAME;
	return unit_valid(text) ? SUBJECT_UNIT : SUBJECT_SERVICE;
}

int suggest_subject_init(struct suggest_subject *subject, const char *text, char *path)
{
	const char *shown = path ?: text[0] == '/' ? text : NULL;

	*subject = (struct suggest_subject){
		.text = text,
		.path = path,
		.kind = kind_of(text, path),
		.shown = shown ? escape_dup(shown, strlen(shown)) : NULL,
	};
	return shown && !subject->shown ? -ENOMEM : 0;
}

void suggest_subject_done(struct suggest_subject *subject)
{
	free(subject->path);
	free(subject->shown);
	*subject = (struct suggest_subject){};
}

/* ---- a policy ---- */

static bool any_has(const json_t *list, const char *key, const char *text)
{
	const json_t *each;
	size_t i;

	json_array_foreach(list, i, each) {
		if (!strcmp(mask_text(each, key), text))
			return true;
	}
	return false;
}

static void be_policy(struct suggest_subject *subject)
{
	free(subject->path);
	free(subject->shown);
	subject->path = subject->shown = NULL;
	subject->policy = true;
}

void suggest_subject_settle(struct suggest_subject *subject, const json_t *status,
			    const json_t *policies)
{
	const json_t *bindings = json_object_get(status, "bindings"), *each;
	size_t i;

	if (subject->text[0] != '/' && (any_has(bindings, "policy", subject->text) ||
					any_has(policies, "name", subject->text)))
		be_policy(subject);
	/* A container that is gone may be bound still. */
	json_array_foreach(bindings, i, each) {
		if (subject->kind == SUBJECT_NOTHING &&
		    is_container(subject->text, mask_text(each, "container")))
			subject->kind = SUBJECT_ID;
	}
}

/* ---- bindings ---- */

bool suggest_binds(const struct suggest_subject *subject, const json_t *binding)
{
	if (subject->policy)
		return !strcmp(subject->text, mask_text(binding, "policy"));
	return (subject->shown && !strcmp(subject->shown, mask_text(binding, "cgroup"))) ||
	       (subject->kind == SUBJECT_ID &&
		is_container(subject->text, mask_text(binding, "container")));
}

bool suggest_binds_below(const struct suggest_subject *subject, const json_t *binding)
{
	return subject->shown && cgroup_path_below(mask_text(binding, "cgroup"), subject->shown);
}

/* ---- events ---- */

static bool is_within(const char *path, const char *shown)
{
	return shown && (!strcmp(path, shown) || cgroup_path_below(path, shown));
}

/* Is this the cgroup of that unit of the system, or one below it? A unit of somebody's own manager can have any name. */
static bool is_in_unit(const char *path, const char *unit)
{
	_cleanup_free_ char *up = strdup(path);

	for (char *slash; up && *up; *slash = '\0') {
		if (unit_at(unit, up))
			return true;
		slash = strrchr(up, '/');
		if (!slash)
			break;
	}
	return false;
}

static bool is_in_service(const char *path, const char *name)
{
	_cleanup_free_ char *service = NULL;

	if (asprintf(&service, "%s.service", name) < 0) {
		service = NULL;
		return false;
	}
	return unit_valid(service) && is_in_unit(path, service);
}

/* Is an event about what this text means, as one of that kind? */
static bool is_meant(enum subject_kind kind, const char *text, const json_t *event)
{
	const json_t *who = json_object_get(event, "subject");
	const char *cgroup = mask_text(who, "cgroup"),
		   *path = *cgroup ? cgroup : mask_text(who, "binding");

	switch (kind) {
	case SUBJECT_UNIT:
		return unit_valid(text) && is_in_unit(path, text);
	case SUBJECT_ID:
		return is_container(text, mask_text(who, "container"));
	case SUBJECT_NAME:
		return !strcmp(text, mask_text(who, "name"));
	case SUBJECT_SERVICE:
		return !unit_valid(text) && is_in_service(path, text);
	default:
		return false;
	}
}

/* As what first of all is it called so? */
static enum subject_kind called(const char *text, const json_t *event)
{
	for (enum subject_kind kind = SUBJECT_UNIT; *text && kind <= SUBJECT_SERVICE; kind++) {
		if (is_meant(kind, text, event))
			return kind;
	}
	return SUBJECT_NOTHING;
}

void suggest_subject_ended(struct suggest_subject *subject, const char *line, size_t len)
{
	json_auto_t *event = subject->policy ? NULL : json_loadb(line, len, 0, NULL);
	enum subject_kind kind;

	if (!event || !mask_is_end(event))
		return;
	if (!strcmp(mask_text(event, "policy"), subject->text)) {
		be_policy(subject);
		return;
	}
	if (subject->path || subject->kind == SUBJECT_CGROUP)
		return;
	kind = called(subject->text, event);
	if (kind && (!subject->kind || kind < subject->kind))
		subject->kind = kind;
}

/* Anybody's container can have that name: it is the same one only under the same policy. */
static bool is_same(const struct suggestion *s, const json_t *event)
{
	return !json_array_size(s->bindings) ||
	       json_object_get(s->policies, mask_text(event, "policy"));
}

static void leave_out(struct suggestion *s, const json_t *event)
{
	const json_t *who = json_object_get(event, "subject");
	char id[24];

	snprintf(id, sizeof(id), "%lld",
		 (long long)json_integer_value(json_object_get(who, "cgroup_id")));
	(void)json_object_set_new(s->namesakes, id, json_true());
}

bool suggest_about(struct suggestion *s, const struct suggest_subject *subject, const json_t *event)
{
	const json_t *who = json_object_get(event, "subject");
	const char *binding = mask_text(who, "binding"), *cgroup = mask_text(who, "cgroup"),
		   *text = subject->text;

	if (!*text)
		return false;
	if (*binding && json_object_get(s->cgroups, binding))
		return true;
	if (subject->policy)
		return !strcmp(text, mask_text(event, "policy"));
	if (is_within(binding, subject->shown) || is_within(cgroup, subject->shown))
		return true;
	if (subject->kind == SUBJECT_CGROUP)
		return false;
	if (is_meant(subject->kind, text, event) &&
	    (subject->kind != SUBJECT_NAME || is_same(s, event)))
		return true;
	if (called(text, event))
		leave_out(s, event);
	return false;
}
