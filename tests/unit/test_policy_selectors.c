/* SPDX-License-Identifier: GPL-2.0-only */
/* Selectors with several keys and with patterns: how they are read, shown, copied and saved, and what is said of mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mistakes.h"
#include "policies.h"

/* Each line, its kind, and how it is shown. */
static const struct {
	const char *line;
	enum selector_kind kind;
	const char *text;
} lines[] = {
	{"container: { id: 0123456789ab, image: nginx }", SELECT_CONTAINER_ID,
	 "container: id=0123456789ab image=nginx"},
	{"container: { id: 0123456789AB }", SELECT_CONTAINER_ID, "container: 0123456789ab"},
	{"container: { image: \"nginx*\", name: web, label: { tier: web } }", SELECT_CONTAINER_NAME,
	 "container: name=web image=nginx* label tier=web"},
	{"pod: { container: app, namespace: prod, name: \"web-*\" }", SELECT_POD,
	 "pod: namespace=prod name=web-* container=app"},
	{"pod: { namespace: prod }", SELECT_POD, "pod: namespace=prod"},
	{"container: { image: \"*/nginx:[!0-9]*\" }", SELECT_CONTAINER,
	 "container: image=*/nginx:[!0-9]*"},
	{"container: { label: { z: \"\", a: \"*\" }, runtime: cri-o }", SELECT_CONTAINER,
	 "container: runtime=cri-o label a=* label z="},
	{"container: { runtime: \"*\" }", SELECT_CONTAINER, "container: runtime=*"},
	{"container: { label: { \"a\\\"b'c\": \"\\\\ \xc3\xa9\xf0\x9f\x90\x8b #: x\" } }",
	 SELECT_CONTAINER, "container: label a\"b'c=\\ \xc3\xa9\xf0\x9f\x90\x8b #: x"},
	{"unit: user@1000.service", SELECT_UNIT, "unit: user@1000.service"},
	{"unit: \"foo@a@.service\"", SELECT_UNIT, "unit: foo@a@.service"},
	{"unit: \"*.scope\"", SELECT_UNIT_PATTERN, "unit: *.scope"},
	{"unit: \"a[!0-9]\\\\x2d?.service\"", SELECT_UNIT_PATTERN, "unit: a[!0-9]\\x2d?.service"},
	{"unit: getty@.service", SELECT_UNIT_PATTERN, "unit: getty@*.service"},
	{"unit: { user: \"1*\", name: \"app@.service\" }", SELECT_USER_UNIT,
	 "unit: user=1* name=app@*.service"},
	{"cgroup: \"/system.slice/a]b\"", SELECT_CGROUP, "cgroup: /system.slice/a]b"},
	{"cgroup: \"/user.slice/user-*.slice/user@*.service/app.slice/\"", SELECT_CGROUP_PATTERN,
	 "cgroup: /user.slice/user-*.slice/user@*.service/app.slice"},
	{"cgroup: \"/[ab]**\"", SELECT_CGROUP_PATTERN, "cgroup: /[ab]**"},
	{"any: container", SELECT_ANY_CONTAINER, "any: container"},
};

static struct policy_set *all_lines(void)
{
	char rules[2000] = "select:", *to = rules + strlen(rules);

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		to = stpcpy(stpcpy(to, "\n  - "), lines[i].line);
	return good_rules(rules);
}

static void check_selectors(const struct selector *selectors, size_t n)
{
	assert_int_equal(n, ARRAY_SIZE(lines));
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *text = selector_to_text(&selectors[i]);

		if (selectors[i].kind != lines[i].kind)
			fail_msg("%s: kind %d", lines[i].line, (int)selectors[i].kind);
		assert_string_equal(text, lines[i].text);
	}
}

static void selectors_are_read_and_shown(void **state)
{
	_cleanup_(policy_set_freep) struct policy_set *set = all_lines();
	const struct policy *p = &set->policies[0];

	check_selectors(p->selectors, p->n_selectors);
	/* Of one key its value's place, else the mapping's. */
	assert_int_equal(p->selectors[0].pos.column, 16);
	assert_int_equal(p->selectors[1].pos.column, 22);
	assert_int_equal(p->selectors[4].pos.column, 23);
}

