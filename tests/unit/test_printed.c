// SPDX-License-Identifier: GPL-2.0-only
/* What the command prints of names that the watched side has chosen, and of what it does not know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "cli/explain.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/trace.h"

/* Another part of the command, which nothing here comes to. */
void follower_tell(const struct follower *f)
{
	fail();
}

/* ---- standard output ---- */

static int out = -1;

static void begin(void)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	fflush(stdout);
	out = dup(STDOUT_FILENO);
	assert_true(out >= 0 && dup2(fileno(file), STDOUT_FILENO) == STDOUT_FILENO);
	fclose(file);
}

/* What has been printed since begin(). */
static char *end(void)
{
	char *text = calloc(1, 8192);

	fflush(stdout);
	assert_non_null(text);
	assert_true(pread(STDOUT_FILENO, text, 8191, 0) >= 0);
	assert_int_equal(dup2(out, STDOUT_FILENO), STDOUT_FILENO);
	close(out);
	return text;
}

static size_t lines_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in: %s", part, text);
}

static void has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" is in: %s", part, text);
}

/* ---- where a table is narrow ---- */

static void what_is_too_wide_is_cut(void **state)
{
	static const struct {
		const char *text, *printed;
	} cells[] = {
		{"web", "web          "},
		{"exactly12345", "exactly12345 "},
		{"", "             "},
		/* Of a name both ends: replicas differ in the last letters. */
		{"shop-frontend-12", "shop...nd-12 "},
		{"shop-frontend-13", "shop...nd-13 "},
		{"exactly123456", "exac...23456 "},
		/* Of a path its end. */
		{"/system.slice/web.service", "...b.service "},
		/* In characters, and none is cut into pieces. */
		{"größe", "größe        "},
		{"größengrößen", "größengrößen "},
		{"ééééöéééééööö", "éééé...ééööö "},
		{"/ééééööööööööö", "...ööööööööö "},
		/* Made printable before it is measured. */
		{"a\x1b[2J", "a\\x1b[2J     "},
		{"\n\n\n\n", "\\x0a...a\\x0a "},
		{"\xff", "\\xff         "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
		_cleanup_free_ char *text = NULL;

		begin();
		out_cell(cells[i].text, 12);
		text = end();
		assert_string_equal(text, cells[i].printed);
	}
}

/* ---- what a process is called ---- */

static char *traced(const char *comm, unsigned int columns)
{
	struct leastcap_trace_check check = {
		.pid = 7, .syscall = -1, .cap = 21, .verdict = LEASTCAP_TRACE_ALLOWED};
	struct trace_printer p = {.columns = columns, .names = trace_names_new()};

	strncpy(check.comm, comm, sizeof(check.comm) - 1);
	assert_non_null(p.names);
	begin();
	trace_print(&check, sizeof(check), &p);
	assert_int_equal(p.shown, 1);
	trace_printer_done(&p);
	return end();
}

static void a_process_cannot_choose_what_a_trace_says(void **state)
{
	_cleanup_free_ char *plain = traced("probe", 80), *quotes = traced("a'b\"c", 80),
			    *hostile = traced("\n\x1b[31m\xc2\x9b", 0),
			    *narrow = traced("\n\x1b[31m\xc2\x9b", 80);

	has(plain, " ?            probe              7 SYS_ADMIN        allowed -\n");
	has(quotes, " a'b\"c              7 SYS_ADMIN ");
	has(hostile, " \\x0a\\x...c2\\x9b ");
	has(narrow, " \\x0a...2\\x9b ");
	assert_int_equal(lines_of(hostile), 1);
	has_not(hostile, "\x1b");
}

static json_t *explanation(const char *comm)
{
	return json_pack(
		"{s:{s:s, s:i, s:s, s:s, s:s, s:{s:s}, s:{s:s, s:s, s:i, s:i, s:i}}, "
		"s:{s:s, s:s, s:s, s:i, s:s, s:b}, s:[{s:s, s:s, s:s, s:i, s:b}, {s:s, s:s, s:n}]}",
		"event", "type", "denied", "seq", 17, "restriction", "capabilities", "item",
		"SYS_ADMIN", "time", "2026-01-02T03:04:05.678901Z", "subject", "cgroup",
		"/outer/web\x1b[2J", "process", "comm", comm, "parent", comm, "pid", 7, "ppid", 6,
		"uid", 0, "refused_by", "policy", "web", "mode", "enforce", "file", "/etc/web.yaml",
		"line", 6, "cgroup", "/outer/web", "refuses", 1, "others", "policy", "outer",
		"mode", "enforce", "cgroup", "/outer", "revision", 3, "refuses", 1, "policy",
		"inner", "cgroup", "/outer/web/a", "refuses");
}

static char *explained(const char *comm)
{
	json_auto_t *e = explanation(comm);

	assert_non_null(e);
	begin();
	explain_print(e);
	return end();
}

static void a_process_cannot_choose_what_an_explanation_says(void **state)
{
	_cleanup_free_ char *plain = explained("probe"), *hostile = explained("a'[1] \x1b]0;\n");

	has(plain, "\nwho         probe[7], uid 0\n");
	has(hostile, "\nwho         'a'\\''[1] \\x1b]0;\\x0a'[7], uid 0\n");
	has(hostile, "\nby          'a'\\''[1] \\x1b]0;\\x0a'[6]\n");
	has(hostile, "\nwhere       cgroup /outer/web\\x1b[2J\n");
	has_not(hostile, "\x1b");
	assert_int_equal(lines_of(hostile), lines_of(plain));
}

static void a_policy_above_is_told_with_its_place(void **state)
{
	_cleanup_free_ char *text = explained("probe");

	has(text, "refused by  policy web, revision 0, enforce, at /outer/web\n"
		  "            /etc/web.yaml:6:0\n");
	has(text, "and by      policy outer, revision 3, enforce, at /outer\n"
		  "            it came over the API: there is no file of it\n");
	has(text, "            whether it refuses this, the event does not tell\n");
}

static void a_name_is_in_quotes_where_it_is_like_the_rest(void **state)
{
	static const struct {
		const char *comm, *shown;
	} names[] = {
		{"nginx", "nginx"},   {"web server", "'web server'"}, {"sh[1]", "'sh[1]'"},
		{"a'b", "'a'\\''b'"}, {"\x1b[2J", "'\\x1b[2J'"},      {"", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		json_auto_t *process = json_pack("{s:s}", "comm", names[i].comm);
		_cleanup_free_ char *shown = out_name(process, "comm");

		assert_string_equal(shown, names[i].shown);
	}
}

/* ---- the report's page ---- */

/* Takes unbound over. */
static char *page(json_t *unbound)
{
	json_auto_t *report = json_pack(
		"{s:s, s:s, s:s, s:b, s:[s], s:[{s:s, s:s, s:s, s:s, s:{}}], s:o, s:[], s:[]}",
		"host", "h", "time", "now", "kernel", "6.1", "enforcing", 1, "capabilities",
		"CHOWN", "subjects", "name", "<b>'\"&\x1b\n", "cgroup", "/a\" onclick=\"x",
		"policy", "<i>", "mode", "enforce", "cells", "unbound", unbound, "worst",
		"tighter");
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(report);
	assert_non_null(f);
	report_html(f, report);
	fclose(f);
	return text;
}

static void what_nobody_holds_may_not_be_known(void **state)
{
	_cleanup_free_ char *unknown = page(json_null()), *none = page(json_array()),
			    *some = page(json_pack("[{s:s, s:s, s:{s:s}}]", "name", "free",
						   "cgroup", "/free", "cells", "CHOWN", "unbound"));

	has(unknown, "what nobody holds is not known: cgroups cannot be read");
	has_not(unknown, "held by nobody");
	has(none, " 0 containers and services held by nobody");
	has_not(none, "not known");
	has(some, " 1 containers and services held by nobody");
	has(some, "title=\"/free\">free</th><td class=\"text\">(held by nobody)</td>");
}

static void names_are_text_on_the_page(void **state)
{
	_cleanup_free_ char *text = page(json_array());

	has(text, "title=\"/a&quot; onclick=&quot;x\">&lt;b&gt;&#39;&quot;&amp;\\x1b\\x0a</th>"
		  "<td class=\"text\">&lt;i&gt;</td>");
	has_not(text, "\x1b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_too_wide_is_cut),
		cmocka_unit_test(a_process_cannot_choose_what_a_trace_says),
		cmocka_unit_test(a_process_cannot_choose_what_an_explanation_says),
		cmocka_unit_test(a_policy_above_is_told_with_its_place),
		cmocka_unit_test(a_name_is_in_quotes_where_it_is_like_the_rest),
		cmocka_unit_test(what_nobody_holds_may_not_be_known),
		cmocka_unit_test(names_are_text_on_the_page),
	};

	unsetenv("COLUMNS");
	return cmocka_run_group_tests_name("printed", tests, NULL, NULL);
}
