/* SPDX-License-Identifier: GPL-2.0-only */
/* The restrictions of the policy language: what is said of each mistake, and at which place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mistakes.h"

#define P "policies:\n- name: x\n  capabilities: all\n"

#define WORDS "words here are allow, audit and deny"

static void wrong_words(void **state)
{
	static const char *const plain[] = {"mounts", "modules", "devices", "namespaces", "bpf"};
	static const char *const mapped[] = {"sockets", "attributes", "filesystems"};
	char text[128], want[160];
	struct mistake m = {text, {want}};

	for (size_t i = 0; i < ARRAY_SIZE(plain) + ARRAY_SIZE(mapped); i++) {
		bool mapping = i >= ARRAY_SIZE(plain);
		const char *key = mapping ? mapped[i - ARRAY_SIZE(plain)] : plain[i];
		int at = (int)strlen(key) + 5;

		snprintf(text, sizeof(text), P "  %s: dney\n", key);
		snprintf(want, sizeof(want), "4:%d %s: unknown word \"dney\" | did you mean deny?",
			 at, key);
		check_mistakes(&m, 1);
		snprintf(text, sizeof(text), P "  %s: enforce\n", key);
		snprintf(want, sizeof(want),
			 "4:%d %s: unknown word \"enforce\" | did you mean deny?", at, key);
		check_mistakes(&m, 1);
		snprintf(text, sizeof(text), P "  %s: off\n", key);
		snprintf(want, sizeof(want), "4:%d %s: unknown word \"off\" | " WORDS, at, key);
		check_mistakes(&m, 1);
		snprintf(text, sizeof(text), P "  %s: [deny]\n", key);
		snprintf(want, sizeof(want), "4:%d %s: allow, audit or deny is expected%s", at, key,
			 mapping ? ", or a mapping" : "");
		check_mistakes(&m, 1);
		snprintf(text, sizeof(text), P "  %s:\n", key);
		snprintf(want, sizeof(want), "4:3 %s: allow, audit or deny is expected%s", key,
			 mapping ? ", or a mapping" : "");
		check_mistakes(&m, 1);
		if (mapping)
			continue;
		snprintf(text, sizeof(text), P "  %s: {mode: deny}\n", key);
		snprintf(want, sizeof(want), "4:%d %s: allow, audit or deny is expected", at, key);
		check_mistakes(&m, 1);
	}
}

static void wrong_attributes(void **state)
{
	static const struct mistake m[] = {
		{P "  attributes: {}\n", {"4:15 attributes: empty | write `attributes: deny`"}},
		{P "  attributes: {own-file: allow}\n",
		 {"4:16 unknown key \"own-file\" in attributes | did you mean own-files?"}},
		{P "  attributes: {own-files: alow, mode: allow}\n",
		 {"4:27 own-files: unknown word \"alow\" | did you mean allow?",
		  "4:39 unknown mode \"allow\" | modes are enforce and audit"}},
		{P "  attributes: {own-files: audit, mode: adit}\n",
		 {"4:27 own-files: unknown word \"audit\" | words here are allow and deny",
		  "4:40 unknown mode \"adit\" | did you mean audit?"}},
		{P "  attributes: {own-files: [], mode: }\n",
		 {"4:27 own-files: allow or deny is expected",
		  "4:31 mode: enforce or audit is expected"}},
	};

	check_mistakes(m, ARRAY_SIZE(m));
}

static void wrong_filesystems(void **state)
{
	static const struct mistake m[] = {
		{P "  filesystems: {}\n",
		 {"4:16 filesystems: empty | write `filesystems: deny`, or lists of types"}},
		{P "  filesystems: {mode: audit}\n",
		 {"4:3 filesystems: neither deny nor read-only | write lists of types, as in deny: "
		  "[debugfs]"}},
		{P "  filesystems: {readonly: [proc]}\n",
		 {"4:3 filesystems: neither deny nor read-only | write lists of types, as in deny: "
		  "[debugfs]",
		  "4:17 unknown key \"readonly\" in filesystems | did you mean read-only?"}},
		{P "  filesystems: {deny: debugfs}\n",
		 {"4:23 deny: a list is expected | write a list in brackets, as in [debugfs, "
		  "tracefs]"}},
		{P "  filesystems: {read-only: {proc: 1}}\n",
		 {"4:28 read-only: a list is expected | write a list in brackets, as in [proc, "
		  "sysfs]"}},
		{P "  filesystems: {deny: [/proc, /sys/fs/cgroup, /what/ever]}\n",
		 {"4:24 filesystems: \"/proc\" is a path, not a file system type | did you mean "
		  "proc?",
		  "4:31 filesystems: \"/sys/fs/cgroup\" is a path, not a file system type | did "
		  "you mean cgroup2, or cgroup for version 1?",
		  "4:47 filesystems: \"/what/ever\" is a path, not a file system type | "
		  "/proc/filesystems lists the types"}},
		{P "  filesystems: {deny: [cgroups, procfs, overlayfs]}\n",
		 {"4:24 filesystems: no file system type is called \"cgroups\" | did you mean "
		  "cgroup2, or cgroup for version 1?",
		  "4:33 filesystems: no file system type is called \"procfs\" | did you mean proc?",
		  "4:41 filesystems: no file system type is called \"overlayfs\" | did you mean "
		  "overlay?"}},
		{P "  filesystems: {deny: [DebugFS, \"a b\", \"proc\\0\"]}\n",
		 {"4:24 filesystems: \"DebugFS\" is no file system type | did you mean debugfs?",
		  "4:33 filesystems: \"a b\" is no file system type | /proc/filesystems lists the "
		  "types",
		  "4:40 filesystems: \"proc\\x00\" is no file system type | did you mean proc?"}},
		{P "  filesystems: {deny: [abcdefghijklmnopqrstuvwxyz012345]}\n",
		 {"4:24 filesystems: \"abcdefghijklmnopqrstuvwxyz012345\" is longer than 31 "
		  "characters"}},
		{P "  filesystems: {deny: [[proc], ~, \"\"]}\n",
		 {"4:24 a name is expected here", "4:32 a name is expected here",
		  "4:35 a name is expected here"}},
		{P "  filesystems: {read-only: [sysfs, proc], deny: [proc]}\n",
		 {"4:36 filesystems: \"proc\" is under deny and under read-only | what is denied "
		  "cannot be read either"}},
	};
	char text[2048] = P "  filesystems: {deny: [";
	struct mistake many = {text, {"4:3 filesystems: more than 64 types"}};
	_cleanup_free_ char *long_text = malloc(16384);
	struct mistake more = {long_text, {"4:23 more than 1024 names in one list"}};

	check_mistakes(m, ARRAY_SIZE(m));
	for (int i = 0; i < 60; i++)
		sprintf(text + strlen(text), "type%d,", i);
	strcat(text, "x], read-only: [a, b, c]}\n");
	/* 64 are enough. */
	{
		struct policy_set *set = NULL;
		struct policy_errors errs;

		assert_int_equal(policy_parse("t", text, strlen(text), &set, &errs), 0);
		policy_set_free(set);
	}
	memcpy(strstr(text, "c]}"), "c,d]}\n", 7);
	check_mistakes(&many, 1);
	strcpy(long_text, P "  filesystems: {deny: [");
	for (int i = 0; i < 1025; i++)
		strcat(long_text, "a, ");
	strcat(long_text, "]}\n");
	check_mistakes(&more, 1);
}

