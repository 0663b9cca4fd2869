/* SPDX-License-Identifier: GPL-2.0-only */
/* Words of events, whether a policy refuses what they say, and the smallest change that allows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <linux/capability.h>

#include "base/words.h"
#include "explain/meaning.h"
#include "explain/yaml.h"

#include "refusals.h"

/* ---- words ---- */

static void everything_has_a_meaning(void **state)
{
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		assert_non_null(meaning_capability(cap));
		assert_in_range(meaning_danger(cap), 1, 3);
	}
	assert_null(meaning_capability(63));
	assert_int_equal(meaning_danger(63), 3);
	for (uint32_t rule = 0; rule < LEASTCAP_RULES; rule++)
		assert_non_null(meaning_rule(rule));
	assert_null(meaning_rule(LEASTCAP_RULES));
	for (uint32_t item = 64; item < LEASTCAP_ITEMS(LEASTCAP_RESTRICTIONS); item++)
		assert_int_equal(!word_item(item), !meaning_item(item));
	assert_string_equal(meaning_call("sethostname", CAP_SYS_ADMIN), "set the host name");
	assert_string_equal(meaning_call("setdomainname", CAP_SYS_ADMIN), "set the domain name");
	assert_null(meaning_call("sethostname", CAP_CHOWN));
	assert_null(meaning_call("hostname", CAP_SYS_ADMIN));
	assert_null(meaning_call("", CAP_SYS_ADMIN));
	assert_null(meaning_call("setuid setreuid", CAP_SETUID));
	assert_null(meaning_call(NULL, CAP_SYS_ADMIN));
}

static void words_of_events_are_numbers(void **state)
{
	static const struct {
		const char *event;
		int err;
	} bad[] = {
		{"{}", -EBADMSG},
		{"[]", -EBADMSG},
		{"{\"type\": \"born\", \"restriction\": \"capabilities\", \"item\": \"CHOWN\"}",
		 -EBADMSG},
		{"{\"type\": \"quiet\", \"restriction\": \"capabilities\", \"item\": \"CHOWN\"}",
		 -EBADMSG},
		{"{\"type\": \"denied\", \"restriction\": \"teapots\", \"item\": \"CHOWN\"}",
		 -ENOENT},
		{"{\"type\": \"denied\", \"restriction\": [], \"item\": {}}", -ENOENT},
		{"{\"type\": \"denied\", \"restriction\": \"capabilities\", \"item\": 21}",
		 -ENODATA},
		{"{\"type\": \"denied\", \"restriction\": \"capabilities\", \"item\": \"mount\"}",
		 -ENODATA},
		{"{\"type\": \"denied\", \"restriction\": \"mounts\", \"item\": \"CHOWN\"}",
		 -ENODATA},
		{"{\"type\": \"denied\", \"restriction\": \"mounts\", \"item\": \"\"}", -ENODATA},
	};
	struct refused r;

	for (uint32_t item = 64; item < LEASTCAP_ITEMS(LEASTCAP_RESTRICTIONS); item++) {
		uint32_t restriction = LEASTCAP_ITEM_RESTRICTION(item);

		if (!word_item(item))
			continue;
		r = refused(word_restriction(restriction), word_item(item), NULL);
		assert_int_equal(r.item, item);
		if (restriction)
			assert_int_equal(rule_restriction((uint32_t)r.rule), restriction);
		else
			assert_int_equal(r.rule, -1);
	}
	r = refused("capabilities", "SYS_ADMIN", NULL);
	assert_int_equal(r.item, CAP_SYS_ADMIN);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		json_auto_t *event = json_loads(bad[i].event, 0, NULL);

		assert_non_null(event);
		assert_int_equal(refused_of_event(event, &r), bad[i].err);
	}
}

/* ---- addresses ---- */

