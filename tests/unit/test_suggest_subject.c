// SPDX-License-Identifier: GPL-2.0-only
/* Whom a suggestion is for, where a cgroup has a name that cannot be shown: a status and events have it escaped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "suggestions.h"

#define RAW "/odd-\x1b[2J"
#define SHOWN "/odd-\\\\x1b[2J" /* in JSON */
#define SYS_TIME (1ULL << 25)

static const char bindings[] =
	"{\"bindings\": [{\"cgroup\": \"" SHOWN "/in\", \"cgroup_id\": 1, \"policy\": \"p\","
	" \"capabilities\": {\"used\": [\"CHOWN\"]}, \"rules\": {}},"
	" {\"cgroup\": \"" SHOWN "\", \"cgroup_id\": 2, \"policy\": \"q\","
	" \"capabilities\": {\"used\": [\"NET_BIND_SERVICE\"]}, \"rules\": {}},"
	" {\"cgroup\": \"/odd-\", \"cgroup_id\": 3, \"policy\": \"r\","
	" \"capabilities\": {\"used\": [\"KILL\"]}, \"rules\": {}}]}";

static const char ended[] =
	"{\"type\": \"gone\", \"policy\": \"p\", \"subject\": {\"cgroup_id\": 9, \"binding\": \"" SHOWN
	"/gone\"}, \"capabilities\": {\"used\": [\"SYS_TIME\"]}, \"rules\": {}}";

/* What is found of a cgroup without the nth of the bindings; there: the cgroup is. */
static uint64_t used_by(const char *text, bool there, size_t n)
{
	_cleanup_(suggest_subject_done) struct suggest_subject subject = {};
	_cleanup_(suggestion_done) struct suggestion s = {};
	json_auto_t *st = load(bindings);

	json_array_remove(json_object_get(st, "bindings"), n);
	assert_int_equal(suggest_subject_init(&subject, text, there ? strdup(text) : NULL), 0);
	assert_int_equal(suggestion_init(&s, text), 0);
	assert_int_equal(suggest_bindings(&s, &subject, st), 0);
	assert_int_equal(suggest_event(&s, &subject, ended, strlen(ended)), 0);
	return s.used;
}

