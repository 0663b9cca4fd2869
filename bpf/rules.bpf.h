/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From "current does this" to an answer, for every restriction but the capabilities (judge.bpf.h): a hook fills
 * an inquiry and returns ask().
 *
 * The cached view says whether any policy of the task has the rule; where none has, that is all. Where one has, a walk
 * over the bindings asks each policy, decides and counts in one go: a rule with a list is about what is in the
 * list, and a listener is judged against each binding's own subtree.
 *
 * Directions of failure: a policy that cannot be read refuses; so does a rule whose list cannot be read.
 */
#ifndef LEASTCAP_RULES_BPF_H
#define LEASTCAP_RULES_BPF_H

#include "judge.bpf.h"

/*
 * What is asked. On the stack of the hook, which is short: 512 bytes for all of its calls. The pointers are kernel
 * addresses, read by probing.
 */
struct inquiry {
	__u32 rule; /* enum leastcap_rule */
	__u32 refused;
	struct sample sample; /* item and detail are the hook's */
	struct cgroup *cgrp;
	__u64 stop;
	union { /* what the rule's list is asked for */
		struct {
			struct cgroup *owner; /* unix: of the listener */
			__u64 hash; /* of its name, 0: it has none */
			const char *name; /* LEASTCAP_UNIX_LEN bytes on the hook's stack */
		};
		struct {
			__u8 address[16]; /* connect: IPv4 as ::ffff:a.b.c.d */
			__u32 port; /* host byte order */
			bool always; /* whatever the list says: where it goes is not known */
		};
		struct {
			__u64 mask; /* families, file systems: the bit asked for */
			bool write; /* file systems */
		};
		const struct leastcap_makers *makers; /* attributes: of the file; NULL: not known */
	};
};

/* A key of either map: the stack is short. */
union list_key {
	struct leastcap_destination destination;
	struct leastcap_unix_key name;
};

static __always_inline int list_has_destination(const struct leastcap_lists *l,
						const struct inquiry *q, __u64 policy,
						union list_key *key)
{
	struct leastcap_destination_rule *by_port, *any_port;

	key->destination.prefix = LEASTCAP_DESTINATION_FIXED + 128;
	key->destination.policy[0] = (__u32)policy;
	key->destination.policy[1] = (__u32)(policy >> 32);
	key->destination.port = q->port;
	__builtin_memcpy(key->destination.address, q->address, sizeof(q->address));
	by_port = bpf_map_lookup_elem(&destinations, &key->destination);
	key->destination.port = 0;
	any_port = bpf_map_lookup_elem(&destinations, &key->destination);
	return leastcap_destination_refused(by_port, any_port,
					    (l->flags & LEASTCAP_LIST_CONNECT_DENY) != 0);
}

static __always_inline int list_has_listener(const struct leastcap_lists *l,
					     const struct inquiry *q, __u64 policy, __u64 binding,
					     __u32 level, union list_key *key)
{
	int deny = (l->flags & LEASTCAP_LIST_UNIX_DENY) != 0;
	struct leastcap_unix_name *named;
	struct cgroup *owner = q->owner;
	__u64 word;

	/* A listener of the subject's own. */
	if (level <= (__u32)BPF_CORE_READ(owner, level) &&
	    cgroup_id(cgroup_ancestor(owner, level)) == binding)
		return 0;
	key->name.policy = policy;
	key->name.hash = q->hash;
	named = q->hash ? bpf_map_lookup_elem(&unix_names, &key->name) : NULL;
	for (int i = 0; named && i < LEASTCAP_UNIX_LEN / 8; i++) {
		if (bpf_probe_read_kernel(&word, sizeof(word), q->name + i * 8) ||
		    word != ((__u64 *)named->name)[i])
			named = NULL;
	}
	return named ? !deny : deny;
}

/* Was the file made by a task of this binding? */
static __always_inline bool made_by(const struct inquiry *q, __u64 binding)
{
	const struct leastcap_makers *m = q->makers;
	__u64 id;

	for (int i = 0; m && i < LEASTCAP_HELD; i++) {
		if (!bpf_probe_read_kernel(&id, sizeof(id), &m->bindings[i]) && id == binding)
			return true;
	}
	return false;
}

