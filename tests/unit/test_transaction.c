/* SPDX-License-Identifier: GPL-2.0-only */
/* A change of policies is all of it or nothing: in the kernel, and in what the daemon knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon_fixture.h"

/* ---- promote ---- */

static void promote_refuses_what_apply_would_and_keeps_the_shadow(void **state)
{
	static const char *const wrong[] = {
		/* In force it would hold the daemon itself. */
		POLICY("web", "cgroup: /system.slice", "none"),
		/* Another policy has it by its name, which only shows on what is there. */
		POLICY("web", "cgroup: \"/ti*\"", "none"),
	};
	struct state *s = *state;
	json_t *answer = NULL;

	fake_cgroup("/web");
	fake_cgroup("/tied");
	apply(s, POLICY("other", "cgroup: \"/*ed\"", "all"), false);
	apply(s, POLICY("web", "cgroup: /web", "none"), false);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_free_ char *refused = NULL;

		assert_int_equal(ask_apply(s, wrong[i], false, &answer), 422);
		refused = strdup(first_error(answer));
		json_decref(answer);
		apply(s, wrong[i], true);
		assert_int_equal(state_promote(s, "web", &nobody, &answer), 422);
		assert_string_equal(first_error(answer), refused);
		json_decref(answer);
		assert_string_equal(fake_bound("/web"), "web");
		assert_int_equal(sources_find(&s->sources, "web", NULL)->n_selectors, 1);
		assert_string_equal(sources_find(&s->sources, "web", NULL)->selectors[0].value,
				    "/web");
		assert_non_null(sources_find(&s->sources, "shadow:web", NULL));
		assert_true(on_disk("state/shadow/web.json"));
	}
	/* What can be in force is. */
	apply(s, POLICY("web", "cgroup: /web", "all"), true);
	assert_int_equal(state_promote(s, "web", &nobody, &answer), 200);
	json_decref(answer);
	assert_null(sources_find(&s->sources, "shadow:web", NULL));
	assert_false(on_disk("state/shadow/web.json"));
	assert_true(sources_find(&s->sources, "web", NULL)->allow == LEASTCAP_ALL);
}

/* ---- what is born meanwhile ---- */

/* While the plan is made a cgroup comes, and the kernel binds it by the pattern that is in force. */
static void give_birth(struct kernel *k)
{
	uint64_t id = fake_cgroup("/new-1");

	k->walked = NULL;
	k->bindings[id] = (struct leastcap_binding){
		.cgroup = id, .policy = k->patterns[0].policy, .flags = LEASTCAP_BORN, .level = 1};
}

static void what_is_born_during_a_change_that_fails_stays_bound(void **state)
{
	struct leastcap_binding now, *born;
	struct state *s = *state;
	json_t *answer = NULL;

	/* It fails before the newborn's turn, and after it. */
	for (int i = 0; i < 2; i++) {
		fake_begin();
		fake_cgroup("/new-0");
		apply(s, POLICY("new", "cgroup: \"/new-*\"", "none"), false);
		assert_int_equal(fake.n_patterns, 1);
		fake.walked = give_birth;
		if (i)
			fake.patterns_err = -E2BIG;
		else
			fake.too_large = "new";
		assert_int_equal(
			ask_apply(s, POLICY("new", "cgroup: \"/new-*\"", "all"), false, &answer),
			507);
		json_decref(answer);
		born = &fake.bindings[fake_cgroup("/new-1")];
		assert_string_equal(fake_bound("/new-1"), "new");
		assert_int_equal(born->policy, fake.patterns[0].policy);
		assert_int_equal(born->flags, LEASTCAP_BORN);
		assert_string_equal(fake_bound("/new-0"), "new");
	}
	/* One that succeeds has it, too, as one that was born: before it, or while it is made. */
	now = *born;
	apply(s, POLICY("new", "cgroup: \"/new-*\"", "all"), false);
	assert_int_not_equal(born->policy, now.policy);
	assert_int_equal(born->flags, LEASTCAP_BORN);
	assert_string_equal(fake_bound("/new-1"), "new");
	now = *born;
	*born = (struct leastcap_binding){};
	fake.walked = give_birth;
	apply(s, POLICY("new", "cgroup: \"/new-*\"", "none"), false);
	assert_null(fake.walked);
	assert_int_not_equal(born->policy, now.policy);
	assert_int_equal(born->policy, fake.patterns[0].policy);
	assert_int_equal(born->flags, LEASTCAP_BORN);
}

