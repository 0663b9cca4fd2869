/* SPDX-License-Identifier: GPL-2.0-only */
#include "explain/balance.h"

#include <string.h>

#include "base/caps.h"

static uint64_t set_of(const json_t *binding, const char *key)
{
	return caps_from_json(json_object_get(json_object_get(binding, "capabilities"), key));
}

static void weigh(struct balance *b)
{
	b->withheld = b->granted & ~b->let_through;
	b->unused = b->granted & b->let_through & ~b->used;
}

void balance_of(const json_t *binding, struct balance *ret)
{
	const char *mode = json_string_value(json_object_get(binding, "mode"));

	*ret = (struct balance){
		.granted = set_of(binding, "granted"),
		.allowed = set_of(binding, "allowed"),
		.denied = set_of(binding, "denied"),
		.would = set_of(binding, "would_deny"),
		.used = set_of(binding, "used") | set_of(binding, "would_deny"),
	};
	ret->let_through = mode && !strcmp(mode, "enforce") ? ret->allowed : ~0ULL;
	weigh(ret);
}

json_t *balance_drift(const json_t *binding, uint64_t granted)
{
	struct balance b;

	balance_of(binding, &b);
	b.granted = granted;
	weigh(&b);
	return json_pack("{s:o, s:o}", "never_used", caps_to_json(b.unused), "not_allowed",
			 caps_to_json(b.withheld));
}
