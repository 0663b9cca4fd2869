/* SPDX-License-Identifier: GPL-2.0-only */
/* Policies that are saved, and no more. */
#ifndef LEASTCAP_TESTS_SAVING_H
#define LEASTCAP_TESTS_SAVING_H

#include "daemon/change.h"

static inline int applied_save_all(const char *state_dir, const struct policy_set *set)
{
	_cleanup_(change_freep) struct change *change = NULL;

	return change_begin(state_dir, &change) ?: change_put_policies(change, set) ?:
	       change_ready(change) ?: change_commit(change);
}

static inline int applied_save(const char *state_dir, const struct policy *policy)
{
	const struct policy_set one = {.policies = (struct policy *)policy, .n_policies = 1};

	return applied_save_all(state_dir, &one);
}

static inline int applied_remove(const char *state_dir, const char *policy)
{
	_cleanup_(change_freep) struct change *change = NULL;

	return change_begin(state_dir, &change) ?: change_take_policy(change, policy) ?:
	       change_ready(change) ?: change_commit(change);
}

#endif
