/* SPDX-License-Identifier: GPL-2.0-only */
/* Policies and bindings: what user space writes. Fill, then publish. */
#include "kernel/internal.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <linux/membarrier.h>

#include <bpf/bpf.h>

int kernel_policy_add(struct kernel *k, struct leastcap_policy *policy,
		      const struct kernel_lists *lists)
{
	int err = kernel_need(k, policy->deny | policy->would);

	if (err)
		return err;
	policy->id = ++k->state->next_policy;
	err = lists_add(k, policy->id, lists);
	if (err)
		return err;
	err = bpf_map_update_elem(k->maps[MAP_POLICIES], &policy->id, policy, BPF_NOEXIST);
	if (err)
		lists_remove(k, policy->id, lists);
	return err;
}

int kernel_policy_get(struct kernel *k, uint64_t id, struct leastcap_policy *ret)
{
	return bpf_map_lookup_elem(k->maps[MAP_POLICIES], &id, ret);
}

int kernel_bind(struct kernel *k, uint64_t cgroup, uint32_t level, uint64_t policy, uint64_t shadow,
		uint32_t flags)
{
	struct leastcap_ledger ledger = {
		.number = __atomic_add_fetch(&k->state->ledgers, 1, __ATOMIC_SEQ_CST),
	};
	struct leastcap_binding binding = {
		.cgroup = cgroup,
		.policy = policy,
		.shadow = shadow,
		.flags = flags,
		.level = level,
	};
	int err;

	/* The ledger first: a check never finds a binding without one. */
	err = bpf_map_update_elem(k->maps[MAP_LEDGERS], &cgroup, &ledger, BPF_NOEXIST);
	if (!err || err == -EEXIST)
		err = bpf_map_update_elem(k->maps[MAP_BINDINGS], &cgroup, &binding, BPF_ANY);
	return err == -E2BIG ? -ENOSPC : err;
}

uint32_t kernel_max_bindings(const struct kernel *k)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(k->maps[MAP_BINDINGS], &info, &len) ? 0 : info.max_entries;
}

int kernel_unbind(struct kernel *k, uint64_t cgroup)
{
	int err = bpf_map_delete_elem(k->maps[MAP_BINDINGS], &cgroup);

	if (err)
		return err;
	/* A check that is under way may make them anew; kernel_policy_collect() finds such. */
	(void)bpf_map_delete_elem(k->maps[MAP_REFUSALS], &cgroup);
	(void)bpf_map_delete_elem(k->maps[MAP_LEDGERS], &cgroup);
	return 0;
}

int kernel_binding_get(struct kernel *k, uint64_t cgroup, struct leastcap_binding *ret)
{
	return bpf_map_lookup_elem(k->maps[MAP_BINDINGS], &cgroup, ret);
}

long map_keys(int fd, size_t key_size, void **ret)
{
	_cleanup_free_ char *keys = NULL;
	size_t n = 0, room = 0;

	for (;;) {
		int err;

		if (n == room) {
			size_t more = room ? room * 2 : 256;
			char *grown = reallocarray(keys, more, key_size);

			if (!grown)
				return -ENOMEM;
			keys = grown;
			room = more;
		}
		err = bpf_map_get_next_key(fd, n ? keys + (n - 1) * key_size : NULL,
					   keys + n * key_size);
		if (err == -ENOENT)
			break;
		if (err)
			return err;
		n++;
		/* A key that is deleted under us starts the kernel from the front: more than fit is a second round. */
		if (n > 1u << 22)
			return -E2BIG;
	}
	*ret = TAKE_PTR(keys);
	return (long)n;
}

#define BATCH 4096U

