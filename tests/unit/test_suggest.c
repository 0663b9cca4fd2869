// SPDX-License-Identifier: GPL-2.0-only
/* Bindings, policies and the audit trail -> the masks of a suggestion, its name and selectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "suggestions.h"

/* ---- masks ---- */

static void words_are_bits(void **state)
{
	json_auto_t *
		caps = load(
		       "[\"CHOWN\", \"cap_kill\", \"50\", \"63\", \"64\", \"-1\", \"5x\", \"\", 7, null]"),
	       *rules = load("[\"mounts\", \"bpf\", \"sockets\", 3]");

	assert_true(caps_from_json(caps) == (CHOWN | 1ULL << 5 | 1ULL << 50 | 1ULL << 63));
	assert_int_equal(mask_of_rules(rules), LEASTCAP_RULE_BIT(LEASTCAP_RULE_MOUNTS) |
						       LEASTCAP_RULE_BIT(LEASTCAP_RULE_BPF));
	assert_true(caps_from_json(NULL) == 0);
	assert_string_equal(mask_text(rules, "no object"), "");
}

static void all_bindings_of_a_policy_join(void **state)
{
	_cleanup_(suggestion_done) struct suggestion s = {};

	gather(&s, "web");
	/* What was only reported was done: without it something would break. A probe is no use. */
	assert_true(s.used == (CHOWN | NET_BIND));
	assert_true(s.denied == 1ULL << 21);
	assert_int_equal(json_array_size(s.bindings), 2);
	s.with_denied = true;
	assert_true(suggest_allowed(&s) == (CHOWN | NET_BIND | 1ULL << 21));
}

static void a_subject_is_a_cgroup_a_container_or_what_is_below(void **state)
{
	static const struct {
		const char *text;
		size_t bindings;
		uint64_t used;
	} cases[] = {
		{"/a/one", 1, CHOWN},
		{"/a", 2, CHOWN | NET_BIND},
		{"0123", 1, 1ULL << 18},
		{ID, 1, 1ULL << 18},
		{"other", 1, 1ULL << 18},
		{"012", 0, 0},
		{"/a/on", 0, 0},
		{"0123x", 0, 0},
		{"", 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(suggestion_done) struct suggestion s = {};

		gather(&s, cases[i].text);
		assert_int_equal(json_array_size(s.bindings), cases[i].bindings);
		assert_true(s.used == cases[i].used);
		assert_int_equal(suggest_knows(&s), cases[i].bindings > 0);
	}
}

static void rules_follow_what_was_seen(void **state)
{
	_cleanup_(suggestion_done) struct suggestion s = {};

	gather(&s, "web");
	/* Reported in one of two. */
	assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_MOUNTS), SUGGEST_ALLOW);
	assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_UNIX), SUGGEST_ALLOW);
	/* Refused, and never used. */
	assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_MODULES), SUGGEST_DENY);
	/* Used, and the list that the policy has was enough. */
	assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_CONNECT), SUGGEST_KEEP);
	/* Not watched: used all the same, or nothing is known. */
	assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_BPF), SUGGEST_ALLOW);
	assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_DEVICES), SUGGEST_UNKNOWN);
	s.with_denied = true;
	assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_MODULES), SUGGEST_ALLOW);
	/* Without the policy's own words. */
	json_decref(s.written);
	s.written = NULL;
	assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_CONNECT), SUGGEST_ALLOW);
}

/* ---- the audit trail ---- */

static void feed(struct suggestion *s, const char *text, const char *line)
{
	_cleanup_(suggest_subject_done) struct suggest_subject subject = subject_of(text);

	settle(&subject);
	suggest_subject_ended(&subject, line, strlen(line));
	assert_int_equal(suggest_event(s, &subject, line, strlen(line)), 0);
}

#define GONE(subject, policy, cap)                                                          \
	"{\"type\": \"gone\", \"policy\": " policy ", \"subject\": " subject ", "           \
	"\"capabilities\": {\"used\": [\"" cap "\"], \"denied\": [], \"would_deny\": []}, " \
	"\"rules\": {\"used\": [], \"denied\": [], \"would_deny\": [\"devices\"]}}"

