/* SPDX-License-Identifier: GPL-2.0-only */
/* The consumer of the ring buffer. */
#ifndef LEASTCAP_READER_H
#define LEASTCAP_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct reader;

/* map: kernel_events_fd(). fn is called for each record, from reader_drain(). */
int reader_new(int map, void (*fn)(const void *record, size_t size, void *ctx), void *ctx,
	       struct reader **ret);
struct reader *reader_free(struct reader *r); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(struct reader *, reader_free);

/* Readable when the kernel side wakes the reader, which it does not for every record: ask by a timer as well. */
int reader_fd(const struct reader *r);

/* Handles at most max records. Returns how many; max: there may be more. -errno. */
int reader_drain(struct reader *r, unsigned int max);

/* Is there no record, not even one that is being written? */
bool reader_empty(const struct reader *r);

#endif
