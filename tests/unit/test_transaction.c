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

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(promote_refuses_what_apply_would_and_keeps_the_shadow),
	};

	return cmocka_run_group_tests_name("transaction", tests, NULL, NULL);
}