/* Is a rule of this policy about what is asked? */
__noinline int list_has(struct inquiry *q, __u64 policy, __u64 binding, __u32 level)
{
	struct leastcap_lists *l;
	union list_key key;

	if (!q)
		return 1;
	switch (q->rule) {
	case LEASTCAP_RULE_UNIX:
	case LEASTCAP_RULE_CONNECT:
	case LEASTCAP_RULE_FAMILIES:
	case LEASTCAP_RULE_FILESYSTEMS:
	case LEASTCAP_RULE_ATTRIBUTES:
		break;
	default:
		return 1;
	}
	l = bpf_map_lookup_elem(&lists, &policy);
	if (!l || l->id != policy)
		return 1;
	switch (q->rule) {
	case LEASTCAP_RULE_UNIX:
		return list_has_listener(l, q, policy, binding, level, &key);
	case LEASTCAP_RULE_CONNECT:
		return q->always || list_has_destination(l, q, policy, &key);
	case LEASTCAP_RULE_FAMILIES:
		/* A family that has no bit is in every list. */
		return !q->mask || (l->families & q->mask);
	case LEASTCAP_RULE_ATTRIBUTES:
		return !((l->flags & LEASTCAP_LIST_OWN_FILES) && made_by(q, binding));
	default:
		return (l->fs_deny & q->mask) || (q->write && (l->fs_read_only & q->mask));
	}
}

static __always_inline void refusals_count(__u64 cgroup, __u32 item, __u32 verdict)
{
	__u32 i = LEASTCAP_ITEM_RESTRICTION(item) - 1;
	struct leastcap_refusals *r = i < LEASTCAP_RESTRICTIONS - 1 ? refusals_of(cgroup) : NULL;

	if (r)
		__sync_fetch_and_add(
			verdict == LEASTCAP_DENIED ? &r->n_denied[i] : &r->n_would_deny[i], 1);
}

static __always_inline void ledger_count_rule(__u64 cgroup, const struct inquiry *q, __u32 verdict)
{
	struct leastcap_ledger *ledger = ledger_of(cgroup);
	__u32 bit = LEASTCAP_RULE_BIT(q->rule & 31);

	if (!ledger)
		return;
	if (verdict == LEASTCAP_ALLOWED) {
		__sync_fetch_and_or(&ledger->rules_used, bit);
		return;
	}
	__sync_fetch_and_or(verdict == LEASTCAP_DENIED ? &ledger->rules_denied
						       : &ledger->rules_would_deny,
			    bit);
	refusals_count(cgroup, q->sample.item, verdict);
}

/* One binding of the task is asked. */
__noinline int inquire_binding(struct inquiry *q, __u64 cgroup)
{
	enum leastcap_verdict verdict, shadow;
	struct bound b = {};

	if (!q || !bound_read(cgroup, &b))
		return 0;
	verdict = leastcap_rule_verdict(b.readable ? &b.rules : NULL, q->rule, 0);
	if (verdict != LEASTCAP_ALLOWED && b.readable && !list_has(q, b.policy, cgroup, b.level))
		verdict = LEASTCAP_ALLOWED;
	shadow = leastcap_rule_verdict(b.has_shadow ? &b.shadow_rules : NULL, q->rule, 1);
	if (shadow != LEASTCAP_ALLOWED && !list_has(q, b.shadow, cgroup, b.level))
		shadow = LEASTCAP_ALLOWED;
	if (verdict == LEASTCAP_DENIED && disarmed())
		verdict = LEASTCAP_WOULD_DENY;
	if (verdict == LEASTCAP_DENIED)
		q->refused = 1;
	if (verdict != LEASTCAP_ALLOWED) {
		blame(&q->sample, cgroup, b.policy, verdict, 0);
		ledger_count_rule(cgroup, q, verdict);
	} else if (shadow != LEASTCAP_ALLOWED) {
		blame(&q->sample, cgroup, b.shadow, shadow, LEASTCAP_EVENT_SHADOW);
		ledger_count_rule(cgroup, q, shadow);
	} else {
		ledger_count_rule(cgroup, q, LEASTCAP_ALLOWED);
	}
	return 0;
}

/* bpf_loop() of 6.1 takes nothing but the stack for its context. */
struct inquire_context {
	struct inquiry *q;
};

