/* SPDX-License-Identifier: GPL-2.0-only */
/* The posture of a host, from the status of everybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "explain/balance.h"
#include "explain/posture.h"
#include "policy/policy.h"

static json_t *binding(const char *cgroup, const char *policy, const char *mode,
		       const char *granted, const char *allowed, const char *used,
		       const char *denied)
{
	const char *const lists[] = {granted, allowed, used, denied};
	static const char *const keys[] = {"granted", "allowed", "used", "denied"};
	json_t *caps = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		uint64_t set;

		assert_int_equal(caps_parse_list(lists[i], &set, NULL, NULL), 0);
		json_object_set_new(caps, keys[i], caps_to_json(set));
	}
	return json_pack("{s:s, s:n, s:s, s:s, s:b, s:o}", "cgroup", cgroup, "container", "policy",
			 policy, "mode", mode, "gone", 0, "capabilities", caps);
}

static json_t *posture_with(json_t *bindings, const char *ended)
{
	json_auto_t *before = json_loads(ended, 0, NULL);
	json_auto_t *status =
		json_pack("{s:s, s:b, s:o}", "kernel", "6.1", "enforcing", 1, "bindings", bindings);
	json_t *p = posture(status, NULL, before);

	assert_non_null(p);
	return p;
}

static json_t *posture_of(json_t *bindings)
{
	return posture_with(bindings, "{}");
}

static const char *text(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key)) ?: "(none)";
}

static const json_t *item(const json_t *o, const char *key, size_t i)
{
	return json_array_get(json_object_get(o, key), i);
}

static void caps_are(const json_t *list, const char *wanted)
{
	uint64_t set;

	assert_int_equal(caps_parse_list(wanted, &set, NULL, NULL), 0);
	assert_true(caps_from_json(list) == set);
}

/* The one policy that is to be changed. */
static void tighter_is(const json_t *p, const char *policy, const char *keep, const char *drop,
		       const char *add)
{
	const json_t *t = item(p, "tighter", 0);

	assert_int_equal(json_array_size(json_object_get(p, "tighter")), 1);
	assert_string_equal(text(t, "policy"), policy);
	caps_are(json_object_get(t, "keep"), keep);
	caps_are(json_object_get(t, "drop"), drop);
	caps_are(json_object_get(t, "add"), add);
}

static void cells_say_what_came_of_a_capability(void **state)
{
	json_auto_t *p = posture_of(
		json_pack("[o]", binding("/a/web.service", "web", "enforce", "CHOWN,KILL,SYS_ADMIN",
					 "CHOWN,KILL,NET_RAW", "CHOWN", "SYS_TIME")));
	const json_t *cells = json_object_get(item(p, "subjects", 0), "cells");

	assert_string_equal(text(item(p, "subjects", 0), "name"), "web.service");
	assert_string_equal(text(cells, "CHOWN"), "used");
	assert_string_equal(text(cells, "KILL"), "unused");
	assert_string_equal(text(cells, "SYS_ADMIN"), "withheld");
	assert_string_equal(text(cells, "SYS_TIME"), "denied");
	assert_string_equal(text(cells, "NET_RAW"), "allowed");
	assert_string_equal(text(cells, "SYS_BOOT"), "(none)");
	assert_true(json_is_null(json_object_get(p, "unbound")));
	assert_int_equal(json_array_size(json_object_get(p, "capabilities")), 4);
	assert_int_equal(json_array_size(json_object_get(p, "worst")), 1);
	assert_string_equal(text(item(p, "worst", 0), "capability"), "KILL");
	tighter_is(p, "web", "CHOWN", "KILL,NET_RAW", "none");
}

static void a_policy_that_audits_takes_nothing_away(void **state)
{
	json_auto_t *p = posture_of(json_pack(
		"[o]", binding("/a", "web", "audit", "SYS_ADMIN", "none", "none", "none")));

	assert_string_equal(text(json_object_get(item(p, "subjects", 0), "cells"), "SYS_ADMIN"),
			    "unused");
	/* There is nothing in its list to be taken out. */
	assert_int_equal(json_array_size(json_object_get(p, "tighter")), 0);
}

static void what_no_policy_selects_has_none_to_be_changed(void **state)
{
	json_auto_t *p = posture_of(json_pack("[o]", binding("/a", POLICY_UNSELECTED, "audit",
							     "SYS_ADMIN", "all", "none", "none")));

	assert_string_equal(text(json_object_get(item(p, "subjects", 0), "cells"), "SYS_ADMIN"),
			    "unused");
	assert_int_equal(json_array_size(json_object_get(p, "worst")), 1);
	assert_int_equal(json_array_size(json_object_get(p, "tighter")), 0);
}

