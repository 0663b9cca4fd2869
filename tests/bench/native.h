/* SPDX-License-Identifier: GPL-2.0-only */
/* What native.bpf.c and native.c share. */
#ifndef LEASTCAP_BENCH_NATIVE_H
#define LEASTCAP_BENCH_NATIVE_H

#include <leastcap/abi.h>

#define NATIVE_ROUNDS 100000U /* of a run: short, so that some are not interrupted */

struct native_bench {
	struct leastcap_rules rules; /* the policy */
	__u32 cap; /* what is asked for */
	__u32 flags; /* LEASTCAP_CHECK_* */
	__u32 todo; /* what leastcap_decide() is to answer */
	__u32 pad;
	__u64 rounds; /* answer: how many steps there were */
	__u64 counted; /* answer: how many refusals have been counted */
};

#endif
