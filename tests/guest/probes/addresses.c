/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every way to give a socket an address of IP, and socket families. Each act is said with the name of its errno.
 * Exit status: 0 allowed, 1 refused with EPERM, 2 could not be attempted, 3 another error. ADDRESS is of IPv4 or IPv6; an
 * act says which family of socket it takes.
 *
 * "each" does many acts in one process.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "uring.h"

enum outcome { ALLOWED = 0, REFUSED = 1, NOT_TRIED = 2, OTHER = 3 };

/* include/uapi/linux/sctp.h, in6.h, rxrpc.h: not in libc's headers */
enum {
	SCTP_CONNECTX_OLD = 107,
	SCTP_CONNECTX = 110,
	SCTP_CONNECTX3 = 111,
	SCTP_DSTADDRV4 = 7,
	FLOWLABEL_MGR = 32,
	PKTOPTIONS_2292 = 6,
	RTHDR_2292 = 5,
};

static const char *name; /* of the act */
static const char *outcome; /* of it: "ok" or the name of an errno */
static bool quiet;
/* What is sent. Also a request of ICMP for an echo. */
static char text[] = "\10\0 hello";
#define TEXT_LEN (sizeof(text) - 1)

static int say(int err)
{
	outcome = err ? strerrorname_np(err) : "ok";
	if (!quiet)
		printf("%s: %s\n", name, outcome);
	return err == 0 ? ALLOWED : err == EPERM ? REFUSED : OTHER;
}

static int said(long res)
{
	return say(res < 0 ? errno : 0);
}

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", name, what, strerror(errno));
	exit(NOT_TRIED);
}

/* ---- a 32-bit caller comes by socketcall(2), which libc may not use ---- */

#ifdef __i386__
static long multiplexed(int call, unsigned long a, unsigned long b, unsigned long c,
			unsigned long d, unsigned long e, unsigned long f)
{
	unsigned long args[] = {a, b, c, d, e, f};

	return syscall(SYS_socketcall, call, args);
}

static int sys_socket(int family, int type, int protocol)
{
	return (int)multiplexed(1, (unsigned long)family, (unsigned long)type,
				(unsigned long)protocol, 0, 0, 0);
}

static long sys_connect(int fd, const void *to, socklen_t len)
{
	return multiplexed(3, (unsigned long)fd, (unsigned long)to, len, 0, 0, 0);
}

static long sys_sendto(int fd, int flags, const void *to, socklen_t len)
{
	return multiplexed(11, (unsigned long)fd, (unsigned long)text, TEXT_LEN,
			   (unsigned long)flags, (unsigned long)to, len);
}

static long sys_setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	return multiplexed(14, (unsigned long)fd, (unsigned long)level, (unsigned long)option,
			   (unsigned long)value, len, 0);
}

static long sys_sendmsg(int fd, const struct msghdr *m)
{
	return multiplexed(16, (unsigned long)fd, (unsigned long)m, 0, 0, 0, 0);
}
#else
static int sys_socket(int family, int type, int protocol)
{
	return socket(family, type, protocol);
}

static long sys_connect(int fd, const void *to, socklen_t len)
{
	return connect(fd, to, len);
}

static long sys_sendto(int fd, int flags, const void *to, socklen_t len)
{
	return sendto(fd, text, TEXT_LEN, flags, to, len);
}

static long sys_setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	return setsockopt(fd, level, option, value, len);
}

static long sys_sendmsg(int fd, const struct msghdr *m)
{
	return sendmsg(fd, m, 0);
}
#endif

/* ---- addresses ---- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t read_address(char **argv, union address *ret)
{
	uint16_t port = htons((uint16_t)atoi(argv[1]));

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, argv[0], &ret->v4.sin_addr) == 1) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = port;
		return sizeof(ret->v4);
	}
	if (inet_pton(AF_INET6, argv[0], &ret->v6.sin6_addr) != 1) {
		fprintf(stderr, "no address: %s\n", argv[0]);
		exit(NOT_TRIED);
	}
	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port = port;
	return sizeof(ret->v6);
}

static int new_socket(int family, int type, int protocol)
{
	int fd = sys_socket(family, type, protocol);

	if (fd < 0)
		fail("socket");
	return fd;
}

static struct msghdr message(union address *to, socklen_t len)
{
	static struct iovec data = {text, TEXT_LEN};

	return (struct msghdr){
		.msg_name = to, .msg_namelen = len, .msg_iov = &data, .msg_iovlen = 1};
}

/* ---- the acts: ADDRESS PORT ... ---- */

