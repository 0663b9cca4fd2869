/* SPDX-License-Identifier: GPL-2.0-only */
/* Policy files that include others, name bases and have defaults; and what is said of mistakes in them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/capability.h>

#include <leastcap/decide.h>

#include "folder.h"
#include "mistakes.h"
#include "policies.h"

#define BIT(cap) (1ULL << (cap))
#define POLICY(name) "policies: [{ name: " name ", capabilities: none }]\n"

static struct policy_set *read_good(const char *file)
{
	struct policy_set *set = NULL;
	struct policy_errors errs;

	if (policy_parse_file(folder_path(file), NULL, &set, &errs)) {
		policy_errors_print(&errs, file, stderr);
		fail_msg("refused: %s", file);
	}
	return set;
}

/* "file:line:column message" of each error, without the folder, one a line. */
static void check_bad(const char *file, const char *want)
{
	struct policy_set *set = NULL;
	struct policy_errors errs;
	char got[4096] = "", *at;

	assert_int_equal(policy_parse_file(folder_path(file), NULL, &set, &errs), -EINVAL);
	assert_null(set);
	for (size_t i = 0; i < errs.n_errors; i++) {
		const struct policy_error *e = &errs.errors[i];

		sprintf(got + strlen(got), "%s%s:%u:%u %s", i ? "\n" : "", e->file ?: file,
			e->pos.line, e->pos.column, e->message);
	}
	while ((at = strstr(got, folder)))
		memmove(at, at + strlen(folder) + 1, strlen(at + strlen(folder) + 1) + 1);
	assert_string_equal(got, want);
	policy_errors_done(&errs);
}

static void policies_and_bases_of_other_files(void **state)
{
	struct policy_set *set;

	folder_write("a.yaml", "include: [sub/b.yaml]\npolicies:\n- name: a\n"
			       "  capabilities: { base: web, drop: [KILL] }\n");
	folder_write("sub/b.yaml",
		     "include: [c.yaml]\npolicies:\n- name: b\n  capabilities: none\n");
	folder_write("sub/c.yaml",
		     "bases: { web: [CHOWN, KILL], more: { base: web, add: [SETUID] } }\n");
	set = read_good("a.yaml");
	assert_int_equal(set->n_policies, 2);
	assert_string_equal(set->policies[0].name, "b");
	assert_string_equal(policy_file(set, &set->policies[0]), folder_path("sub/b.yaml"));
	assert_int_equal(set->policies[0].pos.line, 3);
	assert_string_equal(set->policies[1].name, "a");
	assert_string_equal(policy_file(set, &set->policies[1]), folder_path("a.yaml"));
	assert_int_equal(set->policies[1].allow, BIT(CAP_CHOWN));
	policy_set_free(set);
}

static void patterns_take_policy_files_only(void **state)
{
	struct policy_set *set;

	folder_write("[x]/a.yaml",
		     "include: [\"*/*.yaml\", \"none/*.yaml\", \"/nowhere/*.yml\"]\n" POLICY("a"));
	folder_write("[x]/t2/c.yaml", POLICY("c"));
	folder_write("[x]/t1/b.yaml", POLICY("b"));
	folder_write("[x]/t1/.b.yaml.swp", "{");
	folder_write("[x]/t1/.b.yaml", "{");
	folder_write("[x]/t1/b.yaml~", "{");
	folder_write("x/t1/b.yaml", "{");
	set = read_good("[x]/a.yaml");
	assert_int_equal(set->n_policies, 3);
	assert_string_equal(set->policies[0].name, "b");
	assert_string_equal(set->policies[1].name, "c");
	assert_string_equal(set->policies[2].name, "a");
	policy_set_free(set);
}

static void a_file_is_read_once(void **state)
{
	struct policy_set *set;

	folder_write("a.yaml",
		     "include: [s/b.yaml, s/c.yaml, s/d.yaml, s/link.yaml]\n" POLICY("a"));
	folder_write("s/b.yaml", "include: [d.yaml]\n" POLICY("b"));
	folder_write("s/c.yaml",
		     "include: [d.yaml]\npolicies: [{ name: c, capabilities: { base: d } }]\n");
	folder_write("s/d.yaml", "bases: { d: [CHOWN] }\n" POLICY("d"));
	assert_int_equal(symlink("d.yaml", folder_path("s/link.yaml")), 0);
	set = read_good("a.yaml");
	assert_int_equal(set->n_policies, 4);
	assert_string_equal(set->policies[0].name, "d");
	assert_int_equal(set->policies[2].allow, BIT(CAP_CHOWN));
	policy_set_free(set);
}

