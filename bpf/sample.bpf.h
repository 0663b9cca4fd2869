/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which refusals are told: of each kind the first, and then one per interval, which says how many were not. What it was about
 * is read only for what is told.
 */
#ifndef LEASTCAP_SAMPLE_BPF_H
#define LEASTCAP_SAMPLE_BPF_H

#include "event.bpf.h"
#include "repeat.bpf.h"

/* Who is sampled: known before the ring buffer is asked for room. */
struct sample {
	__u64 binding;
	__u64 policy;
	__u32 item;
	__u32 verdict;
	__u32 flags; /* LEASTCAP_CHECK_*, LEASTCAP_EVENT_* */
	__u32 userns;
	__u64 detail; /* where the kernel has it: read only when an event is made */
	__u32 detail_kind; /* enum leastcap_detail */
	__u32 detail_len; /* bytes; for a text and a path: not used */
};

/* The last components of a path, the last one first. A mount's root, or the file system's, ends it. */
static __always_inline void event_path(struct leastcap_event *e, struct dentry *dentry)
{
	__u32 n = 0;

	for (int i = 0; i < LEASTCAP_DETAIL_LEN / LEASTCAP_COMPONENT_LEN; i++) {
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);

		if (!dentry || (i && parent == dentry))
			break;
		bpf_probe_read_kernel_str(&e->data[i * LEASTCAP_COMPONENT_LEN],
					  LEASTCAP_COMPONENT_LEN,
					  BPF_CORE_READ(dentry, d_name.name));
		n++;
		dentry = parent;
	}
	e->detail_len = n * LEASTCAP_COMPONENT_LEN;
}

/*
 * What current called the kernel with. Only what is reported for the first time has them: a later report stands for many calls,
 * and is to cost little.
 */
static __always_inline void event_arguments(struct leastcap_event *e)
{
#if defined(__TARGET_ARCH_x86)
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	bool compat = e->flags & LEASTCAP_EVENT_COMPAT;
	__u64 *to = (__u64 *)e->data;

	to[0] = compat ? regs->bx : regs->di;
	to[1] = compat ? regs->cx : regs->si;
	to[2] = regs->dx;
	to[3] = compat ? regs->si : regs->r10;
	to[4] = compat ? regs->di : regs->r8;
	to[5] = compat ? regs->bp : regs->r9;
	e->detail_len = LEASTCAP_ARGUMENTS * sizeof(__u64);
#endif
}

/* What it was about, from where the kernel has it. Cannot be read: the event has none. */
static __noinline int event_detail(struct leastcap_event *e, const struct sample *what)
{
	const void *from = (const void *)what->detail;
	__u32 len = what->detail_len;
	long n;

	switch (what->detail_kind) {
	case LEASTCAP_DETAIL_TEXT:
		n = bpf_probe_read_kernel_str(e->data, sizeof(e->data), from);
		if (n <= 0)
			return 0;
		e->detail_len = (__u32)n;
		break;
	case LEASTCAP_DETAIL_NUMBER:
		*(__u64 *)e->data = what->detail;
		e->detail_len = sizeof(__u64);
		break;
	case LEASTCAP_DETAIL_PATH:
		event_path(e, (struct dentry *)from);
		if (!e->detail_len)
			return 0;
		break;
	case LEASTCAP_DETAIL_SOCKADDR:
	case LEASTCAP_DETAIL_UNIX:
		if (len > sizeof(e->data))
			len = sizeof(e->data);
		if (len && bpf_probe_read_kernel(e->data, len, from))
			return 0;
		e->detail_len = len;
		break;
	case LEASTCAP_DETAIL_ARGUMENTS:
		if (e->syscall >= 0)
			event_arguments(e);
		if (!e->detail_len)
			return 0;
		break;
	default:
		return 0;
	}
	e->detail = what->detail_kind;
	return 0;
}

/* The element of a new key; NULL: it was made meanwhile (exists) or there is no room. */
static __always_inline struct leastcap_sample *sample_new(struct leastcap_key *key, __u64 next)
{
	struct leastcap_key counter = {.binding = key->binding};
	struct leastcap_sample fresh = {.next = next};
	struct leastcap_sample *n, *s;

	n = bpf_map_lookup_elem(&samples, &counter);
	if (!n) {
		struct leastcap_sample none = {};

		bpf_map_update_elem(&samples, &counter, &none, BPF_NOEXIST);
		n = bpf_map_lookup_elem(&samples, &counter);
	}
	if (n && __sync_fetch_and_add(&n->suppressed, 1) >= LEASTCAP_KEYS_PER_SUBJECT) {
		key->exe_ino = 0;
		key->exe_dev = 0;
		s = bpf_map_lookup_elem(&samples, key);
		if (s)
			return s;
	}
	if (bpf_map_update_elem(&samples, key, &fresh, BPF_NOEXIST))
		return bpf_map_lookup_elem(&samples, key);
	return NULL;
}

