/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tasks that move between cgroups: who is entering a binding, and whose policy goes with it.
 *
 * A process moved into a bound subtree from outside, by a task outside, is *entering*: the bindings at or below
 * the cgroup it came in by (enter_root) do not hold it until its own execve, or until the time limit. Runtimes
 * set a container up in that state. What an entering process forks is entering too.
 *
 * A task moved out of a bound subtree by a task the binding confines *carries* the binding; so does what it
 * forks. Only a task outside takes it away. Once held by a binding, a process never enters it again.
 *
 * All of it is state of the process, kept in the group leader's task storage. Writers: fentry of
 * cgroup_attach_task (under cgroup_mutex), the fork tracepoint (the child does not run yet), and execve of the
 * process itself.
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

/* ---- what a process remembers of the bindings that held it ---- */

static __always_inline int held_find(const struct leastcap_task *process, __u64 binding)
{
	for (int i = 0; i < LEASTCAP_HELD; i++) {
		if (process->held[i] == binding)
			return i;
	}
	return -1;
}

__noinline int carries(struct leastcap_task *process, __u64 binding)
{
	for (int i = 0; process && i < LEASTCAP_HELD; i++) {
		if (process->held[i] == binding && (process->carried & (1U << i)))
			return 1;
	}
	return 0;
}

/* Remember a binding; carry: it goes on holding. Fails closed where there is no room. */
__noinline int held_add(struct leastcap_task *process, __u64 binding, __u32 carry)
{
	int slot;

	if (!process)
		return 0;
	slot = held_find(process, binding);
	for (int i = 0; slot < 0 && i < LEASTCAP_HELD; i++) {
		if (!process->held[i])
			slot = i;
	}
	if (slot < 0) {
		process->flags |= LEASTCAP_TASK_NEVER_ENTERS;
		for (int i = 0; carry && slot < 0 && i < LEASTCAP_HELD; i++) {
			if (!(process->carried & (1U << i)))
				slot = i;
		}
		if (carry && slot < 0)
			process->flags |= LEASTCAP_TASK_OVERFLOW;
	}
	if (slot < 0 || slot >= LEASTCAP_HELD)
		return 0;
	process->held[slot & (LEASTCAP_HELD - 1)] = binding;
	if (carry)
		process->carried |= 1U << slot;
	return 0;
}

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

/* Is a cgroup the one with this id, or below it? */
struct find {
	struct cgroup *cgrp;
	__u64 id;
	bool found;
};

static long find_level(__u32 level, void *ctx)
{
	struct find *f = ctx;

	if (cgroup_id(cgroup_ancestor(f->cgrp, level)) != f->id)
		return 0;
	f->found = true;
	return 1;
}

__noinline int address_below(__u64 address, __u64 id)
{
	struct cgroup *cgrp = (struct cgroup *)address;
	struct find f = {.cgrp = cgrp, .id = id};

	bpf_loop(BPF_CORE_READ(cgrp, level) + 1, find_level, &f, 0);
	return f.found;
}

/* A function that is not static is given numbers, no kernel pointers: reading makes one of the other. */
static __always_inline bool cgroup_below(struct cgroup *cgrp, __u64 id)
{
	__u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &cgrp);
	return address_below(address, id);
}

static __always_inline bool is_bound(__u64 cgroup)
{
	return bpf_map_lookup_elem(&bindings, &cgroup) != NULL;
}

/* ---- a move ---- */

#define NO_LEVEL (~0U)

struct move {
	struct cgroup *src, *dst;
	struct leastcap_task *process; /* the state of the one that moves */
	struct leastcap_task *mover; /* the state of the one that moves it; may be NULL */
	__u32 first; /* level where the callback's level 0 is */
	__u32 held_above; /* bindings of src at or below this level did not hold the one that moves: it was entering */
	__u32 mover_held_above; /* bindings of src above this level hold the mover by its place */
	__u32 enter; /* candidate for enter_level */
	bool any; /* there is a binding to enter; without `process`: one that would have to be carried */
};

