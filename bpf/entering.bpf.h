/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process moved into a bound subtree from outside, by a task outside, is *entering*: the bindings at or below the cgroup it
 * came in by (enter_root) do not hold it until its own execve, or until the time limit. Runtimes set a container up in that
 * state. What an entering process forks is entering too.
 *
 * It is state of the process, kept in the group leader's task storage.
 */
#ifndef LEASTCAP_ENTERING_BPF_H
#define LEASTCAP_ENTERING_BPF_H

#include "hold.bpf.h"

/*
 * The storage of a task, made if there is none. Two CPUs that make the first storage of one task at a time: one of them
 * is told EAGAIN (bpf_local_storage_alloc() in kernel/bpf/bpf_local_storage.c), and finds it when it asks again.
 */
static __always_inline struct leastcap_task *storage_of(struct task_struct *task)
{
	struct leastcap_task *t;

	t = bpf_task_storage_get(&tasks, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!t)
		t = bpf_task_storage_get(&tasks, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!t)
		lose(LEASTCAP_LOSS_STORAGE);
	return t;
}

/* A function of its own: it happens once in the life of few processes, and takes stack that every check would pay for. */
static __noinline int entering_expired(__u64 root)
{
	event_plain(LEASTCAP_EVENT_ENTERING_EXPIRED, root);
	return 0;
}

/* The cgroup where the walk over a task's bindings stops; 0: nowhere. Reports a time limit that struck. */
static __always_inline __u64 entering_stop(struct leastcap_task *process)
{
	__u64 root;

	if (!process || !process->enter_root)
		return 0;
	if (entering(process))
		return process->enter_root;
	root = __sync_lock_test_and_set(&process->enter_root, 0);
	if (root)
		entering_expired(root);
	return 0;
}

/* Nothing of it is left, and nothing of an answer: a check during the set-up was judged without the bindings. */
static __always_inline void entering_end(struct leastcap_task *process)
{
	process->enter_root = 0;
	process->epoch = 0;
	process->generation = 0;
}

#endif