static long inquire_level(__u32 level, void *ctx)
{
	struct inquiry *q = ((struct inquire_context *)ctx)->q;
	__u64 id = cgroup_id(cgroup_ancestor(q->cgrp, level));

	if (id == q->stop)
		return 1;
	inquire_binding(q, id);
	return 0;
}

/*
 * What policies of current have of rules, from the cached view, which is made where there was none: in the low half
 * those that are in force, in the high half those of which nothing is left to learn. A function of its own, called by
 * the hook: its stack is free again when the bindings are asked.
 */
__noinline __u64 rules_of_current(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct leastcap_task *process;
	struct walk w;

	if (thread_flags(task) & LEASTCAP_CHECK_KTHREAD)
		return ~0ULL << 32;
	walk_current(task, &w, &process);
	if (!w.bound)
		return ~0ULL << 32;
	return (__u64)w.view.rules_used << 32 | w.view.deny | w.view.would;
}

/* Does a rule concern current: has some policy of its the rule, or is there something to learn? */
static __always_inline int concerned(__u32 rule)
{
	__u64 rules = armed ? rules_of_current() : ~0ULL << 32;
	__u32 bit = LEASTCAP_RULE_BIT(rule & 31);

	return (__u32)rules & bit || !(rules >> 32 & bit);
}

/* Has no policy of current one of the rules? For hooks that everybody passes all the time. */
static __always_inline bool without_rules(struct task_struct *task, __u32 rules)
{
	struct leastcap_task *t = cached_answer(task);

	return !((t ? t->deny | t->would : (__u32)rules_of_current()) & rules);
}

/* Does the cached answer say what concerned() would, that it does not? */
static __always_inline bool surely_unconcerned(struct task_struct *task, __u32 rule)
{
	struct leastcap_task *t = cached_answer(task);

	return t && !((t->deny | t->would | ~t->rules_used) & LEASTCAP_RULE_BIT(rule));
}

/* The walk that follows writes it into the ledgers. */
static __always_inline void answer_learn_rule(struct task_struct *task, __u32 rule)
{
	struct leastcap_task *t = cached_answer(task);

	if (t)
		t->rules_used |= LEASTCAP_RULE_BIT(rule & 31);
}

/* All bindings are asked, and what they say is written down. */
__noinline int inquire(struct inquiry *q)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct inquire_context context = {.q = q};
	struct leastcap_task *process;
	struct cgroup *cgrp;

	if (!q)
		return 1;
	/* A hook may ask twice. */
	q->refused = 0;
	q->sample.binding = 0;
	q->sample.flags = thread_flags(task);
	if (BPF_CORE_READ(task, cred) != BPF_CORE_READ(task, real_cred))
		q->sample.flags |= LEASTCAP_CHECK_OVERRIDDEN;
	if (leastcap_exempt(q->sample.flags))
		return 0;
	answer_learn_rule(task, q->rule);
	cgrp = task_cgroup(task);
	q->cgrp = cgrp;
	process = process_of(task);
	q->stop = entering_stop(process);
	if (process && (process->flags & LEASTCAP_TASK_OVERFLOW)) {
		__u32 verdict = disarmed() ? LEASTCAP_WOULD_DENY : LEASTCAP_DENIED;

		/* It carries more than it can hold: nothing is allowed. */
		if (verdict == LEASTCAP_DENIED)
			q->refused = 1;
		blame(&q->sample, process->held[0], 0, verdict, 0);
		ledger_count_rule(process->held[0], q, verdict);
	}
	if (process && process->carried) {
		__u32 carried = carried_by(process, PLACE_OF(q));

		for (int i = 0; i < LEASTCAP_HELD; i++) {
			if (carried & (1U << i))
				inquire_binding(q, process->held[i]);
		}
	}
	bpf_loop(BPF_CORE_READ(cgrp, level) + 1, inquire_level, &context, 0);
	if (q->sample.binding)
		sample_refusal(&q->sample);
	return q->refused;
}

/* Is it refused? q: rule, sample.item, its detail, and what the rule's list is asked for. The answer of an LSM hook. */
static __always_inline int ask(struct inquiry *q)
{
	return concerned(q->rule) ? refusal(inquire(q)) : 0;
}

#endif