long map_entries(int fd, size_t key_size, size_t value_size, void **ret_keys, void **ret_values)
{
	_cleanup_free_ char *keys = NULL, *values = NULL;
	size_t n = 0, room = 0;
	bool begun = false;
	__u32 position = 0;
	int err = 0;

	while (err != -ENOENT) {
		__u32 got;

		/* What is left has to hold the longest chain of the hash: else it is -ENOSPC. */
		if (err == -ENOSPC || room - n < BATCH) {
			char *more_keys, *more_values;

			room = (room ?: BATCH) * 2;
			more_keys = reallocarray(keys, room, key_size);
			keys = more_keys ?: keys;
			more_values = reallocarray(values, room, value_size);
			values = more_values ?: values;
			if (!more_keys || !more_values)
				return -ENOMEM;
		}
		got = (__u32)(room - n);
		err = bpf_map_lookup_batch(fd, begun ? &position : NULL, &position,
					   keys + n * key_size, values + n * value_size, &got,
					   NULL);
		if (err && err != -ENOENT && err != -ENOSPC)
			return err;
		begun = begun || err != -ENOSPC;
		n += err == -ENOSPC ? 0 : got;
	}
	*ret_keys = TAKE_PTR(keys);
	*ret_values = TAKE_PTR(values);
	return (long)n;
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int compare_cgroups(const void *a, const void *b)
{
	const struct leastcap_binding *x = a, *y = b;

	return compare_ids(&x->cgroup, &y->cgroup);
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

int binding_each(struct kernel *k, int (*fn)(const struct leastcap_binding *b, void *ctx),
		 void *ctx)
{
	_cleanup_free_ void *keys = NULL, *values = NULL;
	long n = map_entries(k->maps[MAP_BINDINGS], sizeof(uint64_t),
			     sizeof(struct leastcap_binding), &keys, &values);
	const struct leastcap_binding *bound = values;
	int err = n < 0 ? (int)n : 0;

	if (n > 0)
		qsort(values, (size_t)n, sizeof(*bound), compare_cgroups);
	for (long i = 0; !err && i < n; i++)
		err = fn(&bound[i], ctx);
	return err;
}

/* For binding_each(): whom to call for those that are listed. */
struct listed {
	int (*fn)(const struct leastcap_binding *b, void *ctx);
	void *ctx;
};

static int pass_listed(const struct leastcap_binding *b, void *ctx)
{
	const struct listed *l = ctx;

	return b->flags & LEASTCAP_CANARY ? 0 : l->fn(b, l->ctx);
}

int kernel_binding_each(struct kernel *k, int (*fn)(const struct leastcap_binding *b, void *ctx),
			void *ctx)
{
	struct listed l = {fn, ctx};

	return binding_each(k, pass_listed, &l);
}

int kernel_policy_each(struct kernel *k, int (*fn)(const struct leastcap_policy *p, void *ctx),
		       void *ctx)
{
	_cleanup_free_ void *keys = NULL;
	long n = map_keys(k->maps[MAP_POLICIES], sizeof(uint64_t), &keys);
	const uint64_t *ids = keys;

	for (long i = 0; i < n; i++) {
		struct leastcap_policy p;
		int err = kernel_policy_get(k, ids[i], &p);

		if (err == -ENOENT)
			continue;
		p.name[sizeof(p.name) - 1] = '\0';
		err = err ?: fn(&p, ctx);
		if (err)
			return err;
	}
	return n < 0 ? (int)n : 0;
}

void kernel_publish(struct kernel *k)
{
	__atomic_add_fetch(&k->state->generation, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&k->state->epoch, 1, __ATOMIC_SEQ_CST);
}

void kernel_disarm(struct kernel *k, uint64_t until)
{
	__atomic_store_n(&k->state->disarmed_until, until, __ATOMIC_SEQ_CST);
	/* What was refused a moment ago is not refused by its being repeated. */
	kernel_publish(k);
}

uint64_t kernel_disarmed(const struct kernel *k)
{
	return __atomic_load_n(&k->state->disarmed_until, __ATOMIC_SEQ_CST);
}

int kernel_launcher_add(struct kernel *k, const char *path, uint32_t kind)
{
	struct leastcap_file file = {};
	struct stat st;

	if (stat(path, &st))
		return -errno;
	file.ino = st.st_ino;
	/* As the kernel has it inside, include/linux/kdev_t.h: 12 bits of major, 20 of minor. */
	file.dev = (uint32_t)(major(st.st_dev) << 20 | minor(st.st_dev));
	return bpf_map_update_elem(k->maps[MAP_LAUNCHERS], &file, &kind, BPF_ANY);
}

/* ---- what nobody needs any more ---- */

struct ids {
	uint64_t *ids;
	size_t n, room;
};

static int ids_add(struct ids *ids, uint64_t id)
{
	if (!id)
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

static bool ids_have(const struct ids *ids, uint64_t id)
{
	return ids->n && bsearch(&id, ids->ids, ids->n, sizeof(id), compare_ids);
}

static void ids_done(struct ids *ids)
{
	free(ids->ids);
}

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

/* Deletes the elements of a map whose id is not among the live. Returns how many. */
static int collect(int fd, size_t key_size, uint64_t (*id_of)(const void *key),
		   const struct ids *live)
{
	_cleanup_free_ void *keys = NULL;
	long n = map_keys(fd, key_size, &keys);
	int removed = 0;

	for (long i = 0; i < n; i++) {
		const char *key = (char *)keys + (size_t)i * key_size;

		if (!ids_have(live, id_of(key)) && !bpf_map_delete_elem(fd, key))
			removed++;
	}
	return n < 0 ? (int)n : removed;
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

	/*
	 * A check that is under way may have read the old policy and is about to ask its lists, and a list that is
	 * missing refuses. This waits until it is over: synchronize_rcu(), kernel/sched/membarrier.c.
	 */
	(void)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	removed = collect(k->maps[MAP_POLICIES], sizeof(uint64_t), first_member, live);
	for (size_t i = 0; removed >= 0 && i < ARRAY_SIZE(lists); i++) {
		err = collect(k->maps[lists[i].map], lists[i].key_size, lists[i].id_of, live);
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

	err = binding_each(k, note_binding, &live) ?: kernel_birth_each(k, note_birth, &live) ?:
	      note_patterns(k, &live) ?: ids_add(&live.policies, kernel_default(k));
	policies = live.policies;
	cgroups = live.cgroups;
	if (err)
		return err;
	policies.n = sort_ids(policies.ids, policies.n);
	cgroups.n = sort_ids(cgroups.ids, cgroups.n);
	removed = collect_policies(k, &policies);
	if (removed < 0)
		return removed;
	/* A cgroup born meanwhile has its ledger before its binding: its ledger may go; the kernel makes another. */
	err = collect(k->maps[MAP_LEDGERS], sizeof(uint64_t), first_member, &cgroups);
	/* Without its program, of a build that was just taken away, what is left stays untold. */
	(void)quiet_last(k, is_live, &cgroups);
	if (err >= 0)
		err = collect(k->maps[MAP_REFUSALS], sizeof(uint64_t), first_member, &cgroups);
	if (err >= 0)
		err = collect(k->maps[MAP_SAMPLES], sizeof(struct leastcap_key), first_member,
			      &cgroups);
	return err < 0 ? err : removed;
}
