/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files that know struct state share. */
#ifndef LEASTCAP_DAEMON_INTERNAL_H
#define LEASTCAP_DAEMON_INTERNAL_H

#include "audit/actor.h"
#include "audit/prom.h"
#include "audit/tally.h"
#include "daemon/plan.h"
#include "daemon/state.h"
#include "subject/identities.h"

/* Paths of cgroup ids, for events of cgroups that are gone meanwhile. Direct-mapped: bounded, never wrong. */
#define NAMES 4096

struct name {
	uint64_t cgroup;
	char *path;
};

/* confirm.c: an apply that comes back unless it is confirmed. */
struct confirm {
	json_t *about; /* as it is saved; NULL: nothing waits */
	struct policy_set *set; /* what was applied; NULL: it cannot be read */
	struct sources old; /* what it replaced, by name */
	const char *
		over; /* it has ended in this way, and only has to be told: "confirmed", "rolled-back" */
};

/* hold.c: entrypoints that are held until their container is known. */
struct hold {
	uint64_t limit_ns; /* 0: none is held */
	sd_event *event; /* borrowed */
	sd_event_source *guard; /* NULL: it does not run */
	int guard_fd; /* keeps it alive */
	/* Since this daemon began. */
	uint64_t in_time; /* let go, their policy bound */
	uint64_t expired[2]; /* let go before that: by the limit; because a daemon ended */
};

/* quiet.c: programs that were refused something, by their inode. Direct-mapped: bounded, never wrong. */
#define QUIET_PROGRAMS 256

struct quiet_program {
	uint64_t ino;
	uint32_t dev;
	char comm[LEASTCAP_COMM_LEN]; /* of the last event */
	char *exe; /* NULL: not known */
};

struct quiet {
	uint64_t after_ns; /* so long without a refusal is quiet */
	uint64_t look; /* boot_now(): not before; 0: there is nothing to look for */
	uint64_t event; /* boot_now() of the last one of a refusal */
	struct quiet_program programs[QUIET_PROGRAMS];
};

/* rules.c: where the policies that events name are written, by their ids. Direct-mapped. */
#define WRITTEN 64

struct written {
	uint64_t id; /* 0: none */
	const struct policy *policy; /* NULL: what is written is not what decided */
	const char *file;
};

struct state {
	struct kernel *k;
	struct sink *sink;
	char *config_dir;
	char *state_dir;
	struct sources sources;
	struct policy_reads reads; /* of the files of policies, as they were read last */
	unsigned int n_reloads;
	bool followed; /* there are policies to go on with where new ones are refused */
	struct plan plan; /* of the sources, as it was published last */
	json_t *problems; /* array */
	json_t *kept; /* array; problems: what stays bound because nobody can say now whether it should */
	json_t *ties; /* array; problems: policies that have a subject by their names only. NULL: none yet */
	json_t *unfit; /* object; problems: policies that there is no room for, by their names. NULL: none yet */
	json_t *own_problems; /* array; of files in STATE that could not be read when the daemon started */
	struct confirm confirm;
	char *returned; /* the policies that nobody has confirmed last; NULL: none, as far as this daemon knows */
	uint64_t returned_at; /* boot_now() */
	json_t *modes; /* overrides: name -> "audit" or "enforce" */
	json_t *disarm; /* why, by whom, until when; NULL: not known, or not disarmed */
	char boot[37];
	struct name names[NAMES];
	struct written written[WRITTEN];
	struct actor actor; /* of the last event */
	uint64_t losses[LEASTCAP_LOSSES]; /* as told last */
	uint64_t *gone; /* bound cgroups that are gone, whose policy a task carries: told once */
	size_t n_gone;
	uint64_t *untold; /* bound cgroups that are gone, and whose end is yet to be told */
	size_t n_untold;
	struct identities *identities; /* who the containers are that are bound */
	int unbound; /* why what is new could not be bound; 0: it is */
	bool again; /* something that a selector may be about has come, or is known now */
	unsigned int ticks, swept;
	struct tally tally; /* refusals, for metrics */
	size_t bindings; /* as counted last */
	uint64_t bindings_version; /* of the kernel, when they were counted for the summary */
	uint64_t suppressed; /* refusals that events stood for beside their own */
	json_t *revisions; /* policy -> [its last revision, that revision's content]; NULL: none yet */
	bool revised; /* they are not the saved ones */
	json_t *applied; /* policy -> when it was applied, seconds since 1970 */
	struct hold hold;
	struct quiet quiet;
	struct proof *proof; /* NULL: enforcement is not to be proven */
	json_t *counted; /* what is saved for the next daemon; NULL: it does not run yet */
	bool born; /* something was bound at birth, and may be due a shadow */
	uint64_t births; /* that the kernel has told of */
	uint64_t births_untold; /* that it has not, as of the last tick */
};

