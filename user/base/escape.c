/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/escape.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Decodes one character, strictly: no overlong forms, no surrogates, nothing above U+10FFFF. */
static size_t utf8_decode(const unsigned char *s, size_t len, uint32_t *ret)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t c = s[0];
	size_t n;

	if (c < 0x80) {
		*ret = c;
		return 1;
	}
	if (c >= 0xc2 && c <= 0xdf) {
		n = 2;
		c &= 0x1f;
	} else if (c >= 0xe0 && c <= 0xef) {
		n = 3;
		c &= 0x0f;
	} else if (c >= 0xf0 && c <= 0xf4) {
		n = 4;
		c &= 0x07;
	} else {
		return 0;
	}
	if (n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < smallest[n] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return 0;
	*ret = c;
	return n;
}

static bool unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c || c == 0x200e ||
	       c == 0x200f || /* marks of direction */
	       (c >= 0x2028 && c <= 0x202e) || /* line separators, overrides of direction */
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff; /* isolates, byte order mark */
}

size_t utf8_next(const char *text, size_t len, bool *ret_safe)
{
	uint32_t c = 0;
	size_t n = len > 0 ? utf8_decode((const unsigned char *)text, len, &c) : 0;

	if (ret_safe)
		*ret_safe = n > 0 && !unsafe(c);
	return n;
}

size_t escape_text(char *buf, size_t size, const char *text, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t used = 0, cut = 0;

	if (size == 0)
		return 0;
	while (len > 0) {
		bool safe;
		size_t n = utf8_next(text, len, &safe);
		size_t in = n ? n : 1;
		size_t out = safe ? n : 4 * in;

		/* `cut` is the last place where "..." still fits behind whole characters. */
		if (used + sizeof("...") <= size)
			cut = used;
		if (used + out + 1 > size) {
			used = cut;
			memcpy(buf + used, "...", strnlen("...", size - 1 - used));
			used += strnlen("...", size - 1 - used);
			break;
		}
		for (size_t i = 0; i < in; i++) {
			unsigned char c = (unsigned char)text[i];

			if (safe) {
				buf[used++] = text[i];
				continue;
			}
			buf[used++] = '\\';
			buf[used++] = 'x';
			buf[used++] = hex[c >> 4];
			buf[used++] = hex[c & 15];
		}
		text += in;
		len -= in;
	}
	buf[used] = '\0';
	return used;
}

char *escape_dup(const char *text, size_t len)
{
	size_t size = 8;
	char *buf;

	for (size_t i = 0; i < len;) {
		bool safe;
		size_t n = utf8_next(text + i, len - i, &safe);
		size_t in = n ? n : 1;

		size += safe ? n : 4 * in;
		i += in;
	}
	buf = malloc(size);
	if (buf)
		escape_text(buf, size, text, len);
	return buf;
}

/* "=" is an assignment in front of a command, "~" a home. */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("_-+./,:@%", c));
}

char *shell_word(const char *text)
{
	size_t plain = 0, len = strlen(text);
	char *word, *to;

	while (is_plain(text[plain]))
		plain++;
	if (len && plain == len)
		return strdup(text);
	/* "'\\''" for each "'", and the two around. */
	to = word = malloc(4 * len + 3);
	if (!word)
		return NULL;
	*to++ = '\'';
	for (; *text; text++) {
		if (*text == '\'')
			to = stpcpy(to, "'\\''");
		else
			*to++ = *text;
	}
	*to++ = '\'';
	*to = '\0';
	return word;
}
