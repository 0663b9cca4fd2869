/* SPDX-License-Identifier: GPL-2.0-only */
#include "suggest/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/event.h"
#include "base/caps.h"
#include "trace/record.h"

void evidence_done(struct evidence *e)
{
	free(e->items);
	*e = (struct evidence){};
}

/* ---- the function ---- */

/* The kernel's ways to ask: what calls them is what the capability is wanted for. */
static bool passes_on(const char *name)
{
	static const char *const words[] = {
		"capable",
		"ns_capable",
		"ns_capable_common",
		"ns_capable_noaudit",
		"ns_capable_setid",
		"ns_capable_insetid",
		"has_capability",
		"has_ns_capability",
		"file_ns_capable",
		"ptracer_capable",
		"inode_permission",
		"generic_permission",
		"sk_capable",
		"sk_ns_capable",
		"sk_net_capable",
		"netlink_capable",
		"netlink_ns_capable",
		"__netlink_ns_capable",
		"netlink_net_capable",
		"has_capability_noaudit",
		"capable_wrt_inode_uidgid",
		"has_ns_capability_noaudit",
		"inode_owner_or_capable",
		"privileged_wrt_inode_uidgid",
	};
	/* "ns_capable.part.0" is a piece of it. */
	size_t len = strcspn(name, ".");

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strlen(words[i]) == len && !strncmp(words[i], name, len))
			return true;
	}
	return false;
}

const char *evidence_function(const struct leastcap_trace_stack *r, const struct symbols *symbols,
			      char buf[32])
{
	const char *name, *first = NULL;

	if (!symbols)
		return NULL;
	for (size_t n = 0; (name = trace_frame(r, symbols, n, buf)); n++) {
		if (!passes_on(name))
			return name;
		first = first ?: name;
	}
	return first;
}

/* ---- kinds ---- */

static struct evidence_item *find(const struct evidence *e, uint32_t cap, uint32_t verdict,
				  const char comm[LEASTCAP_COMM_LEN])
{
	for (size_t i = 0; i < e->n; i++) {
		struct evidence_item *item = &e->items[i];

		if (item->cap == cap && item->verdict == verdict &&
		    !strncmp(item->comm, comm, LEASTCAP_COMM_LEN))
			return item;
	}
	return NULL;
}

static struct evidence_item *add(struct evidence *e)
{
	struct evidence_item *items;

	if (e->n == EVIDENCE_MAX)
		return NULL;
	items = reallocarray(e->items, e->n + 1, sizeof(*items));
	if (!items)
		return NULL;
	e->items = items;
	items[e->n] = (struct evidence_item){};
	return &items[e->n++];
}

static void fill(struct evidence_item *item, const struct leastcap_trace_stack *r,
		 const struct symbols *symbols, int64_t time)
{
	_cleanup_free_ char *call = event_syscall(r->check.syscall, r->check.flags);
	char buf[32];
	const char *function = evidence_function(r, symbols, buf);

	item->cap = r->check.cap;
	item->verdict = r->check.verdict;
	memcpy(item->comm, r->check.comm, sizeof(item->comm));
	snprintf(item->syscall, sizeof(item->syscall), "%s", call ?: "");
	snprintf(item->function, sizeof(item->function), "%s", function ?: "");
	item->first = item->last = time;
	item->count = 1;
}

const struct evidence_item *evidence_record(struct evidence *e, const void *record, size_t size,
					    const struct symbols *symbols, int64_t clock_ns)
{
	struct leastcap_trace_stack r;
	struct evidence_item *item;
	int64_t time;

	if (trace_decode(record, size, &r)) {
		e->bad++;
		return NULL;
	}
	if (r.check.cap < 64 && r.check.verdict < LEASTCAP_TRACE_VERDICTS)
		e->caps[r.check.verdict] |= 1ULL << r.check.cap;
	time = (int64_t)(r.check.time + (uint64_t)clock_ns);
	item = find(e, r.check.cap, r.check.verdict, r.check.comm);
	if (item) {
		/* In another cgroup. */
		item->count++;
		item->last = time > item->last ? time : item->last;
		return item;
	}
	item = add(e);
	if (item)
		fill(item, &r, symbols, time);
	else
		e->unfit++;
	return item;
}

/* ---- counts ---- */

void evidence_count_begin(struct evidence *e)
{
	for (size_t i = 0; i < e->n; i++)
		e->items[i].sum = e->items[i].before;
}

void evidence_count(struct evidence *e, const struct leastcap_trace_key *key, uint64_t n)
{
	struct evidence_item *item = find(e, key->cap, key->verdict, key->comm);

	/* What is not known yet is still in the ring. */
	if (item)
		item->sum += n;
}

void evidence_count_end(struct evidence *e, int64_t now)
{
	for (size_t i = 0; i < e->n; i++) {
		struct evidence_item *item = &e->items[i];

		if (item->sum <= item->count)
			continue;
		item->count = item->sum;
		item->last = now > item->last ? now : item->last;
	}
}

void evidence_count_anew(struct evidence *e)
{
	for (size_t i = 0; i < e->n; i++)
		e->items[i].before = e->items[i].count;
}

void evidence_unseen(struct evidence *e, const struct trace_counts *counts)
{
	e->lost = counts->lost;
	e->missed = counts->missed;
	for (size_t v = 0; v < LEASTCAP_TRACE_VERDICTS; v++)
		e->caps[v] |= counts->lost_caps[v];
}

uint64_t evidence_caps(const struct evidence *e, uint32_t verdict)
{
	return verdict < LEASTCAP_TRACE_VERDICTS ? e->caps[verdict] : 0;
}

static json_t *item_to_json(const struct evidence_item *item)
{
	char cap[32], first[EVENT_TIME], last[EVENT_TIME];

	event_time(item->first, first);
	event_time(item->last, last);
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:s, s:s}", "capability",
			 caps_name(item->cap, cap), "verdict", trace_verdict(item->verdict), "comm",
			 event_string(item->comm), "syscall",
			 event_string(*item->syscall ? item->syscall : NULL), "function",
			 event_string(*item->function ? item->function : NULL), "count",
			 (json_int_t)item->count, "first", first, "last", last);
}

json_t *evidence_to_json(const struct evidence *e)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < e->n; i++) {
		if (json_array_append_new(list, item_to_json(&e->items[i]))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}
