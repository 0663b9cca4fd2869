/* SPDX-License-Identifier: GPL-2.0-only */
/* The decision: every row of the table "what a capability check means", and every combination of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/capability.h>

#include <leastcap/decide.h>

#include "base/cleanup.h"

#define BIT(cap) (1ULL << (cap))
#define DENY LEASTCAP_DO_DENY
#define WOULD LEASTCAP_DO_WOULD_DENY
#define LEARN LEASTCAP_DO_LEARN
#define PROBE LEASTCAP_DO_PROBE
#define REPORT LEASTCAP_DO_REPORT

#define ALL LEASTCAP_ALL
#define NOT(cap) (~BIT(cap))

/* A view of the capabilities alone. */
static struct leastcap_view view_of(__u64 enforce, __u64 audit, __u64 used)
{
	return (struct leastcap_view){.enforce = enforce, .audit = audit, .used = used};
}

/* CHOWN against a view; what the other bits of the masks say must not matter, so they are all set. */
static const struct row {
	const char *what;
	__u64 enforce, audit, used;
	__u32 flags;
	__u32 todo;
} rows[] = {
	{"no binding, first use", ALL, ALL, 0, 0, LEARN},
	{"allowed, first use", BIT(CAP_CHOWN), ALL, 0, 0, LEARN},
	{"allowed and learned: nothing to do", ALL, ALL, ALL, 0, 0},
	{"not in the whitelist", NOT(CAP_CHOWN), ALL, 0, 0, DENY | REPORT},
	{"refused even if it was used before", NOT(CAP_CHOWN), ALL, ALL, 0, DENY | REPORT},
	{"audit mode refuses nothing, and learns", ALL, NOT(CAP_CHOWN), 0, 0,
	 WOULD | REPORT | LEARN},
	{"audit mode, learned", ALL, NOT(CAP_CHOWN), ALL, 0, WOULD | REPORT},
	{"both would refuse: one refusal", 0, 0, 0, 0, DENY | REPORT},

	{"overridden credentials", 0, 0, 0, LEASTCAP_CHECK_OVERRIDDEN, 0},
	{"overridden, allowed: not learned", ALL, ALL, 0, LEASTCAP_CHECK_OVERRIDDEN, 0},
	{"an io_uring worker is not exempt", 0, ALL, 0,
	 LEASTCAP_CHECK_OVERRIDDEN | LEASTCAP_CHECK_IO_WORKER, DENY | REPORT},
	{"an io_uring worker learns", ALL, ALL, 0,
	 LEASTCAP_CHECK_OVERRIDDEN | LEASTCAP_CHECK_IO_WORKER, LEARN},
	{"an io_uring worker without overriding", 0, ALL, 0, LEASTCAP_CHECK_IO_WORKER,
	 DENY | REPORT},

	{"somebody else's credentials: judged", 0, ALL, 0, LEASTCAP_CHECK_FOREIGN, DENY | REPORT},
	{"somebody else's: not learned", ALL, ALL, 0, LEASTCAP_CHECK_FOREIGN, 0},
	{"somebody else's, audit", ALL, 0, 0, LEASTCAP_CHECK_FOREIGN, WOULD | REPORT},

	{"a probe is judged, counted apart, no event", 0, ALL, 0, LEASTCAP_CHECK_PROBE,
	 DENY | PROBE},
	{"a probe is not learned", ALL, ALL, 0, LEASTCAP_CHECK_PROBE, 0},
	{"a probe in audit mode", ALL, 0, 0, LEASTCAP_CHECK_PROBE, WOULD | PROBE},
	{"a probe of somebody else's", 0, 0, 0, LEASTCAP_CHECK_PROBE | LEASTCAP_CHECK_FOREIGN,
	 DENY | PROBE},

	{"a child user namespace: the same", 0, ALL, 0, LEASTCAP_CHECK_CHILD_USERNS, DENY | REPORT},
	{"a child user namespace learns", ALL, ALL, 0, LEASTCAP_CHECK_CHILD_USERNS, LEARN},

	{"kernel threads", 0, 0, 0, LEASTCAP_CHECK_KTHREAD, 0},
	{"kernel threads do not learn", ALL, ALL, 0, LEASTCAP_CHECK_KTHREAD, 0},
	{"a kernel thread with overridden credentials", 0, 0, 0,
	 LEASTCAP_CHECK_KTHREAD | LEASTCAP_CHECK_OVERRIDDEN, 0},
	{"a kernel thread's probe", 0, 0, 0, LEASTCAP_CHECK_KTHREAD | LEASTCAP_CHECK_PROBE, 0},
};

