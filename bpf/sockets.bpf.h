/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sockets restriction, rules connect and families. AF_UNIX is in unix.bpf.h.
 *
 * An address is judged wherever a socket is given one to send to: connect, sendto and its kin (UDP, raw, MSG_FASTOPEN,
 * implicit associations), sctp_connectx. It is read the way the protocols read it, traps included. What makes packets
 * go elsewhere than to that address is refused wherever the rule is in force.
 */
#ifndef LEASTCAP_SOCKETS_BPF_H
#define LEASTCAP_SOCKETS_BPF_H

#include <bpf/bpf_endian.h>

#include "rules.bpf.h"

/* include/linux/socket.h */
enum {
	AF_UNSPEC = 0,
	AF_UNIX = 1,
	AF_INET = 2,
	AF_INET6 = 10,
	AF_NETLINK = 16,
	MSG_FASTOPEN = 0x20000000,
};

/* include/uapi/linux/in.h, in6.h, sctp.h */
enum {
	IPPROTO_IP = 0,
	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	IPPROTO_IPV6 = 41,
	IPPROTO_SCTP = 132,
	IPPROTO_UDPLITE = 136,
	IPPROTO_SMC = 256,
	IP_OPTIONS = 4,
	IP_RETOPTS = 7,
	IP_PKTINFO = 8,
	IPV6_2292RTHDR = 5,
	IPV6_2292PKTOPTIONS = 6,
	IPV6_FLOWLABEL_MGR = 32,
	IPV6_PKTINFO = 50,
	IPV6_RTHDR = 57,
	SCTP_DSTADDRV4 = 7,
	SCTP_DSTADDRV6 = 8,
	SCTP_SOCKOPT_CONNECTX = 110,
};

struct ip_sockaddr {
	__u16 family;
	__be16 port;
	__be32 v4; /* IPv6: flow label */
	__be32 v6[4]; /* the scope that follows is not looked at */
};

#define IPV4_SOCKADDR_LEN 16
#define IPV6_SOCKADDR_LEN 28
#define IPV6_SOCKADDR_MIN 24 /* without the scope: SIN6_LEN_RFC2133 */

#define IPV4_LOOPBACK bpf_htonl(0x7f000001)
#define IPV4_MAPPED bpf_htonl(0xffff)

/* What inquire_address() is told to do with AF_UNSPEC. */
enum address_use {
	ADDRESS_CONNECT, /* it disconnects */
	ADDRESS_SEND,
};

static __always_inline __u16 socket_family(struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_family);
}

/* The family that the protocol takes an address for; AF_UNSPEC: not for an address of IP. */
static __always_inline __u16 address_family(struct sock *sk, __u16 family, enum address_use use)
{
	__u16 protocol;

	if (family == AF_INET || family == AF_INET6)
		return family;
	if (family != AF_UNSPEC || use == ADDRESS_CONNECT)
		return AF_UNSPEC;
	/* udp_sendmsg() and raw_sendmsg(): as AF_INET. rawv6_sendmsg(): as AF_INET6. udpv6_sendmsg(): as none. */
	family = socket_family(sk);
	if (family == AF_INET)
		return AF_INET;
	protocol = BPF_CORE_READ(sk, sk_protocol);
	return family == AF_INET6 && protocol != IPPROTO_UDP && protocol != IPPROTO_UDPLITE
		       ? AF_INET6
		       : AF_UNSPEC;
}

/*
 * SMC hands what it is told to a socket of TCP inside it, which is the one that is bound (net/smc/smc.h). RDS keeps its
 * address in a place of its own. Neither is read here.
 */
static __always_inline bool own_address_readable(struct sock *sk)
{
	__u16 family = socket_family(sk);

	return (family == AF_INET || family == AF_INET6) &&
	       BPF_CORE_READ(sk, sk_protocol) != IPPROTO_SMC;
}

/*
 * 0.0.0.0 is the socket's own address, where it has one; else that of the interface it has chosen, which is not known
 * here; else 127.0.0.1 (ip_route_output_key_hash_rcu()).
 */
static __always_inline __be32 any_ipv4(struct sock *sk, bool *ret_unknown)
{
	__be32 own = BPF_CORE_READ((struct inet_sock *)sk, inet_saddr);

	*ret_unknown = !own && (BPF_CORE_READ(sk, __sk_common.skc_bound_dev_if) ||
				BPF_CORE_READ((struct inet_sock *)sk, uc_index));
	return own ?: IPV4_LOOPBACK;
}

/*
 * Fills in where packets go; false: not to an address of IP, or the protocol refuses it. ret_any: the address was
 * 0.0.0.0 or ::, which a control message can still turn into any address of the host.
 */