static int connect_type(char **argv, int type, int protocol)
{
	union address a;
	socklen_t len = read_address(argv, &a);

	return said(sys_connect(new_socket(a.any.sa_family, type, protocol), &a, len));
}

static int act_tcp(char **argv)
{
	return connect_type(argv, SOCK_STREAM, 0);
}

static int act_udp(char **argv)
{
	return connect_type(argv, SOCK_DGRAM, 0);
}

/* Its protocol is 99. */
static int act_raw_connect(char **argv)
{
	return connect_type(argv, SOCK_RAW, 99);
}

static int act_mptcp(char **argv)
{
	return connect_type(argv, SOCK_STREAM, 262 /* IPPROTO_MPTCP */);
}

static int act_sctp(char **argv)
{
	return connect_type(argv, SOCK_STREAM, IPPROTO_SCTP);
}

/* An answer of the other side is not waited for. */
static int act_dccp(char **argv)
{
	union address a;
	socklen_t len = read_address(argv, &a);
	int fd = new_socket(a.any.sa_family, SOCK_DCCP | SOCK_NONBLOCK, IPPROTO_DCCP);
	long res = sys_connect(fd, &a, len);

	return res && errno == EINPROGRESS ? say(0) : said(res);
}

static int act_ping(char **argv)
{
	bool v6 = strchr(argv[0], ':');

	return connect_type(argv, SOCK_DGRAM, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

/* short LENGTH ADDRESS PORT: connect with an address that is so long. */
static int act_short(char **argv)
{
	union address a;

	read_address(argv + 1, &a);
	return said(sys_connect(new_socket(a.any.sa_family, SOCK_DGRAM, 0), &a,
				(socklen_t)atoi(argv[0])));
}

/* unconnect tcp|udp: connect to AF_UNSPEC, which ends what connection there is. */
static int act_unconnect(char **argv)
{
	struct sockaddr_in a = {.sin_family = AF_UNSPEC};
	int type = !strcmp(argv[0], "tcp") ? SOCK_STREAM : SOCK_DGRAM;

	return said(sys_connect(new_socket(AF_INET, type, 0), &a, sizeof(a)));
}

static int sendto_as(char **argv, int type, int protocol, int family, int as, int flags)
{
	union address a;
	socklen_t len = read_address(argv, &a);
	int fd = new_socket(family ?: a.any.sa_family, type, protocol);

	if (as >= 0)
		a.any.sa_family = (sa_family_t)as;
	return said(sys_sendto(fd, flags, &a, len));
}

static int act_sendto(char **argv)
{
	return sendto_as(argv, SOCK_DGRAM, 0, 0, -1, 0);
}

static int act_udplite(char **argv)
{
	return sendto_as(argv, SOCK_DGRAM, IPPROTO_UDPLITE, 0, -1, 0);
}

static int act_ping_sendto(char **argv)
{
	return sendto_as(argv, SOCK_DGRAM, IPPROTO_ICMP, 0, -1, 0);
}

static int act_unspec(char **argv)
{
	return sendto_as(argv, SOCK_DGRAM, 0, 0, AF_UNSPEC, 0);
}

/* l2tp has no ports. */
static int act_l2tp(char **argv)
{
	return sendto_as(argv, SOCK_DGRAM, 115 /* IPPROTO_L2TP */, 0, -1, 0);
}

/* Its protocol is 99: with IPv6 that has to be the port. */
static int act_raw(char **argv)
{
	return sendto_as(argv, SOCK_RAW, 99, 0, -1, 0);
}

static int act_raw_unspec(char **argv)
{
	return sendto_as(argv, SOCK_RAW, 99, 0, AF_UNSPEC, 0);
}

static int act_fastopen(char **argv)
{
	return sendto_as(argv, SOCK_STREAM, 0, 0, -1, MSG_FASTOPEN);
}

static int act_sctp_sendto(char **argv)
{
	return sendto_as(argv, SOCK_SEQPACKET, IPPROTO_SCTP, 0, -1, 0);
}

/* A socket of IPv6 takes addresses of IPv4 too. */
static int act_v6_sendto(char **argv)
{
	return sendto_as(argv, SOCK_DGRAM, 0, AF_INET6, -1, 0);
}

static int act_v6_udp(char **argv)
{
	union address a;
	socklen_t len = read_address(argv, &a);

	return said(sys_connect(new_socket(AF_INET6, SOCK_DGRAM, 0), &a, len));
}

static int act_sendmsg(char **argv)
{
	union address a;
	struct msghdr m = message(&a, read_address(argv, &a));

	return said(sys_sendmsg(new_socket(a.any.sa_family, SOCK_DGRAM, 0), &m));
}

/* sendmmsg ADDRESS PORT ADDRESS PORT: a message to each. Said is the second one's errno. */
static int act_sendmmsg(char **argv)
{
	union address a[2];
	struct mmsghdr m[2] = {};
	int fd, sent;

	for (int i = 0; i < 2; i++)
		m[i].msg_hdr = message(&a[i], read_address(argv + 2 * i, &a[i]));
	fd = new_socket(a[0].any.sa_family, SOCK_DGRAM, 0);
	/* The error of a message that is not the first is kept for the next call. */
	sent = sendmmsg(fd, m, 2, 0);
	if (sent == 1)
		sent = sendmmsg(fd, m + 1, 1, 0);
	return said(sent);
}

/* bound OWN PORT ADDRESS PORT: sendto by a socket that is bound to OWN. */
static int act_bound(char **argv)
{
	union address own, a;
	socklen_t own_len = read_address(argv, &own), len = read_address(argv + 2, &a);
	int fd = new_socket(own.any.sa_family, SOCK_DGRAM, 0);

	if (bind(fd, &own.any, own_len))
		fail("bind");
	return said(sys_sendto(fd, 0, &a, len));
}

/* device|unicast NAME tcp|udp ADDRESS PORT: connect by a socket that is bound to an interface, or sends by it. */
static int act_device(char **argv)
{
	union address a;
	socklen_t len = read_address(argv + 2, &a);
	int type = !strcmp(argv[1], "tcp") ? SOCK_STREAM : SOCK_DGRAM;
	int fd = new_socket(a.any.sa_family, type, 0);

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, argv[0], (socklen_t)strlen(argv[0])))
		fail("SO_BINDTODEVICE");
	return said(sys_connect(fd, &a, len));
}

