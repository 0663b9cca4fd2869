/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tasks that move between cgroups: who is entering a binding, and whose policy goes with it.
 *
 * A task moved out of a bound subtree by a task that is confined *carries* the binding; so does what it forks. It carries it
 * from before the move is made, and also back at home. Only a task that nothing confines takes it away, and only when its
 * move is made. Once held by a binding, a process never enters it again.
 *
 * All of it is state of the process, kept in the group leader's task storage. Writers: fentry and fexit of
 * cgroup_attach_task (under cgroup_mutex), the fork tracepoint (the child does not run yet), execve of the
 * process itself (execve.bpf.h), and the end of a leader that it replaces.
 */
#ifndef LEASTCAP_MOVES_BPF_H
#define LEASTCAP_MOVES_BPF_H

#include "leader.bpf.h"

/* ---- where two cgroups part ---- */

struct part {
	struct cgroup *a, *b;
	__u32 level;
};

static long part_level(__u32 level, void *ctx)
{
	struct part *p = ctx;

	if (cgroup_ancestor(p->a, level) != cgroup_ancestor(p->b, level))
		return 1;
	p->level = level + 1;
	return 0;
}

/* The first level where the two chains differ: all levels above are common. */
static __always_inline __u32 cgroups_part(struct cgroup *a, struct cgroup *b)
{
	struct part p = {.a = a, .b = b};
	__u32 la = BPF_CORE_READ(a, level), lb = BPF_CORE_READ(b, level);

	bpf_loop((la < lb ? la : lb) + 1, part_level, &p, 0);
	return p.level;
}

static __always_inline bool is_bound(__u64 cgroup)
{
	return bpf_map_lookup_elem(&bindings, &cgroup) != NULL;
}

static long confined_level(__u32 level, void *ctx)
{
	struct find *f = ctx;
	__u64 id = cgroup_id(cgroup_ancestor(f->cgrp, level));

	if (id == f->stop)
		return 1;
	f->found = is_bound(id);
	f->id = f->found ? id : 0;
	return f->found;
}

/* No cgroup has this id. */
#define UNKNOWN_BINDING (~0ULL)

/* A binding that holds the task, by its place or because the task carries it; 0: there is none. */
static __noinline __u64 confined_by(struct task_struct *task)
{
	struct leastcap_task *process = process_of(task);
	struct cgroup *cgrp = task_cgroup(task);
	struct find f = {.cgrp = cgrp, .stop = entering(process) ? process->enter_root : 0};

	for (int i = 0; process && i < LEASTCAP_HELD; i++) {
		if (process->carried & (1U << i))
			return process->held[i];
	}
	if (held_anywhere(process))
		return process->held[0] ?: UNKNOWN_BINDING;
	bpf_loop(BPF_CORE_READ(cgrp, level) + 1, confined_level, &f, 0);
	return f.id;
}

/* ---- a move ---- */

#define NO_LEVEL (~0U)

struct move {
	struct cgroup *src, *dst;
	struct leastcap_task *process; /* the state of the one that moves */
	struct leastcap_task *mover; /* the state of the one that moves it; may be NULL */
	__u32 first; /* level where the callback's level 0 is */
	__u32 held_above; /* bindings of src at or below this level did not hold the one that moves: it was entering */
	__u32 enter; /* candidate for enter_level */
	bool carry; /* the mover is confined: what held goes along */
	bool any; /* there is a binding to enter; without `process`: one that would have to be carried */
};

/* A level of src that is left behind: if it is bound, it held the process. */
static long move_leave(__u32 i, void *ctx)
{
	struct move *m = ctx;
	struct leastcap_task *process = m->process;
	__u32 level = m->first + i;
	__u64 id;

	if (level >= m->held_above)
		return 1;
	id = cgroup_id(cgroup_ancestor(m->src, level));
	if (!is_bound(id))
		return 0;
	if (process)
		held_add(process, id, m->carry);
	else if (m->carry)
		m->any = true;
	return 0;
}

/* A level of dst that is new: if it is bound, the process may be entering it. */
static long move_enter(__u32 i, void *ctx)
{
	struct move *m = ctx;
	__u32 level = m->first + i;
	__u64 id = cgroup_id(cgroup_ancestor(m->dst, level));

	if (!m->process || !is_bound(id))
		return 0;
	m->any = held_find(m->process, id) < 0 && !carries(m->mover, id);
	if (!m->any)
		m->enter = level + 1;
	return 0;
}

/*
 * `leader` moves from src to dst at the hands of `mover`. whole: all of its threads do; a single thread never
 * enters. src and dst may be anything but equal.
 */
static __noinline int process_moved(struct task_struct *leader, struct task_struct *mover_task,
				    struct cgroup *src, struct cgroup *dst, bool whole)
{
	struct cgroup *mover_cgrp = task_cgroup(mover_task);
	struct leastcap_task *p, *mover = process_of(mover_task);
	struct move m = {
		.src = src, .dst = dst, .mover = mover, .carry = confined_by(mover_task) != 0};
	__u32 part, mover_dst, carried, dst_level;
	__u64 root;

	p = storage_of(leader);
	part = cgroups_part(src, dst);
	m.process = p;
	m.first = part;
	m.held_above = entering(p) ? p->enter_level : NO_LEVEL;
	carried = goes_along(p);
	bpf_loop(BPF_CORE_READ(src, level) + 1 - part, move_leave, &m, 0);
	if (!p) {
		/*
		 * Without storage nobody is entering. But a policy that should go along cannot: whoever
		 * moves it, and is confined, is stopped.
		 */
		if (m.any)
			bpf_send_signal(9);
		return 0;
	}
	mover_dst = cgroups_part(mover_cgrp, dst);
	dst_level = BPF_CORE_READ(dst, level);

