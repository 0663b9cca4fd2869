/* SPDX-License-Identifier: GPL-2.0-only */
/* A change of policies is all of it or nothing: in the kernel, on disk, and in what the daemon knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <leastcap/decide.h>

#include "base/duration.h"
#include "base/log.h"
#include "daemon/internal.h"
#include "daemon/saved.h"
#include "fake_kernel.h"
#include "folder.h"

#define POLICY(name, select, rest) \
	"policies:\n- name: " name "\n  select: [{ " select " }]\n  capabilities: " rest "\n"

static const struct peer nobody = {0};
static struct sink sink;

static struct state *daemon_new(void)
{
	struct state *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->k = &fake;
	s->sink = &sink;
	s->config_dir = strdup(folder_path("policies.d"));
	s->state_dir = strdup(folder_path("state"));
	s->problems = json_array();
	s->own_problems = json_array();
	s->modes = json_object();
	s->applied = json_object();
	boot_id(s->boot);
	return s;
}

static int begin(void **state)
{
	log_set_level(LOG_LEVEL_ERR);
	folder_make();
	fake_begin();
	folder_write("policies.d/readme", "");
	assert_int_equal(sink_init(&sink, &(struct sink_options){0}), 0);
	*state = daemon_new();
	return 0;
}

static int done(void **state)
{
	state_free(*state);
	sink_done(&sink);
	folder_remove();
	return 0;
}

static unsigned int ask_apply(struct state *s, const char *text, bool shadow, json_t **ret)
{
	const struct apply_request r = {
		.file = "t.yaml", .text = text, .len = strlen(text), .shadow = shadow};

	return state_apply(s, &r, &nobody, ret);
}

static void apply(struct state *s, const char *text, bool shadow)
{
	json_t *answer = NULL;

	assert_int_equal(ask_apply(s, text, shadow, &answer), 200);
	json_decref(answer);
}

/* The first error of an answer. */
static const char *first_error(const json_t *answer)
{
	const json_t *error = json_array_get(json_object_get(answer, "errors"), 0);

	return json_string_value(json_object_get(error, "message")) ?: "";
}

static bool on_disk(const char *path)
{
	return !access(folder_path(path), F_OK);
}

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

/* ---- reload ---- */

static void write_file(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "policies.d/%s", name);
	folder_write(path, text);
}

/* The problem of a file whose message has this in it; "": none. */
static const char *problem_of(const struct state *s, const char *file, const char *message)
{
	const json_t *each;
	size_t i;

	json_array_foreach(s->problems, i, each) {
		const char *text = json_string_value(json_object_get(each, "message"));

		if (strstr(json_string_value(json_object_get(each, "file")), file) &&
		    strstr(text, message))
			return text;
	}
	return "";
}

static uint64_t allowed(const struct state *s, const char *name)
{
	const struct policy *p = sources_find(&s->sources, name, NULL);

	assert_non_null(p);
	return p->allow;
}

static void a_file_that_cannot_be_bound_keeps_its_last_good_form(void **state)
{
	static const struct {
		const char *text, *problem;
	} wrong[] = {
		{POLICY("web", "unit: \"*.service\"", "[CHOWN]"), "holds leastcapd itself"},
		{POLICY("web", "cgroup: /system.slice", "[CHOWN]"), "holds leastcapd itself"},
		{POLICY("web", "unit: \"web-*.service\"", "[CHOWN]\n  namespaces: deny"),
		 "unsupported"},
		/* A new policy of it, beside one that would be fine. */
		{POLICY("web", "unit: \"web-*.service\"",
			"[CHOWN]\n- name: more\n  capabilities: all\n  namespaces: deny"),
		 "unsupported"},
	};
	struct state *s = *state;

	fake.lacking = LEASTCAP_RULE_BIT(LEASTCAP_RULE_NAMESPACES);
	fake_cgroup("/system.slice/web-1.service");
	fake_cgroup("/db");
	write_file("web.yaml", POLICY("web", "unit: \"web-*.service\"", "none"));
	write_file("db.yaml", POLICY("db", "cgroup: /db", "none"));
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_string_equal(fake_bound("/system.slice/web-1.service"), "web");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct state *next;

		write_file("web.yaml", wrong[i].text);
		write_file("db.yaml", POLICY("db", "cgroup: /db", "[KILL]"));
		assert_int_equal(state_reload(s, &nobody), 0);
		assert_string_equal(fake_bound("/system.slice/web-1.service"), "web");
		assert_string_equal(fake_bound("/system.slice/leastcapd.service"), "");
		assert_true(allowed(s, "web") == 0);
		assert_string_not_equal(problem_of(s, "web.yaml", wrong[i].problem), "");
		assert_int_equal(json_array_size(s->problems), 1);
		/* Others follow. */
		assert_true(allowed(s, "db") == 1ULL << 5);
		/* So it is for a daemon that starts, also with an empty kernel. */
		next = daemon_new();
		fake.n_policies = 0;
		memset(fake.bindings, 0, sizeof(fake.bindings));
		assert_int_equal(state_reload(next, &nobody), 0);
		assert_true(allowed(next, "web") == 0);
		assert_string_equal(fake_bound("/system.slice/web-1.service"), "web");
		assert_string_not_equal(problem_of(next, "web.yaml", wrong[i].problem), "");
		state_free(next);
	}
	/* Written well again, it counts again. */
	write_file("web.yaml", POLICY("web", "unit: \"web-*.service\"", "[CHOWN]"));
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_true(allowed(s, "web") == 1ULL << 0);
	assert_int_equal(json_array_size(s->problems), 0);
}

