/* SPDX-License-Identifier: GPL-2.0-only */
/* Cgroups that come: not there yet is not gone, and what could not be bound, or was not told, is looked for again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/before.h"
#include "daemon/gone.h"
#include "daemon_fixture.h"

static sd_event *event;

/* With nothing on the disk, and one engine that is not there. */
static int begin_with_identities(void **state)
{
	const struct engine_socket engine = {"podman", folder_path("podman.sock")};
	const struct identities_options options = {
		.root = folder, .engines = &engine, .n_engines = 1};
	struct state *s;

	if (begin(state) || sd_event_new(&event) < 0)
		return -1;
	s = *state;
	return identities_new(event, &options, containers_changed, s, &s->identities);
}

static int done_with_identities(void **state)
{
	int err = done(state);

	event = sd_event_unref(event);
	return err;
}

#undef TEST
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, begin_with_identities, done_with_identities)

/* ---- not there yet ---- */

/* Looks at all that is bound, as every half a minute. */
static void sweep(struct state *s)
{
	s->ticks = 30;
	gone_tick(s);
}

static void what_is_being_made_is_not_gone(void **state)
{
	struct state *s = *state;

	apply(s, POLICY("new", "cgroup: \"/new-*\"", "none"), false);
	fake_cgroup("/new-1");
	apply(s, POLICY("new", "cgroup: \"/new-*\"", "all"), false);
	/* Of the kernel's events none says that it is gone. */
	fake.hidden = fake_cgroup("/new-1");
	sweep(s);
	fake.hidden = 0;
	s->ticks++;
	gone_tick(s);
	assert_string_equal(fake_bound("/new-1"), "new");
	assert_int_equal(s->n_untold, 0);
	/* The control: it is gone, and the event is lost. */
	fake.hidden = fake_cgroup("/new-1");
	sweep(s);
	assert_string_equal(fake_bound("/new-1"), "new");
	s->ticks++;
	gone_tick(s);
	assert_string_equal(fake_bound("/new-1"), "");
}

/* In whatever order they are seen, and however often: each is told once, and stays bound only while a task carries it. */
static void several_are_gone_at_once(void **state)
{
	static const char *const paths[] = {"/box-1", "/box-2", "/box-3", "/box-4"};
	static const size_t order[] = {2, 0, 3, 1, 0, 2}, carried = 1;
	struct state *s = *state;
	uint64_t ids[ARRAY_SIZE(paths)];

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		ids[i] = fake_cgroup(paths[i]);
	apply(s, POLICY("box", "cgroup: \"/box-*\"", "none"), false);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		fake.cgroups[ids[i]] = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		assert_true(gone_untold(s, ids[order[i]]));
	assert_int_equal(s->n_untold, ARRAY_SIZE(paths));
	fake.carried = ids[carried];
	s->ticks = 1;
	gone_tick(s);
	assert_int_equal(s->n_untold, 0);
	assert_int_equal(s->n_gone, 1);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		assert_int_equal(is_gone(s, ids[i]), i == carried);
		assert_int_equal(fake.bindings[ids[i]].policy != 0, i == carried);
	}
	fake.carried = 0;
	sweep(s);
	assert_int_equal(s->n_gone, 0);
	assert_int_equal(fake.bindings[ids[carried]].policy, 0);
}

/* ---- bound no more ---- */

/* The newest event of that type; NULL: none. */
static json_t *told(const struct state *s, const char *type)
{
	json_t *found = NULL;
	size_t len;

	for (uint64_t seq = 1; seq <= s->sink->memory.last; seq++) {
		const char *line = memory_get(&s->sink->memory, seq, &len);
		json_t *e = line ? json_loadb(line, len, 0, NULL) : NULL;
		const char *what = json_string_value(json_object_get(e, "type"));

		if (what && !strcmp(what, type)) {
			json_decref(found);
			found = json_incref(e);
		}
		json_decref(e);
	}
	return found;
}

static const char *used_in(const json_t *e)
{
	const json_t *caps = json_object_get(e, "capabilities");

	return json_string_value(json_array_get(json_object_get(caps, "used"), 0)) ?: "";
}

