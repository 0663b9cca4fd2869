/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The attributes restriction: mode, owner, chosen times, extended attributes, ACLs, inode flags. New files with
 * the setuid bit are in ownfiles.bpf.h.
 *
 * What the kernel changes by itself is none of it: setuid bits that a write or a truncation takes away
 * (ATTR_FORCE), times that become now, what overlayfs copies up (with its mounter's credentials).
 */
#ifndef LEASTCAP_ATTRIBUTES_BPF_H
#define LEASTCAP_ATTRIBUTES_BPF_H

#include "ownfiles.bpf.h"

/* include/linux/fs.h, the same from v6.1 to v7.3 */
#define ATTR_MODE (1U << 0)
#define ATTR_UID (1U << 1)
#define ATTR_GID (1U << 2)
#define ATTR_ATIME_SET (1U << 7)
#define ATTR_MTIME_SET (1U << 8)
#define ATTR_FORCE (1U << 9)

/* include/uapi/linux/fs.h and others. One that was made for a 64-bit long has a twin for 32 bits. */
#define FS_IOC_SETFLAGS 0x40086602U
#define FS_IOC32_SETFLAGS 0x40046602U
#define FS_IOC_SETVERSION 0x40087602U
#define FS_IOC32_SETVERSION 0x40047602U
#define EXT4_IOC_SETVERSION_OLD 0x40086604U /* fs/ext4/ext4.h */
#define EXT4_IOC32_SETVERSION_OLD 0x40046604U
#define FS_IOC_FSSETXATTR 0x401c5820U
#define FS_IOC_SET_ENCRYPTION_POLICY 0x800c6613U /* linux/fscrypt.h */
#define FS_IOC_ENABLE_VERITY 0x40806685U /* linux/fsverity.h */
#define FAT_IOCTL_SET_ATTRIBUTES 0x40047211U /* linux/msdos_fs.h */
#define BTRFS_IOC_SUBVOL_SETFLAGS 0x4008941aU /* linux/btrfs.h */
#define XFS_IOC_ATTRMULTI_BY_HANDLE \
	0x4048587bU /* fs/xfs/libxfs/xfs_fs.h: extended attributes, past their hooks */
#define XFS_IOC32_ATTRMULTI_BY_HANDLE 0x4024587bU

/* makers: NULL, where it does not matter who has made the file. */
static __noinline int inquire_attribute(__u32 item, __u32 detail_kind, const void *detail,
					const struct leastcap_makers *makers)
{
	struct inquiry q = {.rule = LEASTCAP_RULE_ATTRIBUTES};

	q.sample.item = item;
	q.sample.detail_kind = detail_kind;
	q.sample.detail = (__u64)detail;
	q.makers = makers;
	return ask(&q);
}

static __always_inline struct leastcap_makers *makers_of(struct dentry *dentry)
{
	struct inode *inode = dentry->d_inode;

	return inode ? bpf_inode_storage_get(&makers, inode, NULL, 0) : NULL;
}

/* ---- mode, owner, times ---- */

static __always_inline int setattr(struct dentry *dentry, struct iattr *attr)
{
	__u32 valid = BPF_CORE_READ(attr, ia_valid), item, added;
	struct leastcap_makers *m = NULL;

	if (valid & ATTR_FORCE)
		return 0;
	if (valid & (ATTR_UID | ATTR_GID))
		item = LEASTCAP_ITEM_OWNER;
	else if (valid & ATTR_MODE)
		item = LEASTCAP_ITEM_MODE;
	else if (valid & (ATTR_ATIME_SET | ATTR_MTIME_SET))
		item = LEASTCAP_ITEM_TIMES;
	else
		return 0;
	added = valid & ATTR_MODE
			? BPF_CORE_READ(attr, ia_mode) & ~BPF_CORE_READ(dentry, d_inode, i_mode)
			: 0;
	if (!(added & (S_ISUID | S_ISGID)))
		m = makers_of(dentry);
	return inquire_attribute(item, LEASTCAP_DETAIL_PATH, dentry, m);
}

SEC("lsm/inode_setattr")
int BPF_PROG(lc_setattr_2, struct dentry *dentry, struct iattr *attr, int ret)
{
	if (ret || !armed)
		return ret;
	return setattr(dentry, attr);
}

/* Since v6.9 */
SEC("lsm/inode_setattr")
int BPF_PROG(lc_setattr_3, void *idmap, struct dentry *dentry, struct iattr *attr, int ret)
{
	if (ret || !armed)
		return ret;
	return setattr(dentry, attr);
}

/* ---- extended attributes and ACLs ---- */

/* The prefix is a literal: no more than one comparison for each of its letters. */
#define BEGINS(name, prefix) begins(name, prefix, sizeof(prefix) - 1)
static __always_inline bool begins(const char *name, const char *prefix, unsigned int len)
{
	for (unsigned int i = 0; i < len; i++) {
		if (name[i] != prefix[i])
			return false;
	}
	return true;
}

static __always_inline int setxattr(struct dentry *dentry, const char *name)
{
	char start[24] = {};
	__u32 item = LEASTCAP_ITEM_XATTR;
	struct leastcap_makers *m = NULL;

	bpf_probe_read_kernel_str(start, sizeof(start), name);
	/* 6.1: an ACL comes this way. Since v6.2 it has hooks of its own. */
	if (BEGINS(start, "system.posix_acl_"))
		item = LEASTCAP_ITEM_ACL;
	/* security.capability is a setuid bit by another name. */
	if (!BEGINS(start, "security.") && !BEGINS(start, "trusted."))
		m = makers_of(dentry);
	return inquire_attribute(item, LEASTCAP_DETAIL_TEXT, name, m);
}

SEC("lsm/inode_setxattr")
int BPF_PROG(lc_setxattr, void *idmap, struct dentry *dentry, const char *name, const void *value,
	     unsigned long size, int flags, int ret)
{
	if (ret || !armed)
		return ret;
	return setxattr(dentry, name);
}

SEC("lsm/inode_removexattr")
int BPF_PROG(lc_removexattr, void *idmap, struct dentry *dentry, const char *name, int ret)
{
	if (ret || !armed)
		return ret;
	return setxattr(dentry, name);
}

SEC("lsm/inode_set_acl")
int BPF_PROG(lc_set_acl, void *idmap, struct dentry *dentry, const char *name, void *acl, int ret)
{
	if (ret || !armed)
		return ret;
	return setxattr(dentry, name);
}

SEC("lsm/inode_remove_acl")
int BPF_PROG(lc_remove_acl, void *idmap, struct dentry *dentry, const char *name, int ret)
{
	if (ret || !armed)
		return ret;
	return setxattr(dentry, name);
}

/* ---- inode flags: nobody's own files ---- */

static __always_inline int attribute_ioctl(struct file *file, __u32 cmd)
{
	switch (cmd) {
	case FS_IOC_SETFLAGS:
	case FS_IOC32_SETFLAGS:
	case FS_IOC_SETVERSION:
	case FS_IOC32_SETVERSION:
	case EXT4_IOC_SETVERSION_OLD:
	case EXT4_IOC32_SETVERSION_OLD:
	case FS_IOC_FSSETXATTR:
	case FS_IOC_SET_ENCRYPTION_POLICY:
	case FS_IOC_ENABLE_VERITY:
	case FAT_IOCTL_SET_ATTRIBUTES:
	case BTRFS_IOC_SUBVOL_SETFLAGS:
	case XFS_IOC_ATTRMULTI_BY_HANDLE:
	case XFS_IOC32_ATTRMULTI_BY_HANDLE:
		return inquire_attribute(LEASTCAP_ITEM_INODE_FLAGS, LEASTCAP_DETAIL_PATH,
					 BPF_CORE_READ(file, f_path.dentry), NULL);
	default:
		return 0;
	}
}

SEC("lsm/file_ioctl")
int BPF_PROG(lc_ioctl, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
	if (ret || !armed)
		return ret;
	return attribute_ioctl(file, cmd);
}

/* Since v6.8, and in Debian's 6.1; before, lc_ioctl sees the 32-bit callers too. */
SEC("lsm/file_ioctl_compat")
int BPF_PROG(lc_ioctl_compat, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
	if (ret || !armed)
		return ret;
	return attribute_ioctl(file, cmd);
}

/* file_setattr(2), v6.17. FS_IOC_SETFLAGS and FS_IOC_FSSETXATTR pass here a second time: under audit they count twice. */
SEC("lsm/inode_file_setattr")
int BPF_PROG(lc_file_setattr, struct dentry *dentry, void *fa, int ret)
{
	if (ret || !armed)
		return ret;
	return inquire_attribute(LEASTCAP_ITEM_INODE_FLAGS, LEASTCAP_DETAIL_PATH, dentry, NULL);
}

#endif
