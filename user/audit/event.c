/* SPDX-License-Identifier: GPL-2.0-only */
#include "audit/event.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include <seccomp.h>

#include "audit/actor.h"
#include "audit/labels.h"
#include "base/caps.h"
#include "base/cleanup.h"
#include "base/escape.h"
#include "base/shadow.h"
#include "base/words.h"
#include "subject/container.h"
#include "subject/identity.h"
#include "subject/unit.h"

#define NSEC_PER_SEC 1000000000LL

/* ---- the record ---- */

static bool has_path(uint16_t type)
{
	return type == LEASTCAP_EVENT_BORN || type == LEASTCAP_EVENT_GONE;
}

static bool terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

int event_decode(const void *record, size_t size, struct leastcap_event_cgroup *ret)
{
	struct leastcap_event_cgroup e = {0};

	if (size < sizeof(e.event) || size > sizeof(e))
		return -EBADMSG;
	/* A copy: the record need not be aligned, and must not change after it was checked. */
	memcpy(&e, record, size);
	if (e.event.version != LEASTCAP_ABI || e.event.size != size)
		return -EBADMSG;
	if (e.event.type < LEASTCAP_EVENT_VERDICT || e.event.type > LEASTCAP_EVENT_QUIET)
		return -EBADMSG;
	if (size != (has_path(e.event.type) ? sizeof(e) : sizeof(e.event)))
		return -EBADMSG;
	if (!terminated(e.event.comm, sizeof(e.event.comm)) || !terminated(e.path, sizeof(e.path)))
		return -EBADMSG;
	if ((e.event.type == LEASTCAP_EVENT_VERDICT || e.event.type == LEASTCAP_EVENT_QUIET) &&
	    (e.event.restriction >= LEASTCAP_RESTRICTIONS || !event_detail_valid(&e.event) ||
	     (e.event.verdict != LEASTCAP_DENIED && e.event.verdict != LEASTCAP_WOULD_DENY)))
		return -EBADMSG;
	*ret = e;
	return 0;
}

/* ---- words ---- */

const char *event_mode(uint32_t mode)
{
	return mode == LEASTCAP_AUDIT ? "audit" : "enforce";
}

static const char *verdict_name(const struct leastcap_event *e)
{
	return e->verdict == LEASTCAP_DENIED ? "denied" : "would-deny";
}

static const char *type_name(const struct leastcap_event *e)
{
	switch (e->type) {
	case LEASTCAP_EVENT_ENTERING_EXPIRED:
		return "entering-expired";
	case LEASTCAP_EVENT_BORN:
		return "born";
	case LEASTCAP_EVENT_GONE:
		return "gone";
	case LEASTCAP_EVENT_CARRIED:
		return "carried";
	case LEASTCAP_EVENT_HELD:
		return "held";
	case LEASTCAP_EVENT_QUIET:
		return "quiet";
	default:
		return verdict_name(e);
	}
}

static const char *item_name(uint32_t item, char buf[32])
{
	return word_item(item) ?: caps_name(item, buf);
}

static uint32_t arch_of(int32_t number, uint32_t flags)
{
#if defined(__x86_64__)
	if (flags & LEASTCAP_EVENT_COMPAT)
		return SCMP_ARCH_X86;
	/* __X32_SYSCALL_BIT */
	return number & 0x40000000 ? SCMP_ARCH_X32 : SCMP_ARCH_X86_64;
#else
	return SCMP_ARCH_NATIVE;
#endif
}

char *event_syscall(int32_t number, uint32_t flags)
{
	char *name;

	if (number < 0)
		return NULL;
	name = seccomp_syscall_resolve_num_arch(arch_of(number, flags), number);
	if (name)
		return name;
	return asprintf(&name, "%d", number) < 0 ? NULL : name;
}

void event_time(int64_t ns, char buf[EVENT_TIME])
{
	time_t seconds = (time_t)(ns / NSEC_PER_SEC);
	struct tm tm;
	size_t n;

	if (ns < 0 || !gmtime_r(&seconds, &tm)) {
		seconds = 0;
		ns = 0;
		gmtime_r(&seconds, &tm);
	}
	n = strftime(buf, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, EVENT_TIME - n, ".%06dZ", (int)(ns % NSEC_PER_SEC / 1000));
}

/* ---- JSON ---- */

json_t *event_string(const char *text)
{
	_cleanup_free_ char *safe = NULL;

	if (!text)
		return json_null();
	safe = escape_dup(text, strlen(text));
	return safe ? json_string(safe) : NULL;
}

/* Ids and counters have 64 bits, JSON integers here 63. */
static json_t *number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len > n && !strcmp(text + len - n, end);
}

