/* SPDX-License-Identifier: GPL-2.0-only */
/* GET /metrics: what the daemon and the kernel count, for Prometheus. */
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>

#include "audit/listing.h"
#include "audit/prom.h"
#include "audit/tally.h"
#include "base/duration.h"
#include "base/words.h"
#include "daemon/internal.h"
#include "daemon/ties.h"
#include "daemon/unfit.h"
#include "subject/container.h"

/* More than there are. */
#define PROGRAMS_MAX 256

static int note(const struct leastcap_binding *b, const struct kernel_ledger *ledger, void *ctx)
{
	struct state *s = ctx;

	s->bindings++;
	if (ledger)
		(void)tally_note(&s->tally, ledger);
	return 0;
}

void metrics_count(struct state *s)
{
	s->bindings = 0;
	if (!kernel_ledger_each(s->k, note, s))
		tally_forget(&s->tally);
}

static void put_state(struct prom *p, struct state *s)
{
	uint64_t until = kernel_disarmed(s->k), now = boot_now();
	struct utsname host = {};
	char build[17] = "", abi[16];
	bool enforcing = state_enforcing(s, build);

	uname(&host);
	snprintf(abi, sizeof(abi), "%d", LEASTCAP_ABI);
	prom_family(p, "leastcap_build_info", "gauge", "What runs here.");
	prom_sample(p, 1, "version", LEASTCAP_VERSION, "abi", abi, "build", build, "kernel",
		    host.release, NULL);
	prom_one(p, "leastcap_enforcing", "gauge",
		 "1: the programs are attached, the kernel calls them, and it is not disarmed.",
		 enforcing);
	prom_one(p, "leastcap_disarmed_seconds", "gauge",
		 "For how long nothing will be refused; 0: it is not disarmed.",
		 until > now ? (double)(until - now) / 1e9 : 0);
	prom_one(p, "leastcap_confirm_pending", "gauge",
		 "1: an apply is taken back unless it is confirmed.", s->confirm.about != NULL);
	prom_one(p, "leastcap_problems", "gauge",
		 "Problems of policy files, as leastcap status has them.",
		 (double)problems_count(s));
	prom_one(p, "leastcap_tied_subjects", "gauge",
		 "Cgroups that several policies select equally well: the first by name has them.",
		 (double)ties_count(&s->plan));
	prom_one(p, "leastcap_unfit_policies", "gauge",
		 "Policies that there is no room for in the kernel, wholly or in part.",
		 (double)s->plan.n_unfit);
	prom_one(p, "leastcap_unfit_subjects", "gauge",
		 "Cgroups that are not bound as their policies say, for want of room.",
		 (double)unfit_subjects(&s->plan));
	prom_one(p, "leastcap_bindings", "gauge", "Cgroups that a policy is bound to.",
		 (double)s->bindings);
	prom_one(p, "leastcap_births_total", "counter",
		 "Cgroups that were bound when they were made.", (double)kernel_state(s->k)->born);
}

/* Calls put for every policy that is in force. */
static void each_policy(struct prom *p, struct state *s,
			void (*put)(struct prom *p, struct state *s, const struct policy *policy,
				    const struct leastcap_policy *in_force))
{
	for (size_t i = 0; i < s->sources.n; i++) {
		const struct policy_set *set = s->sources.items[i].set;

		for (size_t j = 0; set && j < set->n_policies; j++) {
			struct leastcap_policy in_force = {};

			if (!published_policy(s, set->policies[j].name, &in_force))
				put(p, s, &set->policies[j], &in_force);
		}
	}
}

static const char *shadow_label(const struct policy *p)
{
	return is_shadow(p->name) ? "true" : "false";
}

static void put_revision(struct prom *p, struct state *s, const struct policy *policy,
			 const struct leastcap_policy *in_force)
{
	prom_sample(p, in_force->revision, "policy", shadow_shown(policy->name), "shadow",
		    shadow_label(policy), NULL);
}

static void put_mode(struct prom *p, struct state *s, const struct policy *policy,
		     const struct leastcap_policy *in_force)
{
	prom_sample(p, in_force->mode == LEASTCAP_ENFORCE, "policy", shadow_shown(policy->name),
		    "shadow", shadow_label(policy), NULL);
}

static void put_wants(struct prom *p, struct state *s, const struct policy *policy,
		      const struct leastcap_policy *in_force)
{
	prom_sample(p, (double)count_wants(s, policy->name), "policy", shadow_shown(policy->name),
		    "shadow", shadow_label(policy), NULL);
}

static void put_applied(struct prom *p, struct state *s, const struct policy *policy,
			const struct leastcap_policy *in_force)
{
	const json_t *when = json_object_get(s->applied, policy->name);

	if (when)
		prom_sample(p, (double)json_integer_value(when), "policy",
			    shadow_shown(policy->name), "shadow", shadow_label(policy), NULL);
}

