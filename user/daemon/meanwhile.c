/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/meanwhile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "audit/event.h"

/* Subjects that an event names. */
#define NAMED_MAX 16

static uint64_t sum(const uint64_t counters[LEASTCAP_RESTRICTIONS])
{
	uint64_t n = 0;

	for (size_t i = 0; i < LEASTCAP_RESTRICTIONS; i++)
		n += counters[i];
	return n;
}

static const char *key_of(uint64_t cgroup, char buf[24])
{
	snprintf(buf, 24, "%" PRIu64, cgroup);
	return buf;
}

json_t *meanwhile_form(const struct tally *t)
{
	json_t *form = json_object();
	char key[24];

	for (size_t i = 0; form && i < t->n; i++) {
		const struct tally_binding *b = &t->bindings[i];
		uint64_t denied = sum(b->counts.denied), would = sum(b->counts.would_deny);

		if (!denied && !would)
			continue;
		if (json_object_set_new(
			    form, key_of(b->cgroup, key),
			    json_pack("[I, I]", (json_int_t)denied, (json_int_t)would))) {
			json_decref(form);
			return NULL;
		}
	}
	return form;
}

/* What has come since. A counter that is less than it was has begun anew. */
static json_int_t more(uint64_t now, const json_t *was)
{
	uint64_t n = (uint64_t)json_integer_value(was);

	return (json_int_t)(now >= n ? now - n : now);
}

json_t *meanwhile_members(const struct tally *t, const json_t *was,
			  const char *(*name)(uint64_t cgroup, void *ctx), void *ctx)
{
	json_int_t denied = 0, would = 0, n = 0;
	json_auto_t *named = json_array();
	char key[24];

	for (size_t i = 0; i < t->n; i++) {
		const struct tally_binding *b = &t->bindings[i];
		const json_t *then = json_object_get(was, key_of(b->cgroup, key));
		json_int_t d = more(sum(b->counts.denied), json_array_get(then, 0));
		json_int_t w = more(sum(b->counts.would_deny), json_array_get(then, 1));

		if (!d && !w)
			continue;
		denied += d;
		would += w;
		if (n++ < NAMED_MAX)
			json_array_append_new(named, json_pack("{s:o, s:I, s:I, s:I}", "cgroup",
							       event_string(name(b->cgroup, ctx)),
							       "cgroup_id", (json_int_t)b->cgroup,
							       "denied", d, "would_deny", w));
	}
	return n ? json_pack("{s:I, s:I, s:I, s:O}", "denied", denied, "would_deny", would,
			     "bindings", n, "subjects", named)
		 : NULL;
}
