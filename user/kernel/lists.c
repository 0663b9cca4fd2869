/* SPDX-License-Identifier: GPL-2.0-only */
/* The lists of a policy: written before it is published, and never changed. */
#include "kernel/internal.h"

#include <string.h>

#include <bpf/bpf.h>

#include <leastcap/decide.h>

/* How many types of file systems can be told apart: bits of a mask. */
#define FILESYSTEMS_MAX 64

static int fs_key(const char *name, struct leastcap_fs_type *ret)
{
	*ret = (struct leastcap_fs_type){};
	if (!*name)
		return -EINVAL;
	if (strlen(name) >= sizeof(ret->name))
		return -ENAMETOOLONG;
	strcpy(ret->name, name);
	return 0;
}

/* The bits that are given out. */
static int fs_bits(int fd, __u64 *ret)
{
	struct leastcap_fs_type key, *previous = NULL;
	uint32_t bit;
	int err;

	*ret = 0;
	for (;;) {
		err = bpf_map_get_next_key(fd, previous, &key);
		if (err)
			return err == -ENOENT ? 0 : err;
		previous = &key;
		err = bpf_map_lookup_elem(fd, &key, &bit);
		if (err)
			return err;
		*ret |= 1ULL << (bit & 63);
	}
}

/* The bit of a file system type, a free one if it has none yet. It stays its bit. */
static int fs_bit(int fd, const char *name, __u64 *mask)
{
	struct leastcap_fs_type key;
	__u64 taken;
	uint32_t bit;
	int err = fs_key(name, &key);

	if (err)
		return err;
	if (bpf_map_lookup_elem(fd, &key, &bit)) {
		err = fs_bits(fd, &taken);
		if (err)
			return err;
		if (!~taken)
			return -E2BIG;
		bit = (uint32_t)__builtin_ctzll(~taken);
		err = bpf_map_update_elem(fd, &key, &bit, BPF_NOEXIST);
		if (err)
			return err;
	}
	if (bit >= FILESYSTEMS_MAX)
		return -EINVAL;
	*mask |= 1ULL << bit;
	return 0;
}

static int fs_mask(int fd, char *const *names, __u64 *ret)
{
	int err = 0;

	for (; names && *names && !err; names++)
		err = fs_bit(fd, *names, ret);
	return err;
}

static int unix_element(uint64_t policy, const char *name, struct leastcap_unix_key *ret_key,
			struct leastcap_unix_name *ret_name)
{
	*ret_name = (struct leastcap_unix_name){};
	if (!*name)
		return -EINVAL;
	if (strlen(name) >= sizeof(ret_name->name))
		return -ENAMETOOLONG;
	strcpy(ret_name->name, name);
	*ret_key = (struct leastcap_unix_key){policy, leastcap_unix_hash(ret_name->name)};
	return 0;
}

/* The same name twice is no error; another name with the same hash is. */
static int add_unix_name(int fd, uint64_t policy, const char *name)
{
	struct leastcap_unix_name value, other;
	struct leastcap_unix_key key;
	int err = unix_element(policy, name, &key, &value);

	err = err ?: bpf_map_update_elem(fd, &key, &value, BPF_NOEXIST);
	if (err != -EEXIST)
		return err;
	err = bpf_map_lookup_elem(fd, &key, &other);
	return err ?: memcmp(&value, &other, sizeof(value)) ? -EEXIST : 0;
}

static struct leastcap_destination destination_key(uint64_t policy,
						   const struct leastcap_destination *d)
{
	struct leastcap_destination key = *d;

	key.policy[0] = (uint32_t)policy;
	key.policy[1] = (uint32_t)(policy >> 32);
	return key;
}

static int add_destination(int fd, uint64_t policy, const struct leastcap_destination *d,
			   const struct leastcap_destination_rule *rule)
{
	struct leastcap_destination key = destination_key(policy, d);
	int err;

	if (key.prefix < LEASTCAP_DESTINATION_FIXED ||
	    key.prefix != LEASTCAP_DESTINATION_FIXED + rule->prefix ||
	    rule->prefix > sizeof(key.address) * 8)
		return -EINVAL;
	err = bpf_map_update_elem(fd, &key, rule, BPF_NOEXIST);
	/* What a full trie answers, kernel/bpf/lpm_trie.c. */
	return err == -ENOSPC ? -E2BIG : err;
}

void lists_remove(struct kernel *k, uint64_t policy, const struct kernel_lists *lists)
{
	if (!lists)
		return;
	(void)bpf_map_delete_elem(k->maps[MAP_LISTS], &policy);
	for (char *const *name = lists->unix_names; name && *name; name++) {
		struct leastcap_unix_name value;
		struct leastcap_unix_key key;

		if (!unix_element(policy, *name, &key, &value))
			(void)bpf_map_delete_elem(k->maps[MAP_UNIX_NAMES], &key);
	}
	for (size_t i = 0; i < lists->n_destinations; i++) {
		struct leastcap_destination key = destination_key(policy, &lists->destinations[i]);

		(void)bpf_map_delete_elem(k->maps[MAP_DESTINATIONS], &key);
	}
}

int lists_add(struct kernel *k, uint64_t policy, const struct kernel_lists *lists)
{
	struct leastcap_lists value = {.id = policy};
	int err;

	if (!lists)
		return 0;
	value.flags = lists->flags;
	value.families = lists->families;
	err = fs_mask(k->maps[MAP_FILESYSTEMS], lists->fs_deny, &value.fs_deny)
		      ?: fs_mask(k->maps[MAP_FILESYSTEMS], lists->fs_read_only,
				 &value.fs_read_only);
	for (char *const *name = lists->unix_names; !err && name && *name; name++)
		err = add_unix_name(k->maps[MAP_UNIX_NAMES], policy, *name);
	for (size_t i = 0; !err && i < lists->n_destinations; i++)
		err = add_destination(k->maps[MAP_DESTINATIONS], policy, &lists->destinations[i],
				      &lists->destination_rules[i]);
	err = err ?: bpf_map_update_elem(k->maps[MAP_LISTS], &policy, &value, BPF_NOEXIST);
	if (err)
		lists_remove(k, policy, lists);
	return err;
}
