/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel internals this agent depends on, and no others: written by hand, relocated by CO-RE. Each
 * struct holds only the fields that are read. tests/unit/test_kernel_types.c checks the list against a
 * kernel's BTF.
 */
#ifndef LEASTCAP_KERNEL_TYPES_H
#define LEASTCAP_KERNEL_TYPES_H

#include <linux/types.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* x86, bpf_task_pt_regs() */
struct pt_regs {
	unsigned long orig_ax;
};

/* x86, task_struct.thread_info: TS_COMPAT in status */
struct thread_info {
	__u32 status;
};

struct ns_common {
	unsigned int inum;
};

struct user_namespace {
	int level; /* 0: the initial one */
	struct ns_common ns;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

typedef struct {
	unsigned int val;
} kuid_t;

struct cred {
	kuid_t uid;
};

struct kernfs_node {
	const char *name;
	__u64 id;
};

struct cgroup_root {
	int hierarchy_id; /* 0: the v2 hierarchy, cgrp_dfl_root; v1 hierarchies have ids of their own */
};

struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup_root *root;
	struct cgroup
		*ancestors[]; /* v6.1: 7f203bc89eb6; [0] the root, [level] the cgroup itself */
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct file_system_type {
	const char *name;
};

struct super_block {
	unsigned int s_dev;
	unsigned long s_magic;
	struct file_system_type *s_type;
};

struct inode {
	unsigned long i_ino;
	unsigned int i_nlink;
	struct super_block *i_sb;
};

struct file {
	struct inode *f_inode;
};

struct linux_binprm {
	struct file *file;
};

struct mm_struct {
	struct file *exe_file;
};

struct signal_struct {
	struct task_struct *
		group_exec_task; /* the thread that executes; set while it waits for the others to end */
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	const struct cred *real_cred;
	const struct cred *cred;
	char comm[16];
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct mm_struct *mm;
	struct css_set *cgroups;
};

#pragma clang attribute pop

/* include/linux/sched.h */
#define PF_IO_WORKER 0x00000010
#define PF_KTHREAD 0x00200000

/* include/linux/security.h */
#define CAP_OPT_NOAUDIT 0x2

/* include/linux/ptrace.h */
#define PTRACE_MODE_NOAUDIT 0x04

/* arch/x86/include/asm/thread_info.h */
#define TS_COMPAT 0x0002

/* include/uapi/linux/magic.h; memfds live there */
#define TMPFS_MAGIC 0x01021994

#endif
