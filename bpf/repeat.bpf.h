/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is refused over and over costs little: a refusal that was reported a moment ago only has to be counted.
 *
 * A key of `samples` that is refused again before its next report is due gets a place in `pending`, one of the two of its hash, and
 * the task a note of that place in its cached answer. From then on a refusal is one step of the place's counter, and when it
 * is due a report, by what the place has written down. Whoever comes the long way keeps to what was reported there.
 *
 * A place changes its owner when it was not used for a while: what was counted goes into the ledgers, exactly, and
 * what was not reported into the sample. Each owner has a turn, in the same word as the count: a note of an earlier
 * turn finds that out while it counts, and counts nothing. No room, or somebody changes the place just now: the long way.
 */
#ifndef LEASTCAP_REPEAT_BPF_H
#define LEASTCAP_REPEAT_BPF_H

#include "subject.bpf.h"

/* How long an owner may leave its place alone after a report is due, in jiffies. */
#define PENDING_HOLD 1000

/* A count that has so many bits goes into the ledgers: it must not reach the turn. */
#define PENDING_HIGH (LEASTCAP_PENDING_BITS - 2)

/* Who counts a refusal, and what the task is to note. */
struct counting {
	__u64 ledgers[LEASTCAP_HELD];
	__u32 n; /* more than LEASTCAP_HELD: not all are there */
	__u16 denied, flags; /* as in struct leastcap_pending */
	__u64 due; /* what follows as in struct leastcap_repeat */
	__u32 place;
	__u32 turn;
};

static __always_inline void counting_add(struct counting *c, __u64 cgroup, bool denied)
{
	__u32 n = c->n++;

	if (n >= LEASTCAP_HELD)
		return;
	c->ledgers[n & (LEASTCAP_HELD - 1)] = cgroup;
	c->denied |= (__u32)denied << (n & (LEASTCAP_HELD - 1));
}

/* A product mixes upwards only: what comes in last is in the low bits, and the high ones are what counts. */
static __always_inline __u32 pending_hash(const struct leastcap_key *key)
{
	__u64 hash = key->binding * 0x9e3779b97f4a7c15ULL ^ key->exe_ino ^
		     (__u64)key->exe_dev << 32;

	hash = hash * 0xc2b2ae3d27d4eb4fULL ^ key->item ^ (__u64)key->verdict << 32;
	return (__u32)(hash * 0x9e3779b97f4a7c15ULL >> 32);
}

#define PENDING_HASH_BITS 9
_Static_assert(LEASTCAP_PENDING == 1 << PENDING_HASH_BITS, "a place is so many bits of the hash");

/* The two places that a key may have. */
static __always_inline __u32 pending_first(__u32 hash)
{
	return hash >> (32 - PENDING_HASH_BITS);
}

static __always_inline __u32 pending_second(__u32 hash)
{
	/* Another one, as the step is odd. */
	return (pending_first(hash) + (pending_first(hash << PENDING_HASH_BITS) | 1)) &
	       (LEASTCAP_PENDING - 1);
}

/* Whoever is preempted here is not waited for. */
static __always_inline bool pending_lock(volatile struct leastcap_pending *p)
{
	__u32 changes = p->changes, was;

	if (changes & 1)
		return false;
	was = __sync_val_compare_and_swap(&p->changes, changes, changes + 1);
	/* Else clang makes a flag of it, and asks that. */
	barrier_var(was);
	return was == changes;
}

/* moved: who reads the counts beside has to read them again. */
static __always_inline void pending_unlock(volatile struct leastcap_pending *p, bool moved)
{
	__sync_fetch_and_add(&p->changes, moved ? 1 : -1);
}

static __always_inline bool pending_is(const volatile struct leastcap_pending *p,
				       const struct leastcap_key *key)
{
	return p->key.binding == key->binding && p->key.exe_ino == key->exe_ino &&
	       p->key.exe_dev == key->exe_dev && p->key.item == key->item &&
	       p->key.verdict == key->verdict;
}

/* The place of a key: it has one at most. NULL: it has none. */
static __always_inline volatile struct leastcap_pending *
pending_find(const struct leastcap_key *key)
{
	__u32 hash = pending_hash(key);
	volatile struct leastcap_pending *p = &pending[pending_first(hash)];

	if (pending_is(p, key))
		return p;
	p = &pending[pending_second(hash)];
	return pending_is(p, key) ? p : NULL;
}

