/* SPDX-License-Identifier: GPL-2.0-only */
/* What a new policy would have done to what a subject has done. Pure. */
#ifndef LEASTCAP_COMPARE_H
#define LEASTCAP_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include <leastcap/abi.h>

#include "kernel/ledger.h"

/* What a subject, and what is bound below it, has done: by the ledgers. */
struct history {
	uint64_t used;
	uint32_t rules_used;
	bool any; /* there is a ledger at all */
};

/* A ledger joins a history. */
void history_join(struct history *history, const struct kernel_ledger *ledger);

struct comparison {
	uint64_t refused; /* capabilities that were used, and would be refused */
	uint64_t reported; /* the same, but only reported: the mode is audit */
	uint32_t
		rules_refused; /* rules about something that was done: it, or some of it, would be refused */
	uint32_t rules_reported;
};

struct comparison compare(const struct leastcap_policy *policy, const struct history *history);

#endif
