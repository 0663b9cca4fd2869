/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A host of a few cgroups, and a kernel side that is three tables, in place of user/kernel and user/subject/cgroup.c: what a
 * transaction of the daemon comes to, without BPF. Everything here takes the place of what the library has: the Makefile
 * links tests that include it with --allow-multiple-definition.
 */
#ifndef LEASTCAP_TESTS_FAKE_KERNEL_H
#define LEASTCAP_TESTS_FAKE_KERNEL_H

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "subject/cgroup.h"

#define FAKE_MAX 64

struct kernel {
	const char *cgroups[FAKE_MAX]; /* its index is its id; NULL: none */
	const char *own; /* cgroup of the daemon */
	struct leastcap_binding bindings[FAKE_MAX]; /* by id; policy 0: none */
	struct kernel_ledger ledgers[FAKE_MAX]; /* by id; cgroup 0: none */
	struct leastcap_policy policies[FAKE_MAX];
	size_t n_policies;
	unsigned int policy_walks; /* through all of them */
	struct leastcap_birth_pattern patterns[FAKE_MAX];
	size_t n_patterns;
	char births[FAKE_MAX][LEASTCAP_PATH_LEN];
	uint64_t birth_policies[FAKE_MAX];
	uint64_t any, next_policy;
	uint32_t lacking; /* rules */
	size_t max_bindings; /* 0: as many as there are */
	const char *too_large; /* the policy of that name has no room */
	int patterns_err; /* of kernel_patterns_set(), once */
	void (*failed)(struct kernel *k); /* happens then */
	void (*walked)(struct kernel *k); /* happens while the plan is made */
	uint64_t carried; /* a task carries the binding of this cgroup */
	uint64_t disarmed; /* until when */
	uint64_t hidden; /* this cgroup cannot be opened by its id: it is being made, or gone */
	uint64_t losses[LEASTCAP_LOSSES];
	struct leastcap_state state;
};

static struct kernel fake;

static inline uint64_t fake_cgroup(const char *path)
{
	for (uint64_t i = 1; i < FAKE_MAX; i++) {
		if (!fake.cgroups[i])
			fake.cgroups[i] = path;
		if (!strcmp(fake.cgroups[i], path))
			return i;
	}
	fail_msg("too many cgroups");
	return 0;
}

static inline void fake_begin(void)
{
	fake = (struct kernel){};
	fake_cgroup("/");
	fake.own = "/system.slice/leastcapd.service";
	fake_cgroup("/system.slice");
	fake_cgroup(fake.own);
}

/* Name of the policy that a cgroup is bound to; "": none. */
static inline const char *fake_bound(const char *path)
{
	uint64_t policy = fake.bindings[fake_cgroup(path)].policy;

	for (size_t i = 0; i < fake.n_policies; i++) {
		if (policy && fake.policies[i].id == policy)
			return fake.policies[i].name;
	}
	return "";
}

/* ---- cgroups ---- */

static uint32_t fake_level(const char *path)
{
	uint32_t n = 0;

	for (; *path; path++)
		n += *path == '/' && path[1];
	return n;
}

int cgroup_of(pid_t pid, char **ret)
{
	*ret = strdup(fake.own);
	return *ret ? 0 : -ENOMEM;
}

int cgroup_id(const char *path, uint64_t *ret_id, uint32_t *ret_level)
{
	for (uint64_t i = 1; i < FAKE_MAX && fake.cgroups[i]; i++) {
		if (strcmp(fake.cgroups[i], path))
			continue;
		*ret_id = i;
		if (ret_level)
			*ret_level = fake_level(path);
		return 0;
	}
	return -ENOENT;
}

int cgroup_path(uint64_t id, char **ret)
{
	if (cgroup_is_gone(id))
		return -ENOENT;
	*ret = strdup(fake.cgroups[id]);
	return *ret ? 0 : -ENOMEM;
}

bool cgroup_is_gone(uint64_t id)
{
	return id >= FAKE_MAX || id == fake.hidden || !fake.cgroups[id];
}

