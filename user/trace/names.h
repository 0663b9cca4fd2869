/* SPDX-License-Identifier: GPL-2.0-only */
/* What a cgroup is called: its path, and the shortest name that people know it by. Looked up once, remembered. */
#ifndef LEASTCAP_TRACE_NAMES_H
#define LEASTCAP_TRACE_NAMES_H

#include <stdint.h>

#include "base/cleanup.h"

/* The label by which Docker Compose finds its containers again; podman-compose sets it, too. */
#define COMPOSE_SERVICE "com.docker.compose.service"

/* NULL: not known. All of it may hold any bytes, the path and the unit do. */
struct trace_name {
	uint64_t cgroup; /* id */
	char *path; /* NULL: it was gone before it was asked for */
	char *container; /* 64 digits */
	char *container_name;
	char *compose_service; /* what Docker Compose, or who does as it, calls the container */
	char *unit; /* the system's: "nginx.service", or of somebody's own manager "user@1000.service" */
	char *user_unit; /* of that manager; its owner can give it any name */
	size_t below; /* of path: behind what it is known by */
};

/* Finds out all of a path. -ENOMEM. root: what bundles are looked for in: "/". */
int trace_name_of(const char *path, const char *root, struct trace_name *ret);
void trace_name_done(struct trace_name *n);

/* The container's name, else 12 of its digits, else the unit without ".service", of a user's manager with "(user 1000)", else the
 * path; "?" where nothing is known. Returns buf or a part of n. */
const char *trace_name_short(const struct trace_name *n, char buf[32]);

/* The same of a path on this host, and behind it what is below the container or the unit: "app/sub". To be freed; NULL: not
 * known. */
char *trace_name_shown(const char *path);

struct trace_names;

struct trace_names *trace_names_new(void);

/* Valid until the next call. Never NULL. */
const struct trace_name *trace_names_get(struct trace_names *names, uint64_t cgroup);

struct trace_names *trace_names_free(struct trace_names *names); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(struct trace_names *, trace_names_free);

#endif
