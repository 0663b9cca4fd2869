/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session of tracing: the program, while it is attached, and what it sends. Nothing is pinned, so nothing is left when
 * the process ends, in whatever way. Needs root; kernel_probe() says what else is in the way.
 */
#ifndef LEASTCAP_TRACE_SESSION_H
#define LEASTCAP_TRACE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <leastcap/trace.h>

#include "base/cleanup.h"

struct trace_options {
	uint64_t caps; /* asked for */
	enum leastcap_trace_who who;
	/* Ids of cgroups, for LEASTCAP_TRACE_SUBJECTS; and whatever is made at their paths from then on. */
	const uint64_t *subjects;
	size_t n_subjects;
	uint32_t pid; /* 0: any */
	bool denied, audited, entering, overridden, unique, stack;
};

struct trace_counts {
	uint64_t seen; /* = shown + repeated + lost + what is still in the ring */
	uint64_t repeated;
	uint64_t lost; /* the ring was full */
	uint64_t lost_caps[LEASTCAP_TRACE_VERDICTS]; /* whose checks were among those, by verdict */
	uint64_t unfit; /* more kinds than `unique` can tell apart: sent each time */
	uint64_t
		missed; /* the program was interrupted by another check: not looked at, not in `seen` */
};

struct trace;

/* Is leastcap loaded, so that it is known who is confined and who is entering? */
bool trace_loaded(void);

/* Has leastcap been loaded, loaded anew or unloaded since? Then the session asks maps that nobody uses, or none. */
bool trace_stale(const struct trace *t);

/* Loads, fills, attaches. Logs libbpf's words on failure, the verifier's too. */
int trace_open(const struct trace_options *options, struct trace **ret);

/*
 * The same with the leastcap that there is now, and in the place of old, which is stopped in the moment in which the new one is
 * attached. What is in old's ring can still be read, and its kinds counted, until it is closed; its other counts go on.
 */
int trace_renew(struct trace *old, const struct trace_options *options, struct trace **ret);

/* Hands over at most max records; returns how many. Nobody wakes the reader: ask every now and then. */
int trace_drain(struct trace *t, unsigned int max,
		void (*fn)(const void *record, size_t size, void *ctx), void *ctx);

/* One more cgroup for LEASTCAP_TRACE_SUBJECTS, while it goes on. 1: the kernel has had it since it was made. -errno. */
int trace_watch(struct trace *t, uint64_t subject);

/* With `unique`: how often each kind of check has come until now. -errno. */
int trace_kind_each(const struct trace *t,
		    void (*fn)(const struct leastcap_trace_key *key, uint64_t n, void *ctx),
		    void *ctx);

/* No more checks from now on; what is in the ring can still be read. */
void trace_stop(struct trace *t);

void trace_count(const struct trace *t, struct trace_counts *ret);

struct trace *trace_close(struct trace *t); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(struct trace *, trace_close);

#endif
