/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bound cgroup: its binding, its policies, and how they are read while user space replaces them. Of both objects, as
 * process.bpf.h.
 */
#ifndef LEASTCAP_BOUND_BPF_H
#define LEASTCAP_BOUND_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include <leastcap/abi.h>

#include "kernel_types.h"

/* cgroup id -> policies. Written by user space and at birth. Full: user space is told, a birth counts a loss. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, __u64);
	__type(value, struct leastcap_binding);
} bindings SEC(".maps");

/* policy id -> rules. Written by user space, immutable. Full: user space is told. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, __u64);
	__type(value, struct leastcap_policy);
} policies SEC(".maps");

/* Attempts to read a binding and its policy while user space replaces them. Each replacement needs a whole
 * system call, a check a few hundred instructions: the second attempt finds the new pair. */
#define READ_ATTEMPTS 4

/* One bound cgroup, read out whole. */
struct bound {
	__u64 policy; /* ids */
	__u64 shadow;
	struct leastcap_rules rules;
	struct leastcap_rules shadow_rules;
	__u32 level; /* of the cgroup */
	bool readable; /* rules hold the policy */
	bool has_shadow; /* shadow_rules hold the shadow */
};

/*
 * Reads policy `id`. A 6.1 hash reuses a deleted element at once (kernel/bpf/hashtab.c, bpf_mem_cache_free()
 * without a grace period), so the value says whose it is: the id is its first member and is written first.
 */
static __always_inline bool policy_read(__u64 id, struct leastcap_rules *ret)
{
	struct leastcap_policy *p = bpf_map_lookup_elem(&policies, &id);

	if (!p)
		return false;
	ret->allow = *(volatile __u64 *)&p->rules.allow;
	ret->mode = *(volatile __u32 *)&p->rules.mode;
	ret->deny = *(volatile __u32 *)&p->rules.deny;
	ret->would = *(volatile __u32 *)&p->rules.would;
	barrier();
	return *(volatile __u64 *)&p->id == id;
}

/* Is this cgroup bound? Fills ret if so. Not static: the verifier looks at it once, not at every call. */
__noinline int bound_read(__u64 cgroup, struct bound *ret)
{
	for (int i = 0; i < READ_ATTEMPTS; i++) {
		struct leastcap_binding *b = bpf_map_lookup_elem(&bindings, &cgroup);

		if (!ret || !b)
			return 0;
		ret->readable = false;
		ret->has_shadow = false;
		ret->policy = *(volatile __u64 *)&b->policy;
		ret->shadow = *(volatile __u64 *)&b->shadow;
		ret->level = b->level;
		barrier();
		if (*(volatile __u64 *)&b->cgroup != cgroup)
			continue;
		ret->readable = policy_read(ret->policy, &ret->rules);
		if (ret->shadow)
			ret->has_shadow = policy_read(ret->shadow, &ret->shadow_rules);
		/* A policy is removed only after the last binding has left it: read the binding again. */
		if (ret->readable && (!ret->shadow || ret->has_shadow))
			return 1;
	}
	return 1;
}

#endif
