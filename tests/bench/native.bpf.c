// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decision alone, as it ships, over and over: what `make bench-native` takes the time of. No LSM program: hosts
 * that refuse those allow this one. Where a check asks for its task's storage there is an element of an array.
 *
 * What is asked for is global data, which the verifier takes for unknown, and not in the callbacks' context: see
 * maps.bpf.h. A step that comes to another answer than it should ends the loop.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "repeat.bpf.h"

#include "native.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct leastcap_task);
} stand_in SEC(".maps");

volatile struct native_bench bench SEC(".data.bench") = {};

static __always_inline struct leastcap_task *stored(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&stand_in, &zero);
}

static long empty(__u32 i, void *unused)
{
	return 0;
}

/* As in lc_capable(). */
static long allowed(__u32 i, void *unused)
{
	return !answer_is_quiet(stored(), bench.cap);
}

/* As in lc_capable() and, from there on, capable_loud(); but for whose credentials are asked. */
static long denied(__u32 i, void *unused)
{
	struct leastcap_task *t = stored();
	__u32 cap = bench.cap;
	struct leastcap_repeat *r;

	if (answer_is_quiet(t, cap) || !t || t->epoch != state.epoch)
		return 1;
	r = repeat_of(t, cap);
	if (r->cap != cap + 1 || !repeat_count(r) || bpf_jiffies64() >= r->due)
		return 1;
	return !r->refused;
}

/* What there is to decide behind the walk, by one policy. */
static long decide(__u32 i, void *unused)
{
	const struct leastcap_rules rules = {
		.allow = bench.rules.allow,
		.mode = bench.rules.mode,
		.deny = bench.rules.deny,
		.would = bench.rules.would,
	};
	struct leastcap_view view;

	leastcap_view_init(&view);
	leastcap_join(&view, &rules, 0);
	return leastcap_decide(&view, bench.cap, bench.flags) != bench.todo;
}

SEC("raw_tp")
int native_empty(void *ctx)
{
	bench.rounds = bpf_loop(NATIVE_ROUNDS, empty, NULL, 0);
	return 0;
}

SEC("raw_tp")
int native_allowed(void *ctx)
{
	struct leastcap_task *t = stored();

	if (!t)
		return 0;
	t->epoch = state.epoch;
	t->quiet = 1ULL << (bench.cap & 63);
	bench.rounds = bpf_loop(NATIVE_ROUNDS, allowed, NULL, 0);
	return 0;
}

SEC("raw_tp")
int native_denied(void *ctx)
{
	struct leastcap_task *t = stored();
	struct leastcap_repeat *r;
	__u64 before;

	if (!t)
		return 0;
	t->epoch = state.epoch;
	t->quiet = 0;
	r = repeat_of(t, bench.cap);
	before = repeat_place(r)->count;
	r->due = ~0ULL;
	r->turn = (__u32)(before >> PENDING_HIGH);
	r->refused = 1;
	r->cap = bench.cap + 1;
	bench.rounds = bpf_loop(NATIVE_ROUNDS, denied, NULL, 0);
	bench.counted = repeat_place(r)->count - before;
	return 0;
}

SEC("raw_tp")
int native_decide(void *ctx)
{
	bench.rounds = bpf_loop(NATIVE_ROUNDS, decide, NULL, 0);
	return 0;
}

char _license[] SEC("license") = "GPL";
