// SPDX-License-Identifier: GPL-2.0-only
/*
 * `leastcap trace`: every capability check with its final answer, also where commoncap refused and lsm/capable is
 * never called.
 *
 *	fexit/security_capable		after all security modules
 *	tp_btf/cgroup_mkdir		where somebody is followed over restarts
 *
 * An object of its own, loaded while somebody traces. Nothing of it is pinned: it ends with the process that loaded
 * it. It decides nothing. Where leastcap is loaded, its maps say who is confined and who is entering.
 */
#include <linux/bpf.h>
#include <linux/capability.h>
#include <asm-generic/errno-base.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <leastcap/decide.h>
#include <leastcap/trace.h>

/* leastcap's own maps, which are read only here. Where it is not loaded they are new, and empty. */
#include "process.bpf.h"

const volatile struct leastcap_trace_config config = {};

/* ---- maps ---- */

/* cgroup id -> enum leastcap_trace_found. Written by user space, before the program is attached (a SUBJECT that does not
 * fit is refused), and at birth. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, __u64);
	__type(value, __u32);
} subjects SEC(".maps");

/* Paths where the subject's next cgroup may be made -> anything. Written by user space. Full, or a path that is longer: that
 * cgroup is found by user space, which tells what it came late for. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LEASTCAP_TRACE_PLACES);
	__type(key, struct leastcap_birth);
	__type(value, __u32);
} places SEC(".maps");

/* What has been sent -> how often it came. Written here. Full: counted, and sent each time. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LEASTCAP_TRACE_KINDS);
	__type(key, struct leastcap_trace_key);
	__type(value, __u64);
} kinds SEC(".maps");

/* The reader asks by a timer: nobody is woken, since that costs more than the check. Full: counted. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, LEASTCAP_TRACE_RING);
} checks SEC(".maps");

/* Programs are preempted: a line may have several writers. */
struct leastcap_trace_counts counts[LEASTCAP_TRACE_CPUS];

/* By verdict: the capabilities of checks that were lost. Whoever makes a flood does not hide what else is asked for. */
__u64 lost_caps[LEASTCAP_TRACE_VERDICTS];

/* ---- who ---- */

static __always_inline bool is_listed(bool bound, __u64 cgroup)
{
	return bound ? bpf_map_lookup_elem(&bindings, &cgroup) != NULL
		     : bpf_map_lookup_elem(&subjects, &cgroup) != NULL;
}

/* A walk over a cgroup and what is above it. */
struct search {
	struct cgroup *cgrp;
	__u32 found;
};

static long find_bound(__u32 level, void *ctx)
{
	struct search *s = ctx;

	s->found = is_listed(true, cgroup_id(cgroup_ancestor(s->cgrp, level)));
	return s->found;
}

static long find_subject(__u32 level, void *ctx)
{
	struct search *s = ctx;

	s->found = is_listed(false, cgroup_id(cgroup_ancestor(s->cgrp, level)));
	return s->found;
}

/* Is the task in such a cgroup, or below it, or does it carry the policy of one that it has left? */
static __always_inline bool is_below(struct task_struct *task, const struct leastcap_task *process,
				     bool bound)
{
	struct cgroup *cgrp = BPF_CORE_READ(task, cgroups, dfl_cgrp);
	__u32 levels = BPF_CORE_READ(cgrp, level) + 1;
	struct search s = {.cgrp = cgrp};

	if (bound)
		bpf_loop(levels, find_bound, &s, 0);
	else
		bpf_loop(levels, find_subject, &s, 0);
	if (s.found || !process)
		return s.found;
	for (int i = 0; i < LEASTCAP_HELD; i++) {
		if ((process->carried & (1U << i)) && is_listed(bound, process->held[i]))
			return true;
	}
	return bound && (process->flags & LEASTCAP_TASK_OVERFLOW);
}

static __always_inline bool is_confined(struct task_struct *task,
					const struct leastcap_task *process)
{
	const struct leastcap_task *t = cached_answer(task);

	return t ? t->bound != 0 : is_below(task, process, true);
}