#define S P "  sockets: "

static void wrong_listeners(void **state)
{
	static const char long_name[] = S
		"{host-unix: {default: deny, allow: [/3456789a123456789b123456789c123456789d1234"
		"56789e123456789f123456789g123456789h123456789i123456789j123456789k]}}\n";
	static const struct mistake m[] = {
		{S "{}\n", {"4:12 sockets: empty | write `sockets: deny`"}},
		{S "{host_unix: deny, conect: deny, familes: deny, x: 1}\n",
		 {"4:13 unknown key \"host_unix\" in sockets | did you mean host-unix?",
		  "4:30 unknown key \"conect\" in sockets | did you mean connect?",
		  "4:44 unknown key \"familes\" in sockets | did you mean families?",
		  "4:59 unknown key \"x\" in sockets | keys here are: host-unix, connect, families"}},
		{S "{host-unix: dney}\n",
		 {"4:24 host-unix: unknown word \"dney\" | did you mean deny?"}},
		{S "{host-unix: [/run/x]}\n",
		 {"4:24 host-unix: allow, audit or deny is expected, or a mapping"}},
		{S "{host-unix: {}}\n", {"4:24 host-unix: empty"}},
		{S "{host-unix: {defualt: deny}}\n",
		 {"4:24 host-unix: default is missing | `default: deny` refuses what is not "
		  "listed, `default: allow` allows it",
		  "4:25 unknown key \"defualt\" in host-unix | did you mean default?"}},
		{S "{host-unix: {mode: audit}}\n",
		 {"4:24 host-unix: default is missing | `default: deny` refuses what is not "
		  "listed, `default: allow` allows it"}},
		{S "{host-unix: {allow: [/a], deny: [/b]}}\n",
		 {"4:24 host-unix: default is missing | `default: deny` refuses what is not "
		  "listed, `default: allow` allows it"}},
		{S "{host-unix: {default: audit, deny: [/b]}}\n",
		 {"4:34 default: \"audit\" is a mode | write `default: deny` and `mode: audit`"}},
		{S "{host-unix: {default: dny}}\n",
		 {"4:34 default: unknown word \"dny\" | did you mean deny?"}},
		{S "{host-unix: {default: []}}\n", {"4:34 default: allow or deny is expected"}},
		{S "{host-unix: {default: deny, deny: [/a]}}\n",
		 {"4:40 host-unix: deny adds nothing: it is the default | under `default: deny`, "
		  "allow has the exceptions"}},
		{S "{host-unix: {default: allow, allow: [/a]}}\n",
		 {"4:41 host-unix: allow adds nothing: it is the default | under `default: "
		  "allow`, deny has the exceptions"}},
		{S "{host-unix: {default: deny, allow: /a}}\n",
		 {"4:47 allow: a list is expected | write a list in brackets, as in "
		  "[/run/systemd/journal/dev-log]"}},
		{S "{host-unix: {default: deny, allow: [run/x, x, \"\"]}}\n",
		 {"4:48 host-unix: \"run/x\" is no absolute path | an abstract name begins with "
		  "\"@\"",
		  "4:55 host-unix: \"x\" is no absolute path | an abstract name begins with \"@\"",
		  "4:58 a name is expected here"}},
		{S "{host-unix: {default: deny, allow: [\"/a\\0b\", \"@\\e\", \"/run/*\"]}}\n",
		 {"4:48 host-unix: control character in \"/a\\x00b\"",
		  "4:57 host-unix: control character in \"@\\x1b\"",
		  "4:64 host-unix: \"/run/*\": patterns are not supported | write the name that "
		  "the listener is bound to"}},
		{S "{host-unix: {default: deny, allow: [/, /run/, \"@\"]}}\n",
		 {"4:48 host-unix: \"/\" cannot be the name of a socket",
		  "4:51 host-unix: \"/run/\" cannot be the name of a socket",
		  "4:58 host-unix: \"@\" cannot be the name of a socket"}},
		{long_name,
		 {"4:48 host-unix: "
		  "\"/3456789a123456789b123456789c123456789d123456789e123456789f123456789g12345...\" "
		  "is longer than 108 bytes"}},
	};

	check_mistakes(m, ARRAY_SIZE(m));
}

