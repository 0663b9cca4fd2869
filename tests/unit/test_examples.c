/* SPDX-License-Identifier: GPL-2.0-only */
/* What the documentation shows as a policy, or as a part of one, is one. Run from the top of the source tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdbool.h>
#include <string.h>

#include "policy/policy.h"

/* Parts that stand alone, and what makes a policy of them. */
static const struct {
	const char *begin, *before;
} parts[] = {
	{"policies:", ""},
	{"- name:", "policies:\n"},
	{"capabilities:", "policies:\n- name: x\n  "},
	{"mounts:", "policies:\n- name: x\n  capabilities: none\n  "},
	{"sockets:", "policies:\n- name: x\n  capabilities: none\n  "},
	{"attributes:", "policies:\n- name: x\n  capabilities: none\n  "},
	{"filesystems:", "policies:\n- name: x\n  capabilities: none\n  "},
	{"select:", "policies:\n- name: x\n  capabilities: none\n  "},
	{"optional:", "policies:\n- name: x\n  capabilities: none\n  "},
	{"include:", "policies:\n- name: x\n  capabilities: none\n"},
	{"bases:", "policies:\n- name: x\n  capabilities: none\n"},
	{"defaults:", "policies:\n- name: x\n  capabilities: none\n"},
	{"profile:", "policies:\n- name: x\n  "},
	{"host-unix:", "policies:\n- name: x\n  capabilities: none\n  sockets:\n    "},
	{"connect:", "policies:\n- name: x\n  capabilities: none\n  sockets:\n    "},
	{"families:", "policies:\n- name: x\n  capabilities: none\n  sockets:\n    "},
};

/* Which part a text begins; -1: none. */
static int part_of(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (!strncmp(text, parts[i].begin, strlen(parts[i].begin)))
			return (int)i;
	}
	return -1;
}

static void check(const char *file, size_t line, const char *text)
{
	/* The files that an example includes are not there: its patterns fit none. */
	struct policy_text one = {
		.paths = (char *[]){(char *)file, NULL}, .text = (char *)text, .len = strlen(text)};
	const struct policy_texts texts = {&one, 1};
	struct policy_set *set = NULL;
	struct policy_errors errs;

	if (policy_parse_texts(&texts, &set, &errs)) {
		policy_errors_print(&errs, file, stderr);
		policy_errors_done(&errs);
		fail_msg("%s, line %zu:\n%s", file, line, text);
	}
	assert_true(set->n_policies > 0);
	policy_set_free(set);
}

/* ---- in blocks ---- */

struct example {
	int part;
	size_t line, indent; /* of its beginning in the file */
	char *text;
	size_t size;
	FILE *f; /* writes the text; NULL: there is none */
};

/* Further lines stand as far in as the beginning does, behind what is put before it. */
static void example_add(struct example *e, const char *line)
{
	const char *before = parts[e->part].before, *last = strrchr(before, '\n');
	size_t in = strspn(line, " ");

	if (in > e->indent)
		in = e->indent;
	fprintf(e->f, "%*s%s", last ? (int)strlen(last + 1) : 0, "", line + in);
}

static void example_begin(struct example *e, int part, size_t n_line, const char *line)
{
	e->part = part;
	e->line = n_line;
	e->indent = strspn(line, " ");
	e->f = open_memstream(&e->text, &e->size);
	assert_non_null(e->f);
	fprintf(e->f, "%s%s", parts[part].before, line + e->indent);
}

static size_t example_end(struct example *e, const char *file)
{
	if (!e->f)
		return 0;
	fclose(e->f);
	check(file, e->line, e->text);
	free(e->text);
	*e = (struct example){};
	return 1;
}

/* Further in, or the next element of a list. */
static bool example_has(const struct example *e, const char *line)
{
	size_t indent = strspn(line, " ");

	return e->f && (line[indent] == '\n' || indent > e->indent ||
			(indent == e->indent && line[indent] == '-' && line[indent + 1] == ' '));
}

/* In *.rst, blocks are further in than the line with "::" before them; else they are between lines of "```". */
static size_t check_blocks(const char *file)
{
	bool rst = strstr(file, ".rst") != NULL, block = false;
	_cleanup_fclose_ FILE *f = fopen(file, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0, n_line = 0, outer = 0, n = 0;
	struct example e = {};

	assert_non_null(f);
	while (getline(&line, &size, f) >= 0) {
		size_t indent = strspn(line, " "), len = strlen(line);
		bool fence = !rst && !strncmp(line, "```", 3);

		n_line++;
		if (fence)
			block = !block;
		if (rst && block && line[indent] != '\n' && indent <= outer)
			block = false;
		if (block && example_has(&e, line)) {
			example_add(&e, line);
			continue;
		}
		n += example_end(&e, file);
		if (block && part_of(line + indent) >= 0)
			example_begin(&e, part_of(line + indent), n_line, line);
		else if (rst && !block && len > 2 && !strcmp(line + len - 3, "::\n")) {
			block = true;
			outer = indent;
		}
	}
	return n + example_end(&e, file);
}

/* How many there are at least: none that is not found. */
static size_t fewest(const char *file)
{
	return !strcmp(file, "docs/leastcap-policy.5.rst") ? 13
	       : !strcmp(file, "docs/leastcap.1.rst")	   ? 4
	       : !strcmp(file, "README.md")		   ? 1
							   : 0;
}

static void the_examples_of_the_documentation_are_valid(void **state)
{
	size_t n_known = 0;
	glob_t found = {};

	assert_int_equal(glob("docs/*.rst", 0, NULL, &found), 0);
	assert_int_equal(glob("docs/*.md", GLOB_APPEND, NULL, &found), 0);
	assert_int_equal(glob("README.md", GLOB_APPEND, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *file = found.gl_pathv[i];
		size_t n = check_blocks(file);

		n_known += fewest(file) > 0;
		if (n < fewest(file))
			fail_msg("%s: %zu examples found", file, n);
	}
	assert_int_equal(n_known, 3);
	globfree(&found);
}

/* ---- in the text ---- */

/* The words of the manual that begin a part, in bold: **attributes: { mode: enforce }**. */
static void what_the_manual_says_in_bold_is_valid(void **state)
{
	static const char file[] = "docs/leastcap-policy.5.rst";
	_cleanup_fclose_ FILE *f = fopen(file, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0, n_line = 0, n = 0;

	assert_non_null(f);
	while (getline(&line, &size, f) >= 0) {
		n_line++;
		for (char *from = line, *to; (from = strstr(from, "**")); from = to + 2) {
			char text[512];
			int part;

			from += 2;
			to = strstr(from, "**");
			if (!to)
				break;
			*to = '\0';
			part = part_of(from);
			/* What ends with the colon is a key, and dots or capitals stand for something else. */
			if (part < 0 || from[strlen(from) - 1] == ':' || strstr(from, "...") ||
			    strstr(from, "NAME"))
				continue;
			snprintf(text, sizeof(text), "%s%s\n", parts[part].before, from);
			check(file, n_line, text);
			n++;
		}
	}
	if (n < 12)
		fail_msg("%s: %zu found", file, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_the_documentation_are_valid),
		cmocka_unit_test(what_the_manual_says_in_bold_is_valid),
	};

	return cmocka_run_group_tests_name("examples", tests, NULL, NULL);
}