int cgroup_walk(int (*fn)(const char *path, uint64_t id, uint32_t level, void *ctx), void *ctx)
{
	int err = 0;

	if (fake.walked)
		fake.walked(&fake);
	for (uint64_t i = 1; !err && i < FAKE_MAX && fake.cgroups[i]; i++)
		err = fn(fake.cgroups[i], i, fake_level(fake.cgroups[i]), ctx);
	return err;
}

/* ---- policies ---- */

int kernel_lock(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

uint32_t kernel_rules_held(uint32_t wanted, char **ret_why)
{
	if (ret_why)
		*ret_why = strdup("hook of_no_kernel");
	return wanted & ~fake.lacking;
}

int kernel_policy_add(struct kernel *k, struct leastcap_policy *policy,
		      const struct kernel_lists *lists)
{
	if (k->n_policies == FAKE_MAX || (k->too_large && !strcmp(policy->name, k->too_large)))
		return -E2BIG;
	policy->id = ++k->next_policy;
	k->policies[k->n_policies++] = *policy;
	return 0;
}

int kernel_policy_get(struct kernel *k, uint64_t id, struct leastcap_policy *ret)
{
	for (size_t i = 0; i < k->n_policies; i++) {
		if (k->policies[i].id == id) {
			*ret = k->policies[i];
			return 0;
		}
	}
	return -ENOENT;
}

int kernel_policy_each(struct kernel *k, int (*fn)(const struct leastcap_policy *p, void *ctx),
		       void *ctx)
{
	int err = 0;

	k->policy_walks++;
	for (size_t i = 0; !err && i < k->n_policies; i++)
		err = fn(&k->policies[i], ctx);
	return err;
}

static bool fake_in_use(const struct kernel *k, uint64_t policy)
{
	bool used = k->any == policy;

	for (size_t i = 0; i < FAKE_MAX; i++)
		used = used || k->bindings[i].policy == policy || k->bindings[i].shadow == policy ||
		       k->birth_policies[i] == policy ||
		       (i < k->n_patterns && k->patterns[i].policy == policy);
	return used;
}

int kernel_policy_collect(struct kernel *k)
{
	size_t kept = 0;

	for (size_t i = 0; i < k->n_policies; i++) {
		if (fake_in_use(k, k->policies[i].id))
			k->policies[kept++] = k->policies[i];
	}
	k->n_policies = kept;
	return 0;
}

/* ---- bindings ---- */

int kernel_binding_get(struct kernel *k, uint64_t cgroup, struct leastcap_binding *ret)
{
	if (cgroup >= FAKE_MAX || !k->bindings[cgroup].policy)
		return -ENOENT;
	*ret = k->bindings[cgroup];
	return 0;
}

int kernel_bind(struct kernel *k, uint64_t cgroup, uint32_t level, uint64_t policy, uint64_t shadow,
		uint32_t flags)
{
	size_t n = 0;

	for (size_t i = 0; i < FAKE_MAX; i++)
		n += k->bindings[i].policy && i != cgroup;
	if (k->max_bindings && n >= k->max_bindings)
		return -ENOSPC;
	k->bindings[cgroup] = (struct leastcap_binding){.cgroup = cgroup,
							.policy = policy,
							.shadow = shadow,
							.flags = flags,
							.level = level};
	return 0;
}

int kernel_bind_new(struct kernel *k, uint64_t cgroup, uint32_t level, uint64_t policy,
		    uint64_t shadow)
{
	return k->bindings[cgroup].policy ? -EEXIST
					  : kernel_bind(k, cgroup, level, policy, shadow, 0);
}

uint32_t kernel_max_bindings(const struct kernel *k)
{
	return k->max_bindings ? (uint32_t)k->max_bindings : FAKE_MAX;
}

int kernel_unbind(struct kernel *k, uint64_t cgroup)
{
	if (!k->bindings[cgroup].policy)
		return -ENOENT;
	k->bindings[cgroup] = (struct leastcap_binding){};
	return 0;
}

int kernel_binding_each(struct kernel *k, int (*fn)(const struct leastcap_binding *b, void *ctx),
			void *ctx)
{
	int err = 0;

	for (size_t i = 0; !err && i < FAKE_MAX; i++) {
		if (k->bindings[i].policy)
			err = fn(&k->bindings[i], ctx);
	}
	return err;
}

int kernel_ledger_get(struct kernel *k, uint64_t cgroup, struct kernel_ledger *ret)
{
	*ret = k->ledgers[cgroup];
	return ret->cgroup ? 0 : -ENOENT;
}

int kernel_ledger_each(struct kernel *k,
		       int (*fn)(const struct leastcap_binding *b,
				 const struct kernel_ledger *ledger, void *ctx),
		       void *ctx)
{
	int err = 0;

	for (uint64_t i = 0; !err && i < FAKE_MAX; i++) {
		if (k->bindings[i].policy)
			err = fn(&k->bindings[i], k->ledgers[i].cgroup ? &k->ledgers[i] : NULL,
				 ctx);
	}
	return err;
}

uint64_t kernel_bindings_version(const struct kernel *k)
{
	return 0;
}

const struct leastcap_state *kernel_state(const struct kernel *k)
{
	return &k->state;
}

int kernel_losses(struct kernel *k, uint64_t ret[LEASTCAP_LOSSES])
{
	memcpy(ret, k->losses, sizeof(k->losses));
	return 0;
}

void kernel_publish(struct kernel *k)
{
}

void kernel_disarm(struct kernel *k, uint64_t until)
{
	k->disarmed = until;
}

uint64_t kernel_disarmed(const struct kernel *k)
{
	return k->disarmed;
}

int kernel_carried(struct kernel *k, uint64_t cgroup)
{
	return cgroup == k->carried;
}

/* ---- what comes ---- */

void kernel_set_default(struct kernel *k, uint64_t policy)
{
	k->any = policy;
}

uint64_t kernel_default(const struct kernel *k)
{
	return k->any;
}

int kernel_birth_set(struct kernel *k, const char *path, uint64_t policy)
{
	size_t room = FAKE_MAX;

	for (size_t i = 0; i < FAKE_MAX; i++) {
		if (k->birth_policies[i] && !strcmp(k->births[i], path)) {
			k->birth_policies[i] = policy;
			return 0;
		}
		room = k->birth_policies[i] ? room : i;
	}
	if (!policy)
		return -ENOENT;
	if (room == FAKE_MAX)
		return -E2BIG;
	snprintf(k->births[room], sizeof(k->births[room]), "%s", path);
	k->birth_policies[room] = policy;
	return 0;
}

int kernel_birth_each(struct kernel *k, int (*fn)(const char *path, uint64_t policy, void *ctx),
		      void *ctx)
{
	int err = 0;

	for (size_t i = 0; !err && i < FAKE_MAX; i++) {
		if (k->birth_policies[i])
			err = fn(k->births[i], k->birth_policies[i], ctx);
	}
	return err;
}

int kernel_patterns_set(struct kernel *k, const struct leastcap_birth_pattern *patterns, size_t n,
			bool *ret_changed)
{
	int err = k->patterns_err;

	k->patterns_err = 0;
	if (err && k->failed)
		k->failed(k);
	if (err)
		return err;
	if (n > FAKE_MAX)
		return -E2BIG;
	if (ret_changed)
		*ret_changed = n != k->n_patterns ||
			       (n && memcmp(k->patterns, patterns, n * sizeof(*patterns)));
	if (n)
		memcpy(k->patterns, patterns, n * sizeof(*patterns));
	k->n_patterns = n;
	return 0;
}

int kernel_patterns_get(struct kernel *k, struct leastcap_birth_pattern **ret, size_t *ret_n)
{
	*ret = calloc(k->n_patterns + 1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	memcpy(*ret, k->patterns, k->n_patterns * sizeof(**ret));
	*ret_n = k->n_patterns;
	return 0;
}

#endif
