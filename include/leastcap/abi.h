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

#include <leastcap/pattern.h>
#include <leastcap/restrictions.h>

#ifndef __bpf__
#include <assert.h>
#include <stddef.h>
#endif

/* A test of taking over makes a build with another number. */
#ifndef LEASTCAP_ABI
#define LEASTCAP_ABI 7
#endif

/* Longest cgroup path that can be bound before it exists. The key of the `births` map is built on
 * the 512-byte BPF stack, so it cannot be PATH_MAX; systemd's own longest unit name is 255. */
#define LEASTCAP_PATH_LEN 256

/* A policy's name, with its NUL: longer ones are refused by the policy parser. */
#define LEASTCAP_NAME_LEN 64

/* What is put before the name of a policy that was applied as a shadow. No name that is written has a colon. */
#define LEASTCAP_SHADOW_PREFIX "shadow:"

/* TASK_COMM_LEN, include/linux/sched.h */
#define LEASTCAP_COMM_LEN 16

enum leastcap_mode {
	LEASTCAP_ENFORCE = 0, /* refuse and report */
	LEASTCAP_AUDIT = 1, /* allow and report */
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
	__u32 deny; /* rule n is enforced if bit n is set, see enum leastcap_rule */
	__u32 would; /* rule n is audited: allowed and reported */
};

/*
 * policies: policy id -> what it says. Written by user space before any binding names the id, never
 * changed afterwards: a new revision of a policy is a new id.
 */
struct leastcap_policy {
	__u64 id; /* the key again: a 6.1 hash reuses an element at once, see bound.bpf.h */
	union {
		struct leastcap_rules rules;
		struct {
			__u64 allow;
			__u32 mode;
			__u32 revision;
			__u32 deny;
			__u32 would;
		};
	};
	__u64 content; /* of user space: a hash of the rules and lists; the same content keeps its revision */
	char name[LEASTCAP_NAME_LEN];
};

/*
 * lists: policy id -> what its rules with lists are about. Written before the policy, never changed. A rule whose
 * list is missing refuses everything.
 */
struct leastcap_lists {
	__u64 id; /* the key again */
	__u64 families; /* LEASTCAP_RULE_FAMILIES: address family n is refused if bit n is set */
	__u64 fs_deny; /* LEASTCAP_RULE_FILESYSTEMS: file systems, by their bit in `filesystems` */
	__u64 fs_read_only;
	__u32 flags; /* LEASTCAP_LIST_* */
	__u32 pad;
};

/* Listeners outside the subtree are refused unless unix_names has them; without it allowed unless it has them. */
#define LEASTCAP_LIST_UNIX_DENY 1U
/* Destinations are refused where `destinations` says nothing; without it they are allowed. */
#define LEASTCAP_LIST_CONNECT_DENY 2U
/* LEASTCAP_RULE_ATTRIBUTES: those of files that the subject has made itself may change, setuid bits excepted. */
#define LEASTCAP_LIST_OWN_FILES 4U

/* filesystems: name of a file system type (zero-padded) -> its bit, 0 to 63. Written by user space, never removed. */
struct leastcap_fs_type {
	char name[LEASTCAP_FS_LEN];
};

/* unix_names: a policy's exceptions by the name the listener is bound to; "@" stands for the NUL of an abstract one. */
struct leastcap_unix_key {
	__u64 policy;
	__u64 hash; /* leastcap_unix_hash() of the name */
};

struct leastcap_unix_name {
	char name
		[LEASTCAP_UNIX_LEN]; /* zero-padded: a name with the same hash is not the same name */
};

/* destinations: longest prefix of (policy, port, address). IPv4 as ::ffff:a.b.c.d. Port 0: any port. */
struct leastcap_destination {
	__u32 prefix; /* bits: LEASTCAP_DESTINATION_FIXED + those of the address */
	__u32 policy[2]; /* low and high half of the id */
	__u32 port; /* host byte order */
	__u8 address[16];
};

#define LEASTCAP_DESTINATION_FIXED 96U

struct leastcap_destination_rule {
	__u32 prefix; /* bits of the address: of two that match, by port and for any port, the longer counts */
	__u32 refuse;
};

/* struct leastcap_binding.flags, .births value flags */
#define LEASTCAP_BORN \
	1U /* made by the kernel at cgroup_mkdir under the default policy or a birth */
#define LEASTCAP_DEAD \
	2U /* unused in the map; in listings: the cgroup is gone, its policy is carried */
