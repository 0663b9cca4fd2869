/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cgroups that are born: a binding is there before any task can be in it, without waiting for user space. A
 * cgroup below a binding needs none of its own (subject.bpf.h). What gets one:
 *  - a cgroup whose path an administrator's policy names, or has a pattern for (a unit that starts later),
 *  - a container of a known runtime, by the shape of its cgroup's name, under the default policy.
 * Both tracepoints run under cgroup_mutex, before the cgroup can be entered.
 */
#ifndef LEASTCAP_BIRTH_BPF_H
#define LEASTCAP_BIRTH_BPF_H

#include <leastcap/pattern.h>
#include <leastcap/shape.h>

#include "hold.bpf.h"

/* ---- which policy ---- */

/* One match of one pattern. */
struct matching {
	const struct leastcap_pattern *pattern;
	struct leastcap_newborn *newborn;
};

static long match_step(__u32 i, void *ctx)
{
	const struct matching *m = ctx;
	struct leastcap_newborn *n = m->newborn;
	/* The path is zero-padded, and shorter than its buffer. */
	__u8 c = n->birth.path[n->at.text & (LEASTCAP_PATH_LEN - 1)];
	__u8 back = n->birth.path[n->at.star_text & (LEASTCAP_PATH_LEN - 1)];

	n->step = leastcap_match_step(m->pattern, &n->at, c, back);
	return n->step != LEASTCAP_MATCH_MORE;
}

struct choice {
	struct leastcap_newborn *newborn;
	__u32 first;
	__u64 policy;
};

/* Every step but the last moves ahead in one of them, and a path is gone through once for each place of the star. */
#define MATCH_STEPS (2 * LEASTCAP_PATTERN_LEN * LEASTCAP_PATH_LEN)

static long choose(__u32 i, void *ctx)
{
	struct choice *c = ctx;
	__u32 number = c->first + i;
	struct leastcap_birth_pattern *p = bpf_map_lookup_elem(&patterns, &number);
	struct matching m = {};

	/* Replaced meanwhile: user space, which does that, looks for what came meanwhile. */
	if (!p)
		return 0;
	m.pattern = &p->pattern;
	m.newborn = c->newborn;
	__builtin_memset(&m.newborn->at, 0, sizeof(m.newborn->at));
	bpf_loop(MATCH_STEPS, match_step, &m, 0);
	if (m.newborn->step != LEASTCAP_MATCH_YES)
		return 0;
	c->policy = p->policy;
	return 1;
}

/* The policy of the first pattern that fits; 0: none does. */
static __noinline __u64 pattern_policy(struct leastcap_newborn *n)
{
	__u64 set = state.patterns, many = set & 0xffffffff;
	struct choice c = {};

	/* The loop, which the verifier writes out, compares all of the register; the compiler, which knows that the helper
	 * takes 32 bits of it, would leave the others in. */
	__asm__ volatile("" : "+r"(many));
	if (!many)
		return 0;
	c.newborn = n;
	c.first = set >> 32;
	bpf_loop(many, choose, &c, 0);
	return c.policy;
}

/* ---- containers ---- */

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

/* ---- births ---- */

static __noinline void bind_newborn(struct cgroup *cgrp, __u64 policy, const char *path)
{
	struct leastcap_binding binding = {};
	__u64 id = cgroup_id(cgrp);
	long err = ledger_make(id);

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
		return;
	}
	__sync_fetch_and_add(&state.born, 1);
	if (state.hold && is_container(cgrp))
		hold_await(id);
	event_cgroup(LEASTCAP_EVENT_BORN, id, policy, path);
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(lc_mkdir, struct cgroup *cgrp, const char *path)
{
	struct leastcap_newborn *n;
	__u64 *exact, policy = 0;
	__u32 zero = 0;
	long len;

	if (!armed || BPF_CORE_READ(cgrp, root, hierarchy_id))
		return 0;
	n = bpf_map_lookup_elem(&newborn, &zero);
	if (!n)
		return 0;
	__builtin_memset(&n->birth, 0, sizeof(n->birth));
	len = bpf_probe_read_kernel_str(n->birth.path, sizeof(n->birth.path), path);
	exact = bpf_map_lookup_elem(&births, &n->birth);
	if (exact) {
		bind_newborn(cgrp, *exact, path);
		return 0;
	}
	/* The NUL counts in len. Of a path that was cut nobody knows the end. */
	if (len > 1 && len < (long)sizeof(n->birth.path))
		policy = pattern_policy(n);
	if (!policy && state.default_policy && is_container(cgrp))
		policy = state.default_policy;
	if (policy && !inherits(cgrp, policy))
		bind_newborn(cgrp, policy, path);
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
	bpf_map_delete_elem(&waiting, &id);
	b = bpf_map_lookup_elem(&bindings, &id);
	if (b)
		event_cgroup(LEASTCAP_EVENT_GONE, id, b->policy, path);
	return 0;
}

#endif
