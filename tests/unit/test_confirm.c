/* SPDX-License-Identifier: GPL-2.0-only */
/* Who confirms too late is told what has come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon_fixture.h"

#define TWO                                                             \
	"policies:\n"                                                   \
	"- { name: web, select: [cgroup: /web], capabilities: none }\n" \
	"- { name: db, select: [cgroup: /db], capabilities: none }\n"

static void apply_for_a_minute(struct state *s)
{
	const struct apply_request r = {
		.file = "t.yaml", .text = TWO, .len = strlen(TWO), .confirm = 60};
	json_t *answer = NULL;

	assert_int_equal(state_apply(s, &r, &nobody, &answer), 200);
	json_decref(answer);
}

static void check_refused(struct state *s, const char *what)
{
	json_t *answer = NULL;

	assert_int_equal(state_confirm(s, &nobody, &answer), 409);
	assert_string_equal(json_string_value(json_object_get(answer, "error")), what);
	json_decref(answer);
}

static void who_is_too_late_is_told_what_came_back(void **state)
{
	struct state *s = *state;
	json_t *answer = NULL;

	fake_cgroup("/web");
	fake_cgroup("/db");
	check_refused(s, "nothing waits to be confirmed");
	apply_for_a_minute(s);
	json_object_set_new(s->confirm.about, "deadline", json_integer((json_int_t)boot_now() - 1));
	check_refused(s, "the time for web, db is over: the policies from before come back; apply "
			 "it again");
	confirm_tick(s);
	assert_string_equal(fake_bound("/web"), "");
	s->returned_at -= 3000000000ULL;
	check_refused(s, "nothing waits to be confirmed: nobody confirmed web, db in time, and the "
			 "policies from before came back 3s ago; apply it again");
	/* What is confirmed in time ends that. */
	apply_for_a_minute(s);
	assert_int_equal(state_confirm(s, &nobody, &answer), 200);
	json_decref(answer);
	check_refused(s, "nothing waits to be confirmed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_is_too_late_is_told_what_came_back),
	};

	return cmocka_run_group_tests_name("confirm", tests, NULL, NULL);
}
