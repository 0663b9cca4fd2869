/* SPDX-License-Identifier: GPL-2.0-only */
/* What a binding's sets of capabilities come to, by its mode. Pure. */
#ifndef LEASTCAP_EXPLAIN_BALANCE_H
#define LEASTCAP_EXPLAIN_BALANCE_H

#include <stdint.h>

#include <jansson.h>

struct balance {
	uint64_t granted, allowed, denied; /* as the status has them */
	uint64_t would; /* used, and not allowed: the policy only reports it, or a shadow does */
	uint64_t used; /* with those */
	uint64_t let_through; /* what the policy leaves: where it only reports, all */
	uint64_t withheld; /* granted, and not let through */
	uint64_t unused; /* granted, let through, and never used */
};

/* Of a binding as the status has it. */
void balance_of(const json_t *binding, struct balance *ret);

/* {"never_used", "not_allowed"}: drift, what the runtime grants (here: granted) and nobody uses or may use. NULL: no memory. */
json_t *balance_drift(const json_t *binding, uint64_t granted);

#endif
