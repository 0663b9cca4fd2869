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

/* Does a whitelist allow this item? Ways around a whitelist are open only to those who are allowed everything. */
static inline int leastcap_allows(__u64 allow, __u32 item)
{
	switch (item) {
	case LEASTCAP_ITEM_URING_CREDS:
	case LEASTCAP_ITEM_OVERLAYFS:
	case LEASTCAP_ITEM_PTRACE_ENTERING:
		return allow == LEASTCAP_ALL;
	default:
		/* Out of range: in no whitelist, and no shift. */
		return item < 64 && (allow >> item & 1);
	}
}

/* The bit that stands for an item in the masks of a ledger; 0: it has none. */
static inline __u64 leastcap_bit(__u32 item)
{
	return item < 64 ? 1ULL << item : 0;
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

/* item: capability number or enum leastcap_item, any value. flags: LEASTCAP_CHECK_*. */
static inline __u32 leastcap_decide(const struct leastcap_view *view, __u32 item, __u32 flags)
{
	__u64 bit = leastcap_bit(item);
	__u32 todo = 0;

	if (leastcap_exempt(flags))
		return 0;
	if (!leastcap_allows(view->enforce, item))
		todo = LEASTCAP_DO_DENY;
	else if (!leastcap_allows(view->audit, item))
		todo = LEASTCAP_DO_WOULD_DENY;
	if (flags & LEASTCAP_CHECK_PROBE)
		return todo ? todo | LEASTCAP_DO_PROBE : 0;
	if (todo)
		todo |= LEASTCAP_DO_REPORT;
	if (!(todo & LEASTCAP_DO_DENY) && !(flags & LEASTCAP_CHECK_FOREIGN) && (bit & ~view->used))
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

/* The rules of one policy join a view. A policy that cannot be read is passed as NULL: it allows nothing. */
static inline void leastcap_join(struct leastcap_view *view, const struct leastcap_rules *rules,
				 int shadow)
{
	if (!rules)
		view->enforce = 0;
	else if (shadow || rules->mode == LEASTCAP_AUDIT)
		view->audit &= rules->allow;
	else if (rules->mode == LEASTCAP_ENFORCE)
		view->enforce &= rules->allow;
	else
		view->enforce = 0;
}

/* What one binding's policy says of an item: whose refusal it is that leastcap_decide() found. */
static inline enum leastcap_verdict leastcap_blame(const struct leastcap_rules *rules, __u32 item,
						   int shadow)
{
	if (!rules)
		return shadow ? LEASTCAP_ALLOWED : LEASTCAP_DENIED;
	if (!shadow && rules->mode != LEASTCAP_AUDIT && rules->mode != LEASTCAP_ENFORCE)
		return LEASTCAP_DENIED;
	if (leastcap_allows(rules->allow, item))
		return LEASTCAP_ALLOWED;
	return shadow || rules->mode == LEASTCAP_AUDIT ? LEASTCAP_WOULD_DENY : LEASTCAP_DENIED;
}

#endif
