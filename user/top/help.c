/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/cleanup.h"
#include "top/view.h"

static const char *const text[] = {
	"",
	"  Up Down j k      select a subject       PgUp PgDn    a page",
	"  Home End g G     the first, the last    Enter        all about it",
	"  /                only what has this text in its name, cgroup, policy or mode;",
	"                   Enter keeps it, Esc shows all again",
	"  s > Right        sort by the next column on the right",
	"  < Left           ... on the left        r            the other way round",
	"  Space            pause, and go on       c            count checks, and stop it",
	"  h ? F1           this page              q Ctrl-C     quit",
	"  In a subject: the same keys scroll; Esc, q, Backspace or Left go back.",
	"",
	"  DENY/S  WOULD/S  refused a second; allowed and reported, by a policy in mode",
	"                   audit or a shadow. '-': not known yet",
	"  DENIED  WOULD    since it was bound. Probes are not in it",
	"  USED             capabilities that it has used",
	"  UNUSED           ... that it has, may use, and has never used",
	"  SEEN/S           capability checks, whatever came of them; a program in the",
	"                   kernel counts them as long as this column is there, for root",
	"",
	"  Counts are the kernel's and exact. Events are samples.",
};

void top_help(struct top_lines *ret)
{
	top_lines_add(ret, TOP_BAR, "leastcap top: keys and columns");
	for (size_t i = 0; i < ARRAY_SIZE(text); i++)
		top_lines_add(ret, TOP_PLAIN, "%s", text[i]);
}