/* The turn of an owner is over, with this count. What was counted goes where it belongs. The place is locked. */
static __always_inline void pending_settle(volatile struct leastcap_pending *p, __u64 count)
{
	__u64 n = count & LEASTCAP_PENDING_COUNT;
	struct leastcap_sample *s;

	for (int i = 0; n && i < LEASTCAP_HELD; i++) {
		__u64 id = p->ledgers[i];
		struct leastcap_ledger *ledger = id ? bpf_map_lookup_elem(&ledgers, &id) : NULL;

		if (!ledger || ledger->number != p->numbers[i])
			continue;
		if (p->denied & (1U << i))
			__sync_fetch_and_add(&ledger->n_denied, n);
		else
			__sync_fetch_and_add(&ledger->n_would_deny, n);
	}
	s = count != p->told ? bpf_map_lookup_elem(&samples, (const void *)&p->key) : NULL;
	if (s)
		__sync_fetch_and_add(&s->suppressed, count - p->told);
}

/* Is a report due? Also where it was to be later than an interval from now: the interval has become shorter since. */
static __always_inline bool is_due(__u64 now, __u64 due, __u64 interval)
{
	return now >= due || due - now > interval;
}

/* May a key be reported, by its place? */
static __always_inline bool pending_due(const struct leastcap_key *key)
{
	volatile struct leastcap_pending *p = pending_find(key);

	return !p || is_due(bpf_jiffies64(), p->due, state.sample_jiffies);
}

/* A key is reported: how many of its place nobody has been told of. */
static __always_inline __u64 pending_untold(const struct leastcap_key *key)
{
	volatile struct leastcap_pending *p = pending_find(key);
	__u64 untold = 0, count;

	if (!p || !pending_lock(p))
		return 0;
	if (pending_is(p, key)) {
		count = p->count;
		untold = count - p->told;
		p->told = count;
	}
	pending_unlock(p, false);
	return untold;
}

/* The number of a ledger now: a binding that was removed and made anew has another one. */
static __always_inline __u32 ledger_number(__u64 id)
{
	struct leastcap_ledger *ledger = id ? bpf_map_lookup_elem(&ledgers, &id) : NULL;

	return ledger ? ledger->number : 0;
}

/* Are these the bindings of the place? Tasks in several places below one binding have the same key, and not the same. */
static __always_inline bool pending_counts(const volatile struct leastcap_pending *p,
					   const struct counting *c)
{
	for (int i = 0; i < LEASTCAP_HELD; i++) {
		if (p->ledgers[i] != c->ledgers[i])
			return false;
	}
	return true;
}

/* Has something about them changed? */
static __always_inline bool pending_changed(const volatile struct leastcap_pending *p,
					    const struct counting *c, __u64 policy)
{
	for (int i = 0; i < LEASTCAP_HELD; i++) {
		if (p->numbers[i] != ledger_number(c->ledgers[i]))
			return true;
	}
	return p->denied != c->denied || p->flags != c->flags || p->policy != policy ||
	       (p->count & LEASTCAP_PENDING_COUNT) >> PENDING_HIGH;
}

/* The place gets another owner, or its owner other ledgers. It is locked. */
static __always_inline void pending_assign(volatile struct leastcap_pending *p,
					   const struct leastcap_key *key, const struct counting *c,
					   __u64 policy)
{
	__u64 turn = (p->count >> LEASTCAP_PENDING_BITS) + 1;

	/* 0 is no turn, also when they have all been had. */
	if (turn >> (64 - LEASTCAP_PENDING_BITS))
		turn = 1;
	turn <<= LEASTCAP_PENDING_BITS;
	pending_settle(p, __sync_lock_test_and_set(&p->count, turn));
	p->told = turn;
	p->key.binding = key->binding;
	p->key.exe_ino = key->exe_ino;
	p->key.exe_dev = key->exe_dev;
	p->key.restriction = key->restriction;
	p->key.item = key->item;
	p->key.verdict = key->verdict;
	p->denied = c->denied;
	p->flags = c->flags;
	p->policy = policy;
	p->due = 0;
	for (int i = 0; i < LEASTCAP_HELD; i++) {
		p->ledgers[i] = c->ledgers[i];
		p->numbers[i] = ledger_number(c->ledgers[i]);
	}
}

/*
 * May somebody else have it? The same key with other bindings has nowhere else to go: after a publication, which may have given
 * these others to all of them, once at once.
 */
static __always_inline bool pending_free(const volatile struct leastcap_pending *p,
					 const struct leastcap_key *key, __u64 jiffies)
{
	return jiffies >= p->due + PENDING_HOLD ||
	       (p->generation != state.generation && pending_is(p, key));
}

