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
	/* the arguments of a 32-bit system call are bx, cx, dx, si, di, bp; of a 64-bit one di, si, dx, r10, r8, r9 */
	unsigned long r10;
	unsigned long bp;
	unsigned long bx;
	unsigned long r9;
	unsigned long r8;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
};

/* x86, task_struct.thread_info: TS_COMPAT in status */
struct thread_info {
	__u32 status;
};

struct ns_common {
	unsigned int inum;
};

typedef struct {
	unsigned int val;
} kuid_t;

struct user_namespace {
	struct user_namespace *parent;
	int level; /* 0: the initial one */
	kuid_t owner;
	struct ns_common ns;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

/* Only its place is used: two __u32 until v6.3, a __u64 since (f122a08b197d), the same bytes on x86. */
typedef struct {
} kernel_cap_t;

struct cred {
	kuid_t uid;
	kuid_t euid;
	kernel_cap_t cap_effective;
	struct user_namespace *user_ns;
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

struct fs_parameter {
	const char *key;
};

struct super_block {
	unsigned int s_dev;
	unsigned long s_magic;
	struct file_system_type *s_type;
	struct dentry *s_root;
};

struct path {
	struct dentry *dentry;
};

struct vfsmount {
	struct super_block *mnt_sb;
};

struct inode {
	unsigned short i_mode;
	unsigned long i_ino;
	unsigned int i_nlink;
	struct super_block *i_sb;
};

struct qstr {
	const unsigned char *name;
};

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};

struct dentry {
	struct hlist_bl_node d_hash; /* pprev: NULL, where a lookup cannot find it */
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};

struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	struct inode *f_inode;
	struct path f_path;
};

struct iattr {
	unsigned int ia_valid;
	unsigned short ia_mode;
};

struct proc_inode {
	struct pid *pid; /* NULL: no process's */
	struct inode vfs_inode;
};

struct linux_binprm {
	struct file *file;
};

struct mm_struct {
	struct file *exe_file;
};

struct list_head {
	struct list_head *next;
};

struct signal_struct {
	struct list_head thread_head; /* of the task_struct.thread_node */
	struct task_struct *
		group_exec_task; /* the thread that executes; set while it waits for the others to end */
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	int pid;
	int tgid;
	__u64 start_boottime; /* v5.5: cf25e24db61c */
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct list_head thread_node;
	const struct cred *real_cred;
	const struct cred *cred;
	char comm[16];
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct mm_struct *mm;
	struct css_set *cgroups;
};

/* Only its place is used; the members are of an unnamed type. */
struct in6_addr {
};

struct sock_common {
	unsigned short skc_family;
	int skc_bound_dev_if; /* 0: any */
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock_cgroup_data {
	struct cgroup *cgroup; /* v2; of the task that made the socket */
};

struct sock {
	struct sock_common __sk_common;
	unsigned short sk_protocol;
	struct sock_cgroup_data sk_cgrp_data;
};

struct socket {
	struct sock *sk;
};

struct inet_sock {
	__u32 inet_saddr;
	int uc_index; /* interface to send by; 0: any */
};

struct sockaddr_un {
	char sun_path[108];
};

struct unix_address {
	int len; /* with the two bytes of the family */
	struct sockaddr_un name[];
};

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

struct msghdr {
	void *msg_name;
	int msg_namelen;
	unsigned int msg_flags;
	void *msg_control;
	unsigned long msg_controllen;
};

#pragma clang attribute pop

/* include/linux/proc_ns.h, since v3.8: PROC_USER_INIT_INO */
#define USERNS_INIT 0xEFFFFFFDU

/* include/linux/sched.h */
#define PF_EXITING 0x00000004
#define PF_IO_WORKER 0x00000010
#define PF_DUMPCORE 0x00000200
#define PF_KTHREAD 0x00200000

/* include/uapi/linux/sched.h */
#define CLONE_THREAD 0x00010000
#define CLONE_INTO_CGROUP 0x200000000ULL

/* include/linux/security.h */
#define CAP_OPT_NOAUDIT 0x2

/* include/linux/ptrace.h */
#define PTRACE_MODE_NOAUDIT 0x04

/* arch/x86/include/asm/thread_info.h */
#define TS_COMPAT 0x0002

/* include/uapi/linux/magic.h; memfds live there */
#define TMPFS_MAGIC 0x01021994

#endif
