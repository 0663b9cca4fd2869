/* SPDX-License-Identifier: GPL-2.0-only */
#include "explain/explain.h"

#include <string.h>

#include <linux/seccomp.h>

#include "audit/event.h"
#include "base/caps.h"
#include "base/cleanup.h"
#include "base/escape.h"
#include "base/words.h"
#include "explain/call.h"
#include "explain/change.h"
#include "explain/meaning.h"
#include "explain/refused.h"
#include "explain/changes.h"

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* ---- what was asked for ---- */

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

/* "mount(type: tmpfs)": the system call, with what the event has of its arguments. null: in none. */
static json_t *call_json(const struct explain_input *in, const struct refused *r)
{
	const char *call = text_of(in->event, "syscall"), *what = meaning_detail(r->item);
	_cleanup_free_ char *whole = call_text(call,
					       json_object_get(in->event, "syscall_arguments"),
					       in->call_format, in->call_format_len);

	if (!call)
		return json_null();
	if (whole)
		return event_string(whole);
	if (!what || !r->detail)
		return json_sprintf("%s()", call);
	return json_sprintf("%s(%s: %s)", call, what, r->detail);
}

static json_t *what_json(const struct explain_input *in, const struct refused *r)
{
	bool capability = refused_is_capability(r);
	const char *call = text_of(in->event, "syscall");
	char name[32];

	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o}", "call", call_json(in, r), "capability",
		capability ? json_string(caps_name(r->item, name)) : json_null(), "rule",
		r->rule >= 0 ? json_string(word_rule((uint32_t)r->rule)) : json_null(), "act",
		text_or_null(capability ? meaning_call(call, r->item) : meaning_item(r->item)),
		"meaning",
		text_or_null(capability	    ? meaning_capability(r->item)
			     : r->rule >= 0 ? meaning_rule((uint32_t)r->rule)
					    : NULL));
}

/* ---- what refuses it ---- */

/* {"policy","revision","mode","cgroup","file","line","column","refuses"}; refuses null: it depends. */
static json_t *place_json(const json_t *answer, const char *cgroup, const struct refused *r)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	const json_t *pos = change_place(answer, r);
	json_t *refuses = json_null();

	if (!change_parse(json_object_get(answer, "written"), &set)) {
		enum refuses verdict = policy_refuses(&set->policies[0], r);

		refuses = verdict == REFUSES_MAYBE ? json_null() : json_boolean(verdict == REFUSES);
	}
	return json_pack("{s:O?, s:O?, s:O?, s:s?, s:O?, s:O?, s:O?, s:o}", "policy",
			 json_object_get(answer, "name"), "revision",
			 json_object_get(answer, "revision"), "mode",
			 json_object_get(answer, "mode"), "cgroup", cgroup, "file",
			 json_object_get(answer, "file"), "line", json_object_get(pos, "line"),
			 "column", json_object_get(pos, "column"), "refuses", refuses);
}

/* Those that would refuse it as well, or may. */
static json_t *others_json(const json_t *others, const struct refused *r)
{
	json_t *list = json_array(), *each;
	size_t i;

	json_array_foreach(others, i, each) {
		json_t *place =
			place_json(json_object_get(each, "policy"), text_of(each, "cgroup"), r);

		if (json_is_false(json_object_get(place, "refuses")))
			json_decref(place);
		else
			json_array_append_new(list, place);
	}
	return list;
}

/* ---- the process ---- */

static json_t *confinement_json(const struct confinement *c)
{
	if (!c || !c->by)
		return json_null();
	return json_pack("{s:s, s:o, s:b}", "by", c->by, "label", event_string(c->label),
			 "enforces", c->enforces);
}

static json_t *process_json(const struct explain_input *in, int cap)
{
	static const char *const seccomp[] = {"none", "strict", "filter"};
	const struct process *p = in->process;
	json_t *json;

	if (!p)
		return json_null();
	json = json_pack("{s:i, s:b, s:o, s:s}", "pid", (int)p->pid, "no_new_privs",
			 p->no_new_privs, "confinement", confinement_json(in->confinement),
			 "seccomp",
			 p->seccomp < ARRAY_SIZE(seccomp) ? seccomp[p->seccomp] : "unknown");
	if (json && cap >= 0 && cap < 64)
		json_object_update_new(json, json_pack("{s:b, s:b, s:b}", "permitted",
						       (int)(p->permitted >> cap & 1), "effective",
						       (int)(p->effective >> cap & 1), "bounding",
						       (int)(p->bounding >> cap & 1)));
	return json;
}

/* ---- what else is to be known ---- */