static int act_unicast(char **argv)
{
	union address a;
	socklen_t len = read_address(argv + 2, &a);
	int type = !strcmp(argv[1], "tcp") ? SOCK_STREAM : SOCK_DGRAM;
	int fd = new_socket(a.any.sa_family, type, 0);
	uint32_t number = htonl(if_nametoindex(argv[0]));

	if (setsockopt(fd, IPPROTO_IP, IP_UNICAST_IF, &number, sizeof(number)))
		fail("IP_UNICAST_IF");
	return said(sys_connect(fd, &a, len));
}

/* rds ADDRESS PORT: its addresses are of IPv4, of an own one to that one. */
static int act_rds(char **argv)
{
	union address own = {.v4 = {.sin_family = AF_INET}}, a;
	socklen_t len = read_address(argv, &a);
	int fd = new_socket(AF_RDS, SOCK_SEQPACKET, 0);

	own.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, &own.any, len))
		fail("bind");
	return said(sys_sendto(fd, 0, &a, len));
}

/* disconnect ADDRESS PORT: connect, and connect to AF_UNSPEC, which ends it. */
static int act_disconnect(char **argv)
{
	union address a;
	socklen_t len = read_address(argv, &a);
	int fd = new_socket(a.any.sa_family, SOCK_DGRAM, 0);

	if (connect(fd, &a.any, len))
		return said(-1);
	a.any.sa_family = AF_UNSPEC;
	return said(sys_connect(fd, &a, len));
}

