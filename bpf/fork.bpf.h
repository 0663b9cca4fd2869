/* SPDX-License-Identifier: GPL-2.0-only */
/* A child carries what its maker carries. One that is made in another cgroup has moved there. */
#ifndef LEASTCAP_FORK_BPF_H
#define LEASTCAP_FORK_BPF_H

#include "moves.bpf.h"

/* The stack has no room for one: it is in .rodata. */
const volatile struct leastcap_task no_task;

/* All that holds the maker: what a child takes along that is made somewhere else, wherever that is. */
static __noinline int carry_all(struct task_struct *maker, struct leastcap_task *child)
{
	struct leastcap_task *p = process_of(maker);
	struct cgroup *src = task_cgroup(maker);
	struct move m = {.src = src,
			 .process = child,
			 .held_above = entering(p) ? p->enter_level : NO_LEVEL,
			 .carry = true};

	bpf_loop(BPF_CORE_READ(src, level) + 1, move_leave, &m, 0);
	return 0;
}

/*
 * A child whose maker has state has it from the beginning, where a fork can still fail: one that could not carry what its maker
 * carries is not made. lc_fork does it again: the maker may have been moved meanwhile. But lc_fork may be left out, see
 * lc_exec_thread; so whoever a policy holds, and makes a child in another cgroup, has it carry all that until lc_fork knows
 * better. Not sleepable: v6.12 wants to see the RCU lock held there for group_leader.
 */
SEC("lsm/task_alloc")
int BPF_PROG(lc_task, struct task_struct *child, unsigned long clone_flags, int ret)
{
	struct task_struct *maker = bpf_get_current_task_btf();
	struct leastcap_task *p, *c;
	bool elsewhere;

	if (ret)
		return ret;
	if (!armed || (clone_flags & CLONE_THREAD))
		return 0;
	p = process_of(maker);
	elsewhere = (clone_flags & CLONE_INTO_CGROUP) && confined_by(maker);
	if (!has_state(p) && !elsewhere)
		return 0;
	c = storage_of(child);
	if (!c)
		return elsewhere || held_anywhere(p) ? -ENOMEM : 0;
	if (p)
		process_copy(c, p);
	if (elsewhere)
		carry_all(maker, c);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(lc_fork, struct task_struct *parent, struct task_struct *child)
{
	struct cgroup *src = parent->cgroups->dfl_cgrp, *dst = child->cgroups->dfl_cgrp;
	struct leastcap_task *p, *c;

	if (!armed)
		return 0;
	/* A thread elsewhere, in a threaded subtree: the process leaves where its maker is. */
	if (child->pid != child->tgid) {
		if (src != dst)
			process_moved(child->group_leader, parent, src, dst, false);
		return 0;
	}
	p = process_of(parent);
	c = has_state(p) ? storage_of(child) : bpf_task_storage_get(&tasks, child, NULL, 0);
	if (c)
		process_copy(c, p ?: (const struct leastcap_task *)&no_task);
	else if (held_anywhere(p))
		/* It got its state since lc_task looked, and there is no memory: its maker does not go on. */
		bpf_send_signal(9);
	/* clone3(CLONE_INTO_CGROUP): a move by the parent, from where the parent is. */
	if (src != dst)
		process_moved(child, parent, src, dst, true);
	return 0;
}

#endif