/* As it is told since the end says what was watched. */
#define GONE_WATCHED(id, policy, enforced, audited, used)                                                    \
	"{\"type\": \"gone\", \"policy\": \"" policy "\", \"subject\": {\"cgroup_id\": " id                  \
	", \"binding\": \"/system.slice/a.service\", \"labels\": {\"com.docker.compose.service\": \"" policy \
	"\"}}, "                                                                                             \
	"\"capabilities\": {\"used\": [], \"denied\": [], \"would_deny\": []}, "                             \
	"\"rules\": {\"enforced\": [" enforced "], \"audited\": [" audited "], \"used\": [" used             \
	"], \"denied\": [], \"would_deny\": []}}"

static void ended(struct suggestion *s, const char *text)
{
	struct suggest_subject subject = {.text = text};
	json_auto_t *st = load("{\"bindings\": []}");

	assert_int_equal(suggestion_init(s, text), 0);
	assert_int_equal(suggest_bindings(s, &subject, st), 0);
}

/* Nothing of it is there any more: what its ends say was watched, and nobody did, is refused. */
static void what_was_watched_until_the_end_can_be_refused(void **state)
{
	_cleanup_(suggestion_done) struct suggestion s = {};
	size_t by_policy;

	ended(&s, "a.service");
	feed(&s, "a.service",
	     GONE_WATCHED("7", "p", "\"mounts\"", "\"bpf\", \"devices\"", "\"bpf\""));
	assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_MOUNTS), SUGGEST_DENY);
	assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_DEVICES), SUGGEST_DENY);
	assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_BPF), SUGGEST_ALLOW);
	assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_MODULES), SUGGEST_UNKNOWN);
	/* What one of them did not watch may have been used there. */
	feed(&s, "a.service", GONE_WATCHED("8", "p", "\"mounts\"", "", ""));
	assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_MOUNTS), SUGGEST_DENY);
	assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_DEVICES), SUGGEST_UNKNOWN);
	assert_int_equal(suggest_unsaid(&s, &by_policy), 0);
	assert_int_equal(by_policy, 0);
	/* Its policy is known by that alone, and what Compose calls it. */
	assert_non_null(json_object_get(s.policies, "p"));
	assert_non_null(json_object_get(s.services, "p"));
}

/* One that has ended, and was not watched as much as what is bound now. */
static char *at(const char *time, const char *watched)
{
	char *line;

	assert_true(
		asprintf(
			&line,
			"{\"type\": \"gone\", \"time\": \"%s\", \"policy\": \"web\", \"subject\": {\"cgroup_id\": 9},"
			" \"capabilities\": {\"used\": [\"SYS_TIME\"]}, \"rules\": {\"enforced\": [], \"audited\": [%s]}}",
			time, watched) > 0);
	return line;
}

static void what_was_once_not_watched_can_be_left_out(void **state)
{
	_cleanup_free_ char *since = suggest_time("2026-01-02 12:00");
	const char *const times[] = {NULL, since};

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		_cleanup_free_ char *old = at("2026-01-02T11:59:59.000000Z", "\"modules\""),
				    *new = at("2026-01-02T12:00:00.000001Z",
					      "\"mounts\", \"modules\""),
				    *text = NULL;
		_cleanup_(suggestion_done) struct suggestion s = {};

		assert_int_equal(suggestion_init(&s, "web"), 0);
		s.since = times[i];
		s.bound_watched = s.watched = LEASTCAP_RULE_BIT(LEASTCAP_RULE_MOUNTS) |
					      LEASTCAP_RULE_BIT(LEASTCAP_RULE_MODULES);
		s.any_watched = true;
		feed(&s, "web", old);
		feed(&s, "web", new);
		assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_MOUNTS),
				 i ? SUGGEST_DENY : SUGGEST_UNKNOWN);
		assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_MODULES), SUGGEST_DENY);
		s.name = strdup("web");
		text = suggest_text(&s, SUGGEST_POLICY, true);
		if (i)
			assert_null(strstr(text, "2026-01-02 11:59:59"));
		else
			assert_non_null(strstr(text, "until 2026-01-02 11:59:59 UTC: mounts."));
	}
	assert_null(suggest_time("yesterday"));
	assert_null(suggest_time("2026-01-02 12"));
	assert_null(suggest_time("2026-01-02T12:00:00Z"));
}

