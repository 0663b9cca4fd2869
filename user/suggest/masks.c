/* SPDX-License-Identifier: GPL-2.0-only */
#include "suggest/masks.h"

#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/words.h"

/* A number that this kernel, or this libcap, has no name for is good, too. */
static uint64_t cap_bit(const char *word)
{
	int cap = caps_parse(word, strlen(word));
	char *end;

	if (cap < 0 && *word >= '0' && *word <= '9') {
		unsigned long n = strtoul(word, &end, 10);

		cap = !*end && n < 64 ? (int)n : -1;
	}
	return cap >= 0 && cap < 64 ? 1ULL << cap : 0;
}

uint64_t mask_of_caps(const json_t *words)
{
	uint64_t mask = 0;
	const json_t *each;
	size_t i;

	json_array_foreach(words, i, each)
		mask |= json_is_string(each) ? cap_bit(json_string_value(each)) : 0;
	return mask;
}

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

const char *mask_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}
