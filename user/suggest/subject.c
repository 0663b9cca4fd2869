/* SPDX-License-Identifier: GPL-2.0-only */
/* Whom a suggestion is for: which bindings and which events are about it. What others can choose, as a name of a container, says
 * little; a cgroup's path, and the policy, say it all. */
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "subject/cgroup.h"
#include "subject/unit.h"
#include "suggest/masks.h"
#include "suggest/suggest.h"

/* Shortest beginning of a container's id that selects it, as in `status`. */
#define CONTAINER_PREFIX_MIN 4

int suggest_subject_init(struct suggest_subject *subject, const char *text, char *path)
{
	const char *shown = path ?: text[0] == '/' ? text : NULL;

	*subject = (struct suggest_subject){
		.text = text,
		.path = path,
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
	if (subject->text[0] != '/' &&
	    (any_has(json_object_get(status, "bindings"), "policy", subject->text) ||
	     any_has(policies, "name", subject->text)))
		be_policy(subject);
}

void suggest_subject_ended(struct suggest_subject *subject, const char *line, size_t len)
{
	json_auto_t *event = subject->policy ? NULL : json_loadb(line, len, 0, NULL);

	if (event && mask_is_end(event) && !strcmp(mask_text(event, "policy"), subject->text))
		be_policy(subject);
}

/* ---- bindings ---- */

static bool is_container(const char *text, const char *id)
{
	return strlen(text) >= CONTAINER_PREFIX_MIN && !strncmp(id, text, strlen(text));
}

bool suggest_binds(const struct suggest_subject *subject, const json_t *binding)
{
	if (subject->policy)
		return !strcmp(subject->text, mask_text(binding, "policy"));
	return (subject->shown && !strcmp(subject->shown, mask_text(binding, "cgroup"))) ||
	       is_container(subject->text, mask_text(binding, "container"));
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

static bool is_of_unit(const char *text, const char *path)
{
	_cleanup_free_ char *service = NULL;

	if (unit_valid(text))
		return is_in_unit(path, text);
	if (asprintf(&service, "%s.service", text) < 0) {
		service = NULL;
		return false;
	}
	return unit_valid(service) && is_in_unit(path, service);
}

/* Anybody's container can have that name: it is the same one only under the same policy. */
static bool is_called(struct suggestion *s, const char *text, const json_t *event)
{
	const json_t *who = json_object_get(event, "subject");
	char id[24];

	if (strcmp(text, mask_text(who, "name")) != 0)
		return false;
	if (!json_array_size(s->bindings) ||
	    json_object_get(s->policies, mask_text(event, "policy")))
		return true;
	snprintf(id, sizeof(id), "%lld",
		 (long long)json_integer_value(json_object_get(who, "cgroup_id")));
	(void)json_object_set_new(s->namesakes, id, json_true());
	return false;
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
	return text[0] != '/' &&
	       (is_container(text, mask_text(who, "container")) ||
		is_of_unit(text, *cgroup ? cgroup : binding) || is_called(s, text, event));
}
