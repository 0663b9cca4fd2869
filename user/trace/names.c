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

/*
 * From the top down. The outermost container counts: what is below it is made by the container itself, which can call
 * it like somebody else. The innermost unit counts: slices and managers are above it.
 */
int trace_name_of(const char *path, const char *root, struct trace_name *ret)
{
	_cleanup_free_ char *part = strdup(path);
	char id[65];

	ret->path = strdup(path);
	if (!part || !ret->path)
		return -ENOMEM;
	for (char *end = part; end && !ret->container;) {
		const char *last;

		end = strchr(end + 1, '/');
		if (end)
			*end = '\0';
		last = strrchr(part, '/');
		if (container_from_path(part, id, NULL)) {
			set_container(part, id, root, ret);
		} else if (last && unit_valid(last + 1) && !strstr(last, ".slice")) {
			free(ret->unit);
			ret->unit = strdup(last + 1);
		}
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
	*n = (struct trace_name){};
}

const char *trace_name_short(const struct trace_name *n, char buf[32])
{
	size_t len = n->unit ? strlen(n->unit) : 0, suffix = strlen(".service");

	if (n->container_name)
		return n->container_name;
	if (n->container) {
		snprintf(buf, 32, "%.12s", n->container);
		return buf;
	}
	if (len <= suffix || len >= 32 || strcmp(n->unit + len - suffix, ".service"))
		return n->unit ?: n->path ?: "?";
	snprintf(buf, 32, "%.*s", (int)(len - suffix), n->unit);
	return buf;
}

static char *name_below(const struct trace_name *n, const char *path)
{
	const char *anchor = n->container ?: n->unit, *rest = NULL;
	char buf[32], *name;
	const char *first = trace_name_short(n, buf);

	if (anchor)
		rest = strstr(path, anchor);
	rest = rest ? strchr(rest, '/') : NULL;
	return asprintf(&name, "%s%s", first, rest ?: "") < 0 ? NULL : name;
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
