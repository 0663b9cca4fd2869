/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Proof of enforcement: for each restriction an act that the kernel refuses whom the canary's policy holds. It is tried
 * twice, outside of the canary, where it must be possible, and in it, where leastcap must refuse it.
 *
 * Each act does no harm where nobody refuses it: it ends with an error of its own, behind the hook, or is about
 * something that the child has made itself.
 */
#ifndef LEASTCAP_PROVE_H
#define LEASTCAP_PROVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <leastcap/abi.h>

#include "kernel/kernel.h"

/* The cgroup that is bound for a moment. Nothing of the host or of a container is in it, nor above it. */
#define PROVE_CGROUP "/leastcap.canary"

/* Acts: the first is for the capabilities, then one for each rule. A mask of them has bit n for act n. */
#define PROVE_CAPABILITIES 0U
#define PROVE_RULE(rule) ((rule) + 1U)
#define PROVE_ACTS (LEASTCAP_RULES + 1)

/* An act that was not tried. What is tried ends with 0 or an errno. */
#define PROVE_NOT_TRIED (-1)

/* What acts need and the canary may not make. Opened outside of it, one for each child. */
struct prove_kit {
	int pipe; /* whose mode is set; the caller's */
	int cgroups; /* folder of a file system that the canary may not open */
	int listener, client; /* AF_UNIX */
	struct sockaddr_un name; /* of the listener */
	socklen_t name_len;
	char node[64]; /* path of a device node, made and removed */
};

#define PROVE_KIT_EMPTY      \
	((struct prove_kit){ \
		.pipe = -EBADF, .cgroups = -EBADF, .listener = -EBADF, .client = -EBADF})

/* name: tells the kits apart. -errno; what was opened is closed by prove_kit_done(). */
int prove_kit_open(struct prove_kit *kit, int pipe, const char *name);
void prove_kit_done(struct prove_kit *kit);

/* "capabilities", or the rule's word. */
const char *prove_name(unsigned int act);
enum leastcap_restriction prove_restriction(unsigned int act);

/* What an act ends with where nobody refuses it. */
int prove_free(unsigned int act);

/* Tries one act, in this process. kit may be NULL for PROVE_CAPABILITIES. */
int prove_try(unsigned int act, const struct prove_kit *kit);

/* Tries the acts of a mask; the others' results are PROVE_NOT_TRIED. */
void prove_try_all(uint32_t mask, const struct prove_kit *kit, int results[PROVE_ACTS]);

/* The canary's policy, which refuses what these acts do. */
void prove_policy(uint32_t mask, struct leastcap_policy *ret, struct kernel_lists *ret_lists);

/* The capability that the canary's whitelist lacks. */
#define PROVE_CAP 2 /* CAP_DAC_READ_SEARCH */

enum prove_state {
	PROVE_UNTRIED =
		0, /* it cannot be said: the act is not possible here, or something else came between */
	PROVE_PROVEN,
	PROVE_FAILED, /* it was allowed, or refused by somebody else */
};

struct prove_verdict {
	enum prove_state state;
	char reason[160]; /* "" where it is proven */
};

/* What an act came to: outside of the canary, in it, and whether leastcap has counted the refusal there. */
struct prove_verdict prove_judge(unsigned int act, int outside, int inside, bool counted);

/* Has leastcap counted a refusal of this act? The ledger was empty before. */
bool prove_counted(unsigned int act, const struct kernel_ledger *ledger);

#endif
