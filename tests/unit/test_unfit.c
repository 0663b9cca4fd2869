/* SPDX-License-Identifier: GPL-2.0-only */
/* What there is no room for in the kernel: a change is refused, a daemon that starts holds the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/unfit.h"
#include "daemon_fixture.h"

static struct state *start(void)
{
	struct state *s = daemon_new();

	assert_int_equal(state_reload(s, &nobody), 0);
	return s;
}

static const char *unfit_problem_of(const struct state *s, const char *policy)
{
	return json_string_value(json_object_get(json_object_get(s->unfit, policy), "message"))
		       ?: "";
}

static void a_daemon_that_starts_holds_what_there_is_room_for(void **state)
{
	struct state *s;
	json_t *event, *all;

	fake_cgroup("/a");
	fake_cgroup("/b");
	fake_cgroup("/c");
	write_file("a.yaml", POLICY("a", "cgroup: /a", "none"));
	write_file("b.yaml", POLICY("b", "cgroup: /b", "none"));
	write_file("c.yaml", POLICY("c", "cgroup: /c", "none"));
	fake.too_large = "b";
	s = start();
	assert_string_equal(fake_bound("/a"), "a");
	assert_string_equal(fake_bound("/b"), "");
	assert_string_equal(fake_bound("/c"), "c");
	assert_int_equal(state_unfit(s), 1);
	assert_int_equal(count_wants(s, "b"), 0);
	assert_int_equal(count_wants(s, "c"), 1);
	assert_non_null(
		strstr(unfit_problem_of(s, "b"),
		       "policy \"b\" does not fit: 1 subject is not bound as it says; a map "
		       "of the kernel is full"));
	all = problems_json(s);
	assert_int_equal(json_array_size(all), 1);
	assert_int_equal(problems_count(s), 1);
	assert_non_null(strstr(json_string_value(json_object_get(json_array_get(all, 0), "file")),
			       "b.yaml"));
	json_decref(all);
	/* What comes is bound all the same, and nothing is told twice. */
	fake_cgroup("/c/below");
	event = last_event();
	s->again = true;
	assert_false(state_settle(s));
	assert_false(s->unbound);
	assert_string_equal(fake_bound("/b"), "");
	all = last_event();
	assert_true(json_equal(event, all));
	json_decref(event);
	json_decref(all);
	/* Changes go on, but none of it itself. */
	apply(s, POLICY("d", "cgroup: /c/below", "none"), false);
	assert_string_equal(fake_bound("/c/below"), "d");
	write_file("a.yaml", POLICY("a", "cgroup: /a", "all"));
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_true(allowed(s, "a") == LEASTCAP_ALL);
	/* With room for it it is told no more. */
	fake.too_large = NULL;
	s->again = true;
	(void)state_settle(s);
	assert_string_equal(fake_bound("/b"), "b");
	assert_int_equal(problems_count(s), 0);
	state_free(s);
}

static void what_is_left_out_is_an_event(void **state)
{
	json_t *event;
	struct state *s;

	fake_cgroup("/b");
	write_file("b.yaml", POLICY("b", "cgroup: /b", "none"));
	fake.too_large = "b";
	s = daemon_new();
	s->n_reloads = 1;
	assert_int_equal(state_reload(s, &nobody), 0);
	/* The last two are of the reload. */
	for (uint64_t i = sink.memory.last;; i--) {
		size_t len = 0;
		const char *line = memory_get(&sink.memory, i, &len);

		assert_non_null(line);
		event = json_loadb(line, len, 0, NULL);
		if (!strcmp(json_string_value(json_object_get(event, "action")), "unfit"))
			break;
		json_decref(event);
	}
	assert_string_equal(json_string_value(json_object_get(event, "policy")), "b");
	assert_int_equal(json_integer_value(json_object_get(event, "subjects")), 1);
	json_decref(event);
	state_free(s);
}

