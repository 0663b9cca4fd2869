/* SPDX-License-Identifier: GPL-2.0-only */
/* The policy language: what is said of each mistake, and at which place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "mistakes.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

#define P "policies:\n- name: x\n"
#define PC P "  capabilities: all\n"

static void wrong_files_and_keys(void **state)
{
	static const char begin[] = "a policy file begins with `policies:`";
	static const struct mistake m[] = {
		{"", {"0:0 no policies | a policy file begins with `policies:`"}},
		{"# only\n", {"0:0 no policies | a policy file begins with `policies:`"}},
		{"---\n", {"1:1 no policies | a policy file begins with `policies:`"}},
		{"~", {"1:1 no policies | a policy file begins with `policies:`"}},
		{"{}", {"1:1 no policies | a policy file begins with `policies:`"}},
		{"hello", {"1:1 not a policy file | a policy file begins with `policies:`"}},
		{"- a\n", {"1:1 not a policy file | a policy file begins with `policies:`"}},
		{"policies:\n",
		 {"1:1 policies: no policies | a policy begins with \"- name: ...\""}},
		{"policies: []\n",
		 {"1:11 policies: no policies | a policy begins with \"- name: ...\""}},
		{"policies: {name: x}\n",
		 {"1:11 policies: a list is expected | a policy begins with \"- name: ...\""}},
		{"polices: []\n",
		 {"1:1 unknown key \"polices\" in a policy file | did you mean policies?"}},
		{"foo: 1\n" PC,
		 {"1:1 unknown key \"foo\" in a policy file | keys here are: policies, version, "
		  "include, bases, defaults"}},
		{"version: 2\n" PC, {"1:10 version: only 1 is known"}},
		{"name: x\ncapabilities: all\n",
		 {"1:1 name: is a key of a policy, not of the file | policies are a list below "
		  "`policies:`; each begins with \"- name: ...\""}},
		{"mounts: deny\n",
		 {"1:1 mounts: is a key of a policy, not of the file | policies are a list below "
		  "`policies:`; each begins with \"- name: ...\""}},
		{"policies:\n- 7\n",
		 {"2:3 a policy is expected here | a policy begins with \"- name: ...\""}},
		{"policies:\n  - # c-d\n  - a\n",
		 {"2:3 a policy is expected here | a policy begins with \"- name: ...\"",
		  "3:5 a policy is expected here | a policy begins with \"- name: ...\""}},
		{PC "  selct: []\n",
		 {"4:3 unknown key \"selct\" in a policy | did you mean select?"}},
		{PC "  zzz: 1\n",
		 {"4:3 unknown key \"zzz\" in a policy | keys here are: name, "
		  "select, mode, profile, capabilities, mounts, modules, sockets, devices, attributes, "
		  "filesystems, namespaces, bpf, optional"}},
		{PC "  mode: audit\n  mode: enforce\n",
		 {"5:3 duplicate key \"mode\"; the first one is at line 4, column 3"}},
		{PC "  ? [a]\n  : b\n", {"4:5 a key must be a word"}},
		{PC "  <<: {mode: audit}\n", {"4:3 merge keys (<<) are not supported"}},
		{P "  capabilities: !!str all\n", {"3:17 YAML tags (\"!...\") are not supported"}},
		{PC "---\n" PC,
		 {"5:1 more than one YAML document in the file; put all policies into one"}},
	};

	assert_non_null(strstr(m[0].errors[0], begin));
	check_mistakes(m, ARRAY_SIZE(m));
}

static void wrong_names_and_modes(void **state)
{
	static const struct mistake m[] = {
		{"policies:\n- capabilities: all\n",
		 {"2:3 name: missing | a policy begins with \"- name: ...\""}},
		{"policies:\n- name:\n  capabilities: all\n", {"2:3 name: a name is expected"}},
		{"policies:\n- name: []\n  capabilities: all\n", {"2:9 name: a name is expected"}},
		{"policies:\n- name: -x\n  capabilities: all\n",
		 {"2:9 name: \"-x\" cannot be a policy's name | letters, digits, and \".\", \"_\", "
		  "\"-\" but not at the beginning"}},
		{"policies:\n- name: \"a\\x1b[0m\\0\"\n  capabilities: all\n",
		 {"2:9 name: \"a\\x1b[0m\\x00\" cannot be a policy's name | letters, digits, and "
		  "\".\", \"_\", \"-\" but not at the beginning"}},
		{"policies:\n- name: "
		 "a123456789b123456789c123456789d123456789e123456789f123456789g123\n"
		 "  capabilities: all\n",
		 {"2:9 name: \"a123456789b123456789c123456789d123456789e123456789f123456789g123\" "
		  "is longer than 63 characters"}},
		{PC "- name: x\n  capabilities: all\n",
		 {"4:9 duplicate policy name \"x\"; the other one is at line 2, column 9"}},
		{PC "  mode: enforcing\n",
		 {"4:9 unknown mode \"enforcing\" | did you mean enforce?"}},
		{PC "  mode: off\n", {"4:9 unknown mode \"off\" | modes are enforce and audit"}},
		{PC "  mode:\n", {"4:3 mode: enforce or audit is expected"}},
	};

	check_mistakes(m, ARRAY_SIZE(m));
}

static void wrong_capabilities(void **state)
{
	static const struct mistake m[] = {
		{P, {"2:3 capabilities: missing; write `capabilities: none` to allow none"}},
		{P "  capabilities:\n", {"3:3 capabilities: empty | write none to allow none"}},
		{P "  capabilities: {}\n",
		 {"3:17 capabilities: empty | write `capabilities: none` to allow none"}},
		{P "  capabilities: [NET_BIND_SERVCE]\n",
		 {"3:18 unknown capability \"NET_BIND_SERVCE\" | did you mean NET_BIND_SERVICE?"}},
		{P "  capabilities: [ROOT, KILL, CHWON]\n",
		 {"3:18 unknown capability \"ROOT\" | capabilities(7) lists them, as in "
		  "NET_BIND_SERVICE",
		  "3:30 unknown capability \"CHWON\" | did you mean CHOWN?"}},
		{P "  capabilities: [all]\n",
		 {"3:18 \"all\" is no capability and cannot be part of a list | without brackets "
		  "it stands for the whole set"}},
		{P "  capabilities: [[KILL], ~]\n",
		 {"3:18 a capability's name is expected here",
		  "3:26 a capability's name is expected here"}},
		{P "  capabilities: NET_RAW\n",
		 {"3:17 capabilities: \"NET_RAW\" is one capability, no list | did you mean "
		  "[NET_RAW]?"}},
		{P "  capabilities: restricted\n",
		 {"3:17 capabilities: \"restricted\" is a base, no list | did you mean { base: "
		  "restricted }?"}},
		{P "  capabilities: nnone\n",
		 {"3:17 capabilities: unknown word \"nnone\" | did you mean none?"}},
		{P "  capabilities: {allow: {}}\n",
		 {"3:25 allow: all, none or a list of capabilities is expected"}},
		{P "  capabilities: {allow: [], add: [KILL]}\n",
		 {"3:18 allow cannot be combined with base, add or drop | a base is changed by "
		  "add and drop; allow is the whole list"}},
		{P "  capabilities: {add: [KILL]}\n",
		 {"3:18 add needs a base to change | bases are docker-default, restricted, none, "
		  "all, and those below `bases:`"}},
		{P "  capabilities: {base: dockerdefault}\n",
		 {"3:24 unknown base \"dockerdefault\" | did you mean docker-default?"}},
		{P "  capabilities: {base: x}\n",
		 {"3:24 unknown base \"x\" | bases are docker-default, restricted, none, all, "
		  "and those below `bases:`"}},
		{P "  capabilities: {base: all, drop: NET_RAW}\n",
		 {"3:35 drop: a list of capabilities is expected | write a list in brackets, as in "
		  "[NET_RAW]"}},
		{P "  capabilities: {base: none, add: [KILL, CHOWN], drop: [KILL]}\n",
		 {"3:50 both added and dropped: KILL"}},
		{P "  capabilities: {alow: [KILL]}\n",
		 {"3:18 unknown key \"alow\" in capabilities | did you mean allow?"}},
	};

	check_mistakes(m, ARRAY_SIZE(m));
}

#define S PC "  select:\n  - "

static void wrong_selectors(void **state)
{
	static const struct mistake m[] = {
		{PC "  select:\n", {"4:3 select: a list of selectors is expected"}},
		{PC "  select: {unit: a.service}\n",
		 {"4:11 select: a list of selectors is expected | put \"- \" before each selector"}},
		{S "nginx.service\n",
		 {"5:5 a selector is expected: container, pod, unit, cgroup or any "
		  "| as in: - unit: \"nginx.service\""}},
		{S "{}\n", {"5:5 empty selector | any line may match: write one line for each"}},
		{S "{unit: a.service, any: container}\n",
		 {"5:5 more than one key in one selector | any line may match: write one line for "
		  "each"}},
		{S "unti: a.service\n",
		 {"5:5 unknown key \"unti\" in a selector | did you mean "
		  "unit?"}},
		{S "any: containers\n",
		 {"5:10 any: \"containers\" cannot be selected, only `any: "
		  "container` | did you mean container?"}},
		{S "any: []\n", {"5:10 any: only `any: container` can be selected"}},
		{S "unit:\n", {"5:5 unit: a name is expected"}},
		{S "unit: nginx\n",
		 {"5:11 unit: \"nginx\" is no full unit name: it ends in "
		  ".service, .scope or .slice | did you mean \"nginx.service\"?"}},
		{S "unit: my.app\n",
		 {"5:11 unit: \"my.app\" is no full unit name: it ends in "
		  ".service, .scope or .slice | did you mean "
		  "\"my.app.service\"?"}},
		{S "unit: a.servce\n",
		 {"5:11 unit: \"a.servce\" is no full unit name: it ends in "
		  ".service, .scope or .slice | did you mean \"a.service\"?"}},
		{S "unit: a.socket\n",
		 {"5:11 unit: \"a.socket\": units of this type have no "
		  "processes | name its service"}},
		{S "unit: /a.service\n",
		 {"5:11 unit: \"/a.service\": a unit name has letters, digits and :-_.\\@ only | a "
		  "path is selected by cgroup:"}},
		{S "unit: .service\n", {"5:11 unit: \".service\" is no unit name"}},
		{S "unit: -.slice\n",
		 {"5:11 unit: \"-.slice\" is the whole host, with this agent "
		  "and all that repairs it | name a slice, such as "
		  "system.slice"}},
		{S "cgroup: a/b\n",
		 {"5:13 cgroup: \"a/b\" does not begin with \"/\" | it is written from the root of "
		  "the cgroup tree, as in /system.slice/a.service"}},
		{S "cgroup: /a/../b\n",
		 {"5:13 cgroup: \"/a/../b\" has an empty, \".\" or \"..\" "
		  "component"}},
		{S "cgroup: /a//b\n",
		 {"5:13 cgroup: \"/a//b\" has an empty, \".\" or \"..\" "
		  "component"}},
		{S "cgroup: /a/.\n",
		 {"5:13 cgroup: \"/a/.\" has an empty, \".\" or \"..\" "
		  "component"}},
		{S "cgroup: //\n",
		 {"5:13 cgroup: \"/\" is the whole host, with this agent and all "
		  "that repairs it | name a slice, such as /system.slice"}},
		{S "cgroup: /sys/fs/cgroup/a\n",
		 {"5:13 cgroup: \"/sys/fs/cgroup/a\" is a path of the mount, not of the cgroup | "
		  "write it without /sys/fs/cgroup"}},
		{S "cgroup: \"/a\\nb\"\n", {"5:13 cgroup: control character in \"/a\\x0ab\""}},
		{S "container: {id: 0123456789a}\n",
		 {"5:21 id: \"0123456789a\" has 11 digits; 12 "
		  "to 64 are needed"}},
		{S "container: {id: " ID "0}\n",
		 {"5:21 id: \"" ID "0\" has 65 digits; 12 to 64 are "
		  "needed"}},
		{S "container: {id: web}\n",
		 {"5:21 id: \"web\" is not a container's hexadecimal id | a name is selected by `name:`; "
		  "`docker ps --no-trunc` or `podman ps --no-trunc` show ids"}},
	};

	check_mistakes(m, ARRAY_SIZE(m));
}

static void subjects_have_one_policy(void **state)
{
	static const struct mistake m[] = {
		{S "unit: a.service\n  - unit: a.service\n",
		 {"6:11 policy \"x\" selects unit: a.service twice; the first is at line 5, column 11"}},
		{S
		 "any: container\n- name: y\n  capabilities: all\n  select:\n  - any: container\n",
		 {"9:10 policies \"x\" and \"y\" both select any: container; the first is at line 5, "
		  "column 10 | one subject has one policy"}},
		{S "cgroup: /a/\n- name: y\n  capabilities: all\n  select:\n  - cgroup: /a\n",
		 {"9:13 policies \"x\" and \"y\" both select cgroup: /a; the first is at line 5, column "
		  "13 | one subject has one policy"}},
		{S "container: {id: " ID "}\n- name: y\n  capabilities: all\n  select:\n"
		   "  - container: {id: 0123456789AB}\n",
		 {"9:21 policies \"x\" and \"y\" both select container: 0123456789ab; the first is at "
		  "line 5, column 21 | one subject has one policy"}},
		{S "container: {id: aaaaaaaaaaaa}\n  - container: {id: aaaaaaaaaaaab}\n"
		   "  - container: {id: aaaaaaaaaaaac}\n  - container: {id: aaaaaaaaaaad}\n",
		 {"6:21 policy \"x\" selects container: aaaaaaaaaaaab twice; the first is at line 5, "
		  "column 21",
		  "7:21 policy \"x\" selects container: aaaaaaaaaaaac twice; the first is at line 5, "
		  "column 21"}},
	};
	struct policy_set *set = NULL;
	struct policy_errors errs;
	static const char other_kinds[] = S "unit: a.service\n  - cgroup: /a.service\n"
					    "  - cgroup: /a.service/b\n";

	check_mistakes(m, ARRAY_SIZE(m));
	/* The same name in another kind is another subject, and so is a cgroup below. */
	assert_int_equal(policy_parse("t", other_kinds, strlen(other_kinds), &set, &errs), 0);
	policy_set_free(set);
}

