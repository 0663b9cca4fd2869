/* SPDX-License-Identifier: GPL-2.0-only */
/* What happened below one binding: all that the kernel side keeps of it, wherever it keeps it. */
#ifndef LEASTCAP_KERNEL_LEDGER_H
#define LEASTCAP_KERNEL_LEDGER_H

#include <stdint.h>

#include <leastcap/restrictions.h>

/* The members are those of struct leastcap_ledger, and of struct leastcap_refusals. */
struct kernel_ledger {
	uint64_t cgroup;
	uint64_t used, denied, would_deny, probed; /* masks of capabilities */
	uint32_t rules_used, rules_denied, rules_would_deny;
	uint64_t n_probe_denied;
	uint64_t n_denied[LEASTCAP_RESTRICTIONS]; /* exact counts */
	uint64_t n_would_deny[LEASTCAP_RESTRICTIONS];
};

#endif
