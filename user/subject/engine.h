/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One container engine behind a unix socket: the Engine API of Docker, which Podman speaks too. It may be absent, slow,
 * wrong or hostile: what it costs is what it would have told.
 */
#ifndef LEASTCAP_ENGINE_H
#define LEASTCAP_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "subject/identity.h"

/* Questions at a time, and those that wait, of one engine. */
#define ENGINE_ASKED_MAX 8
#define ENGINE_WAITING_MAX 4096

struct engine;

enum engine_state {
	ENGINE_UNUSED, /* nothing was asked yet */
	ENGINE_ANSWERING,
	ENGINE_ABSENT, /* nobody listens, or somebody else than expected */
	ENGINE_HANGING, /* accepts and does not answer in time, or not in HTTP */
};

struct engine_options {
	const char *socket;
	uid_t uid; /* whose process must listen there */
	size_t answer_max; /* bytes; 0: 4 MiB */
	uint64_t give_up_usec; /* how long it may not know a container; 0: a minute */

	/* What the engine says of a container, to be taken from said; NULL: it does not know it. */
	void (*found)(void *key, struct identity *said, void *ctx);

	/* The engine tells of a change of this container; may be NULL. */
	void (*changed)(const char *id, void *ctx);
	void *ctx;
};

struct engine_stats {
	enum engine_state state;
	uint64_t since_usec; /* CLOCK_MONOTONIC: in this state */
	size_t asked, waiting;
	uint64_t dropped; /* questions, because too many waited */
	uint64_t values_dropped; /* names, labels, events, ... that did not fit */
};

int engine_new(sd_event *event, const struct engine_options *options, struct engine **ret);

/* Asks for a container by its 64 digits; found() tells, later, once. key is whoever asks. -EINVAL: no such id;
 * -ENOSPC: too many wait. */
int engine_ask(struct engine *e, const char *id, void *key);

/* Is an answer for this key still likely to come? Not from an engine that is absent, or has said twice that it does not know. */
bool engine_may_tell(const struct engine *e, const void *key);

/* Is there a question for this key that the engine has not answered, or only once, with no? Also where it is absent. */
bool engine_owes(const struct engine *e, const void *key);

/* No found() for this key any more. */
void engine_forget(struct engine *e, const void *key);

void engine_get_stats(const struct engine *e, struct engine_stats *ret);

/* Not from within found() or changed(). */
void engine_free(struct engine *e);
DEFINE_CLEANUP(struct engine *, engine_free);

#endif
