/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters beside the ledgers: which are whose. */
#include "kernel/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define TURN (7ULL << LEASTCAP_PENDING_BITS)

static struct leastcap_pending all[LEASTCAP_PENDING];

/* Of the ledger. */
#define CGROUP 100
#define NUMBER 5

static int empty(void **state)
{
	memset(all, 0, sizeof(all));
	return 0;
}

static void nothing_is_pending(void **state)
{
	struct pending_look look = pending_look(all, CGROUP, NUMBER);

	assert_int_equal(look.denied, 0);
	assert_int_equal(look.would_deny, 0);
	assert_int_equal(look.changes, 0);
	assert_false(look.changing);
}

/* The turn is no part of the count, the first place and the last count, and each binding of a place counts all of it. */
static void places_are_summed_up(void **state)
{
	struct pending_look look;

	all[0] = (struct leastcap_pending){
		.count = TURN | 3, .denied = 1 << 1, .ledgers = {90, 100}, .numbers = {1, 5}};
	all[LEASTCAP_PENDING - 1] = (struct leastcap_pending){
		.count = TURN | 40, .denied = 1, .ledgers = {100}, .numbers = {5}};
	all[17] = (struct leastcap_pending){
		.count = TURN | 500, .ledgers = {90, 91, 92, 100}, .numbers = {1, 2, 3, 5}};
	look = pending_look(all, CGROUP, NUMBER);
	assert_int_equal(look.denied, 43);
	assert_int_equal(look.would_deny, 500);
	assert_false(look.changing);
	/* The other binding of the first place audits. */
	look = pending_look(all, 90, 1);
	assert_int_equal(look.denied, 0);
	assert_int_equal(look.would_deny, 503);
}

/* The largest count, with the largest turn. */
static void a_count_ends_where_the_turn_begins(void **state)
{
	struct pending_look look;

	all[3] = (struct leastcap_pending){
		.count = UINT64_MAX, .denied = 1, .ledgers = {100}, .numbers = {5}};
	look = pending_look(all, CGROUP, NUMBER);
	assert_true(look.denied == LEASTCAP_PENDING_COUNT);
}

/* A cgroup that was bound anew has another ledger: what was counted for the old one is not its. */
static void another_number_is_another_ledger(void **state)
{
	struct pending_look look;

	all[3] = (struct leastcap_pending){
		.count = TURN | 9, .changes = 4, .denied = 1, .ledgers = {100}, .numbers = {4}};
	look = pending_look(all, CGROUP, NUMBER);
	assert_int_equal(look.denied, 0);
	assert_int_equal(look.would_deny, 0);
	/* But that it is changed is seen: the number may be what changes. */
	assert_int_equal(look.changes, 4);
}

/* What is not among them has nothing in any place. */
static void who_has_a_place_is_known(void **state)
{
	struct pending_held held;

	assert_true(pending_held(all, &held));
	assert_int_equal(held.n, 0);
	all[0] = (struct leastcap_pending){.ledgers = {90, 100}};
	all[LEASTCAP_PENDING - 1] = (struct leastcap_pending){.ledgers = {7}, .changes = 2};
	assert_true(pending_held(all, &held));
	assert_int_equal(held.n, 3);
	assert_int_equal(held.cgroups[0], 7);
	assert_int_equal(held.cgroups[1], 90);
	assert_int_equal(held.cgroups[2], 100);
	/* What a place had may be on its way to a ledger. */
	all[17].changes = 3;
	assert_false(pending_held(all, &held));
	all[17].changes = 4;
	for (size_t i = 0; i < LEASTCAP_PENDING; i++)
		all[i].ledgers[0] = all[i].ledgers[1] = all[i].ledgers[2] = all[i].ledgers[3] = 100;
	assert_true(pending_held(all, &held));
	assert_int_equal(held.n, LEASTCAP_PENDING * LEASTCAP_HELD);
}

/* Every count has its place, whichever of the three it comes from. */
static void all_of_a_binding_is_joined(void **state)
{
	struct leastcap_ledger l = {.used = 1,
				    .denied = 2,
				    .would_deny = 4,
				    .probed = 8,
				    .rules_used = 16,
				    .rules_denied = 32,
				    .rules_would_deny = 64,
				    .n_denied = 1000,
				    .n_would_deny = 2000};
	struct pending_look look = {.denied = 7, .would_deny = 9};
	struct leastcap_refusals r = {.n_probe_denied = 5};
	struct kernel_ledger joined;

	for (uint32_t i = 1; i < LEASTCAP_RESTRICTIONS; i++) {
		r.n_denied[i - 1] = 10 * i;
		r.n_would_deny[i - 1] = 100 * i;
	}
	joined = ledger_join(CGROUP, &l, &r, &look);
	assert_int_equal(joined.cgroup, 100);
	assert_int_equal(joined.used, 1);
	assert_int_equal(joined.denied, 2);
	assert_int_equal(joined.would_deny, 4);
	assert_int_equal(joined.probed, 8);
	assert_int_equal(joined.rules_used, 16);
	assert_int_equal(joined.rules_denied, 32);
	assert_int_equal(joined.rules_would_deny, 64);
	assert_int_equal(joined.n_probe_denied, 5);
	assert_int_equal(joined.n_denied[LEASTCAP_CAPABILITIES], 1007);
	assert_int_equal(joined.n_would_deny[LEASTCAP_CAPABILITIES], 2009);
	for (uint32_t i = 1; i < LEASTCAP_RESTRICTIONS; i++) {
		assert_int_equal(joined.n_denied[i], 10 * i);
		assert_int_equal(joined.n_would_deny[i], 100 * i);
	}
}

