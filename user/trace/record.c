/* SPDX-License-Identifier: GPL-2.0-only */
#include "trace/record.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "audit/event.h"
#include "base/caps.h"
#include "base/cleanup.h"

int trace_decode(const void *record, size_t size, struct leastcap_trace_stack *ret)
{
	struct leastcap_trace_stack r = {};

	if (size != sizeof(r) && size != sizeof(r.check))
		return -EBADMSG;
	memcpy(&r, record, size);
	if (!memchr(r.check.comm, '\0', sizeof(r.check.comm)) ||
	    r.check.verdict >= LEASTCAP_TRACE_VERDICTS)
		return -EBADMSG;
	*ret = r;
	return 0;
}

const char *trace_verdict(uint32_t verdict)
{
	static const char *const words[LEASTCAP_TRACE_VERDICTS] = {
		[LEASTCAP_TRACE_ALLOWED] = "allowed",
		[LEASTCAP_TRACE_DENIED] = "denied",
		[LEASTCAP_TRACE_MISSING] = "missing",
		[LEASTCAP_TRACE_REFUSED] = "refused",
	};

	return words[verdict];
}

void trace_doubt(struct leastcap_trace_check *c)
{
	if (c->verdict == LEASTCAP_TRACE_REFUSED)
		c->flags |= LEASTCAP_TRACE_UNSURE;
}

char *trace_remarks(const struct leastcap_trace_check *c)
{
	static const struct {
		uint32_t flag;
		const char *word;
	} words[] = {
		{LEASTCAP_CHECK_PROBE, "probe"},
		{LEASTCAP_TRACE_ENTERING, "entering"},
		{LEASTCAP_CHECK_OVERRIDDEN, "overridden credentials"},
		{LEASTCAP_CHECK_FOREIGN, "somebody else's credentials"},
		{LEASTCAP_TRACE_UNSURE, "perhaps by leastcap, which was loaded just then"},
	};
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (c->flags & words[i].flag)
			fprintf(f, "%s%s", ftell(f) ? ", " : "", words[i].word);
	}
	if (c->flags & LEASTCAP_CHECK_CHILD_USERNS)
		fprintf(f, "%sin user namespace %u", ftell(f) ? ", " : "", c->userns);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

/* A return address lies behind the call. */
static const char *name_at(const struct leastcap_trace_stack *r, const struct symbols *s, size_t n)
{
	return s && n < LEASTCAP_TRACE_FRAMES && r->frames[n] ? symbols_find(s, r->frames[n] - 1)
							      : NULL;
}

/* The program that looked, the trampoline that has called it, and, before v7, the function that was traced. */
static bool is_ours(const char *name)
{
	return name && (!strncmp(name, "bpf_prog_", strlen("bpf_prog_")) ||
			!strncmp(name, "bpf_trampoline_", strlen("bpf_trampoline_")) ||
			!strcmp(name, "security_capable"));
}

const char *trace_frame(const struct leastcap_trace_stack *r, const struct symbols *s, size_t n,
			char buf[32])
{
	const char *name;

	for (size_t i = 0; i < LEASTCAP_TRACE_FRAMES && is_ours(name_at(r, s, i)); i++)
		n++;
	if (n >= LEASTCAP_TRACE_FRAMES || !r->frames[n])
		return NULL;
	name = name_at(r, s, n);
	if (name)
		return name;
	snprintf(buf, 32, "0x%" PRIx64, (uint64_t)r->frames[n]);
	return buf;
}

static json_t *stack_json(const struct leastcap_trace_stack *r, const struct symbols *s)
{
	json_t *names = json_array();
	const char *name;
	char buf[32];

	for (size_t n = 0; names && (name = trace_frame(r, s, n, buf)); n++) {
		if (json_array_append_new(names, json_string(name))) {
			json_decref(names);
			return NULL;
		}
	}
	return names;
}

static json_t *subject_json(const struct leastcap_trace_check *c, const struct trace_name *name)
{
	return json_pack("{s:o, s:I, s:o, s:o, s:o}", "cgroup", event_string(name->path),
			 "cgroup_id", (json_int_t)c->cgroup, "container",
			 event_string(name->container), "name", event_string(name->container_name),
			 "unit", event_string(name->unit));
}

json_t *trace_to_json(const struct leastcap_trace_stack *r, const struct trace_name *name,
		      const struct symbols *s, int64_t clock_ns)
{
	const struct leastcap_trace_check *c = &r->check;
	_cleanup_free_ char *call = event_syscall(c->syscall, c->flags);
	char when[EVENT_TIME], cap[32];
	json_t *json;

	event_time((int64_t)(c->time + (uint64_t)clock_ns), when);
	json = json_pack("{s:s, s:s, s:o, s:{s:I, s:I, s:I, s:o}, s:s, s:s, s:o, s:b, s:I, s:b, "
			 "s:b, s:b, s:b, s:b, s:b}",
			 "type", "check", "time", when, "subject", subject_json(c, name), "process",
			 "pid", (json_int_t)c->pid, "tid", (json_int_t)c->tid, "uid",
			 (json_int_t)c->uid, "comm", event_string(c->comm), "capability",
			 caps_name(c->cap, cap), "verdict", trace_verdict(c->verdict), "syscall",
			 event_string(call), "compat", !!(c->flags & LEASTCAP_EVENT_COMPAT),
			 "userns", (json_int_t)c->userns, "child_userns",
			 !!(c->flags & LEASTCAP_CHECK_CHILD_USERNS), "probe",
			 !!(c->flags & LEASTCAP_CHECK_PROBE), "entering",
			 !!(c->flags & LEASTCAP_TRACE_ENTERING), "overridden_credentials",
			 !!(c->flags & LEASTCAP_CHECK_OVERRIDDEN), "foreign_credentials",
			 !!(c->flags & LEASTCAP_CHECK_FOREIGN), "unsure",
			 !!(c->flags & LEASTCAP_TRACE_UNSURE));
	if (json && s && json_object_set_new(json, "stack", stack_json(r, s))) {
		json_decref(json);
		return NULL;
	}
	return json;
}
