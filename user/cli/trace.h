/* SPDX-License-Identifier: GPL-2.0-only */
/* What `leastcap trace` prints, and what it shares with `leastcap learn`. */
#ifndef LEASTCAP_CLI_TRACE_H
#define LEASTCAP_CLI_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/follower.h"
#include "trace/names.h"
#include "trace/session.h"
#include "trace/symbols.h"

struct trace_printer {
	bool json;
	bool failed; /* standard output takes no more */
	uint64_t shown;
	uint64_t told_lost;
	uint64_t bad; /* records that make no sense */
	unsigned int columns; /* of a line; 0: as long as it gets */
	int64_t clock_ns; /* CLOCK_REALTIME - CLOCK_BOOTTIME */
	struct trace_names *names;
	struct symbols *symbols; /* NULL: no stacks */
};

int trace_printer_init(struct trace_printer *p, bool stack);

/* leastcap is another one from here on, or there is none any more: a line on standard error, or an object. */
int trace_printer_loaded(struct trace_printer *p, bool loaded);
void trace_printer_done(struct trace_printer *p);

void trace_print_head(const struct trace_printer *p);

/* One record of the ring; ctx is the printer. */
void trace_print(const void *record, size_t size, void *ctx);

/* If more was lost since the last time: a line on standard error, or an object. */
void trace_print_lost(struct trace_printer *p, const struct trace *session);

/* Cgroups of the subject have come meanwhile: likewise. */
void trace_print_came(struct trace_printer *p, const struct follower *f);

void trace_print_summary(struct trace_printer *p, const struct trace *session);

/* Is anything in the way of tracing on this host? Logs it. Returns an exit status. */
int trace_check_host(void);

/* The cgroups that SUBJECT means, to be freed. Logs what it does not mean. Returns an exit status. */
int trace_find(const char *subject, uint64_t **ret, size_t *ret_n);

/* Logs which cgroups were not seen from their beginning, if there are such. */
void follower_tell(const struct follower *f);

/* For follower_look(); ctx is the session. */
int trace_watch_more(uint64_t id, void *ctx);

#endif