/* Whatever is being changed may be about to be the ledger's. */
static void what_is_being_changed_is_seen(void **state)
{
	struct pending_look look;

	all[3] = (struct leastcap_pending){.changes = 7, .ledgers = {1}};
	look = pending_look(all, CGROUP, NUMBER);
	assert_true(look.changing);
	assert_int_equal(look.changes, 0);
	all[3].changes++;
	look = pending_look(all, CGROUP, NUMBER);
	assert_false(look.changing);
}

/* Of a place all that its owner has counted and nobody was told, also what it counted before it had the place. */
static void what_nobody_was_told_is_summed_up(void **state)
{
	const struct leastcap_key keys[] = {{.binding = 1, .verdict = LEASTCAP_DENIED},
					    {.binding = 2, .verdict = LEASTCAP_ALLOWED},
					    {.binding = 3, .verdict = LEASTCAP_WOULD_DENY}};
	const struct leastcap_sample samples[] = {
		{.suppressed = 5}, {.suppressed = 1000}, {.suppressed = 70}};

	assert_int_equal(pending_untold(all, 0), 0);
	all[0] = (struct leastcap_pending){.count = TURN | 40, .told = TURN | 40};
	assert_int_equal(pending_untold(all, 0), 0);
	all[1] = (struct leastcap_pending){.count = TURN | 9, .told = TURN | 2, .key.binding = 3};
	all[LEASTCAP_PENDING - 1] =
		(struct leastcap_pending){.count = TURN, .told = TURN - 3, .key.binding = 4};
	assert_int_equal(pending_untold(all, 0), 10);
	assert_int_equal(samples_untold(keys, samples, 3, 0), 75);
	assert_int_equal(samples_untold(keys, samples, 0, 0), 0);
	/* The canary's. */
	assert_int_equal(pending_untold(all, 3), 3);
	assert_int_equal(samples_untold(keys, samples, 3, 3), 5);
}

/* ---- whose refusals a quiet kind's are ---- */

static void a_key_is_the_shadows_only_where_the_policy_allows(void **state)
{
	struct leastcap_policy allows = {.allow = ~0ULL, .mode = LEASTCAP_ENFORCE},
			       none = {.mode = LEASTCAP_ENFORCE}, audits = {.mode = LEASTCAP_AUDIT};
	struct leastcap_policy mounts = {.allow = ~0ULL,
					 .mode = LEASTCAP_ENFORCE,
					 .deny = LEASTCAP_RULE_BIT(LEASTCAP_RULE_MOUNTS)};
	struct leastcap_key cap = {.item = 21, .verdict = LEASTCAP_WOULD_DENY};
	struct leastcap_key mount = {.restriction = LEASTCAP_MOUNTS,
				     .item = LEASTCAP_ITEM_MOUNT,
				     .verdict = LEASTCAP_WOULD_DENY};

	assert_true(quiet_is_shadows(&cap, &allows, &none));
	assert_true(quiet_is_shadows(&mount, &allows, &mounts));
	/* The policy itself reports it; or neither does any more. */
	assert_false(quiet_is_shadows(&cap, &audits, &none));
	assert_false(quiet_is_shadows(&mount, &mounts, &mounts));
	assert_false(quiet_is_shadows(&cap, &allows, &allows));
	assert_false(quiet_is_shadows(&mount, &allows, &allows));
	/* A shadow refuses nothing. */
	cap.verdict = LEASTCAP_DENIED;
	assert_false(quiet_is_shadows(&cap, &allows, &none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_is_pending, empty),
		cmocka_unit_test_setup(places_are_summed_up, empty),
		cmocka_unit_test_setup(a_count_ends_where_the_turn_begins, empty),
		cmocka_unit_test_setup(another_number_is_another_ledger, empty),
		cmocka_unit_test_setup(who_has_a_place_is_known, empty),
		cmocka_unit_test(all_of_a_binding_is_joined),
		cmocka_unit_test_setup(what_is_being_changed_is_seen, empty),
		cmocka_unit_test(a_key_is_the_shadows_only_where_the_policy_allows),
		cmocka_unit_test_setup(what_nobody_was_told_is_summed_up, empty),
	};

	return cmocka_run_group_tests_name("pending", tests, NULL, NULL);
}