#define EXAMPLES "as in 10.0.0.0/8, \"10.1.2.3:443\", \"[2001:db8::/32]:53\" or \"*:25\""

static void wrong_destinations(void **state)
{
	static const struct {
		const char *entry, *said;
	} entries[] = {
		{"x", "connect: \"x\" is no address | names are not resolved: write the address"},
		{"db.example:80", "connect: \"db.example:80\" is no address | names are not "
				  "resolved: write the address"},
		{"10.0.0", "connect: \"10.0.0\" is no address | " EXAMPLES},
		{"10.0.0.256", "connect: \"10.0.0.256\" is no address | " EXAMPLES},
		{"10.0.0.01", "connect: \"10.0.0.01\" is no address | " EXAMPLES},
		{"1.2.3.4 ", "connect: \"1.2.3.4 \" is no address | " EXAMPLES},
		{"2001:db8:::1", "connect: \"2001:db8:::1\" is no address | " EXAMPLES},
		{"fe80::1%3", "connect: \"fe80::1%3\" is no address | " EXAMPLES},
		{"[2001:db8::", "connect: \"[2001:db8::\" is no address | " EXAMPLES},
		{"[2001:db8::]/32:53", "connect: \"[2001:db8::]/32:53\" is no address | " EXAMPLES},
		{"[10.0.0.0/8]:53", "connect: \"[10.0.0.0/8]:53\" is no address | " EXAMPLES},
		{"[*]:53", "connect: \"[*]:53\" is no address | " EXAMPLES},
		{"*/0", "connect: \"*/0\" is no address | " EXAMPLES},
		{"**", "connect: \"**\" is no address | " EXAMPLES},
		{":53", "connect: \":53\" is no address | " EXAMPLES},
		{"/8", "connect: \"/8\" is no address | " EXAMPLES},
		{"10.0.0.0\\0/8", "connect: \"10.0.0.0\\x00/8\" is no address | " EXAMPLES},
		{"10.0.0.0/33", "connect: \"10.0.0.0/33\": an IPv4 prefix has 0 to 32 bits"},
		{"10.0.0.0/", "connect: \"10.0.0.0/\": an IPv4 prefix has 0 to 32 bits"},
		{"10.0.0.0/-8", "connect: \"10.0.0.0/-8\": an IPv4 prefix has 0 to 32 bits"},
		{"10.0.0.0/255.0.0.0",
		 "connect: \"10.0.0.0/255.0.0.0\": an IPv4 prefix has 0 to 32 bits"},
		{"2001:db8::/129", "connect: \"2001:db8::/129\": an IPv6 prefix has 0 to 128 bits"},
		{"2001:db8::/32:53",
		 "connect: \"2001:db8::/32:53\": an IPv6 prefix has 0 to 128 bits | with a port it "
		 "is written \"[2001:db8::/32]:53\""},
		{"10.1.2.3:0", "connect: \"10.1.2.3:0\": a port is a number from 1 to 65535 | one "
			       "port for each entry; without one it is any port"},
		{"*:65536", "connect: \"*:65536\": a port is a number from 1 to 65535 | one port "
			    "for each entry; without one it is any port"},
		{"*:", "connect: \"*:\": a port is a number from 1 to 65535 | one port for each "
		       "entry; without one it is any port"},
		{"*:80-90", "connect: \"*:80-90\": a port is a number from 1 to 65535 | one port "
			    "for each entry; without one it is any port"},
		{"10.0.0.0/8:http", "connect: \"10.0.0.0/8:http\": a port is a number from 1 to "
				    "65535 | one port for each entry; without one it is any port"},
		{"10.1.2.3/8", "connect: \"10.1.2.3/8\" has bits behind its prefix | did you mean "
			       "10.0.0.0/8?"},
		{"10.1.2.3/31:443", "connect: \"10.1.2.3/31:443\" has bits behind its prefix | did "
				    "you mean 10.1.2.2/31:443?"},
		{"10.1.2.3/0", "connect: \"10.1.2.3/0\" has bits behind its prefix | did you mean "
			       "0.0.0.0/0?"},
		{"[2001:db8::1/33]:53", "connect: \"[2001:db8::1/33]:53\" has bits behind its "
					"prefix | did you mean \"[2001:db8::/33]:53\"?"},
		{"2001:db8::1/127", "connect: \"2001:db8::1/127\" has bits behind its prefix | did "
				    "you mean 2001:db8::/127?"},
		{"0.0.0.0:80", "connect: \"0.0.0.0:80\" is connected to as the loopback address | "
			       "did you mean 127.0.0.1 or 0.0.0.0/0?"},
		{"::", "connect: \"::\" is connected to as the loopback address | did you mean ::1 "
		       "or ::/0?"},
		{"", "an address is expected here | " EXAMPLES},
	};
	static const struct mistake m[] = {
		{S "{connect: {}}\n", {"4:22 connect: empty"}},
		{S "{connect: {allow: [10.0.0.1], deny: [10.0.0.2]}}\n",
		 {"4:22 connect: default is missing | `default: deny` refuses what is not listed, "
		  "`default: allow` allows it"}},
		{S "{connect: {default: allow, allow: [10.0.0.1]}}\n",
		 {"4:39 connect: allow adds nothing: it is the default, and nothing is denied | "
		  "write `default: deny` to refuse all others"}},
		{S "{connect: {default: deny, allow: 10.0.0.1}}\n",
		 {"4:45 allow: a list is expected | write a list in brackets, as in "
		  "[\"10.0.0.0/8:443\"]"}},
		{S "{connect: {default: deny, allow: [[], ~]}}\n",
		 {"4:46 an address is expected here | " EXAMPLES,
		  "4:50 an address is expected here | " EXAMPLES}},
		{S "{connect: {default: deny, allow: [10.0.0.0/8, 10.0.0.1/32], deny: [10.0.0.1, "
		   "10.0.0.0/8]}}\n",
		 {"4:79 connect: both allowed and denied; the other one is at line 4, column 58",
		  "4:89 connect: both allowed and denied; the other one is at line 4, column 46"}},
		/* Other ports are other entries. */
		{S "{connect: {default: deny, allow: [\"*:53\", \"*\"], deny: [\"*:25\", "
		   "\"*:53\"]}}\n",
		 {"4:75 connect: both allowed and denied; the other one is at line 4, column 46"}},
		{S "{connect: {default: deny, allow: [\"::/0\"], deny: [\"::/0\"]}}\n",
		 {"4:62 connect: both allowed and denied; the other one is at line 4, column 46"}},
		{S "{connect: {default: deny, allow: [\"::ffff:10.0.0.0/104\"], deny: "
		   "[10.0.0.0/8]}}\n",
		 {"4:77 connect: both allowed and denied; the other one is at line 4, column 46"}},
	};
	_cleanup_free_ char *text = malloc(32768);
	struct mistake more = {text, {"4:45 connect: more than 4096 addresses in one list"}};

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		char one[256], want[300];
		struct mistake wrong = {one, {want}};

		snprintf(one, sizeof(one), S "{connect: {default: allow, deny: [\"%s\"]}}\n",
			 entries[i].entry);
		snprintf(want, sizeof(want), "4:46 %s", entries[i].said);
		check_mistakes(&wrong, 1);
	}
	check_mistakes(m, ARRAY_SIZE(m));
	strcpy(text, S "{connect: {default: deny, allow: [");
	for (int i = 0; i < 4097; i++)
		strcat(text, "::1, ");
	strcat(text, "]}}\n");
	check_mistakes(&more, 1);
}