/* held ADDRESS PORT FILE: connects, waits until FILE is there, and sends. */
static int act_held(char **argv)
{
	union address a;
	socklen_t len = read_address(argv, &a);
	int fd = new_socket(a.any.sa_family, SOCK_STREAM, 0);

	if (connect(fd, &a.any, len))
		return said(-1);
	puts("connected");
	for (int i = 0; i < 200 && access(argv[2], F_OK); i++)
		usleep(50000);
	return said(send(fd, text, TEXT_LEN, MSG_NOSIGNAL));
}

/* A packed list of what is in argv. */
static socklen_t packed(char **argv, char *list, size_t size)
{
	socklen_t len = 0;
	union address a;

	for (; argv[0] && len + sizeof(a) <= size; argv += 2) {
		socklen_t one = read_address(argv, &a);

		memcpy(list + len, &a, one);
		len += one;
	}
	return len;
}

static int connectx_by(char **argv, int option)
{
	char list[16 * sizeof(union address)];
	socklen_t len = packed(argv, list, sizeof(list));
	int family = strchr(argv[0], ':') ? AF_INET6 : AF_INET;

	return said(sys_setsockopt(new_socket(family, SOCK_STREAM, IPPROTO_SCTP), IPPROTO_SCTP,
				   option, list, len));
}

/* connectx ADDRESS PORT... */
static int act_connectx(char **argv)
{
	return connectx_by(argv, SCTP_CONNECTX);
}

static int act_connectx_old(char **argv)
{
	return connectx_by(argv, SCTP_CONNECTX_OLD);
}

/* By getsockopt, which answers with the number of the association. */
static int act_connectx3(char **argv)
{
	char list[16 * sizeof(union address)];
	struct {
		int association;
		int len;
		void *list;
	} args = {.len = (int)packed(argv, list, sizeof(list)), .list = list};
	socklen_t len = sizeof(args);
	int family = strchr(argv[0], ':') ? AF_INET6 : AF_INET;

	return said(getsockopt(new_socket(family, SOCK_STREAM, IPPROTO_SCTP), IPPROTO_SCTP,
			       SCTP_CONNECTX3, &args, &len));
}

/* ---- io_uring ---- */

/*
 * uring connect|sendmsg|send|worker|personality ADDRESS PORT: worker: CONNECT in an io_uring worker. personality: with
 * registered credentials, which are the caller's, who has got others like them since.
 */
static int act_uring(char **argv)
{
	bool message_sent = !strcmp(argv[0], "sendmsg"), sent = !strcmp(argv[0], "send");
	bool worker = !strcmp(argv[0], "worker");
	union address a;
	socklen_t len = read_address(argv + 1, &a);
	struct msghdr m = message(&a, len);
	struct uring ring;
	int id = 0, res;

	if (uring_open(&ring))
		fail("io_uring");
	if (!strcmp(argv[0], "personality")) {
		id = uring_personality(&ring);
		if (id < 0)
			fail("IORING_REGISTER_PERSONALITY");
		prctl(PR_SET_KEEPCAPS, 1);
	}
	*ring.sqe = (struct io_uring_sqe){
		.opcode = IORING_OP_CONNECT,
		.flags = worker ? IOSQE_ASYNC : 0,
		.fd = new_socket(a.any.sa_family, SOCK_DGRAM, 0),
		.addr = (uintptr_t)&a,
		.off = len,
		.personality = (uint16_t)id,
	};
	if (message_sent) {
		ring.sqe->opcode = IORING_OP_SENDMSG;
		ring.sqe->addr = (uintptr_t)&m;
		ring.sqe->off = 0;
		ring.sqe->len = 1;
	} else if (sent) {
		ring.sqe->opcode = IORING_OP_SEND_ZC;
		ring.sqe->addr = (uintptr_t)text;
		ring.sqe->addr2 = (uintptr_t)&a;
		ring.sqe->len = TEXT_LEN;
		ring.sqe->addr_len = (uint16_t)len;
	}
	res = uring_do(&ring);
	return say(res < 0 ? -res : 0);
}

