/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bpf restriction: bpf(2), and what gives a map or a program by another way. The BPF file system is in
 * filesystems.bpf.h.
 */
#ifndef LEASTCAP_BPF_BPF_H
#define LEASTCAP_BPF_BPF_H

#include "syscalls.bpf.h"

static __always_inline int inquire_bpf(__u32 item, __u32 detail_kind, __u64 detail)
{
	struct inquiry q = {.rule = LEASTCAP_RULE_BPF};

	q.sample.item = item;
	q.sample.detail_kind = detail_kind;
	q.sample.detail = detail;
	return ask(&q);
}

SEC("lsm/bpf")
int BPF_PROG(lc_bpf_3, int cmd, void *attr, unsigned int size, int ret)
{
	if (ret || !armed)
		return ret;
	return inquire_bpf(LEASTCAP_ITEM_BPF_CALL, LEASTCAP_DETAIL_NUMBER, (__u32)cmd);
}

/* After v6.14 there is `kernel`: its own calls are not judged. */
SEC("lsm/bpf")
int BPF_PROG(lc_bpf_4, int cmd, void *attr, unsigned int size, bool kernel, int ret)
{
	if (ret || !armed)
		return ret;
	if (kernel)
		return 0;
	return inquire_bpf(LEASTCAP_ITEM_BPF_CALL, LEASTCAP_DETAIL_NUMBER, (__u32)cmd);
}

/* bpf(2) has been asked already. What is left takes a pin by its path: xt_bpf (net/netfilter/xt_bpf.c). */
static __always_inline int inquire_object(void)
{
	__u64 argument = 0;

	if (running_syscall(bpf_get_current_task_btf(), &argument) == NR_BPF)
		return 0;
	return inquire_bpf(LEASTCAP_ITEM_BPF_OBJECT, LEASTCAP_DETAIL_NONE, 0);
}

SEC("lsm/bpf_map")
int BPF_PROG(lc_bpf_map, void *map, unsigned int fmode, int ret)
{
	if (ret || !armed)
		return ret;
	return inquire_object();
}

SEC("lsm/bpf_prog")
int BPF_PROG(lc_bpf_prog, void *prog, int ret)
{
	if (ret || !armed)
		return ret;
	return inquire_object();
}

#endif
