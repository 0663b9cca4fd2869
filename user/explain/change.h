/* SPDX-License-Identifier: GPL-2.0-only */
/* The smallest change of a policy that allows what was refused. Pure. */
#ifndef LEASTCAP_EXPLAIN_CHANGE_H
#define LEASTCAP_EXPLAIN_CHANGE_H

#include <jansson.h>

#include "explain/refused.h"

/*
 * Changes a policy (policy_to_json()'s form) so that it does not refuse r. 0: changed, and policy_parse() takes it.
 * -EALREADY: it does not refuse it. -EOPNOTSUPP: there is no such change, *ret_why says why, static; the policy is as it
 * was. -EBADMSG: it is no policy. -ENOMEM. *ret_why may also be set after a change: what is to be known of it; else NULL.
 */
int change_allow(json_t *policy, const struct refused *r, const char **ret_why);

/* Parses one policy in its JSON form. -EBADMSG. */
int change_parse(const json_t *policy, struct policy_set **ret);

#endif
