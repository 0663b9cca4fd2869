/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stays as the kernel has it because nobody can say now whether it should: what a source that cannot be read, and has no
 * good form, may have bound. An applied policy has the name of its file. A file of policies.d may have any name that is
 * nobody else's.
 */
#ifndef LEASTCAP_KEEP_H
#define LEASTCAP_KEEP_H

#include "daemon/internal.h"

struct kept {
	uint64_t id; /* a policy of the kernel's */
	char name[LEASTCAP_NAME_LEN];
	const char *file; /* that may have it; borrowed from the sources */
};

struct keep {
	struct kept *items;
	size_t n;
};

/*
 * The source that nobody can read, and that may define the policy of this name. NULL: none. old: the sources that were in
 * force: what is not applied any more is nobody's. waiting: what waited to be confirmed, which is applied, too; may be NULL.
 */
const struct source *keep_owner(const struct sources *sources, const struct sources *old,
				const struct policy_set *waiting, const char *name);

/* The policies of the kernel that such a source may have. */
int keep_find(struct state *s, const struct sources *sources, struct keep *ret);
void keep_done(struct keep *keep);
bool keep_has(const struct keep *keep, uint64_t policy);

/* Problems for the status: what is kept so, and containers of the plan that keep their policy unheard. NULL: no memory. */
json_t *keep_problems(const struct keep *keep, const struct plan *plan);

#endif
