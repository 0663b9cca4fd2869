/* SPDX-License-Identifier: GPL-2.0-only */
/* A record of the ring -> a checked struct -> words and JSON. Pure. */
#ifndef LEASTCAP_TRACE_RECORD_H
#define LEASTCAP_TRACE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <leastcap/trace.h>

#include "trace/names.h"
#include "trace/symbols.h"

/* Checks and copies; without a stack the frames are 0. -EBADMSG: nothing of it is used. */
int trace_decode(const void *record, size_t size, struct leastcap_trace_stack *ret);

/* "allowed", "denied" (by leastcap), "missing" (not granted), "refused" (by another security module). */
const char *trace_verdict(uint32_t verdict);

/* Of a refusal it is not known who it was: leastcap came, or went, meanwhile. Anything else stays as it is. */
void trace_doubt(struct leastcap_trace_check *c);

/* What else is to be said of a check, for people: "probe, entering"; "" for an ordinary one. To be freed. */
char *trace_remarks(const struct leastcap_trace_check *c);

/*
 * Function n of a stack, the one that asked for the check first: what is ours and the check itself are left out. In buf,
 * or as long as s. NULL: no more. s: NULL, addresses are all there is.
 */
const char *trace_frame(const struct leastcap_trace_stack *r, const struct symbols *s, size_t n,
			char buf[32]);

/* clock_ns: CLOCK_REALTIME - CLOCK_BOOTTIME. s: NULL, there is no member `stack`. NULL: no memory. */
json_t *trace_to_json(const struct leastcap_trace_stack *r, const struct trace_name *name,
		      const struct symbols *s, int64_t clock_ns);

#endif
