/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who made a file: remembered with its inode, for as long as that stays in memory, for `own-files: allow`. Marked is
 * only what is surely new:
 *  - what open() says it has made (FMODE_CREATED; O_TMPFILE),
 *  - what d_instantiate() gives to the very dentry for which the same thread has just passed one of the hooks of
 *    creation. It is hashed then, as a negative one; a lookup that finds a file of somebody else at an address that was
 *    used before gives it to a dentry that is not hashed yet. link() is the other one who gives an inode to a hashed
 *    dentry, hence its hook. NFS and FUSE unhash the dentry: there only open() marks.
 * A file that is not marked is somebody else's: that is the direction of failure.
 *
 * The setuid and setgid bits of a new file are judged here too.
 */
#ifndef LEASTCAP_OWNFILES_BPF_H
#define LEASTCAP_OWNFILES_BPF_H

#include "rules.bpf.h"

/* include/uapi/linux/stat.h */
#define S_ISUID 04000
#define S_ISGID 02000

/* include/linux/fs.h, since v5.1 */
#define FMODE_CREATED 0x100000U

/* include/uapi/asm-generic/fcntl.h */
#define TMPFILE_FLAG 020000000U /* __O_TMPFILE */

/* Does current act with somebody else's credentials, or is it the kernel? */
static __always_inline bool acts_for_another(struct task_struct *task)
{
	__u32 flags = thread_flags(task);

	if (BPF_CORE_READ(task, cred) != BPF_CORE_READ(task, real_cred))
		flags |= LEASTCAP_CHECK_OVERRIDDEN;
	return leastcap_exempt(flags);
}

/* ---- marks ---- */

struct makers_walk {
	struct cgroup *cgrp;
	__u64 stop;
	struct leastcap_makers makers;
	__u32 n;
};

/* Not static: from v6.6 on the verifier walks a loop's callback until nothing new comes, and would count n with it. */
__noinline int makers_add(struct makers_walk *w, __u64 id)
{
	if (!w)
		return 0;
	for (__u32 i = 0; i < LEASTCAP_HELD; i++) {
		if (i == w->n)
			w->makers.bindings[i] = id;
	}
	w->n++;
	return 0;
}

static long makers_level(__u32 level, void *ctx)
{
	struct makers_walk *w = ctx;
	__u64 id = cgroup_id(cgroup_ancestor(w->cgrp, level));

	if (id == w->stop)
		return 1;
	if (bpf_map_lookup_elem(&bindings, &id))
		makers_add(w, id);
	return 0;
}

/* Current has made this inode. */
static __noinline int mark_made(struct inode *inode)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct leastcap_task *process = process_of(task);
	struct cgroup *cgrp = task_cgroup(task);
	struct makers_walk w = {.cgrp = cgrp};

	w.stop = entering_stop(process);
	bpf_loop(BPF_CORE_READ(cgrp, level) + 1, makers_level, &w, 0);
	if (process && process->carried) {
		__u32 carried = carried_by(process, PLACE_OF(&w));

		for (int i = 0; i < LEASTCAP_HELD; i++) {
			if (carried & (1U << i))
				makers_add(&w, process->held[i]);
		}
	}
	if (w.n &&
	    !bpf_inode_storage_get(&makers, inode, &w.makers, BPF_LOCAL_STORAGE_GET_F_CREATE))
		lose(LEASTCAP_LOSS_STORAGE);
	return 0;
}

/* A new inode is about to be made for this dentry. */
static __always_inline void expect_inode(struct task_struct *task, struct dentry *dentry)
{
	struct leastcap_task *t;

	/* overlayfs makes its upper file within the making of its own: that one counts, it is what current acts on. */
	if (acts_for_another(task) ||
	    without_rules(task, LEASTCAP_RULE_BIT(LEASTCAP_RULE_ATTRIBUTES)))
		return;
	t = storage_of(task);
	if (t)
		t->creating = (__u64)dentry;
}

/* ---- setuid and setgid files ---- */

static __noinline int inquire_setuid_file(struct dentry *dentry, __u32 mode)
{
	struct inquiry q = {.rule = LEASTCAP_RULE_ATTRIBUTES};

	if (!(mode & (S_ISUID | S_ISGID)))
		return 0;
	q.sample.item = LEASTCAP_ITEM_SETUID_FILE;
	q.sample.detail_kind = LEASTCAP_DETAIL_PATH;
	q.sample.detail = (__u64)dentry;
	return ask(&q);
}

/* ---- hooks ---- */

/* Also called where open(O_CREAT) will find that the file exists. */
SEC("lsm/inode_create")
int BPF_PROG(lc_new_create, struct inode *dir, struct dentry *dentry, unsigned short mode, int ret)
{
	if (ret || !armed)
		return ret;
	expect_inode(bpf_get_current_task_btf(), dentry);
	return inquire_setuid_file(dentry, mode);
}

SEC("lsm/inode_mknod")
int BPF_PROG(lc_new_mknod, struct inode *dir, struct dentry *dentry, unsigned short mode,
	     unsigned int dev, int ret)
{
	if (ret || !armed)
		return ret;
	expect_inode(bpf_get_current_task_btf(), dentry);
	return inquire_setuid_file(dentry, mode);
}

/* vfs_mkdir() has taken setuid and setgid off the mode. */
SEC("lsm/inode_mkdir")
int BPF_PROG(lc_new_mkdir, struct inode *dir, struct dentry *dentry, unsigned short mode, int ret)
{
	if (ret || !armed)
		return ret;
	expect_inode(bpf_get_current_task_btf(), dentry);
	return 0;
}

SEC("lsm/inode_symlink")
int BPF_PROG(lc_new_symlink, struct inode *dir, struct dentry *dentry, const char *old_name,
	     int ret)
{
	if (ret || !armed)
		return ret;
	expect_inode(bpf_get_current_task_btf(), dentry);
	return 0;
}

SEC("lsm/inode_link")
int BPF_PROG(lc_new_link, struct dentry *old_dentry, struct inode *dir, struct dentry *new_dentry,
	     int ret)
{
	struct leastcap_task *t;

	if (ret || !armed)
		return ret;
	t = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), NULL, 0);
	if (t)
		t->creating = 0;
	return 0;
}

/* A hook without an answer. */
SEC("lsm/d_instantiate")
int BPF_PROG(lc_new_inode, struct dentry *dentry, struct inode *inode)
{
	struct leastcap_task *t;

	if (!armed || !inode)
		return 0;
	t = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), NULL, 0);
	if (!t || !t->creating || t->creating != (__u64)dentry)
		return 0;
	t->creating = 0;
	if (BPF_CORE_READ(dentry, d_hash.pprev))
		mark_made(inode);
	return 0;
}

SEC("lsm/file_open")
int BPF_PROG(lc_new_open, struct file *file, int ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct inode *inode;

	if (ret || !armed)
		return ret;
	if (!(file->f_mode & FMODE_CREATED) && !(file->f_flags & TMPFILE_FLAG))
		return 0;
	inode = file->f_inode;
	if (!inode || acts_for_another(task))
		return 0;
	if (!without_rules(task, LEASTCAP_RULE_BIT(LEASTCAP_RULE_ATTRIBUTES)))
		mark_made(inode);
	/* No other hook sees the mode of an O_TMPFILE. */
	if (!(file->f_flags & TMPFILE_FLAG))
		return 0;
	return inquire_setuid_file(BPF_CORE_READ(file, f_path.dentry),
				   BPF_CORE_READ(inode, i_mode));
}

#endif
