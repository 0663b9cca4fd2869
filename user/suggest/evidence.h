/* SPDX-License-Identifier: GPL-2.0-only */
/* Who asked for which capability, how often, from where: gathered from the records of a trace (trace/session.h). Pure. */
#ifndef LEASTCAP_EVIDENCE_H
#define LEASTCAP_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <leastcap/trace.h>

#include "base/cleanup.h"
#include "trace/session.h"
#include "trace/symbols.h"

/* Kinds that are told apart. A workload can make up names of programs: more are counted, and their capabilities are kept. */
#define EVIDENCE_MAX 1024

struct evidence_item {
	uint32_t cap;
	uint32_t verdict; /* enum leastcap_trace_verdict */
	char comm[LEASTCAP_COMM_LEN]; /* hostile */
	char syscall[32]; /* of the first one; empty: in none */
	char function[64]; /* the kernel's, that wanted it; empty: not known */
	uint64_t count;
	int64_t first, last; /* ns since 1970 */
	uint64_t before; /* by counts that are not read again */
	uint64_t sum; /* while counts are read again */
};

struct evidence {
	struct evidence_item *items;
	size_t n;
	/* By verdict: all that came, also what no item has. */
	uint64_t caps[LEASTCAP_TRACE_VERDICTS];
	uint64_t unfit; /* records for which there was no room */
	uint64_t bad; /* records that made no sense */
	uint64_t lost; /* the tracer's */
	/* The tracer's, of anybody on this host: not looked at, so that nobody knows of what. */
	uint64_t missed;
	uint64_t late; /* cgroups that were not watched from their beginning */
};

void evidence_done(struct evidence *e);

/* A record of the ring: the first of its kind in some cgroup. Returns the kind; NULL: no room, or it makes no sense. */
const struct evidence_item *evidence_record(struct evidence *e, const void *record, size_t size,
					    const struct symbols *symbols, int64_t clock_ns);

/*
 * How often each kind has come: begin, each count as the kernel has it, end. now: the time of those that have come again.
 */
void evidence_count_begin(struct evidence *e);
void evidence_count(struct evidence *e, const struct leastcap_trace_key *key, uint64_t n);
void evidence_count_end(struct evidence *e, int64_t now);

/* From now on the kernel counts from 0 again. */
void evidence_count_anew(struct evidence *e);

/* What the tracer has counted of checks that are in no record; at the end. */
void evidence_unseen(struct evidence *e, const struct trace_counts *counts);

/* The capabilities that came with this verdict. */
uint64_t evidence_caps(const struct evidence *e, uint32_t verdict);

/* An array. NULL: no memory. */
json_t *evidence_to_json(const struct evidence *e);

/* The function of a stack that wanted the check: who only passes it on is left out. NULL: none. */
const char *evidence_function(const struct leastcap_trace_stack *r, const struct symbols *symbols,
			      char buf[32]);

#endif
