/* SPDX-License-Identifier: GPL-2.0-only */
/* What a process remembers of the bindings that held it, and which of them it carries wherever it is. */
#ifndef LEASTCAP_CARRIED_BPF_H
#define LEASTCAP_CARRIED_BPF_H

#include "entering.bpf.h"

static __always_inline int held_find(const struct leastcap_task *process, __u64 binding)
{
	for (int i = 0; i < LEASTCAP_HELD; i++) {
		if (process->held[i] == binding)
			return i;
	}
	return -1;
}

__noinline int carries(struct leastcap_task *process, __u64 binding)
{
	for (int i = 0; process && i < LEASTCAP_HELD; i++) {
		if (process->held[i] == binding && (process->carried & (1U << i)))
			return 1;
	}
	return 0;
}

/* Remember a binding; carry: it goes on holding. Fails closed where there is no room. */
__noinline int held_add(struct leastcap_task *process, __u64 binding, __u32 carry)
{
	int slot;

	if (!process)
		return 0;
	slot = held_find(process, binding);
	for (int i = 0; slot < 0 && i < LEASTCAP_HELD; i++) {
		if (!process->held[i])
			slot = i;
	}
	if (slot < 0) {
		process->flags |= LEASTCAP_TASK_NEVER_ENTERS;
		for (int i = 0; carry && slot < 0 && i < LEASTCAP_HELD; i++) {
			if (!(process->carried & (1U << i)))
				slot = i;
		}
		if (carry && slot < 0)
			process->flags |= LEASTCAP_TASK_OVERFLOW;
	}
	if (slot < 0 || slot >= LEASTCAP_HELD)
		return 0;
	process->held[slot & (LEASTCAP_HELD - 1)] = binding;
	if (carry)
		process->carried |= 1U << slot;
	return 0;
}

/* Held wherever it is. Where nobody knows by what it carries nothing, if the storage is of a build that did not see to it. */
static __always_inline bool held_anywhere(const struct leastcap_task *process)
{
	return process && (process->carried || (process->flags & LEASTCAP_TASK_OVERFLOW));
}

/* All that a process takes along: another cached answer is needed where it changes. */
static __always_inline __u32 goes_along(const struct leastcap_task *process)
{
	return process ? process->carried << 8 | (process->flags & LEASTCAP_TASK_OVERFLOW) : 0;
}

/* ---- of one task to another ---- */

static __always_inline void process_copy(struct leastcap_task *to, const struct leastcap_task *from)
{
	to->flags = from->flags;
	to->enter_level = from->enter_level;
	to->enter_deadline = from->enter_deadline;
	to->enter_mntns = from->enter_mntns;
	to->enter_exe = from->enter_exe;
	to->enter_root = from->enter_root;
	to->carried = from->carried;
	for (int i = 0; i < LEASTCAP_HELD; i++)
		to->held[i] = from->held[i];
}

static __always_inline bool has_state(const struct leastcap_task *process)
{
	return process && (process->enter_root || process->held[0] || process->flags);
}

/* Both have had state of the process: what holds is what either says. */
static __always_inline void process_merge(struct leastcap_task *to,
					  const struct leastcap_task *from)
{
	for (int i = 0; i < LEASTCAP_HELD; i++) {
		if (from->held[i])
			held_add(to, from->held[i], from->carried & (1U << i));
	}
	to->flags |= from->flags;
}

#endif
