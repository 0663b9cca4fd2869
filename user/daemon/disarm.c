/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Break glass: until a deadline everything is allowed, and reported as what would be refused. The deadline is in the kernel's
 * map, so it ends whoever is alive; STATE/disarm.json only says why, by whom, and until when. It works with a
 * disk that is full: that is when it may be needed.
 */
#include <string.h>

#include "audit/event.h"
#include "audit/listing.h"
#include "base/duration.h"
#include "base/escape.h"
#include "base/log.h"
#include "daemon/internal.h"
#include "daemon/saved.h"

#define DISARM_FILE "disarm.json"
#define REASON_MAX 200
#define NSEC_PER_SEC 1000000000ULL

static void tell(struct state *s, const char *action, const json_t *about, const struct peer *by)
{
	json_t *event = event_new("disarm", sink_next(s->sink));

	if (event) {
		json_object_set_new(event, "action", json_string(action));
		json_object_set_new(event, "reason",
				    json_incref(json_object_get(about, "reason")) ?: json_null());
		json_object_set_new(event, "seconds",
				    json_incref(json_object_get(about, "seconds")) ?: json_null());
		json_object_set_new(event, "by", peer_json(by));
	}
	sink_emit(s->sink, event);
}

static uint64_t seconds_left(const struct state *s)
{
	uint64_t until = kernel_disarmed(s->k), now = boot_now();

	return until > now ? (until - now + NSEC_PER_SEC - 1) / NSEC_PER_SEC : 0;
}

/* What is known is about this time, not about an earlier one. */
static const json_t *about(const struct state *s)
{
	uint64_t until = (uint64_t)json_integer_value(json_object_get(s->disarm, "until"));

	return s->disarm && until == kernel_disarmed(s->k) ? s->disarm : NULL;
}

static void forget(struct state *s)
{
	int err = saved_remove(s->state_dir, DISARM_FILE);

	if (err)
		log_warn(err, "cannot remove %s/%s, ignoring", s->state_dir, DISARM_FILE);
	json_decref(s->disarm);
	s->disarm = NULL;
}

int disarm_open(struct state *s)
{
	int err = saved_read(s->state_dir, DISARM_FILE, &s->disarm);

	if (err == -ENOMEM)
		return err;
	if (err && err != -ENOENT)
		log_warn(err, "cannot read %s/%s, ignoring", s->state_dir, DISARM_FILE);
	/* The kernel's deadline of a boot that is over went with it. */
	return 0;
}

void disarm_tick(struct state *s)
{
	uint64_t until = (uint64_t)json_integer_value(json_object_get(s->disarm, "until"));

	if (seconds_left(s) || (!s->disarm && !kernel_disarmed(s->k)))
		return;
	/* Before its time, when the kernel has lost it: by an unload, or another layout of its maps. */
	tell(s,
	     deadline_left(json_string_value(json_object_get(s->disarm, "boot_id")), until, s->boot,
			   boot_now())
		     ? "rearmed"
		     : "expired",
	     s->disarm, &(struct peer){0});
	log_info("no longer disarmed: enforcing");
	kernel_disarm(s->k, 0);
	forget(s);
}

json_t *disarm_json(const struct state *s)
{
	return listing_disarmed(s->k, about(s));
}

bool disarm_summary(const struct state *s, char *buf, size_t size)
{
	uint64_t left = seconds_left(s);
	const char *reason = json_string_value(json_object_get(about(s), "reason"));
	char text[DURATION_TEXT];

	if (!left)
		return false;
	/* In minutes, as long as there are some: systemd need not hear of every second. */
	if (left > 60)
		left = (left + 59) / 60 * 60;
	snprintf(buf, size, "DISARMED, %s left: %s", duration_text(left, text),
		 reason ?: "(reason not known)");
	return true;
}

static bool is_reason(const char *text)
{
	size_t left = strlen(text), characters = 0, n;
	bool safe = true, blank = true;

	for (; left && safe; text += n, left -= n, characters++) {
		n = utf8_next(text, left, &safe);
		if (!n)
			return false;
		blank = blank && *text == ' ';
	}
	return safe && !blank && characters <= REASON_MAX;
}

unsigned int state_disarm(struct state *s, uint64_t seconds, const char *reason,
			  const struct peer *by, json_t **ret)
{
	uint64_t until = boot_now() + seconds * NSEC_PER_SEC;
	json_t *json, *answer;
	int err;

	if (!is_reason(reason))
		return answer_text(400, ret, "reason: 1 to %d printable characters are needed",
				   REASON_MAX);
	json = json_pack("{s:s, s:I, s:I, s:s, s:o}", "boot_id", s->boot, "until",
			 (json_int_t)until, "seconds", (json_int_t)seconds, "reason", reason, "by",
			 peer_json(by));
	if (!json)
		return answer_errno(s, -ENOMEM, "nothing was changed", ret);
	err = saved_write(s->state_dir, DISARM_FILE, json);
	if (err)
		log_warn(err, "cannot save %s/%s: a daemon that starts anew will not know why",
			 s->state_dir, DISARM_FILE);
	kernel_disarm(s->k, until);
	json_decref(s->disarm);
	s->disarm = json;
	log_warn(0, "DISARMED for %llu s: %s", (unsigned long long)seconds, reason);
	tell(s, "disarmed", json, by);
	answer = json_pack("{s:o, s:b}", "disarmed", disarm_json(s), "saved", !err);
	return answer_json(answer, ret);
}

unsigned int state_rearm(struct state *s, const struct peer *by, json_t **ret)
{
	if (!seconds_left(s))
		return answer_text(409, ret, "it is not disarmed");
	tell(s, "rearmed", about(s), by);
	kernel_disarm(s->k, 0);
	forget(s);
	log_info("armed again");
	return answer_json(json_pack("{s:b}", "rearmed", 1), ret);
}
