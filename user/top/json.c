/* SPDX-License-Identifier: GPL-2.0-only */
#include "top/json.h"

/* What is not known is null. */
static json_t *rate_json(double rate)
{
	return rate < 0 ? json_null() : json_real(rate);
}

static json_t *member(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return value ? json_incref(value) : json_null();
}

static json_t *row_json(const struct top_row *row)
{
	const json_t *b = row->binding, *counters = json_object_get(b, "counters");

	return json_pack(
		"{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i}",
		"name", row->name, "cgroup", member(b, "cgroup"), "cgroup_id",
		member(b, "cgroup_id"), "container", member(b, "container"), "policy",
		member(b, "policy"), "mode", member(b, "mode"), "denied",
		member(counters, "denied"), "would_deny", member(counters, "would_deny"),
		"probe_denied", member(counters, "probe_denied"), "seen", member(b, "seen"),
		"denied_per_second", rate_json(row->rate[TOP_DENIED]), "would_deny_per_second",
		rate_json(row->rate[TOP_WOULD]), "seen_per_second", rate_json(row->rate[TOP_SEEN]),
		"used", (int)row->used, "unused", (int)row->unused);
}

/* Of all subjects, also those that the filter leaves out. */
static json_t *totals_json(const struct top_sample *s)
{
	return json_pack(
		"{s:I, s:I, s:I, s:o, s:o, s:o}", "subjects", (json_int_t)s->n, "denied",
		(json_int_t)s->total[TOP_DENIED], "would_deny", (json_int_t)s->total[TOP_WOULD],
		"denied_per_second", rate_json(s->rate[TOP_DENIED]), "would_deny_per_second",
		rate_json(s->rate[TOP_WOULD]), "seen_per_second", rate_json(s->rate[TOP_SEEN]));
}

json_t *top_json(const struct top_view *v, const char *time, double seconds)
{
	const json_t *status = v->sample->status;
	json_t *rows = json_array();

	for (size_t i = 0; rows && i < v->n_shown; i++)
		json_array_append_new(rows, row_json(v->shown[i]));
	if (json_array_size(rows) != v->n_shown) {
		json_decref(rows);
		return NULL;
	}
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "time", time, "seconds",
			 json_real(seconds), "daemon", member(status, "daemon"), "enforcing",
			 member(status, "enforcing"), "disarmed", member(status, "disarmed"),
			 "losses", member(status, "losses"), "totals", totals_json(v->sample),
			 "subjects", rows);
}
