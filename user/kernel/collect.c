/* SPDX-License-Identifier: GPL-2.0-only */
/* What nobody needs any more: policies that nothing names, and what is kept for cgroups that are bound no more. */
#include "kernel/internal.h"

#include <string.h>

#include <bpf/bpf.h>

/* ---- sets of ids ---- */

struct ids {
	uint64_t *ids;
	size_t n, room;
};

/* Of many bindings one after the other has the same policy. */
static int ids_add(struct ids *ids, uint64_t id)
{
	if (!id || (ids->n && ids->ids[ids->n - 1] == id))
		return 0;
	if (ids->n == ids->room) {
		size_t more = ids->room ? ids->room * 2 : 64;
		uint64_t *grown = reallocarray(ids->ids, more, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		ids->ids = grown;
		ids->room = more;
	}
	ids->ids[ids->n++] = id;
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Sorted and without repetition. Returns the new count. */
static size_t sort_ids(uint64_t *ids, size_t n)
{
	size_t kept = 0;

	/* Nothing is at no address, which qsort() does not take. */
	if (!n)
		return 0;
	qsort(ids, n, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < n; i++) {
		if (!kept || ids[kept - 1] != ids[i])
			ids[kept++] = ids[i];
	}
	return kept;
}

static bool ids_have(const struct ids *ids, uint64_t id)
{
	return ids->n && bsearch(&id, ids->ids, ids->n, sizeof(id), compare_ids);
}

static void ids_done(struct ids *ids)
{
	free(ids->ids);
}

/* ---- who is live ---- */

struct live {
	struct ids policies;
	struct ids cgroups;
};

static int note_binding(const struct leastcap_binding *b, void *ctx)
{
	struct live *live = ctx;

	return ids_add(&live->policies, b->policy) ?: ids_add(&live->policies, b->shadow) ?:
	       ids_add(&live->cgroups, b->cgroup);
}

static int note_birth(const char *path, uint64_t policy, void *ctx)
{
	struct live *live = ctx;

	return ids_add(&live->policies, policy);
}

static int note_patterns(struct kernel *k, struct live *live)
{
	_cleanup_free_ struct leastcap_birth_pattern *patterns = NULL;
	size_t n = 0;
	int err = kernel_patterns_get(k, &patterns, &n);

	for (size_t i = 0; !err && i < n; i++)
		err = ids_add(&live->policies, patterns[i].policy);
	return err;
}

/* ---- what is not ---- */

/* The id that an element of a map belongs to, of its key. */
static uint64_t first_member(const void *key)
{
	uint64_t id;

	memcpy(&id, key, sizeof(id));
	return id;
}

static uint64_t policy_of_destination(const void *key)
{
	const struct leastcap_destination *d = key;

	return (uint64_t)d->policy[1] << 32 | d->policy[0];
}

/* Deletes those of n elements of a map whose id is not among the live. Returns how many. n: may be -errno. */
static int collect(int fd, const char *keys, long n, size_t key_size,
		   uint64_t (*id_of)(const void *key), const struct ids *live)
{
	int removed = 0;

	for (long i = 0; i < n; i++, keys += key_size) {
		if (!ids_have(live, id_of(keys)) && !bpf_map_delete_elem(fd, keys))
			removed++;
	}
	return n < 0 ? (int)n : removed;
}

/* A map of which not all elements come with one call on each kernel. */
static int collect_each(int fd, size_t key_size, uint64_t (*id_of)(const void *key),
			const struct ids *live)
{
	_cleanup_free_ void *keys = NULL;
	long n = map_keys(fd, key_size, &keys);

	return collect(fd, keys, n, key_size, id_of, live);
}

/* A hash map of which there may be an element, or more, for each cgroup. */
static int collect_hash(int fd, size_t key_size, size_t value_size, const struct ids *live)
{
	_cleanup_free_ void *keys = NULL, *values = NULL;
	long n = map_entries(fd, key_size, value_size, &keys, &values);

	return collect(fd, keys, n, key_size, first_member, live);
}

/* The policies that nobody names, and their lists. */
static int collect_policies(struct kernel *k, const struct ids *live)
{
	static const struct {
		enum pinned_map map;
		size_t key_size;
		uint64_t (*id_of)(const void *key);
	} lists[] = {
		{MAP_LISTS, sizeof(uint64_t), first_member},
		{MAP_UNIX_NAMES, sizeof(struct leastcap_unix_key), first_member},
		{MAP_DESTINATIONS, sizeof(struct leastcap_destination), policy_of_destination},
	};
	int err, removed;

	removed = collect_hash(k->maps[MAP_POLICIES], sizeof(uint64_t),
			       sizeof(struct leastcap_policy), live);
	for (size_t i = 0; removed >= 0 && i < ARRAY_SIZE(lists); i++) {
		err = collect_each(k->maps[lists[i].map], lists[i].key_size, lists[i].id_of, live);
		if (err < 0)
			return err;
	}
	return removed;
}

static bool is_live(uint64_t cgroup, const void *live)
{
	return ids_have(live, cgroup);
}

int kernel_policy_collect(struct kernel *k)
{
	_cleanup_(ids_done) struct ids policies = {}, cgroups = {};
	struct live live = {};
	int err, removed = 0;

	/*
	 * A check that is under way may have read the old policy and is about to ask its lists, and a list that is
	 * missing refuses. A birth may have read the old policy and is about to bind by it.
	 */
	err = kernel_wait_programs();
	if (err)
		return err;
	err = binding_each(k, note_binding, &live) ?: kernel_birth_each(k, note_birth, &live) ?:
	      note_patterns(k, &live) ?: ids_add(&live.policies, kernel_default(k));
	policies = live.policies;
	cgroups = live.cgroups;
	if (err)
		return err;
	policies.n = sort_ids(policies.ids, policies.n);
	cgroups.n = sort_ids(cgroups.ids, cgroups.n);
	patterns_collect(k);
	removed = collect_policies(k, &policies);
	if (removed < 0)
		return removed;
	/* A cgroup born meanwhile has its ledger before its binding: its ledger may go; the kernel makes another. */
	err = collect_hash(k->maps[MAP_LEDGERS], sizeof(uint64_t), sizeof(struct leastcap_ledger),
			   &cgroups);
	/* Without its program, of a build that was just taken away, what is left stays untold. */
	(void)quiet_last(k, is_live, &cgroups);
	if (err >= 0)
		err = collect_hash(k->maps[MAP_REFUSALS], sizeof(uint64_t),
				   sizeof(struct leastcap_refusals), &cgroups);
	if (err >= 0)
		err = collect_hash(k->maps[MAP_SAMPLES], sizeof(struct leastcap_key),
				   sizeof(struct leastcap_sample), &cgroups);
	return err < 0 ? err : removed;
}