/* uring-family NUMBER TYPE PROTOCOL: of a socket, IORING_OP_SOCKET (v5.19). */
static int act_uring_family(char **argv)
{
	struct uring ring;
	int res;

	if (uring_open(&ring))
		fail("io_uring");
	*ring.sqe = (struct io_uring_sqe){
		.opcode = IORING_OP_SOCKET,
		.fd = atoi(argv[0]),
		.off = (uint64_t)atoi(argv[1]),
		.len = (uint32_t)atoi(argv[2]),
	};
	res = uring_do(&ring);
	return say(res < 0 ? -res : 0);
}

/* ---- what goes elsewhere than the address says ---- */

/* Routing headers whose only segment is ::1: of type 4, which an option takes, and 2, which a control message takes. */
static const uint8_t segment_routing[24] = {0, 2, 4, 0, 0, 0, 0, 0, [23] = 1};
static const uint8_t home_routing[24] = {0, 2, 2, 1, 0, 0, 0, 0, [23] = 1};
/* A loose source route over 127.0.0.1. */
static const uint8_t loose_route[8] = {131, 7, 4, 127, 0, 0, 1, 0};

static int act_ip_options(char **argv)
{
	return said(sys_setsockopt(new_socket(AF_INET, SOCK_DGRAM, 0), IPPROTO_IP, IP_OPTIONS,
				   loose_route, sizeof(loose_route)));
}

static int act_rthdr(char **argv)
{
	return said(sys_setsockopt(new_socket(AF_INET6, SOCK_DGRAM, 0), IPPROTO_IPV6, IPV6_RTHDR,
				   segment_routing, sizeof(segment_routing)));
}

/* One control message, in buf. */
static socklen_t control(char *buf, int level, int type, const void *data, size_t size)
{
	struct cmsghdr *c = (struct cmsghdr *)buf;

	memset(buf, 0, CMSG_SPACE(size));
	c->cmsg_len = CMSG_LEN(size);
	c->cmsg_level = level;
	c->cmsg_type = type;
	memcpy(CMSG_DATA(c), data, size);
	return CMSG_SPACE(size);
}

/* The same as the kernel has it, which two options take, from 32-bit callers too. */
struct kernel_control {
	uint64_t len;
	int level, type;
	uint8_t data[sizeof(home_routing)];
};

static const struct kernel_control home_routing_control = {
	.len = sizeof(home_routing_control),
	.level = IPPROTO_IPV6,
	.type = IPV6_RTHDR,
	.data = {0, 2, 2, 1, 0, 0, 0, 0, [23] = 1},
};

static int act_pktoptions(char **argv)
{
	return said(sys_setsockopt(new_socket(AF_INET6, SOCK_DGRAM, 0), IPPROTO_IPV6,
				   PKTOPTIONS_2292, &home_routing_control,
				   sizeof(home_routing_control)));
}

/* A flow label, any, created, for this process; its options are control messages. */
static int act_flowlabel(char **argv)
{
	struct {
		struct in6_addr to;
		uint32_t label;
		uint8_t action, share;
		uint16_t flags, expires, linger;
		uint32_t pad;
		struct kernel_control options;
	} m = {.share = 2, .flags = 1, .to.s6_addr[15] = 1, .options = home_routing_control};

	return said(sys_setsockopt(new_socket(AF_INET6, SOCK_DGRAM, 0), IPPROTO_IPV6, FLOWLABEL_MGR,
				   &m, sizeof(m)));
}

static int send_with(char **argv, int family, int type, int protocol, int level, int option,
		     const void *data, size_t size, int before)
{
	_Alignas(struct cmsghdr) char buf[1024];
	union address a;
	struct msghdr m = message(&a, read_address(argv, &a));
	int ttl = 64;
	socklen_t len = 0;

	for (int i = 0; i < before; i++)
		len += control(buf + len, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	m.msg_control = buf;
	m.msg_controllen = len + control(buf + len, level, option, data, size);
	return said(sys_sendmsg(new_socket(family, type, protocol), &m));
}

static int act_cmsg_retopts(char **argv)
{
	return send_with(argv, AF_INET, SOCK_DGRAM, 0, IPPROTO_IP, IP_RETOPTS, loose_route,
			 sizeof(loose_route), 0);
}

/* Behind other control messages. */
static int act_cmsg_behind(char **argv)
{
	return send_with(argv, AF_INET, SOCK_DGRAM, 0, IPPROTO_IP, IP_RETOPTS, loose_route,
			 sizeof(loose_route), 10);
}

static int act_cmsg_many(char **argv)
{
	int ttl = 64;

	return send_with(argv, AF_INET, SOCK_DGRAM, 0, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl), 30);
}

