/* SPDX-License-Identifier: GPL-2.0-only */
/* Modes that override those of policies: who is told of them, and when they end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon_fixture.h"

#define WEB POLICY("web", "cgroup: /web", "none")

static void set_mode(struct state *s, const char *name, const char *mode)
{
	json_t *answer = NULL;

	assert_int_equal(state_mode(s, name, mode, &nobody, &answer), 200);
	json_decref(answer);
}

static const char * override(const struct state *s, const char *name)
{
	return json_string_value(json_object_get(s->modes, name)) ?: "";
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static void an_apply_says_the_mode_and_who_says_it(void **state)
{
	struct state *s = *state;
	json_t *answer = NULL;
	const json_t *web;

	fake_cgroup("/web");
	assert_int_equal(ask_apply(s, WEB, false, &answer), 200);
	web = json_array_get(json_object_get(answer, "applied"), 0);
	assert_string_equal(text_of(web, "mode"), "enforce");
	assert_string_equal(text_of(web, "mode_by"), "policy");
	assert_true(json_is_null(json_object_get(answer, "disarmed")));
	json_decref(answer);
	set_mode(s, "web", "audit");
	fake.disarmed = boot_now() + 60000000000ULL;
	assert_int_equal(ask_apply(s, WEB, false, &answer), 200);
	web = json_array_get(json_object_get(answer, "applied"), 0);
	assert_string_equal(text_of(web, "mode"), "audit");
	assert_string_equal(text_of(web, "mode_by"), "override");
	assert_true(json_is_object(json_object_get(answer, "disarmed")));
	json_decref(answer);
	assert_int_equal(ask_apply(s, WEB, true, &answer), 200);
	web = json_array_get(json_object_get(answer, "applied"), 0);
	assert_string_equal(text_of(web, "mode"), "audit");
	assert_string_equal(text_of(web, "mode_by"), "shadow");
	json_decref(answer);
}

static void an_override_ends_with_the_file_of_its_policy(void **state)
{
	struct state *s = *state;
	json_t *event;

	fake_cgroup("/web");
	fake_cgroup("/other");
	write_file("web.yaml", WEB);
	assert_int_equal(state_reload(s, &nobody), 0);
	apply(s, POLICY("other", "cgroup: /other", "none"), false);
	set_mode(s, "web", "audit");
	set_mode(s, "other", "audit");
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_string_equal(override(s, "web"), "audit");
	assert_int_equal(unlink(folder_path("policies.d/web.yaml")), 0);
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_string_equal(override(s, "web"), "");
	assert_string_equal(override(s, "other"), "audit");
	event = last_event();
	assert_string_equal(text_of(event, "action"), "mode");
	assert_string_equal(text_of(event, "policy"), "web");
	assert_string_equal(text_of(event, "mode_by"), "policy");
	assert_null(json_object_get(event, "mode"));
	json_decref(event);
	/* Nor does the next daemon have it, and a new policy has its own mode. */
	json_object_clear(s->modes);
	assert_int_equal(modes_open(s), 0);
	assert_string_equal(override(s, "web"), "");
	assert_string_equal(override(s, "other"), "audit");
	write_file("web.yaml", WEB);
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_int_equal(sources_find(&s->sources, "web", NULL)->mode, LEASTCAP_ENFORCE);
}

/* A folder that is away as a whole, or that is not there yet at the start, comes back with its files. */
static void an_override_stays_while_the_folder_is_away(void **state)
{
	struct state *s = *state;
	char away[PATH_MAX];

	fake_cgroup("/web");
	json_object_set_new(s->modes, "web", json_string("audit"));
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_string_equal(override(s, "web"), "audit");
	write_file("web.yaml", WEB);
	assert_int_equal(state_reload(s, &nobody), 0);
	snprintf(away, sizeof(away), "%s", folder_path("away"));
	assert_int_equal(rename(folder_path("policies.d"), away), 0);
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_string_equal(override(s, "web"), "audit");
	assert_int_equal(rename(away, folder_path("policies.d")), 0);
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_int_equal(sources_find(&s->sources, "web", NULL)->mode, LEASTCAP_AUDIT);
	assert_int_equal(unlink(folder_path("policies.d/web.yaml")), 0);
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_string_equal(override(s, "web"), "");
}

/* After a start, a file without a last good form may be the one that has the policy. */
static void an_override_stays_where_a_broken_file_may_have_its_policy(void **state)
{
	struct state *s = *state;

	json_object_set_new(s->modes, "web", json_string("audit"));
	write_file("web.yaml", "policies: [");
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_string_equal(override(s, "web"), "audit");
	write_file("web.yaml", WEB);
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_string_equal(override(s, "web"), "audit");
	assert_int_equal(sources_find(&s->sources, "web", NULL)->mode, LEASTCAP_AUDIT);
}

static void an_override_without_a_policy_can_be_ended(void **state)
{
	struct state *s = *state;
	json_t *answer = NULL, *event;

	json_object_set_new(s->modes, "web", json_string("audit"));
	assert_int_equal(state_mode(s, "web", "enforce", &nobody, &answer), 404);
	json_decref(answer);
	assert_int_equal(state_mode(s, "wob", "file", &nobody, &answer), 404);
	json_decref(answer);
	assert_string_equal(override(s, "web"), "audit");
	assert_int_equal(state_mode(s, "web", "file", &nobody, &answer), 200);
	assert_true(json_is_null(json_object_get(answer, "mode")));
	assert_true(json_is_null(json_object_get(answer, "mode_by")));
	json_decref(answer);
	assert_string_equal(override(s, "web"), "");
	event = last_event();
	assert_string_equal(text_of(event, "action"), "mode");
	assert_null(json_object_get(event, "mode"));
	json_decref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_apply_says_the_mode_and_who_says_it),
		TEST(an_override_ends_with_the_file_of_its_policy),
		TEST(an_override_stays_while_the_folder_is_away),
		TEST(an_override_stays_where_a_broken_file_may_have_its_policy),
		TEST(an_override_without_a_policy_can_be_ended),
	};

	return cmocka_run_group_tests_name("modes", tests, NULL, NULL);
}