/* a0 includes a1, which includes a2, ... */
static void write_chain(int n)
{
	for (int i = 0; i <= n; i++) {
		char name[16], text[128];

		snprintf(name, sizeof(name), "a%d.yaml", i);
		snprintf(text, sizeof(text),
			 "%s%d%s\npolicies: [{name: p%d, capabilities: none}]\n",
			 i < n ? "include: [a" : "# ", i + 1, i < n ? ".yaml]" : "", i);
		folder_write(name, text);
	}
}

static void eight_files_deep(void **state)
{
	struct policy_set *set;

	write_chain(8);
	set = read_good("a0.yaml");
	assert_int_equal(set->n_policies, 9);
	policy_set_free(set);
	write_chain(9);
	check_bad("a0.yaml", "a8.yaml:1:11 include: a9.yaml is more than 8 files deep");
}

static void cycles_are_errors(void **state)
{
	folder_write("self.yaml", "include: [self.yaml]\n" POLICY("a"));
	check_bad("self.yaml", "self.yaml:1:11 include: a cycle: self.yaml is this file");
	folder_write("glob.yaml", "include: [\"g*.yaml\"]\n" POLICY("a"));
	check_bad("glob.yaml", "glob.yaml:1:11 include: a cycle: glob.yaml is this file");
	folder_write("a.yaml", "include: [s/b.yaml]\n" POLICY("a"));
	folder_write("s/b.yaml", "# \ninclude: [c.yaml]\n" POLICY("b"));
	assert_int_equal(symlink("../a.yaml", folder_path("s/c.yaml")), 0);
	check_bad("a.yaml", "s/b.yaml:2:11 include: a cycle: s/c.yaml includes this file");
}

static void what_cannot_be_read(void **state)
{
	folder_write("s/x.yaml/y", "");
	assert_int_equal(mkfifo(folder_path("fifo.yaml"), 0600), 0);
	assert_int_equal(symlink("loop.yaml", folder_path("loop.yaml")), 0);
	folder_write("a.yaml",
		     "include:\n- gone.yaml\n- s/x.yaml\n- fifo.yaml\n- loop.yaml\n" POLICY("a"));
	check_bad(
		"a.yaml",
		"a.yaml:2:3 include: gone.yaml cannot be read: No such file or directory\n"
		"a.yaml:3:3 include: s/x.yaml cannot be read: Is a directory\n"
		"a.yaml:4:3 include: fifo.yaml cannot be read: Invalid argument\n"
		"a.yaml:5:3 include: loop.yaml cannot be read: Too many levels of symbolic links");
}

static void what_may_be_named(void **state)
{
	folder_write(
		"a.yaml",
		"include: [../a.yaml, s/../a.yaml, b.txt, .b.yaml, s/, '', ~, [c.yaml], \"b\\ty.yaml\"]\n" POLICY(
			"a"));
	check_bad("a.yaml", "a.yaml:1:11 include: \"../a.yaml\" leads out of the folder\n"
			    "a.yaml:1:22 include: \"s/../a.yaml\" leads out of the folder\n"
			    "a.yaml:1:35 include: \"b.txt\" is no policy file\n"
			    "a.yaml:1:42 include: \".b.yaml\" is no policy file\n"
			    "a.yaml:1:51 include: \"s/\" is no policy file\n"
			    "a.yaml:1:55 include: a name is expected\n"
			    "a.yaml:1:59 include: a name is expected\n"
			    "a.yaml:1:62 include: a name is expected\n"
			    "a.yaml:1:72 include: control character in \"b\\x09y.yaml\"");
	folder_write("b.yaml", "include: c.yaml\n" POLICY("a"));
	check_bad("b.yaml", "b.yaml:1:10 include: a list is expected");
}

static void whole_paths_are_for_files_of_root(void **state)
{
	char text[2048];
	struct policy_set *set;

	folder_write("s/b.yaml", POLICY("b"));
	snprintf(text, sizeof(text), "include: [%s]\n", folder_path("s/b.yaml"));
	folder_write("a.yaml", text);
	set = read_good("a.yaml");
	assert_int_equal(set->n_policies, 1);
	policy_set_free(set);
	/* Only root can give a file away. */
	if (geteuid() == 0) {
		assert_int_equal(chown(folder_path("a.yaml"), 12345, 12345), 0);
		snprintf(
			text, sizeof(text),
			"a.yaml:1:11 include: \"s/b.yaml\": a whole path counts only in a file of root's");
		check_bad("a.yaml", text);
	}
}