static int act_cmsg_ttl(char **argv)
{
	int ttl = 64;

	return send_with(argv, AF_INET, SOCK_DGRAM, 0, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl), 2);
}

static int act_cmsg_rthdr(char **argv)
{
	return send_with(argv, AF_INET6, SOCK_DGRAM, 0, IPPROTO_IPV6, IPV6_RTHDR, home_routing,
			 sizeof(home_routing), 0);
}

static int act_cmsg_rthdr2292(char **argv)
{
	return send_with(argv, AF_INET6, SOCK_DGRAM, 0, IPPROTO_IPV6, RTHDR_2292, home_routing,
			 sizeof(home_routing), 0);
}

/* With 0.0.0.0 the source is where it goes. */
static int act_pktinfo(char **argv)
{
	struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(INADDR_LOOPBACK)};

	return send_with(argv, AF_INET, SOCK_DGRAM, 0, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info),
			 0);
}

static int act_sctp_dstaddr(char **argv)
{
	struct in_addr also = {htonl(INADDR_LOOPBACK + 1)};

	return send_with(argv, AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP, IPPROTO_SCTP, SCTP_DSTADDRV4,
			 &also, sizeof(also), 0);
}

/* repeat ADDRESS PORT: two messages of one sendmmsg to the same address, the second with a source route. */
static int act_repeat(char **argv)
{
	_Alignas(struct cmsghdr) char buf[64];
	union address a;
	struct msghdr m = message(&a, read_address(argv, &a));
	struct mmsghdr both[2] = {{.msg_hdr = m}, {.msg_hdr = m}};
	int sent;

	both[1].msg_hdr.msg_control = buf;
	both[1].msg_hdr.msg_controllen =
		control(buf, IPPROTO_IPV6, IPV6_RTHDR, home_routing, sizeof(home_routing));
	sent = sendmmsg(new_socket(AF_INET6, SOCK_DGRAM, 0), both, 2, 0);
	return sent == 1 ? say(EPERM) : said(sent);
}

/* ---- families ---- */

/* family NUMBER [TYPE [PROTOCOL]]: of a socket; what the kernel has no support for is said like that. */
static int act_family(char **argv)
{
	int type = argv[1] ? atoi(argv[1]) : SOCK_DGRAM;
	int protocol = argv[1] && argv[2] ? atoi(argv[2]) : 0;

	return said(sys_socket(atoi(argv[0]), type, protocol));
}

static int act_pair(char **argv)
{
	int fds[2];

	return said(socketpair(atoi(argv[0]), SOCK_STREAM, 0, fds));
}

/* rxrpc: the kernel makes a socket of UDP for it. */
static int act_rxrpc(char **argv)
{
	struct {
		uint16_t family, service, type, len;
		struct sockaddr_in v4;
		uint8_t pad[12];
	} a = {.family = AF_RXRPC,
	       .type = SOCK_DGRAM,
	       .len = sizeof(a.v4),
	       .v4 = {.sin_family = AF_INET}};

	return said(
		bind(new_socket(AF_RXRPC, SOCK_DGRAM, AF_INET), (struct sockaddr *)&a, sizeof(a)));
}

/* ---- the two ends of a conversation ---- */

static int new_end(const char *protocol, sa_family_t family)
{
	bool udp = !strcmp(protocol, "udp"), sctp = !strcmp(protocol, "sctp");

	return new_socket(family, udp ? SOCK_DGRAM : SOCK_STREAM, sctp ? IPPROTO_SCTP : 0);
}

