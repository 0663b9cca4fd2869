/* SPDX-License-Identifier: GPL-2.0-only */
/* How often a refusal of the same kind is told: in the state map, which every loaded program reads at each refusal. */
#include "kernel/internal.h"

uint64_t kernel_sampling(const struct kernel *k)
{
	return __atomic_load_n(&k->state->sample_interval_ns, __ATOMIC_RELAXED);
}

static uint64_t in_jiffies(const struct kernel *k, uint64_t ns)
{
	uint64_t tick = k->state->jiffy_ns;

	return ns > 1 && tick ? (ns + tick - 1) / tick : 0;
}

void kernel_sampling_set(struct kernel *k, uint64_t ns)
{
	uint64_t jiffies = in_jiffies(k, ns);
	bool shorter = jiffies < k->state->sample_jiffies;

	__atomic_store_n(&k->state->sample_interval_ns, ns, __ATOMIC_SEQ_CST);
	__atomic_store_n(&k->state->sample_jiffies, jiffies, __ATOMIC_SEQ_CST);
	/* Who counts what is repeated looks at nothing else until the old interval has passed: his note becomes void. */
	if (shorter)
		kernel_publish(k);
}

void kernel_caught_up(struct kernel *k)
{
	uint64_t jiffies = in_jiffies(k, kernel_sampling(k));

	if (__atomic_load_n(&k->state->sample_jiffies, __ATOMIC_RELAXED) != jiffies)
		__atomic_store_n(&k->state->sample_jiffies, jiffies, __ATOMIC_SEQ_CST);
}
