/* SPDX-License-Identifier: GPL-2.0-only */
/* The filesystems restriction: which types are denied, which can only be read. */
#include <stdlib.h>
#include <string.h>

#include <leastcap/abi.h>

#include "base/nearest.h"
#include "policy/internal.h"

/* As many bits as the kernel side has for types (struct leastcap_lists). */
#define TYPES_MAX 64

static const char *const known_keys[] = {"mode", "deny", "read-only", NULL};
static const struct keys key_rule = {.where = "filesystems", .known = known_keys};

/* Types that are worth naming: for hints. Any other may exist too. */
static const char *const well_known[] = {
	"9p",	   "autofs",  "binfmt_misc", "bpf",	  "btrfs",     "ceph",	   "cgroup",
	"cgroup2", "cifs",    "configfs",    "debugfs",	  "devpts",    "efivarfs", "exfat",
	"ext4",	   "f2fs",    "fuse",	     "fusectl",	  "hugetlbfs", "iso9660",  "mqueue",
	"nfs",	   "nfs4",    "nfsd",	     "ntfs3",	  "overlay",   "proc",	   "pstore",
	"ramfs",   "resctrl", "securityfs",  "selinuxfs", "smb3",      "squashfs", "sysfs",
	"tmpfs",   "tracefs", "vfat",	     "virtiofs",  "xfs",       NULL};

/* Where cgroups are bound to policies, version 2 is mounted. */
#define CGROUPS "cgroup2, or cgroup for version 1"

/* What people call them, but no kernel: such a rule would be about nothing, in silence. */
static const struct {
	const char *wrong, *right;
} misnomers[] = {
	{"binfmt", "binfmt_misc"}, {"binfmtfs", "binfmt_misc"},
	{"bpffs", "bpf"},	   {"cgroups", CGROUPS},
	{"cgroupfs", CGROUPS},	   {"cgroupsv2", "cgroup2"},
	{"cgroup2fs", "cgroup2"},  {"cgroupv2", "cgroup2"},
	{"cgroups2", "cgroup2"},   {"efivars", "efivarfs"},
	{"efivarsfs", "efivarfs"}, {"overlayfs", "overlay"},
	{"procfs", "proc"},	   {"sys", "sysfs"},
	{"tmp", "tmpfs"},
};

static bool letters_are_good(const struct node *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_.-";

	for (size_t i = 0; i < name->len; i++) {
		if (!memchr(letters, name->text[i], sizeof(letters) - 1))
			return false;
	}
	return true;
}

/* "/proc" and "/sys/fs/cgroup" are where a type is mounted: the last component says which. */
static const char *meant(const struct node *name)
{
	const char *slash = strrchr(name->text, '/');
	const char *word = slash ? slash + 1 : name->text;

	if (slash && !strcmp(word, "cgroup"))
		return CGROUPS;
	for (size_t i = 0; i < ARRAY_SIZE(misnomers); i++) {
		if (!strcmp(misnomers[i].wrong, word))
			return misnomers[i].right;
	}
	return nearest_word(word, strlen(word), well_known);
}

static bool type_is_good(struct parse *p, const struct node *name)
{
	bool a_path = name->text[0] == '/', too_long = name->len >= LEASTCAP_FS_LEN;

	if (letters_are_good(name) && !too_long) {
		for (size_t i = 0; i < ARRAY_SIZE(misnomers); i++) {
			if (!node_is(name, misnomers[i].wrong))
				continue;
			complain_nearest(p, name->pos, misnomers[i].right, NULL,
					 "filesystems: no file system type is called %s",
					 quote(name).text);
			return false;
		}
		return true;
	}
	if (too_long && !a_path)
		complain(p, name->pos, NULL, "filesystems: %s is longer than %d characters",
			 quote(name).text, LEASTCAP_FS_LEN - 1);
	else
		complain_nearest(p, name->pos, meant(name), "/proc/filesystems lists the types",
				 a_path ? "filesystems: %s is a path, not a file system type"
					: "filesystems: %s is no file system type",
				 quote(name).text);
	return false;
}

static bool has_type(char *const *types, const struct node *name)
{
	for (; types && *types; types++) {
		if (node_is(name, *types))
			return true;
	}
	return false;
}

/* A type under both keys: whoever wrote it means one of the two, nobody knows which. */
static void check_conflict(struct parse *p, const struct node *read_only, char *const *denied)
{
	for (const struct node *item = read_only ? read_only->first : NULL; item;
	     item = item->next) {
		if (item->kind == NODE_SCALAR && has_type(denied, item))
			complain(p, item->pos, "what is denied cannot be read either",
				 "filesystems: %s is under deny and under read-only",
				 quote(item).text);
	}
}

static size_t count(char *const *names)
{
	size_t n = 0;

	while (names && names[n])
		n++;
	return n;
}

void filesystems_build(struct parse *p, const struct node *key, const struct node *node,
		       struct policy *policy)
{
	const struct node *deny, *read_only;
	struct policy_lists *lists = &policy->lists;
	enum stance stance;

	node_check_keys(p, node, &key_rule);
	if (node->n == 0)
		complain(p, node->pos, "write `filesystems: deny`, or lists of types",
			 "filesystems: empty");
	stance = stance_of_mode(p, node);
	deny = list_get(p, node, "deny", "[debugfs, tracefs]", NULL);
	read_only = list_get(p, node, "read-only", "[proc, sysfs]", NULL);
	if (node->n > 0 && !node_get(node, "deny", NULL) && !node_get(node, "read-only", NULL))
		complain(p, key->pos, "write lists of types, as in deny: [debugfs]",
			 "filesystems: neither deny nor read-only");
	if ((!deny || deny->n == 0) && (!read_only || read_only->n == 0))
		stance = STANCE_ALLOW;
	rule_set(policy, LEASTCAP_RULE_FILESYSTEMS, stance, key->pos);
	names_build(p, deny, type_is_good, lists, POLICY_LIST_FS_DENY);
	names_build(p, read_only, type_is_good, lists, POLICY_LIST_FS_READ_ONLY);
	check_conflict(p, read_only, lists->fs_deny);
	if (count(lists->fs_deny) + count(lists->fs_read_only) > TYPES_MAX)
		complain(p, key->pos, NULL, "filesystems: more than %d types", TYPES_MAX);
}
