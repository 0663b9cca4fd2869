/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The newest events, as lines of JSON. Everyone who follows reads them from here by number, so a slow reader
 * costs nothing: it misses what has been overwritten.
 */
#ifndef LEASTCAP_MEMORY_H
#define LEASTCAP_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define MEMORY_EVENTS 1000

struct memory {
	char *lines
		[MEMORY_EVENTS]; /* line of event n at n % MEMORY_EVENTS, ends in "\n"; NULL: none */
	size_t lens[MEMORY_EVENTS];
	uint64_t last; /* number of the newest event; 0: none yet. They count from 1 */
};

/* Puts event number last + 1 there. Takes line over; NULL: there was no memory for it, the number is used up. */
void memory_add(struct memory *m, char *line, size_t len);

/* Number of the oldest event that is still there; last + 1 when there is none. */
uint64_t memory_oldest(const struct memory *m);

/* The line of an event, valid until the next memory_add(); NULL: it is not there. */
const char *memory_get(const struct memory *m, uint64_t seq, size_t *ret_len);

void memory_done(struct memory *m);

#endif
