/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a task to its effective policy.
 *
 * Every bound ancestor of the task's cgroup counts, plus the bindings that the task carries with it. The walk
 * goes from the root down; an entering process stops it at the cgroup it is entering (entering.bpf.h).
 *
 * Directions of failure: no binding - not confined. A binding whose policy cannot be read - nothing is
 * allowed. No task storage - the same walk, without a cached answer.
 */
#ifndef LEASTCAP_SUBJECT_BPF_H
#define LEASTCAP_SUBJECT_BPF_H

#include <bpf/bpf_core_read.h>

#include <leastcap/decide.h>

#include "kernel_types.h"
#include "maps.bpf.h"

static __always_inline struct cgroup *task_cgroup(struct task_struct *task)
{
	return BPF_CORE_READ(task, cgroups, dfl_cgrp);
}

/* Is a cgroup the one with this id, or below it, on the way down from the root until the one where a walk stops? */
struct find {
	struct cgroup *cgrp;
	__u64 id;
	__u64 stop; /* 0: nowhere */
	bool found;
};

static long find_level(__u32 level, void *ctx)
{
	struct find *f = ctx;
	__u64 id = cgroup_id(cgroup_ancestor(f->cgrp, level));

	f->found = id == f->id && id != f->stop;
	return f->found || id == f->stop;
}

__noinline int address_below(__u64 address, __u64 id, __u64 stop)
{
	struct cgroup *cgrp = (struct cgroup *)address;
	struct find f = {.cgrp = cgrp, .id = id, .stop = stop};

	bpf_loop(BPF_CORE_READ(cgrp, level) + 1, find_level, &f, 0);
	return f.found;
}

/* A function that is not static is given numbers, no kernel pointers: reading makes one of the other. */
static __always_inline bool cgroup_below(struct cgroup *cgrp, __u64 id, __u64 stop)
{
	__u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &cgrp);
	return address_below(address, id, stop);
}

/* A place to walk from: the first members of what walks. A function that is not static reads a number for the pointer. */
struct place {
	struct cgroup *cgrp;
	__u64 stop; /* id of the cgroup being entered; 0: none */
};

#define PLACE_OF(walk) ((const struct place *)&(walk)->cgrp)

/*
 * The bindings that a process carries, and that do not hold it where it is, a bit each. Back at home it carries them all the
 * same: until a move is made some of its threads are elsewhere yet.
 */
__noinline __u32 carried_by(struct leastcap_task *process, const struct place *at)
{
	__u32 bits = 0;

	for (int i = 0; process && at && i < LEASTCAP_HELD; i++) {
		if ((process->carried & (1U << i)) &&
		    !address_below((__u64)at->cgrp, process->held[i], at->stop))
			bits |= 1U << i;
	}
	return bits;
}

/* What a walk over the bindings of a task does, and what it found. */
struct walk {
	struct cgroup *cgrp;
	__u64 stop; /* id of the cgroup being entered; 0: none */
	__u64 generation; /* what the view is made of */
	struct leastcap_view view;
	__u32 bound; /* by how many bindings */
};

/* One more binding of a task joins the walk. */
__noinline int walk_join(struct walk *w, __u64 cgroup)
{
	struct leastcap_ledger *ledger;
	struct bound b = {};

	if (!w || !bound_read(cgroup, &b))
		return 0;
	w->bound++;
	leastcap_join(&w->view, b.readable ? &b.rules : NULL, 0);
	if (b.has_shadow)
		leastcap_join(&w->view, &b.shadow_rules, 1);
	ledger = bpf_map_lookup_elem(&ledgers, &cgroup);
	w->view.used &= ledger ? ledger->used : 0;
	w->view.rules_used &= ledger ? ledger->rules_used : 0;
	return 0;
}

static long walk_level(__u32 level, void *ctx)
{
	struct walk *w = ctx;
	__u64 id = cgroup_id(cgroup_ancestor(w->cgrp, level));

	if (id == w->stop)
		return 1;
	walk_join(w, id);
	return 0;
}

/*
 * The effective policy of a task: w->cgrp and w->stop say where, w->view is the answer, w->bound by how many bindings
 * it is made; 0 - the task is not confined. process: the group leader's storage, or NULL.
 */
static __always_inline void subject_view(struct walk *w, struct leastcap_task *process)
{
	struct cgroup *cgrp = w->cgrp;

	leastcap_view_init(&w->view);
	w->bound = 0;
	bpf_loop(BPF_CORE_READ(cgrp, level) + 1, walk_level, w, 0);
	if (process && process->carried) {
		__u32 carried = carried_by(process, PLACE_OF(w));

		for (int i = 0; i < LEASTCAP_HELD; i++) {
			if (carried & (1U << i))
				walk_join(w, process->held[i]);
		}
	}
	if (process && (process->flags & LEASTCAP_TASK_OVERFLOW)) {
		w->view.enforce = 0;
		w->view.deny = ~0U;
		w->bound++;
	}
}

#endif