	/* A cached answer for dst may be from before: void it. */
	if (goes_along(p) != carried) {
		__sync_fetch_and_add(&state.generation, 1);
		__sync_fetch_and_add(&state.epoch, 1);
		event_plain(LEASTCAP_EVENT_CARRIED, cgroup_id(src));
	}

	/* Still below the cgroup it came in by: it goes on entering, with the same time limit. */
	if (entering(p) && p->enter_level <= dst_level &&
	    cgroup_id(cgroup_ancestor(dst, p->enter_level)) == p->enter_root)
		return 0;
	p->enter_root = 0;
	m.enter = part > mover_dst ? part : mover_dst;
	if (!whole || m.enter > dst_level || (p->flags & LEASTCAP_TASK_NEVER_ENTERS))
		return 0;
	m.first = m.enter;
	bpf_loop(dst_level + 1 - m.first, move_enter, &m, 0);
	if (!m.any)
		return 0;
	root = cgroup_id(cgroup_ancestor(dst, m.enter));
	p->enter_level = m.enter;
	p->enter_deadline = bpf_ktime_get_ns() + state.entering_limit_ns;
	p->enter_mntns = BPF_CORE_READ(mover_task, nsproxy, mnt_ns, ns.inum);
	task_exe(leader, &p->enter_exe);
	p->enter_root = root;
	return 0;
}

/* A whole process was moved by a task that nothing confines, which takes from it what it carried. */
static __noinline int process_freed(struct task_struct *leader, struct task_struct *mover)
{
	struct leastcap_task *p = process_of(leader);

	if (!p || !held_anywhere(p) || confined_by(mover))
		return 0;
	p->carried = 0;
	p->flags &= ~LEASTCAP_TASK_OVERFLOW;
	__sync_fetch_and_add(&state.generation, 1);
	return 0;
}

/* ---- the hooks of moves ---- */

/* A traced thread that has ended stays in the list until its tracer looks: so many are passed over. */
#define THREADS_MAX 8192

struct living {
	__u64 node; /* address of a thread's thread_node */
	__u64 end; /* and of the list's head */
	struct cgroup *cgrp; /* where one is that has not ended; NULL: none found */
};

static long living_thread(__u32 i, void *ctx)
{
	struct living *l = ctx;
	struct task_struct *task =
		(void *)(l->node - bpf_core_field_offset(struct task_struct, thread_node));

	if (l->node == l->end)
		return 1;
	if (BPF_CORE_READ(task, flags) & PF_EXITING) {
		l->node = (__u64)BPF_CORE_READ(task, thread_node.next);
		return 0;
	}
	l->cgrp = task_cgroup(task);
	return 1;
}

/*
 * Where the process is that moves. Tasks that have ended stay where they are (cgroup_migrate_add_task() in
 * kernel/cgroup/cgroup.c), so a leader that has does not tell. NULL: none lives, or too many have ended.
 */
static __noinline struct cgroup *living_cgroup(struct task_struct *leader)
{
	struct signal_struct *signal = leader->signal;
	struct living l = {};

	l.node = (__u64)BPF_CORE_READ(leader, thread_node.next);
	l.end = (__u64)signal + bpf_core_field_offset(struct signal_struct, thread_head);
	bpf_loop(THREADS_MAX, living_thread, &l, 0);
	return l.cgrp;
}

/*
 * Nobody knows which policies should go along: nothing is allowed. It carries `binding`, the mover's, which is told whenever
 * something is refused. Without storage the mover is stopped.
 */
static __noinline int process_overflow(struct task_struct *leader, __u64 binding)
{
	struct leastcap_task *p = storage_of(leader);

	if (!p) {
		bpf_send_signal(9);
		return 0;
	}
	held_add(p, binding, true);
	p->flags |= LEASTCAP_TASK_OVERFLOW;
	__sync_fetch_and_add(&state.generation, 1);
	return 0;
}

/* Sees the source cgroup: the move is not made yet. If it fails, entering names a cgroup the task is not in. */
SEC("fentry/cgroup_attach_task")
int BPF_PROG(lc_move, struct cgroup *dst, struct task_struct *leader, bool threadgroup)
{
	struct task_struct *process = leader->group_leader, *mover = bpf_get_current_task_btf();
	bool ended = leader->flags & PF_EXITING;
	struct cgroup *src;
	__u64 binding;

	if (!armed || !process || BPF_CORE_READ(dst, root, hierarchy_id) || (ended && !threadgroup))
		return 0;
	src = ended ? living_cgroup(leader) : task_cgroup(leader);
	if (src == dst)
		return 0;
	/* No runtime sets a process up whose leader has ended. */
	if (src) {
		process_moved(process, mover, src, dst, threadgroup && !ended);
	} else {
		binding = confined_by(mover);
		if (binding)
			process_overflow(process, binding);
	}
	process_hand_over(process, false);
	return 0;
}

/* The move is made: whoever has moved is to look where he is. Whatever the hierarchy, and whichever build counts. */
SEC("fexit/cgroup_attach_task")
int BPF_PROG(lc_moved, struct cgroup *dst, struct task_struct *leader, bool threadgroup, int ret)
{
	struct task_struct *process = leader->group_leader;

	if (armed && process && threadgroup && !ret && !BPF_CORE_READ(dst, root, hierarchy_id)) {
		process_freed(process, bpf_get_current_task_btf());
		process_hand_over(process, false);
	}
	__sync_fetch_and_add(&state.epoch, 1);
	return 0;
}

#endif
