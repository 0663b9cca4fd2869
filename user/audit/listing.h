/* SPDX-License-Identifier: GPL-2.0-only */
/* What is bound, as GET /v1/status has it: for the daemon, and for the command line where there is no daemon. */
#ifndef LEASTCAP_LISTING_H
#define LEASTCAP_LISTING_H

#include <jansson.h>

#include "kernel/kernel.h"
#include "subject/identity.h"

struct listing {
	struct kernel *kernel;
	/* A cgroup's path, a unit, a container's name, id or its beginning, a policy; NULL: all. */
	const char *subject;
	/* The path of a cgroup that is gone, if somebody remembers it; may be NULL. */
	const char *(*old_path)(uint64_t cgroup, void *ctx);
	/* What is known of the container of a cgroup; may be NULL, and answer NULL: nothing. Valid until it is asked
	 * again. */
	const struct identity *(*who)(const char *cgroup, void *ctx);
	void *ctx;
};

/* Calls fn with each, in ascending order of cgroup id, until it returns non-zero: that, or -errno. */
int listing_each(const struct listing *l, int (*fn)(const json_t *binding, void *ctx), void *ctx);

/* All in a new array; -errno. */
int listing_bindings(const struct listing *l, json_t **ret);

/* {allowed, used, denied, would_deny, probed}. NULL: no memory. */
json_t *listing_capabilities(uint64_t allowed, const struct kernel_ledger *ledger);

/* {enforced, audited, used, denied, would_deny}: what the policy says of rules, and what came of them. NULL: no memory. */
json_t *listing_rules(const struct leastcap_policy *policy, const struct kernel_ledger *ledger);

/* null, or {"reason","seconds_left","by"}; about: who has disarmed it and why, NULL: not known. NULL: no memory. */
json_t *listing_disarmed(const struct kernel *k, const json_t *about);

/* {"on", "now", "held", "too_long"}: entrypoints that are and were held, see bpf/hold.bpf.h. NULL: no memory. */
json_t *listing_hold(struct kernel *k);

/* {"ring": N, ...}. NULL: no memory. */
json_t *listing_losses(const uint64_t losses[LEASTCAP_LOSSES]);

#endif