/* What a policy in mode audit reports was used, and would be refused: both is to be seen. */
static void what_is_reported_is_used(void **state)
{
	json_t *b = binding("/a", "web", "audit", "CHOWN,KILL", "CHOWN", "CHOWN", "none");
	json_auto_t *p = NULL, *drift = NULL;
	const json_t *cells;

	json_object_set_new(json_object_get(b, "capabilities"), "would_deny",
			    json_pack("[s]", "KILL"));
	drift = balance_drift(b, 1U << 0 | 1U << 5 | 1U << 22);
	p = posture_of(json_pack("[o]", b));
	cells = json_object_get(item(p, "subjects", 0), "cells");
	assert_string_equal(text(cells, "CHOWN"), "used");
	assert_string_equal(text(cells, "KILL"), "would-deny");
	assert_int_equal(json_array_size(json_object_get(p, "worst")), 0);
	/* Who writes what is to be done does not break it. */
	tighter_is(p, "web", "CHOWN,KILL", "none", "KILL");
	assert_int_equal(json_array_size(json_object_get(drift, "never_used")), 1);
	assert_string_equal(json_string_value(item(drift, "never_used", 0)), "SYS_BOOT");
	assert_int_equal(json_array_size(json_object_get(drift, "not_allowed")), 0);
}

static void under_enforcement_drift_tells_apart_what_is_taken_away(void **state)
{
	json_auto_t *b = binding("/a", "web", "enforce", "none", "CHOWN,KILL", "CHOWN", "none");
	json_auto_t *drift = balance_drift(b, 1U << 0 | 1U << 5 | 1U << 21);

	assert_string_equal(json_string_value(item(drift, "never_used", 0)), "KILL");
	assert_int_equal(json_array_size(json_object_get(drift, "never_used")), 1);
	assert_string_equal(json_string_value(item(drift, "not_allowed", 0)), "SYS_ADMIN");
	assert_int_equal(json_array_size(json_object_get(drift, "not_allowed")), 1);
}

static void what_nobody_holds_is_shown_beside(void **state)
{
	json_auto_t *status =
		json_pack("{s:s, s:b, s:[o]}", "kernel", "6.1", "enforcing", 1, "bindings",
			  binding("/a", "web", "enforce", "CHOWN", "CHOWN", "CHOWN", "none"));
	json_auto_t *unbound = json_pack("[{s:s, s:s, s:[s]}, {s:s, s:s, s:[s, s]}]", "cgroup",
					 "/b", "name", "little", "granted", "KILL", "cgroup", "/c",
					 "name", "great", "granted", "SYS_ADMIN", "KILL");
	json_auto_t *p = posture(status, unbound, NULL);
	const json_t *first = item(p, "unbound", 0);

	assert_int_equal(json_array_size(json_object_get(p, "subjects")), 1);
	assert_int_equal(json_array_size(json_object_get(p, "unbound")), 2);
	assert_string_equal(text(first, "name"), "great");
	assert_true(json_is_null(json_object_get(first, "policy")));
	assert_string_equal(text(json_object_get(first, "cells"), "SYS_ADMIN"), "unbound");
	assert_int_equal(json_array_size(json_object_get(p, "capabilities")), 3);
	/* No policy is to blame. */
	assert_int_equal(json_array_size(json_object_get(p, "worst")), 0);
}

static void what_one_subject_uses_is_kept_for_all(void **state)
{
	json_auto_t *p = posture_of(json_pack("[o, o]",
					      binding("/a", "web", "enforce", "CHOWN,KILL,SYS_TIME",
						      "CHOWN,KILL,SYS_TIME", "CHOWN", "none"),
					      binding("/b", "web", "enforce", "CHOWN,KILL,SYS_TIME",
						      "CHOWN,KILL,SYS_TIME", "KILL", "none")));

	tighter_is(p, "web", "CHOWN,KILL", "SYS_TIME", "none");
	/* The more dangerous first; each once, with how many have it. */
	assert_string_equal(text(item(p, "worst", 0), "capability"), "SYS_TIME");
	assert_int_equal(json_integer_value(json_object_get(item(p, "worst", 0), "count")), 2);
	assert_int_equal(json_integer_value(json_object_get(item(p, "worst", 1), "count")), 1);
}