static void every_row_of_the_table(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		struct leastcap_view view = view_of(r->enforce, r->audit, r->used);
		__u32 todo = leastcap_decide(&view, CAP_CHOWN, r->flags);

		if (todo != r->todo)
			fail_msg("%s: %#x, not %#x", r->what, todo, r->todo);
	}
}

/* The table once more, as what a reader of the design would say about one check. */
static __u32 oracle(int enforced_away, int audited_away, int has_bit, int learned, __u32 flags)
{
	int kthread = !!(flags & LEASTCAP_CHECK_KTHREAD);
	int overridden = !!(flags & LEASTCAP_CHECK_OVERRIDDEN);
	int io_worker = !!(flags & LEASTCAP_CHECK_IO_WORKER);
	int probe = !!(flags & LEASTCAP_CHECK_PROBE);
	int foreign = !!(flags & LEASTCAP_CHECK_FOREIGN);
	__u32 refusal = enforced_away ? DENY : audited_away ? WOULD : 0;
	__u32 todo = refusal;

	if (kthread || (overridden && !io_worker))
		return 0;
	if (refusal)
		todo |= probe ? PROBE : REPORT;
	if (!probe && !foreign && !enforced_away && has_bit && !learned)
		todo |= LEARN;
	return todo;
}

static const __u32 items[] = {0,
			      1,
			      21,
			      40,
			      41,
			      62,
			      63,
			      64,
			      65,
			      66,
			      127,
			      128,
			      255,
			      LEASTCAP_ITEM_URING_CREDS,
			      LEASTCAP_ITEM_OVERLAYFS,
			      LEASTCAP_ITEM_PTRACE_ENTERING,
			      LEASTCAP_ITEM_UNKNOWN,
			      LEASTCAP_ITEM_UNKNOWN + 1,
			      1000,
			      0x7fffffff,
			      0x80000000,
			      0xffffffc0, /* modulo 64 this would be CHOWN */
			      0xffffffff};

static int is_way_around(__u32 item)
{
	return item >= LEASTCAP_ITEM_URING_CREDS && item <= LEASTCAP_ITEM_PTRACE_ENTERING;
}

/* Does a mask hold an item? Said without a shift by the item. */
static int in_mask(__u64 mask, __u32 item)
{
	if (is_way_around(item))
		return mask == ALL;
	for (__u32 cap = 0; cap < 64; cap++, mask >>= 1) {
		if (cap == item)
			return mask & 1;
	}
	return 0;
}

static void every_combination(void **state)
{
	static const __u64 masks[] = {0, ALL, BIT(0), NOT(0), BIT(21), NOT(21), BIT(63), NOT(63)};
	const size_t n = ARRAY_SIZE(masks);
	size_t checked = 0;

	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		for (size_t m = 0; m < n * n * n; m++) {
			struct leastcap_view view =
				view_of(masks[m % n], masks[m / n % n], masks[m / n / n]);

			for (__u32 flags = 0; flags < 256; flags++) {
				__u32 todo = leastcap_decide(&view, items[i], flags);
				__u32 want = oracle(!in_mask(view.enforce, items[i]),
						    !in_mask(view.audit, items[i]), items[i] < 64,
						    in_mask(view.used, items[i]), flags);

				if (todo != want)
					fail_msg("item %u view %zu flags %#x: %#x, not %#x",
						 items[i], m, flags, todo, want);
				checked++;
			}
		}
	}
	assert_int_equal(checked, ARRAY_SIZE(items) * n * n * n * 256);
}

