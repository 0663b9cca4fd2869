/* SPDX-License-Identifier: GPL-2.0-only */
#include "audit/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where a cgroup is, or belongs. */
static size_t place(const struct tally *t, uint64_t cgroup)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->bindings[middle].cgroup < cgroup)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct tally_binding *find_or_add(struct tally *t, uint64_t cgroup)
{
	size_t at = place(t, cgroup);
	struct tally_binding *grown;

	if (at < t->n && t->bindings[at].cgroup == cgroup)
		return &t->bindings[at];
	grown = reallocarray(t->bindings, t->n + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	t->bindings = grown;
	memmove(grown + at + 1, grown + at, (t->n - at) * sizeof(*grown));
	t->n++;
	grown[at] = (struct tally_binding){.cgroup = cgroup};
	return &grown[at];
}

/* What has come since `was`. A ledger that has less is another one, of the same cgroup bound anew by somebody else. */
static uint64_t more(uint64_t now, uint64_t was)
{
	return now >= was ? now - was : now;
}

static bool any(const struct kernel_ledger *l)
{
	for (size_t i = 0; i < LEASTCAP_RESTRICTIONS; i++) {
		if (l->n_denied[i] || l->n_would_deny[i])
			return true;
	}
	return false;
}

int tally_note(struct tally *t, const struct kernel_ledger *l)
{
	struct tally_binding *b = find_or_add(t, l->cgroup);

	if (!b)
		return -ENOMEM;
	/* Once and for all: what was counted without a name stays there. */
	if (!b->decided && any(l)) {
		b->decided = true;
		b->named = t->n_named < TALLY_NAMED;
		t->n_named += b->named;
	}
	for (size_t i = 0; i < LEASTCAP_RESTRICTIONS; i++) {
		uint64_t denied = more(l->n_denied[i], b->counts.denied[i]);
		uint64_t would = more(l->n_would_deny[i], b->counts.would_deny[i]);

		t->all.denied[i] += denied;
		t->all.would_deny[i] += would;
		t->other.denied[i] += b->named ? 0 : denied;
		t->other.would_deny[i] += b->named ? 0 : would;
		b->counts.denied[i] = l->n_denied[i];
		b->counts.would_deny[i] = l->n_would_deny[i];
	}
	b->kinds = (unsigned int)(__builtin_popcountll(l->denied) +
				  __builtin_popcount(l->rules_denied));
	if (!b->named) {
		t->other_caps |= l->denied;
		t->other_rules |= l->rules_denied;
	}
	t->probes += more(l->n_probe_denied, b->probes);
	b->probes = l->n_probe_denied;
	b->there = true;
	return 0;
}

void tally_forget(struct tally *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct tally_binding *b = &t->bindings[i];

		if (!b->there) {
			t->n_named -= b->named;
			continue;
		}
		b->there = false;
		t->bindings[kept++] = *b;
	}
	t->n = kept;
}

void tally_end(struct tally *t, uint64_t cgroup)
{
	size_t at = place(t, cgroup);

	if (at == t->n || t->bindings[at].cgroup != cgroup)
		return;
	t->n_named -= t->bindings[at].named;
	/* It stays until all are looked at: many may end at once. */
	t->bindings[at] = (struct tally_binding){.cgroup = cgroup};
}

void tally_done(struct tally *t)
{
	free(t->bindings);
	*t = (struct tally){};
}
