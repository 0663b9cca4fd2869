/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ledger with what is counted beside it: struct leastcap_refusals, and struct leastcap_pending. Nobody is kept from
 * counting, so it is read again where it has moved from one to the other meanwhile. And what of all that is in no event yet.
 */
#include "kernel/internal.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

/* A place is changed for some hundred instructions; longer where whoever does it is preempted. */
#define ATTEMPTS 64

static void look_at(const struct leastcap_pending *p, uint64_t cgroup, uint32_t number,
		    struct pending_look *look)
{
	uint32_t changes = __atomic_load_n(&p->changes, __ATOMIC_ACQUIRE);
	uint64_t count = __atomic_load_n(&p->count, __ATOMIC_ACQUIRE) & LEASTCAP_PENDING_COUNT;

	for (size_t i = 0; i < LEASTCAP_HELD; i++) {
		if (__atomic_load_n(&p->ledgers[i], __ATOMIC_ACQUIRE) != cgroup)
			continue;
		look->changes += changes;
		/* Of a ledger that is no more, if the number is another. */
		if (p->numbers[i] != number)
			continue;
		if (p->denied & (1U << i))
			look->denied += count;
		else
			look->would_deny += count;
	}
	if ((changes & 1) || __atomic_load_n(&p->changes, __ATOMIC_ACQUIRE) != changes)
		look->changing = true;
}

struct pending_look pending_look(const struct leastcap_pending all[LEASTCAP_PENDING],
				 uint64_t cgroup, uint32_t number)
{
	struct pending_look look = {};

	for (size_t i = 0; i < LEASTCAP_PENDING; i++)
		look_at(&all[i], cgroup, number, &look);
	return look;
}

struct kernel_ledger ledger_join(uint64_t cgroup, const struct leastcap_ledger *l,
				 const struct leastcap_refusals *r, const struct pending_look *look)
{
	struct kernel_ledger joined = {
		.cgroup = cgroup,
		.used = l->used,
		.denied = l->denied,
		.would_deny = l->would_deny,
		.probed = l->probed,
		.rules_used = l->rules_used,
		.rules_denied = l->rules_denied,
		.rules_would_deny = l->rules_would_deny,
		.n_probe_denied = r->n_probe_denied,
		.n_denied[LEASTCAP_CAPABILITIES] = l->n_denied + look->denied,
		.n_would_deny[LEASTCAP_CAPABILITIES] = l->n_would_deny + look->would_deny,
	};

	for (size_t i = 1; i < LEASTCAP_RESTRICTIONS; i++) {
		joined.n_denied[i] = r->n_denied[i - 1];
		joined.n_would_deny[i] = r->n_would_deny[i - 1];
	}
	return joined;
}

/* A ledger that no place counts for may have a look with nothing in it. */
static int join(struct kernel *k, uint64_t cgroup, const struct leastcap_ledger *l,
		const struct pending_look *look, struct kernel_ledger *ret)
{
	struct leastcap_refusals refusals = {};
	int err = 0;

	/* Behind the ledger: the kernel side writes the mask in there first. Most have none. */
	if (l->rules_denied || l->rules_would_deny || l->probed)
		err = bpf_map_lookup_elem(k->maps[MAP_REFUSALS], &cgroup, &refusals);
	if (err && err != -ENOENT)
		return err;
	*ret = ledger_join(cgroup, l, &refusals, look);
	return 0;
}

int kernel_ledger_get(struct kernel *k, uint64_t cgroup, struct kernel_ledger *ret)
{
	struct leastcap_ledger l = {};
	struct pending_look before, after;
	int err;

	for (int i = 0; i < ATTEMPTS; i++) {
		before = pending_look(k->pending, cgroup, l.number);
		err = bpf_map_lookup_elem(k->maps[MAP_LEDGERS], &cgroup, &l);
		if (err)
			return err;
		after = pending_look(k->pending, cgroup, l.number);
		if (!before.changing && !after.changing && before.changes == after.changes)
			break;
		sched_yield();
	}
	return join(k, cgroup, &l, &after, ret);
}

/* ---- all of them ---- */

/* Also of what begins with one. */
static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Appends what a place counts for. Returns whether it is being changed: what it had is on its way then. */
static bool note_held(const struct leastcap_pending *p, struct pending_held *held)
{
	uint32_t changes = __atomic_load_n(&p->changes, __ATOMIC_ACQUIRE);

	for (size_t i = 0; i < LEASTCAP_HELD; i++) {
		uint64_t cgroup = __atomic_load_n(&p->ledgers[i], __ATOMIC_ACQUIRE);

		if (cgroup)
			held->cgroups[held->n++] = cgroup;
	}
	return (changes & 1) || __atomic_load_n(&p->changes, __ATOMIC_ACQUIRE) != changes;
}