static void mistakes_are_told_where_they_are(void **state)
{
	folder_write(
		"a.yaml",
		"include: [s/b.yaml, s/c.yaml]\npolicies:\n- name: a\n  capabilities: [CHWON]\n");
	folder_write("s/b.yaml", "polices: []\n");
	folder_write(
		"s/c.yaml",
		"include: [d.yaml]\npolicies:\n- name: c\n  mode: enforcing\n  capabilities: none\n");
	folder_write("s/d.yaml", "policies: [\n");
	check_bad("a.yaml", "s/b.yaml:1:1 unknown key \"polices\" in a policy file\n"
			    "s/d.yaml:2:1 not valid YAML: flow sequence without a closing bracket\n"
			    "s/c.yaml:4:9 unknown mode \"enforcing\"\n"
			    "a.yaml:4:18 unknown capability \"CHWON\"");
}

static void names_and_subjects_are_of_one_policy(void **state)
{
	static const char unit[] =
		"policies:\n- name: %s\n  select: [{ unit: a.service }]\n  capabilities: none\n";
	char text[256];

	folder_write("a.yaml", "include: [s/b.yaml, s/c.yaml]\n" POLICY("b"));
	folder_write("s/b.yaml", POLICY("b"));
	folder_write("s/c.yaml", "\n" POLICY("b"));
	check_bad(
		"a.yaml",
		"a.yaml:1:1 duplicate policy name \"b\": it is at s/b.yaml:1:20 and at s/c.yaml:2:20\n"
		"a.yaml:2:20 duplicate policy name \"b\"; the other one is at s/c.yaml:2:20");
	snprintf(text, sizeof(text), unit, "c");
	folder_write("s/c.yaml", text);
	snprintf(
		text, sizeof(text),
		"include: [s/c.yaml]\npolicies:\n- name: %s\n  select: [{ unit: a.service }]\n  capabilities: none\n",
		"d");
	folder_write("d.yaml", text);
	check_bad(
		"d.yaml",
		"d.yaml:4:20 policies \"c\" and \"d\" both select unit: a.service; the first is at s/c.yaml:3:20");
	folder_write("e.yaml", "include: [s/c.yaml, d2.yaml]\n");
	snprintf(text, sizeof(text), unit, "d");
	folder_write("d2.yaml", text);
	check_bad(
		"e.yaml",
		"e.yaml:1:1 policies \"c\" and \"d\" both select unit: a.service: at s/c.yaml:3:20 and at d2.yaml:3:20");
}

static void too_many_errors_are_cut(void **state)
{
	char text[4096] = "policies:\n";
	struct policy_set *set = NULL;
	struct policy_errors errs;

	for (int i = 0; i < 40; i++)
		strcat(text, "- name: -x\n  capabilities: none\n");
	folder_write("b.yaml", text);
	folder_write("a.yaml", "include: [b.yaml, c.yaml]\n");
	folder_write("c.yaml", text);
	assert_int_equal(policy_parse_file(folder_path("a.yaml"), NULL, &set, &errs), -EINVAL);
	assert_int_equal(errs.n_errors, 51);
	assert_string_equal(errs.errors[49].file, folder_path("c.yaml"));
	assert_string_equal(errs.errors[50].message, "too many errors: no more are shown");
	policy_errors_done(&errs);
}

static void reading_tells_what_was_read(void **state)
{
	struct policy_reads first = {}, second = {}, third = {}, fourth = {};
	struct policy_set *set = NULL;
	struct policy_errors errs;
	char path[256];

	folder_write("a.yaml", "include: [s/b.yaml, \"t/*.yaml\", \"/u/v/*.yaml\"]\n" POLICY("a"));
	folder_write("far/b.yaml", POLICY("b"));
	folder_write("s/x", "");
	assert_int_equal(symlink("../far/b.yaml", folder_path("s/b.yaml")), 0);
	strcpy(path, folder_path("a.yaml"));
	assert_int_equal(policy_parse_file(path, &first, &set, &errs), 0);
	set = policy_set_free(set);
	assert_int_equal(first.n_folders, 5);
	assert_string_equal(first.folders[0], folder);
	assert_string_equal(first.folders[1], folder_path("s"));
	assert_string_equal(first.folders[2], folder_path("far"));
	assert_string_equal(first.folders[3], folder_path("t"));
	assert_string_equal(first.folders[4], "/u/v");
	/* The same again. */
	assert_int_equal(policy_parse_file(path, &second, &set, &errs), 0);
	set = policy_set_free(set);
	assert_true(first.hash == second.hash);
	/* Another one fits the pattern. */
	folder_write("t/c.yaml", POLICY("c"));
	assert_int_equal(policy_parse_file(path, &third, &set, &errs), 0);
	set = policy_set_free(set);
	assert_true(first.hash != third.hash);
	/* Also of what is wrong. */
	assert_int_equal(remove(folder_path("s/b.yaml")), 0);
	assert_int_equal(policy_parse_file(path, &fourth, &set, &errs), -EINVAL);
	policy_errors_done(&errs);
	assert_true(third.hash != fourth.hash && first.hash != fourth.hash);
	assert_string_equal(fourth.folders[1], folder_path("s"));
	policy_reads_done(&first);
	policy_reads_done(&second);
	policy_reads_done(&third);
	policy_reads_done(&fourth);
}

