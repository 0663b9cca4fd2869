/* SPDX-License-Identifier: GPL-2.0-only */
/* A process changes its leader, in whose storage its state is. */
#ifndef LEASTCAP_LEADER_BPF_H
#define LEASTCAP_LEADER_BPF_H

#include "carried.bpf.h"

/*
 * A thread that is not the leader executes a program: it becomes the leader, in a task_struct of its own, and the
 * state of the process would stay behind in the old one. From the moment it begins (signal->group_exec_task,
 * de_thread() in fs/exec.c) the state is kept in both. merge: it is the leader already.
 */
static __noinline int process_hand_over(struct task_struct *leader, bool merge)
{
	struct task_struct *heir = leader->signal->group_exec_task;
	struct leastcap_task *from, *to;

	if (!heir || heir == leader)
		return 0;
	from = bpf_task_storage_get(&tasks, leader, NULL, 0);
	if (!has_state(from))
		return 0;
	to = storage_of(heir);
	if (!to)
		return 0;
	if (merge && has_state(to))
		process_merge(to, from);
	else
		process_copy(to, from);
	to->epoch = 0;
	to->generation = 0;
	return 0;
}

/*
 * Kernel 7 preempts programs on tracepoints (seen on 7.3.4), and one that another task is in on the same processor is left out
 * then: recursion_misses, __bpf_prog_enter_recur() in kernel/bpf/trampoline.c. Programs of LSM hooks are called without such a count:
 * __bpf_prog_enter(), also in Debian's 6.1.192. So the heir has what its leader has before execve looks for others to end: what
 * the programs below add is a move since.
 */
SEC("lsm/bprm_creds_for_exec")
int BPF_PROG(lc_exec_thread, struct linux_binprm *bprm, int ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct leastcap_task *p, *heir;

	if (ret)
		return ret;
	if (!armed || task->pid == task->tgid)
		return 0;
	p = process_of(task);
	if (!p)
		return 0;
	/* What it has of an execve that failed is not true any more. */
	heir = has_state(p) ? storage_of(task) : bpf_task_storage_get(&tasks, task, NULL, 0);
	if (heir)
		process_copy(heir, p);
	else if (held_anywhere(p))
		return -ENOMEM;
	return 0;
}

/* The old leader ends before its heir can take its place. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(lc_exit, struct task_struct *task)
{
	if (armed && task->pid == task->tgid)
		process_hand_over(task, false);
	return 0;
}

/* It had ended long before: its heir takes its place without that it ends once more, and gives it away. */
SEC("fentry/release_task")
int BPF_PROG(lc_release, struct task_struct *task)
{
	struct signal_struct *signal = task->signal;

	if (armed && signal && signal->group_exec_task)
		process_hand_over(task, true);
	return 0;
}

#endif
