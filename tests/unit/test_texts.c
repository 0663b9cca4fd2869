/* SPDX-License-Identifier: GPL-2.0-only */
/* Files that one process reads and another parses: what comes of them is the same. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "folder.h"
#include "policies.h"

/* Reads a file of the folder, with all that it includes, into JSON. */
static char *handed_over(const char *file, struct policy_set **ret)
{
	_cleanup_(policy_reads_done) struct policy_reads reads = {.keep = true};
	struct policy_errors errs;
	json_auto_t *json = NULL;
	char *text;

	if (policy_parse_file(folder_path(file), &reads, ret, &errs)) {
		policy_errors_print(&errs, file, stderr);
		fail_msg("refused: %s", file);
	}
	json = policy_texts_to_json(&reads.texts);
	assert_non_null(json);
	text = json_dumps(json, JSON_COMPACT);
	assert_non_null(text);
	return text;
}

static void check_same(const struct policy_set *a, const struct policy_set *b)
{
	assert_int_equal(a->n_policies, b->n_policies);
	assert_string_equal(a->file, b->file);
	for (size_t i = 0; i < a->n_policies; i++) {
		const struct policy *p = &a->policies[i], *q = &b->policies[i];
		json_auto_t *x = policy_to_json(p), *y = policy_to_json(q);

		assert_true(json_equal(x, y));
		assert_string_equal(policy_file(a, p), policy_file(b, q));
		assert_memory_equal(&p->pos, &q->pos, sizeof(p->pos));
		assert_memory_equal(p->rule_pos, q->rule_pos, sizeof(p->rule_pos));
	}
}

static void the_same_comes_of_them(void **state)
{
	_cleanup_(policy_set_freep) struct policy_set *here = NULL, *there = NULL;
	_cleanup_(policy_texts_done) struct policy_texts texts = {};
	struct policy_errors errs;
	char *json;

	folder_write("a.yaml",
		     "include: [\"bases/*.yaml\", s/b.yaml, s/again.yaml, \"none/*.yml\"]\n"
		     "policies:\n- name: a\n  capabilities: { base: web }\n  mounts: deny\n");
	folder_write("bases/1.yaml", "bases: { web: [CHOWN] }\n");
	folder_write("bases/2.yaml", "bases: { more: { base: web, add: [KILL] } }\n");
	folder_write("bases/.3.yaml", "this: is\nnot: read\n");
	folder_write("s/b.yaml",
		     "include: [c.yaml]\npolicies:\n- name: b\n  capabilities: { base: more }\n");
	folder_write("s/c.yaml", "policies:\n- name: c\n  capabilities: none\n  bpf: deny\n");
	assert_int_equal(symlink("b.yaml", folder_path("s/again.yaml")), 0);
	json = handed_over("a.yaml", &here);
	assert_int_equal(here->n_policies, 3);
	/* Nothing is looked for where it lay. */
	folder_remove();
	assert_int_equal(policy_texts_from_json(json, strlen(json), &texts), 0);
	assert_int_equal(texts.n, 5);
	assert_int_equal(policy_parse_texts(&texts, &there, &errs), 0);
	check_same(here, there);
	free(json);
	folder_make();
}

static void a_path_from_the_root_on_and_one_without_a_folder(void **state)
{
	static const char json[] =
		"{\"files\":[{\"paths\":[\"a.yaml\"],\"text\":\"include: [/x/b.yaml, c.yaml]\"},"
		"{\"paths\":[\"/x/b.yaml\"],\"text\":\"policies: [{ name: b, capabilities: none }]\"},"
		"{\"paths\":[\"c.yaml\"],\"text\":\"policies: [{ name: c, capabilities: none }]\"}]}";
	_cleanup_(policy_texts_done) struct policy_texts texts = {};
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	struct policy_errors errs;

	assert_int_equal(policy_texts_from_json(json, strlen(json), &texts), 0);
	assert_int_equal(policy_parse_texts(&texts, &set, &errs), 0);
	assert_int_equal(set->n_policies, 2);
	assert_string_equal(policy_file(set, &set->policies[0]), "/x/b.yaml");
	assert_string_equal(policy_file(set, &set->policies[1]), "c.yaml");
}

