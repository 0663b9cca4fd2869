/* SPDX-License-Identifier: GPL-2.0-only */
/* The policy language: what it means, how mistakes are shown, and that nothing a file holds does harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <glob.h>
#include <linux/capability.h>
#include <string.h>

#include <leastcap/decide.h>

#include "policy/policy.h"

#define BIT(cap) (1ULL << (cap))
#define DOCKER                                                                                   \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FSETID) | BIT(CAP_FOWNER) |            \
	 BIT(CAP_MKNOD) | BIT(CAP_NET_RAW) | BIT(CAP_SETGID) | BIT(CAP_SETUID) |                 \
	 BIT(CAP_SETFCAP) | BIT(CAP_SETPCAP) | BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_SYS_CHROOT) | \
	 BIT(CAP_KILL) | BIT(CAP_AUDIT_WRITE))

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct policy_set *good_bytes(const char *text, size_t len)
{
	struct policy_set *set = NULL;
	struct policy_errors errs;
	int err = policy_parse("t.yaml", text, len, &set, &errs);

	if (err) {
		policy_errors_print(&errs, text, stderr);
		fail_msg("refused (%d): %s", err, text);
	}
	assert_int_equal(errs.n_errors, 0);
	assert_string_equal(set->file, "t.yaml");
	return set;
}

static struct policy_set *good(const char *text)
{
	return good_bytes(text, strlen(text));
}

/* Everything that is said of a text, as one string. To be freed. */
static char *said(const char *text, size_t len)
{
	struct policy_set *set = NULL;
	struct policy_errors errs;
	char *out = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&out, &n);
	int err = policy_parse("t", text, len, &set, &errs);

	if (err != -EINVAL || set || errs.n_errors == 0)
		fail_msg("not refused (%d): %s", err, text);
	policy_errors_print(&errs, "t", f);
	fclose(f);
	policy_errors_done(&errs);
	assert_int_equal(errs.n_errors, 0);
	return out;
}

static void a_policy_is_read_whole(void **state)
{
	static const struct {
		enum selector_kind kind;
		const char *value, *text;
		struct policy_pos pos;
	} want[] = {
		{SELECT_CGROUP,
		 "/system.slice/foo.service",
		 "cgroup: /system.slice/foo.service",
		 {5, 15, 0}},
		{SELECT_UNIT, "nginx.service", "unit: nginx.service", {6, 13, 0}},
		{SELECT_CONTAINER_ID, ID, "container: " ID, {7, 23, 0}},
		{SELECT_ANY_CONTAINER, NULL, "any: container", {8, 12, 0}},
	};
	_cleanup_(policy_set_freep) struct policy_set *set =
		good("version: 1\n"
		     "policies:\n"
		     "- name: web-1.x_Y\n"
		     "  select:\n"
		     "    - cgroup: \"/system.slice/foo.service\"\n"
		     "    - unit: nginx.service\n"
		     "    - container: {id: '" ID "'}\n"
		     "    - any: container\n"
		     "  mode: audit\n"
		     "  capabilities: [NET_BIND_SERVICE, cap_chown]\n"
		     "- {name: b, capabilities: none}\n");
	const struct policy *p = &set->policies[0];

	assert_int_equal(set->n_policies, 2);
	assert_string_equal(p->name, "web-1.x_Y");
	assert_int_equal(p->mode, LEASTCAP_AUDIT);
	assert_true(p->allow == (BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_CHOWN)));
	assert_int_equal(p->pos.line, 3);
	assert_int_equal(p->pos.column, 9);
	assert_int_equal(p->capabilities_pos.line, 10);
	assert_int_equal(p->capabilities_pos.column, 3);
	assert_int_equal(p->n_selectors, ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		_cleanup_free_ char *text = selector_to_text(&p->selectors[i]);

		assert_int_equal(p->selectors[i].kind, want[i].kind);
		if (want[i].value)
			assert_string_equal(p->selectors[i].value, want[i].value);
		else
			assert_null(p->selectors[i].value);
		assert_string_equal(text, want[i].text);
		assert_int_equal(p->selectors[i].pos.line, want[i].pos.line);
		assert_int_equal(p->selectors[i].pos.column, want[i].pos.column);
	}
	assert_string_equal(set->policies[1].name, "b");
	assert_int_equal(set->policies[1].mode, LEASTCAP_ENFORCE);
	assert_int_equal(set->policies[1].n_selectors, 0);
	assert_true(set->policies[1].allow == 0);
}

