/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/rank.h"

#include <stdlib.h>
#include <string.h>

#include "base/shadow.h"
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

/* The shorter of two ids is the beginning of the longer one. */
static bool ids_overlap(const char *a, const char *b)
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

/* ---- ties ---- */

size_t claims_put(struct claim *claims, const struct policy_set *set, const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_selectors; i++)
		claims[i] = (struct claim){.selector = &policy->selectors[i],
					   .policy = policy,
					   .file = policy_file(set, policy)};
	return policy->n_selectors;
}

/* What is written alike, or begins alike, stands together. */
static int claim_compare(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = rank_compare(&x->rank, &y->rank) ?: selector_compare(x->selector, y->selector);

	return order ?: x->index < y->index ? -1 : 1;
}

static bool is_same(const struct selector *a, const struct selector *b)
{
	struct selector x = *a, y = *b;

	if (a->kind != SELECT_CONTAINER_ID)
		return !selector_compare(a, b);
	x.value = y.value = NULL;
	return !selector_compare(&x, &y) && ids_overlap(a->value, b->value);
}

static bool is_tie(const struct claim *a, const struct claim *b)
{
	/* Two policies of one name are one, in two states. */
	if (!strcmp(a->policy->name, b->policy->name))
		return a->policy == b->policy && is_same(a->selector, b->selector);
	return selectors_overlap(a->selector, b->selector);
}

static bool has_patterns(const struct claim *c)
{
	return c->rank.sets || c->rank.any || c->rank.stars;
}

static bool same_policy(const struct claim *a, const struct claim *b)
{
	return a->policy == b->policy;
}

char *tie_to_text(const struct claim *first, const struct claim *second)
{
	_cleanup_free_ char *one = selector_to_text(first->selector),
			    *two = selector_to_text(second->selector);
	char *text = NULL;
	int len;

	if (!one || !two)
		return NULL;
	if (same_policy(first, second))
		len = asprintf(&text, "policy \"%s\" selects %s twice",
			       shadow_shown(first->policy->name), two);
	else if (is_same(first->selector, second->selector))
		len = asprintf(&text, "policies \"%s\" and \"%s\" both select %s",
			       shadow_shown(first->policy->name),
			       shadow_shown(second->policy->name), two);
	else
		len = asprintf(
			&text,
			"policies \"%s\" and \"%s\" both select what fits %s and %s, neither more exactly",
			shadow_shown(first->policy->name), shadow_shown(second->policy->name), one,
			two);
	return len < 0 ? NULL : text;
}

const char *tie_hint(const struct claim *first, const struct claim *second)
{
	if (same_policy(first, second))
		return NULL;
	return is_same(first->selector, second->selector)
		       ? "one subject has one policy"
		       : "one subject has one policy: write one of them more exactly";
}

static void tell_pair(const struct claim *a, const struct claim *b, tie_fn tell, void *ctx)
{
	tell(a->index < b->index ? a : b, a->index < b->index ? b : a, ctx);
}

void ties_find(struct claim *claims, size_t n, tie_fn tell, void *ctx)
{
	size_t head = 0; /* the first of those that may tie with the next */

	for (size_t i = 0; i < n; i++) {
		claims[i].rank = selector_rank(claims[i].selector);
		claims[i].index = i;
	}
	if (n)
		qsort(claims, n, sizeof(*claims), claim_compare);
	for (size_t i = 0; i < n; i++) {
		/* Without patterns only what is written alike fits the same: who differs from the first is another's. */
		if (rank_compare(&claims[head].rank, &claims[i].rank) ||
		    (!has_patterns(&claims[i]) &&
		     !is_same(claims[head].selector, claims[i].selector)))
			head = i;
		for (size_t k = head; k < i; k++) {
			if (!is_tie(&claims[k], &claims[i]))
				continue;
			tell_pair(&claims[k], &claims[i], tell, ctx);
			break;
		}
	}
}
