/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Holding a container's entrypoint until user space knows who the container is and has bound its policy.
 *
 * The execve that ends entering stops the process by SIGSTOP, before its first instruction. SIGCONT lets it go: from the
 * daemon once the container is known, from its guard when a time limit passes or the daemon is gone. Neither has to
 * be there for anything else to go on: nothing is held when nobody has moved state.hold_until on.
 *
 * A container is in `waiting` from its birth until it is known, a process in `held` while it is stopped. User space ends
 * the waiting first and then looks for who is held; here it is the other way round. So one of the two sees the other.
 */
#ifndef LEASTCAP_HOLD_BPF_H
#define LEASTCAP_HOLD_BPF_H

#include "audit.bpf.h"

/* include/uapi/asm-generic/signal.h */
#define SIGCONT 18
#define SIGSTOP 19

/* A container that is born. */
static __always_inline void hold_await(__u64 cgroup)
{
	__u64 now = bpf_ktime_get_boot_ns();

	if (state.hold && bpf_map_update_elem(&waiting, &cgroup, &now, BPF_ANY))
		lose(LEASTCAP_LOSS_HOLD);
}

struct hold_search {
	struct cgroup *cgrp;
	__u64 found; /* the container that a task is in, if it waits; 0: none does */
};

static long hold_level(__u32 level, void *ctx)
{
	struct hold_search *s = ctx;
	__u64 id = cgroup_id(cgroup_ancestor(s->cgrp, level));

	if (!bpf_map_lookup_elem(&waiting, &id))
		return 0;
	s->found = id;
	return 1;
}

/* The daemon is woken: somebody waits for it. */
static __always_inline void hold_tell(__u64 cgroup)
{
	struct leastcap_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		lose(LEASTCAP_LOSS_RING);
		return;
	}
	__builtin_memset(e, 0, sizeof(*e));
	event_fill(e, LEASTCAP_EVENT_HELD, sizeof(*e), bpf_ktime_get_boot_ns());
	e->binding = cgroup;
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
}

/* current executes what it came into the container for. */
static __noinline int hold_entrypoint(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct cgroup *cgrp = task_cgroup(task);
	struct hold_search s = {.cgrp = cgrp};
	struct leastcap_held h = {};
	__u32 pid = task->tgid;

	if (!state.hold)
		return 0;
	bpf_loop(BPF_CORE_READ(cgrp, level) + 1, hold_level, &s, 0);
	if (!s.found)
		return 0;
	h.cgroup = s.found;
	h.since = bpf_ktime_get_boot_ns();
	h.start = BPF_CORE_READ(task, start_boottime);
	/* Only where somebody would let it go. It takes effect on the way back to user mode: until then a SIGCONT takes it back. */
	if (h.since >= state.hold_until || bpf_send_signal(SIGSTOP)) {
		lose(LEASTCAP_LOSS_HOLD);
		return 0;
	}
	if (bpf_map_update_elem(&held, &pid, &h, BPF_ANY)) {
		bpf_send_signal(SIGCONT);
		lose(LEASTCAP_LOSS_HOLD);
		return 0;
	}
	if (!bpf_map_lookup_elem(&waiting, &s.found)) {
		bpf_map_delete_elem(&held, &pid);
		bpf_send_signal(SIGCONT);
		return 0;
	}
	__sync_fetch_and_add(&state.held, 1);
	hold_tell(s.found);
	return 0;
}

#endif
