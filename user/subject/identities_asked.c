/* SPDX-License-Identifier: GPL-2.0-only */
/* What the engines of a host are asked of its containers, what they say, and that something has changed. */
#include <search.h>
#include <string.h>

#include "subject/document.h"
#include "subject/identities_internal.h"

void identities_stop_waiting(struct container *e)
{
	for (size_t n = 0; n < e->n_engines; n++) {
		if (e->waiting & 1U << n)
			engine_forget(e->engines[n]->engine, e);
	}
	e->waiting = e->again = 0;
}

void identities_on_found(struct engines_entry *which, void *key, struct identity *said, void *ctx)
{
	struct container *e = key;
	struct identities *ids = ctx;
	unsigned int bit = 0;
	bool again;

	for (size_t n = 0; n < e->n_engines; n++)
		bit |= e->engines[n] == which ? 1U << n : 0;
	/* What it says may be from before the change. */
	again = e->again & bit;
	e->waiting &= ~bit;
	e->again &= ~bit;
	if (!said) {
		e->heard |= bit;
		if (again)
			identities_ask(e, which);
		/* That nobody knows it is something to know, too. */
		if (!e->waiting)
			identities_note_change(ids, e);
		return;
	}
	/* It is this engine's: the other one has nothing to say, nor has the disk. */
	identities_stop_waiting(e);
	retries_drop(&ids->unread, &e->unread);
	e->told = true;
	if (e->in_pod)
		document_pod_from_labels(said);
	(void)identity_set(&said->runtime, which->runtime, strlen(which->runtime),
			   IDENTITY_NAME_MAX);
	if (identity_merge(&e->identity, said))
		identities_note_change(ids, e);
	if (again)
		identities_ask(e, which);
}

void identities_ask(struct container *e, const struct engines_entry *only)
{
	for (size_t n = 0; n < e->n_engines; n++) {
		if (only && e->engines[n] != only)
			continue;
		if (e->waiting & 1U << n) {
			e->again |= only ? 1U << n : 0;
			continue;
		}
		/* The engine counts what it has no room for; the next want asks again. */
		if (!engine_ask(e->engines[n]->engine, e->identity.id, e))
			e->waiting |= 1U << n;
	}
}

struct event {
	const char *id;
	const struct engines_entry *which;
};

static void ask_again(const void *node, VISIT visit, void *ctx)
{
	struct container *e = *(struct container *const *)node;
	const struct event *event = ctx;

	/* Of the three visits to an inner node, one. */
	if ((visit == postorder || visit == leaf) && !strcmp(e->identity.id, event->id))
		identities_ask(e, event->which);
}

void identities_on_changed(struct engines_entry *which, const char *id, void *ctx)
{
	struct event event = {.id = id, .which = which};
	struct identities *ids = ctx;

	twalk_r(ids->tree, ask_again, &event);
}
