/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the store (identities.h) share. */
#ifndef LEASTCAP_IDENTITIES_INTERNAL_H
#define LEASTCAP_IDENTITIES_INTERNAL_H

#include <sys/queue.h>

#include "subject/identities.h"
#include "subject/retries.h"

struct container {
	TAILQ_ENTRY(container) changed_link;
	char *cgroup;
	struct identity identity;
	bool told; /* an engine has answered */
	bool complete; /* so has the disk: its engine would say the same */
	struct retry unread; /* it waits: the disk has not told all yet */
	bool in_changed, in_pod;
	struct engines_entry *engines[ENGINES_CHOSEN_MAX];
	size_t n_engines;
	unsigned int waiting; /* a bit for each engine that has yet to answer */
	unsigned int again; /* likewise: it has told of a change since it was asked */
	unsigned int heard; /* likewise: it has said that it does not know it */
};

struct identities {
	sd_event *event;
	sd_event_source *defer; /* calls changed(), out of everybody's stack */
	char *root;
	identities_changed changed;
	void *ctx;
	void *tree; /* of entries: balanced, so that no choice of names makes it slow */
	size_t n_entries;
	TAILQ_HEAD(, container) changed_list;
	struct engines engines;
	struct retries unread;
	uint64_t dropped, values_dropped;
};

/* More is known of it: changed() is called, out of everybody's stack. */
void identities_note_change(struct identities *ids, struct container *e);

/* ---- identities_asked.c: what engines are asked, and say ---- */

/* Each of its engines, or one. */
void identities_ask(struct container *e, const struct engines_entry *only);
/* No answer for it any more. */
void identities_stop_waiting(struct container *e);
/* For struct engines. */
void identities_on_found(struct engines_entry *which, void *key, struct identity *said, void *ctx);
void identities_on_changed(struct engines_entry *which, const char *id, void *ctx);

#endif