static void a_capability_out_of_range_is_denied(void **state)
{
	static const __u32 caps[] = {64, 65, 127, 128, 1000, 0x7fffffff, 0x80000000, 0xffffffff};
	const struct leastcap_view view = view_of(ALL, ALL, 0);

	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		assert_int_equal(leastcap_decide(&view, caps[i], 0), DENY | REPORT);
		assert_int_equal(leastcap_bit(caps[i]), 0);
		assert_false(leastcap_allows(ALL, 0, caps[i]));
	}
	assert_int_equal(leastcap_decide(&view, LEASTCAP_ITEM_UNKNOWN, 0), DENY | REPORT);
	for (__u32 cap = 0; cap < 64; cap++) {
		assert_int_equal(leastcap_decide(&view, cap, 0), LEARN);
		assert_true(leastcap_bit(cap) == BIT(cap));
	}
}

static void ways_around_need_every_capability(void **state)
{
	for (__u32 item = LEASTCAP_ITEM_URING_CREDS; is_way_around(item); item++) {
		struct leastcap_view view = view_of(ALL, ALL, 0);

		/* Allowed, and there is no bit to learn. */
		assert_int_equal(leastcap_decide(&view, item, 0), 0);
		for (__u32 cap = 0; cap < 64; cap++) {
			view.enforce = NOT(cap);
			assert_int_equal(leastcap_decide(&view, item, 0), DENY | REPORT);
		}
		view.enforce = ALL;
		view.audit = NOT(63);
		assert_int_equal(leastcap_decide(&view, item, 0), WOULD | REPORT);
		/* They are ways around the rules too. */
		for (__u32 rule = 0; rule < LEASTCAP_RULES; rule++) {
			view = view_of(ALL, ALL, 0);
			view.would = LEASTCAP_RULE_BIT(rule);
			assert_int_equal(leastcap_decide(&view, item, 0), WOULD | REPORT);
			view.deny = LEASTCAP_RULE_BIT(rule);
			assert_int_equal(leastcap_decide(&view, item, 0), DENY | REPORT);
		}
	}
}

static void quiet_means_nothing_to_do_in_any_circumstances(void **state)
{
	for (__u32 bits = 0; bits < 8; bits++) {
		struct leastcap_view view =
			view_of(bits & 1 ? ALL : 0, bits & 2 ? ALL : 0, bits & 4 ? ALL : 0);
		__u64 quiet = leastcap_quiet(&view);

		assert_true(quiet == (bits == 7 ? ALL : 0));
		for (__u32 flags = 0; quiet && flags < 256; flags++)
			assert_int_equal(leastcap_decide(&view, 21, flags), 0);
	}
}

static struct leastcap_rules rules(__u32 mode, __u64 allow)
{
	return (struct leastcap_rules){.mode = mode, .allow = allow};
}

static void policies_of_all_ancestors_are_intersected(void **state)
{
	const struct leastcap_rules slice = rules(LEASTCAP_ENFORCE, 0x0f);
	const struct leastcap_rules service = rules(LEASTCAP_ENFORCE, 0x3c);
	const struct leastcap_rules audit = rules(LEASTCAP_AUDIT, 0x06);
	const struct leastcap_rules shadow = rules(LEASTCAP_ENFORCE, 0x05);
	struct leastcap_view view = view_of(ALL, ALL, 0);

	leastcap_join(&view, &slice, 0);
	assert_true(view.enforce == 0x0f && view.audit == ALL);
	leastcap_join(&view, &service, 0);
	assert_true(view.enforce == 0x0c && view.audit == ALL);
	leastcap_join(&view, &audit, 0);
	assert_true(view.enforce == 0x0c && view.audit == 0x06);
	leastcap_join(&view, &shadow, 1);
	assert_true(view.enforce == 0x0c && view.audit == 0x04);
	assert_int_equal(leastcap_decide(&view, 2, 0), LEARN);
	assert_int_equal(leastcap_decide(&view, 3, 0), WOULD | REPORT | LEARN);
	assert_int_equal(leastcap_decide(&view, 0, 0), DENY | REPORT);
	assert_int_equal(leastcap_decide(&view, 4, 0), DENY | REPORT);
}