/*
 * serve tcp|udp|sctp ADDRESS PORT FILE: answers all until it is killed; FILE is made when it can be asked. What becomes of
 * the answers of UDP is written into FILE.
 */
static int act_serve(char **argv)
{
	bool udp = !strcmp(argv[0], "udp");
	union address a;
	socklen_t len = read_address(argv + 1, &a);
	int fd = new_end(argv[0], a.any.sa_family);
	char buf[64];
	FILE *f;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(fd, &a.any, len) || (!udp && listen(fd, 100)))
		fail("bind");
	f = fopen(argv[3], "we");
	for (;;) {
		fflush(f);
		if (udp) {
			len = sizeof(a);
			recvfrom(fd, buf, sizeof(buf), 0, &a.any, &len);
			fputs(sys_sendto(fd, 0, &a, len) < 0 ? strerrorname_np(errno) : "ok", f);
		} else {
			int peer = accept(fd, NULL, NULL);

			send(peer, text, TEXT_LEN, MSG_NOSIGNAL);
			close(peer);
		}
	}
	return OTHER;
}

/* ask tcp|udp|sctp ADDRESS PORT: of one that serves; UDP by a socket that is not connected, for a second. */
static int act_ask(char **argv)
{
	union address a;
	socklen_t len = read_address(argv + 1, &a);
	int fd = new_end(argv[0], a.any.sa_family);
	char buf[64];
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 1},
		   sizeof(struct timeval));
	if (!strcmp(argv[0], "udp") ? sys_sendto(fd, 0, &a, len) < 0 : sys_connect(fd, &a, len) < 0)
		return said(-1);
	n = recv(fd, buf, sizeof(buf), 0);
	return n < 0 ? said(-1) : say(n == TEXT_LEN && !memcmp(buf, text, TEXT_LEN) ? 0 : EBADMSG);
}

static const struct act {
	const char *name;
	int args; /* at least */
	int (*fn)(char **argv);
	const char *help;
} acts[] = {
	{"tcp", 2, act_tcp, "ADDRESS PORT"},
	{"udp", 2, act_udp, "ADDRESS PORT"},
	{"mptcp", 2, act_mptcp, "ADDRESS PORT"},
	{"sctp", 2, act_sctp, "ADDRESS PORT"},
	{"dccp", 2, act_dccp, "ADDRESS PORT"},
	{"ping", 2, act_ping, "ADDRESS PORT"},
	{"short", 3, act_short, "LENGTH ADDRESS PORT"},
	{"unconnect", 1, act_unconnect, "tcp|udp"},
	{"sendto", 2, act_sendto, "ADDRESS PORT"},
	{"udplite", 2, act_udplite, "ADDRESS PORT"},
	{"ping-sendto", 2, act_ping_sendto, "ADDRESS PORT"},
	{"unspec", 2, act_unspec, "ADDRESS PORT"},
	{"l2tp", 2, act_l2tp, "ADDRESS PORT"},
	{"raw", 2, act_raw, "ADDRESS PORT"},
	{"raw-connect", 2, act_raw_connect, "ADDRESS PORT"},
	{"raw-unspec", 2, act_raw_unspec, "ADDRESS PORT"},
	{"fastopen", 2, act_fastopen, "ADDRESS PORT"},
	{"sctp-sendto", 2, act_sctp_sendto, "ADDRESS PORT"},
	{"v6-sendto", 2, act_v6_sendto, "ADDRESS PORT"},
	{"v6-udp", 2, act_v6_udp, "ADDRESS PORT"},
	{"sendmsg", 2, act_sendmsg, "ADDRESS PORT"},
	{"sendmmsg", 4, act_sendmmsg, "ADDRESS PORT ADDRESS PORT"},
	{"bound", 4, act_bound, "OWN PORT ADDRESS PORT"},
	{"device", 4, act_device, "NAME tcp|udp ADDRESS PORT"},
	{"unicast", 4, act_unicast, "NAME tcp|udp ADDRESS PORT"},
	{"rds", 2, act_rds, "ADDRESS PORT"},
	{"disconnect", 2, act_disconnect, "ADDRESS PORT"},
	{"held", 3, act_held, "ADDRESS PORT FILE"},
	{"connectx", 2, act_connectx, "ADDRESS PORT..."},
	{"connectx-old", 2, act_connectx_old, "ADDRESS PORT..."},
	{"connectx3", 2, act_connectx3, "ADDRESS PORT..."},
	{"uring", 3, act_uring, "connect|sendmsg|send|worker|personality ADDRESS PORT"},
	{"uring-family", 3, act_uring_family, "NUMBER TYPE PROTOCOL"},
	{"ip-options", 0, act_ip_options, ""},
	{"rthdr", 0, act_rthdr, ""},
	{"pktoptions", 0, act_pktoptions, ""},
	{"flowlabel", 0, act_flowlabel, ""},
	{"cmsg-retopts", 2, act_cmsg_retopts, "ADDRESS PORT"},
	{"cmsg-behind", 2, act_cmsg_behind, "ADDRESS PORT"},
	{"cmsg-many", 2, act_cmsg_many, "ADDRESS PORT"},
	{"cmsg-ttl", 2, act_cmsg_ttl, "ADDRESS PORT"},
	{"cmsg-rthdr", 2, act_cmsg_rthdr, "ADDRESS PORT"},
	{"cmsg-rthdr2292", 2, act_cmsg_rthdr2292, "ADDRESS PORT"},
	{"pktinfo", 2, act_pktinfo, "ADDRESS PORT"},
	{"sctp-dstaddr", 2, act_sctp_dstaddr, "ADDRESS PORT"},
	{"repeat", 2, act_repeat, "ADDRESS PORT"},
	{"family", 1, act_family, "NUMBER [TYPE [PROTOCOL]]"},
	{"pair", 1, act_pair, "NUMBER"},
	{"rxrpc", 0, act_rxrpc, ""},
	{"serve", 4, act_serve, "tcp|udp|sctp ADDRESS PORT FILE"},
	{"ask", 3, act_ask, "tcp|udp|sctp ADDRESS PORT"},
};

