/* SPDX-License-Identifier: GPL-2.0-only */
/* What leastcapd needs itself, to start and to change what is bound. */
#ifndef LEASTCAP_NEEDS_H
#define LEASTCAP_NEEDS_H

#include "policy/policy.h"

/*
 * SYS_ADMIN, BPF, PERFMON  load and attach programs, write their maps
 * DAC_READ_SEARCH          find cgroups by their ids
 * DAC_OVERRIDE, SYS_PTRACE ask the engines of users; see who does what
 * KILL                     let go what it holds
 * CHOWN                    give its socket away
 * The rest of what its unit has is for one option (--audit), or for the proof alone.
 */
#define NEEDS_CAPABILITIES                                                                 \
	(1ULL << CAP_SYS_ADMIN | 1ULL << CAP_BPF | 1ULL << CAP_PERFMON |                   \
	 1ULL << CAP_DAC_READ_SEARCH | 1ULL << CAP_DAC_OVERRIDE | 1ULL << CAP_SYS_PTRACE | \
	 1ULL << CAP_KILL | 1ULL << CAP_CHOWN)

/*
 * What a policy refuses of that: "DAC_READ_SEARCH, KILL, bpf". NULL: nothing, or no memory. notify: the socket of the service
 * manager, which ends who does not report there; NULL: there is none. To be freed.
 */
char *needs_refused(const struct policy *policy, const char *notify);

#endif