static void each_key_is_kept_by_itself(void **state)
{
	_cleanup_(policy_set_freep) struct policy_set *set =
		good_rules("select: [container: { id: 0123456789ab, name: n, image: i, runtime: "
			   "docker, label: { b: y, a: x } }, pod: { namespace: s, name: p, "
			   "container: c }]");
	const struct selector *s = set->policies[0].selectors;

	assert_string_equal(s[0].value, "0123456789ab");
	assert_string_equal(s[0].name, "n");
	assert_string_equal(s[0].image, "i");
	assert_string_equal(s[0].runtime, "docker");
	assert_int_equal(s[0].n_labels, 2);
	assert_string_equal(s[0].labels[0].name, "a");
	assert_string_equal(s[0].labels[0].value, "x");
	assert_string_equal(s[0].labels[1].name, "b");
	assert_null(s[0].pod);
	assert_string_equal(s[1].pod_namespace, "s");
	assert_string_equal(s[1].pod, "p");
	assert_string_equal(s[1].pod_container, "c");
	assert_null(s[1].name);
	assert_null(s[1].value);
}

static void what_is_saved_is_read_back_the_same(void **state)
{
	_cleanup_(policy_set_freep) struct policy_set *set = all_lines(), *again = NULL;
	json_auto_t *json = json_pack("{s:[o]}", "policies", policy_to_json(&set->policies[0]));
	_cleanup_free_ char *text = json_dumps(json, JSON_INDENT(2));
	json_auto_t *json_again = NULL;

	assert_non_null(text);
	again = good(text);
	check_selectors(again->policies[0].selectors, again->policies[0].n_selectors);
	json_again = json_pack("{s:[o]}", "policies", policy_to_json(&again->policies[0]));
	assert_true(json_equal(json, json_again));
}

static void copies_share_nothing(void **state)
{
	struct policy_set *set = all_lines();
	struct selector copies[ARRAY_SIZE(lines)] = {};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_int_equal(selector_copy(&set->policies[0].selectors[i], &copies[i]), 0);
	policy_set_free(set);
	check_selectors(copies, ARRAY_SIZE(lines));
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		selector_done(&copies[i]);
		assert_null(copies[i].value);
		assert_int_equal(copies[i].n_labels, 0);
		selector_done(&copies[i]);
	}
}

/* Whoever compares kinds relies on it: docs/leastcap-policy.5.rst has the same order. */
static void kinds_are_in_the_order_in_which_they_win(void **state)
{
	static const enum selector_kind order[] = {
		SELECT_CONTAINER_ID,   SELECT_CONTAINER_NAME, SELECT_POD,	   SELECT_CONTAINER,
		SELECT_UNIT,	       SELECT_CGROUP,	      SELECT_UNIT_PATTERN, SELECT_USER_UNIT,
		SELECT_CGROUP_PATTERN, SELECT_ANY_CONTAINER,
	};

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		assert_int_equal(order[i], i);
}

#define S BEGIN "  select:\n  - "
#define ID "0123456789ab"

