/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/ends.h"

#include <string.h>

#include "base/hash.h"
#include "policy/internal.h"
#include "policy/pattern.h"

/* ---- the texts of a selector ---- */

/* A path with more components is one text. */
#define COMPONENTS_MAX 16

/* "*" fits no "/", so that each component of a path is a pattern by itself. */
static size_t n_parts(const struct selector *s, const char *text)
{
	size_t n = 1;

	if (s->kind != SELECT_CGROUP_PATTERN)
		return 1;
	for (const char *c = text; (c = strchr(c, '/')); c++)
		n++;
	return n > COMPONENTS_MAX ? 1 : n;
}

int ends_shape_compare(const struct selector *x, const struct selector *y)
{
	int order = (int)x->kind - (int)y->kind;

	for (size_t i = 0; !order && i < SELECTOR_TEXTS; i++)
		order = !selector_text(x, i) - !selector_text(y, i);
	if (!order && ends_count(x) != ends_count(y))
		return ends_count(x) < ends_count(y) ? -1 : 1;
	for (size_t i = 0; !order && i < x->n_labels; i++)
		order = strcmp(x->labels[i].name, y->labels[i].name);
	return order;
}

size_t ends_count(const struct selector *s)
{
	size_t n = s->n_labels;

	for (size_t i = 0; i < SELECTOR_TEXTS; i++) {
		const char *text = selector_text(s, i);

		n += text ? n_parts(s, text) : 0;
	}
	/* `any: container` asks for nothing. */
	return n ?: 1;
}

/* ---- their ends ---- */

/* How many elements stand for themselves, each as long as its text, from the first or the last on. */
static size_t written(const struct leastcap_pattern *p, size_t n, bool backwards)
{
	size_t i = 0;

	while (i < n && p->elements[backwards ? n - 1 - i : i] >> 8 == LEASTCAP_ELEMENT_BYTE)
		i++;
	return i;
}

static struct ends ends_of(const char *text, size_t len)
{
	/* Without patterns its end, which all have in this place, is a part of how it begins. */
	struct ends ends = {.text = text, .len = len, .begin = len + 1, .end = len};
	char buf[LEASTCAP_PATTERN_LEN];
	struct leastcap_pattern pattern;
	size_t n = 0;

	if (len >= sizeof(buf))
		return ends;
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (!is_pattern(buf) || pattern_compile(buf, false, &pattern))
		return ends;
	while (pattern.elements[n])
		n++;
	ends.begin = written(&pattern, n, false);
	ends.end = written(&pattern, n, true);
	return ends;
}

void ends_put(struct ends *ends, const struct selector *s)
{
	struct ends *const first = ends;

	for (size_t i = 0; i < SELECTOR_TEXTS; i++) {
		const char *text = selector_text(s, i);

		if (!text)
			continue;
		if (s->kind == SELECT_CONTAINER_ID && text == s->value) {
			*ends++ = (struct ends){.text = text,
						.len = strlen(text),
						.begin = strlen(text),
						.id = true};
			continue;
		}
		for (size_t n = n_parts(s, text); n > 0; n--) {
			size_t len = n > 1 ? strcspn(text, "/") : strlen(text);

			*ends++ = ends_of(text, len);
			text += len + 1;
		}
	}
	for (size_t i = 0; i < s->n_labels; i++)
		*ends++ = ends_of(s->labels[i].value, strlen(s->labels[i].value));
	if (ends == first)
		*ends = ends_of("", 0);
}

/* ---- two of them ---- */

static size_t lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

bool ends_agree(const struct ends *a, const struct ends *b)
{
	size_t begin = lesser(a->begin, b->begin), end = lesser(a->end, b->end);

	return !memcmp(a->text, b->text, begin) &&
	       !memcmp(a->text + a->len - end, b->text + b->len - end, end);
}

bool ends_same(const struct ends *a, const struct ends *b)
{
	return a->id || (a->len == b->len && !memcmp(a->text, b->text, a->len));
}

uint64_t ends_hash(const struct ends *ends, size_t n)
{
	uint64_t hash = HASH_BEGIN;

	for (size_t i = 0; i < n; i++) {
		hash_bytes(&hash, &ends[i].id, sizeof(ends[i].id));
		if (!ends[i].id)
			hash_bytes(&hash, ends[i].text, ends[i].len + 1);
	}
	return hash;
}