static json_t *head(const char *type, uint64_t seq, int64_t ns)
{
	char when[EVENT_TIME];

	event_time(ns, when);
	return json_pack("{s:i, s:o, s:s, s:s}", "v", 1, "seq", number(seq), "time", when, "type",
			 type);
}

json_t *event_new(const char *type, uint64_t seq)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return head(type, seq, now.tv_sec * NSEC_PER_SEC + now.tv_nsec);
}

json_t *event_unload(uint64_t seq, size_t bindings, pid_t pid, uid_t uid, const char *comm)
{
	json_t *event = event_new("unload", seq);

	if (!event)
		return NULL;
	json_object_set_new(event, "bindings", json_integer((json_int_t)bindings));
	json_object_set_new(event, "by",
			    json_pack("{s:i, s:i, s:o}", "pid", (int)pid, "uid", (int)uid, "comm",
				      event_string(comm)));
	return event;
}

char *event_container(const char *path, char ret_id[65])
{
	char *up = path ? strdup(path) : NULL;

	while (up && up[0] == '/') {
		if (container_from_path(up, ret_id, NULL))
			return up;
		*strrchr(up, '/') = '\0';
	}
	free(up);
	return NULL;
}

/* The task's own, or the one that is bound. */
static json_t *container(const char *path)
{
	char id[65];
	_cleanup_free_ char *cgroup = event_container(path, id);

	return cgroup ? json_string(id) : json_null();
}

/* The unit in a slice: what is below it, or in no slice, can have any name. Names that the kernel would take for its own files have
 * "_" before them. */
static json_t *unit(const char *path)
{
	for (const char *at = path && path[0] == '/' ? path : NULL, *end; at; at = end) {
		_cleanup_free_ char *part = NULL;
		const char *name;

		end = strchr(at + 1, '/');
		part = end ? strndup(at + 1, (size_t)(end - at - 1)) : strdup(at + 1);
		name = part ? part + (part[0] == '_') : "";
		if (!unit_valid(name))
			break;
		if (!ends_with(name, ".slice"))
			return event_string(name);
	}
	return json_null();
}

static json_t *subject(const struct leastcap_event_cgroup *e, const struct event_names *names)
{
	bool about = has_path(e->event.type);
	const char *binding = about ? e->path : names->binding;
	const char *cgroup = about ? e->path : names->cgroup, *path = cgroup ? cgroup : binding;
	const struct identity nobody = {}, *who = names->who ? names->who : &nobody;
	bool cut;
	json_t *labels = labels_json(names->who, &cut);

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "cgroup",
			 event_string(cgroup), "cgroup_id",
			 number(about ? e->event.binding : e->event.cgroup), "binding",
			 event_string(binding), "binding_id", number(e->event.binding), "container",
			 container(path), "name", event_string(who->name), "image",
			 event_string(who->image), "labels", labels, "labels_cut", cut, "pod",
			 event_string(who->pod), "namespace", event_string(who->pod_namespace),
			 "unit", unit(path));
}

static json_t *process(const struct leastcap_event *e, const struct event_names *names)
{
	const struct actor *a = names->actor;

	return json_pack("{s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:b, s:o, s:o}", "pid",
			 (json_int_t)e->pid, "tid", (json_int_t)e->tid, "ppid", (json_int_t)e->ppid,
			 "uid", (json_int_t)e->uid, "comm", event_string(e->comm), "exe",
			 event_string(names->exe), "args", a ? actor_args_json(a) : json_null(),
			 "args_cut", a && a->args_cut, "container_pid",
			 a && a->container_pid ? json_integer(a->container_pid) : json_null(),
			 "parent", event_string(a && *a->parent ? a->parent : NULL));
}

/* {"file", "line"}, or null. */
static json_t *rule(const struct event_names *names)
{
	if (!names->rule_file || !names->rule_line)
		return json_null();
	return json_pack("{s:o, s:I}", "file", event_string(names->rule_file), "line",
			 (json_int_t)names->rule_line);
}

/* What only a verdict has. */
static json_t *verdict(const struct leastcap_event *e, const struct event_names *names)
{
	_cleanup_free_ char *call = event_syscall(e->syscall, e->flags);
	_cleanup_free_ char *detail = event_detail(e);
	char buf[32];

	return json_pack(
		"{s:s, s:s, s:o, s:o, s:o, s:b, s:b, s:I, s:b, s:o}", "restriction",
		word_restriction(e->restriction), "item", item_name(e->item, buf), "detail",
		event_string(detail), "syscall", event_string(call), "syscall_arguments",
		event_arguments(e), "compat", !!(e->flags & LEASTCAP_EVENT_COMPAT), "child_userns",
		!!(e->flags & LEASTCAP_CHECK_CHILD_USERNS), "userns", (json_int_t)e->userns,
		"foreign_credentials", !!(e->flags & LEASTCAP_CHECK_FOREIGN), "rule", rule(names));
}

