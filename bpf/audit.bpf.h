/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happened: masks and counters (exact, in the ledger of every binding concerned) and samples
 * (deduplicated, in the ring buffer). A verdict never depends on anything here.
 */
#ifndef LEASTCAP_AUDIT_BPF_H
#define LEASTCAP_AUDIT_BPF_H

#include <bpf/bpf_tracing.h>

#include "ledgers.bpf.h"
#include "repeat.bpf.h"

/* struct file -> who it is, also over overlayfs: the inode the program was opened by. */
static __always_inline void file_identity(struct file *file, struct leastcap_file *ret)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	ret->ino = inode ? BPF_CORE_READ(inode, i_ino) : 0;
	ret->dev = inode ? BPF_CORE_READ(inode, i_sb, s_dev) : 0;
	ret->pad = 0;
}

static __always_inline void task_exe(struct task_struct *task, struct leastcap_file *ret)
{
	file_identity(BPF_CORE_READ(task, mm, exe_file), ret);
}

static __always_inline void event_head(struct leastcap_event *e, __u16 type, __u32 size)
{
	e->version = LEASTCAP_ABI;
	e->type = type;
	e->size = size;
	e->detail = LEASTCAP_DETAIL_NONE;
	e->detail_len = 0;
}

static __always_inline void event_exe(struct leastcap_event *e, struct task_struct *task)
{
	struct leastcap_file exe;

	task_exe(task, &exe);
	e->exe_ino = exe.ino;
	e->exe_dev = exe.dev;
}

/*
 * Who it is; cred: its own, task->real_cred; outside: it never came in by a system call, and what lies where its registers would
 * be means nothing. Reads without a helper where the verifier knows the type: many times cheaper.
 */
static __always_inline void event_task(struct leastcap_event *e, struct task_struct *task,
				       const struct cred *cred, __u32 outside)
{
	e->syscall = -1;
	e->ppid = task->real_parent->tgid;
	e->uid = cred->uid.val;
	*(__u64 *)&e->comm[0] = *(__u64 *)&task->comm[0];
	*(__u64 *)&e->comm[8] = *(__u64 *)&task->comm[8];
#if defined(__TARGET_ARCH_x86)
	if (!outside) {
		struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

		e->syscall = (__s32)regs->orig_ax;
		if (task->thread_info.status & TS_COMPAT)
			e->flags |= LEASTCAP_EVENT_COMPAT;
	}
#endif
}

/* What a key and an event have in the same order. */
#define FROM_KEY(field)                                     \
	(__builtin_offsetof(struct leastcap_event, field) - \
	 __builtin_offsetof(struct leastcap_key, field))
_Static_assert(FROM_KEY(exe_ino) == FROM_KEY(exe_dev) &&
		       FROM_KEY(exe_ino) == FROM_KEY(restriction) &&
		       FROM_KEY(exe_ino) == FROM_KEY(item) &&
		       FROM_KEY(exe_ino) == FROM_KEY(verdict),
	       "in the same order");

static __always_inline void event_key(struct leastcap_event *e,
				      const volatile struct leastcap_key *key)
{
	e->exe_ino = key->exe_ino;
	*(__u64 *)&e->exe_dev = *(const volatile __u64 *)&key->exe_dev;
	*(__u64 *)&e->item = *(const volatile __u64 *)&key->item;
}

/* Everything but the verdict. */
static __always_inline void event_fill(struct leastcap_event *e, __u16 type, __u32 size, __u64 now)
{
	struct task_struct *task = bpf_get_current_task_btf();

	event_head(e, type, size);
	e->time = now;
	e->restriction = LEASTCAP_CAPABILITIES;
	event_exe(e, task);
	e->cgroup = bpf_get_current_cgroup_id();
	e->pid = task->tgid;
	e->tid = task->pid;
	event_task(e, task, task->real_cred, task->flags & (PF_IO_WORKER | PF_KTHREAD));
}

/* A power of two less one: so many records are some quarter of the ring buffer. Set by user space. */
const volatile __u32 wake_mask;

/*
 * Waking a sleeping reader costs ten times a refusal. The first record wakes it; then it polls until nothing comes any more, and
 * is woken only before it is late. By their number: to ask the ring buffer how full it is costs more.
 */
