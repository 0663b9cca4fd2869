/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/compare.h"

void history_join(struct history *history, const struct kernel_ledger *ledger)
{
	/* What was only reported was done, too. */
	history->used |= ledger->used | ledger->would_deny;
	history->rules_used |= ledger->rules_used | ledger->rules_would_deny;
	history->any = true;
}

struct comparison compare(const struct leastcap_policy *policy, const struct history *history)
{
	uint64_t caps = history->used & ~policy->allow;
	uint32_t deny = history->rules_used & policy->deny,
		 would = history->rules_used & policy->would & ~policy->deny;

	if (policy->mode == LEASTCAP_AUDIT)
		return (struct comparison){.reported = caps, .rules_reported = deny | would};
	return (struct comparison){.refused = caps, .rules_refused = deny, .rules_reported = would};
}