/* Told by an older leastcap: the policy, where it is still there, says it; else it is not known, and that is said. */
static void what_an_end_does_not_say_the_policy_does(void **state)
{
	static const char told[] =
		"{\"policies\": [{\"name\": \"p\", \"written\": {\"name\": \"p\", \"capabilities\": \"none\","
		" \"mode\": \"audit\", \"mounts\": \"deny\", \"modules\": \"audit\", \"devices\": \"deny\","
		" \"namespaces\": \"deny\", \"optional\": [\"namespaces\"]}}]}";

	for (int daemon = 0; daemon < 2; daemon++) {
		enum suggest_rule expected = daemon ? SUGGEST_DENY : SUGGEST_UNKNOWN;
		_cleanup_(suggestion_done) struct suggestion s = {};
		_cleanup_free_ char *text = NULL;
		json_auto_t *pol = load(told);
		size_t by_policy;

		ended(&s, "p");
		feed(&s, "p", GONE("{\"cgroup_id\": 7}", "\"p\"", "CHOWN"));
		feed(&s, "p", GONE("{\"cgroup_id\": 8}", "\"p\"", "KILL"));
		if (daemon)
			assert_int_equal(suggest_policies(&s, json_object_get(pol, "policies")), 0);
		assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_MOUNTS), expected);
		assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_MODULES), expected);
		/* Would be refused, in both. */
		assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_DEVICES), SUGGEST_ALLOW);
		/* This kernel may have left it out. */
		assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_NAMESPACES), SUGGEST_UNKNOWN);
		assert_int_equal(suggest_unsaid(&s, &by_policy), daemon ? 0 : 2);
		assert_int_equal(by_policy, daemon ? 2 : 0);
		identify(&s, "p");
		text = suggest_text(&s, SUGGEST_POLICY, true);
		assert_non_null(strstr(text, daemon ? "what the policy says now"
						    : "not known what was watched"));
		policy_set_free(parsed(&s, true));
	}
}

/* It says nothing against what is bound now, and is not passed over in silence either. */
static void what_is_bound_says_more_than_an_older_end(void **state)
{
	_cleanup_(suggestion_done) struct suggestion s = {};
	size_t by_policy;

	gather(&s, "web");
	feed(&s, "web", GONE("{\"cgroup_id\": 7, \"binding\": \"/a/x\"}", "\"gone\"", "CHOWN"));
	feed(&s, "web", GONE("{\"cgroup_id\": 7, \"binding\": \"/a/one\"}", "\"gone\"", "CHOWN"));
	assert_int_equal(suggest_unsaid(&s, &by_policy), 1);
	assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_MODULES), SUGGEST_DENY);
}

static void what_cannot_be_read_is_not_taken_for_unused(void **state)
{
	_cleanup_(suggestion_done) struct suggestion s = {};
	_cleanup_free_ char *text = NULL;
	json_auto_t *json = NULL;

	gather(&s, "web");
	suggest_incomplete(&s);
	identify(&s, "web");
	assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_MODULES), SUGGEST_UNKNOWN);
	text = suggest_text(&s, SUGGEST_POLICY, true);
	assert_non_null(strstr(text, "could be read: it may have used more"));
	json = suggest_json(&s, SUGGEST_POLICY, text);
	assert_true(json_is_true(json_object_get(json, "incomplete")));
}

