/* SPDX-License-Identifier: GPL-2.0-only */
#include "audit/memory.h"

#include <stdlib.h>

void memory_add(struct memory *m, char *line, size_t len)
{
	size_t slot = ++m->last % MEMORY_EVENTS;

	free(m->lines[slot]);
	m->lines[slot] = line;
	m->lens[slot] = len;
}

uint64_t memory_oldest(const struct memory *m)
{
	return m->last < MEMORY_EVENTS ? 1 : m->last - MEMORY_EVENTS + 1;
}

const char *memory_get(const struct memory *m, uint64_t seq, size_t *ret_len)
{
	if (seq < memory_oldest(m) || seq > m->last)
		return NULL;
	*ret_len = m->lens[seq % MEMORY_EVENTS];
	return m->lines[seq % MEMORY_EVENTS];
}

void memory_done(struct memory *m)
{
	for (size_t i = 0; i < MEMORY_EVENTS; i++)
		free(m->lines[i]);
	*m = (struct memory){0};
}