static void addresses_are_those_that_are_judged(void **state)
{
	static const char *const bad[] = {
		"",	 ":80",	    "1.2.3.4", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:65536",
		"[::1]", "[::1:80", "::1:80",  "family 9", "1.2.3:80",	"[1.2.3.4]:80"};
	uint8_t address[16];
	uint16_t port;

	assert_int_equal(refused_address("192.0.2.1:80", address, &port), 0);
	assert_int_equal(port, 80);
	assert_memory_equal(address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16);
	assert_int_equal(refused_address("[::ffff:192.0.2.1]:0", address, &port), 0);
	assert_memory_equal(address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16);
	assert_int_equal(refused_address("0.0.0.0:1", address, &port), 0);
	assert_memory_equal(address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
	assert_int_equal(refused_address("[::]:1", address, &port), 0);
	assert_memory_equal(address, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(refused_address(bad[i], address, &port), -EINVAL);
}

static void destinations_are_judged_as_in_the_kernel(void **state)
{
	static const char text[] =
		"policies:\n"
		"  - name: web\n"
		"    capabilities: none\n"
		"    sockets:\n"
		"      connect:\n"
		"        default: deny\n"
		"        allow: [10.0.0.0/8, \"*:53\", \"192.0.2.0/25\", \"10.1.2.3:22\"]\n"
		"        deny: [\"10.1.0.0/16:22\", 10.1.2.3]\n";
	static const struct {
		const char *address;
		enum refuses refuses;
	} cases[] = {
		{"10.0.0.1:80", REFUSES_NOT},  {"10.1.0.1:80", REFUSES_NOT},
		{"10.1.0.1:22", REFUSES},      {"10.1.2.3:80", REFUSES},
		{"10.1.2.3:22", REFUSES_NOT},  {"11.0.0.1:80", REFUSES},
		{"11.0.0.1:53", REFUSES_NOT},  {"192.0.2.127:1", REFUSES_NOT},
		{"192.0.2.128:1", REFUSES},    {"[2001:db8::1]:53", REFUSES_NOT},
		{"[2001:db8::1]:54", REFUSES}, {"[::ffff:10.0.0.1]:80", REFUSES_NOT},
		{"family 40", REFUSES_MAYBE},
	};
	json_auto_t *policy = written(text);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct refused r = refused("sockets", "connect", cases[i].address);

		assert_int_equal(refuses(policy, &r), cases[i].refuses);
	}
}

/* ---- changes ---- */

/* The detail that an event of an item may have in FULL. */
static const char *detail_of(uint32_t item)
{
	switch (item) {
	case LEASTCAP_ITEM_UNIX:
		return "/run/docker.sock";
	case LEASTCAP_ITEM_CONNECT:
	case LEASTCAP_ITEM_SOURCE_ROUTE:
		return "10.1.2.3:2375";
	case LEASTCAP_ITEM_FAMILY:
		return "alg";
	case LEASTCAP_ITEM_FS_OPEN:
		return "debugfs";
	case LEASTCAP_ITEM_FS_WRITE:
	case LEASTCAP_ITEM_FS_RECEIVE:
		return "proc";
	default:
		return NULL;
	}
}

/* YAML and JSON are the same policy. */
static void same_in_yaml(const json_t *policy)
{
	_cleanup_free_ char *text = yaml_policy(policy);
	json_auto_t *again = NULL, *parsed = NULL;
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;

	assert_non_null(text);
	again = written(text);
	/* Lists of addresses have an order of their own. */
	assert_int_equal(change_parse(policy, &set), 0);
	parsed = policy_to_json(&set->policies[0]);
	assert_true(json_equal(again, parsed));
}

static void a_change_allows_what_was_refused(void **state)
{
	const char *why;

	for (uint32_t item = 0; item < LEASTCAP_ITEMS(LEASTCAP_RESTRICTIONS); item++) {
		json_auto_t *policy = written(FULL), *before = json_deep_copy(policy);
		uint32_t restriction = LEASTCAP_ITEM_RESTRICTION(item);
		struct refused r = {.item = item, .rule = -1};
		int err;

		if (item >= 64 ? !word_item(item) : item > CAP_LAST_CAP)
			continue;
		if (item >= 64)
			r = refused(word_restriction(restriction), word_item(item),
				    detail_of(item));
		err = change_allow(policy, &r, &why);
		if (item == CAP_CHOWN || item == CAP_KILL) {
			assert_int_equal(err, -EALREADY);
		} else if (item >= 64 && restriction == 0) {
			assert_int_equal(err, -EOPNOTSUPP);
			assert_non_null(why);
			assert_true(json_equal(policy, before));
		} else {
			assert_int_equal(err, 0);
			assert_int_equal(refuses(policy, &r), REFUSES_NOT);
			assert_false(json_equal(policy, before));
			same_in_yaml(policy);
			/* Nothing is left to be done. */
			assert_int_equal(change_allow(policy, &r, &why), -EALREADY);
		}
	}
}

static void allows_with(const char *rule, bool socket, struct refused r, const char *wanted)
{
	json_auto_t *policy = written(FULL);
	_cleanup_free_ char *text = NULL;
	const json_t *from = policy;
	const char *why;

	assert_int_equal(change_allow(policy, &r, &why), 0);
	if (socket)
		from = json_object_get(policy, "sockets");
	text = yaml_rule(rule, json_object_get(from, rule));
	assert_string_equal(text, wanted);
}

static void a_change_is_the_smallest(void **state)
{
	allows_with("capabilities", false, refused("capabilities", "SYS_ADMIN", NULL),
		    "capabilities: { allow: [CHOWN, KILL, SYS_ADMIN] }");
	allows_with("mounts", false, refused("mounts", "bind", "/mnt"), "mounts: allow");
	allows_with("host-unix", true, refused("sockets", "host-unix", "@app"),
		    "host-unix: { default: deny, allow: [/run/log.sock, \"@app\"] }");
	allows_with("host-unix", true, refused("sockets", "host-unix", "(no name)"),
		    "host-unix: allow");
	allows_with("host-unix", true, refused("sockets", "host-unix", "/run/\\x1b"),
		    "host-unix: allow");
	/* A pattern is no name. */
	allows_with("host-unix", true, refused("sockets", "host-unix", "/run/*"),
		    "host-unix: allow");
	/* By its port, though its network is refused by it. */
	allows_with("connect", true, refused("sockets", "connect", "10.9.9.9:2375"),
		    "connect: { default: allow, allow: [\"10.9.9.9:2375\"], deny: "
		    "[169.254.169.254, \"10.0.0.0/8:2375\"] }");
	allows_with("connect", true, refused("sockets", "connect", "169.254.169.254:80"),
		    "connect: { default: allow, allow: [\"169.254.169.254:80\"], deny: "
		    "[169.254.169.254, \"10.0.0.0/8:2375\"] }");
	/* An entry cannot be in both lists. */
	allows_with("connect", true, refused("sockets", "connect", "169.254.169.254:0"),
		    "connect: { default: allow, allow: [169.254.169.254], deny: "
		    "[\"10.0.0.0/8:2375\"] }");
	allows_with("families", true, refused("sockets", "family", "alg"),
		    "families: { deny: [vsock] }");
	allows_with("families", true, refused("sockets", "family", "family 61"), "families: allow");
	allows_with("filesystems", false, refused("filesystems", "open", "tracefs"),
		    "filesystems: { deny: [debugfs], read-only: [proc, sysfs] }");
	allows_with("filesystems", false, refused("filesystems", "write", "/sys/kernel/hostname"),
		    "filesystems: { deny: [debugfs, tracefs], read-only: [sysfs] }");
	allows_with("filesystems", false, refused("filesystems", "write", ".../a/b/c/d"),
		    "filesystems: allow");
}

static void docker_s_list_is_told_by_its_name(void **state)
{
	json_auto_t *policy = written("policies:\n  - name: c\n    profile: container\n");
	struct refused r = refused("capabilities", "NET_ADMIN", NULL);
	_cleanup_free_ char *before = yaml_rule("capabilities",
						json_object_get(policy, "capabilities")),
			    *after = NULL;
	const char *why;

	assert_string_equal(before, "capabilities: { base: docker-default }");
	assert_int_equal(change_allow(policy, &r, &why), 0);
	after = yaml_rule("capabilities", json_object_get(policy, "capabilities"));
	assert_string_equal(after, "capabilities: { base: docker-default, add: [NET_ADMIN] }");
	same_in_yaml(policy);
}

static void a_default_of_deny_gets_an_exception(void **state)
{
	json_auto_t *policy =
		written("policies:\n"
			"  - name: web\n"
			"    capabilities: all\n"
			"    sockets: { host-unix: deny, connect: deny, families: deny }\n"
			"    filesystems: deny\n");
	static const struct {
		const char *restriction, *item, *detail;
	} cases[] = {
		{"sockets", "host-unix", "/run/x y"},
		{"sockets", "host-unix", "@\"quoted\", yaml: # {"},
		{"sockets", "host-unix", "/run/'it'"},
		{"sockets", "host-unix", "/run/\xc3\xa4"},
		{"sockets", "connect", "10.0.0.1:80"},
		{"sockets", "connect", "[2001:db8::1]:443"},
		{"sockets", "connect", "[2001:db8::2]:0"},
		{"sockets", "connect", "0.0.0.0:8080"},
		{"sockets", "family", "alg"},
		{"filesystems", "open", "debugfs"},
		{"filesystems", "write", "cgroup2"},
	};

	same_in_yaml(policy);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct refused r = refused(cases[i].restriction, cases[i].item, cases[i].detail);
		const char *why;

		assert_int_equal(refuses(policy, &r), REFUSES);
		assert_int_equal(change_allow(policy, &r, &why), 0);
		assert_null(why);
		assert_int_equal(refuses(policy, &r), REFUSES_NOT);
		same_in_yaml(policy);
	}
	/* All of them are exceptions: the rule itself is still there. */
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct refused other = refused("sockets", "connect", "10.0.0.2:80");

		assert_int_equal(refuses(policy, &other), REFUSES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_has_a_meaning),
		cmocka_unit_test(words_of_events_are_numbers),
		cmocka_unit_test(addresses_are_those_that_are_judged),
		cmocka_unit_test(destinations_are_judged_as_in_the_kernel),
		cmocka_unit_test(a_change_allows_what_was_refused),
		cmocka_unit_test(a_change_is_the_smallest),
		cmocka_unit_test(docker_s_list_is_told_by_its_name),
		cmocka_unit_test(a_default_of_deny_gets_an_exception),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
