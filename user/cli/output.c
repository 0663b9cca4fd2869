// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/escape.h"
#include "base/files.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/output.h"

#define COLUMNS_MIN 80

/* Between two columns of a table. */
#define GAP 2

struct table {
	const struct table_column *columns;
	size_t n_columns;
	char **cells; /* n_rows * n_columns */
	size_t n_rows;
};

unsigned int out_columns(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO)) {
		const char *wanted = getenv("COLUMNS");

		size.ws_col = wanted ? (unsigned short)atoi(wanted) : 0;
		return size.ws_col >= COLUMNS_MIN ? size.ws_col : 0;
	}
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col < COLUMNS_MIN)
		return COLUMNS_MIN;
	return size.ws_col;
}

int out_json(const json_t *json)
{
	/* ASCII: a terminal obeys some characters above it. */
	size_t flags = JSON_ENSURE_ASCII | (isatty(STDOUT_FILENO) ? JSON_INDENT(2) : JSON_COMPACT);

	if (!json) {
		log_err(-ENOMEM, "cannot print");
		return CLI_FAILED;
	}
	if (json_dumpf(json, stdout, flags) || putchar('\n') == EOF) {
		log_err(-EIO, "cannot write to standard output");
		return CLI_FAILED;
	}
	return CLI_DONE;
}

/* /dev/stdout, which may be a file that has something before, or a socket, which no path opens. */
static bool is_stdout(const char *path)
{
	struct stat a, b;

	return !stat(path, &a) && !fstat(STDOUT_FILENO, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static bool is_file(const char *path)
{
	return path && strcmp(path, "-") && !is_stdout(path);
}

int out_text(const char *path, const char *text, mode_t mode)
{
	int err = 0;

	if (is_file(path))
		err = file_replace(path, text, mode);
	else if (fputs(text, stdout) < 0 || fflush(stdout))
		err = -errno;
	if (err)
		log_err(err, "cannot write %s", path ?: "to standard output");
	return err ? CLI_FAILED : CLI_DONE;
}

int out_try(const char *path)
{
	int err = is_file(path) ? file_try_replace(path) : 0;

	if (err)
		log_err(err, "cannot write %s", path);
	return err ? CLI_FAILED : CLI_DONE;
}

char *out_printable(const char *text)
{
	return escape_dup(text, strlen(text));
}

char *out_member(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return out_printable(text ? text : "");
}

char *out_name(const json_t *process, const char *key)
{
	_cleanup_free_ char *shown = out_member(process, key);

	return shown && *shown ? shell_word(shown) : TAKE_PTR(shown);
}

json_int_t out_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

void out_words(const char *label, const json_t *words)
{
	unsigned int columns = out_columns(), indent, at;
	const json_t *each;
	size_t i;

	at = indent = (unsigned int)printf("  %-12s", label);
	if (json_array_size(words) == 0) {
		puts("none");
		return;
	}
	json_array_foreach(words, i, each) {
		const char *raw = json_string_value(each);
		_cleanup_free_ char *word = out_printable(raw ? raw : "?");
		bool last = i + 1 == json_array_size(words);
		unsigned int len = (unsigned int)strlen(word ? word : "?") + !last;

		if (i && columns && at + 1 + len > columns) {
			printf("\n%*s", (int)indent, "");
			at = indent;
		} else if (i) {
			putchar(' ');
			at++;
		}
		printf("%s%s", word ? word : "?", last ? "" : ",");
		at += len;
	}
	putchar('\n');
}

char *out_override(const json_t *policy)
{
	const char *by = json_string_value(json_object_get(policy, "mode_by"));
	_cleanup_free_ char *mode = out_member(policy, "mode");
	char *text;

	if (!by || strcmp(by, "override"))
		return strdup("");
	return asprintf(&text, ", mode %s (leastcap mode)", mode ?: "?") < 0 ? NULL : text;
}

void out_disarmed(const json_t *json)
{
	_cleanup_free_ char *reason = out_member(json, "reason");
	char left[DURATION_TEXT];

	if (json_is_object(json))
		printf("DISARMED    for %s more: %s\n",
		       duration_text((uint64_t)out_number(json, "seconds_left"), left),
		       reason && *reason ? reason : "(reason not known)");
}

void out_wrapped(unsigned int indent, const char *line)
{
	unsigned int columns = out_columns(), at = indent;

	/* Leading blanks set a line off that is to be copied. */
	for (; *line == ' '; line++, at++)
		putchar(' ');
	for (const char *word = line, *end; *word; word = *end ? end + 1 : end) {
		unsigned int len;

		end = strchrnul(word, ' ');
		len = (unsigned int)(end - word);
		if (word > line && columns && at + 1 + len > columns) {
			printf("\n%*s", (int)indent, "");
			at = indent;
		} else if (word > line) {
			putchar(' ');
			at++;
		}
		printf("%.*s", (int)len, word);
		at += len;
	}
	putchar('\n');
}

void out_block(const char *text)
{
	for (const char *end; *text; text = *end ? end + 1 : end) {
		_cleanup_free_ char *line = NULL;

		end = strchrnul(text, '\n');
		line = escape_dup(text, (size_t)(end - text));
		puts(line ?: "?");
	}
}

/* Width on the screen, taking every character as one column. */
static size_t width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static const char *skip(const char *text, size_t n)
{
	for (; *text && n; n--)
		while (((unsigned char)*++text & 0xc0) == 0x80)
			;
	return text;
}

void out_cell(const char *text, size_t columns)
{
	_cleanup_free_ char *whole = out_printable(text);
	const char *shown = whole ?: "?";
	size_t len = width(shown), head = *shown == '/' ? 0 : (columns - 3) / 2;

	if (len <= columns)
		printf("%s%*s ", shown, (int)(columns - len), "");
	else
		printf("%.*s...%s ", (int)(skip(shown, head) - shown), shown,
		       skip(shown, len - (columns - 3 - head)));
}

struct table *table_new(const struct table_column *columns, size_t n_columns)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t) {
		t->columns = columns;
		t->n_columns = n_columns;
	}
	return t;
}

