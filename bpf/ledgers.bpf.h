/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is kept of a binding: its ledger, which is made with it, and its refusals, which are made when there are some. What is
 * removed under a check that is under way is made anew, and collected by user space. No room: counted in losses.
 */
#ifndef LEASTCAP_LEDGERS_BPF_H
#define LEASTCAP_LEDGERS_BPF_H

#include "maps.bpf.h"

/* The stack has no room for an element: empty ones are in .rodata. */
const volatile struct leastcap_ledger no_ledger;
const volatile struct leastcap_refusals no_refusals;

static __always_inline long ledger_make(__u64 cgroup)
{
	struct leastcap_ledger *ledger;
	long err = bpf_map_update_elem(&ledgers, &cgroup, (const void *)&no_ledger, BPF_NOEXIST);

	ledger = err ? NULL : bpf_map_lookup_elem(&ledgers, &cgroup);
	if (ledger)
		ledger->number = __sync_fetch_and_add(&state.ledgers, 1) + 1;
	return err;
}

static __always_inline struct leastcap_ledger *ledger_of(__u64 cgroup)
{
	struct leastcap_ledger *ledger = bpf_map_lookup_elem(&ledgers, &cgroup);

	if (!ledger) {
		ledger_make(cgroup);
		ledger = bpf_map_lookup_elem(&ledgers, &cgroup);
		if (!ledger)
			lose(LEASTCAP_LOSS_LEDGER);
	}
	return ledger;
}

static __always_inline struct leastcap_refusals *refusals_of(__u64 cgroup)
{
	struct leastcap_refusals *r = bpf_map_lookup_elem(&refusals, &cgroup);

	if (!r) {
		/* Somebody else's first refusal may come in between: then it is there. */
		bpf_map_update_elem(&refusals, &cgroup, (const void *)&no_refusals, BPF_NOEXIST);
		r = bpf_map_lookup_elem(&refusals, &cgroup);
		if (!r)
			lose(LEASTCAP_LOSS_LEDGER);
	}
	return r;
}

/* A function of its own: whoever calls it has little of the stack left. */
__noinline int probe_count(__u64 cgroup)
{
	struct leastcap_refusals *r = refusals_of(cgroup);

	if (r)
		__sync_fetch_and_add(&r->n_probe_denied, 1);
	return 0;
}

static __always_inline void ledger_count(struct leastcap_ledger *ledger, __u64 bit, __u32 verdict)
{
	if (!ledger)
		return;
	if (verdict == LEASTCAP_DENIED) {
		__sync_fetch_and_or(&ledger->denied, bit);
		__sync_fetch_and_add(&ledger->n_denied, 1);
	} else {
		__sync_fetch_and_or(&ledger->would_deny, bit);
		__sync_fetch_and_add(&ledger->n_would_deny, 1);
	}
}

#endif
