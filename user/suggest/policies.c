/* SPDX-License-Identifier: GPL-2.0-only */
/* What policies say themselves: their rules with lists, and what was watched in what has ended under them. */
#include <string.h>

#include "explain/change.h"
#include "suggest/masks.h"
#include "suggest/suggest.h"

/* In its own language; NULL: there is no such policy. Borrowed. */
static json_t *written_of(const json_t *policies, const char *name)
{
	const json_t *each;
	size_t i;

	json_array_foreach(policies, i, each) {
		json_t *written = json_object_get(each, "written");

		if (!strcmp(mask_text(each, "name"), name) && json_is_object(written))
			return written;
	}
	return NULL;
}

/* What this kernel may leave out was perhaps not watched. */
static int join_written(struct suggestion *s, const json_t *written)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	int err = change_parse(written, &set);

	if (err)
		return err;
	suggest_watched(s, (set->policies[0].deny | set->policies[0].would) &
				   ~set->policies[0].optional);
	return 0;
}

static int settle_ended(struct suggestion *s, const json_t *policies)
{
	const char *id;
	json_t *policy;

	json_object_foreach(s->ended, id, policy) {
		const json_t *written = json_is_string(policy)
						? written_of(policies, json_string_value(policy))
						: NULL;
		int err = written ? join_written(s, written) : -EBADMSG;

		if (err == -ENOMEM)
			return err;
		if (!err)
			json_object_set_new(s->ended, id, json_false());
	}
	return 0;
}

int suggest_policies(struct suggestion *s, const json_t *policies)
{
	if (json_object_size(s->policies) == 1) {
		const char *name = json_object_iter_key(json_object_iter(s->policies));

		json_decref(s->written);
		s->written = json_incref(written_of(policies, name));
	}
	return settle_ended(s, policies);
}

size_t suggest_unsaid(const struct suggestion *s, size_t *ret_by_policy)
{
	size_t unsaid = 0;
	const char *id;
	json_t *each;

	*ret_by_policy = 0;
	json_object_foreach(s->ended, id, each) {
		unsaid += json_is_string(each);
		*ret_by_policy += json_is_false(each);
	}
	return unsaid;
}
