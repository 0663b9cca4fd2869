/* SPDX-License-Identifier: GPL-2.0-only */
#include "trace/subjects.h"

#include <stdbool.h>
#include <string.h>

#include "base/nearest.h"
#include "base/shadow.h"
#include "kernel/kernel.h"
#include "subject/cgroup.h"
#include "subject/find.h"
#include "trace/names.h"

/* ---- a policy's ---- */

struct held {
	struct kernel *k;
	const char *policy;
	uint64_t *ids;
	size_t n;
	bool known; /* there is a policy of that name */
};

static bool is_policy(struct held *h, uint64_t id)
{
	struct leastcap_policy p;

	if (!id || kernel_policy_get(h->k, id, &p))
		return false;
	p.name[sizeof(p.name) - 1] = '\0';
	return !strcmp(shadow_shown(p.name), h->policy);
}

static int add_binding(const struct leastcap_binding *b, void *ctx)
{
	struct held *h = ctx;
	uint64_t *ids;

	if (!is_policy(h, b->policy) && !is_policy(h, b->shadow))
		return 0;
	ids = reallocarray(h->ids, h->n + 1, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	h->ids = ids;
	h->ids[h->n++] = b->cgroup;
	return 0;
}

static int find_name(const struct leastcap_policy *p, void *ctx)
{
	struct held *h = ctx;

	h->known = h->known || is_policy(h, p->id);
	return 0;
}

static int policy_subjects(const char *policy, uint64_t **ret, size_t *ret_n)
{
	_cleanup_(kernel_closep) struct kernel *k = NULL;
	struct held h = {.policy = policy};
	int err = kernel_open(&k);

	if (err)
		return -ENOENT;
	h.k = k;
	err = kernel_binding_each(k, add_binding, &h) ?: kernel_policy_each(k, find_name, &h);
	if (!err && !h.n)
		err = h.known ? -ENODATA : -ENOENT;
	if (err) {
		free(h.ids);
		return err;
	}
	*ret = h.ids;
	*ret_n = h.n;
	return 0;
}

/* ---- the nearest name ---- */

#define WORDS 2048

struct words {
	char *items[WORDS + 1]; /* the last one is NULL */
	size_t n;
};

static void add_word(struct words *w, const char *word)
{
	if (word && *word && w->n < WORDS && (w->items[w->n] = strdup(word)))
		w->n++;
}

static int add_names(const char *path, uint64_t id, uint32_t level, void *ctx)
{
	struct trace_name name = {};
	struct words *w = ctx;

	if (!trace_name_of(path, "/", &name)) {
		char buf[32];

		/* As it is shown, and in full: whatever is nearer. */
		add_word(w, name.container ? NULL : trace_name_short(&name, buf));
		add_word(w, name.container_name ?: name.container ?: name.unit);
		add_word(w, path);
	}
	trace_name_done(&name);
	return w->n == WORDS;
}

static int add_policy(const struct leastcap_policy *p, void *ctx)
{
	char name[sizeof(p->name)];

	memcpy(name, p->name, sizeof(name));
	name[sizeof(name) - 1] = '\0';
	add_word(ctx, shadow_shown(name));
	return 0;
}

static char *nearest(const char *subject)
{
	_cleanup_(kernel_closep) struct kernel *k = NULL;
	struct words *w = calloc(1, sizeof(*w));
	const char *near;
	char *found;

	if (!w)
		return NULL;
	if (!kernel_open(&k))
		(void)kernel_policy_each(k, add_policy, w);
	(void)cgroup_walk(add_names, w);
	near = nearest_word(subject, strlen(subject), (const char *const *)w->items);
	found = near ? strdup(near) : NULL;
	for (size_t i = 0; i < w->n; i++)
		free(w->items[i]);
	free(w);
	return found;
}

int trace_subjects(const char *subject, uint64_t **ret, size_t *ret_n, char **ret_near)
{
	_cleanup_free_ char *path = NULL;
	uint64_t *id;
	int err, held;

	if (ret_near)
		*ret_near = NULL;
	/* Who starts a container gives it a name, and there may be many of one name: a policy's goes first. */
	held = subject[0] == '/' ? -ENOENT : policy_subjects(subject, ret, ret_n);
	if (held != -ENOENT && held != -ENODATA)
		return held;
	err = subject_find(subject, &path);
	if (err == -ENOENT)
		err = subject_find_named(subject, &path);
	/* No cgroup is called so, but a policy is. */
	if (err == -ENOENT || err == -ENOTUNIQ)
		err = held == -ENODATA ? held : err;
	if (err == -ENOENT && ret_near)
		*ret_near = nearest(subject);
	if (err)
		return err;
	id = malloc(sizeof(*id));
	if (!id)
		return -ENOMEM;
	err = cgroup_id(path, id, NULL);
	if (err) {
		free(id);
		return err;
	}
	*ret = id;
	*ret_n = 1;
	return 0;
}