static __always_inline void event_submit(void *record)
{
	__u64 sent = __sync_fetch_and_add(&state.sent, 1);

	if (sent & state.wake_mask) {
		bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
		return;
	}
	state.wake_mask = wake_mask;
	bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
}

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
	__u64 now = bpf_ktime_get_boot_ns(), next = now + state.sample_interval_ns, suppressed = 0;
	struct leastcap_key key = {};
	struct leastcap_sample *s;
	struct leastcap_event *e;

	if (!what)
		return 0;
	sample_key(what, &key);
	s = bpf_map_lookup_elem(&samples, &key);
	if (!s) {
		s = sample_new(&key, next);
		if (!s && !bpf_map_lookup_elem(&samples, &key))
			lose(LEASTCAP_LOSS_KEY);
	}
	if (s) {
		__u64 due = s->next;

		/* Of two CPUs that find it due, one sends. */
		if (!is_due(now, due, state.sample_interval_ns) || !pending_due(&key) ||
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
		return 0;
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
	return s != NULL;
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

/*
 * Has somebody broken the glass, and is his time not over? Asked where something is about to be refused, nowhere else. It ends
 * by itself, whoever is alive.
 */
static __always_inline bool disarmed(void)
{
	__u64 until = state.disarmed_until;

	return until && bpf_ktime_get_boot_ns() < until;
}

/* A second walk over the bindings of a task: writes down what the check came to. */
struct record {
	struct cgroup *cgrp;
	__u64 stop;
	__u32 item;
	__u32 todo; /* LEASTCAP_DO_* */
	__u64 deepest; /* the last binding seen */
	__u64 deepest_policy;
	struct sample sample; /* binding 0: nobody to blame yet */
	struct counting counting;
};

/*
 * The sample names one binding: the innermost that refuses, else the innermost that would. It is the one that is nearest to the
 * workload, and two workloads below one outer binding do not hide each other's refusals.
 */
static __always_inline void blame(struct sample *s, __u64 cgroup, __u64 policy, __u32 verdict,
				  __u32 flags)
{
	if (s->binding && s->verdict == LEASTCAP_DENIED && verdict != LEASTCAP_DENIED)
		return;
	s->binding = cgroup;
	s->policy = policy;
	s->verdict = verdict;
	s->flags = (s->flags & ~LEASTCAP_EVENT_SHADOW) | flags;
}

__noinline int record_binding(struct record *r, __u64 cgroup)
{
	struct leastcap_ledger *ledger;
	enum leastcap_verdict verdict, shadow;
	struct bound b = {};
	__u64 bit;

	if (!r || !bound_read(cgroup, &b))
		return 0;
	r->deepest = cgroup;
	r->deepest_policy = b.policy;
	bit = leastcap_bit(r->item);
	ledger = ledger_of(cgroup);
	if ((r->todo & LEASTCAP_DO_LEARN) && ledger)
		__sync_fetch_and_or(&ledger->used, bit);
	verdict = leastcap_blame(b.readable ? &b.rules : NULL, r->item, 0);
	shadow = leastcap_blame(b.has_shadow ? &b.shadow_rules : NULL, r->item, 1);
	if (r->todo & LEASTCAP_DO_PROBE) {
		if (verdict == LEASTCAP_ALLOWED)
			return 0;
		blame(&r->sample, cgroup, b.policy, verdict, 0);
		if (ledger) {
			__sync_fetch_and_or(&ledger->probed, bit);
			probe_count(cgroup);
		}
		return 0;
	}
	/* The policy may have been replaced since the decision: what was decided is counted, not what would be now. */
	if (verdict == LEASTCAP_DENIED && !(r->todo & LEASTCAP_DO_DENY))
		verdict = LEASTCAP_WOULD_DENY;
	if (verdict != LEASTCAP_ALLOWED) {
		blame(&r->sample, cgroup, b.policy, verdict, 0);
	} else if (shadow != LEASTCAP_ALLOWED) {
		verdict = shadow;
		blame(&r->sample, cgroup, b.shadow, verdict, LEASTCAP_EVENT_SHADOW);
	} else {
		return 0;
	}
	ledger_count(ledger, bit, verdict);
	counting_add(&r->counting, cgroup, verdict == LEASTCAP_DENIED);
	return 0;
}

static long record_level(__u32 level, void *ctx)
{
	struct record *r = ctx;
	__u64 id = cgroup_id(cgroup_ancestor(r->cgrp, level));

	if (id == r->stop)
		return 1;
	record_binding(r, id);
	return 0;
}

/* The walk: r says what, and gets to know who has counted it. Answers what sample_refusal() does. */
static __always_inline int record_check(struct record *r, struct leastcap_task *process)
{
	struct cgroup *cgrp = r->cgrp;

	if (process && process->carried) {
		for (int i = 0; i < LEASTCAP_HELD; i++) {
			if (process->carried & (1U << i))
				record_binding(r, process->held[i]);
		}
	}
	bpf_loop(BPF_CORE_READ(cgrp, level) + 1, record_level, r, 0);
	if (!(r->todo & LEASTCAP_DO_REPORT))
		return 0;
	if (!r->sample.binding ||
	    ((r->todo & LEASTCAP_DO_DENY) && r->sample.verdict != LEASTCAP_DENIED)) {
		/*
		 * Nobody refuses any more: the policy was replaced between the decision and here, or the
		 * process carries more than it can hold. The refusal happened; it is counted all the same.
		 */
		if (!r->deepest && process)
			r->deepest = process->held[0];
		blame(&r->sample, r->deepest, r->deepest_policy,
		      r->todo & LEASTCAP_DO_DENY ? LEASTCAP_DENIED : LEASTCAP_WOULD_DENY, 0);
		ledger_count(r->deepest ? ledger_of(r->deepest) : NULL, leastcap_bit(r->item),
			     r->sample.verdict);
		r->counting.n = LEASTCAP_HELD + 1;
	}
	return sample_refusal(&r->sample);
}

/*
 * v6.12 and later check the range of an LSM program's answer (5d99e198be27, "bpf, lsm: Add check for BPF LSM
 * return value"), and cannot see it through the arithmetic that the compiler would make of this.
 */
static __always_inline int refusal(int refused)
{
	asm volatile("" : "+r"(refused));
	return refused ? -EPERM : 0;
}

/* A task-related happening that is no verdict. */
static __always_inline void event_plain(__u16 type, __u64 binding)
{
	struct leastcap_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		lose(LEASTCAP_LOSS_RING);
		return;
	}
	__builtin_memset(e, 0, sizeof(*e));
	event_fill(e, type, sizeof(*e), bpf_ktime_get_boot_ns());
	e->binding = binding;
	event_submit(e);
}

static __always_inline void event_cgroup(__u16 type, __u64 cgroup, __u64 policy, const char *path)
{
	struct leastcap_event_cgroup *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		lose(LEASTCAP_LOSS_RING);
		return;
	}
	__builtin_memset(e, 0, sizeof(*e));
	event_fill(&e->event, type, sizeof(*e), bpf_ktime_get_boot_ns());
	e->event.binding = cgroup;
	e->event.policy = policy;
	bpf_probe_read_kernel_str(e->path, sizeof(e->path), path);
	event_submit(e);
}

#endif
