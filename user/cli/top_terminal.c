// SPDX-License-Identifier: GPL-2.0-only
/* The terminal of leastcap top. Everything that it shows is printable ASCII, so no locale has a say. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/top.h"

/* How long an Esc may be the beginning of another key; over a slow line, too. */
#define ESCAPE_MS 100

#define CTRL_L 12

enum { PAIR_BAR = 1, PAIR_ACTIVE, PAIR_ALERT };

static SCREEN *screen;
static bool colours;
/* Standard error as it was, and what is written to it meanwhile. */
static int error_before = -EBADF, error_kept = -EBADF;

int top_terminal_check(void)
{
	const char *name = getenv("TERM");
	bool drawable;
	int found;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		log_err(0,
			"top needs a terminal; without one: --once for a table, --json for programs");
		return CLI_USAGE;
	}
	if (!name || !*name || setupterm(NULL, STDOUT_FILENO, &found)) {
		log_err(0, "the terminal '%s' is not known here (TERM); --once needs none",
			name ?: "");
		return CLI_FAILED;
	}
	drawable = cursor_address != NULL;
	del_curterm(cur_term);
	if (!drawable) {
		log_err(0, "the terminal '%s' cannot be drawn on (TERM); --once needs none", name);
		return CLI_FAILED;
	}
	return CLI_DONE;
}

/* ---- standard error ---- */

static void keep_errors(void)
{
	error_kept = memfd_create("errors", MFD_CLOEXEC);
	error_before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (error_kept >= 0 && error_before >= 0)
		dup2(error_kept, STDERR_FILENO);
}

static void show_errors(void)
{
	char buf[4096];
	ssize_t n;

	if (error_kept < 0 || error_before < 0)
		return;
	dup2(error_before, STDERR_FILENO);
	for (off_t at = 0; (n = pread(error_kept, buf, sizeof(buf), at)) > 0; at += n)
		fwrite(buf, 1, (size_t)n, stderr);
	close(error_kept);
	close(error_before);
	error_kept = error_before = -EBADF;
}

/* ---- begin and end ---- */

/* https://no-color.org: set and not empty, no colours. */
static void set_colours(void)
{
	const char *no = getenv("NO_COLOR");

	colours = !(no && *no) && has_colors() && start_color() == OK && use_default_colors() == OK;
	if (!colours)
		return;
	init_pair(PAIR_BAR, COLOR_BLACK, COLOR_CYAN);
	init_pair(PAIR_ACTIVE, COLOR_RED, -1);
	init_pair(PAIR_ALERT, COLOR_YELLOW, -1);
}

int top_terminal_open(void)
{
	set_escdelay(ESCAPE_MS);
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return -ENOTTY;
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	(void)curs_set(0);
	set_colours();
	keep_errors();
	return 0;
}

void top_terminal_close(void)
{
	if (!screen)
		return;
	/* Where there is no second screen this one stays: the next prompt is in its last line. */
	move(LINES - 1, 0);
	clrtoeol();
	refresh();
	endwin();
	delscreen(screen);
	screen = NULL;
	show_errors();
}

/* ---- keys ---- */

int top_terminal_key(void)
{
	static const struct {
		int code, key;
	} keys[] = {
		{KEY_UP, TOP_KEY_UP},
		{KEY_DOWN, TOP_KEY_DOWN},
		{KEY_LEFT, TOP_KEY_LEFT},
		{KEY_RIGHT, TOP_KEY_RIGHT},
		{KEY_PPAGE, TOP_KEY_PAGE_UP},
		{KEY_NPAGE, TOP_KEY_PAGE_DOWN},
		{KEY_HOME, TOP_KEY_HOME},
		{KEY_END, TOP_KEY_END},
		{KEY_ENTER, TOP_KEY_ENTER},
		{'\r', TOP_KEY_ENTER},
		{'\n', TOP_KEY_ENTER},
		{27, TOP_KEY_ESCAPE},
		{KEY_BACKSPACE, TOP_KEY_BACKSPACE},
		{'\b', TOP_KEY_BACKSPACE},
		{127, TOP_KEY_BACKSPACE},
		{KEY_F(1), TOP_KEY_HELP},
	};
	int code;

	while ((code = getch()) != ERR) {
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
			if (keys[i].code == code)
				return keys[i].key;
		}
		if (code >= ' ' && code <= '~')
			return code;
		if (code == CTRL_L)
			clearok(curscr, TRUE);
	}
	return -1;
}

/* ---- drawing ---- */

void top_terminal_size(size_t *ret_width, size_t *ret_height)
{
	*ret_width = COLS > 0 ? (size_t)COLS : 80;
	*ret_height = LINES > 0 ? (size_t)LINES : 24;
}

static attr_t attributes_of(enum top_style style)
{
	switch (style) {
	case TOP_BOLD:
		return A_BOLD;
	case TOP_BAR:
		return colours ? (attr_t)COLOR_PAIR(PAIR_BAR) : A_BOLD | A_UNDERLINE;
	case TOP_SELECTED:
		return A_REVERSE;
	case TOP_ACTIVE:
		return colours ? (attr_t)COLOR_PAIR(PAIR_ACTIVE) : A_BOLD;
	case TOP_ALERT:
		return A_BOLD | (colours ? (attr_t)COLOR_PAIR(PAIR_ALERT) : 0);
	default:
		return A_NORMAL;
	}
}

static void draw_line(int y, const struct top_line *line)
{
	bool whole = line->style == TOP_BAR || line->style == TOP_SELECTED;

	attrset(attributes_of(line->style));
	mvaddnstr(y, 0, line->text, COLS);
	if (whole && (int)strlen(line->text) < COLS)
		hline(' ', COLS - (int)strlen(line->text));
}

void top_terminal_draw(const struct top_lines *shown)
{
	erase();
	for (size_t i = 0; i < shown->n && (int)i < LINES; i++)
		draw_line((int)i, &shown->items[i]);
	attrset(A_NORMAL);
	refresh();
}
