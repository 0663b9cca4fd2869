/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/engines.h"

#include <stdio.h>
#include <string.h>

/* A user's engine can make us read this much at a time, eight times over. */
#define USER_ANSWER_MAX (256 << 10)

static const struct engine_socket root_sockets[] = {
	{"docker", "/run/docker.sock"},
	{"podman", "/run/podman/podman.sock"},
};

/* Where rootless engines listen, below a user's folder. */
static const struct engine_socket user_sockets[] = {
	{"docker", "docker.sock"},
	{"podman", "podman/podman.sock"},
};

static void on_found(void *key, struct identity *said, void *ctx)
{
	struct engines_entry *entry = ctx;

	entry->engines->found(entry, key, said, entry->engines->ctx);
}

static void on_changed(const char *id, void *ctx)
{
	struct engines_entry *entry = ctx;

	entry->engines->changed(entry, id, entry->engines->ctx);
}

static void entry_free(struct engines_entry *entry)
{
	if (entry->engine)
		engine_free(entry->engine);
	free(entry->runtime);
	free(entry);
}
DEFINE_CLEANUP(struct engines_entry *, entry_free);

static int add(struct engines *e, const char *runtime, const char *socket, uid_t uid,
	       struct engines_entry **ret)
{
	_cleanup_(entry_freep) struct engines_entry *entry = calloc(1, sizeof(*entry));
	const struct engine_options options = {
		.socket = socket,
		/* Tests that are not root's have no sockets but their own. */
		.uid = e->self ? e->self : uid,
		.answer_max = uid ? USER_ANSWER_MAX : 0,
		.found = on_found,
		.changed = on_changed,
		.ctx = entry,
	};
	struct engines_entry **grown;
	int err;

	if (!entry)
		return -ENOMEM;
	entry->engines = e;
	entry->uid = uid;
	entry->runtime = strdup(runtime);
	grown = reallocarray(e->list, e->n + 1, sizeof(*grown));
	if (grown)
		e->list = grown;
	if (!entry->runtime || !grown)
		return -ENOMEM;
	err = engine_new(e->event, &options, &entry->engine);
	if (err)
		return err;
	*ret = grown[e->n++] = TAKE_PTR(entry);
	return 0;
}

int engines_init(struct engines *e, sd_event *event, const struct engine_socket *sockets, size_t n,
		 const char *users)
{
	struct engines_entry *entry;

	e->event = sd_event_ref(event);
	e->self = geteuid();
	e->users = strdup(users ? users : "/run/user");
	if (!e->users)
		return -ENOMEM;
	if (!sockets) {
		sockets = root_sockets;
		n = ARRAY_SIZE(root_sockets);
	}
	for (size_t i = 0; i < n; i++) {
		int err = add(e, sockets[i].runtime, sockets[i].socket, 0, &entry);

		if (err)
			return err;
	}
	return 0;
}

static void sweep(struct engines *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->n; i++) {
		struct engines_entry *entry = e->list[i];

		if (entry->uid && !entry->users)
			entry_free(entry);
		else
			e->list[kept++] = entry;
	}
	e->n = kept;
}

/* NULL: there are too many, or no memory. */
static struct engines_entry *of_user(struct engines *e, uid_t uid,
				     const struct engine_socket *socket)
{
	_cleanup_free_ char *path = NULL;
	struct engines_entry *entry;
	size_t of_users = 0;

	for (size_t i = 0; i < e->n; i++) {
		entry = e->list[i];
		if (entry->uid == uid && !strcmp(entry->runtime, socket->runtime))
			return entry;
		of_users += entry->uid != 0;
	}
	if (of_users >= ENGINES_OF_USERS_MAX)
		return NULL;
	if (asprintf(&path, "%s/%u/%s", e->users, uid, socket->socket) < 0) {
		path = NULL;
		return NULL;
	}
	return add(e, socket->runtime, path, uid, &entry) ? NULL : entry;
}

size_t engines_choose(struct engines *e, uid_t uid, const char *runtime,
		      struct engines_entry *ret[ENGINES_CHOSEN_MAX])
{
	size_t n = 0;

	sweep(e);
	for (size_t i = 0; uid && i < ARRAY_SIZE(user_sockets); i++) {
		if (runtime && strcmp(runtime, user_sockets[i].runtime) != 0)
			continue;
		ret[n] = of_user(e, uid, &user_sockets[i]);
		n += ret[n] != NULL;
	}
	for (size_t i = 0; !uid && i < e->n && n < ENGINES_CHOSEN_MAX; i++) {
		if (!e->list[i]->uid && (!runtime || !strcmp(runtime, e->list[i]->runtime)))
			ret[n++] = e->list[i];
	}
	return n;
}

void engines_done(struct engines *e)
{
	for (size_t i = 0; i < e->n; i++)
		entry_free(e->list[i]);
	free(e->list);
	free(e->users);
	sd_event_unref(e->event);
	*e = (struct engines){0};
}