static void what_has_ended_counts(void **state)
{
	_cleanup_(suggestion_done) struct suggestion s = {};

	gather(&s, "web");
	feed(&s, "web", GONE("{\"cgroup_id\": 7, \"binding\": \"/a/x\"}", "\"web\"", "SYS_TIME"));
	feed(&s, "web", GONE("{\"cgroup_id\": 7, \"binding\": \"/a/x\"}", "\"web\"", "SYS_TIME"));
	/* An earlier one of the same place, under another policy. */
	feed(&s, "web", GONE("{\"cgroup_id\": 8, \"binding\": \"/a/one\"}", "\"old\"", "KILL"));
	/* Somebody else's. */
	feed(&s, "web", GONE("{\"cgroup_id\": 9, \"binding\": \"/c\"}", "\"old\"", "SYS_BOOT"));
	feed(&s, "web", GONE("{\"cgroup_id\": 9, \"binding\": null}", "null", "SYS_BOOT"));
	assert_true(s.used == (CHOWN | NET_BIND | 1ULL << 25 | 1ULL << 5));
	assert_int_equal(json_object_size(s.ended), 2);
	/* It runs, and was bound no more; and a number means another cgroup after a boot. */
	feed(&s, "web",
	     "{\"type\": \"unbound\", \"boot\": \"b\", \"policy\": \"web\", \"subject\": {\"cgroup_id\": 8},"
	     " \"capabilities\": {\"used\": [\"SYS_CHROOT\"]}, \"rules\": {}}");
	assert_int_equal(json_object_size(s.ended), 3);
	assert_true(s.used == (CHOWN | NET_BIND | 1ULL << 25 | 1ULL << 5 | 1ULL << 18));
	assert_int_equal(suggest_rule(&s, LEASTCAP_RULE_DEVICES), SUGGEST_ALLOW);
}

#define ASKED(seq, type, item, comm, time, suppressed)                                  \
	"{\"type\": \"" type "\", \"seq\": " seq ", \"boot\": \"b\", \"time\": \"" time \
	"\", \"policy\": \"web\", \"restriction\": \"capabilities\", \"item\": \"" item \
	"\", \"syscall\": \"chown\", \"suppressed\": " suppressed ", \"subject\": {}, " \
	"\"process\": {\"comm\": \"" comm "\"}}"
#define NOON "2026-01-02T12:00:00.000000Z"
#define ONE "2026-01-02T13:00:00.000000Z"

static json_int_t count_of(const json_t *item)
{
	return json_integer_value(json_object_get(item, "count"));
}

static void events_are_evidence(void **state)
{
	_cleanup_(suggestion_done) struct suggestion s = {};
	_cleanup_free_ char *text = NULL;
	json_auto_t *json = NULL;
	const json_t *first;

	gather(&s, "web");
	feed(&s, "web", ASKED("2", "would-deny", "CHOWN", "a", ONE, "9"));
	/* The log has what the daemon remembers. */
	feed(&s, "web", ASKED("2", "would-deny", "CHOWN", "a", ONE, "9"));
	feed(&s, "web", ASKED("1", "would-deny", "CHOWN", "a", NOON, "0"));
	feed(&s, "web", ASKED("3", "would-deny", "CHOWN", "b", ONE, "-5"));
	feed(&s, "web", ASKED("4", "denied", "CHOWN", "a", ONE, "0"));
	s.name = strdup("web");
	text = suggest_text(&s, SUGGEST_SYSTEMD, true);
	json = suggest_json(&s, SUGGEST_SYSTEMD, text);
	assert_int_equal(json_array_size(json_object_get(json, "evidence")), 3);
	first = json_array_get(json_object_get(json, "evidence"), 0);
	assert_int_equal(count_of(first), 11);
	assert_string_equal(mask_text(first, "capability"), "CHOWN");
	assert_string_equal(mask_text(first, "verdict"), "allowed");
	assert_string_equal(mask_text(first, "syscall"), "chown");
	assert_string_equal(mask_text(first, "first"), NOON);
	assert_string_equal(mask_text(first, "last"), ONE);
	assert_int_equal(count_of(json_array_get(json_object_get(json, "evidence"), 1)), 1);
	assert_non_null(strstr(text, "# CHOWN: 11 times allowed, 2026-01-02 12:00:00 to "
				     "2026-01-02 13:00:00 UTC, by \"a\" in chown()\n"));
}