static void a_change_that_has_no_room_is_refused_and_told(void **state)
{
	struct state *s;
	json_t *answer = NULL;

	fake_cgroup("/a");
	fake_cgroup("/b");
	write_file("a.yaml", POLICY("a", "cgroup: /a", "none"));
	s = start();
	fake.too_large = "b";
	write_file("b.yaml", POLICY("b", "cgroup: /b", "none"));
	write_file("a.yaml", POLICY("a", "cgroup: /a", "all"));
	assert_int_equal(state_reload(s, &nobody), -E2BIG);
	assert_true(allowed(s, "a") == 0);
	assert_null(sources_find(&s->sources, "b", NULL));
	assert_string_not_equal(problem_of(s, "b.yaml", "policy \"b\" does not fit"), "");
	assert_string_not_equal(
		problem_of(s, "policies.d", "the policies stay as they are: a map of"), "");
	assert_int_equal(state_unfit(s), 0);
	assert_int_equal(unlink(folder_path("policies.d/b.yaml")), 0);
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_int_equal(problems_count(s), 0);
	assert_true(allowed(s, "a") == LEASTCAP_ALL);
	assert_int_equal(ask_apply(s, POLICY("b", "cgroup: /b", "none"), false, &answer), 507);
	assert_string_equal(
		json_string_value(json_object_get(answer, "error")),
		"nothing was changed: policy \"b\" does not fit: it selects 1 cgroup; a map of the kernel "
		"is full: policies, or their patterns, names, addresses or file system types");
	json_decref(answer);
	assert_null(sources_find(&s->sources, "b", NULL));
	state_free(s);
}

/* Also where it was left out when the daemon started: whoever applies it is not told that it is in force. */
static void what_is_left_out_cannot_be_applied(void **state)
{
	struct state *s = *state;
	json_t *answer = NULL;

	fake_cgroup("/a");
	fake_cgroup("/b");
	apply(s, POLICY("a", "cgroup: /a", "none"), false);
	fake.n_policies = 0;
	memset(fake.bindings, 0, sizeof(fake.bindings));
	fake.too_large = "a";
	s = start();
	assert_int_equal(state_unfit(s), 1);
	assert_int_equal(ask_apply(s, POLICY("a", "cgroup: /a", "all"), false, &answer), 507);
	json_decref(answer);
	assert_true(allowed(s, "a") == 0);
	apply(s, POLICY("b", "cgroup: /b", "none"), false);
	assert_string_equal(fake_bound("/b"), "b");
	assert_int_equal(state_remove(s, "a", false, &nobody, &answer), 200);
	json_decref(answer);
	assert_int_equal(state_unfit(s), 0);
	state_free(s);
}

static void with_room_for_some_bindings_those_that_refuse_have_it(void **state)
{
	struct state *s;

	fake_cgroup("/x1");
	fake_cgroup("/x2");
	fake_cgroup("/y1");
	fake.max_bindings = 2;
	write_file("x.yaml", POLICY("x", "cgroup: \"/x*\"", "none\n  mode: audit"));
	write_file("y.yaml", POLICY("y", "cgroup: \"/y*\"", "none"));
	s = start();
	assert_string_equal(fake_bound("/y1"), "y");
	assert_string_equal(fake_bound("/x1"), "x");
	assert_string_equal(fake_bound("/x2"), "");
	assert_int_equal(count_wants(s, "x"), 1);
	assert_int_equal(state_unfit(s), 1);
	/* It has room that becomes free. */
	fake.max_bindings = 3;
	s->again = true;
	(void)state_settle(s);
	assert_string_equal(fake_bound("/x2"), "x");
	assert_int_equal(state_unfit(s), 0);
	state_free(s);
}

/* The first error of a dry run; "": it would be applied. Static storage. */
static const char *try_out(struct state *s, const char *text)
{
	const struct apply_request r = {
		.file = "t.yaml", .text = text, .len = strlen(text), .dry_run = true};
	static char error[256];
	json_t *answer = NULL;

	assert_int_equal(state_apply(s, &r, &nobody, &answer), 200);
	snprintf(error, sizeof(error), "%s", first_error(answer));
	assert_int_equal(json_is_true(json_object_get(answer, "would_apply")), !*error);
	json_decref(answer);
	return error;
}

static void who_applies_too_much_is_told_what_there_is_room_for(void **state)
{
	struct state *s = *state;
	json_t *answer = NULL;

	fake_cgroup("/a");
	fake_cgroup("/x1");
	fake_cgroup("/x2");
	fake_cgroup("/x3");
	fake.max_bindings = 3;
	apply(s, POLICY("a", "cgroup: /a", "none"), false);
	/* As a policy, and as a shadow. */
	for (int shadow = 0; shadow < 2; shadow++) {
		assert_int_equal(
			ask_apply(s, POLICY("x", "cgroup: \"/x*\"", "none"), shadow, &answer), 507);
		assert_string_equal(
			json_string_value(json_object_get(answer, "error")),
			"nothing was changed: policy \"x\" does not fit: it selects 3 cgroups; there is room "
			"for 3 bindings in all (leastcapd --max-bindings)");
		json_decref(answer);
		assert_string_equal(fake_bound("/x1"), "");
		assert_string_equal(fake_bound("/a"), "a");
		assert_int_equal(problems_count(s), 0);
	}
	assert_string_equal(try_out(s, POLICY("x", "cgroup: \"/x*\"", "none")),
			    "policy \"x\" does not fit: it selects 3 cgroups; there is room for 3 "
			    "bindings in all (leastcapd --max-bindings)");
	fake.max_bindings = 4;
	assert_string_equal(try_out(s, POLICY("x", "cgroup: \"/x*\"", "none")), "");
	apply(s, POLICY("x", "cgroup: \"/x*\"", "none"), false);
	assert_string_equal(fake_bound("/x3"), "x");
}

