/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happened: masks and counters (exact, in the ledger of every binding concerned) and samples
 * (deduplicated, in the ring buffer). A verdict never depends on anything here.
 */
#ifndef LEASTCAP_AUDIT_BPF_H
#define LEASTCAP_AUDIT_BPF_H

#include <bpf/bpf_tracing.h>

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

static __always_inline void event_head(struct leastcap_event *e, __u16 type, __u32 size, __u64 now)
{
	e->version = LEASTCAP_ABI;
	e->type = type;
	e->size = size;
	e->time = now;
	e->restriction = LEASTCAP_CAPABILITIES;
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

/* Who it is. Reads without a helper where the verifier knows the type: many times cheaper. */
static __always_inline void event_task(struct leastcap_event *e, struct task_struct *task)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();

	e->cgroup = bpf_get_current_cgroup_id();
	e->syscall = -1;
	e->pid = pid_tgid >> 32;
	e->tid = (__u32)pid_tgid;
	e->ppid = task->real_parent->tgid;
	e->uid = task->real_cred->uid.val;
	*(__u64 *)&e->comm[0] = *(__u64 *)&task->comm[0];
	*(__u64 *)&e->comm[8] = *(__u64 *)&task->comm[8];
#if defined(__TARGET_ARCH_x86)
	/* A worker never came in by a system call; what lies where its registers would be means nothing. */
	if (!(task->flags & (PF_IO_WORKER | PF_KTHREAD))) {
		struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

		e->syscall = (__s32)regs->orig_ax;
		if (task->thread_info.status & TS_COMPAT)
			e->flags |= LEASTCAP_EVENT_COMPAT;
	}
#endif
}

/* Everything but the verdict. */
static __always_inline void event_fill(struct leastcap_event *e, __u16 type, __u32 size, __u64 now)
{
	struct task_struct *task = bpf_get_current_task_btf();

	event_head(e, type, size, now);
	event_exe(e, task);
	event_task(e, task);
}

/* Waking a sleeping reader costs ten times a refusal: the daemon polls, and is woken only before it is late. */
static __always_inline void event_submit(void *record)
{
	__u64 avail = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);
	__u32 size = ((struct bpf_map *)&events)->max_entries;

	bpf_ringbuf_submit(record, avail > size / 4 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
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
		if (now < due || now < pending_next(&key) ||
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
	c->shadow = (what->flags & LEASTCAP_EVENT_SHADOW) != 0;
	return s && pending_take(&key, s, c, what->policy);
}

/* The report of a refusal that is repeated. ns: the one it was asked for. */
static __noinline int repeat_report(struct leastcap_repeat *r, struct user_namespace *ns)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct leastcap_event *e;
	struct report what = {};

	if (!repeat_due(r, &what))
		return 0;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		lose(LEASTCAP_LOSS_RING);
		repeat_untold(r, what.suppressed + 1);
		return 0;
	}
	e->flags = (task->flags & PF_IO_WORKER ? LEASTCAP_CHECK_IO_WORKER : 0) |
		   (ns->level > 0 ? LEASTCAP_CHECK_CHILD_USERNS : 0) |
		   (what.shadow ? LEASTCAP_EVENT_SHADOW : 0);
	event_task(e, task);
	/* Of a subject with too many programs the key has none. */
	if (what.exe_ino) {
		e->exe_ino = what.exe_ino;
		e->exe_dev = what.exe_dev;
	} else {
		event_exe(e, task);
	}
	event_head(e, LEASTCAP_EVENT_VERDICT, sizeof(*e), what.time);
	e->binding = what.binding;
	e->policy = what.policy;
	e->suppressed = what.suppressed;
	e->item = what.item;
	e->verdict = what.verdict;
	e->userns = ns->ns.inum;
	e->pad = 0;
	event_submit(e);
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

/* The stack has no room for a ledger: an empty one is in .rodata. */
const volatile struct leastcap_ledger no_ledger;

static __always_inline long ledger_make(__u64 cgroup)
{
	struct leastcap_ledger *ledger;
	long err = bpf_map_update_elem(&ledgers, &cgroup, (const void *)&no_ledger, BPF_NOEXIST);

	ledger = err ? NULL : bpf_map_lookup_elem(&ledgers, &cgroup);
	if (ledger) {
		ledger->number = __sync_fetch_and_add(&state.ledgers, 1) + 1;
		ledger->cgroup = cgroup;
	}
	return err;
}

static __always_inline struct leastcap_ledger *ledger_of(__u64 cgroup)
{
	struct leastcap_ledger *ledger = bpf_map_lookup_elem(&ledgers, &cgroup);

	if (!ledger) {
		ledger_make(cgroup);
		ledger = bpf_map_lookup_elem(&ledgers, &cgroup);
		if (!ledger)
			lose(LEASTCAP_LOSS_LEDGER);
	}
	return ledger;
}

/* The sample names one binding: the first that refuses, else the first that would. */
static __always_inline void blame(struct sample *s, __u64 cgroup, __u64 policy, __u32 verdict,
				  __u32 flags)
{
	if (s->binding && (s->verdict == LEASTCAP_DENIED || verdict != LEASTCAP_DENIED))
		return;
	s->binding = cgroup;
	s->policy = policy;
	s->verdict = verdict;
	s->flags = (s->flags & ~LEASTCAP_EVENT_SHADOW) | flags;
}

static __always_inline void ledger_count(struct leastcap_ledger *ledger, __u64 bit, __u32 verdict)
{
	if (!ledger)
		return;
	if (verdict == LEASTCAP_DENIED) {
		__sync_fetch_and_or(&ledger->denied, bit);
		__sync_fetch_and_add(&ledger->n_denied[LEASTCAP_CAPABILITIES], 1);
	} else {
		__sync_fetch_and_or(&ledger->would_deny, bit);
		__sync_fetch_and_add(&ledger->n_would_deny[LEASTCAP_CAPABILITIES], 1);
	}
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
			__sync_fetch_and_add(&ledger->n_probe_denied, 1);
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

	bpf_loop(BPF_CORE_READ(cgrp, level) + 1, record_level, r, 0);
	if (process && process->carried) {
		for (int i = 0; i < LEASTCAP_HELD; i++) {
			if (process->carried & (1U << i))
				record_binding(r, process->held[i]);
		}
	}
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