/* What a kind that has fallen quiet has: refusals of several processes maybe, but of one program. */
static json_t *quiet(const struct leastcap_event *e, const struct event_names *names)
{
	char buf[32];

	return json_pack("{s:{s:o, s:o}, s:s, s:s, s:s, s:o}", "process", "comm",
			 event_string(*e->comm ? e->comm : NULL), "exe", event_string(names->exe),
			 "verdict", verdict_name(e), "restriction",
			 word_restriction(e->restriction), "item", item_name(e->item, buf), "rule",
			 rule(names));
}

static json_t *policy(const struct leastcap_policy *p)
{
	if (!p)
		return json_pack("{s:n, s:n, s:n}", "policy", "revision", "mode");
	return json_pack("{s:o, s:I, s:s}", "policy", event_string(shadow_shown(p->name)),
			 "revision", (json_int_t)p->revision, "mode", event_mode(p->mode));
}

/* Moves the members of part into event. part NULL: no memory. */
static int join(json_t *event, json_t *part)
{
	int err = part ? json_object_update(event, part) : -1;

	json_decref(part);
	return err;
}

/* Of whom refusals are: a policy, or its shadow; and how many are in no event of their own. */
static json_t *suppressed(const struct leastcap_event *e, const struct event_names *names)
{
	return json_pack("{s:b, s:o}", "shadow",
			 (e->flags & LEASTCAP_EVENT_SHADOW) ||
				 (names->policy && is_shadow(names->policy->name)),
			 "suppressed", number(e->suppressed));
}

json_t *event_to_json(const struct leastcap_event_cgroup *e, const struct event_names *names)
{
	bool is_verdict = e->event.type == LEASTCAP_EVENT_VERDICT,
	     is_quiet = e->event.type == LEASTCAP_EVENT_QUIET;
	json_auto_t *event = NULL;

	/* Unsigned: a record may say any time. */
	event = head(type_name(&e->event), names->seq,
		     (int64_t)(e->event.time + (uint64_t)names->clock_ns));

	if (!event || json_object_set_new(event, "subject", subject(e, names)) ||
	    (!is_quiet && json_object_set_new(event, "process", process(&e->event, names))))
		return NULL;
	if ((is_verdict && join(event, verdict(&e->event, names))) ||
	    (is_quiet && join(event, quiet(&e->event, names))))
		return NULL;
	if (join(event, policy(names->policy)) ||
	    ((is_verdict || is_quiet) && join(event, suppressed(&e->event, names))))
		return NULL;
	return json_incref(event);
}

json_t *event_capabilities(const struct kernel_ledger *l)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "used", caps_to_json(l->used), "denied",
			 caps_to_json(l->denied), "would_deny", caps_to_json(l->would_deny),
			 "probed", caps_to_json(l->probed));
}

uint64_t event_sum(const uint64_t counters[LEASTCAP_RESTRICTIONS])
{
	uint64_t sum = 0;

	for (int i = 0; i < LEASTCAP_RESTRICTIONS; i++)
		sum += counters[i];
	return sum;
}

json_t *event_restrictions(const struct kernel_ledger *l)
{
	json_t *all = json_object();

	for (uint32_t i = 0; all && i < LEASTCAP_RESTRICTIONS; i++) {
		if (!l->n_denied[i] && !l->n_would_deny[i])
			continue;
		if (json_object_set_new(all, word_restriction(i),
					json_pack("{s:o, s:o}", "denied", number(l->n_denied[i]),
						  "would_deny", number(l->n_would_deny[i])))) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

json_t *event_counters(const struct kernel_ledger *l)
{
	return json_pack("{s:o, s:o, s:o}", "denied", number(event_sum(l->n_denied)), "would_deny",
			 number(event_sum(l->n_would_deny)), "probe_denied",
			 number(l->n_probe_denied));
}

json_t *event_rules(uint32_t rules)
{
	json_t *words = json_array();

	for (uint32_t i = 0; words && i < LEASTCAP_RULES; i++) {
		if ((rules & LEASTCAP_RULE_BIT(i)) &&
		    json_array_append_new(words, json_string(word_rule(i)))) {
			json_decref(words);
			return NULL;
		}
	}
	return words;
}

json_t *event_ledger_rules(const struct kernel_ledger *l)
{
	return json_pack("{s:o, s:o, s:o}", "used", event_rules(l->rules_used), "denied",
			 event_rules(l->rules_denied), "would_deny",
			 event_rules(l->rules_would_deny));
}

json_t *event_enforced(const struct leastcap_policy *policy)
{
	return event_rules(policy->mode == LEASTCAP_AUDIT ? 0 : policy->deny);
}

json_t *event_audited(const struct leastcap_policy *policy)
{
	return event_rules(policy->would | (policy->mode == LEASTCAP_AUDIT ? policy->deny : 0));
}