/* "file:line:column message" of the first error. */
static void check_bad(const char *json, const char *want)
{
	_cleanup_(policy_texts_done) struct policy_texts texts = {};
	struct policy_set *set = NULL;
	struct policy_errors errs;
	char got[512];

	assert_int_equal(policy_texts_from_json(json, strlen(json), &texts), 0);
	assert_int_equal(policy_parse_texts(&texts, &set, &errs), -EINVAL);
	assert_null(set);
	snprintf(got, sizeof(got), "%s:%u:%u %s", errs.errors[0].file ?: texts.items[0].paths[0],
		 errs.errors[0].pos.line, errs.errors[0].pos.column, errs.errors[0].message);
	assert_string_equal(got, want);
	policy_errors_done(&errs);
}

static void mistakes_are_told_where_they_are(void **state)
{
	check_bad(
		"{\"files\":[{\"paths\":[\"s/a.yaml\"],\"text\":\"include: [b.yaml]\"},"
		"{\"paths\":[\"s/b.yaml\"],\"text\":\"policies: [{ name: b, capabilities: [CHWON] }]\"}]}",
		"s/b.yaml:1:38 unknown capability \"CHWON\"");
	/* What was not handed over is not read from the disk. */
	folder_write("b.yaml", "policies: [{ name: b, capabilities: none }]\n");
	assert_int_equal(chdir(folder), 0);
	check_bad("{\"files\":[{\"paths\":[\"a.yaml\"],\"text\":\"include: [b.yaml]\"}]}",
		  "a.yaml:1:11 include: b.yaml cannot be read: No such file or directory");
	assert_int_equal(chdir("/"), 0);
	check_bad("{\"files\":[{\"paths\":[\"a.yaml\"],\"text\":\"include: [a.yaml]\"}]}",
		  "a.yaml:1:11 include: a cycle: a.yaml is this file");
	check_bad("{\"files\":[{\"paths\":[\"a.yaml\"],\"text\":\"include: [b.yaml]\"},"
		  "{\"paths\":[\"b.yaml\"],\"text\":\"include: [a.yaml]\"}]}",
		  "b.yaml:1:11 include: a cycle: a.yaml includes this file");
	check_bad("{\"files\":[{\"paths\":[\"s/a.yaml\"],\"text\":\"include: [../b.yaml]\"},"
		  "{\"paths\":[\"s/../b.yaml\"],\"text\":\"policies: []\"}]}",
		  "s/a.yaml:1:11 include: \"../b.yaml\" leads out of the folder");
}

static void what_is_no_family_of_files(void **state)
{
	static const char *const wrong[] = {
		"",
		"policies: []",
		"[]",
		"{}",
		"{\"files\":[]}",
		"{\"files\":{\"paths\":[\"a\"],\"text\":\"\"}}",
		"{\"files\":[{\"paths\":[],\"text\":\"\"}]}",
		"{\"files\":[{\"paths\":[1],\"text\":\"\"}]}",
		"{\"files\":[{\"paths\":[\"\"],\"text\":\"\"}]}",
		"{\"files\":[{\"paths\":\"a\",\"text\":\"\"}]}",
		"{\"files\":[{\"paths\":[\"a\"]}]}",
		"{\"files\":[{\"paths\":[\"a\"],\"text\":1}]}",
		"{\"files\":[{\"paths\":[\"a\"],\"text\":\"\\u0000\"}]}",
		"{\"files\":[{\"paths\":[\"a\"],\"text\":\"\"},{\"paths\":[\"b\",\"a\"],\"text\":\"\"}]}",
		"{\"files\":[{\"paths\":[\"a\",\"a\"],\"text\":\"\"}]}",
		"{\"files\":[{\"paths\":[\"a\"],\"text\":\"\"}]} x",
	};
	char many[32768] = "{\"files\":[{\"text\":\"\",\"paths\":[\"x\"";
	struct policy_texts texts = {};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		if (policy_texts_from_json(wrong[i], strlen(wrong[i]), &texts) != -EBADMSG)
			fail_msg("not refused: %s", wrong[i]);
	}
	for (int i = 0; i < 1024; i++)
		sprintf(many + strlen(many), ",\"%d\"", i);
	strcat(many, "]}]}");
	assert_int_equal(policy_texts_from_json(many, strlen(many), &texts), -EBADMSG);
	assert_null(texts.items);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(the_same_comes_of_them),
		cmocka_unit_test(a_path_from_the_root_on_and_one_without_a_folder),
		in_folder(mistakes_are_told_where_they_are),
		cmocka_unit_test(what_is_no_family_of_files),
	};

	return cmocka_run_group_tests_name("texts", tests, NULL, NULL);
}
