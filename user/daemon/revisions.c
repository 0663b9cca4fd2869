/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The revisions of a policy only grow. The kernel has those of policies that hold somebody; what one had that holds nobody now is
 * remembered here, and over a restart with what was counted (counted.c).
 */
#include <inttypes.h>
#include <string.h>

#include "daemon/internal.h"

/* A JSON integer has a sign. */
static void content_text(uint64_t content, char buf[17])
{
	snprintf(buf, 17, "%016" PRIx64, content);
}

static bool is_content(const json_t *known, uint64_t content)
{
	const char *had = json_string_value(json_array_get(known, 1));
	char text[17];

	content_text(content, text);
	return had && !strcmp(had, text);
}

uint32_t revision_next(const struct state *s, const struct leastcap_policy *now,
		       const struct leastcap_policy *has)
{
	const json_t *known = json_object_get(s->revisions, now->name);
	uint32_t last = (uint32_t)json_integer_value(json_array_get(known, 0));

	if (has)
		return (has->revision > last ? has->revision : last) + 1;
	return last && is_content(known, now->content) ? last : last + 1;
}

void revision_note(struct state *s, const struct leastcap_policy *p)
{
	const json_t *known = json_object_get(s->revisions, p->name);
	char text[17];

	if (json_integer_value(json_array_get(known, 0)) == p->revision &&
	    is_content(known, p->content))
		return;
	if (!s->revisions)
		s->revisions = json_object();
	content_text(p->content, text);
	/* Without memory it begins anew. */
	(void)json_object_set_new(s->revisions, p->name,
				  json_pack("[I, s]", (json_int_t)p->revision, text));
	s->revised = true;
}

void revisions_forget(struct state *s)
{
	const char *name;
	json_t *known;
	void *next;

	json_object_foreach_safe(s->revisions, next, name, known)
	{
		if (sources_find(&s->sources, name, NULL))
			continue;
		json_object_del(s->revisions, name);
		s->revised = true;
	}
}
