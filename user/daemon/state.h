/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the daemon knows: policy sources, what they select, what is bound. One thread.
 *
 *	policies.d, STATE/applied, STATE/shadow -> sources -> wanted bindings -> kernel
 *
 * Every change is one transaction: all of it is published, or the old state stays in force.
 */
#ifndef LEASTCAP_STATE_H
#define LEASTCAP_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>
#include <systemd/sd-event.h>

#include "audit/sink.h"
#include "base/cleanup.h"
#include "kernel/kernel.h"

struct state;

struct state_options {
	const char *config_dir; /* /etc/leastcap/policies.d */
	const char *state_dir; /* /var/lib/leastcap */
	sd_event *event; /* container engines are asked from it */
	uint64_t hold_ns; /* how long an entrypoint is held until its container is known; 0: not */
	uint64_t quiet_ns; /* after so long without a refusal its kind is quiet */
	uint64_t prove_ns; /* between two proofs of enforcement; 0: none */
	bool prove_exit; /* the daemon ends when one fails */
};

/* Who asks: by the peer credentials of the socket, of a signal its sender. pid 0: the daemon itself; with comm "files": changed files. */
struct peer {
	pid_t pid;
	uid_t uid;
	char comm[LEASTCAP_COMM_LEN]; /* hostile; "": not known */
};

/* k and sink are borrowed and outlive the state. Reads nothing yet: call state_reload(). */
int state_open(const struct state_options *o, struct kernel *k, struct sink *sink,
	       struct state **ret);
struct state *state_free(struct state *s);
DEFINE_CLEANUP(struct state *, state_free);

/*
 * Reads all sources and makes the kernel follow. A source with errors keeps its last good form and becomes a
 * problem (in the status, logged once). The first time what has no room is left out, and becomes one, too. -errno: nothing was
 * changed; logged, and a problem. -ENOTUNIQ: policies tie.
 */
int state_reload(struct state *s, const struct peer *by);

/* What an error means, of the kernel side or of anybody. */
#define ERROR_TEXT_LEN 160
const char *error_text(const struct state *s, int err, char buf[ERROR_TEXT_LEN]);
bool error_is_room(int err); /* there is none in the kernel */

/* The same, by the files themselves, and only if they are not what was read last. */
int state_reload_changed(struct state *s);

/* What was read last, and a number that differs after each reload. Valid until the next one. */
struct policy_reads;
const struct policy_reads *state_reads(const struct state *s, unsigned int *ret_reload);

/* A policy file that somebody hands over, and how it is to be applied: one of the three, or none. */
struct apply_request {
	const char *file; /* for messages */
	const char *text;
	size_t len;
	bool family; /* the text is that of policy_texts_from_json() */
	bool dry_run; /* say what would be, change nothing */
	bool shadow; /* evaluate beside what is in force */
	uint64_t confirm; /* seconds until it is taken back unless it is confirmed; 0: it stays */
};

/* The daemon is told to end: what nobody has confirmed comes back. */
void state_ending(struct state *s);

/*
 * All below answer a request: they return an HTTP status, and in *ret the JSON object of the answer (NULL
 * only with 500 for lack of memory), see docs/api.md. What fails leaves everything as it was.
 */
unsigned int state_apply(struct state *s, const struct apply_request *request,
			 const struct peer *by, json_t **ret);
unsigned int state_remove(struct state *s, const char *name, bool shadow, const struct peer *by,
			  json_t **ret);
unsigned int state_confirm(struct state *s, const struct peer *by, json_t **ret);
unsigned int state_promote(struct state *s, const char *name, const struct peer *by, json_t **ret);
/* mode: "audit", "enforce", or "file" for what the policy says. */
unsigned int state_mode(struct state *s, const char *name, const char *mode, const struct peer *by,
			json_t **ret);
unsigned int state_disarm(struct state *s, uint64_t seconds, const char *reason,
			  const struct peer *by, json_t **ret);
unsigned int state_rearm(struct state *s, const struct peer *by, json_t **ret);
/* The longest interval between two events of the same kind. */
#define STATE_SAMPLE_MAX_MS 3600000
unsigned int state_sampling(struct state *s, json_t **ret);
unsigned int state_sample(struct state *s, uint64_t ms, const struct peer *by, json_t **ret);
/* For aside_begin(): ctx is the state, subject may be NULL. */
unsigned int state_status(void *ctx, const char *subject, FILE *answer, FILE *notes,
			  json_t **ret_error);
void state_status_note(void *ctx, const char *cgroup);
unsigned int state_policies(struct state *s, json_t **ret);
unsigned int state_policy(struct state *s, const char *name, bool shadow, json_t **ret);
unsigned int state_show(struct state *s, const char *subject, json_t **ret);

/* How many policies have no room in the kernel, wholly or in part. */
size_t state_unfit(const struct state *s);

/* How many cgroups are bound. */
size_t state_bindings(struct state *s);

/* leastcap has been unloaded, or the system goes down: what was seen under each binding until now is told. */
void state_ends(struct state *s);

/* Tells that nothing is in the kernel any more, of so many bindings. */
void state_unloaded(struct state *s, size_t bindings, const struct peer *by);

/* Everything that is counted, in the text format of Prometheus, to be freed; NULL: no memory. */
char *state_metrics(struct state *s);

/* One decoded event of the kernel: named, handed to the sink, and acted on (born, gone). */
void state_event(struct state *s, struct leastcap_event_cgroup *event);

/* After anything has happened: binds what has become known. True: again soon, something has meanwhile. */
bool state_settle(struct state *s);

/* Begins to prove enforcement, if that is asked for: once the first policies are bound. */
void state_prove(struct state *s);

/* Once a second: deadlines, losses, removed cgroups, containers and units that came. */
void state_tick(struct state *s);

/* A short sentence for sd_notify: "enforcing, 3 bindings, 1 problem, proven", or "DISARMED, ...". */
void state_summary(struct state *s, char *buf, size_t size);

#endif
