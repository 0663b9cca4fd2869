/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/rank.h"

#include <string.h>

#include "policy/internal.h"
#include "policy/pattern.h"

/* ---- how exact ---- */

/* What is asked for by one key. NULL: nothing. */
static void count(struct selector_rank *rank, const char *text)
{
	struct leastcap_pattern pattern;

	if (!text)
		return;
	rank->asked++;
	/* The parser has let it through. */
	if (pattern_compile(text, false, &pattern))
		return;
	for (size_t i = 0; pattern.elements[i]; i++) {
		switch (pattern.elements[i] >> 8) {
		case LEASTCAP_ELEMENT_BYTE:
			rank->written += !leastcap_within_character(pattern.elements[i] & 255);
			break;
		case LEASTCAP_ELEMENT_SET:
			rank->sets++;
			break;
		case LEASTCAP_ELEMENT_ANY:
			rank->any++;
			break;
		case LEASTCAP_ELEMENT_STAR:
			rank->stars++;
			break;
		}
	}
}

struct selector_rank selector_rank(const struct selector *s)
{
	struct selector_rank rank = {.kind = s->kind};

	for (size_t i = 0; i < SELECTOR_TEXTS; i++)
		count(&rank, selector_text(s, i));
	for (size_t i = 0; i < s->n_labels; i++)
		count(&rank, s->labels[i].value);
	if (s->kind == SELECT_CONTAINER_ID && s->value)
		rank.written -= (unsigned int)strlen(s->value);
	return rank;
}

static int more(unsigned int a, unsigned int b)
{
	return a > b ? -1 : a < b;
}

int rank_compare(const struct selector_rank *a, const struct selector_rank *b)
{
	return more(b->kind, a->kind)		?
	       : more(a->asked, b->asked)	?
	       : more(a->written, b->written)	?
	       : more(a->sets, b->sets)		?
	       : more(a->any, b->any)		?
	       : more(b->stars, a->stars);
}

/* ---- what they have in common ---- */

bool ids_overlap(const char *a, const char *b)
{
	size_t x = strlen(a), y = strlen(b);

	return !strncmp(a, b, x < y ? x : y);
}

static bool labels_overlap(const struct selector *a, const struct selector *b)
{
	if (a->n_labels != b->n_labels)
		return false;
	/* They are sorted by name. */
	for (size_t i = 0; i < a->n_labels; i++) {
		if (strcmp(a->labels[i].name, b->labels[i].name) != 0 ||
		    !patterns_overlap(a->labels[i].value, b->labels[i].value, false))
			return false;
	}
	return true;
}

bool selectors_overlap(const struct selector *a, const struct selector *b)
{
	if (a->kind != b->kind)
		return false;
	for (size_t i = 0; i < SELECTOR_TEXTS; i++) {
		const char *x = selector_text(a, i), *y = selector_text(b, i);

		if (!x != !y)
			return false;
		if (!x || !strcmp(x, y))
			continue;
		if (x == a->value && a->kind == SELECT_CONTAINER_ID) {
			if (!ids_overlap(x, y))
				return false;
		} else if (!patterns_overlap(x, y, a->kind == SELECT_CGROUP_PATTERN)) {
			return false;
		}
	}
	return labels_overlap(a, b);
}
