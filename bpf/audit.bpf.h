/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a check came to: masks and counters, exact, in the ledger of every binding concerned; and who is blamed for it in the
 * sample (sample.bpf.h). A verdict never depends on anything here.
 */
#ifndef LEASTCAP_AUDIT_BPF_H
#define LEASTCAP_AUDIT_BPF_H

#include "ledgers.bpf.h"
#include "sample.bpf.h"

/*
 * Has somebody broken the glass, and is his time not over? Asked where something is about to be refused, nowhere else. It ends
 * by itself, whoever is alive.
 */
static __always_inline bool disarmed(void)
{
	__u64 until = state.disarmed_until;

	return until && bpf_ktime_get_boot_ns() < until;
}

/* A second walk over the bindings of a task: writes down what the check came to. */
struct record {
	struct cgroup *cgrp;
	__u64 stop;
	__u32 item;
	__u32 todo; /* LEASTCAP_DO_* */
	__u64 deepest; /* the last binding seen */
	__u64 deepest_policy;
	struct sample sample; /* binding 0: nobody to blame yet */
	struct counting counting;
};

/*
 * The sample names one binding: the innermost that refuses, else the innermost that would. It is the one that is nearest to the
 * workload, and two workloads below one outer binding do not hide each other's refusals.
 */
static __always_inline void blame(struct sample *s, __u64 cgroup, __u64 policy, __u32 verdict,
				  __u32 flags)
{
	if (s->binding && s->verdict == LEASTCAP_DENIED && verdict != LEASTCAP_DENIED)
		return;
	s->binding = cgroup;
	s->policy = policy;
	s->verdict = verdict;
	s->flags = (s->flags & ~LEASTCAP_EVENT_SHADOW) | flags;
}

__noinline int record_binding(struct record *r, __u64 cgroup)
{
	struct leastcap_ledger *ledger;
	enum leastcap_verdict verdict, shadow;
	struct bound b = {};
	__u64 bit;

	if (!r || !bound_read(cgroup, &b))
		return 0;
	r->deepest = cgroup;
	r->deepest_policy = b.policy;
	bit = leastcap_bit(r->item);
	ledger = ledger_of(cgroup);
	if ((r->todo & LEASTCAP_DO_LEARN) && ledger)
		__sync_fetch_and_or(&ledger->used, bit);
	verdict = leastcap_blame(b.readable ? &b.rules : NULL, r->item, 0);
	shadow = leastcap_blame(b.has_shadow ? &b.shadow_rules : NULL, r->item, 1);
	if (r->todo & LEASTCAP_DO_PROBE) {
		if (verdict == LEASTCAP_ALLOWED)
			return 0;
		blame(&r->sample, cgroup, b.policy, verdict, 0);
		if (ledger) {
			__sync_fetch_and_or(&ledger->probed, bit);
			probe_count(cgroup);
		}
		return 0;
	}
	/* The policy may have been replaced since the decision: what was decided is counted, not what would be now. */
	if (verdict == LEASTCAP_DENIED && !(r->todo & LEASTCAP_DO_DENY))
		verdict = LEASTCAP_WOULD_DENY;
	if (verdict != LEASTCAP_ALLOWED) {
		blame(&r->sample, cgroup, b.policy, verdict, 0);
	} else if (shadow != LEASTCAP_ALLOWED) {
		verdict = shadow;
		blame(&r->sample, cgroup, b.shadow, verdict, LEASTCAP_EVENT_SHADOW);
	} else {
		return 0;
	}
	ledger_count(ledger, bit, verdict);
	counting_add(&r->counting, cgroup, verdict == LEASTCAP_DENIED);
	return 0;
}

static long record_level(__u32 level, void *ctx)
{
	struct record *r = ctx;
	__u64 id = cgroup_id(cgroup_ancestor(r->cgrp, level));

	if (id == r->stop)
		return 1;
	record_binding(r, id);
	return 0;
}

/* Of a function of its own, as the stack of the walk is full. */
__noinline int record_carried(struct record *r, struct leastcap_task *process)
{
	__u32 carried;

	if (!r || !process)
		return 0;
	carried = carried_by(process, PLACE_OF(r));
	for (int i = 0; i < LEASTCAP_HELD; i++) {
		if (carried & (1U << i))
			record_binding(r, process->held[i]);
	}
	return 0;
}

/* The walk: r says what, and gets to know who has counted it. Answers what sample_refusal() does. */
static __always_inline int record_check(struct record *r, struct leastcap_task *process)
{
	struct cgroup *cgrp = r->cgrp;

	if (process && process->carried)
		record_carried(r, process);
	bpf_loop(BPF_CORE_READ(cgrp, level) + 1, record_level, r, 0);
	if (!(r->todo & LEASTCAP_DO_REPORT))
		return 0;
	if (!r->sample.binding ||
	    ((r->todo & LEASTCAP_DO_DENY) && r->sample.verdict != LEASTCAP_DENIED)) {
		/*
		 * Nobody refuses any more: the policy was replaced between the decision and here, or the
		 * process carries more than it can hold. The refusal happened; it is counted all the same.
		 */
		if (!r->deepest && process)
			r->deepest = process->held[0];
		blame(&r->sample, r->deepest, r->deepest_policy,
		      r->todo & LEASTCAP_DO_DENY ? LEASTCAP_DENIED : LEASTCAP_WOULD_DENY, 0);
		ledger_count(r->deepest ? ledger_of(r->deepest) : NULL, leastcap_bit(r->item),
			     r->sample.verdict);
		r->counting.n = LEASTCAP_HELD + 1;
	}
	return sample_refusal(&r->sample);
}

/*
 * v6.12 and later check the range of an LSM program's answer (5d99e198be27, "bpf, lsm: Add check for BPF LSM
 * return value"), and cannot see it through the arithmetic that the compiler would make of this.
 */
static __always_inline int refusal(int refused)
{
	asm volatile("" : "+r"(refused));
	return refused ? -EPERM : 0;
}

#endif
