/* SPDX-License-Identifier: GPL-2.0-only */
/* The engines of a host: root's from the beginning, those of users when one of their containers is first seen. */
#ifndef LEASTCAP_ENGINES_H
#define LEASTCAP_ENGINES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "subject/engine.h"

/* Engines of users; those that nobody needs give way. */
#define ENGINES_OF_USERS_MAX 64
/* That may know one container. */
#define ENGINES_CHOSEN_MAX 2

/* A socket, and the runtime word (container.h) of the cgroups that belong to it. */
struct engine_socket {
	const char *runtime, *socket;
};

struct engines;

struct engines_entry {
	struct engines *engines;
	char *runtime;
	uid_t uid; /* 0: root's */
	size_t users; /* containers that it may tell of; counted by whoever has chosen it */
	struct engine *engine;
};

struct engines {
	sd_event *event;
	char *users; /* "/run/user" */
	uid_t self;
	struct engines_entry **list;
	size_t n;

	/* As in engine.h, with which one it is. */
	void (*found)(struct engines_entry *which, void *key, struct identity *said, void *ctx);
	void (*changed)(struct engines_entry *which, const char *id, void *ctx);
	void *ctx;
};

/* Sets up *e, whose callbacks are set. sockets: root's; NULL: Docker's and Podman's. users: NULL: "/run/user". */
int engines_init(struct engines *e, sd_event *event, const struct engine_socket *sockets, size_t n,
		 const char *users);

/*
 * Those that may know a container in the cgroup of this user (0: root) and runtime (NULL: any); returns how many.
 * Engines that have no users any more end here: not from within found() or changed().
 */
size_t engines_choose(struct engines *e, uid_t uid, const char *runtime,
		      struct engines_entry *ret[ENGINES_CHOSEN_MAX]);

void engines_done(struct engines *e);

#endif
