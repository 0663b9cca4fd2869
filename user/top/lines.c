/* SPDX-License-Identifier: GPL-2.0-only */
#include "top/lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Where the words of a label begin. */
#define INDENT 12U

void top_lines_done(struct top_lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i].text);
	free(l->items);
	*l = (struct top_lines){};
}

char *top_ascii(const char *text)
{
	static const char hex[] = "0123456789abcdef";
	char *safe = malloc(4 * strlen(text) + 1), *p = safe;

	if (!safe)
		return NULL;
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c >= 0x20 && *c < 0x7f) {
			*p++ = (char)*c;
			continue;
		}
		*p++ = '\\';
		*p++ = 'x';
		*p++ = hex[*c >> 4];
		*p++ = hex[*c & 15];
	}
	*p = '\0';
	return safe;
}

static void add(struct top_lines *l, enum top_style style, const char *text)
{
	char *safe = top_ascii(text);

	if (safe && l->n == l->size) {
		size_t size = l->size ? 2 * l->size : 32;
		struct top_line *items = reallocarray(l->items, size, sizeof(*items));

		if (!items) {
			free(safe);
			safe = NULL;
		} else {
			l->items = items;
			l->size = size;
		}
	}
	if (!safe) {
		l->failed = true;
		return;
	}
	l->items[l->n++] = (struct top_line){.text = safe, .style = style};
}

void top_lines_add(struct top_lines *l, enum top_style style, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0) {
		text = NULL;
		l->failed = true;
		return;
	}
	add(l, style, text);
}

void top_lines_wrap(struct top_lines *l, const char *label, const char *words, size_t width)
{
	size_t room = width > INDENT + 8 ? width - INDENT : 8;
	_cleanup_free_ char *safe = top_ascii(words);

	words = safe ?: "?";
	do {
		size_t len = strlen(words), take = len;

		/* At the last blank that fits; a word that is longer is cut into pieces. */
		if (len > room) {
			for (take = room; take && words[take] != ' '; take--)
				;
			take = take ?: room;
		}
		top_lines_add(l, TOP_PLAIN, "%-*s%.*s", (int)INDENT, label, (int)take, words);
		label = "";
		words += take;
		words += *words == ' ';
	} while (*words);
}