/* ---- publish.c ---- */

/*
 * Makes the kernel follow a plan of sources, under the lock: all of it but what may be left out (unfit.h), or -errno and the
 * old state; the plan says what did not fit. What is kept (keep.h) stays as it is, and the plan says where. *ret_news: the plan
 * has a default or a birth that the kernel did not have, so that a cgroup may have come unseen: plan again. Logs nothing.
 */
struct before;
struct keep;
struct leave_out;
int publish(struct state *s, const struct sources *sources, struct plan *plan,
	    struct before *before, const struct keep *keep, const struct leave_out *may,
	    bool *ret_news);

/* in_force.c: the revision of a policy that is in force; id 0, mode and all: filled by publish(). -ENOENT. */
int published_policy(struct state *s, const char *name, struct leastcap_policy *ret);

/*
 * Resolves, publishes, and takes the sources over. complaints gets {"file",...} for every selector that selects
 * nothing or what another has. applied: only complaints about these policies, and any of them is -EINVAL and
 * nothing is changed; NULL: complaints change nothing.
 */
int state_follow(struct state *s, struct sources *sources, const struct policy_set *applied,
		 json_t *complaints);

/*
 * The same, and what is ready to be written, in the kernel and on disk or in neither. modes: the overrides that are to be in
 * force; NULL: those that are. 0, or the status of the answer.
 */
struct change;
unsigned int state_change(struct state *s, struct sources *sources,
			  const struct policy_set *applied, json_t *modes, struct change *change,
			  json_t **ret);

/* containers.c */

/* For plan_host: what is known of a container, which is asked for if it was not. */
const struct identity *containers_who(const char *cgroup, void *state);
/* Is this container bound to that policy, and has nobody said who it is since this daemon began? */
bool containers_keep(const char *cgroup, uint64_t id, const char *policy, void *state);
/* For identities_new(). */
void containers_changed(const char *cgroup, const struct identity *identity, void *state);
/* A container's cgroup is there, or no more. */
void containers_came(struct state *s, const char *path);
/* Looks again for what could not be bound, and for births that nobody was told of. Once a second. */
void containers_tick(struct state *s);
void containers_gone(struct state *s, const char *path);
/* A problem for the status: what is new could not be bound. */
json_t *containers_problem(const struct state *s);
/* Forgets those that have gone unseen. Now and then. */
void containers_sweep(struct state *s);

/* ---- hold.c ---- */

/* Lets go what an earlier daemon held, and begins to hold, if that is asked for. Logs. */
int hold_open(struct state *s, sd_event *event, uint64_t limit_ns);
/* Lets go whose container is known and bound, and tells of those that were let go before. Call often: it is cheap. */
void hold_look(struct state *s);
/* Starts a guard that has ended. */
void hold_tick(struct state *s);
void hold_metrics(struct prom *prom, const struct state *s);
void hold_done(struct state *s);

/* ---- quiet.c: what floods have left is told ---- */

