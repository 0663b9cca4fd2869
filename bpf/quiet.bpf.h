/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end of a flood. What is refused behind the last report of its key waits for the next one, which may never come. Once a key
 * has been left alone for a while user space asks here, key by key, and a record that is no refusal itself stands for the rest.
 * It goes through the ring buffer, as all the others: nothing is told twice or lost, whoever is killed when.
 */
#ifndef LEASTCAP_QUIET_BPF_H
#define LEASTCAP_QUIET_BPF_H

#include "audit.bpf.h"

/*
 * A due that is further away than an interval is of a longer one: it would have been reported since. A reader that was behind may
 * just have caught up.
 */
static __always_inline bool left_alone(__u64 now, __u64 due, __u64 after, __u64 interval,
				       __u64 behind)
{
	return now >= due + after || due > now + (interval > behind ? interval : behind);
}

static __always_inline bool is_quiet(const struct leastcap_quiet *ask,
				     const struct leastcap_key *key,
				     const struct leastcap_sample *s, __u64 now)
{
	volatile struct leastcap_pending *p = pending_find(key);
	__u64 tick = state.jiffy_ns;

	return left_alone(now, s->next, ask->after_ns, state.sample_interval_ns,
			  LEASTCAP_BEHIND_NS) &&
	       (!p || left_alone(bpf_jiffies64(), p->due, ask->after_jiffies, state.sample_jiffies,
				 tick ? LEASTCAP_BEHIND_NS / tick : 0));
}

/* By BPF_PROG_RUN. enum leastcap_quiet_answer */
SEC("syscall")
int lc_quiet(struct leastcap_quiet *ask)
{
	__u64 now = bpf_ktime_get_boot_ns(), suppressed;
	struct leastcap_key key = ask->key;
	struct leastcap_sample *s = bpf_map_lookup_elem(&samples, &key);
	struct leastcap_event *e;

	if (!s)
		return LEASTCAP_QUIET_NOTHING;
	if (!ask->last && !is_quiet(ask, &key, s, now))
		return LEASTCAP_QUIET_LATER;
	suppressed = __sync_lock_test_and_set(&s->suppressed, 0) + pending_untold(&key);
	if (!suppressed)
		return LEASTCAP_QUIET_NOTHING;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&s->suppressed, suppressed);
		return LEASTCAP_QUIET_LATER;
	}
	__builtin_memset(e, 0, sizeof(*e));
	event_head(e, LEASTCAP_EVENT_QUIET, sizeof(*e));
	e->time = now;
	e->cgroup = key.binding;
	e->binding = key.binding;
	e->policy = ask->policy;
	e->suppressed = suppressed;
	e->flags = ask->flags;
	e->syscall = -1;
	event_key(e, &key);
	event_submit(e);
	return LEASTCAP_QUIET_TOLD;
}

#endif
