/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel side and the user side share: map keys and values, events, enums.
 *
 * Everything here is fixed-width, 8-byte ordered and padded by hand; the asserts at the end of each
 * struct are the contract. A change of any layout is a change of LEASTCAP_ABI, which names the
 * directory the objects are pinned in: two layouts never meet in one map.
 */
#ifndef LEASTCAP_ABI_H
#define LEASTCAP_ABI_H

#include <linux/types.h>

#ifndef __bpf__
#include <assert.h>
#include <stddef.h>
#endif

#define LEASTCAP_ABI 1

/* Longest cgroup path that can be bound before it exists. The key of the `births` map is built on
 * the 512-byte BPF stack, so it cannot be PATH_MAX; systemd's own longest unit name is 255. */
#define LEASTCAP_PATH_LEN 256

/* A policy's name, with its NUL: longer ones are refused by the policy parser. */
#define LEASTCAP_NAME_LEN 64

/* TASK_COMM_LEN, include/linux/sched.h */
#define LEASTCAP_COMM_LEN 16

enum leastcap_mode {
	LEASTCAP_ENFORCE = 0, /* refuse and report */
	LEASTCAP_AUDIT = 1, /* allow and report */
};

/* Restrictions. One value per family of rules; a new one is appended. */
enum leastcap_restriction {
	LEASTCAP_CAPABILITIES = 0,
	LEASTCAP_RESTRICTIONS, /* how many there are */
};

/*
 * Items of the capabilities restriction. Below 64 the item is the capability's own number
 * (linux/capability.h). The others are the ways around a whitelist that are closed with it.
 */
enum leastcap_item {
	LEASTCAP_ITEM_URING_CREDS = 0x100, /* io_uring personality: somebody else's credentials */
	LEASTCAP_ITEM_OVERLAYFS, /* mounting overlayfs: acts with the mounter's credentials */
	LEASTCAP_ITEM_PTRACE_ENTERING, /* taking over a process that enters this binding */
	LEASTCAP_ITEM_UNKNOWN, /* a capability number that no mask can hold */
};

enum leastcap_verdict {
	LEASTCAP_ALLOWED = 0,
	LEASTCAP_DENIED = 1, /* refused by a policy in enforce mode */
	LEASTCAP_WOULD_DENY = 2, /* allowed; a policy in audit mode or a shadow would refuse */
};

/* What a policy says, as decide.h takes it. */
struct leastcap_rules {
	__u64 allow; /* capability n is allowed if bit n is set */
	__u32 mode; /* enum leastcap_mode */
	__u32 revision; /* counts the revisions of this name, from 1 */
};

/*
 * policies: policy id -> what it says. Written by user space before any binding names the id, never
 * changed afterwards: a new revision of a policy is a new id.
 */
struct leastcap_policy {
	__u64 id; /* the key again: a 6.1 hash reuses an element at once, see subject.bpf.h */
	union {
		struct leastcap_rules rules;
		struct {
			__u64 allow;
			__u32 mode;
			__u32 revision;
		};
	};
	char name[LEASTCAP_NAME_LEN];
};

/* struct leastcap_binding.flags, .births value flags */
#define LEASTCAP_BORN \
	1U /* made by the kernel at cgroup_mkdir under the default policy or a birth */
#define LEASTCAP_DEAD \
	2U /* unused in the map; in listings: the cgroup is gone, its policy is carried */

/*
 * bindings: cgroup id -> policy ids. Written by user space, and by cgroup_mkdir for new cgroups
 * (BPF_NOEXIST). Replacing an element is the one step that flips a subject to another policy.
 */
struct leastcap_binding {
	__u64 cgroup; /* the key again */
	__u64 policy; /* key in policies */
	__u64 shadow; /* key in policies, evaluated, never refuses; 0: none */
	__u32 flags;
	__u32 level; /* of the cgroup, the root is 0 */
};

/*
 * ledgers: cgroup id -> what happened there. Created with the binding, written only by the kernel
 * side with atomic operations, so nothing is lost when the policy changes under it.
 */