static void a_cgroup_is_found_by_what_is_shown(void **state)
{
	static const struct {
		const char *text;
		bool there;
	} cases[] = {
		{RAW, true},
		/* It is gone. */
		{RAW, false},
		/* Copied from what leastcap has shown. */
		{"/odd-\\x1b[2J", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* Itself; where it is not bound what is below it; and what has ended there. */
		assert_true(used_by(cases[i].text, cases[i].there, 2) == (NET_BIND | SYS_TIME));
		assert_true(used_by(cases[i].text, cases[i].there, 1) == (CHOWN | SYS_TIME));
	}
	/* Another one, and one that only begins like it. */
	assert_true(used_by("/odd-", true, 1) == 1ULL << 5);
	assert_true(used_by("/odd-\x1b[2", true, 1) == 0);
}

/* ---- what others are called ---- */

static const char held[] =
	"{\"bindings\": [{\"cgroup\": \"/system.slice/ssh.service\", \"cgroup_id\": 1, \"policy\": \"sshd\","
	" \"capabilities\": {\"used\": [\"CHOWN\"]}, \"rules\": {}},"
	" {\"cgroup\": \"/system.slice/docker-" ID
	".scope\", \"cgroup_id\": 2, \"policy\": \"all\","
	" \"container\": \"" ID "\","
	" \"capabilities\": {\"used\": [\"NET_BIND_SERVICE\"]}, \"rules\": {}}]}";

#define END(id, binding, name, policy)                                                      \
	"{\"type\": \"gone\", \"policy\": \"" policy "\", \"subject\": {\"cgroup_id\": " id \
	", \"binding\": \"" binding "\", \"unit\": \"sshd.service\", \"name\": \"" name     \
	"\"}, \"capabilities\": {\"used\": [\"SYS_TIME\"]}, \"rules\": {\"would_deny\": [\"mounts\"]}}"

static void gather_held(struct suggestion *s, struct suggest_subject *subject, const char *event)
{
	json_auto_t *st = load(held);

	suggest_subject_settle(subject, st, NULL);
	assert_int_equal(suggestion_init(s, subject->text), 0);
	assert_int_equal(suggest_bindings(s, subject, st), 0);
	assert_int_equal(suggest_event(s, subject, event, strlen(event)), 0);
}

/* A container of that name is somebody else's, whether it is there or has ended. */
static void a_policy_goes_before_what_is_called_so(void **state)
{
	static const char *const ends[] = {
		END("9", "/system.slice/docker-x.scope", "sshd", "all"),
		END("9", "/system.slice/docker-x.scope", "other", "sshd"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		_cleanup_(suggestion_done) struct suggestion s = {};
		_cleanup_(suggest_subject_done) struct suggest_subject subject = {};

		assert_int_equal(suggest_subject_init(&subject, "sshd",
						      strdup("/system.slice/docker-" ID ".scope")),
				 0);
		gather_held(&s, &subject, ends[i]);
		assert_true(subject.policy);
		assert_true(s.used == (CHOWN | (i ? SYS_TIME : 0)));
		assert_int_equal(s.rules_would, i ? LEASTCAP_RULE_BIT(LEASTCAP_RULE_MOUNTS) : 0);
		assert_int_equal(json_object_size(s.policies), 1);
	}
}

/* Of one that is bound those before it count that the same policy has held; how many others are called so is said. */
static void a_container_is_the_same_under_its_own_policy(void **state)
{
	_cleanup_(suggestion_done) struct suggestion s = {};
	_cleanup_(suggest_subject_done) struct suggest_subject subject = {};
	_cleanup_free_ char *text = NULL;
	const char *again = END("8", "/system.slice/docker-y.scope", "box", "all");

	assert_int_equal(
		suggest_subject_init(&subject, "box", strdup("/system.slice/docker-" ID ".scope")),
		0);
	gather_held(&s, &subject, END("9", "/system.slice/docker-x.scope", "box", "tenant"));
	assert_false(subject.policy);
	assert_true(s.used == NET_BIND);
	assert_int_equal(json_object_size(s.namesakes), 1);
	assert_int_equal(suggest_event(&s, &subject, again, strlen(again)), 0);
	assert_true(s.used == (NET_BIND | SYS_TIME));
	s.name = strdup("box");
	text = suggest_text(&s, SUGGEST_POLICY, true);
	assert_non_null(strstr(text, "Left out: 1 cgroup of that name, of another kind"));
}

/* Anybody's own manager has units of any name. */
static void a_unit_is_known_by_its_place(void **state)
{
	static const struct {
		const char *event;
		bool is;
	} cases[] = {
		{END("9", "/system.slice/sshd.service", "", "p"), true},
		{END("9", "/a.slice/a-b.slice/sshd.service/sub", "", "p"), true},
		{END("9", "/user.slice/user-1.slice/user@1.service/app.slice/sshd.service", "",
		     "p"),
		 false},
		{END("9", "/system.slice/docker-x.scope/system.slice/sshd.service", "", "p"),
		 false},
	};
	static const char *const texts[] = {"sshd.service", "sshd"};

	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		_cleanup_(suggestion_done) struct suggestion s = {};
		_cleanup_(suggest_subject_done) struct suggest_subject subject =
			subject_of(texts[i % 2]);

		assert_int_equal(suggestion_init(&s, subject.text), 0);
		suggest_subject_ended(&subject, cases[i / 2].event, strlen(cases[i / 2].event));
		assert_int_equal(
			suggest_event(&s, &subject, cases[i / 2].event, strlen(cases[i / 2].event)),
			0);
		assert_int_equal(s.used == SYS_TIME, cases[i / 2].is);
	}
}

/* ---- one kind, and not all that are called so ---- */

#define DOCKER "/system.slice/docker-" ID ".scope"
#define PREFIX "0123456789ab"
#define CALLED(type, binding, name, id, cap)                                             \
	"{\"type\": \"" type "\", \"policy\": \"all\", \"subject\": {\"cgroup_id\": " id \
	", \"binding\": \"" binding "\", \"name\": \"" name                              \
	"\"}, \"capabilities\": {\"used\": [\"" cap "\"]}, \"rules\": {}}"

/* What is found where a container and a service of that name have ended. */
static uint64_t used_as(const char *text, const char *path, size_t *ret_left_out)
{
	_cleanup_(suggest_subject_done) struct suggest_subject subject = {};
	_cleanup_(suggestion_done) struct suggestion s = {};
	json_auto_t *st = load(held);
	char container[512], service[512];
	const char *const lines[] = {container, service};

	snprintf(container, sizeof(container),
		 CALLED("gone", "/system.slice/docker-x.scope", "%s", "9", "SYS_TIME"), text);
	snprintf(service, sizeof(service), CALLED("unbound", "/system.slice/%s", "", "8", "CHOWN"),
		 strchr(text, '.') ? text : "web.service");
	assert_int_equal(suggest_subject_init(&subject, text, path ? strdup(path) : NULL), 0);
	assert_int_equal(suggestion_init(&s, text), 0);
	suggest_subject_settle(&subject, st, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		suggest_subject_ended(&subject, lines[i], strlen(lines[i]));
	assert_int_equal(suggest_bindings(&s, &subject, st), 0);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_int_equal(suggest_event(&s, &subject, lines[i], strlen(lines[i])), 0);
	*ret_left_out = json_object_size(s.namesakes);
	return s.used;
}

static void one_kind_is_meant(void **state)
{
	static const struct {
		const char *text, *path;
		uint64_t used;
	} cases[] = {
		/* A unit is there, and nothing binds it. */
		{"web.service", "/system.slice/web.service", CHOWN},
		{"web", "/system.slice/web.service", CHOWN},
		/* By an alias. */
		{"web.service", "/system.slice/www.service", CHOWN},
		/* A container is there, which is bound. */
		{"web", DOCKER, NET_BIND | SYS_TIME},
		/* It is called as a unit could be, none of which is there. */
		{"web.service", DOCKER, NET_BIND | SYS_TIME},
		/* Nothing is there: a unit by its full name before a container, a container before a service. */
		{"web.service", NULL, CHOWN},
		{"web", NULL, SYS_TIME},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t left_out;

		assert_true(used_as(cases[i].text, cases[i].path, &left_out) == cases[i].used);
		assert_int_equal(left_out, 1);
	}
}

static void what_was_found_is_of_one_kind(void **state)
{
	static const struct {
		const char *text, *path;
		enum subject_kind kind;
	} cases[] = {
		{"/a", "/a", SUBJECT_CGROUP},
		{"/gone", NULL, SUBJECT_CGROUP},
		{"web", NULL, SUBJECT_NOTHING},
		{"a.service", "/system.slice/a.service", SUBJECT_UNIT},
		{"a", "/system.slice/a.service", SUBJECT_SERVICE},
		{"docker-" ID ".scope", DOCKER, SUBJECT_UNIT},
		{PREFIX, DOCKER, SUBJECT_ID},
		/* No container that is there has that id. */
		{"0123ab", DOCKER, SUBJECT_NAME},
		{"box", "/system.slice/web.service/libpod-payload/libpod-" ID, SUBJECT_NAME},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(suggest_subject_done) struct suggest_subject subject = {};

		assert_int_equal(suggest_subject_init(&subject, cases[i].text,
						      cases[i].path ? strdup(cases[i].path) : NULL),
				 0);
		assert_int_equal(subject.kind, cases[i].kind);
	}
}

/* Bound still, by the id: those of that name are others. */
static void a_container_that_is_gone_is_known_by_its_id(void **state)
{
	_cleanup_(suggestion_done) struct suggestion s = {};
	_cleanup_(suggest_subject_done) struct suggest_subject subject = subject_of(PREFIX);
	const char *other = CALLED("gone", "/system.slice/docker-x.scope", PREFIX, "9", "SYS_TIME");

	gather_held(&s, &subject, other);
	assert_int_equal(subject.kind, SUBJECT_ID);
	assert_true(s.used == NET_BIND);
	assert_int_equal(json_object_size(s.namesakes), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cgroup_is_found_by_what_is_shown),
		cmocka_unit_test(a_policy_goes_before_what_is_called_so),
		cmocka_unit_test(a_container_is_the_same_under_its_own_policy),
		cmocka_unit_test(a_unit_is_known_by_its_place),
		cmocka_unit_test(one_kind_is_meant),
		cmocka_unit_test(what_was_found_is_of_one_kind),
		cmocka_unit_test(a_container_that_is_gone_is_known_by_its_id),
	};

	return cmocka_run_group_tests_name("suggest_subject", tests, NULL, NULL);
}