static void text_alone_includes_nothing(void **state)
{
	static const struct mistake m[] = {
		{"include: [a.yaml]\n" POLICY("a"),
		 {"1:1 include: only a file that is read where it lies can include others | name "
		  "the file, or put it into the folder of policies"}},
		{"include: []\n" POLICY("a"),
		 {"1:1 include: only a file that is read where it lies can include others | name "
		  "the file, or put it into the folder of policies"}},
		{"bases: { a: [CHOWN] }\n",
		 {"1:1 no policies | a policy file begins with `policies:`"}},
		{"defaults: { mode: audit }\n",
		 {"1:1 no policies | a policy file begins with `policies:`"}},
	};

	check_mistakes(m, ARRAY_SIZE(m));
}

static void mistakes_in_bases_and_defaults(void **state)
{
	static const struct mistake m[] = {
		{"bases: [a]\n" POLICY("a"),
		 {"1:8 bases: names and their capabilities are expected | as in { web: [CHOWN, SETUID] }"}},
		{"bases: {}\n" POLICY("a"),
		 {"1:8 bases: names and their capabilities are expected | as in { web: [CHOWN, SETUID] }"}},
		{"bases: { -a: none }\n" POLICY("a"),
		 {"1:10 bases: \"-a\" cannot be a base's name | letters, digits, and \".\", \"_\", \"-\" "
		  "but not at the beginning"}},
		{"bases: { restricted: none }\n" POLICY("a"),
		 {"1:10 bases: \"restricted\" is built in"}},
		{"bases: { a: [CHWON] }\n" POLICY("a"),
		 {"1:14 unknown capability \"CHWON\" | did you mean CHOWN?"}},
		{"bases: { b: { base: c }, c: none }\n" POLICY("a"),
		 {"1:21 unknown base \"c\" | bases are docker-default, restricted, none, all, and "
		  "those below `bases:`"}},
		{"bases: { web: none }\npolicies: [{ name: a, capabilities: { base: wep } }]\n",
		 {"2:45 unknown base \"wep\" | did you mean web?"}},
		{"bases: { web: none }\npolicies: [{ name: a, capabilities: web }]\n",
		 {"2:37 capabilities: \"web\" is a base, no list | did you mean { base: web }?"}},
		{"defaults: audit\n" POLICY("a"),
		 {"1:11 defaults: keys of a policy are expected | as in { mode: audit, mounts: deny }"}},
		{"defaults: { name: x }\n" POLICY("a"),
		 {"1:13 unknown key \"name\" in defaults | keys here are: mode, profile, capabilities, "
		  "mounts, modules, sockets, devices, attributes, filesystems, namespaces, bpf, optional"}},
		{"defaults: { mode: adit }\npolicies: [{ name: a, capabilities: none }, { name: b, "
		 "capabilities: none }]\n",
		 {"1:19 unknown mode \"adit\" | did you mean audit?"}},
		{"defaults: { mounts: deny }\npolicies: [{ name: a }]\n",
		 {"2:12 capabilities: missing; write `capabilities: none` to allow none"}},
	};

	check_mistakes(m, ARRAY_SIZE(m));
}

