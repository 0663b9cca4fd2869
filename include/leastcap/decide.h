/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The decision, without a kernel: what one capability check means for the policies that bind the task.
 * Compiled into the BPF programs and into the host's unit tests, since LSM programs cannot be run by
 * BPF_PROG_TEST_RUN.
 */
#ifndef LEASTCAP_DECIDE_H
#define LEASTCAP_DECIDE_H

#include <linux/capability.h>

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
	__u32 deny; /* rules that some policy enforces */
	__u32 would; /* rules that some policy audits, or a shadow has */
	__u32 rules_used; /* already in the `rules_used` mask of every ledger */
};

/* What to do with a check: bits of leastcap_decide()'s answer. */
#define LEASTCAP_DO_DENY 1U /* refuse with EPERM, count it in the masks and counters */
#define LEASTCAP_DO_WOULD_DENY 2U /* count it as would_deny */
#define LEASTCAP_DO_LEARN 4U /* add it to the `used` masks */
#define LEASTCAP_DO_PROBE 8U /* count it apart from ordinary refusals: the caller only asks */
#define LEASTCAP_DO_REPORT 16U /* hand a sample to the audit path */

/*
 * Does a whitelist allow this item? Ways around a whitelist are ways around the restrictions too: open only to those who
 * are allowed everything, and whom no rule holds.
 */
