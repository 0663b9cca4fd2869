/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a capability check by current to an answer: the cached view or the walk, the decision, what is written down.
 */
#ifndef LEASTCAP_JUDGE_BPF_H
#define LEASTCAP_JUDGE_BPF_H

#include "entering.bpf.h"

static __always_inline __u32 thread_flags(struct task_struct *task)
{
	return (task->flags & PF_KTHREAD ? LEASTCAP_CHECK_KTHREAD : 0) |
	       (task->flags & PF_IO_WORKER ? LEASTCAP_CHECK_IO_WORKER : 0);
}

static __always_inline __u32 check_flags(struct task_struct *task, const struct cred *cred,
					 struct user_namespace *ns, unsigned int opts)
{
	const struct cred *effective = BPF_CORE_READ(task, cred);
	__u32 flags = thread_flags(task);

	if (effective != BPF_CORE_READ(task, real_cred))
		flags |= LEASTCAP_CHECK_OVERRIDDEN;
	if (cred && cred != effective)
		flags |= LEASTCAP_CHECK_FOREIGN;
	if (opts & CAP_OPT_NOAUDIT)
		flags |= LEASTCAP_CHECK_PROBE;
	if (ns && BPF_CORE_READ(ns, level) > 0)
		flags |= LEASTCAP_CHECK_CHILD_USERNS;
	return flags;
}

/* The view of current, w->cgrp and w->stop given: from the cached answer where it is true, else by the walk. */
static __always_inline void current_view(struct walk *w, struct leastcap_task *t,
					 struct leastcap_task *process, __u64 generation)
{
	__u64 cgroup = cgroup_id(w->cgrp);

	if (t && !w->stop && t->generation == generation && t->cgroup == cgroup) {
		w->view.enforce = t->enforce;
		w->view.audit = t->audit;
		w->view.used = t->used;
		w->view.deny = t->deny;
		w->view.would = t->would;
		w->view.rules_used = t->rules_used;
		w->bound = t->bound;
		return;
	}
	subject_view(w, process);
	if (t && !w->stop) {
		/* Void while it is written: an event on this CPU may preempt and read. */
		t->generation = 0;
		barrier();
		t->cgroup = cgroup;
		t->enforce = w->view.enforce;
		t->audit = w->view.audit;
		t->used = w->view.used;
		t->deny = w->view.deny;
		t->would = w->view.would;
		t->rules_used = w->view.rules_used;
		t->bound = w->bound;
		t->quiet = w->bound ? leastcap_quiet(&w->view) : LEASTCAP_ALL;
		barrier();
		t->generation = generation;
	}
}

/*
 * Fills the walk of current: where, and its view. Answers its storage, ret_process that of its leader; NULL: none.
 *
 * Somebody may be moving current to another cgroup meanwhile. The order of reading makes that harmless: a move
 * first writes the state of the process (entering, carried), then the generation, and only then is the cgroup another.
 * So: generation, cgroup, state. Whoever reads the new cgroup reads the new state.
 */
static __always_inline struct leastcap_task *walk_current(struct task_struct *task, struct walk *w,
							  struct leastcap_task **ret_process)
{
	__u64 generation = __sync_fetch_and_add(&state.generation, 0);
	struct leastcap_task *t;

	w->cgrp = task_cgroup(task);
	t = storage_of(task);
	*ret_process = process_of(task);
	w->stop = entering_stop(*ret_process);
	current_view(w, t, *ret_process, generation);
	return t;
}

/* leastcap_decide(), looked at once: for the verifier the answer is any number, not one path for each. */
__noinline int decide(struct leastcap_view *view, __u32 item, __u32 flags)
{
	__u32 todo;

	if (!view)
		return LEASTCAP_DO_DENY;
	todo = leastcap_decide(view, item, flags);
	if ((todo & LEASTCAP_DO_DENY) && disarmed())
		todo ^= LEASTCAP_DO_DENY | LEASTCAP_DO_WOULD_DENY;
	return (int)todo;
}

/*
 * One check of one item by current: decide, write down, answer whether it is refused. Not static: the verifier looks at it once,
 * not for each combination of flags.
 */
__noinline int judge(__u32 item, __u32 flags, __u32 userns)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct leastcap_task *t, *process;
	struct walk w;
	__u32 todo;

	if (leastcap_exempt(flags))
		return 0;
	t = walk_current(task, &w, &process);
	if (!w.bound)
		return 0;
	todo = (__u32)decide(&w.view, item, flags);
	if (!todo)
		return 0;
	record_check(w.cgrp, process, w.stop, item, todo, flags, userns);
	if (t && !w.stop && (todo & LEASTCAP_DO_LEARN)) {
		w.view.used |= leastcap_bit(item);
		t->used = w.view.used;
		t->quiet = leastcap_quiet(&w.view);
	}
	return todo & LEASTCAP_DO_DENY;
}

#endif