/* Its cgroup goes on, and nobody could ask for what was seen there until now. */
static void what_a_removed_policy_has_seen_is_told(void **state)
{
	struct state *s = *state;
	uint64_t id = fake_cgroup("/box"), idle = fake_cgroup("/idle");
	json_auto_t *e = NULL;
	json_t *answer = NULL;

	apply(s, POLICY("box", "cgroup: /box }, { cgroup: /idle", "all"), false);
	fake.ledgers[id] = (struct kernel_ledger){.cgroup = id, .used = 1};
	/* Nothing was seen there: nothing is told. */
	fake.ledgers[idle] = (struct kernel_ledger){.cgroup = idle, .probed = 1};
	assert_null(told(s, "unbound"));
	assert_int_equal(state_remove(s, "box", false, &nobody, &answer), 200);
	json_decref(answer);
	assert_string_equal(fake_bound("/box"), "");
	e = told(s, "unbound");
	assert_non_null(e);
	assert_string_equal(used_in(e), "CHOWN");
	assert_string_equal(json_string_value(json_object_get(e, "policy")), "box");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(e, "subject"), "binding")),
		"/box");
	assert_null(told(s, "gone"));
}

static void what_was_seen_is_told_before_all_ends(void **state)
{
	struct state *s = *state;
	uint64_t id = fake_cgroup("/box");
	json_auto_t *e = NULL;

	apply(s, POLICY("box", "cgroup: /box", "all"), false);
	fake.ledgers[id] = (struct kernel_ledger){.cgroup = id, .would_deny = 1 << 5};
	state_ends(s);
	e = told(s, "unbound");
	assert_non_null(e);
	assert_string_equal(fake_bound("/box"), "box");
}

/* ---- gone, and carried ---- */

/* Of a selector that gives nothing to what may come: once its cgroup is gone, nobody wants the policy. */
static void what_is_carried_follows_its_policy_when_its_cgroup_is_gone(void **state)
{
	struct state *s = *state;
	uint64_t before;
	json_t *answer = NULL;

	fake_cgroup("/box");
	fake_cgroup("/other");
	apply(s, POLICY("box", "cgroup: /box", "none"), false);
	apply(s, POLICY("other", "cgroup: /other", "none"), false);
	fake.carried = fake.hidden = fake_cgroup("/box");
	sweep(s);
	s->ticks++;
	gone_tick(s);
	assert_string_equal(fake_bound("/box"), "box");
	/* The policy holds nobody by now. */
	apply(s, POLICY("box", "container: { name: box }", "none"), false);
	assert_string_equal(fake_bound("/box"), "box");
	assert_true(s->again);
	assert_false(state_settle(s));
	assert_string_equal(fake_bound("/box"), "box");
	/* Another policy changes, then its own. */
	apply(s, POLICY("other", "cgroup: /other", "all"), false);
	assert_string_equal(fake_bound("/box"), "box");
	before = fake.bindings[fake.carried].policy;
	apply(s, POLICY("box", "container: { name: box }", "all"), false);
	assert_string_equal(fake_bound("/box"), "box");
	assert_int_not_equal(fake.bindings[fake.carried].policy, before);
	/* Without its policy it is free. */
	assert_int_equal(state_remove(s, "box", false, &nobody, &answer), 200);
	json_decref(answer);
	assert_string_equal(fake_bound("/box"), "");
}

/* ---- born in between ---- */

/* The kernel gives what comes the policy that is in force, behind the look and before the new one is. */
static void give_birth(struct kernel *k)
{
	k->walked = NULL;
	k->state.born++;
}

static void what_is_born_with_the_old_policy_is_looked_at_again(void **state)
{
	struct state *s = *state;

	apply(s, POLICY("all", "any: container", "none"), false);
	s->again = false;
	apply(s, POLICY("all", "any: container", "[CHOWN]"), false);
	assert_false(s->again);
	fake.walked = give_birth;
	apply(s, POLICY("all", "any: container", "all"), false);
	assert_true(s->again);
}

/* ---- not bound, or not told ---- */

static void what_could_not_be_bound_is_tried_again(void **state)
{
	struct state *s = *state;
	json_auto_t *problems = NULL;
	unsigned int ticks = 0;

	apply(s, POLICY("new", "cgroup: \"/new-*\"", "none"), false);
	fake_cgroup("/new-1");
	fake.patterns_err = -EIO;
	s->again = true;
	assert_false(state_settle(s));
	assert_string_equal(fake_bound("/new-1"), "");
	assert_int_equal(s->unbound, -EIO);
	assert_int_equal(problems_count(s), 1);
	problems = problems_json(s);
	assert_non_null(
		strstr(json_string_value(json_object_get(json_array_get(problems, 0), "message")),
		       strerror(EIO)));
	while (!s->again && ticks < 10) {
		ticks++;
		s->ticks++;
		containers_tick(s);
	}
	assert_int_equal(ticks, 5);
	assert_false(state_settle(s));
	assert_string_equal(fake_bound("/new-1"), "new");
	assert_int_equal(s->unbound, 0);
	assert_int_equal(problems_count(s), 0);
	s->ticks = 9;
	containers_tick(s);
	assert_false(s->again);
}