static __always_inline bool is_meant(struct task_struct *task, const struct leastcap_task *process)
{
	if (config.tgid && (__u32)task->tgid != config.tgid)
		return false;
	switch (config.who) {
	case LEASTCAP_TRACE_CONFINED:
		return is_confined(task, process);
	case LEASTCAP_TRACE_SUBJECTS:
		return is_below(task, process, false);
	default:
		return true;
	}
}

/* ---- who refused ---- */

/* Deeper there are no user namespaces (create_user_ns() in kernel/user_namespace.c). */
#define USERNS_LEVELS 33

/*
 * Do the credentials grant it? The same question that cap_capable() in security/commoncap.c answers, asked again where
 * the final answer is no: a second program there would cost every check.
 */
static __always_inline bool is_granted(const struct cred *cred, struct user_namespace *ns, int cap)
{
	struct user_namespace *own = cred->user_ns;
	__u64 effective = 0;

	if ((__u32)cap >= 64)
		return false;
	for (int i = 0; i < USERNS_LEVELS; i++) {
		if (ns == own) {
			bpf_probe_read_kernel(&effective, sizeof(effective), &cred->cap_effective);
			return effective >> cap & 1;
		}
		if (ns->level <= own->level)
			return false;
		if (ns->parent == own && ns->owner.val == cred->euid.val)
			return true;
		ns = ns->parent;
	}
	return false;
}

/* What leastcap answers a task, by the policies on the way to its cgroup. */
struct answer {
	struct cgroup *cgrp;
	__u64 stop; /* id of the cgroup that it is entering; 0: none */
	__u64 bound;
	struct leastcap_view view;
};

static __always_inline void answer_join(struct answer *a, __u64 cgroup)
{
	struct bound b = {};

	if (!bound_read(cgroup, &b))
		return;
	a->bound = 1;
	leastcap_join(&a->view, b.readable ? &b.rules : NULL, 0);
}

static long answer_level(__u32 level, void *ctx)
{
	struct answer *a = ctx;
	__u64 id = cgroup_id(cgroup_ancestor(a->cgrp, level));

	if (id == a->stop)
		return 1;
	answer_join(a, id);
	return 0;
}

/* As subject_view() in subject.bpf.h. Not static: the verifier looks at it once, not after each way to get there. */
__noinline int answer_make(struct answer *a, const struct leastcap_task *process)
{
	/* bpf_loop() wants it on the stack, and of this function's argument the verifier does not know that it is. */
	struct answer made = {};
	struct cgroup *cgrp;

	if (!a)
		return 0;
	made.cgrp = cgrp = a->cgrp;
	made.stop = a->stop;
	leastcap_view_init(&made.view);
	bpf_loop(BPF_CORE_READ(cgrp, level) + 1, answer_level, &made, 0);
	for (int i = 0; process && i < LEASTCAP_HELD; i++) {
		if (process->carried & (1U << i))
			answer_join(&made, process->held[i]);
	}
	if (process && (process->flags & LEASTCAP_TASK_OVERFLOW)) {
		made.view.enforce = 0;
		made.bound = 1;
	}
	*a = made;
	return 0;
}

/*
 * Is it leastcap that refuses a capability that was granted? Its answer is the one it has just given. Where there is none it
 * is made here: another module may have refused before leastcap was asked anything by this task.
 */
static __always_inline bool is_leastcaps(struct task_struct *task,
					 const struct leastcap_task *process, int cap)
{
	struct answer a = {.cgrp = BPF_CORE_READ(task, cgroups, dfl_cgrp)};
	const struct leastcap_task *t;

	if (!config.loaded || bpf_ktime_get_boot_ns() < state.disarmed_until)
		return false;
	t = cached_answer(task);
	if (t) {
		a.bound = t->bound;
		a.view.enforce = t->enforce;
		a.view.deny = t->deny;
	} else {
		a.stop = entering(process) ? process->enter_root : 0;
		answer_make(&a, process);
	}
	if ((__u32)cap >= 64 || !(a.view.enforce >> cap & 1))
		return a.bound != 0;
	/* Allowed as a capability, and refused by a rule, for what it is wanted for. */
	return (a.view.deny & LEASTCAP_RULES_BY_SYSCALL) && (LEASTCAP_CAPS_BY_SYSCALL >> cap & 1);
}

