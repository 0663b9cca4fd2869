/* SPDX-License-Identifier: GPL-2.0-only */
/* One request by io_uring, for the probes: libc has no such calls. */
#ifndef URING_H
#define URING_H

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/io_uring.h>

struct uring {
	int fd;
	struct io_uring_params params;
	char *sq, *cq;
	struct io_uring_sqe *sqe; /* the request: filled in by the caller */
};

static inline int uring_open(struct uring *r) /* 0; -1 and errno */
{
	const struct io_sqring_offsets *sq = &r->params.sq_off;
	const struct io_cqring_offsets *cq = &r->params.cq_off;

	*r = (struct uring){};
	r->fd = (int)syscall(SYS_io_uring_setup, 4, &r->params);
	if (r->fd < 0)
		return -1;
	r->sq = mmap(NULL, sq->array + r->params.sq_entries * sizeof(uint32_t),
		     PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_SQ_RING);
	r->cq = mmap(NULL, cq->cqes + r->params.cq_entries * sizeof(struct io_uring_cqe),
		     PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_CQ_RING);
	r->sqe = mmap(NULL, r->params.sq_entries * sizeof(*r->sqe), PROT_READ | PROT_WRITE,
		      MAP_SHARED, r->fd, IORING_OFF_SQES);
	return r->sq == MAP_FAILED || r->cq == MAP_FAILED || r->sqe == MAP_FAILED ? -1 : 0;
}

/* Registers the credentials that the caller has now. Their number; -1 and errno. */
static inline int uring_personality(const struct uring *r)
{
	return (int)syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_PERSONALITY, NULL, 0);
}

/* Does the request and waits for it. Its result, or -errno. */
static inline int uring_do(const struct uring *r)
{
	((uint32_t *)(r->sq + r->params.sq_off.array))[0] = 0;
	__atomic_store_n((uint32_t *)(r->sq + r->params.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -errno;
	return ((struct io_uring_cqe *)(r->cq + r->params.cq_off.cqes))->res;
}

#endif
