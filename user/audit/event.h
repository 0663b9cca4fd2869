/* SPDX-License-Identifier: GPL-2.0-only */
/* Audit events: a record of the ring buffer -> a checked struct -> JSON as docs/api.md has it. Pure. */
#ifndef LEASTCAP_EVENT_H
#define LEASTCAP_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include <leastcap/abi.h>

#include "kernel/ledger.h"

/*
 * Checks a record and copies it. -EBADMSG: too short or too long, another version, an unknown type or value, a
 * string without an end. Nothing of such a record is used. `path` is empty for types that have none.
 */
int event_decode(const void *record, size_t size, struct leastcap_event_cgroup *ret);

struct identity;
struct actor;

/* What the numbers of a record mean to people; NULL: not known. Strings may hold any bytes. */
struct event_names {
	uint64_t seq;
	int64_t clock_ns; /* CLOCK_REALTIME - CLOCK_BOOTTIME */
	const char *cgroup; /* path of the task's cgroup */
	const char *binding; /* path of the bound cgroup */
	const char *exe;
	const struct actor *actor; /* what else is known of the process */
	const struct identity *who; /* the container; NULL: none, or nothing is known of it */
	const struct leastcap_policy *policy;
	const char *rule_file; /* where the rule that decided is written */
	unsigned int rule_line;
};

/* The cgroup of the innermost container that a path is in, to be freed; NULL: it is in none, or no memory. */
char *event_container(const char *path, char ret_id[65]);

/* What a verdict was about: "/run/x.sock", "10.0.0.1:80", "...". To be freed; NULL: nothing, or no memory. May hold any bytes. */
char *event_detail(const struct leastcap_event *e);

/* What the system call was called with: an array of LEASTCAP_ARGUMENTS texts "0x1f"; null: not known. NULL: no memory. */
json_t *event_arguments(const struct leastcap_event *e);

/* Are detail, its length and its bytes as they must be? event_decode() asks. */
bool event_detail_valid(const struct leastcap_event *e);

/* A new object; NULL: no memory. */
json_t *event_to_json(const struct leastcap_event_cgroup *e, const struct event_names *names);

/* The head of an event that is not the kernel's: v, seq, time (now), type. NULL: no memory. */
json_t *event_new(const char *type, uint64_t seq);

/* Nothing is in the kernel any more; by whom. NULL: no memory. */
json_t *event_unload(uint64_t seq, size_t bindings, pid_t pid, uid_t uid, const char *comm);

/* The same members of an event and of a binding in the status. NULL: no memory. */
json_t *
event_capabilities(const struct kernel_ledger *ledger); /* used, denied, would_deny, probed */
json_t *event_ledger_rules(const struct kernel_ledger *ledger); /* used, denied, would_deny */
json_t *event_counters(const struct kernel_ledger *ledger);
/* {"mounts": {"denied": 1, "would_deny": 0}}: the restrictions whose counters are not zero */
json_t *event_restrictions(const struct kernel_ledger *ledger);
/* Sum over the restrictions. */
uint64_t event_sum(const uint64_t counters[LEASTCAP_RESTRICTIONS]);
/* The words of a mask of rules. */
json_t *event_rules(uint32_t rules);
/* Those that a policy refuses by; those that it only reports, all of them where its mode is audit. */
json_t *event_enforced(const struct leastcap_policy *policy);
json_t *event_audited(const struct leastcap_policy *policy);

/* A JSON string of any bytes: control characters and what is no UTF-8 as \xNN. text NULL: null. */
json_t *event_string(const char *text);

/* "2026-01-02T03:04:05.678901Z" of nanoseconds since 1970. */
#define EVENT_TIME 40
void event_time(int64_t ns, char buf[EVENT_TIME]);

const char *event_mode(uint32_t mode); /* "enforce", "audit" */

/* Name of a system call in the table of its ABI, or its number; NULL for -1 or no memory. To be freed. */
char *event_syscall(int32_t number, uint32_t flags);

#endif