static void wrong_containers_and_pods(void **state)
{
	static const struct mistake m[] = {
		{S "container: web\n",
		 {"5:16 container: a mapping is expected | as in { name: \"web-*\" }; all containers "
		  "are `any: container`"}},
		{S "container: {}\n",
		 {"5:16 container: empty | all containers are `any: container`"}},
		{S "container: {imag: nginx}\n",
		 {"5:17 unknown key \"imag\" in container | did you mean image?"}},
		{S "container: {zzz: 1}\n",
		 {"5:17 unknown key \"zzz\" in container | keys here are: id, name, image, label, "
		  "runtime"}},
		{S "container: {name: a, name: b}\n",
		 {"5:26 duplicate key \"name\"; the first one is at line 5, column 17"}},
		{S "container: {name: }\n", {"5:17 name: a name is expected"}},
		{S "container: {name: \"\"}\n", {"5:23 name: a name is expected"}},
		{S "container: {image: [a]}\n", {"5:24 image: a name is expected"}},
		{S "container: {image: \"a\\tb\"}\n",
		 {"5:24 image: control character in \"a\\x09b\""}},
		{S "container: {name: /web}\n",
		 {"5:23 name: \"/web\" begins with \"/\" | write it without the \"/\" that `docker "
		  "inspect` shows"}},
		{S "container: {id: \"0123*\"}\n",
		 {"5:21 id: \"0123*\": an id cannot be a pattern; its beginning is enough | names "
		  "and images are selected by patterns"}},
		{S "container: {id: " ID ", nome: x}\n",
		 {"5:35 unknown key \"nome\" in container | did you mean name?"}},
		{S "container: {runtime: crio}\n",
		 {"5:26 runtime: unknown runtime \"crio\" | did you mean cri-o?"}},
		{S "container: {runtime: qemu}\n",
		 {"5:26 runtime: unknown runtime \"qemu\" | runtimes are docker, podman, containerd, "
		  "cri-o and nerdctl"}},
		{S "container: {runtime: \"q*\"}\n",
		 {"5:26 runtime: no runtime fits \"q*\" | runtimes are docker, podman, containerd, "
		  "cri-o and nerdctl"}},
		{S "container: {label: tier=web}\n",
		 {"5:24 label: a mapping is expected | as in label: { tier: web }"}},
		{S "container: {label: {}}\n", {"5:24 label: empty | as in label: { tier: web }"}},
		{S "container: {label: {tier: }}\n",
		 {"5:25 label: \"tier\": a value is expected | \"*\" is any value"}},
		{S "container: {label: {tier: [web]}}\n",
		 {"5:31 label: \"tier\": a value is expected | \"*\" is any value"}},
		{S "container: {label: {\"t*\": web}}\n",
		 {"5:25 label: \"t*\": a label's name cannot be a pattern | only its value can be "
		  "one"}},
		{S "container: {label: {a: x, a: y}}\n",
		 {"5:31 duplicate key \"a\"; the first one is at line 5, column 25"}},
		{S "container: {label: {a: \"b\\x07\"}}\n",
		 {"5:28 label: control character in \"b\\x07\""}},
		{S "pod: web\n",
		 {"5:10 pod: a mapping is expected | as in { namespace: prod, name: \"web-*\", "
		  "container: app }"}},
		{S "pod: {}\n",
		 {"5:10 pod: empty | as in { namespace: prod, name: \"web-*\", container: app }"}},
		{S "pod: {namspace: a}\n",
		 {"5:11 unknown key \"namspace\" in pod | did you mean namespace?"}},
		{S "pod: {name: ~}\n", {"5:17 name: a name is expected"}},
	};

	check_mistakes(m, ARRAY_SIZE(m));
}

static void wrong_patterns(void **state)
{
	static const struct mistake m[] = {
		{S "container: {name: \"a[b\"}\n",
		 {"5:23 name: \"a[b\": a \"[\" has no \"]\" | \"[[]\" is a \"[\" itself"}},
		{S "container: {name: \"a[]\"}\n",
		 {"5:23 name: \"a[]\": a \"[\" has no \"]\" | \"[[]\" is a \"[\" itself"}},
		{S "container: {image: \"[^a]\"}\n",
		 {"5:24 image: \"[^a]\": \"^\" does not invert a set | write [!...]"}},
		{S "container: {image: \"[z-a]\"}\n",
		 {"5:24 image: \"[z-a]\": a range is the wrong way round | as in [a-z]"}},
		{S "container: {label: {a: \"[[:digit:]]\"}}\n",
		 {"5:28 label: \"[[:digit:]]\": classes of characters are not supported | write a "
		  "range, as in [a-z]"}},
		{S "pod: {name: \"[\xc3\xa9]\"}\n",
		 {"5:17 name: \"[\xc3\xa9]\": a set has ASCII characters only | \"?\" is any "
		  "character"}},
		{S "pod: {name: \"[a-\xc3\xa9]\"}\n",
		 {"5:17 name: \"[a-\xc3\xa9]\": a set has ASCII characters only | \"?\" is any "
		  "character"}},
		{S "pod: {name: \"[a][a][a][a][a][a][a][a][a][a][a][a][a][a][a][a][a]\"}\n",
		 {"5:17 name: \"[a][a][a][a][a][a][a][a][a][a][a][a][a][a][a][a][a]\": more than 16 "
		  "sets in one pattern"}},
		{S "unit: \"a[.service\"\n",
		 {"5:11 unit: \"a[.service\": a \"[\" has no \"]\" | \"[[]\" is a \"[\" itself"}},
		{S "unit: \"a!.service\"\n",
		 {"5:11 unit: \"a!.service\": a unit name has letters, digits and :-_.\\@ only"}},
		{S "unit: a].service\n",
		 {"5:11 unit: \"a].service\": a unit name has letters, digits and :-_.\\@ only"}},
		{S "unit: \"web*\"\n",
		 {"5:11 unit: \"web*\" is no full unit name: it ends in .service, .scope or .slice | "
		  "did you mean \"web*.service\"?"}},
		{S "unit: \"*.socket\"\n",
		 {"5:11 unit: \"*.socket\": units of this type have no processes | name its "
		  "service"}},
		{S "cgroup: \"*/a\"\n",
		 {"5:13 cgroup: \"*/a\" does not begin with \"/\" | it is written from the root of "
		  "the cgroup tree, as in /system.slice/a.service"}},
		{S "cgroup: \"/*\"\n",
		 {"5:13 cgroup: \"/*\" is the whole host, with this agent and all that repairs it | "
		  "name a slice, such as /system.slice"}},
		{S "cgroup: \"/a/**/b\"\n",
		 {"5:13 cgroup: \"/a/**/b\": \"**\" is not supported, \"*\" is one component | a "
		  "policy holds all that is below its cgroup; for several depths write several "
		  "lines"}},
		{S "cgroup: \"/a/**\"\n",
		 {"5:13 cgroup: \"/a/**\": \"**\" is not supported, \"*\" is one component | a "
		  "policy holds all that is below its cgroup; for several depths write several "
		  "lines"}},
		{S "cgroup: \"/a/[b/c]\"\n",
		 {"5:13 cgroup: \"/a/[b/c]\": \"/\" cannot be in a set | a set is in one "
		  "component"}},
		{S "cgroup: \"/a//*\"\n",
		 {"5:13 cgroup: \"/a//*\" has an empty, \".\" or \"..\" component"}},
	};

	check_mistakes(m, ARRAY_SIZE(m));
}

