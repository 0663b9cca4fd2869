/* SPDX-License-Identifier: GPL-2.0-only */
/* Do two patterns have a text in common? Decided exactly: the product of two automata without branches. */
#include <string.h>

#include "policy/pattern.h"
#include "policy/rank.h"

/* One element of a pattern that is as long as a character. */
struct symbol {
	enum leastcap_element kind;
	__u32 code; /* of a byte: all bytes of its character */
	const __u64 *set;
};

struct symbols {
	struct leastcap_pattern pattern;
	struct symbol items[LEASTCAP_PATTERN_LEN];
	size_t n;
};

static bool symbols_make(const char *text, bool path, struct symbols *ret)
{
	const struct leastcap_pattern *p = &ret->pattern;

	if (pattern_compile(text, path, &ret->pattern))
		return false;
	ret->n = 0;
	for (size_t i = 0; p->elements[i]; i++) {
		const __u16 element = p->elements[i];
		struct symbol *last = ret->n ? &ret->items[ret->n - 1] : NULL;

		/* The bytes of a character belong together: "?" is all of them. */
		if (last && element >> 8 == LEASTCAP_ELEMENT_BYTE &&
		    last->kind == LEASTCAP_ELEMENT_BYTE &&
		    leastcap_within_character(element & 255)) {
			last->code = last->code << 8 | (element & 255);
			continue;
		}
		ret->items[ret->n++] = (struct symbol){
			.kind = element >> 8,
			.code = element & 255,
			.set = p->sets[element & (LEASTCAP_PATTERN_SETS - 1)],
		};
	}
	return true;
}

/* Does a character fit, which begins with this byte? */
static bool byte_fits(const struct symbol *s, __u8 c, bool path)
{
	if (!c || leastcap_within_character(c) || (path && c == '/'))
		return false;
	return s->kind != LEASTCAP_ELEMENT_SET || (s->set[c >> 6] >> (c & 63) & 1);
}

static __u8 first_byte(__u32 code)
{
	while (code > 255)
		code >>= 8;
	return (__u8)code;
}

/* Is there one character that both fit? A star is here what it takes: one. */
static bool meet(const struct symbol *a, const struct symbol *b, bool path)
{
	if (a->kind == LEASTCAP_ELEMENT_BYTE && b->kind == LEASTCAP_ELEMENT_BYTE)
		return a->code == b->code;
	if (a->kind == LEASTCAP_ELEMENT_BYTE)
		return byte_fits(b, first_byte(a->code), path);
	if (b->kind == LEASTCAP_ELEMENT_BYTE)
		return byte_fits(a, first_byte(b->code), path);
	for (unsigned int c = 1; c < 256; c++) {
		if (byte_fits(a, (__u8)c, path) && byte_fits(b, (__u8)c, path))
			return true;
	}
	return false;
}

static bool is_star(const struct symbols *s, size_t i)
{
	return i < s->n && s->items[i].kind == LEASTCAP_ELEMENT_STAR;
}

bool patterns_overlap(const char *a, const char *b, bool path)
{
	/* One row each: what of b can be behind us when i elements of a are. */
	bool rows[2][LEASTCAP_PATTERN_LEN + 1] = {{true}};
	struct symbols x, y;

	if (!symbols_make(a, path, &x) || !symbols_make(b, path, &y))
		return false;
	for (size_t i = 0; i <= x.n; i++) {
		bool *now = rows[i & 1], *next = rows[~i & 1], any = false;

		memset(next, 0, sizeof(rows[0]));
		for (size_t j = 0; j <= y.n; j++) {
			bool both = i < x.n && j < y.n && now[j];

			if (!now[j])
				continue;
			any = true;
			both = both && meet(&x.items[i], &y.items[j], path);
			/* A star ends, or takes what the other has next. */
			if (is_star(&x, i) || (is_star(&y, j) && both))
				next[j] = true;
			if (j < y.n && (is_star(&y, j) || (is_star(&x, i) && both)))
				now[j + 1] = true;
			if (both)
				next[j + 1] = true;
		}
		if (i == x.n)
			return now[y.n];
		if (!any)
			return false;
	}
	return false;
}