static __always_inline bool read_address(struct inquiry *q, struct sock *sk, const void *address,
					 __u32 len, enum address_use use, bool *ret_any)
{
	__be32 *to = (__be32 *)q->address;
	struct ip_sockaddr a = {};
	__u16 family;

	/* What is behind len is read, and not looked at. */
	if (len < sizeof(a.family) || bpf_probe_read_kernel(&a, sizeof(a), address))
		return false;
	family = address_family(sk, a.family, use);
	if (len < IPV4_SOCKADDR_LEN || (family == AF_INET6 && len < IPV6_SOCKADDR_MIN) || !family)
		return false;
	if (family == AF_INET) {
		a.v6[0] = a.v6[1] = 0;
		a.v6[2] = IPV4_MAPPED;
		a.v6[3] = a.v4;
	}
	*ret_any = !a.v6[0] && !a.v6[1] && !a.v6[3] && (!a.v6[2] || a.v6[2] == IPV4_MAPPED);
	if (*ret_any && !own_address_readable(sk)) {
		q->always = true;
	} else if (*ret_any && !a.v6[2]) {
		/* :: is ::1; of a socket that is bound to a mapped address it is 127.0.0.1. */
		bpf_probe_read_kernel(
			a.v6, sizeof(a.v6),
			__builtin_preserve_access_index(&sk->__sk_common.skc_v6_rcv_saddr));
		if (!a.v6[0] && !a.v6[1] && a.v6[2] == IPV4_MAPPED) {
			a.v6[3] = IPV4_LOOPBACK;
		} else {
			a.v6[0] = a.v6[1] = a.v6[2] = 0;
			a.v6[3] = bpf_htonl(1);
		}
	} else if (*ret_any) {
		a.v6[3] = any_ipv4(sk, &q->always);
	}
	to[0] = a.v6[0];
	to[1] = a.v6[1];
	to[2] = a.v6[2];
	to[3] = a.v6[3];
	q->port = bpf_ntohs(a.port);
	q->rule = LEASTCAP_RULE_CONNECT;
	q->sample.item = LEASTCAP_ITEM_CONNECT;
	q->sample.detail_kind = LEASTCAP_DETAIL_SOCKADDR;
	q->sample.detail = (__u64)address;
	q->sample.detail_len = len;
	return true;
}

SEC("lsm/socket_connect")
int BPF_PROG(lc_connect, struct socket *sock, struct sockaddr *address, int addrlen, int ret)
{
	struct inquiry q = {};
	struct sock *sk;
	bool any;

	if (ret || !armed)
		return ret;
	if (surely_unconcerned(bpf_get_current_task_btf(), LEASTCAP_RULE_CONNECT))
		return 0;
	sk = BPF_CORE_READ(sock, sk);
	if (addrlen < 0 || !read_address(&q, sk, address, (__u32)addrlen, ADDRESS_CONNECT, &any))
		return 0;
	return ask(&q);
}

/* ---- what goes elsewhere ---- */

struct control {
	__u64 len;
	__u32 level;
	__u32 type;
};

/* More control messages than this are not looked through: one that matters may be behind them. */
#define CONTROLS 24

/*
 * Does a control message set the route, or name a destination? Source routes of either protocol (of IPv4 by an
 * IPv6 socket too); further addresses of an SCTP association; with 0.0.0.0, the source address, which then is the
 * destination. None of it needs a capability.
 */
static __noinline int control_routes(__u64 at, __u64 left, int any)
{
	for (int i = 0; i < CONTROLS; i++) {
		struct control c = {};
		__u64 step;

		if (left < sizeof(c))
			return 0;
		/* CMSG_OK(): with one that is not, all of them are refused by the protocol. */
		if (bpf_probe_read_kernel(&c, sizeof(c), (void *)at) || c.len < sizeof(c) ||
		    c.len > left)
			return 0;
		if (c.level == IPPROTO_IP &&
		    (c.type == IP_RETOPTS || (any && c.type == IP_PKTINFO)))
			return 1;
		if (c.level == IPPROTO_IPV6 && (c.type == IPV6_RTHDR || c.type == IPV6_2292RTHDR ||
						(any && c.type == IPV6_PKTINFO)))
			return 1;
		if (c.level == IPPROTO_SCTP &&
		    (c.type == SCTP_DSTADDRV4 || c.type == SCTP_DSTADDRV6))
			return 1;
		step = (c.len + 7) & ~7ULL;
		if (step >= left)
			return 0;
		at += step;
		left -= step;
	}
	return 1;
}

/* What is refused whatever the list says. */
static __always_inline void route_item(struct inquiry *q)
{
	q->rule = LEASTCAP_RULE_CONNECT;
	q->sample.item = LEASTCAP_ITEM_SOURCE_ROUTE;
	q->always = true;
}

/*
 * A repeat of the same address within one sendmmsg() does not pass here (____sys_sendmsg() in net/socket.c), with whatever
 * control messages it has.
 */