/*
 * Locks the place that a key has or, where it has none, the one that it may get: the second where the first is somebody else's.
 * The lock of the first is held as well, so that a key never gets both. -1: somebody changes one of them just now.
 */
static __always_inline int pending_choose(const struct leastcap_key *key, __u32 hash, __u64 jiffies)
{
	__u32 place = pending_first(hash);
	volatile struct leastcap_pending *first = &pending[place], *second;

	if (!pending_lock(first))
		return -1;
	if (pending_is(first, key))
		return (int)place;
	second = &pending[pending_second(hash)];
	if (!pending_is(second, key) && pending_free(first, key, jiffies))
		return (int)place;
	if (pending_lock(second))
		return (int)pending_second(hash);
	pending_unlock(first, false);
	return -1;
}

/* A key gets a place, if one is free: c says where. s: its sample. False: it has none. */
static __always_inline bool pending_take(const struct leastcap_key *key, struct leastcap_sample *s,
					 struct counting *c, __u64 policy)
{
	__u64 jiffies = bpf_jiffies64(), now = bpf_ktime_get_boot_ns(), tick = state.jiffy_ns;
	__u32 hash = pending_hash(key);
	volatile struct leastcap_pending *p;
	bool mine, moved = false;
	__u64 due = jiffies;
	int place;

	if (!c->n || c->n > LEASTCAP_HELD || !tick)
		return false;
	place = pending_choose(key, hash, jiffies);
	if (place < 0)
		return false;
	c->place = place & (LEASTCAP_PENDING - 1);
	p = &pending[c->place];
	mine = pending_is(p, key) && pending_counts(p, c);
	if (mine ? pending_changed(p, c, policy) : pending_free(p, key, jiffies)) {
		pending_assign(p, key, c, policy);
		mine = moved = true;
	}
	if (mine) {
		p->generation = state.generation;
		/* Whoever reports next, from here or the long way, tells both. */
		p->told -= __sync_lock_test_and_set(&s->suppressed, 0);
		if (s->next > now)
			due += (s->next - now + tick - 1) / tick;
		if (p->due < due || is_due(jiffies, p->due, state.sample_jiffies))
			p->due = due;
		c->due = p->due;
		c->turn = (__u32)(p->count >> PENDING_HIGH);
	}
	pending_unlock(p, moved);
	if (c->place != pending_first(hash))
		pending_unlock(&pending[pending_first(hash)], false);
	return mine;
}

/* ---- the task's note ---- */

static __always_inline struct leastcap_repeat *repeat_of(struct leastcap_task *t, __u32 cap)
{
	return &t->repeats[cap & (LEASTCAP_REPEATS - 1)];
}

static __always_inline void repeats_void(struct leastcap_task *t)
{
	for (__u32 i = 0; i < LEASTCAP_REPEATS; i++)
		t->repeats[i].cap = 0;
}

/* Its cached answer, which is in t, has been asked for this capability, and says no or reports it. */
static __always_inline void repeat_note(struct leastcap_task *t, __u32 cap,
					const struct counting *c, bool refused, bool by_syscall)
{
	struct leastcap_repeat *r = repeat_of(t, cap);
	struct task_struct *task = bpf_get_current_task_btf();

	/* Void while it is written, as the answer is. */
	r->cap = 0;
	barrier();
	r->due = c->due;
	r->place = c->place;
	r->turn = c->turn;
	r->refused = refused;
	r->by_syscall = by_syscall;
	t->pid = task->tgid;
	t->tid = task->pid;
	t->outside = task->flags & PF_IO_WORKER ? LEASTCAP_CHECK_IO_WORKER : 0;
	barrier();
	r->cap = cap + 1;
}

static __always_inline volatile struct leastcap_pending *
repeat_place(const struct leastcap_repeat *r)
{
	return &pending[r->place & (LEASTCAP_PENDING - 1)];
}

/* Counts one more. False: this is not its place any more, the count is high, or another processor counts just now. */
static __always_inline bool repeat_count(const struct leastcap_repeat *r)
{
	volatile struct leastcap_pending *p = repeat_place(r);
	__u64 count = p->count, was;

	if (count >> PENDING_HIGH != r->turn)
		return false;
	was = __sync_val_compare_and_swap(&p->count, count, count + 1);
	/* Else clang makes a flag of it, and asks that. */
	barrier_var(was);
	return was == count;
}

#endif