static void the_order_of_ancestors_does_not_matter(void **state)
{
	const struct leastcap_rules r[] = {rules(LEASTCAP_ENFORCE, 0xf0f0),
					   rules(LEASTCAP_AUDIT, 0x0ff0),
					   rules(LEASTCAP_ENFORCE, 0xff00)};
	static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					{1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct leastcap_view view = view_of(ALL, ALL, 0);

		for (size_t k = 0; k < 3; k++)
			leastcap_join(&view, &r[orders[i][k]], 0);
		assert_true(view.enforce == 0xf000 && view.audit == 0x0ff0 && view.used == 0);
	}
}

static void what_cannot_be_read_allows_nothing(void **state)
{
	static const __u32 modes[] = {2, 3, 255, 0x80000000, 0xffffffff};
	struct leastcap_view view;

	leastcap_view_init(&view);
	leastcap_join(&view, NULL, 0);
	assert_true(view.enforce == 0 && view.audit == ALL);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		const struct leastcap_rules bad = rules(modes[i], ALL);

		leastcap_view_init(&view);
		leastcap_join(&view, &bad, 0);
		assert_true(view.enforce == 0);
		assert_int_equal(leastcap_decide(&view, 0, 0), DENY | REPORT);
		/* A shadow never refuses, whatever its mode. */
		leastcap_view_init(&view);
		leastcap_join(&view, &bad, 1);
		assert_true(view.enforce == ALL);
	}
}

static void a_shadow_never_refuses(void **state)
{
	for (__u32 mode = 0; mode < 4; mode++) {
		const struct leastcap_rules shadow = rules(mode, 0);
		struct leastcap_view view;

		leastcap_view_init(&view);
		leastcap_join(&view, &shadow, 1);
		assert_true(view.enforce == ALL && view.audit == 0);
		assert_int_equal(leastcap_decide(&view, 0, 0), WOULD | REPORT);
		assert_int_equal(leastcap_blame(&shadow, 0, 1), LEASTCAP_WOULD_DENY);
	}
}

static void blame_says_whose_refusal_it_is(void **state)
{
	const struct leastcap_rules enforce = rules(LEASTCAP_ENFORCE, BIT(1));
	const struct leastcap_rules audit = rules(LEASTCAP_AUDIT, BIT(1));
	const struct leastcap_rules bad = rules(7, ALL);
	const struct leastcap_rules all = rules(LEASTCAP_ENFORCE, ALL);

	assert_int_equal(leastcap_blame(&enforce, 1, 0), LEASTCAP_ALLOWED);
	assert_int_equal(leastcap_blame(&enforce, 2, 0), LEASTCAP_DENIED);
	assert_int_equal(leastcap_blame(&audit, 1, 0), LEASTCAP_ALLOWED);
	assert_int_equal(leastcap_blame(&audit, 2, 0), LEASTCAP_WOULD_DENY);
	assert_int_equal(leastcap_blame(&enforce, 2, 1), LEASTCAP_WOULD_DENY);
	assert_int_equal(leastcap_blame(&enforce, 1, 1), LEASTCAP_ALLOWED);
	assert_int_equal(leastcap_blame(&bad, 1, 0), LEASTCAP_DENIED);
	assert_int_equal(leastcap_blame(NULL, 1, 0), LEASTCAP_DENIED);
	assert_int_equal(leastcap_blame(NULL, 1, 1), LEASTCAP_ALLOWED);
	assert_int_equal(leastcap_blame(&all, 64, 0), LEASTCAP_DENIED);
	assert_int_equal(leastcap_blame(&all, 0xffffffff, 0), LEASTCAP_DENIED);
	assert_int_equal(leastcap_blame(&all, LEASTCAP_ITEM_OVERLAYFS, 0), LEASTCAP_ALLOWED);
	assert_int_equal(leastcap_blame(&enforce, LEASTCAP_ITEM_OVERLAYFS, 0), LEASTCAP_DENIED);
	assert_int_equal(leastcap_blame(&audit, LEASTCAP_ITEM_OVERLAYFS, 0), LEASTCAP_WOULD_DENY);
}

