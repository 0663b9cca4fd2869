/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The decision, without a kernel: what one capability check means for the policies that bind the task.
 * Compiled into the BPF programs and into the host's unit tests, since LSM programs cannot be run by
 * BPF_PROG_TEST_RUN.
 */
#ifndef LEASTCAP_DECIDE_H
#define LEASTCAP_DECIDE_H

#include <leastcap/abi.h>

/* A set of capabilities that allows every one, also those a later kernel adds. */
#define LEASTCAP_ALL (~0ULL)

/*
 * The policies of every bound ancestor of a task, intersected: a child can only be tighter.
 * Without a binding all masks are LEASTCAP_ALL.
 */
struct leastcap_view {
	__u64 enforce; /* allowed by all policies in enforce mode */
	__u64 audit; /* allowed by all policies in audit mode, and by all shadows */
	__u64 used; /* already in the `used` mask of every ledger */
};

/* What to do with a check: bits of leastcap_decide()'s answer. */
#define LEASTCAP_DO_DENY 1U /* refuse with EPERM, count it in the masks and counters */
#define LEASTCAP_DO_WOULD_DENY 2U /* count it as would_deny */
#define LEASTCAP_DO_LEARN 4U /* add it to the `used` masks */
#define LEASTCAP_DO_PROBE 8U /* count it apart from ordinary refusals: the caller only asks */
#define LEASTCAP_DO_REPORT 16U /* hand a sample to the audit path */

/* The bit of a capability. 0 outside the range a mask can hold: such a capability is in no whitelist. */
static inline __u64 leastcap_bit(__u32 cap)
{
	return cap < 64 ? 1ULL << cap : 0;
}

/*
 * Checks that are none of the workload's doing.
 *  - A kernel thread acts for the kernel.
 *  - With overridden credentials the kernel acts for somebody else (overlayfs: the mounter). Denying
 *    breaks overlayfs in silence. An io_uring worker always runs with installed credentials, and is a
 *    thread of the caller: no exemption.
 */
static inline int leastcap_exempt(__u32 flags)
{
	if (flags & LEASTCAP_CHECK_KTHREAD)
		return 1;
	return (flags & LEASTCAP_CHECK_OVERRIDDEN) && !(flags & LEASTCAP_CHECK_IO_WORKER);
}

/* cap: any number, also one outside the known range. flags: LEASTCAP_CHECK_*. */
static inline __u32 leastcap_decide(const struct leastcap_view *view, __u32 cap, __u32 flags)
{
	__u64 bit = leastcap_bit(cap);
	__u32 todo = 0;

	if (leastcap_exempt(flags))
		return 0;
	if (!(view->enforce & bit))
		todo = LEASTCAP_DO_DENY;
	else if (!(view->audit & bit))
		todo = LEASTCAP_DO_WOULD_DENY;
	if (flags & LEASTCAP_CHECK_PROBE)
		return todo ? todo | LEASTCAP_DO_PROBE : 0;
	if (todo)
		todo |= LEASTCAP_DO_REPORT;
	if (!(todo & LEASTCAP_DO_DENY) && !(flags & LEASTCAP_CHECK_FOREIGN) && !(view->used & bit))
		todo |= LEASTCAP_DO_LEARN;
	return todo;
}

/*
 * The capabilities whose checks need no work at all, whatever their circumstances: allowed by everyone
 * and already learned. This is the whole of the hot path.
 */
static inline __u64 leastcap_quiet(const struct leastcap_view *view)
{
	return view->enforce & view->audit & view->used;
}

/* One policy joins a view. A policy that cannot be read is passed as NULL: it allows nothing. */
static inline void leastcap_join(struct leastcap_view *view, const struct leastcap_policy *policy,
				 int shadow)
{
	if (!policy)
		view->enforce = 0;
	else if (shadow || policy->mode == LEASTCAP_AUDIT)
		view->audit &= policy->allow;
	else if (policy->mode == LEASTCAP_ENFORCE)
		view->enforce &= policy->allow;
	else
		view->enforce = 0;
}

/* What one binding says of a capability, once the check as a whole is refused or would be. */
static inline enum leastcap_verdict leastcap_blame(const struct leastcap_policy *policy, __u32 cap)
{
	if (policy && (policy->allow & leastcap_bit(cap)))
		return LEASTCAP_ALLOWED;
	if (policy && policy->mode == LEASTCAP_AUDIT)
		return LEASTCAP_WOULD_DENY;
	return LEASTCAP_DENIED;
}

#endif
