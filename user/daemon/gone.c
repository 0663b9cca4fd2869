/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/gone.h"

#include <string.h>

#include <systemd/sd-daemon.h>

#include "audit/event.h"
#include "audit/listing.h"
#include "base/duration.h"
#include "daemon/internal.h"
#include "subject/cgroup.h"

/* Seconds between two looks for bound cgroups whose removal was not seen, and for tasks that carry a policy. */
#define SWEEP_TICKS 30
/* Removed cgroups that are ended in one second: each asks all processes whether they carry it, and the loop has more to do. */
#define SWEEP_MOST 32

/* Between two signs of life: bindings whose ends are told one after the other. */
#define ENDS_ALIVE 256

/* ---- sets of cgroups: in ascending order, as bindings are walked through ---- */

/* Where it is, or belongs. */
static size_t place(const uint64_t *ids, size_t n, uint64_t cgroup)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ids[middle] < cgroup)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has(const uint64_t *ids, size_t n, uint64_t cgroup)
{
	size_t at = place(ids, n, cgroup);

	return at < n && ids[at] == cgroup;
}

/* Without memory nothing is noted. */
static void add(uint64_t **ids, size_t *n, uint64_t cgroup)
{
	size_t at = place(*ids, *n, cgroup);
	uint64_t *grown;

	if (at < *n && (*ids)[at] == cgroup)
		return;
	grown = reallocarray(*ids, *n + 1, sizeof(*grown));
	if (!grown)
		return;
	*ids = grown;
	memmove(grown + at + 1, grown + at, (*n - at) * sizeof(*grown));
	grown[at] = cgroup;
	++*n;
}

static void drop(uint64_t *ids, size_t *n, uint64_t cgroup)
{
	size_t at = place(ids, *n, cgroup);

	if (at == *n || ids[at] != cgroup)
		return;
	--*n;
	memmove(ids + at, ids + at + 1, (*n - at) * sizeof(*ids));
}

bool is_gone(const struct state *s, uint64_t cgroup)
{
	return has(s->gone, s->n_gone, cgroup);
}

/* ---- ends ---- */

/* With what was enforced and audited: who reads it later cannot ask any more. */
static json_t *rules_at_end(struct state *s, uint64_t cgroup, const struct kernel_ledger *ledger)
{
	struct leastcap_policy policy;
	struct leastcap_binding b;

	if (kernel_binding_get(s->k, cgroup, &b) || kernel_policy_get(s->k, b.policy, &policy))
		return event_ledger_rules(ledger);
	return listing_rules(&policy, ledger);
}

/* What was seen there until now: nobody can ask for it any more. */
static void add_ledger(struct state *s, json_t *event, const struct kernel_ledger *ledger)
{
	json_object_set_new(event, "capabilities", event_capabilities(ledger));
	json_object_set_new(event, "rules", rules_at_end(s, ledger->cgroup, ledger));
	json_object_set_new(event, "counters", event_counters(ledger));
	json_object_set_new(event, "restrictions", event_restrictions(ledger));
}

/* Its ledger is read a last time, and its binding ends with the last task that carries it. event: NULL where it was told. */
static void end_binding(struct state *s, uint64_t cgroup, json_t *event)
{
	struct kernel_ledger ledger;
	int lock;

	if (!kernel_ledger_get(s->k, cgroup, &ledger)) {
		(void)tally_note(&s->tally, &ledger);
		if (event)
			add_ledger(s, event, &ledger);
	}
	if (event)
		sink_emit(s->sink, event);
	if (kernel_carried(s->k, cgroup) != 0) {
		/* Without memory its end is told again the next time. */
		add(&s->gone, &s->n_gone, cgroup);
		return;
	}
	lock = kernel_lock();
	if (lock < 0)
		return;
	if (!kernel_unbind(s->k, cgroup))
		tally_end(&s->tally, cgroup);
	kernel_publish(s->k);
	close(lock);
	drop(s->gone, &s->n_gone, cgroup);
}

bool gone_untold(struct state *s, uint64_t cgroup)
{
	if (is_gone(s, cgroup) || !cgroup_is_gone(cgroup))
		return false;
	/* Without memory the next sweep finds it. */
	add(&s->untold, &s->n_untold, cgroup);
	return true;
}