#define LEASTCAP_CANARY 4U /* for as long as enforcement is being proven; in no listing */

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
 * side with atomic operations, so nothing is lost when the policy changes under it. Every binding has one: with the 48 bytes
 * of a hash element's own, its key, and 8 of the allocator's, 64 bytes fit into a piece of 128, and the next is one of 192.
 */
struct leastcap_ledger {
	__u64 used; /* masks, capability n is bit n: asked for, granted */
	__u64 denied; /* refused */
	__u64 would_deny; /* granted, would be refused by a policy in audit mode or a shadow */
	__u64 probed; /* NOAUDIT probes that this binding answered with no */
	__u32 rules_used; /* masks, enum leastcap_rule: something was asked for that the rule is about, and allowed */
	__u32 rules_denied;
	__u32 rules_would_deny;
	__u32 number; /* tells it from another ledger of the same cgroup, see struct leastcap_pending */
	__u64 n_denied; /* exact counts of LEASTCAP_CAPABILITIES, also of items that have no bit in a mask */
	__u64 n_would_deny;
};

/*
 * refusals: cgroup id -> the other exact counts: of the other restrictions, restriction r at r - 1, and of probes. Made with
 * the first one, by the kernel side; removed with the ledger. Most bindings never have any.
 */
struct leastcap_refusals {
	__u64 n_denied[LEASTCAP_RESTRICTIONS - 1];
	__u64 n_would_deny[LEASTCAP_RESTRICTIONS - 1];
	__u64 n_probe_denied;
};

/* births: path of a cgroup that does not exist yet (below the cgroup2 root, "/system.slice/a.service")
 * -> the policy it is born with. Written by user space. */
struct leastcap_birth {
	char path[LEASTCAP_PATH_LEN]; /* zero-padded */
};

/*
 * patterns: number -> a pattern of paths of cgroups that do not exist yet, and the policy they are born with. The set in
 * force is state.patterns: the first number and how many; of several that match the first counts. Written by user
 * space, never changed: another set has other numbers.
 */
struct leastcap_birth_pattern {
	struct leastcap_pattern pattern;
	__u64 policy;
};

#define LEASTCAP_PATTERNS 1024 /* in one set */

