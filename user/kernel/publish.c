/* SPDX-License-Identifier: GPL-2.0-only */
/* Policies and bindings: what user space writes. Fill, then publish. */
#include "kernel/internal.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

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

/* update: as bpf_map_update_elem() has it. */
static int bind_cgroup(struct kernel *k, const struct leastcap_binding *b, __u64 update)
{
	struct leastcap_ledger ledger = {
		.number = __atomic_add_fetch(&k->state->ledgers, 1, __ATOMIC_SEQ_CST),
	};
	/* The ledger first: a check never finds a binding without one. */
	int err = bpf_map_update_elem(k->maps[MAP_LEDGERS], &b->cgroup, &ledger, BPF_NOEXIST);

	if (!err || err == -EEXIST)
		err = bpf_map_update_elem(k->maps[MAP_BINDINGS], &b->cgroup, b, update);
	return err == -E2BIG ? -ENOSPC : err;
}

static struct leastcap_binding binding_of(uint64_t cgroup, uint32_t level, uint64_t policy,
					  uint64_t shadow, uint32_t flags)
{
	return (struct leastcap_binding){.cgroup = cgroup,
					 .policy = policy,
					 .shadow = shadow,
					 .flags = flags,
					 .level = level};
}

int kernel_bind(struct kernel *k, uint64_t cgroup, uint32_t level, uint64_t policy, uint64_t shadow,
		uint32_t flags)
{
	struct leastcap_binding b = binding_of(cgroup, level, policy, shadow, flags);

	return bind_cgroup(k, &b, BPF_ANY);
}

int kernel_bind_new(struct kernel *k, uint64_t cgroup, uint32_t level, uint64_t policy,
		    uint64_t shadow)
{
	struct leastcap_binding b = binding_of(cgroup, level, policy, shadow, 0);

	return bind_cgroup(k, &b, BPF_NOEXIST);
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

static int compare_cgroups(const void *a, const void *b)
{
	const struct leastcap_binding *x = a, *y = b;

	return x->cgroup < y->cgroup ? -1 : x->cgroup > y->cgroup;
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
