/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cgroups that are born: a binding is there before any task can be in it, without waiting for user space. A
 * cgroup below a binding needs none of its own (subject.bpf.h). What gets one:
 *  - a cgroup whose path an administrator's policy names (a unit that starts later),
 *  - a container of a known runtime, by the shape of its cgroup's name, under the default policy.
 * Both tracepoints run under cgroup_mutex, before the cgroup can be entered.
 */
#ifndef LEASTCAP_BIRTH_BPF_H
#define LEASTCAP_BIRTH_BPF_H

#include <leastcap/shape.h>

#include "audit.bpf.h"

static __noinline bool is_container(struct cgroup *cgrp)
{
	char name[LEASTCAP_SHAPE_LEN] = {};
	long len = bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(cgrp, kn, name));

	/* len counts the NUL; a name that was cut is longer than any container's. */
	return len > 1 && leastcap_shape(name, len - 1) >= 0;
}

struct inherit {
	struct cgroup *cgrp;
	__u64 policy;
	bool found;
};

static long inherit_level(__u32 level, void *ctx)
{
	struct inherit *h = ctx;
	__u64 id = cgroup_id(cgroup_ancestor(h->cgrp, level));
	struct leastcap_binding *b = bpf_map_lookup_elem(&bindings, &id);

	if (!b || b->policy != h->policy)
		return 0;
	h->found = true;
	return 1;
}

/* The same policy above holds it already. So a container that makes cgroups with such names fills no map. */
static __noinline bool inherits(struct cgroup *cgrp, __u64 policy)
{
	struct inherit h = {.cgrp = cgrp, .policy = policy};

	bpf_loop(BPF_CORE_READ(cgrp, level), inherit_level, &h, 0);
	return h.found;
}

static __noinline __u64 birth_policy(const char *path)
{
	struct leastcap_birth key = {};
	__u64 *policy;

	if (bpf_probe_read_kernel_str(key.path, sizeof(key.path), path) < 2)
		return 0;
	policy = bpf_map_lookup_elem(&births, &key);
	return policy ? *policy : 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(lc_mkdir, struct cgroup *cgrp, const char *path)
{
	struct leastcap_binding binding = {};
	__u64 id, policy;
	long err;

	if (!armed || BPF_CORE_READ(cgrp, root, hierarchy_id))
		return 0;
	policy = birth_policy(path);
	if (!policy) {
		policy = state.default_policy;
		if (!policy || !is_container(cgrp) || inherits(cgrp, policy))
			return 0;
	}
	id = cgroup_id(cgrp);
	err = ledger_make(id);
	if (err && err != -EEXIST)
		lose(LEASTCAP_LOSS_LEDGER);
	binding.cgroup = id;
	binding.policy = policy;
	binding.flags = LEASTCAP_BORN;
	binding.level = BPF_CORE_READ(cgrp, level);
	err = bpf_map_update_elem(&bindings, &id, &binding, BPF_NOEXIST);
	if (err) {
		/* It exists where two builds see the same birth, while one takes over. */
		if (err != -EEXIST)
			lose(LEASTCAP_LOSS_BIRTH);
		return 0;
	}
	__sync_fetch_and_add(&state.born, 1);
	event_cgroup(LEASTCAP_EVENT_BORN, id, policy, path);
	return 0;
}

/* User space reads the ledger a last time and removes the binding: a task may still carry it. */
SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(lc_rmdir, struct cgroup *cgrp, const char *path)
{
	struct leastcap_binding *b;
	__u64 id;

	if (!armed || BPF_CORE_READ(cgrp, root, hierarchy_id))
		return 0;
	id = cgroup_id(cgrp);
	b = bpf_map_lookup_elem(&bindings, &id);
	if (b)
		event_cgroup(LEASTCAP_EVENT_GONE, id, b->policy, path);
	return 0;
}

#endif