/* What decide() refuses, at least one binding is to blame for; and the other way round. */
static void decision_and_blame_agree(void **state)
{
	static const __u64 masks[] = {0, ALL, BIT(0), NOT(0)};
	static const __u32 modes[] = {LEASTCAP_ENFORCE, LEASTCAP_AUDIT, 2};

	for (size_t k = 0; k < ARRAY_SIZE(modes) * ARRAY_SIZE(masks) * 2; k++) {
		const struct leastcap_rules r =
			rules(modes[k / 2 / ARRAY_SIZE(masks)], masks[k / 2 % ARRAY_SIZE(masks)]);
		int shadow = k % 2;

		for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
			struct leastcap_view view;
			enum leastcap_verdict verdict = LEASTCAP_ALLOWED;
			__u32 todo;

			/* No policy at all allows a number out of range: nobody is to blame. */
			if (items[i] >= 64 && !is_way_around(items[i]))
				continue;
			leastcap_view_init(&view);
			leastcap_join(&view, &r, shadow);
			todo = leastcap_decide(&view, items[i], 0);
			if (todo & DENY)
				verdict = LEASTCAP_DENIED;
			else if (todo & WOULD)
				verdict = LEASTCAP_WOULD_DENY;
			assert_int_equal(leastcap_blame(&r, items[i], shadow), verdict);
		}
	}
}

/* Where a rule looks at the system call that asks, a refusal of the capability says nothing about the next one. */
static void some_capabilities_are_asked_for_by_many_system_calls(void **state)
{
	struct leastcap_view view;

	leastcap_view_init(&view);
	assert_false(leastcap_by_syscall(&view, CAP_SYS_ADMIN));
	view.deny = LEASTCAP_RULE_BIT(LEASTCAP_RULE_CONNECT);
	assert_false(leastcap_by_syscall(&view, CAP_SYS_ADMIN));
	view.would = LEASTCAP_RULE_BIT(LEASTCAP_RULE_MOUNTS);
	assert_true(leastcap_by_syscall(&view, CAP_SYS_ADMIN));
	view.would = 0;
	view.deny = LEASTCAP_RULE_BIT(LEASTCAP_RULE_MODULES);
	assert_true(leastcap_by_syscall(&view, CAP_SYS_MODULE));
	assert_false(leastcap_by_syscall(&view, CAP_CHOWN));
	assert_false(leastcap_by_syscall(&view, LEASTCAP_ITEM_UNKNOWN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(some_capabilities_are_asked_for_by_many_system_calls),
		cmocka_unit_test(every_row_of_the_table),
		cmocka_unit_test(every_combination),
		cmocka_unit_test(a_capability_out_of_range_is_denied),
		cmocka_unit_test(ways_around_need_every_capability),
		cmocka_unit_test(quiet_means_nothing_to_do_in_any_circumstances),
		cmocka_unit_test(policies_of_all_ancestors_are_intersected),
		cmocka_unit_test(the_order_of_ancestors_does_not_matter),
		cmocka_unit_test(what_cannot_be_read_allows_nothing),
		cmocka_unit_test(a_shadow_never_refuses),
		cmocka_unit_test(blame_says_whose_refusal_it_is),
		cmocka_unit_test(decision_and_blame_agree),
	};

	return cmocka_run_group_tests_name("decide", tests, NULL, NULL);
}
