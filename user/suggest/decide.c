/* SPDX-License-Identifier: GPL-2.0-only */
/* What the masks come to. */
#include <string.h>

#include "base/words.h"
#include "suggest/suggest.h"

uint64_t suggest_allowed(const struct suggestion *s)
{
	return s->used | (s->with_denied ? s->denied : 0);
}

const json_t *suggest_written(const struct suggestion *s, uint32_t rule)
{
	const json_t *all = s->written, *written;

	if (rule_restriction(rule) == LEASTCAP_SOCKETS)
		all = json_object_get(all, "sockets");
	written = json_object_get(all, word_rule(rule));
	/* What is one word has no list in which the rest could be. */
	return json_is_object(written) ? written : NULL;
}

enum suggest_rule suggest_rule(const struct suggestion *s, uint32_t rule)
{
	uint32_t bit = LEASTCAP_RULE_BIT(rule);

	if ((s->rules_would & bit) || (s->with_denied && (s->rules_denied & bit)))
		return SUGGEST_ALLOW;
	if (!(s->watched & bit))
		return s->rules_used & bit ? SUGGEST_ALLOW : SUGGEST_UNKNOWN;
	if (!(s->rules_used & bit))
		return SUGGEST_DENY;
	return suggest_written(s, rule) ? SUGGEST_KEEP : SUGGEST_ALLOW;
}