struct table *table_free(struct table *t)
{
	if (!t)
		return NULL;
	for (size_t i = 0; i < t->n_rows * t->n_columns; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
	return NULL;
}

int table_add(struct table *t, const char *const *cells)
{
	size_t n = t->n_rows * t->n_columns;
	char **all = reallocarray(t->cells, n + t->n_columns, sizeof(*all));

	if (!all)
		return -ENOMEM;
	t->cells = all;
	for (size_t i = 0; i < t->n_columns; i++) {
		all[n + i] = out_printable(cells[i]);
		if (!all[n + i]) {
			while (i--)
				free(all[n + i]);
			return -ENOMEM;
		}
	}
	t->n_rows++;
	return 0;
}

static void print_cell(const char *text, const struct table_column *column, size_t room, bool last)
{
	size_t len = width(text), pad = room > len ? room - len : 0;

	if (column->right)
		printf("%*s", (int)pad, "");
	if (len <= room || room < 3)
		fputs(text, stdout);
	else if (column->cut == TABLE_CUT_START)
		printf("..%s", skip(text, len - (room - 2)));
	else
		printf("%.*s..", (int)(skip(text, room - 2) - text), text);
	if (last)
		putchar('\n');
	else
		printf("%*s", (int)((column->right ? 0 : pad) + GAP), "");
}

/* Takes from the widest column that may be cut, one character at a time, until the rows fit. */
static void shrink(const struct table *t, size_t *widths, size_t total, size_t columns)
{
	for (; total > columns; total--) {
		size_t widest = t->n_columns;

		for (size_t c = 0; c < t->n_columns; c++)
			if (t->columns[c].cut != TABLE_KEEP && widths[c] > 8 &&
			    (widest == t->n_columns || widths[c] > widths[widest]))
				widest = c;
		if (widest == t->n_columns)
			return;
		widths[widest]--;
	}
}

void table_print(const struct table *t)
{
	_cleanup_free_ size_t *widths = calloc(t->n_columns, sizeof(*widths));
	size_t total = GAP * (t->n_columns - 1), columns = out_columns();

	if (!widths) {
		log_err(-ENOMEM, "cannot print");
		return;
	}
	for (size_t c = 0; c < t->n_columns; c++) {
		widths[c] = width(t->columns[c].head);
		for (size_t r = 0; r < t->n_rows; r++) {
			size_t w = width(t->cells[r * t->n_columns + c]);

			widths[c] = w > widths[c] ? w : widths[c];
		}
		total += widths[c];
	}
	if (columns)
		shrink(t, widths, total, columns);
	for (size_t c = 0; c < t->n_columns; c++)
		print_cell(t->columns[c].head, &t->columns[c], widths[c], c + 1 == t->n_columns);
	for (size_t r = 0; r < t->n_rows; r++)
		for (size_t c = 0; c < t->n_columns; c++)
			print_cell(t->cells[r * t->n_columns + c], &t->columns[c], widths[c],
				   c + 1 == t->n_columns);
}
