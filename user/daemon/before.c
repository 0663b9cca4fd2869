/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/before.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/internal.h"

static int save_binding(const struct leastcap_binding *b, void *ctx)
{
	struct before *before = ctx;
	struct leastcap_binding *grown =
		reallocarray(before->bindings, before->n_bindings + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	before->bindings = grown;
	grown[before->n_bindings++] = *b;
	return 0;
}

static int save_birth(const char *path, uint64_t policy, void *ctx)
{
	struct before *before = ctx;
	struct saved_birth *grown =
		reallocarray(before->births, before->n_births + 1, sizeof(*grown));
	char *copy = strdup(path);

	if (grown)
		before->births = grown;
	if (!grown || !copy) {
		free(copy);
		return -ENOMEM;
	}
	grown[before->n_births++] = (struct saved_birth){copy, policy};
	return 0;
}

static int by_path(const void *a, const void *b)
{
	const struct saved_birth *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static void before_done(struct before *before)
{
	for (size_t i = 0; i < before->n_births; i++)
		free(before->births[i].path);
	free(before->births);
	free(before->bindings);
	free(before->patterns);
}

/* Its place among the bindings, which kernel_binding_each() tells in ascending order. */
static size_t place_of(const struct before *before, uint64_t cgroup)
{
	size_t low = 0, high = before->n_bindings;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (before->bindings[mid].cgroup < cgroup)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct leastcap_binding *before_find(const struct before *before, uint64_t cgroup)
{
	const size_t i = place_of(before, cgroup);
	const bool has = i < before->n_bindings && before->bindings[i].cgroup == cgroup;

	return has ? &before->bindings[i] : NULL;
}

int before_add(struct state *s, struct before *before, uint64_t cgroup,
	       const struct leastcap_binding **ret)
{
	size_t i = place_of(before, cgroup);
	struct leastcap_binding born, *grown;
	int err = kernel_binding_get(s->k, cgroup, &born);

	if (err)
		return err;
	grown = reallocarray(before->bindings, before->n_bindings + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	before->bindings = grown;
	memmove(grown + i + 1, grown + i, (before->n_bindings++ - i) * sizeof(*grown));
	grown[i] = born;
	*ret = &grown[i];
	return 0;
}

const struct saved_birth *before_find_birth(const struct before *before, const char *path)
{
	const struct saved_birth key = {.path = (char *)path};

	return before->n_births
		       ? bsearch(&key, before->births, before->n_births, sizeof(key), by_path)
		       : NULL;
}

struct before *before_take(struct state *s)
{
	struct before *before = calloc(1, sizeof(*before));

	if (!before)
		return NULL;
	before->any = kernel_default(s->k);
	if (kernel_binding_each(s->k, save_binding, before) ||
	    kernel_birth_each(s->k, save_birth, before) ||
	    kernel_patterns_get(s->k, &before->patterns, &before->n_patterns))
		return before_free(before);
	if (before->n_births)
		qsort(before->births, before->n_births, sizeof(*before->births), by_path);
	return before;
}

struct before *before_free(struct before *before)
{
	if (before)
		before_done(before);
	free(before);
	return NULL;
}