/* Replicas that are no more, and those whose tasks carry the policy on. */
static void what_has_ended_is_kept(void **state)
{
	json_t *gone = binding("", "web", "enforce", "none", "CHOWN,KILL,SYS_TIME", "KILL", "none");
	json_auto_t *p = NULL;

	json_object_set_new(gone, "gone", json_true());
	p = posture_with(json_pack("[o, o]",
				   binding("/a", "web", "enforce", "CHOWN,KILL,SYS_TIME",
					   "CHOWN,KILL,SYS_TIME", "CHOWN", "none"),
				   gone),
			 "{\"web\": [\"SETUID\"], \"other\": [\"SYS_BOOT\"]}");
	assert_int_equal(json_array_size(json_object_get(p, "subjects")), 1);
	tighter_is(p, "web", "CHOWN,KILL,SETUID", "SYS_TIME", "SETUID");
}

static void what_fits_is_not_to_be_changed(void **state)
{
	json_auto_t *p = posture_of(json_pack(
		"[o]", binding("/a", "web", "enforce", "all", "CHOWN", "CHOWN", "SYS_TIME")));

	assert_int_equal(json_array_size(json_object_get(p, "tighter")), 0);
}

/* It may be granted the next day. */
static void what_is_allowed_and_not_granted_goes(void **state)
{
	json_auto_t *p = posture_of(json_pack(
		"[o]", binding("/a", "web", "enforce", "CHOWN", "CHOWN,KILL", "CHOWN", "none")));

	tighter_is(p, "web", "CHOWN", "KILL", "none");
}

static void the_worst_are_ten_and_come_first(void **state)
{
	json_t *bindings = json_array();
	json_auto_t *p = NULL;

	json_array_append_new(
		bindings, binding("/little", "little", "enforce", "KILL", "all", "none", "none"));
	json_array_append_new(bindings,
			      binding("/all", "all", "enforce", "all", "all", "none", "none"));
	json_array_append_new(bindings,
			      binding("/none", "none", "enforce", "all", "none", "none", "none"));
	p = posture_of(bindings);
	assert_int_equal(json_array_size(json_object_get(p, "worst")), POSTURE_WORST);
	assert_string_equal(text(item(p, "worst", 0), "capability"), "SYS_ADMIN");
	for (size_t i = 1; i < POSTURE_WORST; i++)
		assert_true(json_integer_value(json_object_get(item(p, "worst", i), "danger")) <=
			    json_integer_value(json_object_get(item(p, "worst", i - 1), "danger")));
	assert_string_equal(text(item(p, "subjects", 0), "cgroup"), "/all");
	assert_string_equal(text(item(p, "subjects", 2), "cgroup"), "/none");
	assert_int_equal(json_integer_value(json_object_get(item(p, "subjects", 2), "score")), 0);
}

static void whatever_a_status_holds(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"bindings\": 5}",
		"{\"bindings\": [5, null, {}, {\"capabilities\": {\"granted\": [\"NO\", 7, \"CHOWN\"]}}]}",
		"{\"bindings\": [{\"cgroup\": \"/\", \"gone\": true}]}",
		"{\"bindings\": [{\"cgroup\": \"/a/<script>\", \"container\": \"x\"}]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		json_auto_t *status = json_loads(texts[i], 0, NULL), *p = NULL;

		assert_non_null(status);
		p = posture(status, NULL, NULL);
		assert_non_null(p);
		assert_true(json_array_size(json_object_get(p, "worst")) <= 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_say_what_came_of_a_capability),
		cmocka_unit_test(a_policy_that_audits_takes_nothing_away),
		cmocka_unit_test(what_no_policy_selects_has_none_to_be_changed),
		cmocka_unit_test(what_is_reported_is_used),
		cmocka_unit_test(under_enforcement_drift_tells_apart_what_is_taken_away),
		cmocka_unit_test(what_nobody_holds_is_shown_beside),
		cmocka_unit_test(what_one_subject_uses_is_kept_for_all),
		cmocka_unit_test(what_has_ended_is_kept),
		cmocka_unit_test(what_fits_is_not_to_be_changed),
		cmocka_unit_test(what_is_allowed_and_not_granted_goes),
		cmocka_unit_test(the_worst_are_ten_and_come_first),
		cmocka_unit_test(whatever_a_status_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