struct leastcap_ledger {
	__u64 cgroup; /* the key again */
	__u64 used; /* masks, capability n is bit n: asked for, granted */
	__u64 denied; /* refused */
	__u64 would_deny; /* granted, would be refused by a policy in audit mode or a shadow */
	__u64 probed; /* NOAUDIT probes that this binding answered with no */
	__u64 n_denied; /* exact counts, also of items that have no bit in a mask */
	__u64 n_would_deny;
	__u64 n_probe_denied;
};

/* births: path of a cgroup that does not exist yet (below the cgroup2 root, "/system.slice/a.service")
 * -> the policy it is born with. Written by user space. */
struct leastcap_birth {
	char path[LEASTCAP_PATH_LEN]; /* zero-padded */
};

/* launchers: an executable file -> how its execution treats an entering process. */
struct leastcap_file {
	__u64 ino;
	__u32 dev; /* kernel-internal dev_t: major << 20 | minor */
	__u32 pad;
};

/* values of launchers */
#define LEASTCAP_LAUNCHER_ALWAYS 1U /* executing it keeps an entering process entering */
#define LEASTCAP_LAUNCHER_REEXEC 2U /* the same, but only for a program that re-executes itself */

/* .data.state: one page, mapped by user space. */
struct leastcap_state {
	__u64 generation; /* grows with every publication: cached answers of older ones are void */
	__u64 default_policy; /* for new containers of a known runtime; 0: none */
	__u64 entering_limit_ns; /* how long a process may stay entering */
	__u64 sample_interval_ns; /* between two samples of the same key */
	__u64 next_policy; /* last policy id given out; user space only, under the lock */
	__u64 born; /* bindings made at birth */
};

/* samples: what a sample is the first, or the next, of. Read by user space to forget dead subjects. */
struct leastcap_key {
	__u64 binding;
	__u64 exe_ino; /* 0: folded, this subject has too many programs */
	__u32 exe_dev;
	__u32 restriction;
	__u32 item;
	__u32 verdict; /* enum leastcap_verdict; LEASTCAP_ALLOWED: counts the subject's keys */
};

struct leastcap_sample {
	__u64 next; /* CLOCK_BOOTTIME ns: not before */
	__u64 suppressed; /* since the last sample; for the counting key: how many keys */
};

/* Programs told apart in one subject. More are folded into one, so that a workload that makes up programs
 * fills neither the table nor the ring. */
#define LEASTCAP_KEYS_PER_SUBJECT 256

/* losses: per-CPU counters of what could not be recorded. Never part of a verdict. */
enum leastcap_loss {
	LEASTCAP_LOSS_RING = 0, /* samples that found the ring buffer full */
	LEASTCAP_LOSS_KEY, /* refusals sampled without deduplication: key table full */
	LEASTCAP_LOSS_LEDGER, /* a ledger could not be made: masks and counters miss these checks */
	LEASTCAP_LOSS_STORAGE, /* task storage could not be made */
	LEASTCAP_LOSS_BIRTH, /* a new container could not be bound: the bindings map is full */
	LEASTCAP_LOSSES,
};

/* How many bindings a process can remember; what does not fit fails closed (LEASTCAP_TASK_*). */
#define LEASTCAP_HELD 4

/* struct leastcap_task.flags */
#define LEASTCAP_TASK_NEVER_ENTERS 1U /* it was held by more bindings than it can remember */
#define LEASTCAP_TASK_OVERFLOW \
	2U /* it carries more policies than it can hold: nothing is allowed */

/*
 * tasks (task storage). The first part is the cached answer of a thread; the second is the state of a
 * process and lives in the group leader's element. Written by the kernel side only.
 */
struct leastcap_task {
	__u64 generation; /* state.generation the answer is from; 0: no answer */
	__u64 cgroup; /* id of the cgroup it is for */
	__u64 quiet; /* capabilities that need no work, see leastcap_quiet() */
	__u64 enforce, audit, used; /* struct leastcap_view */
	__u32 bound; /* by how many bindings */
	__u32 flags; /* LEASTCAP_TASK_* */

