/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The modules restriction: that the kernel loads one because of what the subject does. Loading by system call, unloading
 * and kexec are in syscalls.bpf.h. Firmware is none of it: opening a device loads the host's.
 */
#ifndef LEASTCAP_MODULES_BPF_H
#define LEASTCAP_MODULES_BPF_H

#include "rules.bpf.h"

/* include/linux/socket.h: AF_*; include/uapi/linux/netlink.h: NETLINK_* */
enum {
	FAMILY_KEY = 15,
	FAMILY_NETLINK = 16,
	FAMILY_ALG = 38,
	PROTOCOL_XFRM = 6,
	PROTOCOL_CRYPTO = 21,
};

/* The only place where the requesting task is seen: modprobe is a child of a kernel thread, in the root cgroup. */
SEC("lsm/kernel_module_request")
int BPF_PROG(lc_modprobe, char *name, int ret)
{
	struct inquiry q = {.rule = LEASTCAP_RULE_MODULES};

	if (ret || !armed)
		return ret;
	q.sample.item = LEASTCAP_ITEM_MODULE_REQUEST;
	q.sample.detail_kind = LEASTCAP_DETAIL_TEXT;
	q.sample.detail = (__u64)name;
	return ask(&q);
}

/*
 * Sockets that take the name of a crypto algorithm: cryptomgr_probe(), a kernel thread, requests the modules of the
 * templates in it (crypto/algboss.c). A refusal of the caller's own request does not stop that.
 */
SEC("lsm/socket_create")
int BPF_PROG(lc_crypto_sock, int family, int type, int protocol, int kern, int ret)
{
	struct inquiry q = {.rule = LEASTCAP_RULE_MODULES};

	if (ret || !armed)
		return ret;
	if (kern || !(family == FAMILY_ALG || family == FAMILY_KEY ||
		      (family == FAMILY_NETLINK &&
		       (protocol == PROTOCOL_XFRM || protocol == PROTOCOL_CRYPTO))))
		return 0;
	q.sample.item = LEASTCAP_ITEM_MODULE_CRYPTO;
	q.sample.detail_kind = LEASTCAP_DETAIL_NUMBER;
	q.sample.detail = (__u64)family;
	return ask(&q);
}

#endif
