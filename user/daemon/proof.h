/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two files of the proof of enforcement share: proof.c tries, proof_tell.c tells. */
#ifndef LEASTCAP_PROOF_H
#define LEASTCAP_PROOF_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "daemon/internal.h"
#include "prove/prove.h"

enum { OUTSIDE, INSIDE, CHILDREN };

struct child {
	pid_t pid; /* 0: it does not run */
	int pipe; /* its results come here */
	sd_event_source *end;
	struct prove_kit kit;
	int results[PROVE_ACTS];
};

/* What a round came to. */
struct findings {
	uint32_t acts; /* those that were tried, a mask; 0: there was no round yet */
	time_t when;
	struct prove_verdict verdicts[PROVE_ACTS];
};

struct proof {
	struct state *s; /* borrowed, as the next */
	sd_event *event;
	uint64_t every_ns;
	bool exit; /* the daemon ends when an act was not refused */

	uint64_t next; /* CLOCK_BOOTTIME ns: when a round is due */
	uint64_t cgroup; /* the canary; 0: there is none yet */

	/* The round that is under way. */
	uint64_t begun;
	uint32_t acts;
	struct child children[CHILDREN];
	sd_event_source *limit;
	struct leastcap_policy policy;
	struct kernel_lists lists;
	bool bound, late;
	int err; /* it could not be begun */

	bool doubted; /* the last round proved less than all, and is repeated before that is told */
	struct findings findings; /* of the last round that was told */
};

static inline bool in_acts(uint32_t acts, unsigned int act)
{
	return acts >> act & 1;
}

/* A mask of the acts with this state. */
uint32_t findings_with(const struct findings *f, enum prove_state state);

/* Tells what has changed, and what is not proven; takes the findings over. */
void proof_tell(struct proof *p, const struct findings *fresh);

#endif
