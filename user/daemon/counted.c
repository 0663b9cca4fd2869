/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the daemon has counted and told goes to /run, now and then, at the end, and when a policy has a new revision. The next
 * one compares it with the ledgers, and tells what the kernel has refused, and lost, while nobody ran. It also goes on with the
 * revisions of policies.
 */
#include <string.h>

#include "audit/event.h"
#include "base/log.h"
#include "daemon/internal.h"
#include "daemon/meanwhile.h"
#include "daemon/saved.h"

#define COUNTED_DIR "/run/leastcap"
#define COUNTED_FILE "counted.json"

static json_t *form(const struct state *s)
{
	json_t *losses = json_array();

	for (size_t i = 0; losses && i < LEASTCAP_LOSSES; i++)
		json_array_append_new(losses, json_integer((json_int_t)s->losses[i]));
	/* Copied: what is written is compared with what is to be. */
	return json_pack("{s:s, s:o, s:o, s:o*}", "boot_id", s->boot, "losses", losses, "ledgers",
			 meanwhile_form(&s->tally), "revisions", json_deep_copy(s->revisions));
}

void counted_save(struct state *s)
{
	json_auto_t *now = NULL;
	int err;

	if (!s->counted)
		return;
	now = form(s);
	if (!now || json_equal(now, s->counted))
		return;
	err = saved_write(COUNTED_DIR, COUNTED_FILE, now);
	if (err) {
		log_debug("cannot write %s/%s: %s", COUNTED_DIR, COUNTED_FILE, strerror(-err));
		return;
	}
	json_decref(s->counted);
	s->counted = TAKE_PTR(now);
	s->revised = false;
}

static const char *name_of(uint64_t cgroup, void *state)
{
	return names_get(state, cgroup);
}

static void tell(struct state *s, const json_t *was)
{
	json_auto_t *members = meanwhile_members(&s->tally, was, name_of, s);
	json_t *event = members ? event_new("meanwhile", sink_next(s->sink)) : NULL;

	if (!members)
		return;
	if (event && json_object_update(event, members)) {
		json_decref(event);
		event = NULL;
	}
	sink_emit(s->sink, event);
}

/* Losses that were told are not told again. A counter that is less than it was has begun anew. */
static void losses_told(struct state *s, const json_t *was)
{
	uint64_t now[LEASTCAP_LOSSES] = {};

	(void)kernel_losses(s->k, now);
	for (size_t i = 0; i < LEASTCAP_LOSSES; i++) {
		uint64_t told = (uint64_t)json_integer_value(json_array_get(was, i));

		s->losses[i] = told <= now[i] ? told : 0;
	}
}

void counted_open(struct state *s)
{
	json_auto_t *was = NULL;
	const char *boot;
	int err = saved_read(COUNTED_DIR, COUNTED_FILE, &was);

	if (err && err != -ENOENT)
		log_warn(err, "cannot read %s/%s, ignoring", COUNTED_DIR, COUNTED_FILE);
	metrics_count(s);
	boot = json_string_value(json_object_get(was, "boot_id"));
	if (boot && !strcmp(boot, s->boot)) {
		s->revisions = json_deep_copy(json_object_get(was, "revisions"));
		tell(s, json_object_get(was, "ledgers"));
		losses_told(s, json_object_get(was, "losses"));
	} else {
		/* Nobody knows what was told. */
		(void)kernel_losses(s->k, s->losses);
	}
	s->counted = json_null();
	counted_save(s);
}
