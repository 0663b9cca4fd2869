/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sockets restriction, rule host-unix: connecting and sending to AF_UNIX sockets that were made outside of the
 * subject's subtree. Whose a socket is says the cgroup of the task that made it (sk_alloc()): it is never changed. Both
 * hooks are called with the socket that is connected or sent to, found by path or abstract name, so neither bind
 * mounts nor renames matter.
 */
#ifndef LEASTCAP_UNIX_BPF_H
#define LEASTCAP_UNIX_BPF_H

#include "rules.bpf.h"

/* The name that it is bound to, and its hash. No name is in no list. */
static __always_inline void listener_name(struct inquiry *q, struct sock *listener, char *name)
{
	struct unix_address *addr = BPF_CORE_READ((struct unix_sock *)listener, addr);
	__u32 len;

	if (!addr)
		return;
	len = (__u32)BPF_CORE_READ(addr, len) - 2;
	q->sample.detail = (__u64)&addr->name[0].sun_path;
	q->sample.detail_len = len;
	/* Longer there is none. */
	if (!len || len > LEASTCAP_UNIX_LEN ||
	    bpf_probe_read_kernel(name, len, (void *)q->sample.detail))
		return;
	/* "@" stands for the NUL of an abstract name: a relative path that begins with it has no name. */
	if (name[0] == '@')
		return;
	if (!name[0])
		name[0] = '@';
	q->name = name;
	q->hash = leastcap_unix_hash(name);
}

static __always_inline int inquire_listener(struct sock *listener)
{
	struct inquiry q = {.rule = LEASTCAP_RULE_UNIX};
	char name[LEASTCAP_UNIX_LEN] = {};

	/* A core dump sent to a socket (v6.16) is the kernel's doing; the task is not in a system call of its own. */
	if (bpf_get_current_task_btf()->flags & PF_DUMPCORE)
		return 0;
	if (!concerned(LEASTCAP_RULE_UNIX))
		return 0;
	q.sample.item = LEASTCAP_ITEM_UNIX;
	q.sample.detail_kind = LEASTCAP_DETAIL_UNIX;
	q.owner = BPF_CORE_READ(listener, sk_cgrp_data.cgroup);
	listener_name(&q, listener, name);
	return refusal(inquire(&q));
}

/* Stream and seqpacket. other: the listener. */
SEC("lsm/unix_stream_connect")
int BPF_PROG(lc_unix_connect, struct sock *sk, struct sock *other, struct sock *newsk, int ret)
{
	if (ret || !armed)
		return ret;
	return inquire_listener(other);
}

/* Has this socket sent to the one of that cookie? */
static __always_inline bool has_asked(const struct leastcap_asked *a, __u64 cookie)
{
	for (int i = 0; i < LEASTCAP_ASKED; i++) {
		if (a->cookies[i] == cookie)
			return true;
	}
	return false;
}

/* Only who has a name can be answered. No storage: there will be no answer. */
static __always_inline void note_asker(struct sock *from, struct sock *to)
{
	__u64 cookie;
	struct leastcap_asked *a;

	if (!BPF_CORE_READ((struct unix_sock *)from, addr))
		return;
	cookie = bpf_get_socket_cookie(to);
	a = bpf_sk_storage_get(&askers, from, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (a && !has_asked(a, cookie))
		a->cookies[__sync_fetch_and_add(&a->n, 1) % LEASTCAP_ASKED] = cookie;
}

/* Datagrams: connect, and every message, of a connected socket too. Answers are not refused. */
SEC("lsm/unix_may_send")
int BPF_PROG(lc_unix_send, struct socket *sock, struct socket *other, int ret)
{
	struct sock *from, *to;
	struct leastcap_asked *a;

	if (ret || !armed)
		return ret;
	from = sock->sk;
	to = other->sk;
	if (!from || !to)
		return 0;
	/* The other is connected to this socket: that was its own doing. So are socketpairs. */
	if (BPF_CORE_READ((struct unix_sock *)to, peer) == from)
		return 0;
	a = bpf_sk_storage_get(&askers, to, NULL, 0);
	if (a && has_asked(a, bpf_get_socket_cookie(from)))
		return 0;
	ret = inquire_listener(to);
	if (!ret)
		note_asker(from, to);
	return ret;
}

#endif
