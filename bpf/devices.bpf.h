/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The devices restriction: making character and block nodes. FIFOs and sockets are none. A whiteout of overlayfs,
 * character device 0:0, is no way to any device and stays allowed: unpacking an image makes them.
 */
#ifndef LEASTCAP_DEVICES_BPF_H
#define LEASTCAP_DEVICES_BPF_H

#include "rules.bpf.h"

/* include/uapi/linux/stat.h */
#define S_IFMT 00170000
#define S_IFBLK 0060000
#define S_IFCHR 0020000

static __noinline int inquire_device(__u32 item, __u32 dev)
{
	struct inquiry q = {.rule = LEASTCAP_RULE_DEVICES};

	q.sample.item = item;
	q.sample.detail_kind = LEASTCAP_DETAIL_NUMBER;
	q.sample.detail = dev;
	return ask(&q);
}

SEC("lsm/inode_mknod")
int BPF_PROG(lc_mknod, struct inode *dir, struct dentry *dentry, unsigned short mode,
	     unsigned int dev, int ret)
{
	if (ret || !armed)
		return ret;
	if ((mode & S_IFMT) == S_IFCHR && dev)
		return inquire_device(LEASTCAP_ITEM_CHAR_DEVICE, dev);
	if ((mode & S_IFMT) == S_IFBLK)
		return inquire_device(LEASTCAP_ITEM_BLOCK_DEVICE, dev);
	return 0;
}

#endif
