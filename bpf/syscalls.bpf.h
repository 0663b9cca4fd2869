/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What no hook of its own sees, in no kernel up to v7.3: fsopen, fspick, fsmount, open_tree(OPEN_TREE_CLONE),
 * mount_setattr, open_tree_attr, unshare and setns of a mount namespace (fs/namespace.c, fs/fsopen.c,
 * kernel/nsproxy.c), setns of a user namespace (kernel/user_namespace.c), delete_module (kernel/module/main.c),
 * kexec_file_load(KEXEC_FILE_UNLOAD) (kernel/kexec_file.c). All of them ask for a capability: it is refused there, by
 * the system call that is running.
 *
 * init_module, finit_module and kexec_load have hooks (kernel_load_data, kernel_read_file) that come too late: since
 * v6.5 everybody who loads the same file at the same time gets the answer of the first (9b9879fc0327, "modules: catch
 * concurrent module loads"), so a refusal behind may_init_module() would be handed to the host's modprobe.
 */
#ifndef LEASTCAP_SYSCALLS_BPF_H
#define LEASTCAP_SYSCALLS_BPF_H

#include "rules.bpf.h"

/* arch/x86/entry/syscalls/syscall_64.tbl; x32 has the same numbers but for those below. From 424 on all tables are one. */
enum {
	NR_INIT_MODULE = 175,
	NR_DELETE_MODULE = 176,
	NR_KEXEC_LOAD = 246,
	NR_UNSHARE = 272,
	NR_SETNS = 308,
	NR_FINIT_MODULE = 313,
	NR_KEXEC_FILE_LOAD = 320,
	NR_BPF = 321,
	NR_OPEN_TREE = 428,
	NR_FSOPEN = 430,
	NR_FSCONFIG = 431,
	NR_FSMOUNT = 432,
	NR_FSPICK = 433,
	NR_MOUNT_SETATTR = 442,
	NR_OPEN_TREE_ATTR = 467,
};

enum {
	NR_X32_KEXEC_LOAD = 528,
};

/* arch/x86/entry/syscalls/syscall_32.tbl; it has no kexec_file_load */
enum {
	NR32_INIT_MODULE = 128,
	NR32_DELETE_MODULE = 129,
	NR32_KEXEC_LOAD = 283,
	NR32_UNSHARE = 310,
	NR32_SETNS = 346,
	NR32_FINIT_MODULE = 350,
	NR32_BPF = 357,
};

#define X32_SYSCALL_BIT 0x40000000
#define CLONE_NEWNS 0x00020000UL
/* unshare(2) alone, v7.1: the kernel adds CLONE_NEWNS to it, in a copy of the argument. Before: EINVAL. */
#define UNSHARE_EMPTY_MNTNS 0x00100000UL

/* The number in the 64-bit table. -1: none, or not in a system call. */
static __always_inline __s32 running_syscall(struct task_struct *task, __u64 *ret_first_argument)
{
	struct pt_regs *regs;
	__s32 nr;

	/* A worker never came in by a system call. */
	if (task->flags & (PF_IO_WORKER | PF_KTHREAD))
		return -1;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	nr = (__s32)regs->orig_ax;
	if (!(task->thread_info.status & TS_COMPAT)) {
		*ret_first_argument = regs->di;
		if (nr < 0)
			return -1;
		nr &= ~X32_SYSCALL_BIT;
		return nr == NR_X32_KEXEC_LOAD ? NR_KEXEC_LOAD : nr;
	}
	*ret_first_argument = (__u32)regs->bx;
	switch (nr) {
	case NR32_INIT_MODULE:
		return NR_INIT_MODULE;
	case NR32_DELETE_MODULE:
		return NR_DELETE_MODULE;
	case NR32_KEXEC_LOAD:
		return NR_KEXEC_LOAD;
	case NR32_UNSHARE:
		return NR_UNSHARE;
	case NR32_SETNS:
		return NR_SETNS;
	case NR32_FINIT_MODULE:
		return NR_FINIT_MODULE;
	case NR32_BPF:
		return NR_BPF;
	}
	return nr >= 424 ? nr : -1;
}

/* What the running system call asks SYS_ADMIN for. */
static __always_inline __u32 admin_item(__s32 nr, __u64 argument)
{
	switch (nr) {
	case NR_SETNS:
		return LEASTCAP_ITEM_NS_JOIN;
	case NR_UNSHARE:
		return argument & (CLONE_NEWNS | UNSHARE_EMPTY_MNTNS) ? LEASTCAP_ITEM_MNTNS_CREATE
								      : 0;
	case NR_FSOPEN:
		return LEASTCAP_ITEM_FSOPEN;
	case NR_FSCONFIG: /* CMD_CREATE and CMD_RECONFIGURE; the rest is in mounts.bpf.h */
		return LEASTCAP_ITEM_FSCONFIG;
	case NR_FSMOUNT:
		return LEASTCAP_ITEM_FSMOUNT;
	case NR_FSPICK:
		return LEASTCAP_ITEM_FSPICK;
	case NR_OPEN_TREE:
	case NR_OPEN_TREE_ATTR:
		return LEASTCAP_ITEM_OPEN_TREE;
	case NR_MOUNT_SETATTR:
		return LEASTCAP_ITEM_MOUNT_SETATTR;
	default:
		return 0;
	}
}

/* What it asks this capability for; 0: nothing that is held here. */
static __always_inline __u32 syscall_item(struct task_struct *task, int cap)
{
	__u64 argument = 0;
	__s32 nr = running_syscall(task, &argument);

	switch (cap) {
	case CAP_SYS_MODULE:
		if (nr == NR_DELETE_MODULE)
			return LEASTCAP_ITEM_MODULE_UNLOAD;
		return nr == NR_INIT_MODULE || nr == NR_FINIT_MODULE ? LEASTCAP_ITEM_MODULE_LOAD
								     : 0;
	case CAP_SYS_BOOT:
		return nr == NR_KEXEC_LOAD || nr == NR_KEXEC_FILE_LOAD ? LEASTCAP_ITEM_KEXEC : 0;
	case CAP_SYS_CHROOT:
		/* mntns_install() alone asks for it in setns. What kind of namespace a descriptor is cannot be read. */
		return nr == NR_SETNS ? LEASTCAP_ITEM_MNTNS_JOIN : 0;
	default:
		return admin_item(nr, argument);
	}
}

static __noinline int is_by_syscall(int cap)
{
	return syscall_item(bpf_get_current_task_btf(), cap) != 0;
}

static __noinline int syscall_refused(struct task_struct *task, int cap)
{
	struct inquiry q = {};

	q.sample.item = syscall_item(task, cap);
	switch (LEASTCAP_ITEM_RESTRICTION(q.sample.item)) {
	case LEASTCAP_MOUNTS:
		q.rule = LEASTCAP_RULE_MOUNTS;
		break;
	case LEASTCAP_MODULES:
		q.rule = LEASTCAP_RULE_MODULES;
		break;
	case LEASTCAP_NAMESPACES:
		q.rule = LEASTCAP_RULE_NAMESPACES;
		break;
	default:
		return 0;
	}
	return ask(&q);
}

#endif