/* What nobody wants any more makes room. */
static void what_ends_makes_room(void **state)
{
	struct state *s;

	fake_cgroup("/a");
	fake_cgroup("/b");
	fake.max_bindings = 1;
	write_file("a.yaml", POLICY("a", "cgroup: /a", "none"));
	state_free(start());
	assert_string_equal(fake_bound("/a"), "a");
	assert_int_equal(unlink(folder_path("policies.d/a.yaml")), 0);
	write_file("b.yaml", POLICY("b", "cgroup: /b", "none"));
	s = start();
	assert_string_equal(fake_bound("/a"), "");
	assert_string_equal(fake_bound("/b"), "b");
	assert_int_equal(state_unfit(s), 0);
	state_free(s);
}

/* An edit that was refused counts after a reboot no more than before. */
static void a_daemon_that_starts_goes_back_to_the_form_that_had_room(void **state)
{
	struct state *s;

	fake_cgroup("/a");
	fake_cgroup("/b");
	write_file("a.yaml", POLICY("a", "cgroup: /a", "none"));
	s = start();
	write_file("a.yaml", POLICY("a", "cgroup: /a",
				    "none\n- name: large\n  select: [{ cgroup: /b }]\n"
				    "  capabilities: none"));
	fake.too_large = "large";
	assert_int_equal(state_reload(s, &nobody), -E2BIG);
	state_free(s);
	for (int i = 0; i < 2; i++) {
		fake.n_policies = 0;
		memset(fake.bindings, 0, sizeof(fake.bindings));
		s = start();
		assert_string_equal(fake_bound("/a"), "a");
		assert_string_equal(fake_bound("/b"), "");
		assert_null(sources_find(&s->sources, "large", NULL));
		assert_int_equal(state_unfit(s), 0);
		assert_int_equal(problems_count(s), 1);
		assert_string_not_equal(problem_of(s, "a.yaml", "policy \"large\" does not fit"),
					"");
		state_free(s);
	}
}

/* Something is wrong with another policy, of which the last complaint is. */
static void what_is_refused_for_room_says_nothing_else(void **state)
{
	json_t *answer = NULL;
	struct state *s;

	fake_cgroup("/b");
	write_file("a.yaml", POLICY("a", "cgroup: /none", "none"));
	s = start();
	assert_string_not_equal(problem_of(s, "a.yaml", "does not exist"), "");
	apply(s, POLICY("b", "cgroup: /b", "none"), false);
	fake.patterns_err = -E2BIG;
	assert_int_equal(state_remove(s, "b", false, &nobody, &answer), 507);
	assert_string_equal(
		json_string_value(json_object_get(answer, "error")),
		"nothing was changed: a map of the kernel is full: policies, or their patterns, "
		"names, addresses or file system types");
	json_decref(answer);
	assert_string_equal(fake_bound("/b"), "b");
	/* Nor does what cannot be bound say that a list of arguments is too long. */
	fake.patterns_err = -E2BIG;
	s->again = true;
	assert_false(state_settle(s));
	answer = containers_problem(s);
	assert_non_null(strstr(json_string_value(json_object_get(answer, "message")),
			       "a map of the kernel is full"));
	json_decref(answer);
	state_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_daemon_that_starts_holds_what_there_is_room_for),
		TEST(what_is_left_out_is_an_event),
		TEST(a_change_that_has_no_room_is_refused_and_told),
		TEST(what_is_left_out_cannot_be_applied),
		TEST(with_room_for_some_bindings_those_that_refuse_have_it),
		TEST(who_applies_too_much_is_told_what_there_is_room_for),
		TEST(what_is_refused_for_room_says_nothing_else),
		TEST(what_ends_makes_room),
		TEST(a_daemon_that_starts_goes_back_to_the_form_that_had_room),
	};

	return cmocka_run_group_tests_name("unfit", tests, NULL, NULL);
}