/* A pattern that fits whatever is at the top is no less than the root. */
static void the_whole_host_cannot_be_selected(void **state)
{
	static const char *const refused[] = {"/*",	"/**",	"/***/", "/?*",	    "/*?",   "/**?",
					      "/[!x]*", "/*.*", "/*s*",	 "/[isu]*", "/*[ce]"},
				 *const taken[] = {"/*.slice", "/*.scope",	"/s*",
						   "/?",       "/k*",		"/[!u]*",
						   "/*/*",     "/system.slice", "/a/?*"};
	char rules[128], want[256];

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		const struct mistake m = {rules, {want}};

		snprintf(rules, sizeof(rules), S "cgroup: \"%s\"\n", refused[i]);
		snprintf(
			want, sizeof(want),
			"5:13 cgroup: \"%s\" is the whole host, with this agent and all that repairs "
			"it | name a slice, such as /system.slice",
			refused[i]);
		check_mistakes(&m, 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		snprintf(rules, sizeof(rules), S "cgroup: \"%s\"\n", taken[i]);
		policy_set_free(good(rules));
	}
}

/* The longest of each, and one byte more. */
static void lengths_are_bounded(void **state)
{
	static const struct {
		const char *begin, *end;
		size_t max;
		const char *said;
	} cases[] = {
		{"container: { name: ", " }", 255, "name: longer than 255 bytes"},
		{"container: { image: ", " }", 255, "image: longer than 255 bytes"},
		{"container: { label: { a: ", " } }", 255, "label: longer than 255 bytes"},
		{"container: { label: { ", ": a } }", 256, "label: a name longer than 256 bytes"},
		{"pod: { namespace: ", " }", 255, "namespace: longer than 255 bytes"},
		{"pod: { name: ", " }", 255, "name: longer than 255 bytes"},
		{"pod: { container: ", " }", 255, "container: longer than 255 bytes"},
		{"unit: ", ".service", 247, "unit: longer than 255 bytes"},
		{"unit: ", "@.service", 245, "unit: longer than 254 bytes"},
		{"cgroup: /", "", 254, "cgroup: longer than 255 bytes"},
		{"cgroup: \"/", "*\"", 253, "cgroup: longer than 255 bytes"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t more = 0; more < 2; more++) {
			char word[600] = "", text[1000];
			struct policy_set *set = NULL;
			struct policy_errors errs;
			int err;

			memset(word, 'x', cases[i].max + more);
			snprintf(text, sizeof(text), S "%s%s%s\n", cases[i].begin, word,
				 cases[i].end);
			err = policy_parse("t", text, strlen(text), &set, &errs);
			if (err != (more ? -EINVAL : 0))
				fail_msg("%s: %d", text, err);
			if (more)
				assert_string_equal(errs.errors[0].message, cases[i].said);
			policy_errors_done(&errs);
			policy_set_free(set);
		}
	}
}