	__u64 enter_root; /* id: bindings at or below this cgroup are being entered; 0: not entering */
	__u64 enter_deadline; /* CLOCK_MONOTONIC ns */
	struct leastcap_file enter_exe; /* what it executed when it came in */
	__u32 enter_level; /* of enter_root */
	__u32 enter_mntns; /* mount namespace of the task that moved it in */
	__u32 carried; /* bit i: held[i] goes with the task wherever it moves */
	__u32 pad;
	__u64 held[LEASTCAP_HELD]; /* ids of bindings that have held this process once; 0: free */
};

enum leastcap_event_type {
	LEASTCAP_EVENT_VERDICT = 1,
	LEASTCAP_EVENT_ENTERING_EXPIRED = 2, /* a process stayed entering for the time limit */
	LEASTCAP_EVENT_BORN = 3, /* struct leastcap_event_cgroup: bound at birth */
	LEASTCAP_EVENT_GONE = 4, /* struct leastcap_event_cgroup: a bound cgroup was removed */
	LEASTCAP_EVENT_CARRIED =
		5, /* a task was moved out of its binding by a confined task; the policy went with it */
};

/* struct leastcap_event.flags */
#define LEASTCAP_CHECK_KTHREAD 1U /* current is a kernel thread */
#define LEASTCAP_CHECK_IO_WORKER 2U /* current is an io_uring worker (PF_IO_WORKER) */
#define LEASTCAP_CHECK_OVERRIDDEN 4U /* current->cred != current->real_cred */
#define LEASTCAP_CHECK_FOREIGN 8U /* the credentials checked are not current's */
#define LEASTCAP_CHECK_PROBE 16U /* CAP_OPT_NOAUDIT */
#define LEASTCAP_CHECK_CHILD_USERNS 32U /* target user namespace is not the initial one */
#define LEASTCAP_EVENT_COMPAT 64U /* 32-bit system call */
#define LEASTCAP_EVENT_SHADOW 128U /* the shadow policy would refuse, not the policy */

/* What the ring buffer carries. Times are CLOCK_BOOTTIME nanoseconds. */
struct leastcap_event {
	__u16 version; /* LEASTCAP_ABI */
	__u16 type; /* enum leastcap_event_type */
	__u32 size; /* of the whole record */
	__u64 time;
	__u64 cgroup; /* id of the cgroup of the task */
	__u64 binding; /* id of the bound cgroup whose policy decided */
	__u64 policy; /* id of that policy */
	__u64 suppressed; /* refusals of the same key since its last sample, this one not counted */
	__u64 exe_ino; /* of the executable; 0: none */
	__u32 exe_dev; /* kernel-internal dev_t */
	__u32 restriction; /* enum leastcap_restriction */
	__u32 item; /* capability number or enum leastcap_item */
	__u32 verdict; /* enum leastcap_verdict */
	__u32 flags; /* LEASTCAP_CHECK_*, LEASTCAP_EVENT_* */
	__s32 syscall; /* number in the table of the caller's ABI; -1: not in a system call */
	__u32 pid; /* thread group id, initial pid namespace */
	__u32 tid;
	__u32 ppid;
	__u32 uid; /* real uid, initial user namespace */
	__u32 userns; /* inode number of the target user namespace */
	__u32 pad;
	char comm[LEASTCAP_COMM_LEN]; /* hostile: any bytes, NUL-terminated */
};

struct leastcap_event_cgroup {
	struct leastcap_event event;
	char path[LEASTCAP_PATH_LEN]; /* hostile; cut if longer, always NUL-terminated */
};

#ifndef __bpf__
static_assert(sizeof(struct leastcap_policy) == 88, "abi");
static_assert(sizeof(struct leastcap_binding) == 32, "abi");
static_assert(sizeof(struct leastcap_ledger) == 64, "abi");
static_assert(sizeof(struct leastcap_birth) == LEASTCAP_PATH_LEN, "abi");
static_assert(sizeof(struct leastcap_file) == 16, "abi");
static_assert(sizeof(struct leastcap_state) == 48, "abi");
static_assert(sizeof(struct leastcap_task) == 136, "abi");
static_assert(offsetof(struct leastcap_task, held) == 104, "abi");
static_assert(sizeof(struct leastcap_event) == 120, "abi");
static_assert(offsetof(struct leastcap_event, comm) == 104, "abi");
static_assert(sizeof(struct leastcap_event_cgroup) == 376, "abi");
#endif

#endif