static inline int leastcap_allows(__u64 allow, __u32 rules, __u32 item)
{
	switch (item) {
	case LEASTCAP_ITEM_URING_CREDS:
	case LEASTCAP_ITEM_OVERLAYFS:
	case LEASTCAP_ITEM_PTRACE_ENTERING:
		return allow == LEASTCAP_ALL && !rules;
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
	if (!leastcap_allows(view->enforce, view->deny, item))
		todo = LEASTCAP_DO_DENY;
	else if (!leastcap_allows(view->audit, view->would, item))
		todo = LEASTCAP_DO_WOULD_DENY;
	if (flags & LEASTCAP_CHECK_PROBE)
		return todo ? todo | LEASTCAP_DO_PROBE : 0;
	if (todo)
		todo |= LEASTCAP_DO_REPORT;
	if (!(todo & LEASTCAP_DO_DENY) && !(flags & LEASTCAP_CHECK_FOREIGN) && (bit & ~view->used))
		todo |= LEASTCAP_DO_LEARN;
	return todo;
}

/* Rules that are held where these capabilities are asked for, by the system call that asks: no other hook sees it. */
#define LEASTCAP_RULES_BY_SYSCALL                                                             \
	(LEASTCAP_RULE_BIT(LEASTCAP_RULE_MOUNTS) | LEASTCAP_RULE_BIT(LEASTCAP_RULE_MODULES) | \
	 LEASTCAP_RULE_BIT(LEASTCAP_RULE_NAMESPACES))
#define LEASTCAP_CAPS_BY_SYSCALL                                                 \
	(1ULL << CAP_SYS_ADMIN | 1ULL << CAP_SYS_BOOT | 1ULL << CAP_SYS_CHROOT | \
	 1ULL << CAP_SYS_MODULE)

/* Is more than the capability in question where it is asked for, namely the system call that asks? */
static inline int leastcap_by_syscall(const struct leastcap_view *view, __u32 item)
{
	return ((view->deny | view->would) & LEASTCAP_RULES_BY_SYSCALL) &&
	       (leastcap_bit(item) & LEASTCAP_CAPS_BY_SYSCALL);
}

/*
 * The capabilities whose checks need no work at all, whatever their circumstances: allowed by everyone
 * and already learned. This is the whole of the hot path.
 */
static inline __u64 leastcap_quiet(const struct leastcap_view *view)
{
	__u64 quiet = view->enforce & view->audit & view->used;

	return (view->deny | view->would) & LEASTCAP_RULES_BY_SYSCALL
		       ? quiet & ~LEASTCAP_CAPS_BY_SYSCALL
		       : quiet;
}

/* The view of a task that nothing binds. */
static inline void leastcap_view_init(struct leastcap_view *view)
{
	view->enforce = LEASTCAP_ALL;
	view->audit = LEASTCAP_ALL;
	view->used = LEASTCAP_ALL;
	view->deny = 0;
	view->would = 0;
	view->rules_used = ~0U;
}

/*
 * The rules of one policy join a view. A policy that cannot be read is passed as NULL: it allows nothing. A shadow that
 * cannot be read is not passed at all, and whatever its mode is, it refuses nothing.
 */
static inline void leastcap_join(struct leastcap_view *view, const struct leastcap_rules *rules,
				 int shadow)
{
	if (!rules || (!shadow && rules->mode > LEASTCAP_AUDIT)) {
		view->enforce = 0;
		view->deny = ~0U;
	} else if (shadow || rules->mode == LEASTCAP_AUDIT) {
		view->audit &= rules->allow;
		view->would |= rules->deny | rules->would;
	} else {
		view->enforce &= rules->allow;
		view->deny |= rules->deny;
		view->would |= rules->would;
	}
}

/* What one binding's policy says of a rule, for something that is in its list if it has one. */
static inline enum leastcap_verdict leastcap_rule_verdict(const struct leastcap_rules *rules,
							  __u32 rule, int shadow)
{
	__u32 bit = LEASTCAP_RULE_BIT(rule & 31);

	if (!rules)
		return shadow ? LEASTCAP_ALLOWED : LEASTCAP_DENIED;
	if (!shadow && rules->mode > LEASTCAP_AUDIT)
		return LEASTCAP_DENIED;
	if (!((rules->deny | rules->would) & bit))
		return LEASTCAP_ALLOWED;
	return shadow || rules->mode == LEASTCAP_AUDIT || !(rules->deny & bit) ? LEASTCAP_WOULD_DENY
									       : LEASTCAP_DENIED;
}

/*
 * Of two rules for a destination, by its port and for any port: the longer prefix counts; the port, where they are
 * as long. Answers what the list says: refused or not. Without any: `otherwise`.
 */
static inline int leastcap_destination_refused(const struct leastcap_destination_rule *by_port,
					       const struct leastcap_destination_rule *any_port,
					       int otherwise)
{
	if (by_port && (!any_port || by_port->prefix >= any_port->prefix))
		return by_port->refuse != 0;
	return any_port ? any_port->refuse != 0 : otherwise;
}

/* FNV-1a of a name up to its first NUL, at most LEASTCAP_UNIX_LEN bytes. */
static inline __u64 leastcap_unix_hash(const char name[LEASTCAP_UNIX_LEN])
{
	__u64 hash = 0xcbf29ce484222325ULL;

	for (int i = 0; i < LEASTCAP_UNIX_LEN; i++) {
		if (!name[i])
			break;
		hash = (hash ^ (__u8)name[i]) * 0x100000001b3ULL;
	}
	return hash;
}

/* What one binding's policy says of an item: whose refusal it is that leastcap_decide() found. */
static inline enum leastcap_verdict leastcap_blame(const struct leastcap_rules *rules, __u32 item,
						   int shadow)
{
	if (!rules)
		return shadow ? LEASTCAP_ALLOWED : LEASTCAP_DENIED;
	if (!shadow && rules->mode != LEASTCAP_AUDIT && rules->mode != LEASTCAP_ENFORCE)
		return LEASTCAP_DENIED;
	if (leastcap_allows(rules->allow, rules->deny | rules->would, item))
		return LEASTCAP_ALLOWED;
	/* For the rules that it audits it refuses nothing. */
	return shadow || rules->mode == LEASTCAP_AUDIT ||
			       leastcap_allows(rules->allow, rules->deny, item)
		       ? LEASTCAP_WOULD_DENY
		       : LEASTCAP_DENIED;
}

#endif
