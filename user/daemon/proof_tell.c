/* SPDX-License-Identifier: GPL-2.0-only */
/* What the proof of enforcement came to: in the log, as events, in the status, as metrics. */
#include <string.h>

#include "audit/event.h"
#include "base/log.h"
#include "base/words.h"
#include "daemon/proof.h"

#define NSEC_PER_SEC 1000000000LL

uint32_t findings_with(const struct findings *f, enum prove_state state)
{
	uint32_t acts = 0;

	for (unsigned int act = 0; act < PROVE_ACTS; act++) {
		if (in_acts(f->acts, act) && f->verdicts[act].state == state)
			acts |= 1U << act;
	}
	return acts;
}

static uint32_t unproven(const struct findings *f)
{
	return f->acts & ~findings_with(f, PROVE_PROVEN);
}

/* [{ name, restriction, proven, outcome, reason }] of the acts of a mask. */
static json_t *acts_json(const struct findings *f, uint32_t acts)
{
	static const char *const outcomes[] = {
		[PROVE_UNTRIED] = "untried", [PROVE_PROVEN] = "proven", [PROVE_FAILED] = "failed"};
	json_t *all = json_array();

	for (unsigned int act = 0; act < PROVE_ACTS; act++) {
		const struct prove_verdict *v = &f->verdicts[act];

		if (in_acts(acts, act))
			json_array_append_new(all,
					      json_pack("{s:s, s:s, s:s, s:s?}", "name",
							prove_name(act), "restriction",
							word_restriction(prove_restriction(act)),
							"outcome", outcomes[v->state], "reason",
							*v->reason ? v->reason : NULL));
	}
	return all;
}

/* "mounts: it was allowed; bpf: ..."; NULL: all is proven, or no memory. To be freed. */
static char *reasons(const struct findings *f)
{
	char *text = NULL;
	size_t size;
	FILE *to = unproven(f) ? open_memstream(&text, &size) : NULL;

	for (unsigned int act = 0; to && act < PROVE_ACTS; act++) {
		if (in_acts(unproven(f), act))
			fprintf(to, "%s%s: %s", ftell(to) > 0 ? "; " : "", prove_name(act),
				f->verdicts[act].reason);
	}
	if (to)
		fclose(to);
	return text;
}

static void emit(struct state *s, const char *action, const struct findings *f)
{
	json_t *event = event_new("proof", sink_next(s->sink));
	_cleanup_free_ char *reason = reasons(f);

	if (event) {
		json_object_set_new(event, "action", json_string(action));
		json_object_set_new(event, "reason", event_string(reason));
		json_object_set_new(event, "unproven", acts_json(f, unproven(f)));
	}
	sink_emit(s->sink, event);
}

/* Is what is not proven the same as before, for the same reason? */
static bool same_unproven(const struct findings *a, const struct findings *b)
{
	uint32_t acts = unproven(a);

	if (acts != unproven(b))
		return false;
	for (unsigned int act = 0; act < PROVE_ACTS; act++) {
		if (in_acts(acts, act) && strcmp(a->verdicts[act].reason, b->verdicts[act].reason))
			return false;
	}
	return true;
}

void proof_tell(struct proof *p, const struct findings *fresh)
{
	bool news = !same_unproven(&p->findings, fresh);

	/* As often as it fails: the log is where somebody looks who is not told by events. */
	for (unsigned int act = 0; act < PROVE_ACTS; act++) {
		if (in_acts(unproven(fresh), act))
			log_err(0, "ENFORCEMENT IS NOT PROVEN, %s: %s", prove_name(act),
				fresh->verdicts[act].reason);
	}
	if (news && !unproven(fresh))
		log_info("enforcement is proven again");
	p->findings = *fresh;
	if (news)
		emit(p->s, unproven(fresh) ? "failed" : "recovered", fresh);
}

json_t *proof_json(const struct state *s)
{
	const struct proof *p = s->proof;
	const struct findings *f = p ? &p->findings : NULL;
	char when[EVENT_TIME];
	json_t *json;

	if (!p)
		return json_null();
	event_time((int64_t)f->when * NSEC_PER_SEC, when);
	json = json_pack("{s:I, s:o}", "every", (json_int_t)(p->every_ns / NSEC_PER_SEC),
			 "restrictions", acts_json(f, f->acts));
	if (!json)
		return json_null();
	json_object_set_new(json, "time", f->acts ? json_string(when) : json_null());
	json_object_set_new(json, "proven", f->acts ? json_boolean(!unproven(f)) : json_null());
	return json;
}

void proof_summary(const struct state *s, char *buf, size_t size)
{
	const struct findings *f = s->proof ? &s->proof->findings : NULL;
	size_t n;

	*buf = '\0';
	if (!f || !f->acts)
		return;
	n = (size_t)snprintf(buf, size, ", %s", unproven(f) ? "NOT PROVEN:" : "proven");
	for (unsigned int act = 0; act < PROVE_ACTS && n < size; act++) {
		if (in_acts(unproven(f), act))
			n += (size_t)snprintf(buf + n, size - n, " %s", prove_name(act));
	}
}

/* ---- metrics ---- */

static void put(struct prom *p, const struct findings *f, unsigned int act, double value)
{
	prom_sample(p, value, "restriction", word_restriction(prove_restriction(act)), "rule",
		    act == PROVE_CAPABILITIES ? "" : prove_name(act), NULL);
}

void proof_metrics(struct prom *prom, const struct state *s)
{
	const struct findings *f = s->proof ? &s->proof->findings : NULL;

	if (!f || !f->acts)
		return;
	prom_family(prom, "leastcap_enforcement_proven", "gauge",
		    "1: an act that the restriction refuses was tried, and leastcap refused it.");
	for (unsigned int act = 0; act < PROVE_ACTS; act++) {
		if (in_acts(f->acts, act))
			put(prom, f, act, f->verdicts[act].state == PROVE_PROVEN);
	}
	prom_family(prom, "leastcap_enforcement_proof_timestamp_seconds", "gauge",
		    "When that was tried last.");
	for (unsigned int act = 0; act < PROVE_ACTS; act++) {
		if (in_acts(f->acts, act))
			put(prom, f, act, (double)f->when);
	}
}