/* The ring buffer was full: only the count tells of it. */
static void a_birth_that_nobody_told_of_is_looked_for(void **state)
{
	struct state *s = *state;

	fake.state.born = 7;
	containers_tick(s);
	/* Where no policy asks who a container is, the kernel has given it the right one. */
	assert_false(s->again);
	apply(s, POLICY("web", "container: { name: web }", "none"), false);
	fake.state.born = 8;
	containers_tick(s);
	assert_true(s->again);
	s->again = false;
	containers_tick(s);
	assert_false(s->again);
	/* One that is told of. */
	fake.state.born = 9;
	s->births++;
	containers_tick(s);
	assert_false(s->again);
}

/* As many have arrived meanwhile, so that the count does not tell; or it was not bound at all. */
static void what_a_loss_may_be_about_is_looked_for(void **state)
{
	static const struct {
		enum leastcap_loss what;
		bool again;
	} cases[] = {{LEASTCAP_LOSS_RING, true},
		     {LEASTCAP_LOSS_BIRTH, true},
		     {LEASTCAP_LOSS_KEY, false}};
	struct state *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake.losses[cases[i].what]++;
		s->again = false;
		s->ticks = 0;
		state_tick(s);
		assert_int_equal(s->again, cases[i].again);
	}
	/* It is told once. */
	s->ticks = 0;
	s->again = false;
	state_tick(s);
	assert_false(s->again);
}

/* So many policies, each for a cgroup that is not there yet. */
static void write_policies(unsigned int n)
{
	char text[4096] = "policies:\n";

	for (unsigned int i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "- { name: p%u, select: [cgroup: /here/%u], capabilities: none }\n", i,
			 i * 7 % n);
	write_file("p.yaml", text);
}

/* However many policies there are, those of the kernel are read as often. */
static void policies_and_births_are_found_without_a_walk_for_each(void **state)
{
	struct state *s = *state;
	unsigned int walks[2];
	json_t *complaints = json_array();
	struct before *before;

	for (unsigned int i = 0; i < 2; i++) {
		write_policies(i ? 16 : 2);
		assert_int_equal(state_reload(s, &nobody), 0);
		fake.policy_walks = 0;
		assert_int_equal(state_follow(s, &s->sources, NULL, complaints), 0);
		walks[i] = fake.policy_walks;
	}
	assert_int_equal(walks[0], walks[1]);
	/* In whatever order the kernel tells of them. */
	before = before_take(s);
	assert_non_null(before);
	assert_int_equal(before->n_births, 16);
	for (unsigned int i = 0; i < 16; i++) {
		const struct saved_birth *was;
		const struct want_birth *is;
		char path[32];

		snprintf(path, sizeof(path), "/here/%u", i);
		was = before_find_birth(before, path);
		is = plan_find_birth(&s->plan, path);
		assert_non_null(was);
		assert_non_null(is);
		assert_string_equal(was->path, path);
		assert_string_equal(is->path, path);
	}
	assert_null(before_find_birth(before, "/here/16"));
	assert_null(plan_find_birth(&s->plan, "/here"));
	before_free(before);
	json_decref(complaints);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_being_made_is_not_gone),
		TEST(several_are_gone_at_once),
		TEST(what_a_removed_policy_has_seen_is_told),
		TEST(what_was_seen_is_told_before_all_ends),
		TEST(what_is_carried_follows_its_policy_when_its_cgroup_is_gone),
		TEST(what_is_born_with_the_old_policy_is_looked_at_again),
		TEST(what_could_not_be_bound_is_tried_again),
		TEST(a_birth_that_nobody_told_of_is_looked_for),
		TEST(what_a_loss_may_be_about_is_looked_for),
		TEST(policies_and_births_are_found_without_a_walk_for_each),
	};

	return cmocka_run_group_tests_name("births", tests, NULL, NULL);
}
