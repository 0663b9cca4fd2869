/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel has refused while no daemon ran: the difference of two looks at the ledgers. Pure. */
#ifndef LEASTCAP_MEANWHILE_H
#define LEASTCAP_MEANWHILE_H

#include <jansson.h>

#include "audit/tally.h"

/* {cgroup id: [denied, would_deny]}, of those that are not zero. NULL: no memory. */
json_t *meanwhile_form(const struct tally *t);

/*
 * {"denied","would_deny","bindings","subjects":[{"cgroup","cgroup_id","denied","would_deny"}]} of what has come since `was`, a
 * meanwhile_form(); bindings: how many, subjects: the first of them. NULL: nothing has come, or no memory.
 */
json_t *meanwhile_members(const struct tally *t, const json_t *was,
			  const char *(*name)(uint64_t cgroup, void *ctx), void *ctx);

#endif
