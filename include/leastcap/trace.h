/* SPDX-License-Identifier: GPL-2.0-only */
/* What `leastcap trace` and its program share: only while somebody traces, so it has no version of its own. */
#ifndef LEASTCAP_TRACE_H
#define LEASTCAP_TRACE_H

#include <leastcap/abi.h>

/* Who is traced. */
enum leastcap_trace_who {
	LEASTCAP_TRACE_ALL, /* the whole host */
	LEASTCAP_TRACE_CONFINED, /* whom some binding confines */
	LEASTCAP_TRACE_SUBJECTS, /* who is in a cgroup of the map `subjects`, or below it */
};

/* subjects: how a cgroup came to be there. */
enum leastcap_trace_found {
	LEASTCAP_TRACE_LISTED, /* user space found it */
	LEASTCAP_TRACE_BORN, /* the kernel did, when it was made: all that runs in it is seen */
};

/* Cgroups whose paths are remembered, for the next one that is made there. */
#define LEASTCAP_TRACE_PLACES 1024

/* What came of a check, and who said so. */
enum leastcap_trace_verdict {
	LEASTCAP_TRACE_ALLOWED,
	LEASTCAP_TRACE_DENIED, /* granted, and refused by leastcap */
	LEASTCAP_TRACE_MISSING, /* not granted: the process does not have it */
	LEASTCAP_TRACE_REFUSED, /* granted, and refused by another security module */
	LEASTCAP_TRACE_VERDICTS,
};

/* Written before the program is loaded: the verifier removes what is switched off. */
struct leastcap_trace_config {
	__u64 caps; /* capabilities that are asked for; LEASTCAP_ALL: unknown ones, too */
	__u32 who; /* enum leastcap_trace_who */
	__u32 tgid; /* only this process; 0: any */
	__u32 loaded; /* leastcap is, and `tasks`, `bindings` and `state` are its own */
	__u32 denied; /* only what was not allowed */
	__u32 audited; /* no CAP_OPT_NOAUDIT probes */
	__u32 entering; /* processes that are entering, too */
	__u32 overridden; /* checks with overridden credentials, too */
	__u32 unique; /* only the first of its kind */
	__u32 stack;
	__u32 self; /* the tracer: what it does itself is left out */
};

/* struct leastcap_trace_check.flags, beside LEASTCAP_CHECK_* and LEASTCAP_EVENT_COMPAT */
#define LEASTCAP_TRACE_ENTERING 256U
/* Set by user space: refused when leastcap had just been loaded, or unloaded. Who it was is not known. */
#define LEASTCAP_TRACE_UNSURE 512U

/* One check. The time is CLOCK_BOOTTIME nanoseconds. */
struct leastcap_trace_check {
	__u64 time;
	__u64 cgroup; /* id */
	char comm[LEASTCAP_COMM_LEN]; /* of the process, not of the thread; hostile */
	__u32 pid; /* thread group id, initial pid namespace */
	__u32 tid;
	__u32 uid; /* real uid, initial user namespace */
	__u32 userns; /* inode number of the target user namespace */
	__s32 syscall; /* number in the table of the caller's ABI; -1: not in a system call */
	__u32 cap;
	__u32 verdict; /* enum leastcap_trace_verdict */
	__u32 flags;
};

#define LEASTCAP_TRACE_FRAMES 22

/* The same with the kernel's stack, for those who have asked for it. */
struct leastcap_trace_stack {
	struct leastcap_trace_check check;
	__u64 frames[LEASTCAP_TRACE_FRAMES]; /* return addresses, the innermost first; 0: no more */
};

/* A check that is told with one of these hides none without it: they are what somebody leaves out, or in. */
#define LEASTCAP_TRACE_APART                                                         \
	(LEASTCAP_CHECK_PROBE | LEASTCAP_CHECK_FOREIGN | LEASTCAP_CHECK_OVERRIDDEN | \
	 LEASTCAP_CHECK_CHILD_USERNS | LEASTCAP_TRACE_ENTERING)

/* What makes two checks the same one. */
struct leastcap_trace_key {
	__u64 cgroup;
	char comm[LEASTCAP_COMM_LEN];
	__u32 cap;
	__u32 verdict;
	__u32 flags; /* of those of a check LEASTCAP_TRACE_APART */
	__u32 pad;
};

/* The table takes so many kinds of checks. What does not fit is sent each time, and counted. */
#define LEASTCAP_TRACE_KINDS 16384

/* Larger than the table's whole content, stacks and the ring's own 8 bytes included: so `unique` loses nothing. */
#define LEASTCAP_TRACE_RING (4U << 20)

/* One line of counters for each CPU, in a cache line of its own. More CPUs share them. */
#define LEASTCAP_TRACE_CPUS 256

struct leastcap_trace_counts {
	__u64 seen; /* checks that the filter let through: shown + repeated + lost */
	__u64 repeated; /* the same as an earlier one */
	__u64 lost; /* the ring was full */
	__u64 unfit; /* of those that were sent: the table of kinds was full */
	__u64 pad[4];
};

#ifndef __bpf__
static_assert(sizeof(struct leastcap_trace_config) == 48, "trace");
static_assert(sizeof(struct leastcap_trace_check) == 64, "trace");
static_assert(sizeof(struct leastcap_trace_key) == 40, "trace");
static_assert(sizeof(struct leastcap_trace_counts) == 64, "trace");
static_assert((sizeof(struct leastcap_trace_stack) + 8) * LEASTCAP_TRACE_KINDS <=
		      LEASTCAP_TRACE_RING,
	      "trace");
#endif

#endif