/* newborn: the cgroup that is being made, and how far its path has been compared. Written by the kernel side only. */
struct leastcap_newborn {
	struct leastcap_birth birth;
	struct leastcap_match at;
	__u32 step; /* enum leastcap_match_step */
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

/* What user space asks lc_quiet: a key, and how it is to be told. */
struct leastcap_quiet {
	struct leastcap_key key;
	__u64 policy; /* for the event */
	__u64 after_ns; /* for so long it must not have been refused since its next report was due */
	__u64 after_jiffies; /* the same */
	__u32 flags; /* for the event: LEASTCAP_EVENT_SHADOW */
	__u32 last; /* its binding has ended: told in any case */
};

/* What it answers. */
enum leastcap_quiet_answer {
	LEASTCAP_QUIET_NOTHING = 0, /* all has been told */
	LEASTCAP_QUIET_TOLD = 1,
	LEASTCAP_QUIET_LATER = 2, /* not quiet yet, or no room in the ring buffer */
};

/* How many bindings a process can remember; what does not fit fails closed (LEASTCAP_TASK_*). */
#define LEASTCAP_HELD 4

/*
 * .data.pending: repeated refusals of one key, counted here and not in the ledgers that they concern, which would have
 * to be looked up. A ledger's counters are complete with what is pending. Written by the kernel side only.
 */
struct leastcap_pending {
	__u64 count; /* the turn << LEASTCAP_PENDING_BITS | how many the ledgers do not have yet */
	__u64 due; /* jiffies: not to be reported before; another key may have the place some time later */
	__u32 changes; /* odd: what follows is being changed, or the count is on its way into the ledgers */
	__u16 denied; /* bit i: ledger i counts it as denied, else as would_deny */
	__u16 flags; /* LEASTCAP_EVENT_SHADOW: it is the shadow that would refuse */
	struct leastcap_key key;
	__u64 policy; /* for the reports */
	__u64 told; /* the count up to which all is in reports; less what is not in the count, and not told */
	__u64 ledgers[LEASTCAP_HELD]; /* ids of the bindings that count it; 0: no more */
	__u32 numbers[LEASTCAP_HELD]; /* of these ledgers */
	__u64 generation; /* of the state, when it was last taken or kept */
};

/* Between two samples of the same key, at least, while the reader is behind. */
#define LEASTCAP_BEHIND_NS 1000000000ULL

#define LEASTCAP_PENDING 512 /* places */
#define LEASTCAP_PENDING_BITS 40
#define LEASTCAP_PENDING_COUNT ((1ULL << LEASTCAP_PENDING_BITS) - 1)

/* .data.state: one page, mapped by user space. */
struct leastcap_state {
	__u64 epoch; /* grows behind every publication and every move of a task: older answers have to be looked at */
	__u64 generation; /* grows with every publication: cached answers of older ones are void */
	__u64 default_policy; /* for new containers of a known runtime; 0: none */
	__u64 entering_limit_ns; /* how long a process may stay entering */
	__u64 sample_interval_ns; /* between two samples of the same key */
	__u64 next_policy; /* last policy id given out; user space only, under the lock */
	__u64 born; /* bindings made at birth */
	__u32 needed; /* rules that a published policy has needed: their programs are attached. User space only */
	__u32 hold; /* entrypoints are held. User space only */
	__u64 patterns; /* first number << 32 | how many */
	__u64 disarmed_until; /* CLOCK_BOOTTIME ns; until then what would be refused is allowed and reported; 0: not */
	__u64 hold_until; /* CLOCK_BOOTTIME ns: nothing is held later. Whoever lets go what is held moves it on */
	__u64 held; /* entrypoints that were held */
	__u64 held_too_long; /* those that were let go before their container was known. User space only */
	__u64 jiffy_ns; /* of the kernel's clock tick. User space only; 0: repeated refusals are not made quick */
	__u64 sample_jiffies; /* sample_interval_ns in the kernel's clock ticks. More: the reader is behind, see event.bpf.h */
	__u64 sent; /* records given to the ring buffer */
	__u32 ledgers; /* last number of a ledger that was given out */
	__u32 wake_mask; /* a record wakes the reader if its number has none of these bits. 0, by user space: the next one does */
};

/* held: process -> why it is stopped. Made by its own execve, removed by user space. */
struct leastcap_held {
	__u64 cgroup; /* the container, a key in `waiting` */
	__u64 since; /* CLOCK_BOOTTIME ns */
	__u64 start; /* task_struct.start_boottime: tells it from a later process with its number */
	__u32 let_go; /* enum leastcap_let_go; it runs, and that has to be told yet */
	__u32 pad;
};

enum leastcap_let_go {
	LEASTCAP_LET_GO_NOT = 0,
	LEASTCAP_LET_GO_LIMIT = 1, /* the time limit passed */
	LEASTCAP_LET_GO_ENDED = 2, /* the daemon ended */
};

/* Programs told apart in one subject. More are folded into one, so that a workload that makes up programs
 * fills neither the table nor the ring. */
#define LEASTCAP_KEYS_PER_SUBJECT 256

/* losses: per-CPU counters of what could not be recorded. Never part of a verdict. */
enum leastcap_loss {
	LEASTCAP_LOSS_RING = 0, /* samples that found the ring buffer full */
	LEASTCAP_LOSS_KEY, /* refusals sampled without deduplication: key table full */
	LEASTCAP_LOSS_LEDGER, /* a ledger, or its refusals, could not be made: masks and counters miss these checks */
	LEASTCAP_LOSS_STORAGE, /* task storage could not be made */
	LEASTCAP_LOSS_BIRTH, /* a new container could not be bound: the bindings map is full */
	LEASTCAP_LOSS_HOLD, /* an entrypoint was not held: a table was full, or it could not be stopped */
	LEASTCAP_LOSSES,
};

/* struct leastcap_task.flags */
#define LEASTCAP_TASK_NEVER_ENTERS 1U /* it was held by more bindings than it can remember */
#define LEASTCAP_TASK_OVERFLOW \
	2U /* it carries more policies than it can hold: nothing is allowed */

/* A refusal that was reported a moment ago: that it is refused again only has to be counted. */
struct leastcap_repeat {
	__u64 due; /* jiffies: from then on it is to be reported again */
	__u32 place; /* in `pending`: where it is counted */
	__u32 turn; /* whose turn it has to be there: the count but for LEASTCAP_PENDING_BITS - 2 bits, which is not high then */
	__u32 cap; /* which capability, plus 1; 0: none */
	__u16 refused; /* or allowed, by a policy in audit mode or a shadow */
	__u16 by_syscall; /* not by every system call, see LEASTCAP_RULES_BY_SYSCALL */
};

/* Of one task. The place of a capability is its number modulo this. */
#define LEASTCAP_REPEATS 4

/*
 * tasks (task storage). The first part is the cached answer of a thread; the second is the state of a
 * process and lives in the group leader's element. Written by the kernel side only.
 */
struct leastcap_task {
	__u64 epoch; /* state.epoch at which the answer was true */
	__u64 quiet; /* capabilities that need no work, see leastcap_quiet() */
	__u32 pid, tid; /* of the task, as in its events; true where `repeats` has something */
	struct leastcap_repeat repeats[LEASTCAP_REPEATS];
	__u64 generation; /* state.generation the answer is from; 0: no answer */
	__u64 cgroup; /* id of the cgroup it is for */
	__u64 enforce, audit, used; /* struct leastcap_view */
	__u32 deny, would, rules_used;
	__u32 bound; /* by how many bindings */
	__u32 flags; /* LEASTCAP_TASK_* */
	__u32 outside; /* LEASTCAP_CHECK_IO_WORKER: it never came in by a system call. As pid and tid */
	__u64 creating; /* address of the dentry that is to get a new inode; 0: none */

