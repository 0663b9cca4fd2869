/* SPDX-License-Identifier: GPL-2.0-only */
/* Selectors as values: copied, shown, compared; and which of a file nobody can choose between. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/internal.h"
#include "policy/ties.h"

/* What a selector can ask for, besides labels; the value is the last to be compared. */
static const size_t texts[SELECTOR_TEXTS] = {
	offsetof(struct selector, name),    offsetof(struct selector, image),
	offsetof(struct selector, runtime), offsetof(struct selector, pod_namespace),
	offsetof(struct selector, pod),	    offsetof(struct selector, pod_container),
	offsetof(struct selector, user),    offsetof(struct selector, value),
};

static char **text_of(struct selector *s, size_t i)
{
	return (char **)(void *)((char *)s + texts[i]);
}

const char *selector_text(const struct selector *s, size_t i)
{
	return *(char *const *)(const void *)((const char *)s + texts[i]);
}

void selector_done(struct selector *selector)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(*text_of(selector, i));
	for (size_t i = 0; i < selector->n_labels; i++) {
		free(selector->labels[i].name);
		free(selector->labels[i].value);
	}
	free(selector->labels);
	*selector = (struct selector){};
}

int selector_copy(const struct selector *from, struct selector *ret)
{
	_cleanup_(selector_done) struct selector copy = {.kind = from->kind, .pos = from->pos};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *text = selector_text(from, i);

		*text_of(&copy, i) = text ? strdup(text) : NULL;
		if (text && !*text_of(&copy, i))
			return -ENOMEM;
	}
	if (from->n_labels) {
		copy.labels = calloc(from->n_labels, sizeof(*copy.labels));
		if (!copy.labels)
			return -ENOMEM;
	}
	for (; copy.n_labels < from->n_labels;) {
		const struct selector_label *label = &from->labels[copy.n_labels];
		struct selector_label *to = &copy.labels[copy.n_labels++];

		to->name = strdup(label->name);
		to->value = strdup(label->value);
		if (!to->name || !to->value)
			return -ENOMEM;
	}
	*ret = copy;
	copy = (struct selector){};
	return 0;
}

/* ---- as text ---- */

static void put(FILE *f, const char *key, const char *value)
{
	if (value)
		fprintf(f, " %s=%s", key, value);
}

/* The short form of what asks for an id only, which is a container by itself. */
static bool is_id_only(const struct selector *s)
{
	return s->kind == SELECT_CONTAINER_ID && !s->name && !s->image && !s->runtime &&
	       !s->n_labels;
}

static void container_put(FILE *f, const struct selector *s)
{
	put(f, "id", s->value);
	put(f, "name", s->name);
	put(f, "image", s->image);
	put(f, "runtime", s->runtime);
	for (size_t i = 0; i < s->n_labels; i++)
		fprintf(f, " label %s=%s", s->labels[i].name, s->labels[i].value);
}

static void pod_put(FILE *f, const struct selector *s)
{
	put(f, "namespace", s->pod_namespace);
	put(f, "name", s->pod);
	put(f, "container", s->pod_container);
}

char *selector_to_text(const struct selector *s)
{
	static const char *const kinds[] = {
		[SELECT_CONTAINER_ID] = "container",
		[SELECT_CONTAINER_NAME] = "container",
		[SELECT_POD] = "pod",
		[SELECT_CONTAINER] = "container",
		[SELECT_UNIT] = "unit",
		[SELECT_UNIT_PATTERN] = "unit",
		[SELECT_USER_UNIT] = "unit",
		[SELECT_CGROUP] = "cgroup",
		[SELECT_CGROUP_PATTERN] = "cgroup",
		[SELECT_ANY_CONTAINER] = "any",
	};
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	bool failed;

	if (!f)
		return NULL;
	fprintf(f, "%s:", kinds[s->kind]);
	if (s->kind == SELECT_POD)
		pod_put(f, s);
	else if (s->kind <= SELECT_CONTAINER && !is_id_only(s))
		container_put(f, s);
	else if (s->kind == SELECT_USER_UNIT)
		fprintf(f, " user=%s name=%s", s->user, s->value);
	else
		fprintf(f, " %s", s->kind == SELECT_ANY_CONTAINER ? "container" : s->value);
	failed = ferror(f);
	if (fclose(f) || failed) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- compared ---- */

static int text_compare(const char *a, const char *b)
{
	return strcmp(a ?: "", b ?: "");
}

static int labels_compare(const struct selector *x, const struct selector *y)
{
	int order = 0;

	if (x->n_labels != y->n_labels)
		return x->n_labels < y->n_labels ? -1 : 1;
	for (size_t i = 0; !order && i < x->n_labels; i++)
		order = strcmp(x->labels[i].name, y->labels[i].name)
				?: strcmp(x->labels[i].value, y->labels[i].value);
	return order;
}

int selector_compare(const struct selector *x, const struct selector *y)
{
	int order = (int)x->kind - (int)y->kind ?: labels_compare(x, y);

	for (size_t i = 0; !order && i < SELECTOR_TEXTS; i++)
		order = text_compare(selector_text(x, i), selector_text(y, i));
	return order;
}

/* ---- which of several counts ---- */

/* Shows the second: what was there first is taken for right. */
static void complain_tie(const struct claim *first, const struct claim *second, void *ctx)
{
	_cleanup_free_ char *text = tie_to_text(first, second), *place = NULL;
	const bool included = first->policy->file || second->policy->file;
	const struct policy_pos pos = first->selector->pos, at = second->selector->pos;
	const char *hint = tie_hint(first, second);
	struct parse *p = ctx;
	int len;

	len = included ? asprintf(&place, "%s:%u:%u", first->file, pos.line, pos.column)
		       : asprintf(&place, "line %u, column %u", pos.line, pos.column);
	if (len < 0)
		place = NULL;
	if (!text || !place)
		p->no_memory = true;
	else if (second->policy->file)
		complain(p, p->include_pos, hint, "%s: at %s and at %s:%u:%u", text, place,
			 second->file, at.line, at.column);
	else
		complain(p, at, hint, "%s; the first is at %s", text, place);
}

static bool came_to_nothing(const struct selector *s)
{
	return s->kind == SELECT_CONTAINER_ID && !s->value;
}

/* Passes over what was wrong already: a policy without a name, a selector that came to nothing. */
void select_check_ties(struct parse *p, const struct policy_set *set)
{
	_cleanup_free_ struct claim *claims = NULL;
	const struct claim *last = NULL;
	size_t n = 0, used = 0;
	int err;

	for (size_t k = 0; k < set->n_policies; k++)
		n += set->policies[k].n_selectors;
	claims = calloc(n + 1, sizeof(*claims));
	if (!claims) {
		p->no_memory = true;
		return;
	}
	for (size_t k = 0; k < set->n_policies; k++) {
		const struct policy *policy = &set->policies[k];

		for (size_t s = 0; policy->name && s < policy->n_selectors; s++) {
			if (!came_to_nothing(&policy->selectors[s]))
				claims[used++] = (struct claim){.selector = &policy->selectors[s],
								.policy = policy,
								.file = policy->file ?: p->file};
		}
	}
	err = ties_find(claims, used, complain_tie, p, &last);
	if (err == -E2BIG)
		complain(p, last->policy->file ? p->include_pos : last->selector->pos,
			 TIES_TOO_MANY_HINT, TIES_TOO_MANY);
	else if (err)
		p->no_memory = true;
}