void gone_told(struct state *s, uint64_t cgroup, json_t *event)
{
	struct leastcap_binding b;

	/* Twice, where two builds saw it. */
	if (kernel_binding_get(s->k, cgroup, &b) || is_gone(s, cgroup))
		json_decref(event);
	else
		end_binding(s, cgroup, event);
}

/* As the kernel would tell it. */
static struct leastcap_event_cgroup end_of(struct state *s, const struct leastcap_binding *b)
{
	struct leastcap_event_cgroup e = {
		.event = {.version = LEASTCAP_ABI, .type = LEASTCAP_EVENT_GONE, .size = sizeof(e)}};
	const char *name = names_get(s, b->cgroup);

	e.event.time = boot_now();
	e.event.binding = b->cgroup;
	e.event.policy = b->policy;
	e.event.syscall = -1;
	snprintf(e.path, sizeof(e.path), "%s", name ? name : "");
	return e;
}

/* The event that the kernel did not tell, or that is lost. */
static void tell_end(struct state *s, const struct leastcap_binding *b)
{
	struct leastcap_event_cgroup e = end_of(s, b);

	end_binding(s, b->cgroup, event_named(s, &e));
	containers_gone(s, e.path);
}

/* ---- bindings that end before their cgroups ---- */

static void tell_unbound(struct state *s, const struct leastcap_binding *b,
			 const struct kernel_ledger *l)
{
	struct leastcap_event_cgroup e;
	json_t *event;

	(void)tally_note(&s->tally, l);
	/* What is gone was told, or will be. */
	if (is_gone(s, b->cgroup) || !(l->used | l->denied | l->would_deny | l->rules_used |
				       l->rules_denied | l->rules_would_deny))
		return;
	e = end_of(s, b);
	event = event_named(s, &e);
	if (event) {
		json_object_set_new(event, "type", json_string("unbound"));
		add_ledger(s, event, l);
	}
	sink_emit(s->sink, event);
}

void gone_unbound(struct state *s, const struct leastcap_binding *b)
{
	struct kernel_ledger l;

	if (!kernel_ledger_get(s->k, b->cgroup, &l))
		tell_unbound(s, b, &l);
}

struct ends {
	struct state *s;
	size_t n;
};

static int unbound(const struct leastcap_binding *b, const struct kernel_ledger *l, void *ctx)
{
	struct leastcap_binding now;
	struct ends *ends = ctx;

	/* systemd kills who takes long to end, and what is not told by then is lost. */
	if (ends->n++ % ENDS_ALIVE == 0)
		sd_notify(0, "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=60000000");
	if (l && !kernel_binding_get(ends->s->k, b->cgroup, &now))
		tell_unbound(ends->s, &now, l);
	return 0;
}

void state_ends(struct state *s)
{
	(void)kernel_ledger_each(s->k, unbound, &(struct ends){.s = s});
}

/* ---- looks ---- */

static int sweep_binding(const struct leastcap_binding *b, void *ctx)
{
	struct state *s = ctx;

	if (!is_gone(s, b->cgroup))
		(void)gone_untold(s, b->cgroup);
	else if (s->swept++ < SWEEP_MOST)
		end_binding(s, b->cgroup, NULL);
	return 0;
}

/*
 * By now the kernel's event has come, if it was not lost. And a cgroup that was being made is there: it is bound before it can be
 * opened by its id (cgroup_mkdir(): the tracepoint, and then kernfs_activate()).
 */
static void look_at_untold(struct state *s)
{
	size_t left = 0;

	if (!s->n_untold)
		return;
	for (size_t i = 0; i < s->n_untold; i++) {
		struct leastcap_binding b;

		if (s->swept >= SWEEP_MOST) {
			s->untold[left++] = s->untold[i];
			continue;
		}
		if (kernel_binding_get(s->k, s->untold[i], &b) || !cgroup_is_gone(b.cgroup))
			continue;
		s->swept++;
		if (is_gone(s, b.cgroup))
			end_binding(s, b.cgroup, NULL);
		else
			tell_end(s, &b);
	}
	s->n_untold = left;
	/* Those that tasks carry now follow their policy, or go with it. */
	s->again = s->again || s->n_gone;
}

void gone_tick(struct state *s)
{
	s->swept = 0;
	look_at_untold(s);
	if (s->ticks % SWEEP_TICKS == 0) {
		(void)kernel_binding_each(s->k, sweep_binding, s);
		containers_sweep(s);
	}
}