	__u64 enter_root; /* id: bindings at or below this cgroup are being entered; 0: not entering */
	__u64 enter_deadline; /* CLOCK_MONOTONIC ns */
	struct leastcap_file enter_exe; /* what it executed when it came in */
	__u32 enter_level; /* of enter_root */
	__u32 enter_mntns; /* mount namespace of the task that moved it in */
	__u32 carried; /* bit i: held[i] goes with the task wherever it moves */
	__u32 pad2;
	__u64 held[LEASTCAP_HELD]; /* ids of bindings that have held this process once; 0: free */
};

/* makers (inode storage): ids of the bindings of the task that made it, the outermost first; 0: no more. */
struct leastcap_makers {
	__u64 bindings[LEASTCAP_HELD];
};

/* How many sockets a socket may be answered by at one time. */
#define LEASTCAP_ASKED 4

/* askers (socket storage): cookies of the sockets that it has sent datagrams to last, round and round. */
struct leastcap_asked {
	__u64 cookies[LEASTCAP_ASKED];
	__u64 n; /* how many there have been */
};

enum leastcap_event_type {
	LEASTCAP_EVENT_VERDICT = 1,
	LEASTCAP_EVENT_ENTERING_EXPIRED = 2, /* a process stayed entering for the time limit */
	LEASTCAP_EVENT_BORN = 3, /* struct leastcap_event_cgroup: bound at birth */
	LEASTCAP_EVENT_GONE = 4, /* struct leastcap_event_cgroup: a bound cgroup was removed */
	LEASTCAP_EVENT_CARRIED =
		5, /* a task was moved out of its binding by a confined task; the policy went with it */
	LEASTCAP_EVENT_HELD = 6, /* an entrypoint is held until its container is known */
	LEASTCAP_EVENT_QUIET = 7, /* a key is refused no more; `suppressed` were in no event */
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
	__u32 detail; /* enum leastcap_detail */
	__u32 detail_len; /* bytes of data that count; what is behind them is undefined */
	__u8 data[LEASTCAP_DETAIL_LEN]; /* hostile */
};

struct leastcap_event_cgroup {
	struct leastcap_event event;
	char path[LEASTCAP_PATH_LEN]; /* hostile; cut if longer, always NUL-terminated */
};

#ifndef __bpf__
static_assert(sizeof(struct leastcap_policy) == 104, "abi");
static_assert(sizeof(struct leastcap_lists) == 40, "abi");
static_assert(sizeof(struct leastcap_destination) == 32, "abi");
static_assert(sizeof(struct leastcap_binding) == 32, "abi");
static_assert(sizeof(struct leastcap_ledger) == 64, "abi");
static_assert(sizeof(struct leastcap_refusals) == 136, "abi");
static_assert(sizeof(struct leastcap_birth) == LEASTCAP_PATH_LEN, "abi");
static_assert(sizeof(struct leastcap_birth_pattern) == 1040, "abi");
static_assert(sizeof(struct leastcap_file) == 16, "abi");
static_assert(sizeof(struct leastcap_state) == 136, "abi");
static_assert(sizeof(struct leastcap_held) == 32, "abi");
static_assert(sizeof(struct leastcap_pending) == 128, "abi");
static_assert(sizeof(struct leastcap_task) == 272, "abi");
static_assert(offsetof(struct leastcap_task, held) == 240, "abi");
static_assert(sizeof(struct leastcap_makers) == 32, "abi");
static_assert(sizeof(struct leastcap_asked) == 40, "abi");
static_assert(sizeof(struct leastcap_event) == 256, "abi");
static_assert(offsetof(struct leastcap_event, comm) == 104, "abi");
static_assert(sizeof(struct leastcap_event_cgroup) == 512, "abi");
#endif

#endif