void quiet_open(struct state *s, uint64_t after_ns);
/* Looks, where there may be something. */
void quiet_tick(struct state *s);
/* The interval between events is another: whoever is refused again may be due now. */
void quiet_put_off(struct state *s);
/* An event of a refusal is told. exe may be NULL. */
void quiet_refused(struct state *s, const struct leastcap_event *e, const char *exe);
/* The path of the program that an event of a quiet kind is about, whose comm gets into it; NULL: not known. */
const char *quiet_program(struct state *s, struct leastcap_event *e);
void quiet_done(struct state *s);

/* ---- proof.c: enforcement is proven, again and again ---- */

/* every_ns 0: not. exit: the daemon ends where something is not refused. -errno. */
int proof_open(struct state *s, sd_event *event, uint64_t every_ns, bool exit);
/* Begins a round where one is due. */
void proof_tick(struct state *s);
/* What is in use may have changed. */
void proof_policies_changed(struct state *s);
/* The canary's id; 0: there has been none. */
uint64_t proof_cgroup(const struct state *s);
/* Is an event of the kernel about the proof, and of nobody else's interest? */
bool proof_is_own(const struct state *s, const struct leastcap_event *e);
void proof_done(struct state *s);

/* ---- proof_tell.c ---- */

/* null, or {"every","time","proven","restrictions"} */
json_t *proof_json(const struct state *s);
/* ", proven", ", NOT PROVEN: mounts"; "": not known. */
void proof_summary(const struct state *s, char *buf, size_t size);
void proof_metrics(struct prom *prom, const struct state *s);

/* track.c */
void names_put(struct state *s, uint64_t cgroup, const char *path);
/* Path of a cgroup: of a live one, else as it was. NULL: not known. Valid until the next call. */
const char *names_get(struct state *s, uint64_t cgroup);
void names_done(struct state *s);
/* An event with all names, to be told. NULL: no memory. */
json_t *event_named(struct state *s, struct leastcap_event_cgroup *e);

/* ---- rules.c ---- */

/* The file, and the line, of the rule of this policy that an event is about. NULL: not known, or in no file. */
const char *rules_find(struct state *s, const struct leastcap_event *e,
		       const struct leastcap_policy *policy, unsigned int *ret_line);
/* The sources are others. */
void rules_forget(struct state *s);

/* ---- tell.c: who changed what ---- */

/* The newest revision of every policy the kernel has: {name: N}. NULL: no memory. */
json_t *revisions_take(struct state *s);

/* {"pid","uid","comm"} */
json_t *peer_json(const struct peer *by);

/* Emits {"type":"policy",...}. old: revisions before the change; may be NULL. extra: more members, taken over; may be NULL. */
void tell_policy(struct state *s, const char *action, const char *policy, const json_t *old,
		 json_t *extra, const struct peer *by);

/* Emits {"type":"policy","action":"tied",...}: the loser's. */
void tell_tie(struct state *s, const struct plan_tie *tie);

/* Emits {"type":"policy","action":"unfit",...}. */
void tell_unfit(struct state *s, const struct plan_unfit *unfit, const char *why);

/* Emits {"type":"reload",...}. action: "done", "refused", "failed"; changed: what has changed; may be NULL. */
void tell_reload(struct state *s, const char *action, const json_t *changed, const struct peer *by);

/* Tells of every policy that is not what it was, and then of the reload. */
void tell_changes(struct state *s, const struct sources *was, const json_t *old,
		  const struct peer *by);

/* ---- metrics.c ---- */

/* Takes over what the ledgers have. Now and then, and before a binding ends: what a ledger has then would be lost. */
void metrics_count(struct state *s);

/* ---- revisions.c ---- */

/* Of a policy that is about to be published. has: what the kernel has by that name; NULL: nothing. */
uint32_t revision_next(const struct state *s, const struct leastcap_policy *now,
		       const struct leastcap_policy *has);
/* It is in force. */
void revision_note(struct state *s, const struct leastcap_policy *p);
/* The sources are others: who is not among them begins anew. */
void revisions_forget(struct state *s);

/* ---- counted.c ---- */

