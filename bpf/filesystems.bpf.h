/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The filesystems restriction: types that cannot be used, or only be read. And of the bpf restriction the type "bpf", where
 * maps, programs and links are pinned.
 *
 * Walking a path passes inode_permission for every directory, and every act that is not an open passes it for what
 * it acts on: unlink, rename, truncate, connecting to a socket, CLONE_INTO_CGROUP. What does not: an open without a path
 * (file_open), a descriptor from somebody else (file_receive), changes of attributes at the root of a mount, which may
 * be a single file.
 *
 * Of proc, what belongs to a process is not "proc": who may act on which process is not a matter of file systems.
 */
#ifndef LEASTCAP_FILESYSTEMS_BPF_H
#define LEASTCAP_FILESYSTEMS_BPF_H

#include "ownfiles.bpf.h"

/* include/uapi/linux/magic.h */
#define PROC_SUPER_MAGIC 0x9fa0
#define BPF_FS_MAGIC 0xcafe4a11

/* include/linux/fs.h */
#define MAY_WRITE 2
#define MAY_APPEND 8
#define FMODE_WRITE 2U

#define FILESYSTEM_RULES \
	(LEASTCAP_RULE_BIT(LEASTCAP_RULE_FILESYSTEMS) | LEASTCAP_RULE_BIT(LEASTCAP_RULE_BPF))

/* The bit of a type. 0: no policy has ever named it. */
static __noinline __u64 type_mask(struct super_block *sb)
{
	struct leastcap_fs_type key = {};
	__u32 *bit;

	bpf_probe_read_kernel_str(key.name, sizeof(key.name), BPF_CORE_READ(sb, s_type, name));
	bit = bpf_map_lookup_elem(&filesystems, &key);
	return bit ? 1ULL << (*bit & 63) : 0;
}

/* A file of a process, or reading the root, by which one comes to them. */
static __always_inline bool proc_exempt(struct inode *inode, struct super_block *sb, bool write)
{
	struct proc_inode *proc;

	proc = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);
	if (BPF_CORE_READ(proc, pid))
		return true;
	return !write && BPF_CORE_READ(sb, s_root, d_inode) == inode;
}

/* dentry: may be NULL. */
static __noinline int inquire_fs(struct inode *inode, struct super_block *sb, __u32 item,
				 bool write, struct dentry *dentry)
{
	struct inquiry q = {.rule = LEASTCAP_RULE_FILESYSTEMS};
	__u64 magic = BPF_CORE_READ(sb, s_magic);

	if (magic == BPF_FS_MAGIC) {
		q.rule = LEASTCAP_RULE_BPF;
		q.sample.item = LEASTCAP_ITEM_BPF_PIN;
		if (ask(&q))
			return -EPERM;
		q.rule = LEASTCAP_RULE_FILESYSTEMS;
	}
	q.mask = type_mask(sb);
	if (!q.mask || (magic == PROC_SUPER_MAGIC && proc_exempt(inode, sb, write)))
		return 0;
	q.write = write;
	q.sample.item = item;
	if (dentry) {
		q.sample.detail_kind = LEASTCAP_DETAIL_PATH;
		q.sample.detail = (__u64)dentry;
	} else {
		q.sample.detail_kind = LEASTCAP_DETAIL_TEXT;
		q.sample.detail = (__u64)BPF_CORE_READ(sb, s_type, name);
	}
	return ask(&q);
}

static __always_inline int fs_dentry(struct dentry *dentry)
{
	if (without_rules(bpf_get_current_task_btf(), FILESYSTEM_RULES))
		return 0;
	return inquire_fs(BPF_CORE_READ(dentry, d_inode), BPF_CORE_READ(dentry, d_sb),
			  LEASTCAP_ITEM_FS_WRITE, true, dentry);
}

static __always_inline int fs_file(struct file *file, __u32 item)
{
	struct dentry *dentry;
	bool write;

	if (without_rules(bpf_get_current_task_btf(), FILESYSTEM_RULES))
		return 0;
	dentry = BPF_CORE_READ(file, f_path.dentry);
	write = (BPF_CORE_READ(file, f_mode) & FMODE_WRITE) != 0;
	if (item == LEASTCAP_ITEM_FS_OPEN && write)
		item = LEASTCAP_ITEM_FS_WRITE;
	/* Not f_inode: before v6.5 overlayfs opens the file beneath with a path of its own (open_with_fake_path()). */
	return inquire_fs(BPF_CORE_READ(dentry, d_inode), BPF_CORE_READ(dentry, d_sb), item, write,
			  dentry);
}

/* For every component of every path that anybody walks: the first lines are all it costs those without the rule. */
SEC("lsm/inode_permission")
int BPF_PROG(lc_fs_access, struct inode *inode, int mask, int ret)
{
	bool write = (mask & (MAY_WRITE | MAY_APPEND)) != 0;

	if (ret || !armed)
		return ret;
	if (without_rules(bpf_get_current_task_btf(), FILESYSTEM_RULES))
		return 0;
	return inquire_fs(inode, BPF_CORE_READ(inode, i_sb),
			  write ? LEASTCAP_ITEM_FS_WRITE : LEASTCAP_ITEM_FS_OPEN, write, NULL);
}

SEC("lsm/file_open")
int BPF_PROG(lc_fs_open, struct file *file, int ret)
{
	if (ret || !armed)
		return ret;
	return fs_file(file, LEASTCAP_ITEM_FS_OPEN);
}

/* SCM_RIGHTS, pidfd_getfd, seccomp's ADDFD. */
SEC("lsm/file_receive")
int BPF_PROG(lc_fs_receive, struct file *file, int ret)
{
	if (ret || !armed)
		return ret;
	return fs_file(file, LEASTCAP_ITEM_FS_RECEIVE);
}

SEC("lsm/inode_setattr")
int BPF_PROG(lc_fs_attr_2, struct dentry *dentry, struct iattr *attr, int ret)
{
	if (ret || !armed)
		return ret;
	return fs_dentry(dentry);
}

/* Since v6.9 */
SEC("lsm/inode_setattr")
int BPF_PROG(lc_fs_attr_3, void *idmap, struct dentry *dentry, struct iattr *attr, int ret)
{
	if (ret || !armed)
		return ret;
	return fs_dentry(dentry);
}

SEC("lsm/inode_setxattr")
int BPF_PROG(lc_fs_xattr, void *idmap, struct dentry *dentry, const char *name, const void *value,
	     unsigned long size, int flags, int ret)
{
	if (ret || !armed)
		return ret;
	return fs_dentry(dentry);
}

SEC("lsm/inode_removexattr")
int BPF_PROG(lc_fs_rmxattr, void *idmap, struct dentry *dentry, const char *name, int ret)
{
	if (ret || !armed)
		return ret;
	return fs_dentry(dentry);
}

SEC("lsm/inode_set_acl")
int BPF_PROG(lc_fs_acl, void *idmap, struct dentry *dentry, const char *name, void *acl, int ret)
{
	if (ret || !armed)
		return ret;
	return fs_dentry(dentry);
}

SEC("lsm/inode_remove_acl")
int BPF_PROG(lc_fs_rmacl, void *idmap, struct dentry *dentry, const char *name, int ret)
{
	if (ret || !armed)
		return ret;
	return fs_dentry(dentry);
}

#endif
