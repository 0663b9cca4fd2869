/* SPDX-License-Identifier: GPL-2.0-only */
#include "prove/prove.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <netinet/in.h>

#include <leastcap/decide.h>

#include "base/words.h"
#include "subject/cgroup.h"

static_assert(PROVE_CAP == CAP_DAC_READ_SEARCH, "one number");

/* Only root can make files here. */
#define NODE_DIR "/run/leastcap"

static int ended(long result)
{
	return result < 0 ? errno : 0;
}

/* ---- the acts; each comment says what becomes of it where nobody refuses ---- */

/* No file has this handle: ESTALE. CAP_DAC_READ_SEARCH is asked for first, and no other (fs/fhandle.c). */
static int try_capabilities(const struct prove_kit *kit)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + 8];
	} h = {.handle = {.handle_bytes = 8, .handle_type = 0xff}};
	int fd = open_by_handle_at(AT_FDCWD, &h.handle, O_RDONLY | O_CLOEXEC), err = ended(fd);

	if (fd >= 0)
		close(fd);
	return err;
}

/* A bind mount of nothing: EINVAL (do_loopback() in fs/namespace.c). */
static int try_mounts(const struct prove_kit *kit)
{
	return ended(mount(NULL, "/", NULL, MS_BIND, NULL));
}

/*
 * A family by which a kernel thread is made to load modules. Netlink has no streams: ESOCKTNOSUPPORT, before it looks
 * which module the protocol would need (net/netlink/af_netlink.c).
 */
static int try_modules(const struct prove_kit *kit)
{
	int fd = socket(AF_NETLINK, SOCK_STREAM | SOCK_CLOEXEC, NETLINK_XFRM), err = ended(fd);

	if (fd >= 0)
		close(fd);
	return err;
}

/* Our own listener, that nobody else knows: connected, and closed with the kit. */
static int try_unix(const struct prove_kit *kit)
{
	return ended(connect(kit->client, (const struct sockaddr *)&kit->name, kit->name_len));
}

/* An address of IP (RFC 5737), for a socket that is none of IP's: EINVAL, and no packet. */
static int try_connect(const struct prove_kit *kit)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0xc0000201)};

	return ended(connect(kit->client, (struct sockaddr *)&to, sizeof(to)));
}

/* AF_UNIX has no such type: ESOCKTNOSUPPORT. */
static int try_families(const struct prove_kit *kit)
{
	int fd = socket(AF_UNIX, SOCK_RDM | SOCK_CLOEXEC, 0), err = ended(fd);

	if (fd >= 0)
		close(fd);
	return err;
}

/* A node of /dev/null's numbers, that nobody may open, where only root comes to: removed at once. */
static int try_devices(const struct prove_kit *kit)
{
	int err;

	(void)unlink(kit->node);
	err = ended(mknod(kit->node, S_IFCHR, makedev(1, 3)));
	(void)unlink(kit->node);
	return err;
}

/* The mode of a pipe of our own becomes what it is. */
static int try_attributes(const struct prove_kit *kit)
{
	return ended(fchmod(kit->pipe, 0600));
}

/* Opened to be read, and not read. */
static int try_filesystems(const struct prove_kit *kit)
{
	int fd = openat(kit->cgroups, "cgroup.procs", O_RDONLY | O_CLOEXEC), err = ended(fd);

	if (fd >= 0)
		close(fd);
	return err;
}

/*
 * A child in a user namespace of its own, whose pidfd is to be written nowhere: EFAULT. The namespace is made before that is
 * tried, and goes again; the child never begins (copy_process() in kernel/fork.c).
 */
static int try_namespaces(const struct prove_kit *kit)
{
	long pid =
		syscall(SYS_clone, CLONE_NEWUSER | CLONE_PIDFD | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	return ended(pid);
}

/* No command: EINVAL. A number that is not large: v7 takes bit 16 for BPF_COMMON_ATTRS, and looks for these first. */
static int try_bpf(const struct prove_kit *kit)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	return ended(syscall(SYS_bpf, 0x7fff, &attr, sizeof(attr)));
}

static const struct {
	int (*fn)(const struct prove_kit *kit);
	int free; /* how it ends where nobody refuses */
} acts[PROVE_ACTS] = {
	[PROVE_CAPABILITIES] = {try_capabilities, ESTALE},
	[PROVE_RULE(LEASTCAP_RULE_MOUNTS)] = {try_mounts, EINVAL},
	[PROVE_RULE(LEASTCAP_RULE_MODULES)] = {try_modules, ESOCKTNOSUPPORT},
	[PROVE_RULE(LEASTCAP_RULE_UNIX)] = {try_unix, 0},
	[PROVE_RULE(LEASTCAP_RULE_CONNECT)] = {try_connect, EINVAL},
	[PROVE_RULE(LEASTCAP_RULE_FAMILIES)] = {try_families, ESOCKTNOSUPPORT},
	[PROVE_RULE(LEASTCAP_RULE_DEVICES)] = {try_devices, 0},
	[PROVE_RULE(LEASTCAP_RULE_ATTRIBUTES)] = {try_attributes, 0},
	[PROVE_RULE(LEASTCAP_RULE_FILESYSTEMS)] = {try_filesystems, 0},
	[PROVE_RULE(LEASTCAP_RULE_NAMESPACES)] = {try_namespaces, EFAULT},
	[PROVE_RULE(LEASTCAP_RULE_BPF)] = {try_bpf, EINVAL},
};

