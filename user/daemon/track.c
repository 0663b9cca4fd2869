/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel tells: events get their names and go to the sinks; cgroups come and go. */
#include <string.h>
#include <time.h>

#include "audit/event.h"
#include "audit/listing.h"
#include "base/log.h"
#include "daemon/gone.h"
#include "daemon/internal.h"
#include "subject/cgroup.h"

/* Between two looks for what a selector names and was not there. */
#define PENDING_TICKS 5
/* Between two tellings of losses. */
#define LOSS_TICKS 10

/* ---- names ---- */

static struct name *name_slot(struct state *s, uint64_t cgroup)
{
	return &s->names[(cgroup * 0x9e3779b97f4a7c15ULL) >> 52 & (NAMES - 1)];
}

void names_put(struct state *s, uint64_t cgroup, const char *path)
{
	struct name *slot = name_slot(s, cgroup);
	char *copy = strdup(path);

	if (!copy)
		return;
	free(slot->path);
	*slot = (struct name){.cgroup = cgroup, .path = copy};
}

const char *names_get(struct state *s, uint64_t cgroup)
{
	struct name *slot = name_slot(s, cgroup);
	_cleanup_free_ char *path = NULL;

	if (slot->path && slot->cgroup == cgroup)
		return slot->path;
	if (!cgroup || cgroup_path(cgroup, &path))
		return NULL;
	names_put(s, cgroup, path);
	return slot->path;
}

void names_done(struct state *s)
{
	for (size_t i = 0; i < NAMES; i++)
		free(s->names[i].path);
}

static int64_t clock_offset(void)
{
	struct timespec real, boot;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return (real.tv_sec - boot.tv_sec) * 1000000000LL + real.tv_nsec - boot.tv_nsec;
}

/* What is known of the container that a path is in; what is not is there for a later event. */
static const struct identity *who_of(struct state *s, const char *path)
{
	char id[65];
	_cleanup_free_ char *cgroup = event_container(path, id);

	return cgroup ? containers_who(cgroup, s) : NULL;
}

/* Who it was: of the process, or of the last one of the kind that is quiet now. */
static void name_program(struct state *s, struct leastcap_event *e, struct event_names *names)
{
	if (e->type == LEASTCAP_EVENT_QUIET) {
		names->exe = quiet_program(s, e);
		return;
	}
	actor_read(e, &s->actor);
	names->actor = &s->actor;
	names->exe = *s->actor.exe ? s->actor.exe : NULL;
	if (e->type == LEASTCAP_EVENT_VERDICT)
		quiet_refused(s, e, names->exe);
}

json_t *event_named(struct state *s, struct leastcap_event_cgroup *e)
{
	_cleanup_free_ char *binding = NULL;
	struct leastcap_policy policy;
	const char *path = names_get(s, e->event.binding);
	struct event_names names = {.seq = sink_next(s->sink), .clock_ns = clock_offset()};

	name_program(s, &e->event, &names);
	/* Two names at a time: the table may hold them in one slot. */
	names.binding = binding = path ? strdup(path) : NULL;
	names.cgroup = names_get(s, e->event.cgroup);
	names.who = who_of(s, *e->path ? e->path : names.cgroup ?: names.binding);
	if (!kernel_policy_get(s->k, e->event.policy, &policy)) {
		policy.name[sizeof(policy.name) - 1] = '\0';
		names.policy = &policy;
		names.rule_file = rules_find(s, &e->event, &policy, &names.rule_line);
	}
	return event_to_json(e, &names);
}

/* ---- events ---- */

void state_event(struct state *s, struct leastcap_event_cgroup *e)
{
	json_t *event;

	if (proof_is_own(s, &e->event))
		return;
	if (e->event.type == LEASTCAP_EVENT_BORN) {
		s->births++;
		containers_came(s, e->path);
	}
	if (e->event.type == LEASTCAP_EVENT_BORN || e->event.type == LEASTCAP_EVENT_GONE)
		names_put(s, e->event.binding, e->path);
	event = event_named(s, e);
	if (e->event.type == LEASTCAP_EVENT_GONE) {
		/* Its last event still says who it was. */
		containers_gone(s, e->path);
		gone_told(s, e->event.binding, event);
		return;
	}
	sink_emit(s->sink, event);
	if (e->event.type == LEASTCAP_EVENT_VERDICT || e->event.type == LEASTCAP_EVENT_QUIET)
		s->suppressed += e->event.suppressed;
	/* The kernel gives no shadow at birth. */
	if (e->event.type == LEASTCAP_EVENT_BORN)
		s->born = s->born || s->plan.shadows;
}

/* ---- losses ---- */

static void tell_losses(struct state *s)
{
	uint64_t now[LEASTCAP_LOSSES], fresh[LEASTCAP_LOSSES];
	_cleanup_free_ char *text = NULL;
	json_t *event, *losses;
	bool any = false;

	if (kernel_losses(s->k, now))
		return;
	for (size_t i = 0; i < LEASTCAP_LOSSES; i++) {
		fresh[i] = now[i] - s->losses[i];
		any = any || fresh[i];
	}
	if (!any)
		return;
	/* The news of a birth may be among them, and what could not be bound then may have room now. */
	s->again = s->again || fresh[LEASTCAP_LOSS_RING] || fresh[LEASTCAP_LOSS_BIRTH];
	memcpy(s->losses, now, sizeof(now));
	losses = listing_losses(fresh);
	text = losses ? json_dumps(losses, JSON_COMPACT) : NULL;
	log_warn(0, "lost: %s; masks and counters are complete unless \"ledger\" says otherwise",
		 text ? text : "?");
	event = event_new("lost", sink_next(s->sink));
	if (event)
		json_object_set_new(event, "losses", losses);
	else
		json_decref(losses);
	sink_emit(s->sink, event);
}

void state_prove(struct state *s)
{
	proof_tick(s);
}

void state_tick(struct state *s)
{
	s->ticks++;
	confirm_tick(s);
	disarm_tick(s);
	hold_tick(s);
	proof_tick(s);
	quiet_tick(s);
	if (s->ticks % LOSS_TICKS == 1) {
		tell_losses(s);
		metrics_count(s);
		counted_save(s);
	}
	if (s->born || ((s->plan.pending || s->plan.n_unfit) && s->ticks % PENDING_TICKS == 0)) {
		s->born = false;
		s->again = true;
	}
	containers_tick(s);
	gone_tick(s);
}