static void what_a_failed_change_has_bound_is_unbound(void **state)
{
	struct state *s = *state;
	json_t *answer = NULL;

	fake_cgroup("/a");
	fake.patterns_err = -E2BIG;
	assert_int_equal(ask_apply(s, POLICY("a", "cgroup: /a", "none"), false, &answer), 507);
	json_decref(answer);
	assert_string_equal(fake_bound("/a"), "");
	assert_null(sources_find(&s->sources, "a", NULL));
	assert_false(on_disk("state/applied/a.yaml"));
}

/* ---- what comes or goes when it is in force already ---- */

static void fill_up(struct kernel *k)
{
	fake_cgroup("/new-1");
	k->walked = NULL;
	/* As many as there are. */
	k->max_bindings = 1;
}

static void take_away(struct kernel *k)
{
	k->walked = NULL;
	k->cgroups[fake_cgroup("/here")] = "/away";
}

/* The second look is the first that finds this. */
static void (*at_second_walk)(struct kernel *k);

static void first_walk(struct kernel *k)
{
	k->walked = at_second_walk;
}

static void what_a_second_look_finds_stops_no_change(void **state)
{
	static const struct {
		void (*at_second_walk)(struct kernel *k);
		const char *was, *is;
	} cases[] = {
		/* One more, for which there is no room. */
		{fill_up, POLICY("new", "cgroup: \"/new-*\"", "none"),
		 POLICY("new", "cgroup: \"/new-[0-9]\"", "all")},
		/* What was selected is there no more, which is an error of an apply. */
		{take_away, POLICY("here", "cgroup: /here", "none"),
		 "policies:\n"
		 "  - {name: here, select: [{cgroup: /here}, {cgroup: \"/her*\"}], capabilities: all}\n"},
	};
	struct state *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *path = i ? "/here" : "/new-0", *name = i ? "here" : "new";
		struct leastcap_policy p;

		fake_begin();
		fake_cgroup(path);
		apply(s, cases[i].was, false);
		s->again = false;
		at_second_walk = cases[i].at_second_walk;
		fake.walked = first_walk;
		apply(s, cases[i].is, false);
		assert_null(fake.walked);
		/* Who was told that it is so finds it so. */
		assert_true(sources_find(&s->sources, name, NULL)->allow == LEASTCAP_ALL);
		assert_int_equal(published_policy(s, name, &p), 0);
		assert_true(p.rules.allow == LEASTCAP_ALL);
		assert_int_equal(p.revision, 2);
		assert_true(on_disk(i ? "state/applied/here.yaml" : "state/applied/new.yaml"));
		/* It is looked at again at once. */
		assert_true(s->again);
		(void)state_settle(s);
		assert_int_equal(s->unbound, 0);
		assert_int_equal(problems_count(s), i ? 0 : 1);
		fake.max_bindings = 0;
	}
}

/* ---- revisions ---- */

static unsigned int revision(struct state *s)
{
	struct leastcap_policy p;

	assert_int_equal(published_policy(s, "web", &p), 0);
	return p.revision;
}

static void revisions_only_grow(void **state)
{
	struct leastcap_policy p;
	struct state *s = *state;
	json_t *answer = NULL;

	fake_cgroup("/web");
	apply(s, POLICY("web", "cgroup: /web", "none"), false);
	apply(s, POLICY("web", "cgroup: /web", "all"), false);
	assert_int_equal(revision(s), 2);
	/* For a while it holds nobody, and then is what it was. */
	apply(s, POLICY("web", "container: { name: web }", "all"), false);
	assert_int_equal(published_policy(s, "web", &p), -ENOENT);
	apply(s, POLICY("web", "cgroup: /web", "all"), false);
	assert_int_equal(revision(s), 2);
	/* And then is another one. */
	apply(s, POLICY("web", "container: { name: web }", "all"), false);
	apply(s, POLICY("web", "cgroup: /web", "none"), false);
	assert_int_equal(revision(s), 3);
	/* What is refused has none. */
	fake.patterns_err = -E2BIG;
	assert_int_equal(ask_apply(s, POLICY("web", "cgroup: /web", "all"), false, &answer), 507);
	json_decref(answer);
	apply(s, POLICY("web", "cgroup: /web", "[CHOWN]"), false);
	assert_int_equal(revision(s), 4);
	assert_int_equal(state_remove(s, "web", false, &nobody, &answer), 200);
	json_decref(answer);
	apply(s, POLICY("web", "cgroup: /web", "all"), false);
	assert_int_equal(revision(s), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(promote_refuses_what_apply_would_and_keeps_the_shadow),
		TEST(what_is_born_during_a_change_that_fails_stays_bound),
		TEST(what_a_failed_change_has_bound_is_unbound),
		TEST(what_a_second_look_finds_stops_no_change),
		TEST(revisions_only_grow),
	};

	return cmocka_run_group_tests_name("transaction", tests, NULL, NULL);
}
