/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The capabilities restriction: capable(), and the two ways to let somebody else's credentials ask for one.
 */
#ifndef LEASTCAP_CAPABILITIES_BPF_H
#define LEASTCAP_CAPABILITIES_BPF_H

#include "rules.bpf.h"
#include "syscalls.bpf.h"

static __always_inline int capable_slow(struct task_struct *task, const struct cred *cred,
					struct user_namespace *ns, int cap, unsigned int opts)
{
	__u32 item = (__u32)cap < 64 ? (__u32)cap : LEASTCAP_ITEM_UNKNOWN;

	if (!(opts & CAP_OPT_NOAUDIT) && (__u32)cap < 64 && (LEASTCAP_CAPS_BY_SYSCALL >> cap & 1) &&
	    syscall_refused(task, cap))
		return 1;
	return judge(item, check_flags(task, cred, ns, opts), BPF_CORE_READ(ns, ns.inum));
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
	t = cached_answer(task);
	if (t && (__u32)cap < 64 && (t->quiet >> cap & 1))
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
