/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interval between two events of the same kind, while the daemon runs. It is kept where it is read, in the kernel: it
 * holds over a reload and over the daemon's end, until one is started with --sample-interval.
 */
#include "audit/event.h"
#include "base/log.h"
#include "daemon/internal.h"

#define NS_PER_MS 1000000ULL

/* 1 ns is "each": 0 would be taken for "not said". */
static json_int_t interval_ms(const struct state *s)
{
	return (json_int_t)(kernel_sampling(s->k) / NS_PER_MS);
}

static void tell(struct state *s, json_int_t old, const struct peer *by)
{
	json_t *event = event_new("sampling", sink_next(s->sink));

	if (event) {
		json_object_set_new(event, "action", json_string("changed"));
		json_object_set_new(event, "interval_ms", json_integer(interval_ms(s)));
		json_object_set_new(event, "old_interval_ms", json_integer(old));
		json_object_set_new(event, "by", peer_json(by));
	}
	sink_emit(s->sink, event);
}

unsigned int state_sampling(struct state *s, json_t **ret)
{
	return answer_json(json_pack("{s:I}", "interval_ms", interval_ms(s)), ret);
}

unsigned int state_sample(struct state *s, uint64_t ms, const struct peer *by, json_t **ret)
{
	json_int_t old = interval_ms(s);

	if (ms > STATE_SAMPLE_MAX_MS)
		return answer_text(400, ret, "interval_ms: 0 to %d are needed",
				   STATE_SAMPLE_MAX_MS);
	kernel_sampling_set(s->k, ms ? ms * NS_PER_MS : 1);
	quiet_put_off(s);
	log_info("one event of a kind every %llu ms, before %lld", (unsigned long long)ms,
		 (long long)old);
	tell(s, old, by);
	return answer_json(
		json_pack("{s:I, s:I}", "interval_ms", (json_int_t)ms, "old_interval_ms", old),
		ret);
}
