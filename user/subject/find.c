/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/find.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "subject/bundle.h"
#include "subject/cgroup.h"
#include "subject/container.h"
#include "subject/unit.h"

/* Shortest beginning of a container's id that is looked for. */
#define CONTAINER_PREFIX_MIN 4

struct search {
	const char *subject;
	bool (*matches)(const char *path, const char *id, const char *subject);
	char *found;
	int err;
};

static bool id_begins(const char *path, const char *id, const char *subject)
{
	return !strncmp(id, subject, strlen(subject));
}

static bool is_called(const char *path, const char *id, const char *subject)
{
	struct identity identity = {0};
	bool same;

	bundle_who("/", path, &identity);
	same = identity.name && !strcmp(identity.name, subject);
	identity_done(&identity);
	return same;
}

static int take(struct search *s, const char *path)
{
	if (s->found) {
		s->err = -ENOTUNIQ;
		return 1;
	}
	s->found = strdup(path);
	s->err = s->found ? 0 : -ENOMEM;
	return s->err;
}

/* Parents come first: the outermost cgroup of a container is taken, those below it are its own. */
static int search_container(const char *path, uint64_t id, uint32_t level, void *ctx)
{
	struct search *s = ctx;
	char container[65];

	if ((s->found && cgroup_path_below(path, s->found)) ||
	    !container_from_path(path, container, NULL) || !s->matches(path, container, s->subject))
		return 0;
	return take(s, path);
}

static int search_shown(const char *path, uint64_t id, uint32_t level, void *ctx)
{
	struct search *s = ctx;
	_cleanup_free_ char *shown = escape_dup(path, strlen(path));

	if (!shown)
		return s->err = -ENOMEM;
	return strcmp(shown, s->subject) ? 0 : take(s, path);
}

static int search(struct search s,
		  int (*fn)(const char *path, uint64_t id, uint32_t level, void *ctx), char **ret)
{
	int err;

	s.err = -ENOENT;
	err = cgroup_walk(fn, &s);

	if (err >= 0)
		err = s.err;
	if (err)
		free(s.found);
	else
		*ret = s.found;
	return err;
}

static int find_path(const char *subject, char **ret)
{
	size_t len = strlen(subject);
	uint64_t id;

	if (cgroup_id(subject, &id, NULL))
		/* Whatever is escaped has one. */
		return strchr(subject, '\\')
			       ? search((struct search){.subject = subject}, search_shown, ret)
			       : -ENOENT;
	/* As a shell completes it. */
	while (len > 1 && subject[len - 1] == '/')
		len--;
	*ret = strndup(subject, len);
	return *ret ? 0 : -ENOMEM;
}

/* A container, by its id or its name. */
static int find_container(const char *subject,
			  bool (*matches)(const char *path, const char *id, const char *subject),
			  char **ret)
{
	return search((struct search){.subject = subject, .matches = matches}, search_container,
		      ret);
}

static int find_unit(const char *unit, char **ret)
{
	_cleanup_free_ char *path = NULL;
	uint64_t id;

	if (!unit_valid(unit) || unit_cgroup(unit, &path, NULL) || cgroup_id(path, &id, NULL))
		return -ENOENT;
	*ret = TAKE_PTR(path);
	return 0;
}

int subject_find(const char *subject, char **ret)
{
	if (subject[0] == '/')
		return find_path(subject, ret);
	if (!find_unit(subject, ret))
		return 0;
	return strlen(subject) >= CONTAINER_PREFIX_MIN ? find_container(subject, id_begins, ret)
						       : -ENOENT;
}

int subject_find_service(const char *name, char **ret)
{
	_cleanup_free_ char *service = NULL;

	return asprintf(&service, "%s.service", name) < 0 ? -ENOMEM : find_unit(service, ret);
}

int subject_find_named(const char *name, char **ret)
{
	int err;

	if (!*name || *name == '/')
		return -ENOENT;
	err = find_container(name, is_called, ret);
	return err == -ENOENT ? subject_find_service(name, ret) : err;
}
