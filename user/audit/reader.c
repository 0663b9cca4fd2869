/* SPDX-License-Identifier: GPL-2.0-only */
#include "audit/reader.h"

#include <stdint.h>
#include <sys/mman.h>

#include <bpf/libbpf.h>

struct reader {
	struct ring_buffer *ring;
	/* A page each: up to where it is read, and written; kernel/bpf/ringbuf.c. libbpf tells of both from 1.3 on. */
	const char *positions;
	size_t page;
	void (*fn)(const void *record, size_t size, void *ctx);
	void *ctx;
	unsigned int left; /* of this turn */
};

static int handle(void *ctx, void *data, size_t size)
{
	struct reader *r = ctx;

	r->fn(data, size, r->ctx);
	/* A negative answer ends the turn; libbpf counts this record as consumed all the same. */
	return --r->left ? 0 : -ECANCELED;
}

int reader_new(int map, void (*fn)(const void *record, size_t size, void *ctx), void *ctx,
	       struct reader **ret)
{
	_cleanup_(reader_freep) struct reader *r = calloc(1, sizeof(*r));
	void *positions;

	if (!r)
		return -ENOMEM;
	r->fn = fn;
	r->ctx = ctx;
	r->ring = ring_buffer__new(map, handle, r, NULL);
	if (!r->ring)
		return -errno;
	r->page = (size_t)sysconf(_SC_PAGESIZE);
	positions = mmap(NULL, 2 * r->page, PROT_READ, MAP_SHARED, map, 0);
	if (positions == MAP_FAILED)
		return -errno;
	r->positions = positions;
	*ret = TAKE_PTR(r);
	return 0;
}

struct reader *reader_free(struct reader *r)
{
	if (r) {
		ring_buffer__free(r->ring);
		if (r->positions)
			munmap((void *)r->positions, 2 * r->page);
		free(r);
	}
	return NULL;
}

int reader_fd(const struct reader *r)
{
	return ring_buffer__epoll_fd(r->ring);
}

int reader_drain(struct reader *r, unsigned int max)
{
	int n;

	r->left = max;
	n = ring_buffer__consume(r->ring);
	if (n < 0 && n != -ECANCELED)
		return n;
	return (int)(max - r->left);
}

bool reader_empty(const struct reader *r)
{
	return __atomic_load_n((const unsigned long *)r->positions, __ATOMIC_SEQ_CST) ==
	       __atomic_load_n((const unsigned long *)(r->positions + r->page), __ATOMIC_SEQ_CST);
}
