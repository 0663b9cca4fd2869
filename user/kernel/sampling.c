/* SPDX-License-Identifier: GPL-2.0-only */
/* How often a refusal of the same kind is told: in the state map, which every loaded program reads at each refusal. */
#include "kernel/internal.h"

uint64_t kernel_sampling(const struct kernel *k)
{
	return __atomic_load_n(&k->state->sample_interval_ns, __ATOMIC_RELAXED);
}

void kernel_sampling_set(struct kernel *k, uint64_t ns)
{
	__atomic_store_n(&k->state->sample_interval_ns, ns, __ATOMIC_RELAXED);
}
