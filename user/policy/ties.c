/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/ties.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/shadow.h"
#include "policy/ends.h"
#include "policy/internal.h"

size_t claims_put(struct claim *claims, const struct policy_set *set, const struct policy *policy)
{
	for (size_t i = 0; i < policy->n_selectors; i++)
		claims[i] = (struct claim){.selector = &policy->selectors[i],
					   .policy = policy,
					   .file = policy_file(set, policy)};
	return policy->n_selectors;
}

/* ---- two of them ---- */

static bool is_same(const struct selector *a, const struct selector *b)
{
	struct selector x = *a, y = *b;

	if (a->kind != SELECT_CONTAINER_ID)
		return !selector_compare(a, b);
	x.value = y.value = NULL;
	return !selector_compare(&x, &y) && ids_overlap(a->value, b->value);
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

/* ---- those that may tie ---- */

static int group_compare(const struct claim *x, const struct claim *y)
{
	return rank_compare(&x->rank, &y->rank) ?: ends_shape_compare(x->selector, y->selector);
}

static int claim_compare(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = group_compare(x, y) ?: selector_compare(x->selector, y->selector);

	return order ?: x->index < y->index ? -1 : 1;
}

/* A claim of a group, by one end of one of its texts. */
struct entry {
	const struct claim *claim;
	const struct ends *ends; /* of each text */
	uint64_t hash; /* of all texts but an id: what is written alike has the same */
	const char *key; /* the first of its bytes, or behind the last */
	size_t len;
	bool backwards;
};

static void entry_view(struct entry *e, size_t view)
{
	const struct ends *ends = &e->ends[view / 2];

	e->backwards = view % 2;
	e->key = e->backwards ? ends->text + ends->len : ends->text;
	e->len = e->backwards ? ends->end : ends->begin;
}

/* The bytes that both have. */
static int keys_compare(const struct entry *x, const struct entry *y)
{
	size_t n = x->len < y->len ? x->len : y->len;

	if (!x->backwards)
		return memcmp(x->key, y->key, n);
	for (size_t i = 1; i <= n; i++) {
		int order = (unsigned char)x->key[-(ssize_t)i] - (unsigned char)y->key[-(ssize_t)i];

		if (order)
			return order;
	}
	return 0;
}

/* What another one begins with comes before that. */
static int entry_compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = keys_compare(x, y);

	if (!order && x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return order ?: x->claim < y->claim ? -1 : 1;
}

static bool is_begin(const struct entry *x, const struct entry *y)
{
	return x->len <= y->len && !keys_compare(x, y);
}

/* Claims of one group. */
struct group {
	struct entry *entries;
	size_t n;
	struct ends *ends;
	size_t n_texts; /* that each has */
	struct layer *pile;
};

/* An entry that the ones above it in the pile begin with. What tells most of them apart is here, as there may be many. */
struct layer {
	const struct policy *policy;
	uint64_t hash;
	const struct entry *entry;
};

struct search {
	tie_fn tell;
	void *ctx;
	size_t work;
	const struct claim *last;
};

/* In steps of comparing two patterns: about a second, and what it takes to see that they need not be compared. */
#define WORK_MAX ((size_t)1 << 28)
#define COMPARED 16

/* Two policies of one name are one, in two states. */
static bool is_tie(struct search *s, const struct group *g, const struct entry *x,
		   const struct entry *y)
{
	const struct claim *a = x->claim, *b = y->claim;
	size_t steps = 0;
	bool same = true;

	s->work += COMPARED;
	for (size_t i = 0; i < g->n_texts; i++) {
		if (!ends_agree(&x->ends[i], &y->ends[i]))
			return false;
		same = same && ends_same(&x->ends[i], &y->ends[i]);
		steps += x->ends[i].len * y->ends[i].len;
	}
	if (same_policy(a, b) || !strcmp(a->policy->name, b->policy->name))
		return same && same_policy(a, b);
	s->work += steps;
	return same || selectors_overlap(a->selector, b->selector);
}

static void tell_pair(const struct search *s, const struct claim *a, const struct claim *b)
{
	s->tell(a->index < b->index ? a : b, a->index < b->index ? b : a, s->ctx);
}

/* The first of the pile that it is in a tie with. */
static void entry_search(const struct group *g, const struct entry *e, size_t height,
			 struct search *s)
{
	for (size_t i = 0; i < height; i++) {
		const struct layer *layer = &g->pile[i];

		if (++s->work > WORK_MAX) {
			s->last = e->claim;
			return;
		}
		if (layer->policy == e->claim->policy && layer->hash != e->hash)
			continue;
		if (is_tie(s, g, layer->entry, e)) {
			tell_pair(s, layer->entry->claim, e->claim);
			return;
		}
	}
}

/*
 * Goes through the entries as they are sorted: what the next one begins with is a pile, each of which begins with the one
 * below. Returns how many pairs that makes. s: compares them; NULL: counts only.
 */
static size_t group_walk(struct group *g, struct search *s)
{
	size_t pairs = 0, height = 0;

	for (size_t i = 0; i < g->n && !(s && s->last); i++) {
		const struct entry *e = &g->entries[i];

		while (height && !is_begin(g->pile[height - 1].entry, e))
			height--;
		pairs += height;
		if (s)
			entry_search(g, e, height, s);
		g->pile[height++] = (struct layer){e->claim->policy, e->hash, e};
	}
	return pairs;
}

static void group_view(struct group *g, size_t view)
{
	for (size_t i = 0; i < g->n; i++)
		entry_view(&g->entries[i], view);
	qsort(g->entries, g->n, sizeof(*g->entries), entry_compare);
}

/* Of the ends of all texts one tells most of them apart. */
static void group_search(struct group *g, struct search *s)
{
	size_t best = 0, fewest = SIZE_MAX;

	for (size_t view = 0; view < 2 * g->n_texts; view++) {
		size_t pairs;

		group_view(g, view);
		pairs = group_walk(g, NULL);
		if (pairs >= fewest)
			continue;
		fewest = pairs;
		best = view;
	}
	group_view(g, best);
	group_walk(g, s);
}

static void group_done(struct group *g)
{
	free(g->entries);
	free(g->ends);
	free(g->pile);
}

static int claims_search(const struct claim *claims, size_t n, struct search *s)
{
	const size_t n_texts = ends_count(claims->selector);
	_cleanup_(group_done) struct group g = {
		.entries = calloc(n, sizeof(*g.entries)),
		.n = n,
		.ends = calloc(n * n_texts, sizeof(*g.ends)),
		.n_texts = n_texts,
		.pile = calloc(n, sizeof(*g.pile)),
	};

	if (!g.entries || !g.ends || !g.pile)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct ends *ends = &g.ends[i * n_texts];

		ends_put(ends, claims[i].selector);
		g.entries[i] = (struct entry){
			.claim = &claims[i], .ends = ends, .hash = ends_hash(ends, n_texts)};
	}
	group_search(&g, s);
	return s->last ? -E2BIG : 0;
}

int ties_find(struct claim *claims, size_t n, tie_fn tell, void *ctx, const struct claim **ret_last)
{
	struct search s = {.tell = tell, .ctx = ctx};
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		claims[i].rank = selector_rank(claims[i].selector);
		claims[i].index = i;
	}
	if (n)
		qsort(claims, n, sizeof(*claims), claim_compare);
	for (size_t i = 0, end; !err && i < n; i = end) {
		for (end = i + 1; end < n && !group_compare(&claims[i], &claims[end]);)
			end++;
		if (end > i + 1)
			err = claims_search(&claims[i], end - i, &s);
	}
	if (err == -E2BIG)
		*ret_last = s.last;
	return err;
}
