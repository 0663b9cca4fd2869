/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What leastcap knows of a process: the maps, and how they are read. Of both objects: the one that enforces writes, the
 * one that traces looks on.
 */
#ifndef LEASTCAP_PROCESS_BPF_H
#define LEASTCAP_PROCESS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <leastcap/abi.h>

#include "bound.bpf.h"
#include "kernel_types.h"

/* Cached answers and process state. Allocation failed: the slow path decides, the loss is counted. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct leastcap_task);
} tasks SEC(".maps");

/* Shared by all builds of this ABI, mapped by user space. Generation 0 is never current: zeroed storage is no answer. */
volatile struct leastcap_state state SEC(".data.state") = {
	.epoch = 1,
	.generation = 1,
	.entering_limit_ns = 30000000000ULL,
	.sample_interval_ns = 1000000000ULL,
};

static __always_inline __u64 cgroup_id(struct cgroup *cgrp)
{
	return BPF_CORE_READ(cgrp, kn, id);
}

/* Ancestor of a cgroup at a level that is not below it; the root is 0. */
static __always_inline struct cgroup *cgroup_ancestor(struct cgroup *cgrp, __u32 level)
{
	struct cgroup *ancestor = NULL;

	bpf_probe_read_kernel(&ancestor, sizeof(ancestor),
			      (void *)&cgrp->ancestors[0] + level * sizeof(ancestor));
	return ancestor;
}

/* The state of a process, NULL if it has none. */
static __always_inline struct leastcap_task *process_of(struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	return leader ? bpf_task_storage_get(&tasks, leader, NULL, 0) : NULL;
}

static __always_inline bool entering(const struct leastcap_task *process)
{
	return process && process->enter_root && bpf_ktime_get_ns() < process->enter_deadline;
}

/* Is it known that this capability needs no work? t: the task's storage, or NULL. All that a quiet check costs. */
static __always_inline bool answer_is_quiet(const struct leastcap_task *t, __u32 cap)
{
	return t && cap < 64 && t->epoch == state.epoch && (t->quiet >> cap & 1);
}

/*
 * The answer that current's storage has, if it is true; NULL: there is none. All that a hook costs whom no policy
 * concerns. The order of reading is walk_current()'s.
 */
static __always_inline struct leastcap_task *cached_answer(struct task_struct *task)
{
	struct leastcap_task *t = bpf_task_storage_get(&tasks, task, NULL, 0);

	return t && (t->epoch == state.epoch || (t->generation == state.generation &&
						 t->cgroup == task->cgroups->dfl_cgrp->kn->id))
		       ? t
		       : NULL;
}

#endif