SEC("lsm/socket_sendmsg")
int BPF_PROG(lc_sendmsg, struct socket *sock, struct msghdr *msg, int size, int ret)
{
	void *name, *control;
	__u64 control_len;
	struct inquiry q = {};
	bool judged = false, any = false;
	struct sock *sk;
	__u16 family;

	if (ret || !armed)
		return ret;
	name = msg->msg_name;
	control_len = msg->msg_controllen;
	if (!name && !control_len)
		return 0;
	if (surely_unconcerned(bpf_get_current_task_btf(), LEASTCAP_RULE_CONNECT))
		return 0;
	sk = BPF_CORE_READ(sock, sk);
	family = socket_family(sk);
	if (family == AF_UNIX || family == AF_NETLINK)
		return 0;
	/* tcp_sendmsg() looks at the address only for MSG_FASTOPEN. */
	if (name &&
	    (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP || (msg->msg_flags & MSG_FASTOPEN)))
		judged = read_address(&q, sk, name, (__u32)msg->msg_namelen, ADDRESS_SEND, &any);
	control = msg->msg_control;
	if (control_len && (family == AF_INET || family == AF_INET6) &&
	    control_routes((__u64)control, control_len, any)) {
		route_item(&q);
		judged = true;
	}
	return judged ? ask(&q) : 0;
}

/*
 * Options that stay with the socket. A flow label (IPv6) can carry a routing header. IP_RETOPTS and IPV6_2292RTHDR are
 * about what is received.
 */
SEC("lsm/socket_setsockopt")
int BPF_PROG(lc_setsockopt, struct socket *sock, int level, int optname, int ret)
{
	struct inquiry q = {};

	if (ret || !armed)
		return ret;
	switch (level) {
	case IPPROTO_IP:
		if (optname != IP_OPTIONS)
			return 0;
		break;
	case IPPROTO_IPV6:
		if (optname != IPV6_RTHDR && optname != IPV6_2292PKTOPTIONS &&
		    optname != IPV6_FLOWLABEL_MGR)
			return 0;
		break;
	default:
		return 0;
	}
	route_item(&q);
	return ask(&q);
}

/* More addresses in one call are refused. */
#define SCTP_ADDRESSES 8

/*
 * Number n of a list. The verifier looks at it once, not at every call, since it is not static: so it gets numbers.
 * Answers how long the address is, 0 if it is refused.
 */
__noinline __u32 list_address(__u64 sk, __u64 at, __u32 n)
{
	struct inquiry q = {};
	__u16 family = 0;
	__u32 len;
	bool any;

	bpf_probe_read_kernel(&family, sizeof(family), (void *)at);
	len = family == AF_INET6 ? IPV6_SOCKADDR_LEN : IPV4_SOCKADDR_LEN;
	if (n == SCTP_ADDRESSES)
		route_item(&q);
	else if (!read_address(&q, (struct sock *)sk, (void *)at, len, ADDRESS_CONNECT, &any))
		return len;
	return ask(&q) ? 0 : len;
}

/*
 * sctp_connectx(): a packed list. The other uses of the hook name the socket's own addresses, or one that connect or
 * sendmsg have named before; or are the peer's (ASCONF), and no doing of any task.
 */
SEC("lsm/sctp_bind_connect")
int BPF_PROG(lc_sctp_connect, struct sock *sk, int optname, struct sockaddr *address, int addrlen,
	     int ret)
{
	__u64 args[3] = {}; /* sk, optname, address, as numbers */
	__u32 left = (__u32)addrlen;

	if (ret || !armed)
		return ret;
	if (optname != SCTP_SOCKOPT_CONNECTX || addrlen <= 0)
		return 0;
	bpf_probe_read_kernel(args, sizeof(args), ctx);
	for (__u32 i = 0; i <= SCTP_ADDRESSES; i++) {
		__u32 len = list_address(args[0], args[2], i);

		if (!len)
			return -EPERM;
		/* A list that ends within an address is refused by sctp_connect(). */
		if (len >= left)
			return 0;
		left -= len;
		args[2] += len;
	}
	/* In no list: the last call has judged all that is behind. */
	return 0;
}

SEC("lsm/socket_create")
int BPF_PROG(lc_socket, int family, int type, int protocol, int kern, int ret)
{
	struct inquiry q = {.rule = LEASTCAP_RULE_FAMILIES};

	if (ret || !armed)
		return ret;
	if (kern)
		return 0;
	q.sample.item = LEASTCAP_ITEM_FAMILY;
	q.sample.detail_kind = LEASTCAP_DETAIL_NUMBER;
	q.sample.detail = (__u32)family;
	q.mask = (__u32)family < 64 ? 1ULL << family : 0;
	return ask(&q);
}

#endif