/* Tells what has happened since the last daemon. */
void counted_open(struct state *s);
/* For the next one. Call now and then, and at the end. */
void counted_save(struct state *s);

/* ---- status.c ---- */

/* All problems that there are now, as a new array. NULL: no memory. */
json_t *problems_json(const struct state *s);
size_t problems_count(const struct state *s);

/* Are the programs attached, does the kernel call them, and do they refuse? */
bool state_enforcing(struct state *s, char build[17]);

/* ---- answer.c ---- */

unsigned int answer_error(unsigned int status, const char *message, json_t *errors, json_t **ret);
unsigned int answer_text(unsigned int status, json_t **ret, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* 404: there is no policy of that name, or no shadow of it; which one may be meant is said. */
unsigned int answer_no_policy(const struct state *s, const char *name, bool shadow, json_t **ret);
/* 500, or 507 where there is no room in the kernel, with what the number means here. */
unsigned int answer_errno(const struct state *s, int err, const char *what, json_t **ret);
/* 500: STATE cannot be written, and nothing was changed. */
unsigned int answer_unsaved(int err, const struct state *s, json_t **ret);
/* 200, or 500 where there is no memory. Takes json over. */
unsigned int answer_json(json_t *json, json_t **ret);
unsigned int answer_parse_errors(const char *file, const struct policy_errors *errs, json_t **ret);

/* ---- transaction.c ---- */

/* Makes a plan and changes nothing. complaints and applied: as for state_follow(), but all is 0. */
int plan_try(struct state *s, const struct sources *sources, const struct policy_set *applied,
	     json_t *complaints, struct plan *ret);
/* How many cgroups a policy is bound to, or evaluated for. */
size_t count_wants(const struct state *s, const char *name);

/* ---- state.c ---- */

/* A warning. */
void problem_log(const json_t *problem);

/* ---- confirm.c ---- */

/* Does an apply wait to be confirmed? 0: no. Else 409, with who applied what and how long is left. */
unsigned int confirm_busy(struct state *s, json_t **ret);
/* What is about to be applied waits: part of a change that is yet to be made. confirm_done() if it is not made. */
int confirm_begin(struct state *s, const struct policy_set *set, uint64_t seconds,
		  const struct peer *by, struct change *change);
/* Reads what waited when the last daemon ended. */
int confirm_open(struct state *s);
/* Sources that were just read get what waits; what is over is left out, and told by confirm_tell(). */
int confirm_join(struct state *s, struct sources *fresh, json_t *problems);
void confirm_tell(struct state *s, const struct peer *by);
void confirm_tick(struct state *s);
json_t *confirm_json(const struct state *s);
void confirm_done(struct confirm *c);

/* ---- modes.c ---- */

int modes_open(struct state *s);
/* The modes of policies become what is written in them, or what overrides it. */
void modes_join(const json_t *modes, struct sources *sources);
int modes_stage(const json_t *modes, struct change *change);
/* Who says the mode that a policy has: "policy", "override"; "shadow": that is one. */
const char *modes_by(const struct policy *p);
/*
 * What overrides a policy that no source has any more, and none that cannot be read may have, ends with it. was: the sources
 * before, see keep_owner(). Logs, and tells.
 */
void modes_forget(struct state *s, const struct sources *was, const struct peer *by);

/* ---- disarm.c ---- */

int disarm_open(struct state *s);
void disarm_tick(struct state *s);
/* null, or {"reason","seconds_left","by"} */
json_t *disarm_json(const struct state *s);
/* "DISARMED, 9m left: reason"; false: it is not. */
bool disarm_summary(const struct state *s, char *buf, size_t size);

/* ---- dry_run.c ---- */

/* What applying `set`, which is in `fresh` already, would come to. complaints: what is known to be wrong; gets the rest. */
unsigned int dry_run(struct state *s, const struct apply_request *request, struct sources *fresh,
		     const struct policy_set *set, json_t *complaints, json_t **ret);

#endif