const char *prove_name(unsigned int act)
{
	return act == PROVE_CAPABILITIES ? word_restriction(LEASTCAP_CAPABILITIES)
					 : word_rule(act - 1);
}

enum leastcap_restriction prove_restriction(unsigned int act)
{
	return act == PROVE_CAPABILITIES ? LEASTCAP_CAPABILITIES : rule_restriction(act - 1);
}

int prove_free(unsigned int act)
{
	return acts[act].free;
}

int prove_try(unsigned int act, const struct prove_kit *kit)
{
	return acts[act].fn(kit);
}

void prove_try_all(uint32_t mask, const struct prove_kit *kit, int results[PROVE_ACTS])
{
	for (unsigned int act = 0; act < PROVE_ACTS; act++)
		results[act] = mask & (1U << act) ? prove_try(act, kit) : PROVE_NOT_TRIED;
}

/* ---- the kit ---- */

static int open_listener(struct prove_kit *kit)
{
	const int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
	const struct sockaddr_un any = {.sun_family = AF_UNIX};

	kit->listener = socket(AF_UNIX, type, 0);
	kit->client = socket(AF_UNIX, type, 0);
	kit->name_len = sizeof(kit->name);
	/* Without a name the kernel gives it an abstract one that nobody has. */
	if (kit->listener < 0 || kit->client < 0 ||
	    bind(kit->listener, (const struct sockaddr *)&any, sizeof(any.sun_family)) ||
	    listen(kit->listener, 1) ||
	    getsockname(kit->listener, (struct sockaddr *)&kit->name, &kit->name_len))
		return -errno;
	return 0;
}

int prove_kit_open(struct prove_kit *kit, int pipe, const char *name)
{
	*kit = PROVE_KIT_EMPTY;
	kit->pipe = pipe;
	snprintf(kit->node, sizeof(kit->node), NODE_DIR "/proof-%s", name);
	kit->cgroups = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return kit->cgroups < 0 ? -errno : open_listener(kit);
}

void prove_kit_done(struct prove_kit *kit)
{
	const int fds[] = {kit->cgroups, kit->listener, kit->client};

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	*kit = PROVE_KIT_EMPTY;
}

/* ---- the policy ---- */

void prove_policy(uint32_t mask, struct leastcap_policy *ret, struct kernel_lists *ret_lists)
{
	static char cgroup2[] = "cgroup2";
	static char *const types[] = {cgroup2, NULL};
	uint32_t rules = mask >> PROVE_RULE(0);

	/* All capabilities but one, so that no act is refused for another reason than its rule. */
	*ret = (struct leastcap_policy){.allow = LEASTCAP_ALL & ~(1ULL << PROVE_CAP),
					.mode = LEASTCAP_ENFORCE,
					.revision = 1,
					.deny = rules,
					.name = KERNEL_CANARY};
	*ret_lists = (struct kernel_lists){
		.flags = LEASTCAP_LIST_UNIX_DENY | LEASTCAP_LIST_CONNECT_DENY,
		.families = 1ULL << AF_UNIX,
	};
	/* Types of file systems are few, and stay taken. */
	if (rules & LEASTCAP_RULE_BIT(LEASTCAP_RULE_FILESYSTEMS))
		ret_lists->fs_deny = types;
}

/* ---- the verdict ---- */

bool prove_counted(unsigned int act, const struct kernel_ledger *ledger)
{
	if (act == PROVE_CAPABILITIES)
		return ledger->denied & 1ULL << PROVE_CAP &&
		       ledger->n_denied[LEASTCAP_CAPABILITIES];
	return ledger->rules_denied & 1U << (act - 1) && ledger->n_denied[prove_restriction(act)];
}

/* "EPERM", "success", "errno 999". */
static const char *outcome(int result, char buf[32])
{
	const char *name = result > 0 ? strerrorname_np(result) : NULL;

	if (result == PROVE_NOT_TRIED)
		return "nothing";
	if (!result)
		return "success";
	snprintf(buf, 32, "errno %d", result);
	return name ? name : buf;
}

struct prove_verdict prove_judge(unsigned int act, int outside, int inside, bool counted)
{
	struct prove_verdict v = {.state = PROVE_UNTRIED};
	char a[32], b[32];

	if (outside != prove_free(act)) {
		snprintf(
			v.reason, sizeof(v.reason),
			"it cannot be tried on this host: outside of the canary it ended with %s, not %s",
			outcome(outside, a), outcome(prove_free(act), b));
	} else if (inside == EPERM && counted) {
		v.state = PROVE_PROVEN;
	} else if (inside == EPERM) {
		v.state = PROVE_FAILED;
		snprintf(v.reason, sizeof(v.reason), "it was refused, but not by leastcap");
	} else if (inside == prove_free(act)) {
		v.state = PROVE_FAILED;
		snprintf(v.reason, sizeof(v.reason), "it was allowed");
	} else {
		snprintf(v.reason, sizeof(v.reason), "in the canary it ended with %s",
			 outcome(inside, a));
	}
	return v;
}
