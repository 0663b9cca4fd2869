// SPDX-License-Identifier: GPL-2.0-only
/* The report as a page: no script, nothing from elsewhere; what is given is text, never markup. */
#include <stdbool.h>
#include <string.h>

#include "cli/output.h"
#include "cli/report.h"
#include "explain/changes.h"

static const char style[] =
	":root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--line:#d0d7de;--dim:#59636e;"
	"--used:#2da44e;--unused:#f2b824;--withheld:#c9d6e6;--denied:#d1344b;--would:#8250df;--unbound:#e8803c;--on:#fff;--code:#f3f5f7}\n"
	"@media (prefers-color-scheme:dark){:root{--fg:#e6edf3;--bg:#0d1117;--line:#3d444d;"
	"--dim:#9198a1;--used:#2f8f46;--unused:#c28f10;--withheld:#344a66;--denied:#c93a4b;"
	"--would:#8a63d2;--unbound:#b85c1f;--code:#161b22}}\n"
	"@media print{:root{color-scheme:light;--fg:#000;--bg:#fff;--line:#aaa;--dim:#444;--code:#fff;"
	"--used:#2da44e;--unused:#f2b824;--withheld:#c9d6e6;--denied:#d1344b;"
	"--would:#8250df;--unbound:#e8803c}"
	"body{max-width:none;margin:0;padding:0}.scroll{overflow:visible}}\n"
	"*{-webkit-print-color-adjust:exact;print-color-adjust:exact}\n"
	"body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);"
	"max-width:82rem;margin:2rem auto;padding:0 1rem}\n"
	"h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}"
	".dim{color:var(--dim)}\n"
	".scroll{overflow-x:auto}table{border-collapse:collapse}\n"
	".grid{font-size:12px}.grid th{font-weight:500;text-align:left;white-space:nowrap}\n"
	".grid thead th{vertical-align:bottom}.grid thead th.cap{height:9.5rem;padding:0}\n"
	".grid thead th.cap span{writing-mode:vertical-rl;transform:rotate(180deg);padding:.3rem 0}\n"
	".grid tbody th,.grid tbody td.text{padding:2px 10px 2px 0;max-width:22rem;overflow:hidden;"
	"text-overflow:ellipsis;white-space:nowrap}\n"
	".grid tbody th{position:sticky;left:0;background:var(--bg)}\n"
	".grid td.cell{width:1.2rem;min-width:1.2rem;height:1.2rem;text-align:center;"
	"border:1px solid var(--line);padding:0}\n"
	".used{background:var(--used);color:var(--on)}.unused{background:var(--unused);color:#000}\n"
	".withheld{background:var(--withheld);color:var(--fg)}.denied{background:var(--denied);color:var(--on)}\n"
	".would-deny{background:var(--would);color:var(--on)}.unbound{background:var(--unbound);color:#000}"
	".allowed{color:var(--dim)}\n"
	".key>span{white-space:nowrap;margin-right:1rem}\n"
	".key>span>span{display:inline-block;width:1.4rem;text-align:center;margin-right:.35rem}\n"
	".worst td{padding:4px 14px 4px 0;border-bottom:1px solid var(--line);vertical-align:top}\n"
	"@media (max-width:40rem){.worst tr{display:block;border-bottom:1px solid var(--line);"
	"padding:4px 0}.worst td{display:block;border:0;padding:0}.worst td:first-child{display:none}}\n"
	"pre{background:var(--code);border:1px solid var(--line);border-radius:6px;padding:.6rem .8rem;"
	"overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}\n"
	"@media print{body{font-size:9.5pt}h2,p:has(+pre){break-after:avoid}tr,pre{break-inside:avoid}"
	".grid{font-size:6pt}.grid td.cell{width:7.4pt;min-width:7.4pt;height:8pt}"
	".grid thead th.cap{height:70pt}.grid thead th.cap span{padding:0}"
	".grid tbody th,.grid tbody td.text{max-width:62pt;padding-right:4pt}"
	".grid tbody th{max-width:92pt}}\n";

/* The marks say without colours what the colours say. */
static const struct {
	const char *cell, *mark, *text;
} cells[] = {
	{"used", "&#9679;", "used"},
	{"would-deny", "?", "used, not allowed, and only reported"},
	{"unused", "&#9675;", "granted and allowed, never used"},
	{"withheld", "&#8722;", "granted, taken away by the policy"},
	{"denied", "!", "asked for, and refused"},
	{"allowed", "&#183;", "allowed, not granted"},
	{"unbound", "&#9633;", "granted, and held by no policy"},
};

