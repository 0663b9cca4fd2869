/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entrypoints that are held until the policy of their container is bound. The kernel stops them (bpf/hold.bpf.h); here they
 * are let go in time. The guard (guard.h) does it where this daemon is late, stands still, or is gone.
 */
#include <signal.h>
#include <stdlib.h>

#include "audit/event.h"
#include "base/duration.h"
#include "base/log.h"
#include "daemon/guard.h"
#include "daemon/internal.h"
#include "subject/container.h"

/* By which the guard is late: then it stands still, and it is done here. */
#define GUARD_LATE_NS 1000000000ULL

/* ---- who is known ---- */

/* Ends the waiting of a container of which all is known, and in force. Who was not asked about yet is asked about. */
static int look_at_waiting(uint64_t cgroup, void *ctx)
{
	struct state *s = ctx;
	const struct want *want = plan_find(&s->plan, cgroup);
	const char *path = names_get(s, cgroup);

	/* What has no room is not bound: it waits for as long as it may. */
	if (!path || (want && want->unfit))
		return 0;
	if (identities_settled(s->identities, path)) {
		kernel_waiting_end(s->k, cgroup);
		return 0;
	}
	(void)containers_who(path, s);
	/* Known at once; its policy is not bound yet. */
	if (identities_settled(s->identities, path))
		s->again = true;
	return 0;
}

/* ---- who is held ---- */

static void tell(struct state *s, uint32_t pid, const struct leastcap_held *h)
{
	const bool limit = h->let_go == LEASTCAP_LET_GO_LIMIT;
	json_t *event = event_new("hold-expired", sink_next(s->sink));
	const char *path = names_get(s, h->cgroup);
	char id[65] = "";

	s->hold.expired[!limit]++;
	if (path)
		(void)container_from_path(path, id, NULL);
	log_warn(0, "container %.12s: its entrypoint was let go before its policy was bound: %s",
		 *id ? id : "?",
		 limit ? "it was not known within the time limit" : "the daemon ended");
	if (event) {
		json_object_set_new(event, "subject",
				    json_pack("{s:o, s:I, s:o}", "cgroup", event_string(path),
					      "cgroup_id", (json_int_t)h->cgroup, "container",
					      event_string(*id ? id : NULL)));
		json_object_set_new(event, "pid", json_integer(pid));
		json_object_set_new(event, "reason", json_string(limit ? "limit" : "daemon-ended"));
	}
	sink_emit(s->sink, event);
}

static int look_at_held(uint32_t pid, const struct leastcap_held *h, void *ctx)
{
	struct state *s = ctx;
	uint64_t now = boot_now();
	int err = 0;

	if (h->let_go) {
		tell(s, pid, h);
		kernel_held_forget(s->k, pid);
	} else if (!kernel_is_waiting(s->k, h->cgroup)) {
		err = kernel_let_go(s->k, pid, h, LEASTCAP_LET_GO_NOT);
		s->hold.in_time += !err;
	} else if (now > h->since && now - h->since > s->hold.limit_ns + GUARD_LATE_NS) {
		err = kernel_let_go(s->k, pid, h, LEASTCAP_LET_GO_LIMIT);
	}
	/* Already: by the guard, which is told the next time. */
	if (err && err != -EALREADY)
		log_warn(err, "cannot let process %u go on, trying again", pid);
	return 0;
}

void hold_look(struct state *s)
{
	if (!s->hold.limit_ns)
		return;
	/* Where no policy depends on who a container is, none has to wait. */
	kernel_hold_switch(s->k, s->hold.guard && sources_ask_identity(&s->sources));
	/* What is known and not bound yet has to wait. */
	if (!s->again && !s->unbound)
		(void)kernel_waiting_each(s->k, look_at_waiting, s);
	(void)kernel_held_each(s->k, look_at_held, s);
}

/* ---- the guard ---- */

static void guard_forget(struct state *s)
{
	s->hold.guard = sd_event_source_disable_unref(s->hold.guard);
	if (s->hold.guard_fd >= 0)
		close(s->hold.guard_fd);
	s->hold.guard_fd = -EBADF;
}

static int on_guard(sd_event_source *source, const siginfo_t *info, void *ctx)
{
	log_warn(0, "the process that guards what is held has ended, starting it again");
	guard_forget(ctx);
	return 0;
}

static int guard_begin(struct state *s)
{
	pid_t pid = guard_start(s->hold.limit_ns, &s->hold.guard_fd);
	int err;

	if (pid < 0)
		return (int)pid;
	err = sd_event_add_child(s->hold.event, &s->hold.guard, pid, WEXITED, on_guard, s);
	if (err < 0)
		guard_forget(s);
	return err < 0 ? err : 0;
}

void hold_tick(struct state *s)
{
	int err;

	if (!s->hold.limit_ns)
		return;
	hold_look(s);
	if (s->hold.guard)
		return;
	err = guard_begin(s);
	if (err)
		log_warn(err, "cannot start the process that guards what is held, trying again");
}

/* ---- metrics ---- */

static int count_held(uint32_t pid, const struct leastcap_held *h, void *ctx)
{
	*(double *)ctx += !h->let_go;
	return 0;
}

void hold_metrics(struct prom *prom, const struct state *s)
{
	const struct leastcap_state *state = kernel_state(s->k);
	double now = 0;

	(void)kernel_held_each(s->k, count_held, &now);
	prom_one(prom, "leastcap_hold_enabled", "gauge",
		 "1: a container's program waits until its policy is bound.", state->hold != 0);
	prom_one(prom, "leastcap_hold_waiting", "gauge", "Programs that wait now.", now);
	prom_one(prom, "leastcap_hold_total", "counter",
		 "Programs that have waited, since the programs of the kernel side were loaded.",
		 (double)state->held);
	prom_one(prom, "leastcap_hold_in_time_total", "counter",
		 "Those that this daemon has let go when their policy was bound.",
		 (double)s->hold.in_time);
	prom_family(prom, "leastcap_hold_expired_total", "counter",
		    "Those that were let go before, as this daemon has told.");
	prom_sample(prom, (double)s->hold.expired[0], "reason", "limit", NULL);
	prom_sample(prom, (double)s->hold.expired[1], "reason", "daemon-ended", NULL);
}

/* ---- from the beginning to the end ---- */

static int end_waiting(uint64_t cgroup, void *ctx)
{
	kernel_waiting_end(ctx, cgroup);
	return 0;
}

int hold_open(struct state *s, sd_event *event, uint64_t limit_ns)
{
	sigset_t set;
	int err;

	s->hold = (struct hold){.limit_ns = limit_ns, .event = event, .guard_fd = -EBADF};
	kernel_hold_end(s->k);
	(void)kernel_held_each(s->k, look_at_held, s);
	if (!limit_ns)
		return kernel_waiting_each(s->k, end_waiting, s->k);
	/* sd_event_add_child(3) asks for it. */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	err = guard_begin(s);
	return err ? log_err(err, "cannot start the process that guards what is held") : 0;
}

void hold_done(struct state *s)
{
	if (!s->hold.limit_ns)
		return;
	kernel_hold_end(s->k);
	guard_forget(s);
}
