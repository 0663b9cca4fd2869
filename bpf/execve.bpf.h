/* SPDX-License-Identifier: GPL-2.0-only */
/* execve ends entering, and until then nobody whom a binding holds takes over what enters it. */
#ifndef LEASTCAP_EXECVE_BPF_H
#define LEASTCAP_EXECVE_BPF_H

#include "fork.bpf.h"

/* ---- what it executes ---- */

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

		if ((process->carried & (1U << i)) && cgroup_below(into, id, 0))
			record_binding(&t.record, id);
	}
	if (!t.record.sample.binding)
		return 0;
	if (t.record.todo & LEASTCAP_DO_REPORT)
		sample_refusal(&t.record.sample);
	return refusal(t.record.sample.verdict == LEASTCAP_DENIED && !disarmed());
}

#endif
