/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The capabilities restriction: capable(), and the two ways to let somebody else's credentials ask for one.
 */
#ifndef LEASTCAP_CAPABILITIES_BPF_H
#define LEASTCAP_CAPABILITIES_BPF_H

#include "rules.bpf.h"
#include "syscalls.bpf.h"

/* The capability asked for. Half of the word: the rest of the register need not be zero, and clearing it costs. */
#define CAP(ctx) (*(const volatile __u32 *)&(ctx)[2])

static __noinline int capable_slow(__u64 *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct cred *cred = (const struct cred *)ctx[0];
	struct user_namespace *ns = (struct user_namespace *)ctx[1];
	__u32 cap = CAP(ctx), opts = (__u32)ctx[3];
	__u32 item = cap < 64 ? cap : LEASTCAP_ITEM_UNKNOWN;

	if (!(opts & CAP_OPT_NOAUDIT) && cap < 64 && (LEASTCAP_CAPS_BY_SYSCALL >> cap & 1) &&
	    syscall_refused(task, (int)cap))
		return 1;
	return judge(item, check_flags(task, cred, ns, opts), BPF_CORE_READ(ns, ns.inum));
}

/* Is it what the task's note is about: asked in earnest, of its own credentials, and by a system call that no rule is about? */
static __always_inline bool is_repeated(const struct leastcap_repeat *r, const __u64 *ctx,
					struct task_struct *task)
{
	const struct cred *cred = (const struct cred *)ctx[0];

	return !(ctx[3] & CAP_OPT_NOAUDIT) && cred == task->cred && cred == task->real_cred &&
	       !(r->by_syscall && is_by_syscall((int)CAP(ctx)));
}

/*
 * Would it be quiet, were the system call that asks not in question, and is it one that no rule is about? A question (NOAUDIT)
 * is none of a rule's.
 */
static __always_inline bool is_quiet_by_syscall(const struct leastcap_task *t, const __u64 *ctx)
{
	__u64 quiet = t->enforce & t->audit & t->used & LEASTCAP_CAPS_BY_SYSCALL;
	__u32 cap = CAP(ctx);

	return cap < 64 && (quiet >> cap & 1) &&
	       ((ctx[3] & CAP_OPT_NOAUDIT) || !is_by_syscall((int)cap));
}

/* What is not quiet, or not known to be. t: the task's storage, or NULL. */
static __noinline int capable_loud(__u64 *ctx, struct leastcap_task *t)
{
	struct task_struct *task;
	struct leastcap_repeat *r;

	if (!t)
		return capable_slow(ctx);
	if (t->epoch != state.epoch) {
		if (!answer_renew(t))
			return capable_slow(ctx);
		/* Nothing but a move, of anybody, has come between. */
		if (CAP(ctx) < 64 && (t->quiet >> (CAP(ctx) & 63) & 1))
			return 0;
	}
	r = repeat_of(t, CAP(ctx));
	task = bpf_get_current_task_btf();
	if (r->cap != CAP(ctx) + 1 || !is_repeated(r, ctx, task) || !repeat_count(r))
		return is_quiet_by_syscall(t, ctx) ? 0 : capable_slow(ctx);
	if (bpf_jiffies64() >= r->due)
		repeat_report(ctx, t, r, task);
	return (int)r->refused;
}

/*
 * After commoncap: sees only what the credentials already pass. ctx: credentials, user namespace, capability, options, the
 * answer so far. What is here is all that a quiet check costs: BPF_PROG() would read all of ctx, and more registers would be
 * saved.
 */
SEC("lsm/capable")
int lc_capable(__u64 *ctx)
{
	struct leastcap_task *t;
	__u32 cap;

	if ((int)ctx[4])
		return (int)ctx[4];
	t = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), NULL, 0);
	cap = CAP(ctx);
	if (answer_is_quiet(t, cap))
		return 0;
	return armed ? refusal(capable_loud(ctx, t)) : 0;
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
	return refusal(judge(LEASTCAP_ITEM_URING_CREDS, thread_flags(task), 0));
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
	return refusal(judge(LEASTCAP_ITEM_OVERLAYFS, thread_flags(task), 0));
}

#endif