static void capabilities_can_be_written_in_many_ways(void **state)
{
	static const struct {
		const char *rule;
		uint64_t allow;
	} rules[] = {
		{"all", LEASTCAP_ALL},
		{"ALL", LEASTCAP_ALL},
		{"none", 0},
		{"'none'", 0},
		{"[]", 0},
		{"[NET_RAW]", BIT(CAP_NET_RAW)},
		{"[net_raw, CAP_NET_RAW, \"Cap_Kill\"]", BIT(CAP_NET_RAW) | BIT(CAP_KILL)},
		{"{allow: all}", LEASTCAP_ALL},
		{"{allow: none}", 0},
		{"{allow: [CHOWN, KILL]}", BIT(CAP_CHOWN) | BIT(CAP_KILL)},
		{"{base: docker-default}", DOCKER},
		{"{base: restricted}", BIT(CAP_NET_BIND_SERVICE)},
		{"{base: none}", 0},
		{"{base: all}", LEASTCAP_ALL},
		{"{base: none, add: [KILL]}", BIT(CAP_KILL)},
		{"{base: all, drop: [SYS_ADMIN]}", LEASTCAP_ALL & ~BIT(CAP_SYS_ADMIN)},
		{"{base: docker-default, add: [SYS_TIME], drop: [NET_RAW]}",
		 (DOCKER | BIT(CAP_SYS_TIME)) & ~BIT(CAP_NET_RAW)},
		{"{drop: [], base: restricted, add: []}", BIT(CAP_NET_BIND_SERVICE)},
		{"\n    - KILL\n    - CHOWN", BIT(CAP_KILL) | BIT(CAP_CHOWN)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		_cleanup_(policy_set_freep) struct policy_set *set = NULL;
		char text[256];

		snprintf(text, sizeof(text), "policies:\n- name: x\n  capabilities: %s\n",
			 rules[i].rule);
		set = good(text);
		if (set->policies[0].allow != rules[i].allow)
			fail_msg("%s: %#llx", rules[i].rule,
				 (unsigned long long)set->policies[0].allow);
	}
}

static void selectors_are_brought_to_one_form(void **state)
{
	_cleanup_(policy_set_freep) struct policy_set *set =
		good("policies:\n- name: x\n  capabilities: all\n  select:\n"
		     "  - cgroup: /a/b///\n"
		     "  - container: {id: ABCDEF012345}\n"
		     "  - unit: \"foo-bar@a\\\\x2db.service\"\n"
		     "  - unit: user.slice\n"
		     "  - unit: session-1.scope\n"
		     "  - cgroup: /...\n");

	assert_string_equal(set->policies[0].selectors[0].value, "/a/b");
	assert_string_equal(set->policies[0].selectors[1].value, "abcdef012345");
	assert_string_equal(set->policies[0].selectors[2].value, "foo-bar@a\\x2db.service");
	assert_string_equal(set->policies[0].selectors[5].value, "/...");
}

#define GOOD "policies:\n- name: x\n  capabilities: all\n"

static void any_kind_of_text_file_is_read(void **state)
{
	static const char *const texts[] = {
		"\xef\xbb\xbf" GOOD,
		"policies:\r\n- name: x\r\n  capabilities: all\r\n",
		"policies:\n- name: x\n  capabilities: all",
		"---\n" GOOD "...\n",
		"# caf\xc3\xa9\n" GOOD,
		"policies: [{name: x, capabilities: all}]",
		"{\"policies\": [{\"name\": \"x\", \"capabilities\": \"all\"}]}",
		"policies:\n- ? name\n  : x\n  capabilities:\t'all'\n",
		"policies:\n- &p {name: &n x, capabilities: &c all}\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(policy_set_freep) struct policy_set *set = good(texts[i]);

		assert_int_equal(set->n_policies, 1);
		assert_string_equal(set->policies[0].name, "x");
		assert_true(set->policies[0].allow == LEASTCAP_ALL);
	}
}

/* The text ends where len says, in memory that ends there too. */
static void the_text_needs_no_end(void **state)
{
	for (size_t len = 0; len <= strlen(GOOD); len++) {
		_cleanup_free_ char *text = malloc(len ? len : 1);
		struct policy_set *set = NULL;
		struct policy_errors errs;
		int err;

		memcpy(text, GOOD, len);
		err = policy_parse("t", text, len, &set, &errs);
		assert_int_equal(!err, set != NULL);
		assert_int_equal(!err, errs.n_errors == 0);
		policy_errors_done(&errs);
		policy_set_free(set);
	}
}

static void aliases_stand_for_what_they_name(void **state)
{
	_cleanup_(policy_set_freep) struct policy_set *set =
		good("policies:\n"
		     "- name: a\n"
		     "  capabilities: &web [CHOWN, &kill KILL]\n"
		     "- name: b\n"
		     "  capabilities: *web\n"
		     "- name: c\n"
		     "  capabilities: {base: docker-default, drop: [*kill], add: &web [SYS_TIME]}\n"
		     "- {name: d, capabilities: *web}\n");
	const struct policy *p = set->policies;

	assert_true(p[0].allow == (BIT(CAP_CHOWN) | BIT(CAP_KILL)));
	assert_true(p[1].allow == p[0].allow);
	assert_true(p[2].allow == ((DOCKER | BIT(CAP_SYS_TIME)) & ~BIT(CAP_KILL)));
	assert_true(p[3].allow == BIT(CAP_SYS_TIME));
}

static void a_mistake_is_shown_with_its_line(void **state)
{
	static const struct {
		const char *text, *said;
	} shown[] = {
		{"policies:\n- name: x\n  capabilities: [NET_BIND_SERVCE]\n",
		 "t:3:18: error: unknown capability \"NET_BIND_SERVCE\"\n"
		 "    capabilities: [NET_BIND_SERVCE]\n"
		 "                   ^\n"
		 "  did you mean NET_BIND_SERVICE?\n"},
		/* A tab is a tab in the caret's line; a character is one column, whatever its bytes. */
		{"policies:\r\n- name: x\r\n  capabilities:\t[\"\xc3\xa9\", foo]\r\n",
		 "t:3:18: error: unknown capability \"\xc3\xa9\"\n"
		 "    capabilities:\t[\"\xc3\xa9\", foo]\n"
		 "                 \t ^\n"
		 "  capabilities(7) lists them, as in NET_BIND_SERVICE\n"
		 "t:3:23: error: unknown capability \"foo\"\n"
		 "    capabilities:\t[\"\xc3\xa9\", foo]\n"
		 "                 \t      ^\n"
		 "  capabilities(7) lists them, as in NET_BIND_SERVICE\n"},
		{"", "t: error: no policies\n  a policy file begins with `policies:`\n"},
		/* Nothing raw: the byte is one replacement character wide. */
		{"a: \x1b[0m\n", "t:1:4: error: control character 0x1b\n"
				 "  a: \xef\xbf\xbd[0m\n"
				 "     ^\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		_cleanup_free_ char *out = said(shown[i].text, strlen(shown[i].text));

		assert_string_equal(out, shown[i].said);
	}
}

static void a_file_name_is_shown_escaped(void **state)
{
	_cleanup_free_ char *out = NULL;
	struct policy_set *set = NULL;
	struct policy_errors errs;
	size_t n;
	FILE *f = open_memstream(&out, &n);

	assert_int_equal(policy_parse("\x1b\n", "x", 1, &set, &errs), -EINVAL);
	policy_errors_print(&errs, "\x1b\n", f);
	fclose(f);
	assert_memory_equal(out, "\\x1b\\x0a:1:1: error: ", 21);
	policy_errors_done(&errs);
}

/* Of a long line what is around the place is shown, with its caret. */
static void check_long_line(size_t spaces, const char *shown, size_t before)
{
	char text[4096] = "policies: [{name: x, capabilities: [";
	_cleanup_free_ char *out = NULL;
	const char *line, *caret;

	memset(text + strlen(text), ' ', spaces);
	strcat(text, "foo, \xc3\xa9");
	memset(text + strlen(text), ' ', 1000);
	strcat(text, "]}]\n");
	out = said(text, strlen(text));
	line = strchr(out, '\n') + 1;
	caret = strchr(line, '\n') + 1;
	assert_memory_equal(line, shown, strlen(shown));
	assert_true(caret - line <= 2 + 3 + 200 + 1 + 1);
	assert_int_equal(strspn(caret, " "), 2 + before);
	assert_int_equal(caret[2 + before], '^');
	assert_memory_equal(line + 2 + before, "foo", 3);
}

static void of_long_lines_what_is_around_the_place_is_shown(void **state)
{
	check_long_line(1, "  policies: [{name: x, ", 37);
	check_long_line(114, "  policies: [{name: x, ", 150);
	check_long_line(115, "  ...cies: [{name: x, ", 150);
	check_long_line(1000, "  ...      ", 150);
}

/* All errors of a file, in the order of their places, but not without end. */
static void errors_are_collected_and_limited(void **state)
{
	char text[4096] = "policies:\n";
	struct policy_set *set = NULL;
	struct policy_errors errs;

	for (int i = 0; i < 60; i++)
		sprintf(text + strlen(text), "- name: p%d\n  capabilities: x\n", i);
	assert_int_equal(policy_parse("t", text, strlen(text), &set, &errs), -EINVAL);
	assert_int_equal(errs.n_errors, 51);
	for (size_t i = 0; i < 50; i++)
		assert_int_equal(errs.errors[i].pos.line, 3 + 2 * i);
	assert_string_equal(errs.errors[50].message, "too many errors: no more are shown");
	policy_errors_done(&errs);
}

/* Repeats unit until text is at least len long; between begin and end. */
static void check_refused(const char *begin, const char *unit, const char *end, size_t len,
			  const char *want)
{
	size_t n = strlen(unit), used = strlen(begin);
	_cleanup_free_ char *text = malloc(used + len + n + strlen(end) + 1);
	_cleanup_free_ char *out = NULL;

	memcpy(text, begin, used);
	for (size_t i = 0; i < len; i += n, used += n)
		memcpy(text + used, unit, n);
	strcpy(text + used, end);
	out = said(text, used + strlen(end));
	if (!strstr(out, want))
		fail_msg("of %s%s... is said %.300s", begin, unit, out);
}

static void the_work_is_bounded(void **state)
{
	static const char bomb[] =
		"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
		"c: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c]\n"
		"policies: *d\n";
	const size_t almost = POLICY_FILE_MAX - 1000;

	check_refused("policies: |\n  x\n", "\n", "", almost, "block scalars");
	check_refused("policies: >\n  x\n", " \n", "", almost, "block scalars");
	check_refused("policies: x", "\n", " y\n", almost, "a word longer than 4095 bytes");
	check_refused("policies: 'x", "''", "y'\n", almost, "a word longer than 4095 bytes");
	check_refused("policies: \"x", "\\x41", "y\"\n", almost, "a word longer than 4095 bytes");
	check_refused("x: &", "x", " y\n", almost, "a word longer than 4095 bytes");
	check_refused("x: *", "x", "\n", almost, "a word longer than 4095 bytes");
	check_refused(GOOD, "#", "", POLICY_FILE_MAX, "larger than 1 MiB");
	check_refused(GOOD, "#", "", 10 * 1024 * 1024, "larger than 1 MiB");
	check_refused("policies: ", "[", "", almost, "nested deeper than 16 levels");
	check_refused("", "{a: ", "", almost, "nested deeper than 16 levels");
	check_refused("", "- ", "", almost, "nested deeper than 16 levels");
	check_refused("", "? ", "", almost, "nested deeper than 16 levels");
	check_refused("policies:\n", "- a\n", "", almost, "too large: more than 65536 words");
	check_refused("", "%", "", almost, "directive");
	check_refused("", "\"", "", almost, "not valid YAML");
	check_refused("", "a: 1\n", "", almost, "too many errors");
	check_refused("", "--- a\n", "", almost, "more than one YAML document");
	check_refused("x: [", "&a b, ", "]", almost, "more than 256 anchors");
	check_refused("a: &a [x]\nb: [", "*a,", "]\n", almost, "too large: more than 65536 words");
	check_refused("", "\xef\xbb\xbf", "", almost, "invisible control character");
	check_refused("", "\x80", "", almost, "is not UTF-8");
	check_refused("x: &s [{any: container}", ",{any: container}", "]\n", 5000,
		      "unknown key \"x\"");
	check_refused(bomb, " ", "", 1, "unknown key \"a\"");
	check_refused("policies:\n- name: a\n  capabilities: all\n  select: &s [any: container",
		      ",any: container", "]\n- {name: b, capabilities: all, select: *s}\n", 100000,
		      "policy \"a\" selects any: container twice");
}

/* Few bytes that stand for many: a list of policies that share a long list of selectors. */
static void an_alias_bomb_does_not_go_off(void **state)
{
	size_t size = POLICY_FILE_MAX, used = 0;
	_cleanup_free_ char *text = malloc(size), *out = NULL;

	used += (size_t)sprintf(text, "policies:\n- name: p\n  capabilities: all\n  select: &s [");
	for (int i = 0; i < 5000; i++)
		used += (size_t)sprintf(text + used, "cgroup: /%d, ", i);
	used += (size_t)sprintf(text + used, "]\n");
	for (int i = 0; i < 5000; i++)
		used += (size_t)sprintf(text + used,
					"- {name: p%d, capabilities: all, select: *s}\n", i);
	out = said(text, used);
	assert_non_null(strstr(out, "too many errors"));
}

static void every_byte_somewhere_is_no_harm(void **state)
{
	static const char base[] = "policies:\n- name: web\n  select: [unit: \"a.service\"]\n"
				   "  capabilities: {base: none, add: [KILL]} # c\n";
	char text[sizeof(base)];

	for (size_t at = 0; at < sizeof(base) - 1; at++) {
		for (int byte = 0; byte < 256; byte++) {
			struct policy_set *set = NULL;
			struct policy_errors errs;
			int err;

			memcpy(text, base, sizeof(base));
			text[at] = (char)byte;
			err = policy_parse("t", text, sizeof(base) - 1, &set, &errs);
			if ((err != 0 && err != -EINVAL) || (err == 0) != (errs.n_errors == 0))
				fail_msg("byte %d at %zu: %d", byte, at, err);
			policy_errors_done(&errs);
			policy_set_free(set);
		}
	}
}

static void files_are_read(void **state)
{
	char path[] = "/tmp/leastcap-test-XXXXXX";
	_cleanup_close_ int fd = mkostemp(path, O_CLOEXEC);
	struct policy_set *set = NULL;
	struct policy_errors errs;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, GOOD, strlen(GOOD)), strlen(GOOD));
	assert_int_equal(policy_parse_file(path, NULL, &set, &errs), 0);
	assert_string_equal(set->file, path);
	set = policy_set_free(set);
	assert_null(set);

	assert_int_equal(ftruncate(fd, POLICY_FILE_MAX + 1), 0);
	assert_int_equal(policy_parse_file(path, NULL, &set, &errs), -EINVAL);
	assert_string_equal(errs.errors[0].message, "larger than 1 MiB");
	policy_errors_done(&errs);
	unlink(path);

	assert_int_equal(policy_parse_file(path, NULL, &set, &errs), -ENOENT);
	assert_int_equal(errs.n_errors, 1);
	assert_int_equal(errs.errors[0].pos.line, 0);
	assert_string_equal(errs.errors[0].message, "cannot be read: No such file or directory");
	policy_errors_done(&errs);
	assert_int_equal(policy_parse_file("/", NULL, &set, &errs), -EISDIR);
	policy_errors_done(&errs);
	assert_null(set);
}

