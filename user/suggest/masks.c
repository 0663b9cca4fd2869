/* SPDX-License-Identifier: GPL-2.0-only */
#include "suggest/masks.h"

#include <string.h>

#include "base/words.h"

uint32_t mask_of_rules(const json_t *words)
{
	uint32_t mask = 0;
	const json_t *each;
	size_t i;

	json_array_foreach(words, i, each) {
		for (uint32_t rule = 0; rule < LEASTCAP_RULES && json_is_string(each); rule++) {
			if (!strcmp(json_string_value(each), word_rule(rule)))
				mask |= LEASTCAP_RULE_BIT(rule);
		}
	}
	return mask;
}

bool mask_is_end(const json_t *event)
{
	const char *type = mask_text(event, "type");

	return !strcmp(type, "gone") || !strcmp(type, "unbound");
}

const char *mask_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}