bool pending_held(const struct leastcap_pending all[LEASTCAP_PENDING], struct pending_held *ret)
{
	bool changing = false;

	ret->n = 0;
	for (size_t i = 0; i < LEASTCAP_PENDING; i++)
		changing = note_held(&all[i], ret) || changing;
	qsort(ret->cgroups, ret->n, sizeof(*ret->cgroups), compare_ids);
	return !changing;
}

/* Ledgers that are read one by one. To read all at once is two calls, and a walk over the table whatever there is in it. */
#define FEW 256

struct found {
	uint64_t cgroup;
	const struct leastcap_ledger *ledger;
};

struct each {
	struct kernel *k;
	int (*fn)(const struct leastcap_binding *b, const struct kernel_ledger *ledger, void *ctx);
	void *ctx;
	struct pending_held held;
	size_t asked;
	void *cgroups, *ledgers; /* all of them, once they are more than few */
	struct found *found; /* by cgroup */
	size_t n;
};

/* On failure they are read one by one still. */
static void read_all(struct each *e)
{
	const struct leastcap_ledger *ledgers;
	const uint64_t *cgroups;
	long n = map_entries(e->k->maps[MAP_LEDGERS], sizeof(*cgroups), sizeof(*ledgers),
			     &e->cgroups, &e->ledgers);

	e->found = n > 0 ? calloc((size_t)n, sizeof(*e->found)) : NULL;
	if (!e->found)
		return;
	cgroups = e->cgroups;
	ledgers = e->ledgers;
	e->n = (size_t)n;
	for (size_t i = 0; i < e->n; i++)
		e->found[i] = (struct found){cgroups[i], &ledgers[i]};
	qsort(e->found, e->n, sizeof(*e->found), compare_ids);
}

static int read_ledger(struct each *e, uint64_t cgroup, struct leastcap_ledger *ret)
{
	const struct found *f = NULL;

	if (e->asked++ == FEW)
		read_all(e);
	if (e->found)
		f = bsearch(&cgroup, e->found, e->n, sizeof(*f), compare_ids);
	if (!f)
		return bpf_map_lookup_elem(e->k->maps[MAP_LEDGERS], &cgroup, ret);
	*ret = *f->ledger;
	return 0;
}

/*
 * To look through all places for each ledger would cost more than all the rest. What no place counted for at the beginning
 * is in the ledger, which is read since.
 */
static int read_one(const struct leastcap_binding *b, void *ctx)
{
	static const struct pending_look nothing;
	struct each *e = ctx;
	struct kernel_ledger joined;
	struct leastcap_ledger l;
	int err;

	if (bsearch(&b->cgroup, e->held.cgroups, e->held.n, sizeof(b->cgroup), compare_ids))
		err = kernel_ledger_get(e->k, b->cgroup, &joined);
	else
		err = read_ledger(e, b->cgroup, &l) ?: join(e->k, b->cgroup, &l, &nothing, &joined);
	return e->fn(b, err ? NULL : &joined, e->ctx);
}

int kernel_ledger_each(struct kernel *k,
		       int (*fn)(const struct leastcap_binding *b,
				 const struct kernel_ledger *ledger, void *ctx),
		       void *ctx)
{
	struct each e = {.k = k, .fn = fn, .ctx = ctx};
	int err;

	for (int i = 0; i < ATTEMPTS && !pending_held(k->pending, &e.held); i++)
		sched_yield();
	err = kernel_binding_each(k, read_one, &e);
	free(e.cgroups);
	free(e.ledgers);
	free(e.found);
	return err;
}

/* ---- what nobody has been told of ---- */

uint64_t pending_untold(const struct leastcap_pending all[LEASTCAP_PENDING], uint64_t except)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < LEASTCAP_PENDING; i++) {
		/* Both have the turn. */
		if (all[i].key.binding != except)
			sum += __atomic_load_n(&all[i].count, __ATOMIC_ACQUIRE) -
			       __atomic_load_n(&all[i].told, __ATOMIC_ACQUIRE);
	}
	return sum;
}

uint64_t samples_untold(const struct leastcap_key *keys, const struct leastcap_sample *samples,
			size_t n, uint64_t except)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		/* What is allowed counts a subject's keys. */
		if (keys[i].verdict != LEASTCAP_ALLOWED && keys[i].binding != except)
			sum += samples[i].suppressed;
	}
	return sum;
}

int kernel_untold(const struct kernel *k, uint64_t canary, uint64_t *ret)
{
	_cleanup_free_ void *keys = NULL, *samples = NULL;
	long n = map_entries(k->maps[MAP_SAMPLES], sizeof(struct leastcap_key),
			     sizeof(struct leastcap_sample), &keys, &samples);

	if (n < 0)
		return (int)n;
	*ret = samples_untold(keys, samples, (size_t)n, canary) +
	       pending_untold(k->pending, canary);
	return 0;
}