/* Run from the top of the source tree, as `make check-unit` does. */
static void the_examples_are_valid(void **state)
{
	glob_t found;

	assert_int_equal(glob("policies/*.yaml", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct policy_set *set = NULL;
		struct policy_errors errs;

		if (policy_parse_file(found.gl_pathv[i], NULL, &set, &errs)) {
			policy_errors_print(&errs, found.gl_pathv[i], stderr);
			fail_msg("%s", found.gl_pathv[i]);
		}
		assert_true(set->n_policies > 0);
		policy_set_free(set);
	}
	globfree(&found);
}

static void nothing_is_freed_without_harm(void **state)
{
	struct policy_errors errs = {};

	assert_null(policy_set_free(NULL));
	policy_errors_done(&errs);
	policy_errors_done(&errs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_is_read_whole),
		cmocka_unit_test(capabilities_can_be_written_in_many_ways),
		cmocka_unit_test(selectors_are_brought_to_one_form),
		cmocka_unit_test(any_kind_of_text_file_is_read),
		cmocka_unit_test(the_text_needs_no_end),
		cmocka_unit_test(aliases_stand_for_what_they_name),
		cmocka_unit_test(a_mistake_is_shown_with_its_line),
		cmocka_unit_test(a_file_name_is_shown_escaped),
		cmocka_unit_test(of_long_lines_what_is_around_the_place_is_shown),
		cmocka_unit_test(errors_are_collected_and_limited),
		cmocka_unit_test(the_work_is_bounded),
		cmocka_unit_test(an_alias_bomb_does_not_go_off),
		cmocka_unit_test(every_byte_somewhere_is_no_harm),
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(the_examples_are_valid),
		cmocka_unit_test(nothing_is_freed_without_harm),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
