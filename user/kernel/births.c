/* SPDX-License-Identifier: GPL-2.0-only */
/* What cgroups that do not exist yet are born with: by their path, by a pattern of it, and containers by default. */
#include "kernel/internal.h"

#include <string.h>

#include <bpf/bpf.h>

void kernel_set_default(struct kernel *k, uint64_t policy)
{
	__atomic_store_n(&k->state->default_policy, policy, __ATOMIC_SEQ_CST);
}

uint64_t kernel_default(const struct kernel *k)
{
	return __atomic_load_n(&k->state->default_policy, __ATOMIC_SEQ_CST);
}

int kernel_birth_set(struct kernel *k, const char *path, uint64_t policy)
{
	struct leastcap_birth key = {};

	if (strlen(path) >= sizeof(key.path))
		return -ENAMETOOLONG;
	strcpy(key.path, path);
	if (!policy)
		return bpf_map_delete_elem(k->maps[MAP_BIRTHS], &key);
	return bpf_map_update_elem(k->maps[MAP_BIRTHS], &key, &policy, BPF_ANY);
}

int kernel_birth_each(struct kernel *k, int (*fn)(const char *path, uint64_t policy, void *ctx),
		      void *ctx)
{
	_cleanup_free_ void *keys = NULL;
	long n = map_keys(k->maps[MAP_BIRTHS], sizeof(struct leastcap_birth), &keys);
	struct leastcap_birth *births = keys;

	for (long i = 0; i < n; i++) {
		uint64_t policy;
		int err = bpf_map_lookup_elem(k->maps[MAP_BIRTHS], &births[i], &policy);

		if (err == -ENOENT)
			continue;
		births[i].path[sizeof(births[i].path) - 1] = '\0';
		err = err ?: fn(births[i].path, policy, ctx);
		if (err)
			return err;
	}
	return n < 0 ? (int)n : 0;
}

/* Elements of the set that begins at `first`. */
static void patterns_delete(struct kernel *k, uint32_t first, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t number = first + (uint32_t)i;

		(void)bpf_map_delete_elem(k->maps[MAP_PATTERNS], &number);
	}
}

int kernel_patterns_get(struct kernel *k, struct leastcap_birth_pattern **ret, size_t *ret_n)
{
	uint64_t set = k->state->patterns;
	uint32_t n = (uint32_t)set, number = (uint32_t)(set >> 32);
	_cleanup_free_ struct leastcap_birth_pattern *patterns = calloc(n + 1, sizeof(*patterns));

	if (!patterns)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++, number++) {
		int err = bpf_map_lookup_elem(k->maps[MAP_PATTERNS], &number, &patterns[i]);

		if (err)
			return err;
	}
	*ret = TAKE_PTR(patterns);
	*ret_n = n;
	return 0;
}

static bool patterns_same(struct kernel *k, const struct leastcap_birth_pattern *patterns, size_t n)
{
	_cleanup_free_ struct leastcap_birth_pattern *now = NULL;
	size_t n_now;

	return !kernel_patterns_get(k, &now, &n_now) && n_now == n &&
	       (!n || !memcmp(now, patterns, n * sizeof(*now)));
}

int kernel_patterns_set(struct kernel *k, const struct leastcap_birth_pattern *patterns, size_t n,
			bool *ret_changed)
{
	uint64_t old = k->state->patterns;
	uint32_t first = (uint32_t)(old >> 32) + (uint32_t)old;
	bool same = patterns_same(k, patterns, n);

	if (ret_changed)
		*ret_changed = !same;
	if (same)
		return 0;
	if (n > LEASTCAP_PATTERNS)
		return -E2BIG;
	/* There is room for two sets. */
	kernel_patterns_settle(k);
	for (size_t i = 0; i < n; i++) {
		uint32_t number = first + (uint32_t)i;
		int err =
			bpf_map_update_elem(k->maps[MAP_PATTERNS], &number, &patterns[i], BPF_ANY);

		if (err) {
			patterns_delete(k, first, i);
			return err;
		}
	}
	__atomic_store_n(&k->state->patterns, (uint64_t)first << 32 | n, __ATOMIC_SEQ_CST);
	k->old_patterns = old;
	k->patterns_changed = true;
	return 0;
}

void kernel_patterns_settle(struct kernel *k)
{
	if (!k->patterns_changed)
		return;
	/* Where there is no memory to wait, what was born meanwhile is looked at again all the same (daemon/transaction.c). */
	(void)kernel_wait_programs();
	patterns_delete(k, (uint32_t)(k->old_patterns >> 32), (uint32_t)k->old_patterns);
	k->patterns_changed = false;
}

void patterns_collect(struct kernel *k)
{
	uint64_t set = k->state->patterns;
	_cleanup_free_ void *keys = NULL;
	long n = map_keys(k->maps[MAP_PATTERNS], sizeof(uint32_t), &keys);
	const uint32_t *numbers = keys;

	for (long i = 0; i < n; i++) {
		if (numbers[i] - (uint32_t)(set >> 32) >= (uint32_t)set)
			patterns_delete(k, numbers[i], 1);
	}
}