static __always_inline __u32 verdict_of(struct task_struct *task,
					const struct leastcap_task *process,
					const struct cred *cred, struct user_namespace *ns, int cap,
					int ret)
{
	if (!ret)
		return LEASTCAP_TRACE_ALLOWED;
	if (!is_granted(cred, ns, cap))
		return LEASTCAP_TRACE_MISSING;
	return is_leastcaps(task, process, cap) ? LEASTCAP_TRACE_DENIED : LEASTCAP_TRACE_REFUSED;
}

/* ---- what is sent ---- */

/* Has this kind of check been sent before? Completes the key. */
static __always_inline bool is_repeated(struct task_struct *task, struct leastcap_trace_key *key,
					struct leastcap_trace_counts *count)
{
	__u64 one = 1, *n;
	int err;

	BPF_CORE_READ_INTO(&key->comm, task, group_leader, comm);
	n = bpf_map_lookup_elem(&kinds, key);
	if (!n) {
		err = (int)bpf_map_update_elem(&kinds, key, &one, BPF_NOEXIST);
		if (!err)
			return false;
		/* Of two that are the first at the same time one is. */
		n = err == -EEXIST ? bpf_map_lookup_elem(&kinds, key) : NULL;
	}
	if (!n) {
		__sync_fetch_and_add(&count->unfit, 1);
		return false;
	}
	__sync_fetch_and_add(n, 1);
	return true;
}

static __always_inline void fill(struct leastcap_trace_check *e, struct task_struct *task,
				 const struct cred *own, __u32 flags)
{
	struct task_struct *leader = task->group_leader;

	e->time = bpf_ktime_get_boot_ns();
	e->flags = flags;
	*(__u64 *)&e->comm[0] = *(__u64 *)&leader->comm[0];
	*(__u64 *)&e->comm[8] = *(__u64 *)&leader->comm[8];
	e->uid = own->uid.val;
	e->syscall = -1;
#if defined(__TARGET_ARCH_x86)
	/* As event_task() in event.bpf.h. */
	if (!(flags & (LEASTCAP_CHECK_IO_WORKER | LEASTCAP_CHECK_KTHREAD))) {
		struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

		e->syscall = (__s32)regs->orig_ax;
		if (task->thread_info.status & TS_COMPAT)
			e->flags = flags | LEASTCAP_EVENT_COMPAT;
	}
#endif
}

static __always_inline __u32 flags_of(struct task_struct *task, const struct cred *own,
				      const struct cred *cred, __u32 userns, unsigned int opts)
{
	const struct cred *effective = task->cred;
	__u32 thread = task->flags;
	__u32 flags = (thread & PF_KTHREAD ? LEASTCAP_CHECK_KTHREAD : 0) |
		      (thread & PF_IO_WORKER ? LEASTCAP_CHECK_IO_WORKER : 0) |
		      (opts & CAP_OPT_NOAUDIT ? LEASTCAP_CHECK_PROBE : 0);

	/* One jump each: clang would make a number of every comparison, and keep them all. */
	barrier_var(flags);
	if (cred != effective) {
		flags |= LEASTCAP_CHECK_FOREIGN;
		barrier_var(flags);
	}
	if (effective != own) {
		flags |= LEASTCAP_CHECK_OVERRIDDEN;
		barrier_var(flags);
	}
	if (userns != USERNS_INIT) {
		flags |= LEASTCAP_CHECK_CHILD_USERNS;
		barrier_var(flags);
	}
	return flags;
}

