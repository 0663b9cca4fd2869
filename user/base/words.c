/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/words.h"

#include <stddef.h>

#include "base/cleanup.h"

static const char *const restrictions[LEASTCAP_RESTRICTIONS] = {
	[LEASTCAP_CAPABILITIES] = "capabilities",
	[LEASTCAP_MOUNTS] = "mounts",
	[LEASTCAP_MODULES] = "modules",
	[LEASTCAP_SOCKETS] = "sockets",
	[LEASTCAP_DEVICES] = "devices",
	[LEASTCAP_ATTRIBUTES] = "attributes",
	[LEASTCAP_FILESYSTEMS] = "filesystems",
	[LEASTCAP_NAMESPACES] = "namespaces",
	[LEASTCAP_BPF] = "bpf",
};

static const struct {
	const char *word;
	enum leastcap_restriction restriction;
} rules[LEASTCAP_RULES] = {
	[LEASTCAP_RULE_MOUNTS] = {"mounts", LEASTCAP_MOUNTS},
	[LEASTCAP_RULE_MODULES] = {"modules", LEASTCAP_MODULES},
	[LEASTCAP_RULE_UNIX] = {"host-unix", LEASTCAP_SOCKETS},
	[LEASTCAP_RULE_CONNECT] = {"connect", LEASTCAP_SOCKETS},
	[LEASTCAP_RULE_FAMILIES] = {"families", LEASTCAP_SOCKETS},
	[LEASTCAP_RULE_DEVICES] = {"devices", LEASTCAP_DEVICES},
	[LEASTCAP_RULE_ATTRIBUTES] = {"attributes", LEASTCAP_ATTRIBUTES},
	[LEASTCAP_RULE_FILESYSTEMS] = {"filesystems", LEASTCAP_FILESYSTEMS},
	[LEASTCAP_RULE_NAMESPACES] = {"namespaces", LEASTCAP_NAMESPACES},
	[LEASTCAP_RULE_BPF] = {"bpf", LEASTCAP_BPF},
};

static const struct {
	uint32_t item;
	const char *word;
} items[] = {
	{LEASTCAP_ITEM_URING_CREDS, "io_uring-credentials"},
	{LEASTCAP_ITEM_OVERLAYFS, "overlayfs-mount"},
	{LEASTCAP_ITEM_PTRACE_ENTERING, "ptrace-entering"},
	{LEASTCAP_ITEM_UNKNOWN, "unknown-capability"},
	{LEASTCAP_ITEM_MOUNT, "mount"},
	{LEASTCAP_ITEM_BIND, "bind"},
	{LEASTCAP_ITEM_REMOUNT, "remount"},
	{LEASTCAP_ITEM_PROPAGATION, "propagation"},
	{LEASTCAP_ITEM_MOVE, "move"},
	{LEASTCAP_ITEM_UMOUNT, "umount"},
	{LEASTCAP_ITEM_PIVOT_ROOT, "pivot-root"},
	{LEASTCAP_ITEM_FSOPEN, "fsopen"},
	{LEASTCAP_ITEM_FSCONFIG, "fsconfig"},
	{LEASTCAP_ITEM_FSMOUNT, "fsmount"},
	{LEASTCAP_ITEM_FSPICK, "fspick"},
	{LEASTCAP_ITEM_OPEN_TREE, "open-tree"},
	{LEASTCAP_ITEM_MOUNT_SETATTR, "mount-setattr"},
	{LEASTCAP_ITEM_MNTNS_CREATE, "mount-namespace"},
	{LEASTCAP_ITEM_MNTNS_JOIN, "join-mount-namespace"},
	{LEASTCAP_ITEM_MODULE_REQUEST, "module-request"},
	{LEASTCAP_ITEM_MODULE_LOAD, "module-load"},
	{LEASTCAP_ITEM_MODULE_UNLOAD, "module-unload"},
	{LEASTCAP_ITEM_KEXEC, "kexec"},
	{LEASTCAP_ITEM_MODULE_CRYPTO, "module-request-by-crypto"},
	{LEASTCAP_ITEM_UNIX, "host-unix"},
	{LEASTCAP_ITEM_CONNECT, "connect"},
	{LEASTCAP_ITEM_FAMILY, "family"},
	{LEASTCAP_ITEM_SOURCE_ROUTE, "source-route"},
	{LEASTCAP_ITEM_CHAR_DEVICE, "character-device"},
	{LEASTCAP_ITEM_BLOCK_DEVICE, "block-device"},
	{LEASTCAP_ITEM_MODE, "mode"},
	{LEASTCAP_ITEM_OWNER, "owner"},
	{LEASTCAP_ITEM_TIMES, "times"},
	{LEASTCAP_ITEM_XATTR, "xattr"},
	{LEASTCAP_ITEM_ACL, "acl"},
	{LEASTCAP_ITEM_INODE_FLAGS, "inode-flags"},
	{LEASTCAP_ITEM_SETUID_FILE, "setuid-file"},
	{LEASTCAP_ITEM_FS_OPEN, "open"},
	{LEASTCAP_ITEM_FS_WRITE, "write"},
	{LEASTCAP_ITEM_FS_RECEIVE, "receive"},
	{LEASTCAP_ITEM_USERNS_CREATE, "user-namespace"},
	{LEASTCAP_ITEM_NS_JOIN, "join-namespace"},
	{LEASTCAP_ITEM_BPF_CALL, "bpf-call"},
	{LEASTCAP_ITEM_BPF_OBJECT, "bpf-object"},
	{LEASTCAP_ITEM_BPF_PIN, "bpf-pin"},
};

const char *word_restriction(uint32_t restriction)
{
	return restriction < LEASTCAP_RESTRICTIONS ? restrictions[restriction] : NULL;
}

const char *word_rule(uint32_t rule)
{
	return rule < LEASTCAP_RULES ? rules[rule].word : NULL;
}

enum leastcap_restriction rule_restriction(uint32_t rule)
{
	return rule < LEASTCAP_RULES ? rules[rule].restriction : LEASTCAP_CAPABILITIES;
}

const char *word_item(uint32_t item)
{
	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		if (items[i].item == item)
			return items[i].word;
	}
	return NULL;
}

int item_rule(uint32_t restriction, uint32_t item)
{
	switch (item) {
	case LEASTCAP_ITEM_UNIX:
		return LEASTCAP_RULE_UNIX;
	case LEASTCAP_ITEM_CONNECT:
	case LEASTCAP_ITEM_SOURCE_ROUTE:
		return LEASTCAP_RULE_CONNECT;
	case LEASTCAP_ITEM_FAMILY:
		return LEASTCAP_RULE_FAMILIES;
	}
	for (uint32_t rule = 0; rule < LEASTCAP_RULES; rule++) {
		if (restriction != LEASTCAP_CAPABILITIES && rule_restriction(rule) == restriction)
			return (int)rule;
	}
	return -1;
}