static void without_a_better_form_what_can_be_bound_is(void **state)
{
	struct state *s = *state;

	fake.lacking = LEASTCAP_RULE_BIT(LEASTCAP_RULE_NAMESPACES);
	fake_cgroup("/a");
	fake_cgroup("/b");
	write_file("x.yaml", POLICY("a", "cgroup: /a",
				    "none\n  namespaces: deny\n- name: b\n"
				    "  select: [{ cgroup: /b }]\n"
				    "  capabilities: none"));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(state_reload(s, &nobody), 0);
		assert_string_equal(fake_bound("/a"), "");
		assert_string_equal(fake_bound("/b"), "b");
		assert_string_not_equal(problem_of(s, "x.yaml", "unsupported"), "");
	}
	/* What is written anew beside it counts. */
	write_file("x.yaml", POLICY("a", "cgroup: /a",
				    "none\n  namespaces: deny\n- name: b\n"
				    "  select: [{ cgroup: /b }]\n"
				    "  capabilities: [CHOWN]"));
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_true(allowed(s, "b") == 1ULL << 0);
}

/* Nobody knows what the new file was to say of it: what is bound stays. */
static void another_file_that_cannot_be_bound_ends_nothing(void **state)
{
	struct state *s = *state;

	fake_cgroup("/web");
	write_file("web.yaml", POLICY("web", "cgroup: /web", "none"));
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_int_equal(unlink(folder_path("policies.d/web.yaml")), 0);
	write_file("10-web.yaml", POLICY("web", "unit: \"*.service\"", "none"));
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_string_equal(fake_bound("/web"), "web");
	assert_string_not_equal(problem_of(s, "10-web.yaml", "holds leastcapd itself"), "");
	/* A file that is gone is gone. */
	assert_int_equal(unlink(folder_path("policies.d/10-web.yaml")), 0);
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_string_equal(fake_bound("/web"), "");
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
			500);
		json_decref(answer);
		born = &fake.bindings[fake_cgroup("/new-1")];
		assert_string_equal(fake_bound("/new-1"), "new");
		assert_int_equal(born->policy, fake.patterns[0].policy);
		assert_int_equal(born->flags, LEASTCAP_BORN);
		assert_string_equal(fake_bound("/new-0"), "new");
	}
	/* One that succeeds has it, too, as one that was born. */
	now = *born;
	apply(s, POLICY("new", "cgroup: \"/new-*\"", "all"), false);
	assert_int_not_equal(born->policy, now.policy);
	assert_int_equal(born->flags, LEASTCAP_BORN);
	assert_string_equal(fake_bound("/new-1"), "new");
}

static void what_a_failed_change_has_bound_is_unbound(void **state)
{
	struct state *s = *state;
	json_t *answer = NULL;

	fake_cgroup("/a");
	fake.patterns_err = -E2BIG;
	assert_int_equal(ask_apply(s, POLICY("a", "cgroup: /a", "none"), false, &answer), 500);
	json_decref(answer);
	assert_string_equal(fake_bound("/a"), "");
	assert_null(sources_find(&s->sources, "a", NULL));
	assert_false(on_disk("state/applied/a.yaml"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(promote_refuses_what_apply_would_and_keeps_the_shadow),
		TEST(a_file_that_cannot_be_bound_keeps_its_last_good_form),
		TEST(without_a_better_form_what_can_be_bound_is),
		TEST(another_file_that_cannot_be_bound_ends_nothing),
		TEST(what_is_born_during_a_change_that_fails_stays_bound),
		TEST(what_a_failed_change_has_bound_is_unbound),
	};

	return cmocka_run_group_tests_name("transaction", tests, NULL, NULL);
}
