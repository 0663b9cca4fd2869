/* SPDX-License-Identifier: GPL-2.0-only */
/* What an event says was refused, as numbers, and whether a policy refuses it. Pure. */
#ifndef LEASTCAP_EXPLAIN_REFUSED_H
#define LEASTCAP_EXPLAIN_REFUSED_H

#include <stdint.h>

#include <jansson.h>

#include "policy/policy.h"

struct refused {
	uint32_t item; /* capability number or enum leastcap_item */
	int rule; /* enum leastcap_rule; -1: a capability, or a way around the whitelist */
	const char *detail; /* of the event, escaped; NULL: none. Belongs to the event */
};

enum refuses { REFUSES_NOT, REFUSES_MAYBE, REFUSES };

/* -EBADMSG: the event is no refusal. Its restriction is not known: -ENOENT; its item: -ENODATA. */
int refused_of_event(const json_t *event, struct refused *ret);

/* Of a capability. */
struct refused refused_capability(unsigned int cap);

static inline bool refused_is_capability(const struct refused *r)
{
	return r->item < 64;
}

/* Maybe: the event does not say enough. Modes are not looked at: audited is refused. */
enum refuses policy_refuses(const struct policy *policy, const struct refused *r);

/* An address as events write it. Port 0: none. -EINVAL: it is none, or of another family. What a connection to 0.0.0.0
 * or [::] is judged by is the loopback address. */
int refused_address(const char *detail, uint8_t ret_address[16], uint16_t *ret_port);

/* The type of the file system, one of those in types; NULL: the event does not tell. */
const char *refused_filesystem(const struct refused *r, char *const *types);

#endif
