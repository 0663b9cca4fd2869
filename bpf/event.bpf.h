/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records in the ring buffer: who, from where the kernel has it, and when the reader is woken.
 */
#ifndef LEASTCAP_EVENT_BPF_H
#define LEASTCAP_EVENT_BPF_H

#include <bpf/bpf_tracing.h>

#include "maps.bpf.h"

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
 * Half the ring buffer waits to be read: until the reader has read all (kernel_caught_up()), what is repeated is told as seldom as
 * it is by default, whatever was asked for, and leaves the other half to what is new. Before the record is submitted that wakes the
 * reader: he finds it changed. Where the clock tick is not known nothing changes.
 */
static __noinline int event_behind(void)
{
	__u64 tick = state.jiffy_ns, jiffies = tick ? LEASTCAP_BEHIND_NS / tick : 0;
	__u64 half = bpf_ringbuf_query(&events, BPF_RB_RING_SIZE) / 2;

	if (state.sample_jiffies < jiffies && bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > half)
		state.sample_jiffies = jiffies;
	return 0;
}

/* Between two samples of the same key, as it is now: in clock ticks state.sample_jiffies. */
static __always_inline __u64 sample_interval(void)
{
	__u64 ns = state.sample_interval_ns, now = state.sample_jiffies * state.jiffy_ns;

	return ns > now ? ns : now;
}

/*
 * Waking a sleeping reader costs ten times a refusal. The first record wakes it; then it polls until nothing comes any more, and
 * is woken only before it is late. By their number: to ask the ring buffer how full it is costs more, and is done as seldom.
 */
static __always_inline void event_submit(void *record)
{
	__u64 sent = __sync_fetch_and_add(&state.sent, 1);

	if (sent & state.wake_mask) {
		bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
		return;
	}
	state.wake_mask = wake_mask;
	event_behind();
	bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
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