SEC("fexit/security_capable")
int BPF_PROG(lc_trace, const struct cred *cred, struct user_namespace *ns, int cap,
	     unsigned int opts, int ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct cred *own = task->real_cred;
	__u32 userns = ns->ns.inum, flags = flags_of(task, own, cred, userns, opts), verdict;
	struct leastcap_task *process = NULL;
	struct leastcap_trace_counts *count;
	struct leastcap_trace_key key;
	struct leastcap_trace_check *e;
	struct leastcap_trace_stack *s = NULL;
	__u64 pid_tgid = bpf_get_current_pid_tgid(), cgroup;

	if ((config.denied && !ret) || (config.audited && (flags & LEASTCAP_CHECK_PROBE)))
		return 0;
	/* The verifier knows what is configured, and leaves out what is not. */
	if (config.caps != LEASTCAP_ALL && ((__u32)cap >= 64 || !(config.caps >> cap & 1)))
		return 0;
	if (pid_tgid >> 32 == config.self)
		return 0;
	/* The kernel acts for somebody else, see leastcap_exempt(). */
	if (!config.overridden && (flags & LEASTCAP_CHECK_OVERRIDDEN) &&
	    !(flags & LEASTCAP_CHECK_IO_WORKER))
		return 0;
	if (config.loaded) {
		process = process_of(task);
		if (entering(process)) {
			if (!config.entering)
				return 0;
			flags |= LEASTCAP_TRACE_ENTERING;
		}
	}
	if (!is_meant(task, process))
		return 0;

	count = &counts[bpf_get_smp_processor_id() & (LEASTCAP_TRACE_CPUS - 1)];
	__sync_fetch_and_add(&count->seen, 1);
	verdict = verdict_of(task, process, cred, ns, cap, ret);
	cgroup = bpf_get_current_cgroup_id();
	if (config.unique) {
		key.cgroup = cgroup;
		key.cap = (__u32)cap;
		key.verdict = verdict;
		key.flags = flags & LEASTCAP_TRACE_APART;
		key.pad = 0;
		if (is_repeated(task, &key, count)) {
			__sync_fetch_and_add(&count->repeated, 1);
			return 0;
		}
	}
	if (config.stack) {
		s = bpf_ringbuf_reserve(&checks, sizeof(*s), 0);
		e = s ? &s->check : NULL;
	} else {
		e = bpf_ringbuf_reserve(&checks, sizeof(*e), 0);
	}
	if (!e) {
		__sync_fetch_and_add(&count->lost, 1);
		if ((__u32)cap < 64 && verdict < LEASTCAP_TRACE_VERDICTS)
			__sync_fetch_and_or(&lost_caps[verdict], 1ULL << cap);
		/* Of this kind none was shown: the next one is the first. */
		if (config.unique)
			bpf_map_delete_elem(&kinds, &key);
		return 0;
	}
	e->cgroup = cgroup;
	e->pid = pid_tgid >> 32;
	e->tid = (__u32)pid_tgid;
	e->userns = userns;
	e->cap = (__u32)cap;
	e->verdict = verdict;
	fill(e, task, own, flags);
	if (config.stack && s) {
		__builtin_memset(s->frames, 0, sizeof(s->frames));
		bpf_get_stack(ctx, s->frames, sizeof(s->frames), 0);
	}
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	return 0;
}

/*
 * A unit, or a container, that restarts: its cgroup is made anew, at the same path. Runs before any task can enter it, so
 * nothing is missed (user space would find it a moment later).
 */
SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(lc_trace_birth, struct cgroup *cgrp, const char *path)
{
	struct leastcap_birth place = {};
	__u32 found = LEASTCAP_TRACE_BORN;
	__u64 id;
	long len;

	if (BPF_CORE_READ(cgrp, root, hierarchy_id))
		return 0;
	len = bpf_probe_read_kernel_str(place.path, sizeof(place.path), path);
	/* Cut paths have no place: user space lists none that is as long as the buffer. */
	if (len <= 1 || !bpf_map_lookup_elem(&places, &place))
		return 0;
	id = cgroup_id(cgrp);
	/* Where that fails, user space finds it, late. */
	bpf_map_update_elem(&subjects, &id, &found, BPF_NOEXIST);
	return 0;
}

char _license[] SEC("license") = "GPL";