static void policies_begin_with_the_defaults(void **state)
{
	struct policy_set *set =
		good("defaults:\n  mode: audit\n  capabilities: [CHOWN]\n  mounts: deny\n"
		     "  filesystems: { deny: [debugfs] }\n  optional: [mounts]\n"
		     "policies:\n- name: a\n- name: b\n  mode: enforce\n  capabilities: none\n"
		     "  mounts: allow\n  filesystems: { read-only: [proc] }\n"
		     "- name: c\n  profile: container\n");
	const struct policy *a = &set->policies[0], *b = &set->policies[1], *c = &set->policies[2];

	assert_int_equal(a->mode, LEASTCAP_AUDIT);
	assert_int_equal(a->allow, BIT(CAP_CHOWN));
	assert_int_equal(a->deny, RULE(MOUNTS) | RULE(FILESYSTEMS));
	assert_int_equal(a->rule_pos[LEASTCAP_RULE_MOUNTS].line, 4);
	check_names(a->lists.fs_deny, "debugfs");
	assert_int_equal(a->optional, RULE(MOUNTS));
	assert_int_equal(b->mode, LEASTCAP_ENFORCE);
	assert_int_equal(b->allow, 0);
	assert_int_equal(b->deny, RULE(FILESYSTEMS));
	check_names(b->lists.fs_deny, "");
	check_names(b->lists.fs_read_only, "proc");
	assert_int_equal(c->mode, LEASTCAP_AUDIT);
	assert_int_equal(c->deny, ALL_RULES & ~RULE(CONNECT));
	assert_true(c->allow & BIT(CAP_SETUID));
	policy_set_free(set);
}

static void what_a_policy_says_replaces_the_lists_of_the_defaults(void **state)
{
	struct policy_set *set = good(
		"defaults:\n  capabilities: none\n  sockets:\n"
		"    host-unix: { default: deny, allow: [/run/a, /run/b] }\n"
		"    connect: { default: deny, allow: [10.0.0.1, 10.0.0.2] }\n"
		"    families: { deny: [alg, vsock] }\n"
		"policies:\n- name: a\n  sockets:\n    host-unix: { default: deny, allow: [/run/c] }\n"
		"    connect: { default: deny, allow: [10.0.0.3] }\n"
		"    families: { deny: [alg] }\n- name: b\n  sockets: allow\n- name: c\n");
	const struct policy *a = &set->policies[0], *b = &set->policies[1], *c = &set->policies[2];

	check_names(a->lists.unix_names, "/run/c");
	assert_int_equal(a->lists.n_destinations, 1);
	assert_int_equal(a->lists.families, FAMILY(38));
	assert_int_equal(b->deny, 0);
	check_names(b->lists.unix_names, "");
	assert_int_equal(b->lists.n_destinations, 0);
	assert_int_equal(b->lists.families, 0);
	check_names(c->lists.unix_names, "/run/a /run/b");
	assert_int_equal(c->lists.n_destinations, 2);
	policy_set_free(set);
}

static void defaults_are_for_their_own_file(void **state)
{
	struct policy_set *set;

	folder_write("a.yaml", "include: [b.yaml]\ndefaults: { mounts: deny }\n" POLICY("a"));
	folder_write("b.yaml", "defaults: { bpf: deny }\n" POLICY("b"));
	set = read_good("a.yaml");
	assert_int_equal(set->policies[0].deny, RULE(BPF));
	assert_int_equal(set->policies[1].deny, RULE(MOUNTS));
	policy_set_free(set);
}

static void a_base_of_a_file_that_cannot_be_read_is_no_mistake(void **state)
{
	folder_write(
		"a.yaml",
		"include: [gone.yaml]\npolicies: [{ name: a, capabilities: { base: web } }]\n");
	check_bad("a.yaml",
		  "a.yaml:1:11 include: gone.yaml cannot be read: No such file or directory");
	folder_write("gone.yaml", "base: { web: all }\n");
	check_bad("a.yaml", "gone.yaml:1:1 unknown key \"base\" in a policy file");
}

static void bases_are_named_once(void **state)
{
	folder_write("a.yaml", "include: [b.yaml]\nbases: { web: none }\n" POLICY("a"));
	folder_write("b.yaml", "bases: { web: all }\n");
	check_bad("a.yaml", "a.yaml:2:10 bases: \"web\" is defined in b.yaml:1:10 already");
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(policies_and_bases_of_other_files),
		in_folder(patterns_take_policy_files_only),
		in_folder(a_file_is_read_once),
		in_folder(eight_files_deep),
		in_folder(cycles_are_errors),
		in_folder(what_cannot_be_read),
		in_folder(what_may_be_named),
		in_folder(whole_paths_are_for_files_of_root),
		in_folder(mistakes_are_told_where_they_are),
		in_folder(names_and_subjects_are_of_one_policy),
		in_folder(too_many_errors_are_cut),
		in_folder(reading_tells_what_was_read),
		cmocka_unit_test(text_alone_includes_nothing),
		cmocka_unit_test(mistakes_in_bases_and_defaults),
		cmocka_unit_test(policies_begin_with_the_defaults),
		cmocka_unit_test(what_a_policy_says_replaces_the_lists_of_the_defaults),
		in_folder(defaults_are_for_their_own_file),
		in_folder(a_base_of_a_file_that_cannot_be_read_is_no_mistake),
		in_folder(bases_are_named_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
