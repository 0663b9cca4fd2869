/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Refusals of all bindings, summed up for who counts on: a sum never falls, also when a binding ends and takes its ledger
 * along. Few bindings are shown one by one, so that containers that come and go do not make series without end. Pure.
 */
#ifndef LEASTCAP_TALLY_H
#define LEASTCAP_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <leastcap/abi.h>

#include "kernel/ledger.h"

/* Bindings that are shown by name: those that refused something first, until they end. */
#define TALLY_NAMED 64

struct tally_counts {
	uint64_t denied[LEASTCAP_RESTRICTIONS];
	uint64_t would_deny[LEASTCAP_RESTRICTIONS];
};

struct tally_binding {
	uint64_t cgroup;
	struct tally_counts counts; /* as its ledger had them last */
	uint64_t probes;
	unsigned int kinds; /* of refusals: capabilities and rules of which something was refused */
	bool decided, named, there;
};

struct tally {
	struct tally_binding *bindings; /* by cgroup */
	size_t n, n_named;
	struct tally_counts all, other; /* other: of those without a name */
	uint64_t other_caps; /* what they were refused, all together */
	uint32_t other_rules;
	uint64_t probes;
};

/* A ledger as it is now. -ENOMEM: it is counted the next time. */
int tally_note(struct tally *t, const struct kernel_ledger *ledger);

/* After all ledgers that there are were noted: forgets the others. */
void tally_forget(struct tally *t);

/* Its binding has ended. Bound anew it has another ledger, which may already have more by the time it is noted. */
void tally_end(struct tally *t, uint64_t cgroup);

void tally_done(struct tally *t);

#endif