static void hint(json_t *hints, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void hint(json_t *hints, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_array_append_new(hints, json_string(text));
}

static void hint_process(json_t *hints, const struct explain_input *in, const struct refused *r,
			 int cap)
{
	bool foreign = json_is_true(json_object_get(in->event, "foreign_credentials"));
	const struct process *p = in->process;
	bool own = refused_is_capability(r);
	char name[32];

	if (cap < 0)
		return;
	caps_name((unsigned int)cap, name);
	if (own && !foreign)
		hint(hints,
		     "The process had %s: where it is not granted, the kernel refuses "
		     "before leastcap is asked.",
		     name);
	else if (!own)
		hint(hints, "The kernel asks for %s besides.", name);
	if (!p || p->effective >> cap & 1)
		return;
	if (p->permitted >> cap & 1)
		hint(hints,
		     "Process %d holds %s without using it: it is not in its effective set now.",
		     p->pid, name);
	else if (p->bounding >> cap & 1)
		hint(hints, "Process %d does not have %s now; its bounding set would let it.",
		     p->pid, name);
	else
		hint(hints,
		     "Process %d cannot get %s: its bounding set is without it. Only who starts "
		     "it can grant it: docker run --cap-add %s, or CapabilityBoundingSet= of a unit.",
		     p->pid, name, name);
}

/* It is asked when a call begins, before anybody else. */
static void hint_seccomp(json_t *hints, const struct process *p)
{
	if (!p || p->seccomp != SECCOMP_MODE_FILTER)
		return;
	hint(hints,
	     "Process %d has a seccomp filter. It is asked before leastcap: it has let this call "
	     "through, if it was there already, and of what it refuses leastcap hears nothing.",
	     p->pid);
}

/* Another module that says no says it in the kernel's log, and leastcap hears nothing of what is refused before it. */
static void hint_confinement(json_t *hints, const struct explain_input *in)
{
	const struct confinement *c = in->confinement;

	if (!in->process || !c || !c->by || !c->enforces)
		return;
	/* At its end a command, to be copied. */
	hint(hints,
	     "%s confines process %d, too: what leastcap allows it may still refuse. Its refusals are "
	     "in the kernel's log: journalctl -k -g '%s'",
	     c->by, in->process->pid,
	     !strcmp(c->by, "SELinux") ? "avc: +denied" : "apparmor=.DENIED");
}

static void hint_event(json_t *hints, const json_t *event)
{
	if (json_is_true(json_object_get(event, "shadow")))
		hint(hints, "A shadow would refuse it. It refuses nothing: it is on trial.");
	else if (!strcmp(text_of(event, "type") ?: "", "would-deny"))
		hint(hints, "It was allowed and reported: the policy or the rule only audits, or "
			    "leastcap was disarmed.");
	if (json_is_true(json_object_get(event, "child_userns")))
		hint(hints, "It was asked for in a user namespace that is not the host's.");
	if (json_is_true(json_object_get(event, "foreign_credentials")))
		hint(hints,
		     "The credentials were not its own: those of who has opened the file, for "
		     "example.");
}

static void hint_policy(json_t *hints, const json_t *event, const json_t *policy)
{
	json_int_t then = json_integer_value(json_object_get(event, "revision"));
	json_int_t now = json_integer_value(json_object_get(policy, "revision"));

	const char *name = text_of(event, "policy");

	if (!policy && name && !strncmp(name, "run:", strlen("run:")))
		hint(hints, "The policy is one of 'leastcap run', and ends with it.");
	else if (!policy)
		hint(hints, "The policy is not known: it is gone, or the daemon does not run.");
	else if (then && now && then != now)
		hint(hints, "The policy has changed since: that was revision %lld, this is %lld.",
		     (long long)then, (long long)now);
}

static json_t *hints_json(const struct explain_input *in, const struct refused *r, int cap)
{
	json_t *hints = json_array();

	if (!hints)
		return NULL;
	hint_event(hints, in->event);
	hint_policy(hints, in->event, in->policy);
	hint_process(hints, in, r, cap);
	hint_seccomp(hints, in->process);
	hint_confinement(hints, in);
	return hints;
}

/* ---- */

json_t *explain(const struct explain_input *in)
{
	struct refused r;
	int cap;

	if (refused_of_event(in->event, &r))
		return NULL;
	cap = refused_is_capability(&r) ? (int)r.item : meaning_needs(r.item);
	return json_pack(
		"{s:O, s:o, s:o, s:o, s:o, s:o, s:o}", "event", in->event, "asked_for",
		what_json(in, &r), "refused_by",
		in->policy
			? place_json(in->policy,
				     text_of(json_object_get(in->event, "subject"), "binding"), &r)
			: json_null(),
		"others", others_json(in->others, &r), "process", process_json(in, cap), "hints",
		hints_json(in, &r, cap), "changes", changes_json(in, &r, cap));
}

bool explain_word(const char *text, size_t len, unsigned int line, unsigned int column,
		  char buf[32])
{
	const char *end = text + len;
	size_t n = 0;

	for (; line > 1 && text; line--) {
		text = memchr(text, '\n', (size_t)(end - text));
		text = text ? text + 1 : NULL;
	}
	if (!text || !line || !column)
		return false;
	for (; column > 1 && text < end && *text != '\n'; column--)
		text += utf8_next(text, (size_t)(end - text), NULL) ?: 1;
	for (; text < end && n < 31; text++, n++) {
		bool letter = (*text | 0x20) >= 'a' && (*text | 0x20) <= 'z';

		if (!letter && *text != '-' && (*text < '0' || *text > '9'))
			break;
		buf[n] = *text;
	}
	buf[n] = '\0';
	return n && n < 31;
}
