/* SPDX-License-Identifier: GPL-2.0-only */
#include "trace/names.h"

#include <stdio.h>
#include <string.h>

#include "subject/bundle.h"
#include "subject/cgroup.h"
#include "subject/container.h"
#include "subject/unit.h"

/* Cgroups that are remembered; one that shares its place with another is looked up again. */
#define NAMES 1024

struct trace_names {
	struct trace_name items[NAMES]; /* cgroup id n at n % NAMES */
};

static void set_container(const char *path, const char *id, const char *root,
			  struct trace_name *ret)
{
	struct identity identity = {0};
	const char *service;

	ret->container = strdup(id);
	bundle_who(root, path, &identity);
	ret->container_name = TAKE_PTR(identity.name);
	service = identity_label(&identity, COMPOSE_SERVICE);
	ret->compose_service = service ? strdup(service) : NULL;
	identity_done(&identity);
}

static bool is_user_manager(const char *unit)
{
	return !strncmp(unit, "user@", strlen("user@"));
}

static bool is_slice(const char *name)
{
	return unit_valid(name) && strstr(name, ".slice");
}

/* Where in the name the unit goes, if it is one that counts; NULL: it does not. */
static char **place_of(struct trace_name *n, const char *name)
{
	if (!unit_valid(name) || is_slice(name))
		return NULL;
	if (!n->unit)
		return &n->unit;
	return is_user_manager(n->unit) && !n->user_unit ? &n->user_unit : NULL;
}

/*
 * From the top down. The outermost container counts, and the outermost unit: what is below them is made by themselves, who can
 * call it like somebody else. Above units are slices, and a user's manager, and nothing else: a manager within another cgroup has
 * units of its own.
 */
int trace_name_of(const char *path, const char *root, struct trace_name *ret)
{
	_cleanup_free_ char *part = strdup(path);
	bool managed = true;
	char id[65];

	ret->path = strdup(path);
	if (!part || !ret->path)
		return -ENOMEM;
	for (char *end = part; end && !ret->container;) {
		const char *last;
		char **place;

		end = strchr(end + 1, '/');
		if (end)
			*end = '\0';
		last = strrchr(part, '/');
		place = last && managed ? place_of(ret, last + 1) : NULL;
		managed = managed && last && (place || is_slice(last + 1));
		if (container_from_path(part, id, NULL))
			set_container(part, id, root, ret);
		else if (place)
			*place = strdup(last + 1);
		if (ret->container || place)
			ret->below = strlen(part);
		if (end)
			*end = '/';
	}
	return 0;
}

void trace_name_done(struct trace_name *n)
{
	free(n->path);
	free(n->container);
	free(n->container_name);
	free(n->compose_service);
	free(n->unit);
	free(n->user_unit);
	*n = (struct trace_name){};
}

/* As people type it; 0: as it is. */
static int stem(const char *unit)
{
	size_t len = strlen(unit), suffix = strlen(".service");

	return len > suffix && !strcmp(unit + len - suffix, ".service") ? (int)(len - suffix) : 0;
}

static const char *short_user_unit(const struct trace_name *n, char buf[32])
{
	const char *user = strchr(n->unit, '@') + 1;
	int len = snprintf(buf, 32, "%.*s (user %.*s)",
			   stem(n->user_unit) ?: (int)strlen(n->user_unit), n->user_unit,
			   (int)strcspn(user, "."), user);

	return len < 32 ? buf : n->path;
}

const char *trace_name_short(const struct trace_name *n, char buf[32])
{
	int len = n->unit ? stem(n->unit) : 0;

	if (n->container_name)
		return n->container_name;
	if (n->container) {
		snprintf(buf, 32, "%.12s", n->container);
		return buf;
	}
	if (n->user_unit)
		return short_user_unit(n, buf);
	if (!len || len >= 32 - (int)strlen(".service"))
		return n->unit ?: n->path ?: "?";
	snprintf(buf, 32, "%.*s", len, n->unit);
	return buf;
}

static char *name_below(const struct trace_name *n, const char *path)
{
	char buf[32], *name;
	const char *first = trace_name_short(n, buf);

	/* The path itself has it already. */
	return asprintf(&name, "%s%s", first, first == n->path ? "" : path + n->below) < 0 ? NULL
											   : name;
}

char *trace_name_shown(const char *path)
{
	struct trace_name n = {};
	char *name = trace_name_of(path, "/", &n) ? NULL : name_below(&n, path);

	trace_name_done(&n);
	return name;
}

struct trace_names *trace_names_new(void)
{
	return calloc(1, sizeof(struct trace_names));
}

const struct trace_name *trace_names_get(struct trace_names *names, uint64_t cgroup)
{
	struct trace_name *n = &names->items[cgroup % NAMES];
	_cleanup_free_ char *path = NULL;

	if (n->cgroup == cgroup)
		return n;
	trace_name_done(n);
	n->cgroup = cgroup;
	/* Gone, or no memory: what is not known stays so. An id is never another cgroup's. */
	if (!cgroup_path(cgroup, &path))
		(void)trace_name_of(path, "/", n);
	return n;
}

struct trace_names *trace_names_free(struct trace_names *names)
{
	for (size_t i = 0; names && i < NAMES; i++)
		trace_name_done(&names->items[i]);
	free(names);
	return NULL;
}