static void put_policies(struct prom *p, struct state *s)
{
	prom_family(p, "leastcap_policy_revision", "gauge", "Revision of a policy in force.");
	each_policy(p, s, put_revision);
	prom_family(p, "leastcap_policy_enforce", "gauge", "1: in mode enforce, 0: in mode audit.");
	each_policy(p, s, put_mode);
	prom_family(p, "leastcap_policy_bindings", "gauge",
		    "Cgroups that a policy is bound to, or evaluated for.");
	each_policy(p, s, put_wants);
	prom_family(p, "leastcap_policy_applied_timestamp_seconds", "gauge",
		    "When a policy was applied, or taken over by this daemon at its start.");
	each_policy(p, s, put_applied);
}

/* ---- refusals ---- */

static void put_counts(struct prom *p, const struct tally_counts *counts, const char *cgroup,
		       const char *container, const char *policy)
{
	for (uint32_t i = 0; i < LEASTCAP_RESTRICTIONS; i++) {
		const char *restriction = word_restriction(i);

		if (counts->denied[i])
			prom_sample(p, (double)counts->denied[i], "cgroup", cgroup, "container",
				    container, "policy", policy, "restriction", restriction,
				    "verdict", "denied", NULL);
		if (counts->would_deny[i])
			prom_sample(p, (double)counts->would_deny[i], "cgroup", cgroup, "container",
				    container, "policy", policy, "restriction", restriction,
				    "verdict", "would-deny", NULL);
	}
}

struct binding_names {
	const char *cgroup;
	char container[65];
	struct leastcap_policy policy;
};

/* Valid until the next call. */
static void name_binding(struct state *s, uint64_t cgroup, struct binding_names *ret)
{
	const char *path = names_get(s, cgroup);
	struct leastcap_binding b;

	*ret = (struct binding_names){.cgroup = path ? path : "?"};
	if (path && container_from_path(path, ret->container, NULL) != 1)
		ret->container[0] = '\0';
	if (!kernel_binding_get(s->k, cgroup, &b) &&
	    !kernel_policy_get(s->k, b.policy, &ret->policy))
		ret->policy.name[sizeof(ret->policy.name) - 1] = '\0';
}

static void put_binding(struct prom *p, struct state *s, const struct tally_binding *t)
{
	struct binding_names n;

	name_binding(s, t->cgroup, &n);
	put_counts(p, &t->counts, n.cgroup, n.container, shadow_shown(n.policy.name));
}

static void put_kinds(struct prom *p, struct state *s, const struct tally_binding *t)
{
	struct binding_names n;

	name_binding(s, t->cgroup, &n);
	prom_sample(p, t->kinds, "cgroup", n.cgroup, "container", n.container, "policy",
		    shadow_shown(n.policy.name), NULL);
}

static void each_named(struct prom *p, struct state *s,
		       void (*put)(struct prom *p, struct state *s, const struct tally_binding *t))
{
	for (size_t i = 0; i < s->tally.n; i++) {
		if (s->tally.bindings[i].named)
			put(p, s, &s->tally.bindings[i]);
	}
}

static void put_by_binding(struct prom *p, struct state *s)
{
	int other = __builtin_popcountll(s->tally.other_caps) +
		    __builtin_popcount(s->tally.other_rules);

	prom_family(p, "leastcap_binding_refusals_total", "counter",
		    "The same by binding, where there are some; cgroup other: those beyond 64.");
	each_named(p, s, put_binding);
	put_counts(p, &s->tally.other, "other", "", "");
	prom_family(p, "leastcap_binding_refused_kinds", "gauge",
		    "How many capabilities and rules it was refused something of.");
	each_named(p, s, put_kinds);
	if (other)
		prom_sample(p, other, "cgroup", "other", "container", "", "policy", "", NULL);
}

static void put_refusals(struct prom *p, struct state *s)
{
	prom_family(p, "leastcap_refusals_total", "counter",
		    "What was refused (denied), or allowed and reported (would-deny).");
	for (uint32_t i = 0; i < LEASTCAP_RESTRICTIONS; i++) {
		prom_sample(p, (double)s->tally.all.denied[i], "restriction", word_restriction(i),
			    "verdict", "denied", NULL);
		prom_sample(p, (double)s->tally.all.would_deny[i], "restriction",
			    word_restriction(i), "verdict", "would-deny", NULL);
	}
	put_by_binding(p, s);
	prom_one(p, "leastcap_probe_refusals_total", "counter",
		 "Questions for a capability that were answered with no.", (double)s->tally.probes);
}

/* ---- events ---- */

static void put_events(struct prom *p, struct state *s)
{
	uint64_t losses[LEASTCAP_LOSSES] = {}, untold;
	json_auto_t *named = NULL;
	const char *reason;
	const json_t *n;

	(void)kernel_losses(s->k, losses);
	named = listing_losses(losses);
	prom_one(p, "leastcap_events_total", "counter", "Events that this daemon has told.",
		 (double)s->sink->memory.last);
	prom_one(p, "leastcap_events_suppressed_total", "counter",
		 "Refusals that events have stood for beside their own.", (double)s->suppressed);
	if (!kernel_untold(s->k, proof_cgroup(s), &untold))
		prom_one(
			p, "leastcap_events_suppressed_pending", "gauge",
			"Refusals that are in no event yet: the next one of their kind stands for them.",
			(double)untold);
	prom_one(p, "leastcap_events_dropped_total", "counter",
		 "Events for which there was no memory.", (double)s->sink->dropped);
	prom_family(p, "leastcap_losses_total", "counter",
		    "What the kernel side could not record, since it was loaded.");
	json_object_foreach(named, reason, n)
		prom_sample(p, (double)json_integer_value(n), "reason", reason, NULL);
}