static void wrong_families(void **state)
{
	static const struct mistake m[] = {
		{S "{families: {}}\n", {"4:23 families: empty | as in { deny: [alg, vsock] }"}},
		{S "{families: {mode: audit}}\n",
		 {"4:23 families: neither allow nor deny | as in { deny: [alg, vsock] }"}},
		{S "{families: {default: deny}}\n",
		 {"4:23 families: neither allow nor deny | as in { deny: [alg, vsock] }",
		  "4:24 unknown key \"default\" in families | keys here are: allow, deny, mode"}},
		{S "{families: [alg]}\n",
		 {"4:23 families: allow, audit or deny is expected, or a mapping"}},
		{S "{families: {deny: alg}}\n",
		 {"4:30 deny: a list is expected | write a list in brackets, as in [alg, vsock]"}},
		{S "{families: {allow: [inet], deny: [alg]}}\n",
		 {"4:39 families: allow and deny exclude each other | what allow does not list is "
		  "denied already"}},
		{S "{families: {deny: [agl, AF_BLUETOTH, 38, []]}}\n",
		 {"4:31 families: unknown address family \"agl\" | did you mean alg?",
		  "4:36 families: unknown address family \"AF_BLUETOTH\" | did you mean bluetooth?",
		  "4:49 families: unknown address family \"38\" | address_families(7) lists them, "
		  "as in inet6",
		  "4:53 an address family's name is expected here"}},
		{S "{families: {deny: [AF_, \"\", \"alg\\0\"]}}\n",
		 {"4:31 families: unknown address family \"AF_\" | address_families(7) lists them, "
		  "as in inet6",
		  "4:36 families: unknown address family \"\" | address_families(7) lists them, as "
		  "in inet6",
		  "4:40 families: unknown address family \"alg\\x00\" | did you mean alg?"}},
	};

	check_mistakes(m, ARRAY_SIZE(m));
}