static const struct act *find_act(char **argv, int argc)
{
	for (size_t i = 0; argc > 0 && i < sizeof(acts) / sizeof(*acts); i++) {
		if (!strcmp(acts[i].name, argv[0]) && argc > acts[i].args)
			return &acts[i];
	}
	return NULL;
}

/*
 * each SKIP [WANTED]: the acts of a table in stdin, one a line behind SKIP other words. Says those that did not end with
 * WANTED, "ok" or the name of an errno; without it with the first word of the line. Exit status: 0 all did.
 */
static int each(char **args)
{
	static char line[1024];
	int skip = atoi(args[0]), done = 0, differ = 0;

	quiet = true;
	while (fgets(line, sizeof(line), stdin)) {
		char *words[40] = {}, *wanted;
		const struct act *act;
		int n = 0;

		for (char *word = strtok(line, " \n"); word && n < 39; word = strtok(NULL, " \n"))
			words[n++] = word;
		wanted = args[1] ?: words[0];
		act = find_act(words + skip, n - skip);
		if (!act) {
			fprintf(stderr, "no act in line %d\n", done + 1);
			return NOT_TRIED;
		}
		done++;
		name = act->name;
		/* None of them waits for long. */
		alarm(20);
		act->fn(words + skip + 1);
		if (strcmp(outcome, wanted)) {
			for (int i = skip; i < n; i++)
				printf("%s ", words[i]);
			printf(": %s, not %s\n", outcome, wanted);
			differ++;
		}
		close_range(3, ~0U, 0);
	}
	return !done ? NOT_TRIED : differ ? OTHER : ALLOWED;
}

int main(int argc, char **argv)
{
	const struct act *act = find_act(argv + 1, argc - 1);

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2 && !strcmp(argv[1], "each"))
		return each(argv + 2);
	if (act) {
		name = argv[1];
		return act->fn(argv + 2);
	}
	puts("addresses each SKIP [WANTED]");
	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++)
		printf("addresses %s %s\n", acts[i].name, acts[i].help);
	return argc > 1 && !strcmp(argv[1], "--help") ? ALLOWED : NOT_TRIED;
}