static double member(const json_t *sink, const char *key)
{
	const json_t *value = json_object_get(sink, key);

	return json_is_integer(value) ? (double)json_integer_value(value) : json_is_string(value);
}

static void put_sinks(struct prom *p, const json_t *sinks)
{
	static const struct {
		const char *name, *type, *key, *help;
	} families[] = {
		{"leastcap_sink_events_total", "counter", "written", "Events that a sink has got."},
		{"leastcap_sink_queued", "gauge", "queued", "Events that wait for a sink."},
		{"leastcap_sink_failing", "gauge", "failing", "1: events do not get there."},
	};
	const json_t *sink, *n;
	const char *reason;
	size_t i;

	for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
		prom_family(p, families[f].name, families[f].type, families[f].help);
		json_array_foreach(sinks, i, sink)
			prom_sample(p, member(sink, families[f].key), "sink",
				    json_string_value(json_object_get(sink, "sink")), "target",
				    json_string_value(json_object_get(sink, "target")), NULL);
	}
	prom_family(p, "leastcap_sink_lost_total", "counter", "Events that a sink misses.");
	json_array_foreach(sinks, i, sink) {
		json_object_foreach(json_object_get(sink, "losses"), reason, n)
			prom_sample(p, (double)json_integer_value(n), "sink",
				    json_string_value(json_object_get(sink, "sink")), "target",
				    json_string_value(json_object_get(sink, "target")), "reason",
				    reason, NULL);
	}
}

/* ---- what it costs ---- */

static void put_maps(struct prom *p, struct state *s)
{
	struct kernel_map maps[KERNEL_MAPS];

	if (kernel_maps(s->k, maps))
		return;
	prom_family(p, "leastcap_map_entries", "gauge", "Elements of a map in the kernel.");
	for (size_t i = 0; i < KERNEL_MAPS; i++)
		prom_sample(p, (double)maps[i].entries, "map", maps[i].name, NULL);
	prom_family(p, "leastcap_map_max_entries", "gauge", "How many it can have.");
	for (size_t i = 0; i < KERNEL_MAPS; i++)
		prom_sample(p, (double)maps[i].max, "map", maps[i].name, NULL);
}

/* Runs only while somebody counts: sysctl kernel.bpf_stats_enabled. */
static void put_programs(struct prom *p, struct state *s)
{
	struct kernel_program *programs = calloc(PROGRAMS_MAX, sizeof(*programs));
	int n = programs ? kernel_programs(s->k, programs, PROGRAMS_MAX) : 0;
	bool counted = false;
	uint64_t missed = 0;

	n = n > PROGRAMS_MAX ? PROGRAMS_MAX : n;
	for (int i = 0; i < n; i++) {
		counted = counted || programs[i].runs;
		missed += programs[i].missed;
	}
	prom_one(p, "leastcap_program_misses_total", "counter",
		 "How often the kernel left out a program that another task was preempted in.",
		 (double)missed);
	if (counted) {
		prom_family(p, "leastcap_program_runs_total", "counter",
			    "How often a program ran while kernel.bpf_stats_enabled was set.");
		for (int i = 0; i < n; i++)
			prom_sample(p, (double)programs[i].runs, "program", programs[i].name, NULL);
		prom_family(p, "leastcap_program_run_seconds_total", "counter",
			    "How long, in all.");
		for (int i = 0; i < n; i++)
			prom_sample(p, (double)programs[i].run_ns / 1e9, "program",
				    programs[i].name, NULL);
	}
	free(programs);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void put_process(struct prom *p)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/statm", "re");
	struct rusage usage = {};
	unsigned long pages;

	getrusage(RUSAGE_SELF, &usage);
	prom_one(p, "process_cpu_seconds_total", "counter", "Time on processors.",
		 seconds(usage.ru_utime) + seconds(usage.ru_stime));
	if (f && fscanf(f, "%*u %lu", &pages) == 1)
		prom_one(p, "process_resident_memory_bytes", "gauge", "Resident memory.",
			 (double)pages * (double)sysconf(_SC_PAGESIZE));
}

char *state_metrics(struct state *s)
{
	json_auto_t *sinks = sink_to_json(s->sink);
	struct prom p;

	if (!sinks || prom_open(&p))
		return NULL;
	metrics_count(s);
	put_state(&p, s);
	proof_metrics(&p, s);
	hold_metrics(&p, s);
	put_policies(&p, s);
	put_refusals(&p, s);
	put_events(&p, s);
	put_sinks(&p, sinks);
	put_maps(&p, s);
	put_programs(&p, s);
	put_process(&p);
	return prom_close(&p);
}