static void syntax_errors_have_their_place(void **state)
{
	static const struct mistake m[] = {
		{"policies:\n  - name: web\n    capabilities: {allow: [A, B}\n",
		 {"3:32 not valid YAML: mismatched flow mapping end"}},
		{"a: \"unclosed\n",
		 {"1:5 not valid YAML: double-quoted scalar without closing quote"}},
		{"\xc3\xa9: b: c\n",
		 {"1:5 not valid YAML: invalid nested block mapping on the same line"}},
		{"a: &x [*x]\n", {"1:8 alias *x refers to what it is part of"}},
		{"a: *x\n", {"1:4 alias *x: there is no anchor of that name before it"}},
		{P "  capabilities: all\n  select: [cgroup: '/a''''b', cgroup: \"/'''\"]\n",
		 {"4:20 a quote inside single quotes is not supported | write the word in double "
		  "quotes"}},
		{P "  capabilities: |\n    all\n",
		 {"4:1 block scalars (\"|\" and \">\") are not supported"}},
		{"%YAML 1.2\n---\na: b\n",
		 {"1:1 a line that begins with % is a YAML directive: not supported"}},
		{"a: b\n...\n%%\n",
		 {"3:1 a line that begins with % is a YAML directive: not supported"}},
		{"a: \"b\xe2\x80\xae\"\n", {"1:6 invisible control character \"\\xe2\\x80\\xae\""}},
		{"a: \x1b[0m\n", {"1:4 control character 0x1b"}},
		{"a: b\n\xff\xfe\n", {"2:1 byte 0xff is not UTF-8 text"}},
	};

	check_mistakes(m, ARRAY_SIZE(m));
}

/* Whatever the library thinks of tabs: never a crash, always a place in the line of the tab. */
static void a_tab_is_no_indentation(void **state)
{
	static const char text[] = "policies:\n\t- name: x\n";
	struct policy_set *set = NULL;
	struct policy_errors errs;

	assert_int_equal(policy_parse("t", text, strlen(text), &set, &errs), -EINVAL);
	assert_int_equal(errs.n_errors, 1);
	assert_int_equal(errs.errors[0].pos.line, 2);
	assert_non_null(strstr(errs.errors[0].message, "tab"));
	policy_errors_done(&errs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_files_and_keys),
		cmocka_unit_test(wrong_names_and_modes),
		cmocka_unit_test(wrong_capabilities),
		cmocka_unit_test(wrong_selectors),
		cmocka_unit_test(subjects_have_one_policy),
		cmocka_unit_test(syntax_errors_have_their_place),
		cmocka_unit_test(a_tab_is_no_indentation),
	};

	return cmocka_run_group_tests_name("policy mistakes", tests, NULL, NULL);
}
