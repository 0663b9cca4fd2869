/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mounts restriction: mount, bind, remount, propagation, move, umount, pivot_root, by both mount APIs. What has no
 * hook is in syscalls.bpf.h. sb_remount is not needed: mount(2) has been asked in sb_mount, fsconfig by its capability.
 */
#ifndef LEASTCAP_MOUNTS_BPF_H
#define LEASTCAP_MOUNTS_BPF_H

#include "syscalls.bpf.h"

/* include/uapi/linux/mount.h */
#define MS_REMOUNT 32UL
#define MS_BIND 4096UL
#define MS_MOVE 8192UL
#define MS_PROPAGATION (1UL << 17 | 1UL << 18 | 1UL << 19 | 1UL << 20)

static __always_inline int inquire_mount(__u32 item, __u32 detail_kind, const void *detail)
{
	struct inquiry q = {.rule = LEASTCAP_RULE_MOUNTS};

	q.sample.item = item;
	q.sample.detail_kind = detail_kind;
	q.sample.detail = (__u64)detail;
	return ask(&q);
}

/* In the order of path_mount() in fs/namespace.c. */
static __always_inline __u32 mount_item(unsigned long flags)
{
	if (flags & MS_REMOUNT)
		return LEASTCAP_ITEM_REMOUNT;
	if (flags & MS_BIND)
		return LEASTCAP_ITEM_BIND;
	if (flags & MS_PROPAGATION)
		return LEASTCAP_ITEM_PROPAGATION;
	return flags & MS_MOVE ? LEASTCAP_ITEM_MOVE : LEASTCAP_ITEM_MOUNT;
}

SEC("lsm/sb_mount")
int BPF_PROG(lc_mount, const char *dev_name, const struct path *path, const char *type,
	     unsigned long flags, void *data, int ret)
{
	__u32 item = mount_item(flags);

	if (ret || !armed)
		return ret;
	if (item == LEASTCAP_ITEM_MOUNT && type)
		return inquire_mount(item, LEASTCAP_DETAIL_TEXT, type);
	return inquire_mount(item, LEASTCAP_DETAIL_PATH, BPF_CORE_READ(path, dentry));
}

SEC("lsm/sb_umount")
int BPF_PROG(lc_umount, struct vfsmount *mnt, int flags, int ret)
{
	if (ret || !armed)
		return ret;
	return inquire_mount(LEASTCAP_ITEM_UMOUNT, LEASTCAP_DETAIL_TEXT,
			     BPF_CORE_READ(mnt, mnt_sb, s_type, name));
}

SEC("lsm/sb_pivotroot")
int BPF_PROG(lc_pivot_root, const struct path *old, const struct path *new, int ret)
{
	if (ret || !armed)
		return ret;
	return inquire_mount(LEASTCAP_ITEM_PIVOT_ROOT, LEASTCAP_DETAIL_NONE, NULL);
}

/*
 * fsconfig(FSCONFIG_SET_*) asks for no capability: on a context that the host has opened. The parsers behind it have had
 * holes (CVE-2022-0185). Whatever else sets options, the kernel does for itself, such as an automount's.
 * The answer 0 goes on to the hook's default, -ENOPARAM: the file system parses.
 */
SEC("lsm/fs_context_parse_param")
int BPF_PROG(lc_fs_param, void *fc, struct fs_parameter *param, int ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 argument = 0;

	if (ret || !armed)
		return ret;
	if (running_syscall(task, &argument) != NR_FSCONFIG)
		return 0;
	return inquire_mount(LEASTCAP_ITEM_FSCONFIG, LEASTCAP_DETAIL_TEXT,
			     BPF_CORE_READ(param, key));
}

SEC("lsm/move_mount")
int BPF_PROG(lc_move_mount, const struct path *from, const struct path *to, int ret)
{
	if (ret || !armed)
		return ret;
	return inquire_mount(LEASTCAP_ITEM_MOVE, LEASTCAP_DETAIL_PATH, BPF_CORE_READ(to, dentry));
}

/* clone and clone3: the flags of the new task. unshare and setns are in syscalls.bpf.h. */
SEC("lsm/task_alloc")
int BPF_PROG(lc_clone_mntns, struct task_struct *task, unsigned long clone_flags, int ret)
{
	if (ret || !armed)
		return ret;
	if (!(clone_flags & CLONE_NEWNS)) /* v7.1: CLONE_EMPTY_MNTNS has brought it along */
		return 0;
	return inquire_mount(LEASTCAP_ITEM_MNTNS_CREATE, LEASTCAP_DETAIL_NONE, NULL);
}

#endif
