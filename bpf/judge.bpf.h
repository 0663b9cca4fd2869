/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a capability check by current to an answer: the cached view or the walk, the decision, what is written down.
 */
#ifndef LEASTCAP_JUDGE_BPF_H
#define LEASTCAP_JUDGE_BPF_H

#include "execve.bpf.h"

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
					 struct leastcap_task *process, __u64 epoch)
{
	__u64 cgroup = cgroup_id(w->cgrp);

	if (t && !w->stop && t->generation == w->generation && t->cgroup == cgroup) {
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
		t->epoch = 0;
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
		repeats_void(t);
		barrier();
		t->generation = w->generation;
		barrier();
		t->epoch = epoch;
	}
}

/*
 * Fills the walk of current: where, and its view. Answers its storage, ret_process that of its leader; NULL: none.
 *
 * Somebody may be moving current to another cgroup meanwhile. The order of reading makes that harmless: a move
 * first writes the state of the process (entering, carried), then the generation, then the cgroup is another, and last it
 * writes the epoch. So: epoch, generation, cgroup, state. Whoever reads the new cgroup reads the new state, and what is
 * made of the old one is void as soon as the move is over.
 */
static __always_inline struct leastcap_task *walk_current(struct task_struct *task, struct walk *w,
							  struct leastcap_task **ret_process)
{
	__u64 epoch = __sync_fetch_and_add(&state.epoch, 0);
	struct leastcap_task *t;

	w->generation = __sync_fetch_and_add(&state.generation, 0);
	w->cgrp = task_cgroup(task);
	t = storage_of(task);
	*ret_process = process_of(task);
	w->stop = entering_stop(*ret_process);
	current_view(w, t, *ret_process, epoch);
	return t;
}

/*
 * Is the answer still true, though somebody has moved since, or has published something? Who moves may be anybody; a
 * publication voids it. The order of reading is walk_current()'s.
 */
__noinline int answer_renew(struct leastcap_task *t)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 epoch = state.epoch;

	if (!t || t->generation != state.generation || t->cgroup != task->cgroups->dfl_cgrp->kn->id)
		return 0;
	t->epoch = epoch;
	return 1;
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
 * A refusal of a capability that would come to the same as long as the answer is true: not where credentials are somebody
 * else's, nor while refusals are switched off, which ends at any time.
 */
static __always_inline bool repeatable(const struct walk *w, __u32 item, __u32 todo, __u32 flags)
{
	__u32 elsewhere = LEASTCAP_CHECK_OVERRIDDEN | LEASTCAP_CHECK_FOREIGN;
	bool refused = todo & LEASTCAP_DO_DENY;

	return item < 64 && !w->stop && (todo & LEASTCAP_DO_REPORT) &&
	       !(todo & LEASTCAP_DO_LEARN) && !(flags & elsewhere) &&
	       refused == !leastcap_allows(w->view.enforce, w->view.deny, item);
}

/* What a check by current comes to. */
struct judgement {
	struct cgroup *cgrp; /* where, and as in struct walk */
	__u64 stop;
	__u64 generation;
	__u32 todo; /* LEASTCAP_DO_* */
	__u16 repeatable, by_syscall;
};

/* Answers j->todo; 0: there is nothing to do. Not static: the verifier looks at it once. */
__noinline int judge_current(struct judgement *j, __u32 item, __u32 flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct leastcap_task *process;
	struct walk w;

	if (!j)
		return LEASTCAP_DO_DENY;
	walk_current(task, &w, &process);
	if (!w.bound)
		return 0;
	j->cgrp = w.cgrp;
	j->stop = w.stop;
	j->generation = w.generation;
	j->todo = (__u32)decide(&w.view, item, flags);
	j->repeatable = repeatable(&w, item, j->todo, flags);
	j->by_syscall = leastcap_by_syscall(&w.view, item);
	return (int)j->todo;
}

/* What was learned becomes part of the cached answer, which still is the one that it was learned by. */
static __always_inline void answer_learn(struct leastcap_task *t, __u32 item)
{
	struct leastcap_view view = {
		.enforce = t->enforce,
		.audit = t->audit,
		.used = t->used | leastcap_bit(item),
		.deny = t->deny,
		.would = t->would,
	};

	t->used = view.used;
	t->quiet = leastcap_quiet(&view);
}

/* It is written down, in the ledgers, in the cached answer, and for whoever listens. */
__noinline int judge_record(struct judgement *j, __u32 item, __u32 flags, __u32 userns)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct record r = {};
	struct leastcap_task *t;
	int known;

	if (!j)
		return 0;
	r.cgrp = j->cgrp;
	r.stop = j->stop;
	r.item = item;
	r.todo = j->todo;
	r.sample.item = item;
	r.sample.flags = flags;
	r.sample.userns = userns;
	r.sample.detail_kind = LEASTCAP_DETAIL_ARGUMENTS;
	known = record_check(&r, process_of(task));
	t = bpf_task_storage_get(&tasks, task, NULL, 0);
	if (!t || t->generation != j->generation)
		return 0;
	if ((r.todo & LEASTCAP_DO_LEARN) && !r.stop)
		answer_learn(t, item);
	if (known && j->repeatable && sample_place(&r.sample, &r.counting))
		repeat_note(t, item, &r.counting, r.todo & LEASTCAP_DO_DENY, j->by_syscall);
	return 0;
}

/*
 * One check of one item by current: decide, write down, answer whether it is refused. In the hook itself: the stack has no
 * room for one function more.
 */
static __always_inline int judge(__u32 item, __u32 flags, __u32 userns)
{
	struct judgement j = {};

	if (leastcap_exempt(flags) || !judge_current(&j, item, flags))
		return 0;
	judge_record(&j, item, flags, userns);
	return j.todo & LEASTCAP_DO_DENY;
}

#endif
