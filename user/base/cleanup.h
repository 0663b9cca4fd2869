/* SPDX-License-Identifier: GPL-2.0-only */
/* Ownership in the declaration: a resource is released when its variable goes out of scope. */
#ifndef LEASTCAP_CLEANUP_H
#define LEASTCAP_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* Destructors take NULL; DEFINE_CLEANUP makes the `fnp` form that _cleanup_() wants. */
#define DEFINE_CLEANUP(type, fn)          \
	static inline void fn##p(type *p) \
	{                                 \
		if (*p)                   \
			fn(*p);           \
	}                                 \
	struct leastcap_cleanup_needs_a_semicolon

static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

/* Negative descriptors (-EBADF) are "none". errno is kept, so that `return -errno` stays true. */
static inline void cleanup_closep(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void cleanup_fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define _cleanup_free_ _cleanup_(cleanup_freep)
#define _cleanup_close_ _cleanup_(cleanup_closep)
#define _cleanup_fclose_ _cleanup_(cleanup_fclosep)
#define _cleanup_closedir_ _cleanup_(cleanup_closedirp)

/* Hand a resource over: the variable forgets it. */
#define TAKE_PTR(p)                               \
	({                                        \
		__typeof__(p) *take_p_ = &(p);    \
		__typeof__(p) take_v_ = *take_p_; \
		*take_p_ = NULL;                  \
		take_v_;                          \
	})

#define TAKE_FD(fd)                     \
	({                              \
		int *take_p_ = &(fd);   \
		int take_v_ = *take_p_; \
		*take_p_ = -EBADF;      \
		take_v_;                \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
