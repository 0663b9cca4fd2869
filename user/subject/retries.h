/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is not known yet, and may be soon: it is asked for again, at first at once, then less often, and not for longer than a
 * minute.
 */
#ifndef LEASTCAP_RETRIES_H
#define LEASTCAP_RETRIES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <systemd/sd-event.h>

#define RETRIES_GIVE_UP_USEC (60 * 1000000ULL)

/* How long to wait after so many attempts beside the first. */
uint64_t retries_pause(unsigned int tries);

/* Part of whatever is tried. All zero before its first attempt. */
struct retry {
	TAILQ_ENTRY(retry) link;
	bool waits; /* it is in the list */
	unsigned int tries; /* that were asked for, the one that waits included */
	uint64_t since, due;
};

struct retries {
	TAILQ_HEAD(, retry) list;
	sd_event_source *timer;
	uint64_t next; /* when it is to wake us; 0: not */
	/* It is due, and not in the list any more. May add it and others, and drops none. */
	void (*again)(struct retry *r, void *ctx);
	void *ctx;
};

/* again and ctx are set; all else is zero. -errno. retries_done() also where this failed. */
int retries_init(struct retries *all, sd_event *event);
void retries_done(struct retries *all);

/* After a failure. False: it has been tried for long enough. */
bool retries_add(struct retries *all, struct retry *r);
void retries_drop(struct retries *all, struct retry *r);

#endif
