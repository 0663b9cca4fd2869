/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/in_force.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/internal.h"

/* ---- one ---- */

struct newest {
	const char *name;
	struct leastcap_policy policy; /* id 0: none */
};

static int note_newest(const struct leastcap_policy *p, void *ctx)
{
	struct newest *n = ctx;

	if (!strcmp(p->name, n->name) && (!n->policy.id || p->revision >= n->policy.revision))
		n->policy = *p;
	return 0;
}

int published_policy(struct state *s, const char *name, struct leastcap_policy *ret)
{
	struct newest n = {.name = name};
	int err = kernel_policy_each(s->k, note_newest, &n);

	if (err)
		return err;
	if (!n.policy.id)
		return -ENOENT;
	*ret = n.policy;
	return 0;
}

/* ---- all ---- */

static int note(const struct leastcap_policy *p, void *ctx)
{
	struct in_force *in = ctx;
	struct leastcap_policy *grown = reallocarray(in->policies, in->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	in->policies = grown;
	grown[in->n++] = *p;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct leastcap_policy *x = a, *y = b;

	return strcmp(x->name, y->name)
		       ?: (x->revision > y->revision) - (x->revision < y->revision);
}

int in_force_read(struct state *s, struct in_force *ret)
{
	struct in_force in = {};
	int err = kernel_policy_each(s->k, note, &in);

	if (err) {
		in_force_done(&in);
		return err;
	}
	if (in.n)
		qsort(in.policies, in.n, sizeof(*in.policies), compare);
	*ret = in;
	return 0;
}

const struct leastcap_policy *in_force_find(const struct in_force *in, const char *name)
{
	size_t low = 0, high = in->n;

	/* Behind the last of that name. */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(in->policies[mid].name, name) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low && !strcmp(in->policies[low - 1].name, name) ? &in->policies[low - 1] : NULL;
}

void in_force_done(struct in_force *in)
{
	free(in->policies);
	*in = (struct in_force){};
}