/* It is none itself, and belongs to what events of its verdict, item and program have told. */
static void what_a_quiet_kind_has_left_counts_as_evidence(void **state)
{
	static const char quiet[] =
		"{\"type\": \"quiet\", \"verdict\": \"would-deny\", \"seq\": 5, \"boot\": \"b\", \"time\": \"" ONE
		"\", \"policy\": \"web\", \"restriction\": \"capabilities\", \"item\": \"CHOWN\","
		" \"suppressed\": 40, \"subject\": {}, \"process\": {\"comm\": \"a\", \"exe\": null}}";
	_cleanup_(suggestion_done) struct suggestion s = {};
	json_auto_t *trail = NULL;

	gather(&s, "web");
	feed(&s, "web", ASKED("1", "would-deny", "CHOWN", "a", NOON, "1"));
	feed(&s, "web", ASKED("2", "denied", "CHOWN", "a", NOON, "0"));
	feed(&s, "web", quiet);
	feed(&s, "web", quiet);
	trail = suggest_trail_json(&s);
	assert_int_equal(json_array_size(trail), 2);
	assert_int_equal(count_of(json_array_get(trail, 0)), 42);
	assert_string_equal(mask_text(json_array_get(trail, 0), "last"), ONE);
	assert_int_equal(count_of(json_array_get(trail, 1)), 1);
}

static void evidence_of_events_has_an_end(void **state)
{
	_cleanup_(suggestion_done) struct suggestion s = {};
	char line[512];

	gather(&s, "web");
	for (int i = 0; i < EVIDENCE_MAX + 5; i++) {
		snprintf(line, sizeof(line), ASKED("%d", "denied", "KILL", "p%d", NOON, "0"), i, i);
		feed(&s, "web", line);
	}
	assert_int_equal(json_object_size(s.trail), EVIDENCE_MAX);
	assert_int_equal(s.trail_more, 5);
}

static void by_unit_by_name_by_id(void **state)
{
	static const char *const texts[] = {"a.service", "a", "box", "01234567"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(suggestion_done) struct suggestion s = {};

		assert_int_equal(suggestion_init(&s, texts[i]), 0);
		feed(&s, texts[i],
		     GONE("{\"cgroup_id\": 7, \"binding\": \"/system.slice/a.service\", \"name\": \"box\","
			  " \"container\": \"" ID "\"}",
			  "\"p\"", "CHOWN"));
		assert_true(s.used == CHOWN);
		assert_true(suggest_knows(&s));
	}
}

static void lines_of_any_kind_are_passed_over(void **state)
{
	static const char *const lines[] = {
		"",
		"{",
		"[]",
		"null",
		"{\"type\": 7}",
		"{\"type\": \"gone\", \"policy\": \"web\"}",
		"{\"type\": \"gone\", \"policy\": \"web\", \"subject\": 3, \"capabilities\": {\"used\": 1}}",
		"{\"type\": \"denied\", \"policy\": \"web\", \"restriction\": \"sockets\", \"item\": \"host-unix\", \"detail\": 7}",
		"{\"type\": \"would-deny\", \"policy\": \"web\", \"restriction\": \"sockets\", \"item\": \"none\", \"detail\": \"x\"}",
	};
	_cleanup_(suggestion_done) struct suggestion s = {};

	gather(&s, "web");
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		feed(&s, "web", lines[i]);
	assert_true(s.used == (CHOWN | NET_BIND));
	assert_int_equal(json_object_size(s.details), 0);
}

static void events_name_what_was_reported(void **state)
{
	_cleanup_(suggestion_done) struct suggestion s = {};
	_cleanup_free_ char *text = NULL;
	char line[256];

	gather(&s, "web");
	for (int i = 0; i < 40; i++) {
		snprintf(
			line, sizeof(line),
			"{\"type\": \"would-deny\", \"policy\": \"web\", \"restriction\": \"sockets\","
			" \"item\": \"host-unix\", \"detail\": \"/run/%d\\u001b\\n\"}",
			i / 2);
		feed(&s, "web", line);
	}
	feed(&s, "web",
	     "{\"type\": \"would-deny\", \"policy\": \"web\", \"restriction\": \"capabilities\", \"item\": \"overlayfs-mount\"}");
	assert_int_equal(json_array_size(json_object_get(s.details, "host-unix")), 16);
	identify(&s, "web");
	text = suggest_text(&s, SUGGEST_POLICY, true);
	assert_non_null(strstr(text, "there may be more: [\"/run/0\\\\x1b\\\\x0a\", "));
	assert_non_null(strstr(text, "no whitelist: overlayfs-mount"));
	policy_set_free(parsed(&s, true));
}

