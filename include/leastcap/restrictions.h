/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be restricted: the restrictions, their rules, and the items that an event names. Both sides share the
 * numbers; the words are in user/base/words.c. New values are appended, each within its own range.
 */
#ifndef LEASTCAP_RESTRICTIONS_H
#define LEASTCAP_RESTRICTIONS_H

enum leastcap_restriction {
	LEASTCAP_CAPABILITIES = 0,
	LEASTCAP_MOUNTS,
	LEASTCAP_MODULES,
	LEASTCAP_SOCKETS,
	LEASTCAP_DEVICES,
	LEASTCAP_ATTRIBUTES,
	LEASTCAP_FILESYSTEMS,
	LEASTCAP_NAMESPACES,
	LEASTCAP_BPF,
	LEASTCAP_RESTRICTIONS, /* how many there are */
};

/* A rule is what has a mode of its own. The whitelist of capabilities is none: it is always there. */
enum leastcap_rule {
	LEASTCAP_RULE_MOUNTS = 0,
	LEASTCAP_RULE_MODULES,
	LEASTCAP_RULE_UNIX, /* listeners of AF_UNIX outside the subject's subtree; has a list */
	LEASTCAP_RULE_CONNECT, /* address ranges; has a list */
	LEASTCAP_RULE_FAMILIES, /* address families; has a list */
	LEASTCAP_RULE_DEVICES,
	LEASTCAP_RULE_ATTRIBUTES,
	LEASTCAP_RULE_FILESYSTEMS, /* has a list */
	LEASTCAP_RULE_NAMESPACES,
	LEASTCAP_RULE_BPF,
	LEASTCAP_RULES, /* how many there are */
};

#define LEASTCAP_RULE_BIT(rule) (1U << (rule))
#define LEASTCAP_ALL_RULES (LEASTCAP_RULE_BIT(LEASTCAP_RULES) - 1)

/* The high byte of an item is its restriction; the items below 64 are the capabilities (linux/capability.h). */
#define LEASTCAP_ITEMS(restriction) (((restriction) + 1) << 8)
#define LEASTCAP_ITEM_RESTRICTION(item) ((item) < 64 ? LEASTCAP_CAPABILITIES : ((item) >> 8) - 1)

enum leastcap_item {
	/* the ways around a whitelist that are closed with it */
	LEASTCAP_ITEM_URING_CREDS =
		LEASTCAP_ITEMS(LEASTCAP_CAPABILITIES), /* io_uring personality */
	LEASTCAP_ITEM_OVERLAYFS, /* mounting overlayfs: acts with the mounter's credentials */
	LEASTCAP_ITEM_PTRACE_ENTERING, /* taking over a process that enters this binding */
	LEASTCAP_ITEM_UNKNOWN, /* a capability number that no mask can hold */

	LEASTCAP_ITEM_MOUNT = LEASTCAP_ITEMS(LEASTCAP_MOUNTS), /* a new file system */
	LEASTCAP_ITEM_BIND,
	LEASTCAP_ITEM_REMOUNT,
	LEASTCAP_ITEM_PROPAGATION,
	LEASTCAP_ITEM_MOVE,
	LEASTCAP_ITEM_UMOUNT,
	LEASTCAP_ITEM_PIVOT_ROOT,
	LEASTCAP_ITEM_FSOPEN,
	LEASTCAP_ITEM_FSCONFIG,
	LEASTCAP_ITEM_FSMOUNT,
	LEASTCAP_ITEM_FSPICK,
	LEASTCAP_ITEM_OPEN_TREE,
	LEASTCAP_ITEM_MOUNT_SETATTR,
	LEASTCAP_ITEM_MNTNS_CREATE, /* a mount namespace, by unshare or clone */
	LEASTCAP_ITEM_MNTNS_JOIN, /* by setns */

	LEASTCAP_ITEM_MODULE_REQUEST =
		LEASTCAP_ITEMS(LEASTCAP_MODULES), /* that the kernel load one */
	LEASTCAP_ITEM_MODULE_LOAD,
	LEASTCAP_ITEM_MODULE_UNLOAD,
	LEASTCAP_ITEM_KEXEC,
	LEASTCAP_ITEM_MODULE_CRYPTO, /* a socket family by which a kernel thread requests modules */

	LEASTCAP_ITEM_UNIX = LEASTCAP_ITEMS(LEASTCAP_SOCKETS),
	LEASTCAP_ITEM_CONNECT,
	LEASTCAP_ITEM_FAMILY,
	LEASTCAP_ITEM_SOURCE_ROUTE, /* the destination is not the address that was judged */

	LEASTCAP_ITEM_CHAR_DEVICE = LEASTCAP_ITEMS(LEASTCAP_DEVICES),
	LEASTCAP_ITEM_BLOCK_DEVICE,

	LEASTCAP_ITEM_MODE = LEASTCAP_ITEMS(LEASTCAP_ATTRIBUTES),
	LEASTCAP_ITEM_OWNER,
	LEASTCAP_ITEM_TIMES,
	LEASTCAP_ITEM_XATTR,
	LEASTCAP_ITEM_ACL,
	LEASTCAP_ITEM_INODE_FLAGS, /* chattr */
	LEASTCAP_ITEM_SETUID_FILE, /* a new file with the bit */

	LEASTCAP_ITEM_FS_OPEN = LEASTCAP_ITEMS(LEASTCAP_FILESYSTEMS),
	LEASTCAP_ITEM_FS_WRITE,
	LEASTCAP_ITEM_FS_RECEIVE, /* a descriptor from somebody else */

	LEASTCAP_ITEM_USERNS_CREATE = LEASTCAP_ITEMS(LEASTCAP_NAMESPACES),
	LEASTCAP_ITEM_NS_JOIN,

	LEASTCAP_ITEM_BPF_CALL = LEASTCAP_ITEMS(LEASTCAP_BPF), /* bpf(2) */
	LEASTCAP_ITEM_BPF_OBJECT, /* a map or program, by a way that is not bpf(2) */
	LEASTCAP_ITEM_BPF_PIN, /* the BPF file system */
};

/* What an event's data is. */
enum leastcap_detail {
	LEASTCAP_DETAIL_NONE = 0,
	LEASTCAP_DETAIL_TEXT, /* a name: of a module, a file system type, an extended attribute */
	LEASTCAP_DETAIL_SOCKADDR, /* struct sockaddr_*, as long as detail_len says */
	LEASTCAP_DETAIL_UNIX, /* the bound name of a listener; an abstract one begins with NUL; empty: it has none */
	LEASTCAP_DETAIL_PATH, /* the last four components of a path, 32 bytes each, the last one first */
	LEASTCAP_DETAIL_NUMBER, /* __u64: an address family, a device number (kernel-internal dev_t), a bpf command */
	LEASTCAP_DETAIL_ARGUMENTS, /* __u64 each: what the system call was called with, as its registers had it */
};

#define LEASTCAP_ARGUMENTS 6

#define LEASTCAP_DETAIL_LEN 128
#define LEASTCAP_COMPONENT_LEN 32

/* Name of a file system type with its NUL. The longest in v7.3 has 15 letters. */
#define LEASTCAP_FS_LEN 32
/* sun_path (108), "@" for the NUL of an abstract name */
#define LEASTCAP_UNIX_LEN 112

#endif