static void wrong_optional_and_profile(void **state)
{
	static const struct mistake m[] = {
		{P "  optional: mounts\n",
		 {"4:13 optional: a list is expected | write a list in brackets, as in "
		  "[namespaces]"}},
		{P "  optional: [mount, familie, capabilities, []]\n",
		 {"4:14 optional: unknown restriction \"mount\" | did you mean mounts?",
		  "4:21 optional: unknown restriction \"familie\" | did you mean families?",
		  "4:30 optional: capabilities cannot be left out | every kernel that can hold a "
		  "policy holds them",
		  "4:44 a restriction's name is expected here"}},
		{P "  optional: [socket, quux]\n",
		 {"4:14 optional: unknown restriction \"socket\" | did you mean sockets?",
		  "4:22 optional: unknown restriction \"quux\" | words here are those of "
		  "restrictions, and host-unix, connect, families"}},
		{P "  profile: contaner\n",
		 {"4:12 unknown profile \"contaner\" | did you mean container?"}},
		{P "  profile: pod\n",
		 {"4:12 unknown profile \"pod\" | the only profile is container"}},
		{P "  profile: [container]\n",
		 {"4:12 profile: a name is expected | write `profile: container`"}},
		{P "  profile:\n",
		 {"4:3 profile: a name is expected | write `profile: container`"}},
		/* A policy that has only a wrong profile is wrong once. */
		{"policies:\n- name: x\n  profile: x\n",
		 {"3:12 unknown profile \"x\" | the only profile is container"}},
	};

	check_mistakes(m, ARRAY_SIZE(m));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_words),
		cmocka_unit_test(wrong_attributes),
		cmocka_unit_test(wrong_filesystems),
		cmocka_unit_test(wrong_listeners),
		cmocka_unit_test(wrong_destinations),
		cmocka_unit_test(wrong_families),
		cmocka_unit_test(wrong_optional_and_profile),
	};

	return cmocka_run_group_tests_name("restriction mistakes", tests, NULL, NULL);
}