/* A level of src that is left behind: if it is bound, it held the process. */
static long move_leave(__u32 i, void *ctx)
{
	struct move *m = ctx;
	struct leastcap_task *process = m->process;
	__u32 level = m->first + i;
	bool carry;
	__u64 id;

	if (level >= m->held_above)
		return 1;
	id = cgroup_id(cgroup_ancestor(m->src, level));
	if (!is_bound(id))
		return 0;
	carry = level < m->mover_held_above || carries(m->mover, id);
	if (process)
		held_add(process, id, carry);
	else if (carry)
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
	__u32 part, mover_src, mover_dst, carried, dst_level;
	struct leastcap_task *p, *mover = process_of(mover_task);
	struct move m = {.src = src, .dst = dst, .mover = mover};
	__u64 root;

	p = storage_of(leader);
	part = cgroups_part(src, dst);
	mover_src = cgroups_part(mover_cgrp, src);
	m.process = p;
	m.first = part;
	m.held_above = entering(p) ? p->enter_level : NO_LEVEL;
	m.mover_held_above = mover_src;
	if (entering(mover) && mover->enter_level < mover_src)
		m.mover_held_above = mover->enter_level;
	carried = p ? p->carried : 0;
	bpf_loop(BPF_CORE_READ(src, level) + 1 - part, move_leave, &m, 0);
	if (!p) {
		/*
		 * Without storage nobody is entering. But a policy that should go along cannot: whoever
		 * moves it, and is held by it, is stopped.
		 */
		if (m.any)
			bpf_send_signal(9);
		return 0;
	}
	mover_dst = cgroups_part(mover_cgrp, dst);
	dst_level = BPF_CORE_READ(dst, level);

	/* What was carried before: back at home it holds by its place; the host may take it away. */
	for (int i = 0; i < LEASTCAP_HELD; i++) {
		__u64 id = p->held[i];

		if (!(carried & (1U << i)))
			continue;
		if (cgroup_below(dst, id) || !(carries(mover, id) || cgroup_below(mover_cgrp, id)))
			p->carried &= ~(1U << i);
	}
	/* A cached answer for dst may be from before: void it. */
	if (p->carried != carried) {
		__sync_fetch_and_add(&state.generation, 1);
		__sync_fetch_and_add(&state.epoch, 1);
		if (p->carried & ~carried)
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

static __always_inline void process_copy(struct leastcap_task *to, const struct leastcap_task *from)
{
	to->flags = from->flags;
	to->enter_level = from->enter_level;
	to->enter_deadline = from->enter_deadline;
	to->enter_mntns = from->enter_mntns;
	to->enter_exe = from->enter_exe;
	to->enter_root = from->enter_root;
	to->carried = from->carried;
	for (int i = 0; i < LEASTCAP_HELD; i++)
		to->held[i] = from->held[i];
}

static __always_inline bool has_state(const struct leastcap_task *process)
{
	return process && (process->enter_root || process->held[0] || process->flags);
}

/*
 * A thread that is not the leader executes a program: it becomes the leader, in a task_struct of its own, and the
 * state of the process would stay behind in the old one. From the moment it begins (signal->group_exec_task,
 * de_thread() in fs/exec.c) the state is kept in both.
 */
static __always_inline void process_hand_over(struct task_struct *leader)
{
	struct task_struct *heir = leader->signal->group_exec_task;
	struct leastcap_task *from, *to;

	if (!heir || heir == leader)
		return;
	from = bpf_task_storage_get(&tasks, leader, NULL, 0);
	if (!has_state(from))
		return;
	to = storage_of(heir);
	if (!to)
		return;
	process_copy(to, from);
	to->epoch = 0;
	to->generation = 0;
}

/* The old leader ends before its heir can take its place. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(lc_exit, struct task_struct *task)
{
	if (armed && task->pid == task->tgid)
		process_hand_over(task);
	return 0;
}

/* Sees the source cgroup: the move is not made yet. If it fails, entering names a cgroup the task is not in. */
SEC("fentry/cgroup_attach_task")
int BPF_PROG(lc_move, struct cgroup *dst, struct task_struct *leader, bool threadgroup)
{
	struct task_struct *process = leader->group_leader;
	struct cgroup *src = task_cgroup(leader);

	if (!armed || !process || BPF_CORE_READ(dst, root, hierarchy_id) || src == dst)
		return 0;
	process_moved(process, bpf_get_current_task_btf(), src, dst, threadgroup);
	process_hand_over(process);
	return 0;
}

/* The move is made: whoever has moved is to look where he is. Whatever the hierarchy, and whichever build counts. */
SEC("fexit/cgroup_attach_task")
int BPF_PROG(lc_moved)
{
	__sync_fetch_and_add(&state.epoch, 1);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(lc_fork, struct task_struct *parent, struct task_struct *child)
{
	struct cgroup *src, *dst;
	struct leastcap_task *p, *c;

	if (!armed || child->pid != child->tgid)
		return 0;
	p = process_of(parent);
	if (has_state(p)) {
		c = storage_of(child);
		if (c) {
			process_copy(c, p);
		} else {
			/* A child that would not carry what its parent carries must not run. */
			if (p->carried || (p->flags & LEASTCAP_TASK_OVERFLOW))
				bpf_send_signal(9);
		}
	}
	/* clone3(CLONE_INTO_CGROUP): a move by the parent, from where the parent is. */
	src = task_cgroup(parent);
	dst = task_cgroup(child);
	if (src != dst)
		process_moved(child, parent, src, dst, true);
	return 0;
}

/*
 * Does executing this file leave an entering process entering? Only a program that itself is still on the way to
 * the workload: a launcher, in the mount namespace of the task that moved it. Once it has gone to the
 * container's root, a launcher's file may be named by the container (CVE-2019-5736 was such a name).
 *  - systemd-executor (systemd 254 and later) is executed by the service manager's child.
 *  - runc 1.1 re-executes a copy of itself, a memfd or its own file by a bind mount.
 */
static __always_inline bool launcher_executed(struct task_struct *task, struct linux_binprm *bprm,
					      struct leastcap_task *process)
{
	struct file *file = BPF_CORE_READ(bprm, file);
	struct leastcap_file exe = {}, came = process->enter_exe;
	struct inode *inode;
	__u32 *kind;

	if (BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum) != process->enter_mntns)
		return false;
	file_identity(file, &exe);
	kind = bpf_map_lookup_elem(&launchers, &exe);
	if (kind && (*kind & LEASTCAP_LAUNCHER_ALWAYS))
		return true;
	kind = bpf_map_lookup_elem(&launchers, &came);
	if (!kind || !(*kind & LEASTCAP_LAUNCHER_REEXEC))
		return false;
	if (exe.ino == came.ino && exe.dev == came.dev)
		return true;
	inode = BPF_CORE_READ(file, f_inode);
	return BPF_CORE_READ(inode, i_nlink) == 0 &&
	       BPF_CORE_READ(inode, i_sb, s_magic) == TMPFS_MAGIC;
}

/* Past the point of no return of execve: current is the only thread left, and the leader. */
SEC("lsm/bprm_committed_creds")
int BPF_PROG(lc_exec, struct linux_binprm *bprm)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct leastcap_task *process = process_of(task);

	if (!process)
		return 0;
	/* Another program: its refusals are of another key. */
	repeats_void(process);
	if (!process->enter_root)
		return 0;
	if (!entering(process) || !launcher_executed(task, bprm, process)) {
		entering_end(process);
		hold_entrypoint();
	}
	return 0;
}

/* ---- taking over what enters ---- */

struct takeover {
	struct record record;
	__u32 first;
};

static long takeover_level(__u32 i, void *ctx)
{
	struct takeover *t = ctx;

	record_binding(&t->record, cgroup_id(cgroup_ancestor(t->record.cgrp, t->first + i)));
	return 0;
}

/*
 * ptrace, /proc/PID/mem, process_vm_writev, pidfd_getfd and every other access that ptrace_may_access() guards:
 * a task that a binding holds does not get at a process that is entering that binding.
 */
SEC("lsm/ptrace_access_check")
int BPF_PROG(lc_ptrace, struct task_struct *child, unsigned int mode, int ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct leastcap_task *target, *process;
	struct takeover t = {
		.record = {.item = LEASTCAP_ITEM_PTRACE_ENTERING,
			   /* The walk decides here, so it may find a refusal. */
			   .todo = mode & PTRACE_MODE_NOAUDIT
					   ? LEASTCAP_DO_PROBE
					   : LEASTCAP_DO_REPORT | LEASTCAP_DO_DENY,
			   .sample = {.item = LEASTCAP_ITEM_PTRACE_ENTERING}},
	};
	struct cgroup *into;
	__u32 last;

	if (ret)
		return ret;
	target = process_of(child);
	if (!armed || !entering(target) || child->tgid == task->tgid)
		return 0;
	if ((t.record.todo & LEASTCAP_DO_DENY) && disarmed())
		t.record.todo = LEASTCAP_DO_REPORT | LEASTCAP_DO_WOULD_DENY;
	into = task_cgroup(child);
	process = process_of(task);
	last = cgroups_part(task_cgroup(task), into);
	if (entering(process) && process->enter_level < last)
		last = process->enter_level;
	t.record.cgrp = into;
	t.first = target->enter_level;
	if (t.first < last)
		bpf_loop(last - t.first, takeover_level, &t, 0);
	for (int i = 0; process && i < LEASTCAP_HELD; i++) {
		__u64 id = process->held[i];

		if ((process->carried & (1U << i)) && cgroup_below(into, id))
			record_binding(&t.record, id);
	}
	if (!t.record.sample.binding)
		return 0;
	if (t.record.todo & LEASTCAP_DO_REPORT)
		sample_refusal(&t.record.sample);
	return refusal(t.record.sample.verdict == LEASTCAP_DENIED && !disarmed());
}

#endif