static __always_inline void sample_key(const struct sample *what, struct leastcap_key *ret)
{
	struct leastcap_file exe;

	task_exe(bpf_get_current_task_btf(), &exe);
	ret->binding = what->binding;
	ret->exe_ino = exe.ino;
	ret->exe_dev = exe.dev;
	ret->restriction = LEASTCAP_ITEM_RESTRICTION(what->item);
	ret->item = what->item;
	ret->verdict = what->verdict;
}

/*
 * One refusal wants to be seen. The first of its key is sent; then one per interval, which says how many
 * were not. A sample that finds the ring full is counted twice: as a loss, and as suppressed. Answers 1 where it was
 * not the first.
 */
__noinline int sample_refusal(struct sample *what)
{
	__u64 now = bpf_ktime_get_boot_ns(), interval = sample_interval(), suppressed = 0;
	struct leastcap_key key = {};
	struct leastcap_sample *s;
	struct leastcap_event *e;
	__u64 next = now + interval;
	bool again;

	if (!what)
		return 0;
	sample_key(what, &key);
	s = bpf_map_lookup_elem(&samples, &key);
	if (!s) {
		s = sample_new(&key, next);
		if (!s && !bpf_map_lookup_elem(&samples, &key))
			lose(LEASTCAP_LOSS_KEY);
	}
	again = s != NULL;
	if (again) {
		__u64 due = s->next;

		/* Of two CPUs that find it due, one sends. */
		if (!is_due(now, due, interval) || !pending_due(&key) ||
		    __sync_val_compare_and_swap(&s->next, due, next) != due) {
			__sync_fetch_and_add(&s->suppressed, 1);
			return 1;
		}
		suppressed = __sync_lock_test_and_set(&s->suppressed, 0) + pending_untold(&key);
	}
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		lose(LEASTCAP_LOSS_RING);
		s = bpf_map_lookup_elem(&samples, &key);
		if (s)
			__sync_fetch_and_add(&s->suppressed, suppressed + 1);
		return again;
	}
	e->flags = what->flags;
	event_fill(e, LEASTCAP_EVENT_VERDICT, sizeof(*e), now);
	e->binding = what->binding;
	e->policy = what->policy;
	e->suppressed = suppressed;
	e->restriction = key.restriction;
	e->item = what->item;
	e->verdict = what->verdict;
	e->userns = what->userns;
	e->pad = 0;
	event_detail(e, what);
	event_submit(e);
	return again;
}

/* A place for what was refused, and not for the first time. Answers 0 where it has none. */
__noinline int sample_place(struct sample *what, struct counting *c)
{
	struct leastcap_key key = {};
	struct leastcap_sample *s;

	if (!what || !c)
		return 0;
	sample_key(what, &key);
	s = bpf_map_lookup_elem(&samples, &key);
	if (!s) {
		/* This subject has too many programs. */
		key.exe_ino = 0;
		key.exe_dev = 0;
		s = bpf_map_lookup_elem(&samples, &key);
	}
	c->flags = what->flags & LEASTCAP_EVENT_SHADOW;
	return s && pending_take(&key, s, c, what->policy);
}

/*
 * The report of a refusal that is repeated. t: the answer of current, true, and its note r. Short on purpose: clang is to keep
 * little on the stack, and each read of the kernel's memory is six instructions more on 6.1.
 */
static __noinline int repeat_report(const __u64 *ctx, const struct leastcap_task *t,
				    struct leastcap_repeat *r, struct task_struct *task)
{
	volatile struct leastcap_pending *p = repeat_place(r);
	struct leastcap_event *e;
	__u64 count, told, due;
	__u32 ns;

	/* Whoever has it reports this one, too, or the next one does. */
	if (!pending_lock(p))
		return 0;
	/* Its address is not to be made anew each time. */
	barrier_var(p);
	count = p->count;
	told = p->told;
	due = p->due;
	/* It has another owner; or somebody else has just reported. */
	if (count >> PENDING_HIGH != r->turn || bpf_jiffies64() < due || count == told)
		goto out;
	due = bpf_jiffies64() + state.sample_jiffies;
	p->due = due;
	r->due = due;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		/* It stays untold: the next one stands for it. */
		lose(LEASTCAP_LOSS_RING);
		goto unlock;
	}
	p->told = count;
	e->suppressed = count - told - 1;
	e->binding = p->key.binding;
	e->policy = p->policy;
	event_key(e, &p->key);
	ns = ((struct user_namespace *)ctx[1])->ns.inum;
	e->flags = p->flags | t->outside | (ns != USERNS_INIT ? LEASTCAP_CHECK_CHILD_USERNS : 0);
	e->userns = ns;
	e->pad = 0;
	pending_unlock(p, false);

	event_head(e, LEASTCAP_EVENT_VERDICT, sizeof(*e));
	e->cgroup = t->cgroup;
	e->pid = t->pid;
	e->tid = t->tid;
	event_task(e, task, (const struct cred *)ctx[0], t->outside);
	/* Of a subject with too many programs the key has none. */
	if (!e->exe_ino)
		event_exe(e, task);
	e->time = bpf_ktime_get_boot_ns();
	event_submit(e);
	return 0;
out:
	r->due = due;
unlock:
	pending_unlock(p, false);
	return 0;
}

#endif
