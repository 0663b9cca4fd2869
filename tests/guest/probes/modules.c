/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Acts that the modules restriction is about: modules ACT [ARG]. A refused request does not show as EPERM: the kernel
 * goes on without the module, and finds that it cannot.
 */
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include <linux/genetlink.h>
#include <linux/if_alg.h>
#include <linux/kexec.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "acts.h"

/* ---- requests ---- */

static int open_socket(int family, int type, int protocol)
{
	int fd = socket(family, type, protocol);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int act_can(const char *arg)
{
	return open_socket(AF_CAN, SOCK_RAW, 1);
}

static int act_kcm(const char *arg)
{
	return open_socket(AF_KCM, SOCK_DGRAM, 0);
}

static int act_phonet(const char *arg)
{
	return open_socket(AF_PHONET, SOCK_DGRAM, 0);
}

static int act_rxrpc(const char *arg)
{
	return open_socket(AF_RXRPC, SOCK_DGRAM, AF_INET);
}

static int act_sctp(const char *arg)
{
	return open_socket(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP);
}

static int act_xfrm(const char *arg)
{
	return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_XFRM);
}

static int act_crypto_user(const char *arg)
{
	return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_CRYPTO);
}

static int act_key(const char *arg)
{
	return open_socket(AF_KEY, SOCK_RAW, 2 /* PF_KEY_V2 */);
}

/* cmac is a template: where the socket is allowed, a kernel thread requests its module. */
static int act_alg(const char *arg)
{
	struct sockaddr_alg a = {
		.salg_family = AF_ALG, .salg_type = "hash", .salg_name = "cmac(aes)"};
	int fd = socket(AF_ALG, SOCK_SEQPACKET, 0);

	if (fd < 0)
		return errno;
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
		return errno;
	close(fd);
	return 0;
}

static int act_congestion(const char *arg)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		fail("socket");
	return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "vegas", 5) ? errno : 0;
}

/* A line discipline, n_hdlc: no capability where dev.tty.ldisc_autoload is 1. */
static int act_ldisc(const char *arg)
{
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY), discipline = 13;

	if (fd < 0)
		fail("/dev/ptmx");
	return ioctl(fd, TIOCSETD, &discipline) ? errno : 0;
}

/* The family of generic netlink that a module brings. */
static int act_genl(const char *arg)
{
	struct {
		struct nlmsghdr header;
		struct genlmsghdr genl;
		struct nlattr attr;
		char name[8];
	} ask = {
		.header = {.nlmsg_len = sizeof(ask),
			   .nlmsg_type = GENL_ID_CTRL,
			   .nlmsg_flags = NLM_F_REQUEST},
		.genl = {.cmd = CTRL_CMD_GETFAMILY, .version = 1},
		.attr = {.nla_len = NLA_HDRLEN + 4, .nla_type = CTRL_ATTR_FAMILY_NAME},
		.name = "gtp",
	};
	union {
		struct nlmsghdr header;
		char room[4096];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);

	if (fd < 0 || send(fd, &ask, sizeof(ask), 0) != sizeof(ask) ||
	    recv(fd, &answer, sizeof(answer), 0) < 0)
		fail("netlink");
	return answer.header.nlmsg_type == NLMSG_ERROR
		       ? -((struct nlmsgerr *)NLMSG_DATA(&answer.header))->error
		       : 0;
}

/* rtnl-link-dummy: a link of that kind, taken away again. */
static int act_link(const char *arg)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
		struct nlattr name;
		char name_is[8];
		struct nlattr link;
		struct nlattr kind;
		char kind_is[8];
	} ask = {
		.header = {.nlmsg_len = sizeof(ask),
			   .nlmsg_type = RTM_NEWLINK,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL},
		.name = {.nla_len = NLA_HDRLEN + 8, .nla_type = IFLA_IFNAME},
		.name_is = "probe0",
		.link = {.nla_len = 2 * NLA_HDRLEN + 8, .nla_type = IFLA_LINKINFO},
		.kind = {.nla_len = NLA_HDRLEN + 6, .nla_type = IFLA_INFO_KIND},
		.kind_is = "dummy",
	};
	union {
		struct nlmsghdr header;
		char room[4096];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), err;

	if (fd < 0 || send(fd, &ask, sizeof(ask), 0) != sizeof(ask) ||
	    recv(fd, &answer, sizeof(answer), 0) < 0)
		fail("netlink");
	err = -((struct nlmsgerr *)NLMSG_DATA(&answer.header))->error;
	if (!err) {
		ask.header.nlmsg_type = RTM_DELLINK;
		ask.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
		if (send(fd, &ask, sizeof(ask), 0) != sizeof(ask) ||
		    recv(fd, &answer, sizeof(answer), 0) < 0)
			fail("netlink");
	}
	return err;
}