static void labels_are_bounded(void **state)
{
	for (int n = 32; n <= 33; n++) {
		char text[2000], *to = stpcpy(text, S "container: { label: { ");
		struct policy_set *set = NULL;
		struct policy_errors errs;
		int err;

		for (int i = 0; i < n; i++)
			to += sprintf(to, "%sl%d: x", i ? ", " : "", i);
		strcpy(to, " } }\n");
		err = policy_parse("t", text, strlen(text), &set, &errs);
		assert_int_equal(err, n > 32 ? -EINVAL : 0);
		if (err)
			assert_string_equal(errs.errors[0].message, "label: more than 32 labels");
		else
			assert_int_equal(set->policies[0].selectors[0].n_labels, 32);
		policy_errors_done(&errs);
		policy_set_free(set);
	}
}

static void the_same_in_all_is_the_same(void **state)
{
	static const struct mistake m[] = {
		{S "container: { image: a, label: { x: \"1\", y: \"2\" } }\n"
		   "  - container: { label: { y: \"2\", x: \"1\" }, image: a }\n",
		 {"6:16 policy \"x\" selects container: image=a label x=1 label y=2 twice; the first "
		  "is at line 5, column 16"}},
		{S "pod: { name: a }\n  - pod: { name: a }\n",
		 {"6:18 policy \"x\" selects pod: name=a twice; the first is at line 5, column 18"}},
		{S "unit: a@.service\n  - unit: \"a@*.service\"\n",
		 {"6:11 policy \"x\" selects unit: a@*.service twice; the first is at line 5, column "
		  "11"}},
		{S
		 "cgroup: \"/a/*\"\n- name: y\n  capabilities: all\n  select: [cgroup: \"/a/*/\"]\n",
		 {"8:20 policies \"x\" and \"y\" both select cgroup: /a/*; the first is at line 5, "
		  "column 13 | one subject has one policy"}},
		{S "container: { id: " ID ", name: a }\n  - container: { id: " ID "cd, name: a }\n",
		 {"6:16 policy \"x\" selects container: id=" ID "cd name=a twice; the first is at "
		  "line 5, column 16"}},
		/* A line that came to nothing is the same as none. */
		{S "container: { name: \"[\" }\n  - container: { name: \"[\" }\n",
		 {"5:24 name: \"[\": a \"[\" has no \"]\" | \"[[]\" is a \"[\" itself",
		  "6:24 name: \"[\": a \"[\" has no \"]\" | \"[[]\" is a \"[\" itself"}},
	};
	_cleanup_(policy_set_freep) struct policy_set *set =
		good_rules("select:\n"
			   "  - container: { id: " ID " }\n"
			   "  - container: { id: " ID ", name: a }\n"
			   "  - container: { name: a }\n"
			   "  - container: { image: a }\n"
			   "  - container: { name: a, image: a }\n"
			   "  - container: { label: { a: a } }\n"
			   "  - container: { label: { a: b } }\n"
			   "  - container: { label: { a: a, b: b } }\n"
			   "  - pod: { name: a }\n"
			   "  - pod: { namespace: a }\n"
			   "  - pod: { container: a }");

	check_mistakes(m, ARRAY_SIZE(m));
	assert_int_equal(set->policies[0].n_selectors, 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selectors_are_read_and_shown),
		cmocka_unit_test(each_key_is_kept_by_itself),
		cmocka_unit_test(what_is_saved_is_read_back_the_same),
		cmocka_unit_test(copies_share_nothing),
		cmocka_unit_test(kinds_are_in_the_order_in_which_they_win),
		cmocka_unit_test(wrong_containers_and_pods),
		cmocka_unit_test(wrong_patterns),
		cmocka_unit_test(the_whole_host_cannot_be_selected),
		cmocka_unit_test(lengths_are_bounded),
		cmocka_unit_test(labels_are_bounded),
		cmocka_unit_test(the_same_in_all_is_the_same),
	};

	return cmocka_run_group_tests_name("selectors", tests, NULL, NULL);
}
