/* SPDX-License-Identifier: GPL-2.0-only */
/* The binding by which the daemon proves enforcement: there for a moment, and in no listing. */
#include "kernel/internal.h"

#include <string.h>

#include <bpf/bpf.h>

static void remove_policy(struct kernel *k, uint64_t policy, const struct kernel_lists *lists)
{
	(void)bpf_map_delete_elem(k->maps[MAP_POLICIES], &policy);
	lists_remove(k, policy, lists);
}

int kernel_canary_begin(struct kernel *k, uint64_t cgroup, uint32_t level,
			struct leastcap_policy *policy, const struct kernel_lists *lists)
{
	int err;

	/* No program is attached for this alone. */
	if ((policy->deny | policy->would) & ~k->state->needed)
		return -ENOENT;
	/* Of a daemon that was killed; its policy is collected. */
	(void)kernel_unbind(k, cgroup);
	err = kernel_policy_add(k, policy, lists);
	if (err)
		return err;
	err = kernel_bind(k, cgroup, level, policy->id, 0, LEASTCAP_CANARY);
	if (err)
		remove_policy(k, policy->id, lists);
	return err;
}

void kernel_canary_end(struct kernel *k, uint64_t cgroup, uint64_t policy,
		       const struct kernel_lists *lists)
{
	/* Nobody is in the cgroup any more: no check is under way that could miss the policy. */
	(void)kernel_unbind(k, cgroup);
	remove_policy(k, policy, lists);
}

static int add_rules(const struct leastcap_policy *p, void *ctx)
{
	if (strcmp(p->name, KERNEL_CANARY))
		*(uint32_t *)ctx |= p->deny | p->would;
	return 0;
}

int kernel_rules_in_use(struct kernel *k, uint32_t *ret)
{
	*ret = 0;
	return kernel_policy_each(k, add_rules, ret);
}