/* netdev-NAME: asking for an interface that a module makes. */
static int act_netdev(const char *arg)
{
	struct ifreq request = {.ifr_name = "sit0"};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		fail("socket");
	return ioctl(fd, SIOCGIFFLAGS, &request) ? errno : 0;
}

/* char-major-10-200: opening a node whose driver is a module. */
static int act_device(const char *arg)
{
	int fd;

	mknod("/tmp/probe-tun", S_IFCHR | 0600, makedev(10, 200));
	fd = open("/tmp/probe-tun", O_RDWR);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* binfmt-0403: a file that nobody can execute; the kernel asks for a module that could (until v6.18). */
static int act_binfmt(const char *arg)
{
	char name[] = "/tmp/probe-binfmt-XXXXXX", *argv[] = {name, NULL};
	int fd = mkstemp(name), err;

	if (fd < 0 || write(fd, "\1\2\3\4", 4) != 4 || fchmod(fd, 0700) || close(fd))
		fail(name);
	err = execv(name, argv) && errno == ENOEXEC ? 0 : errno;
	unlink(name);
	return err;
}

/* fs-minix; EINVAL comes from the module, which is given nothing to mount. */
static int act_filesystem(const char *arg)
{
	return mount(NULL, "/mnt", "minix", 0, NULL) && errno == EINVAL ? 0 : errno;
}

/* ---- by system call ---- */

static int open_module(const char *path)
{
	int fd = path ? open(path, O_RDONLY) : -1;

	if (fd < 0)
		fail("the module's file");
	return fd;
}

static int act_init_module(const char *arg)
{
	int fd = open_module(arg);
	struct stat st;
	void *image;

	if (fstat(fd, &st))
		fail("fstat");
	image = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (image == MAP_FAILED)
		fail("mmap");
	return syscall(SYS_init_module, image, (size_t)st.st_size, "") ? errno : 0;
}

static int act_finit_module(const char *arg)
{
	return syscall(SYS_finit_module, open_module(arg), "", 0) ? errno : 0;
}

static int act_delete_module(const char *arg)
{
	return syscall(SYS_delete_module, arg, O_NONBLOCK) ? errno : 0;
}

/* Of nothing, for the crash kernel: takes away the one that is there. A 32-bit caller must name the machine. */
static int act_kexec(const char *arg)
{
	return syscall(SYS_kexec_load, 0UL, 0UL, NULL,
		       (unsigned long)(KEXEC_ON_CRASH | KEXEC_ARCH_X86_64))
		       ? errno
		       : 0;
}

#ifdef SYS_kexec_file_load
/* Neither is a kernel: ENOEXEC comes from behind the check. */
static int act_kexec_file(const char *arg)
{
	int fd = open("/proc/self/exe", O_RDONLY);

	return syscall(SYS_kexec_file_load, fd, fd, 1UL, "",
		       (unsigned long)KEXEC_FILE_NO_INITRAMFS) &&
			       errno == ENOEXEC
		       ? 0
		       : errno;
}

static int act_kexec_file_unload(const char *arg)
{
	return syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL,
		       (unsigned long)(KEXEC_FILE_UNLOAD | KEXEC_FILE_ON_CRASH))
		       ? errno
		       : 0;
}
#endif

static const struct act acts[] = {
	{"can", act_can, EAFNOSUPPORT},
	{"kcm", act_kcm, EAFNOSUPPORT},
	{"phonet", act_phonet, EAFNOSUPPORT},
	{"rxrpc", act_rxrpc, EAFNOSUPPORT},
	{"sctp", act_sctp, ESOCKTNOSUPPORT},
	{"xfrm", act_xfrm, EPERM},
	{"crypto-user", act_crypto_user, EPERM},
	{"key", act_key, EPERM},
	{"alg", act_alg, EPERM},
	{"congestion", act_congestion, ENOENT},
	{"ldisc", act_ldisc, EINVAL},
	{"genl", act_genl, ENOENT},
	{"link", act_link, EOPNOTSUPP},
	{"netdev", act_netdev, ENODEV},
	{"device", act_device, ENODEV},
	{"binfmt", act_binfmt, EPERM},
	{"filesystem", act_filesystem, ENODEV},
	{"init-module", act_init_module, EPERM},
	{"finit-module", act_finit_module, EPERM},
	{"delete-module", act_delete_module, EPERM},
	{"kexec", act_kexec, EPERM},
#ifdef SYS_kexec_file_load
	{"kexec-file", act_kexec_file, EPERM},
	{"kexec-file-unload", act_kexec_file_unload, EPERM},
#endif
};

int main(int argc, char **argv)
{
	if (argc < 2)
		return NOT_TRIED;
	return do_act(acts, sizeof(acts) / sizeof(*acts), argv + 1);
}
