/* SPDX-License-Identifier: GPL-2.0-only */
/* A policy of the language as the kernel side takes it. */
#ifndef LEASTCAP_COMPILE_H
#define LEASTCAP_COMPILE_H

#include "kernel/kernel.h"
#include "policy/policy.h"

/*
 * Fills all but id and revision of *ret, its content hash too, and *ret_lists, which borrows from policy. Rules that are
 * optional and that this kernel cannot hold are left out; *ret_left_out (may be NULL) says which.
 */
void policy_compile(const struct policy *policy, struct leastcap_policy *ret,
		    struct kernel_lists *ret_lists, uint32_t *ret_left_out);

/* The rules that are optional and that this kernel cannot hold. */
uint32_t policy_left_out(const struct policy *policy);

/*
 * Why this kernel cannot hold a policy: "restriction namespaces needs hook userns_create", or several of that kind.
 * NULL: it can, or there is no memory. To be freed.
 */
char *policy_unsupported(const struct policy *policy);

#endif
