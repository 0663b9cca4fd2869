/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "policy/internal.h"

#define SOURCE_BLOCK 1024
#define LINE_CHARS 200
#define LINE_BEFORE \
	150 /* a place is shown with what is before it; further to the right with so much of it */
#define LINE_CUT "..."

static const char byte_order_mark[] = "\xef\xbb\xbf";

static bool begins_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

/* Does a line begin behind the byte at i? YAML's line breaks are LF, CR LF and CR. */
static bool ends_line(const struct source *source, size_t i)
{
	if (source->text[i] == '\n')
		return true;
	return source->text[i] == '\r' && (i + 1 == source->len || source->text[i + 1] != '\n');
}

int source_init(struct source *source, const char *text, size_t len)
{
	size_t n_lines = 1;
	uint32_t chars = 0;

	*source = (struct source){.text = text, .len = len};
	if (len >= 3 && !memcmp(text, byte_order_mark, 3)) {
		source->text += 3;
		source->len -= 3;
	}
	for (size_t i = 0; i < source->len; i++)
		n_lines += ends_line(source, i);
	source->lines = calloc(n_lines, sizeof(*source->lines));
	source->chars = calloc(source->len / SOURCE_BLOCK + 1, sizeof(*source->chars));
	if (!source->lines || !source->chars) {
		source_done(source);
		return -ENOMEM;
	}
	source->n_lines = 1;
	for (size_t i = 0; i < source->len; i++) {
		if (i % SOURCE_BLOCK == 0)
			source->chars[i / SOURCE_BLOCK] = chars;
		chars += begins_character(source->text[i]);
		if (ends_line(source, i))
			source->lines[source->n_lines++] = i + 1;
	}
	if (source->len % SOURCE_BLOCK == 0)
		source->chars[source->len / SOURCE_BLOCK] = chars;
	return 0;
}

void source_done(struct source *source)
{
	free(source->lines);
	free(source->chars);
	*source = (struct source){};
}

static uint32_t chars_before(const struct source *source, size_t offset)
{
	uint32_t chars = source->chars[offset / SOURCE_BLOCK];

	for (size_t i = offset - offset % SOURCE_BLOCK; i < offset; i++)
		chars += begins_character(source->text[i]);
	return chars;
}

struct policy_pos source_pos(const struct source *source, size_t offset)
{
	size_t low = 0, high = source->n_lines;
	uint32_t chars;

	if (offset > source->len)
		offset = source->len;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (source->lines[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	chars = chars_before(source, offset) - chars_before(source, source->lines[low]);
	return (struct policy_pos){.line = (unsigned int)low + 1, .column = chars + 1};
}

/* Characters at the beginning of a line that are left out. */
static unsigned int left_out(unsigned int column)
{
	return column > LINE_BEFORE + 1 ? column - LINE_BEFORE - 1 + strlen(LINE_CUT) : 0;
}

unsigned int source_line_before(unsigned int column)
{
	return column > LINE_BEFORE + 1 ? LINE_BEFORE : column - !!column;
}

char *source_line(const struct source *source, struct policy_pos pos)
{
	static const char replacement[] = "\xef\xbf\xbd";
	unsigned int skip = left_out(pos.column);
	size_t at, end, used = 0;
	char *buf;

	if (pos.line == 0 || pos.line > source->n_lines)
		return NULL;
	at = source->lines[pos.line - 1];
	end = pos.line < source->n_lines ? source->lines[pos.line] : source->len;
	while (end > at && (source->text[end - 1] == '\n' || source->text[end - 1] == '\r'))
		end--;
	buf = malloc(strlen(LINE_CUT) + LINE_CHARS * 4 + 1);
	if (!buf)
		return NULL;
	if (skip)
		used = (size_t)(stpcpy(buf, LINE_CUT) - buf);
	for (; skip && at < end; skip--)
		at += utf8_next(source->text + at, end - at, NULL) ?: 1;
	/* One character stays one character, or the caret would be off. */
	for (unsigned int i = 0; i < LINE_CHARS && at < end; i++) {
		bool safe;
		size_t n = utf8_next(source->text + at, end - at, &safe);
		bool keep = safe || source->text[at] == '\t';
		size_t out = keep ? n : 3;

		memcpy(buf + used, keep ? source->text + at : replacement, out);
		used += out;
		at += n ? n : 1;
	}
	buf[used] = '\0';
	return buf;
}

void source_check(struct parse *p)
{
	const struct source *s = &p->source;
	bool line_begins = true;

	for (size_t i = 0; i < s->len;) {
		bool safe;
		size_t n = utf8_next(s->text + i, s->len - i, &safe);
		struct policy_pos pos;

		/* libfyaml 0.7.12 reads some malformed directives for ever. */
		if (line_begins && s->text[i] == '%') {
			complain(p, source_pos(s, i), NULL,
				 "a line that begins with %% is a YAML directive: not supported");
			return;
		}
		line_begins = s->text[i] == '\n' || s->text[i] == '\r';
		if (safe || line_begins || s->text[i] == '\t') {
			i += n;
			continue;
		}
		pos = source_pos(s, i);
		if (n == 0)
			complain(p, pos, NULL, "byte 0x%02x is not UTF-8 text",
				 (unsigned char)s->text[i]);
		else if (n == 1)
			complain(p, pos, NULL, "control character 0x%02x",
				 (unsigned char)s->text[i]);
		else
			complain(p, pos, NULL, "invisible control character \"%.*s\"", (int)n,
				 s->text + i);
		return;
	}
}
