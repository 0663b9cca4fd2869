/* SPDX-License-Identifier: GPL-2.0-only */
/* GET /v1/policy: one policy as it is written, and where. */
#include <string.h>

#include "audit/event.h"
#include "base/words.h"
#include "daemon/internal.h"
#include "daemon/saved.h"

/* Nowhere: null. */
static json_t *pos_json(struct policy_pos pos)
{
	if (!pos.line)
		return json_null();
	return json_pack("{s:i, s:i, s:i}", "line", (int)pos.line, "column", (int)pos.column,
			 "last_line", (int)(pos.last_line ?: pos.line));
}

static json_t *rules_json(const struct policy *p)
{
	json_t *json = json_object();

	for (uint32_t rule = 0; json && rule < LEASTCAP_RULES; rule++) {
		if ((p->deny | p->would) & LEASTCAP_RULE_BIT(rule))
			json_object_set_new(json, word_rule(rule), pos_json(p->rule_pos[rule]));
	}
	return json;
}

unsigned int state_policy(struct state *s, const char *name, bool shadow, json_t **ret)
{
	_cleanup_free_ char *full = NULL;
	struct leastcap_policy in_force = {};
	const struct source *source = NULL;
	const struct policy *p;
	bool api;

	if (asprintf(&full, "%s%s", shadow ? LEASTCAP_SHADOW_PREFIX : "", name) < 0) {
		full = NULL;
		return 500;
	}
	p = sources_find(&s->sources, full, &source);
	if (!p)
		return answer_no_policy(s, name, shadow, ret);
	(void)published_policy(s, full, &in_force);
	/* What came over the API has no file that anybody could edit. */
	api = source->api || shadow;
	return answer_json(json_pack("{s:s, s:b, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "name",
				     shadow_shown(p->name), "shadow", shadow, "revision",
				     (json_int_t)in_force.revision, "mode", event_mode(p->mode),
				     "source", api ? "api" : "file", "file",
				     api ? json_null() : event_string(p->file ?: source->file),
				     "pos", api ? json_null() : pos_json(p->pos), "capabilities",
				     api ? json_null() : pos_json(p->capabilities_pos), "rules",
				     api ? json_object() : rules_json(p), "written", saved_form(p)),
			   ret);
}