/* ---- names ---- */

static void named(const char *subject, const char *wanted)
{
	_cleanup_free_ char *name = suggest_name(subject);

	assert_string_equal(name, wanted);
	assert_true(suggest_name_good(name));
}

static void names_are_made_good(void **state)
{
	char longest[LEASTCAP_NAME_LEN];

	memset(longest, 'x', sizeof(longest));
	named("nginx.service", "nginx");
	named("/system.slice/web proxy.scope", "web-proxy");
	named("/", "suggested");
	named("", "suggested");
	named("..//..", "suggested");
	named("-\x1b[2J*\"; rm -rf $HOME", "2J-rm--rf-HOME");
	named("\xff\xfe", "suggested");
	named("getty@tty1.service", "getty-tty1");
	assert_false(suggest_name_good(""));
	assert_false(suggest_name_good("-x"));
	assert_false(suggest_name_good("a b"));
	longest[sizeof(longest) - 1] = '\0';
	assert_true(suggest_name_good(longest));
	{
		char longer[LEASTCAP_NAME_LEN + 1];

		snprintf(longer, sizeof(longer), "%sx", longest);
		assert_false(suggest_name_good(longer));
		named(longer, longest);
	}
}

/* A policy for more than what was asked for is not to be replaced by what is for less. */
static void a_policy_is_replaced_by_its_like(void **state)
{
	static const struct {
		const char *text, *name, *selectors;
	} cases[] = {
		{"web", "web", "[{\"cgroup\":\"/a/*\"}]"},
		{"/a/one", "one", "[{\"cgroup\":\"/a/one\"}]"},
		{"/a", "a", "[{\"cgroup\":\"/a/one\"},{\"cgroup\":\"/a/two\"}]"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(suggestion_done) struct suggestion s = {};
		_cleanup_free_ char *got = NULL;

		gather(&s, cases[i].text);
		identify(&s, cases[i].text);
		assert_string_equal(s.name, cases[i].name);
		got = json_dumps(s.selectors, JSON_COMPACT);
		assert_string_equal(got, cases[i].selectors);
	}
	{
		_cleanup_(suggestion_done) struct suggestion s = {};

		gather(&s, "/a/one");
		json_object_set_new(s.written, "select", json_pack("[{s:s}]", "cgroup", "/a/one"));
		identify(&s, "/a/one");
		assert_string_equal(s.name, "web");
	}
}

/* Else a kernel that cannot hold it would refuse what it took before. */
static void what_may_be_left_out_still_may(void **state)
{
	static const struct {
		const char *text;
		uint32_t optional;
	} cases[] = {
		{"web", LEASTCAP_RULE_BIT(LEASTCAP_RULE_MODULES)},
		/* It replaces nothing. */
		{"/a/one", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(policy_set_freep) struct policy_set *set = NULL;
		_cleanup_(suggestion_done) struct suggestion s = {};

		gather(&s, cases[i].text);
		json_object_set_new(s.written, "optional", json_pack("[s]", "modules"));
		identify(&s, cases[i].text);
		set = parsed(&s, true);
		assert_int_equal(set->policies[0].optional, cases[i].optional);
		assert_true(set->policies[0].deny & LEASTCAP_RULE_BIT(LEASTCAP_RULE_MODULES));
	}
}

/* Nothing of it is there now: what it was called is known. */
static void what_has_ended_has_a_selector(void **state)
{
	static const struct {
		const char *text, *selectors;
	} cases[] = {
		{"a.service", "[{\"unit\":\"a.service\"}]"},
		{"/gone", "[{\"cgroup\":\"/gone\"}]"},
		{"box", "[]"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(suggest_subject_done) struct suggest_subject subject = {};
		_cleanup_(suggestion_done) struct suggestion s = {};
		_cleanup_free_ char *got = NULL;

		assert_int_equal(suggest_subject_init(&subject, cases[i].text, NULL), 0);
		assert_int_equal(suggestion_init(&s, cases[i].text), 0);
		assert_int_equal(suggest_identify(&s, &subject, "x"), 0);
		got = json_dumps(s.selectors, JSON_COMPACT);
		assert_string_equal(got, cases[i].selectors);
		assert_string_equal(s.name, "x");
		policy_set_free(parsed(&s, true));
	}
}

/* A policy that holds nothing any more, by what has ended. */
static void a_policy_without_bindings_is_known(void **state)
{
	json_auto_t *st = load("{\"bindings\": []}"), *pol = load(policies);
	struct suggest_subject subject = {.text = "web"};
	_cleanup_(suggestion_done) struct suggestion s = {};
	_cleanup_free_ char *got = NULL;

	assert_int_equal(suggestion_init(&s, "web"), 0);
	assert_int_equal(suggest_bindings(&s, &subject, st), 0);
	feed(&s, "web", GONE("{\"cgroup_id\": 7, \"binding\": \"/a/x\"}", "\"web\"", "CHOWN"));
	assert_int_equal(suggest_policies(&s, json_object_get(pol, "policies")), 0);
	identify(&s, "web");
	got = json_dumps(s.selectors, JSON_COMPACT);
	assert_string_equal(got, "[{\"cgroup\":\"/a/*\"}]");
	assert_true(s.used == CHOWN);
}

static void selected(const char *path, const char *wanted)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	_cleanup_(suggestion_done) struct suggestion s = {};
	_cleanup_free_ char *got = NULL;

	of_caps(&s, 0);
	assert_int_equal(suggest_select(&s, path), 0);
	got = json_dumps(s.selectors, JSON_COMPACT);
	assert_string_equal(got, wanted);
	set = parsed(&s, true);
	assert_int_equal(set->policies[0].n_selectors, json_array_size(s.selectors));
}

static void a_cgroup_becomes_a_selector(void **state)
{
	selected("/web", "[{\"cgroup\":\"/web\"}]");
	selected("/system.slice/nginx.service", "[{\"unit\":\"nginx.service\"}]");
	selected("/system.slice/nginx.service/sub",
		 "[{\"cgroup\":\"/system.slice/nginx.service/sub\"}]");
	selected("/user.slice/user-1.slice/user@1.service/app.slice/x.service",
		 "[{\"cgroup\":\"/user.slice/user-1.slice/user@1.service/app.slice/x.service\"}]");
	selected("/system.slice/docker-" ID ".scope", "[{\"container\":{\"id\":\"" ID "\"}}]");
	selected("/a*b?[c]\"\\x1b: #", "[{\"cgroup\":\"/a[*]b[?][[]c]\\\"\\\\x1b: #\"}]");
	/* Everybody, and what cannot be written down. */
	selected("/", "[]");
	selected("/a\x1b[2J", "[]");
	selected("/\xff", "[]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_bits),
		cmocka_unit_test(all_bindings_of_a_policy_join),
		cmocka_unit_test(a_subject_is_a_cgroup_a_container_or_what_is_below),
		cmocka_unit_test(rules_follow_what_was_seen),
		cmocka_unit_test(what_has_ended_counts),
		cmocka_unit_test(what_was_watched_until_the_end_can_be_refused),
		cmocka_unit_test(what_was_once_not_watched_can_be_left_out),
		cmocka_unit_test(what_an_end_does_not_say_the_policy_does),
		cmocka_unit_test(what_is_bound_says_more_than_an_older_end),
		cmocka_unit_test(what_cannot_be_read_is_not_taken_for_unused),
		cmocka_unit_test(events_are_evidence),
		cmocka_unit_test(what_a_quiet_kind_has_left_counts_as_evidence),
		cmocka_unit_test(evidence_of_events_has_an_end),
		cmocka_unit_test(by_unit_by_name_by_id),
		cmocka_unit_test(lines_of_any_kind_are_passed_over),
		cmocka_unit_test(events_name_what_was_reported),
		cmocka_unit_test(names_are_made_good),
		cmocka_unit_test(a_policy_is_replaced_by_its_like),
		cmocka_unit_test(what_may_be_left_out_still_may),
		cmocka_unit_test(what_has_ended_has_a_selector),
		cmocka_unit_test(a_policy_without_bindings_is_known),
		cmocka_unit_test(a_cgroup_becomes_a_selector),
	};

	return cmocka_run_group_tests_name("suggest", tests, NULL, NULL);
}
