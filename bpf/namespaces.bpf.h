/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The namespaces restriction: a new user namespace, by unshare, clone and clone3 (create_user_ns() in
 * kernel/user_namespace.c, v6.1). Joining one is in syscalls.bpf.h.
 */
#ifndef LEASTCAP_NAMESPACES_BPF_H
#define LEASTCAP_NAMESPACES_BPF_H

#include "rules.bpf.h"

SEC("lsm/userns_create")
int BPF_PROG(lc_userns, const struct cred *cred, int ret)
{
	struct inquiry q = {.rule = LEASTCAP_RULE_NAMESPACES};

	if (ret || !armed)
		return ret;
	q.sample.item = LEASTCAP_ITEM_USERNS_CREATE;
	return ask(&q);
}

#endif
