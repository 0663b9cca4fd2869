/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The capabilities restriction: capable(), and the two ways to let somebody else's credentials ask for one.
 */
#ifndef LEASTCAP_CAPABILITIES_BPF_H
#define LEASTCAP_CAPABILITIES_BPF_H

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

/* The view of current: from the cached answer where it is true, else by the walk. Returns by how many it is bound. */
static __always_inline __u32 current_view(struct leastcap_task *t, struct leastcap_task *process,
					  struct cgroup *cgrp, __u64 generation, __u64 stop,
					  struct leastcap_view *view)
{
	__u64 cgroup = cgroup_id(cgrp);
	__u32 bound;

	if (t && !stop && t->generation == generation && t->cgroup == cgroup) {
		view->enforce = t->enforce;
		view->audit = t->audit;
		view->used = t->used;
		return t->bound;
	}
	bound = subject_view(cgrp, process, stop, view);
	if (t && !stop) {
		/* Void while it is written: an event on this CPU may preempt and read. */
		t->generation = 0;
		barrier();
		t->cgroup = cgroup;
		t->enforce = view->enforce;
		t->audit = view->audit;
		t->used = view->used;
		t->bound = bound;
		t->quiet = bound ? leastcap_quiet(view) : LEASTCAP_ALL;
		barrier();
		t->generation = generation;
	}
	return bound;
}

/*
 * One check of one item by current: decide, write down, answer whether it is refused.
 *
 * Somebody may be moving current to another cgroup meanwhile. The order of reading makes that harmless: a move
 * first writes the state of the process (entering, carried), then the generation, and only then is the cgroup another.
 * So: generation, cgroup, state. Whoever reads the new cgroup reads the new state.
 */
static __noinline int judge(struct task_struct *task, __u32 item, __u32 flags, __u32 userns)
{
	struct leastcap_task *t, *process;
	struct leastcap_view view;
	__u64 generation, stop;
	struct cgroup *cgrp;
	__u32 todo;

	if (leastcap_exempt(flags))
		return 0;
	generation = __sync_fetch_and_add(&state.generation, 0);
	cgrp = task_cgroup(task);
	t = storage_of(task);
	process = process_of(task);
	stop = entering_stop(process);
	if (!current_view(t, process, cgrp, generation, stop, &view))
		return 0;
	todo = leastcap_decide(&view, item, flags);
	if (!todo)
		return 0;
	record_check(cgrp, process, stop, item, todo, flags, userns);
	if (t && !stop && (todo & LEASTCAP_DO_LEARN)) {
		t->used |= leastcap_bit(item);
		t->quiet = t->enforce & t->audit & t->used;
	}
	return todo & LEASTCAP_DO_DENY;
}

static __always_inline int capable_slow(struct task_struct *task, const struct cred *cred,
					struct user_namespace *ns, int cap, unsigned int opts)
{
	__u32 item = (__u32)cap < 64 ? (__u32)cap : LEASTCAP_ITEM_UNKNOWN;

	return judge(task, item, check_flags(task, cred, ns, opts), BPF_CORE_READ(ns, ns.inum));
}

/* After commoncap: sees only what the credentials already pass. The first lines are all that a quiet check costs. */
SEC("lsm/capable")
int BPF_PROG(lc_capable, const struct cred *cred, struct user_namespace *ns, int cap,
	     unsigned int opts, int ret)
{
	struct task_struct *task;
	struct leastcap_task *t;

	if (ret)
		return ret;
	task = bpf_get_current_task_btf();
	t = bpf_task_storage_get(&tasks, task, NULL, 0);
	if (t && t->generation == state.generation && (__u32)cap < 64 && (t->quiet >> cap & 1) &&
	    t->cgroup == task->cgroups->dfl_cgrp->kn->id)
		return 0;
	if (!armed)
		return 0;
	return refusal(capable_slow(task, cred, ns, cap, opts));
}

/*
 * An io_uring request with a registered personality runs with credentials that look overridden, which would be
 * exempt: registering one's own would be a way around the whitelist.
 */
SEC("lsm/uring_override_creds")
int BPF_PROG(lc_uring_creds, const struct cred *new, int ret)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (ret || !armed)
		return ret;
	return refusal(judge(task, LEASTCAP_ITEM_URING_CREDS, thread_flags(task), 0));
}

/*
 * Both mount APIs pass here, after the superblock is made. overlayfs acts with its mounter's credentials, so
 * whoever mounts one is exempt inside it: only for those who are allowed every capability. In a user
 * namespace too, where no capability of the host is needed.
 */
SEC("lsm/sb_kern_mount")
int BPF_PROG(lc_kern_mount, struct super_block *sb, int ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const char *type = BPF_CORE_READ(sb, s_type, name);
	char name[8] = {};

	if (ret || !armed)
		return ret;
	bpf_probe_read_kernel_str(name, sizeof(name), type);
	if (*(__u64 *)name != *(__u64 *)"overlay\0")
		return 0;
	return refusal(judge(task, LEASTCAP_ITEM_OVERLAYFS, thread_flags(task), 0));
}

#endif