/* One line of text. */
static void put_safe(FILE *f, const char *text)
{
	_cleanup_free_ char *safe = out_printable(text ?: "");

	for (const char *c = safe ?: "?"; *c; c++) {
		switch (*c) {
		case '&':
			fputs("&amp;", f);
			break;
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		case '"':
			fputs("&quot;", f);
			break;
		case '\'':
			fputs("&#39;", f);
			break;
		default:
			putc(*c, f);
		}
	}
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static void put_member(FILE *f, const json_t *object, const char *key)
{
	put_safe(f, text_of(object, key));
}

/* Several lines, for <pre>. */
static void put_block(FILE *f, const char *text)
{
	for (const char *end; *text; text = *end ? end + 1 : end) {
		_cleanup_free_ char *line = NULL;

		end = strchrnul(text, '\n');
		line = strndup(text, (size_t)(end - text));
		put_safe(f, line);
		putc('\n', f);
	}
}

/* ---- the picture ---- */

static void put_cell(FILE *f, const char *word)
{
	for (size_t i = 0; word && i < ARRAY_SIZE(cells); i++) {
		if (strcmp(cells[i].cell, word) != 0)
			continue;
		fprintf(f, "<td class=\"cell %s\" title=\"%s\">%s</td>", cells[i].cell,
			cells[i].text, cells[i].mark);
		return;
	}
	fputs("<td class=\"cell\"></td>", f);
}

static void put_row(FILE *f, const json_t *subject, const json_t *columns)
{
	const json_t *each;
	size_t i;

	fputs("<tr><th scope=\"row\" title=\"", f);
	put_member(f, subject, "cgroup");
	fputs("\">", f);
	put_member(f, subject, "name");
	fputs("</th><td class=\"text\">", f);
	if (json_is_string(json_object_get(subject, "policy"))) {
		put_member(f, subject, "policy");
		fputs(!strcmp(text_of(subject, "mode"), "enforce") ? "" : " (audit)", f);
	} else {
		fputs("(held by nobody)", f);
	}
	fputs("</td>", f);
	json_array_foreach(columns, i, each)
		put_cell(f, json_string_value(json_object_get(json_object_get(subject, "cells"),
							      json_string_value(each) ?: "")));
	fputs("</tr>\n", f);
}

static void put_rows(FILE *f, const json_t *subjects, const json_t *columns)
{
	size_t n = json_array_size(subjects);

	fputs("<tbody>\n", f);
	for (size_t i = 0; i < n && i < REPORT_ROWS; i++)
		put_row(f, json_array_get(subjects, i), columns);
	fputs("</tbody>\n", f);
}

static void put_rest(FILE *f, const json_t *subjects, const char *what)
{
	size_t n = json_array_size(subjects);

	if (n > REPORT_ROWS)
		fprintf(f, "<p>%zu more %s are not shown; these have the most for nothing.</p>\n",
			n - REPORT_ROWS, what);
}

static void put_grid(FILE *f, const json_t *report)
{
	const json_t *columns = json_object_get(report, "capabilities"),
		     *subjects = json_object_get(report, "subjects"),
		     *unbound = json_object_get(report, "unbound"), *each;
	size_t i;

	fputs("<section><h2>Who has what</h2>\n<p class=\"key dim\">", f);
	for (i = 0; i < ARRAY_SIZE(cells); i++)
		fprintf(f, "<span><span class=\"%s\">%s</span>%s</span> ", cells[i].cell,
			cells[i].mark, cells[i].text);
	fputs("</p>\n<div class=\"scroll\"><table class=\"grid\">\n<thead><tr><th>subject</th>"
	      "<th>policy</th>",
	      f);
	json_array_foreach(columns, i, each) {
		fputs("<th class=\"cap\" scope=\"col\"><span>", f);
		put_safe(f, json_string_value(each));
		fputs("</span></th>", f);
	}
	fputs("</tr></thead>\n", f);
	put_rows(f, subjects, columns);
	put_rows(f, unbound, columns);
	fputs("</table></div>\n", f);
	put_rest(f, subjects, "subjects");
	put_rest(f, unbound, "that nobody holds");
	fputs("</section>\n", f);
}

/* ---- what to do ---- */

static void put_worst(FILE *f, const json_t *worst)
{
	const json_t *each, *name;
	size_t i, j;

	fputs("<section><h2>Granted for nothing: the worst</h2>\n", f);
	if (!json_array_size(worst))
		fputs("<p>Of what is bound, nothing is granted and allowed that is not used.</p>\n",
		      f);
	fputs("<table class=\"worst\">\n", f);
	json_array_foreach(worst, i, each) {
		json_int_t count = out_number(each, "count");

		fprintf(f, "<tr><td>%zu</td><td><strong>", i + 1);
		put_member(f, each, "capability");
		fputs("</strong></td><td>could ", f);
		put_member(f, each, "meaning");
		fputs("</td><td>policy ", f);
		put_member(f, each, "policy");
		fputs(": ", f);
		json_array_foreach(json_object_get(each, "subjects"), j, name) {
			fputs(j ? ", " : "", f);
			put_safe(f, json_string_value(name));
		}
		if (count > (json_int_t)json_array_size(json_object_get(each, "subjects")))
			fprintf(f, " and others, %lld in all", (long long)count);
		fputs("</td></tr>\n", f);
	}
	fputs("</table></section>\n", f);
}

/* A sentence of it; none of no capabilities. */
static void put_caps(FILE *f, const char *before, const json_t *caps)
{
	const json_t *each;
	size_t i;

	json_array_foreach(caps, i, each) {
		fputs(i ? ", " : before, f);
		put_safe(f, json_string_value(each));
	}
	fputs(json_array_size(caps) ? "." : "", f);
}

static void put_change(FILE *f, const json_t *tighter)
{
	const json_t *change = json_object_get(tighter, "change");
	const char *command = text_of(change, "command"), *file = text_of(change, "file");
	_cleanup_free_ char *place = change_where(change);

	fputs("<p>Policy <strong>", f);
	put_member(f, tighter, "policy");
	fputs("</strong>", f);
	put_caps(f,
		 " allows what none of its subjects has used: ", json_object_get(tighter, "drop"));
	put_caps(f,
		 json_array_size(json_object_get(tighter, "drop"))
			 ? " It does not allow what was used: "
			 : " does not allow what was used: ",
		 json_object_get(tighter, "add"));
	if (*file) {
		fputs(" So that it allows what was used and no more, write ", f);
		put_safe(f, place);
		fputs(":</p>\n<pre>", f);
		put_block(f, text_of(change, "text"));
		fputs("</pre>\n", f);
	} else if (*command) {
		fputs(" So that it allows what was used and no more:</p>\n<pre>", f);
		put_block(f, command);
		fputs("</pre>\n", f);
	} else {
		fputs("</p>\n", f);
	}
}

static void put_tighter(FILE *f, const json_t *tighter)
{
	const json_t *each;
	size_t i;

	if (!json_array_size(tighter))
		return;
	fputs("<section><h2>What to do</h2>\n<p>What is used is counted since a subject was bound. "
	      "Where it has run long enough to show what it needs:</p>\n",
	      f);
	json_array_foreach(tighter, i, each)
		put_change(f, each);
	fputs("<p><code>leastcap apply --dry-run FILE</code> says before what it would break, and "
	      "<code>leastcap apply --shadow FILE</code> tries it without refusing anything.</p>"
	      "</section>\n",
	      f);
}

void report_html(FILE *f, const json_t *report)
{
	bool enforcing = json_is_true(json_object_get(report, "enforcing"));
	const json_t *unbound = json_object_get(report, "unbound");

	fprintf(f, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		   "style-src 'unsafe-inline'\">\n<title>Capabilities on ");
	put_member(f, report, "host");
	fprintf(f, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>Capabilities on ", style);
	put_member(f, report, "host");
	fputs("</h1>\n<p class=\"dim\">", f);
	put_member(f, report, "time");
	fputs(" &middot; kernel ", f);
	put_member(f, report, "kernel");
	fprintf(f, " &middot; %zu subjects &middot; ",
		json_array_size(json_object_get(report, "subjects")));
	if (json_is_null(unbound))
		fputs("what nobody holds is not known: cgroups cannot be read", f);
	else
		fprintf(f, "%zu containers and services held by nobody", json_array_size(unbound));
	fprintf(f, " &middot; %s</p>\n",
		enforcing ? "leastcap enforces" : "<strong>leastcap does not enforce</strong>");
	put_grid(f, report);
	put_worst(f, json_object_get(report, "worst"));
	put_tighter(f, json_object_get(report, "tighter"));
	fputs("</body>\n</html>\n", f);
}
