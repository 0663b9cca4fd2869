/* SPDX-License-Identifier: GPL-2.0-only */
/* What to write where, so that it is allowed: the changes of an explanation. Pure. */
#ifndef LEASTCAP_EXPLAIN_CHANGES_H
#define LEASTCAP_EXPLAIN_CHANGES_H

#include <jansson.h>

#include "explain/explain.h"
#include "explain/refused.h"

/* Where an answer of GET /v1/policy says that the rule is written; NULL: nowhere. */
const json_t *change_place(const json_t *answer, const struct refused *r);

/* An array, one for each thing to write. cap: what the kernel asks for besides, -1: nothing. */
json_t *changes_json(const struct explain_input *in, const struct refused *r, int cap);

/* The same for a policy that gets another set of capabilities. NULL: it is no such answer, or no memory. */
json_t *change_capabilities(const struct explain_input *in, const json_t *answer, uint64_t set);

/* Where a change of a file belongs, in words: "in FILE, in place of 'capabilities' in lines 5 to 17 (policy web)". To be freed;
 * NULL: it is none of a file, or no memory. */
char *change_where(const json_t *change);

#endif
