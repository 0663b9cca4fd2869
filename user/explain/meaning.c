/* SPDX-License-Identifier: GPL-2.0-only */
#include "explain/meaning.h"

#include <stddef.h>
#include <string.h>

#include <linux/capability.h>

#include <leastcap/restrictions.h>

#include "base/cleanup.h"

/* ---- capabilities: capabilities(7) in a line each ---- */

static const struct {
	const char *text;
	unsigned int danger;
} capabilities[] = {
	[CAP_CHOWN] = {"change the owner and group of any file", 2},
	[CAP_DAC_OVERRIDE] = {"read, write and execute any file, whatever its mode says", 2},
	[CAP_DAC_READ_SEARCH] = {"read any file, search any folder, and open files by handle", 3},
	[CAP_FOWNER] = {"act as the owner of any file: mode, times, flags", 2},
	[CAP_FSETID] = {"keep set-user-id and set-group-id bits of files that it changes", 1},
	[CAP_KILL] = {"send signals to processes of others", 1},
	[CAP_SETGID] = {"become any group, and choose its supplementary groups", 1},
	[CAP_SETUID] = {"become any user", 1},
	[CAP_SETPCAP] = {"change its own bounding set, inheritable set and securebits", 1},
	[CAP_LINUX_IMMUTABLE] = {"set and clear the immutable and append-only flags of files", 1},
	[CAP_NET_BIND_SERVICE] = {"listen on ports below 1024", 1},
	[CAP_NET_BROADCAST] = {"nothing: no kernel of today asks for it", 1},
	[CAP_NET_ADMIN] = {"configure the network: interfaces, addresses, routes, the firewall", 2},
	[CAP_NET_RAW] = {"send any packet and read all traffic of its network namespace", 2},
	[CAP_IPC_LOCK] = {"lock memory beyond its limit", 1},
	[CAP_IPC_OWNER] = {"use System V IPC objects of others", 1},
	[CAP_SYS_MODULE] = {"load and unload kernel modules", 3},
	[CAP_SYS_RAWIO] = {"reach I/O ports, raw memory and raw commands of devices", 3},
	[CAP_SYS_CHROOT] = {"change its root folder, and join mount namespaces", 1},
	[CAP_SYS_PTRACE] = {"trace any process, and read and write its memory", 3},
	[CAP_SYS_PACCT] = {"switch process accounting on and off", 1},
	[CAP_SYS_ADMIN] = {"mount, make namespaces, and a hundred other things: nearly all of root",
			   3},
	[CAP_SYS_BOOT] = {"reboot the host, and load another kernel", 3},
	[CAP_SYS_NICE] = {"raise priorities, and choose CPUs and scheduling of others", 1},
	[CAP_SYS_RESOURCE] = {"go beyond limits, quotas and reserved blocks", 1},
	[CAP_SYS_TIME] = {"set the host's clock", 2},
	[CAP_SYS_TTY_CONFIG] = {"configure and hang up terminals", 1},
	[CAP_MKNOD] = {"make device nodes", 2},
	[CAP_LEASE] = {"take leases on files of others", 1},
	[CAP_AUDIT_WRITE] = {"write records into the kernel's audit log", 1},
	[CAP_AUDIT_CONTROL] = {"configure the kernel's audit log", 2},
	[CAP_SETFCAP] = {"give capabilities to files", 2},
	[CAP_MAC_OVERRIDE] = {"override the access rules of Smack", 2},
	[CAP_MAC_ADMIN] = {"change the access rules of a security module", 3},
	[CAP_SYSLOG] = {"read and clear the kernel's log, and see its addresses", 2},
	[CAP_WAKE_ALARM] = {"set timers that wake the machine", 1},
	[CAP_BLOCK_SUSPEND] = {"keep the machine from being suspended", 1},
	[CAP_AUDIT_READ] = {"read the kernel's audit log", 2},
	[CAP_PERFMON] = {"measure other processes and the kernel", 2},
	[CAP_BPF] = {"load BPF programs and use BPF maps", 3},
	[CAP_CHECKPOINT_RESTORE] =
		{"choose process ids, and read what a checkpoint of others needs", 2},
};

const char *meaning_capability(unsigned int cap)
{
	return cap < ARRAY_SIZE(capabilities) ? capabilities[cap].text : NULL;
}

/* Of what is not known the worst is taken. */
unsigned int meaning_danger(unsigned int cap)
{
	return cap < ARRAY_SIZE(capabilities) ? capabilities[cap].danger : 3;
}

/* ---- system calls: names with spaces around them, so that one search finds a whole word ---- */

static const struct {
	const char *calls;
	unsigned int cap;
	const char *text;
} calls[] = {
	{" sethostname ", CAP_SYS_ADMIN, "set the host name"},
	{" setdomainname ", CAP_SYS_ADMIN, "set the domain name"},
	{" mount fsopen fsmount fspick move_mount open_tree mount_setattr ", CAP_SYS_ADMIN,
	 "mount something, or change how it is mounted"},
	{" umount umount2 ", CAP_SYS_ADMIN, "unmount a file system"},
	{" pivot_root ", CAP_SYS_ADMIN, "change the root of its mount namespace"},
	{" unshare ", CAP_SYS_ADMIN, "make a namespace for itself"},
	{" clone clone3 ", CAP_SYS_ADMIN, "make a namespace for a new process"},
	{" setns ", CAP_SYS_ADMIN, "join a namespace"},
	{" setns ", CAP_SYS_CHROOT, "join a mount namespace"},
	{" swapon swapoff ", CAP_SYS_ADMIN, "switch swap space on or off"},
	{" quotactl quotactl_fd ", CAP_SYS_ADMIN, "change quotas"},
	{" bpf ", CAP_BPF, "load a BPF program, or use a BPF map"},
	{" bpf ", CAP_PERFMON, "load a BPF program that traces"},
	{" bpf ", CAP_NET_ADMIN, "load a BPF program for the network"},
	{" bpf ", CAP_SYS_ADMIN, "use a command of bpf(2) that is root's"},
	{" perf_event_open ", CAP_PERFMON, "measure more than its own processes"},
	{" perf_event_open ", CAP_SYS_ADMIN, "measure more than its own processes"},
	{" seccomp prctl ", CAP_SYS_ADMIN, "set a seccomp filter without no_new_privs"},
	{" prctl ", CAP_SETPCAP, "change its bounding set or securebits"},
	{" prctl ", CAP_SYS_RESOURCE, "change where its memory map says what lies"},
	{" capset ", CAP_SETPCAP, "make capabilities inheritable that it does not have"},
	{" ioctl ", CAP_SYS_ADMIN, "give a device or a file system a command that is root's"},
	{" ioctl ", CAP_NET_ADMIN, "configure a network interface"},
	{" ioctl ", CAP_SYS_TTY_CONFIG, "configure a terminal"},
	{" ioctl ", CAP_SYS_RAWIO, "give a device a raw command"},
	{" ioctl ", CAP_LINUX_IMMUTABLE, "change the immutable or append-only flag of a file"},
	{" ioctl ", CAP_FOWNER, "change flags of a file that is somebody else's"},
	{" setxattr lsetxattr fsetxattr removexattr ", CAP_SYS_ADMIN,
	 "change a trusted or security attribute of a file"},
	{" setxattr lsetxattr fsetxattr removexattr ", CAP_SETFCAP, "give capabilities to a file"},
	{" listxattr llistxattr flistxattr ", CAP_SYS_ADMIN, "see trusted attributes of a file"},
	{" keyctl add_key request_key ", CAP_SYS_ADMIN, "use keys of others"},
	{" syslog ", CAP_SYSLOG, "read or clear the kernel's log"},
	{" setuid setreuid setresuid setfsuid setuid32 ", CAP_SETUID, "become another user"},
	{" setgid setregid setresgid setfsgid setgid32 ", CAP_SETGID, "become another group"},
	{" setgroups setgroups32 ", CAP_SETGID, "choose its supplementary groups"},
	{" write ", CAP_SETUID, "write a uid_map of a user namespace"},
	{" write ", CAP_SETGID, "write a gid_map of a user namespace"},
	{" chown fchown lchown fchownat ", CAP_CHOWN, "change the owner of a file"},
	{" chmod fchmod fchmodat fchmodat2 ", CAP_FOWNER,
	 "change the mode of somebody else's file"},
	{" chmod fchmod fchmodat fchmodat2 chown fchown fchownat ", CAP_FSETID,
	 "keep the set-group-id bit of a file"},
	{" utime utimes utimensat futimesat ", CAP_FOWNER, "set times of somebody else's file"},
	{" unlink unlinkat rmdir rename renameat renameat2 ", CAP_FOWNER,
	 "remove somebody else's file from a folder with the sticky bit"},
	{" open openat openat2 creat ", CAP_DAC_OVERRIDE, "open or make a file against its mode"},
	{" open openat openat2 ", CAP_DAC_READ_SEARCH, "read a file or folder against its mode"},
	{" open openat openat2 readlink readlinkat read getdents64 ", CAP_SYS_PTRACE,
	 "look into /proc of somebody else's process"},
	/* What SYS_PTRACE was refused for: CAP_PERFMON will do in kernels after v6.12 (mm_access() in kernel/fork.c). */
	{" open openat openat2 ", CAP_PERFMON,
	 "read the environment or memory map of somebody else's process in /proc"},
	{" open openat openat2 ", CAP_FOWNER, "open somebody else's file with O_NOATIME"},
	{" execve execveat ", CAP_DAC_OVERRIDE, "execute a file against its mode"},
	{" stat lstat newfstatat statx access faccessat faccessat2 chdir ", CAP_DAC_OVERRIDE,
	 "look into a folder against its mode"},
	{" stat lstat newfstatat statx access faccessat faccessat2 chdir ", CAP_DAC_READ_SEARCH,
	 "look into a folder against its mode"},
	{" mkdir mkdirat unlink unlinkat rmdir rename renameat renameat2 symlink link linkat ",
	 CAP_DAC_OVERRIDE, "change a folder against its mode"},
	{" connect ", CAP_DAC_OVERRIDE, "connect to a socket against its mode"},
	{" open_by_handle_at ", CAP_DAC_READ_SEARCH, "open a file by its handle"},
	{" kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal ", CAP_KILL,
	 "send a signal to somebody else's process"},
	{" bind ", CAP_NET_BIND_SERVICE, "listen on a port below 1024"},
	{" socket ", CAP_NET_RAW, "make a raw or packet socket"},
	{" bind setsockopt ", CAP_NET_RAW, "bind a socket to an interface or a foreign address"},
	{" bind setsockopt ", CAP_NET_ADMIN, "set a socket option that is root's"},
	{" sendto sendmsg ", CAP_NET_ADMIN, "configure the network by netlink"},
	{" sendto sendmsg ", CAP_AUDIT_WRITE, "write into the kernel's audit log"},
	{" sendto sendmsg ", CAP_AUDIT_CONTROL, "configure the kernel's audit log"},
	{" sendmsg ", CAP_SYS_ADMIN, "send credentials that are not its own"},
	{" mlock mlock2 mlockall mmap shmctl ", CAP_IPC_LOCK, "lock memory beyond its limit"},
	{" msgctl semctl shmctl ", CAP_SYS_ADMIN, "remove or change somebody else's IPC object"},
	{" ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd ", CAP_SYS_PTRACE,
	 "take hold of somebody else's process"},
	{" init_module finit_module ", CAP_SYS_MODULE, "load a kernel module"},
	{" delete_module ", CAP_SYS_MODULE, "unload a kernel module"},
	{" iopl ioperm ", CAP_SYS_RAWIO, "reach I/O ports"},
	{" chroot ", CAP_SYS_CHROOT, "change its root folder"},
	{" acct ", CAP_SYS_PACCT, "switch process accounting on or off"},
	{" reboot ", CAP_SYS_BOOT, "reboot the host"},
	{" kexec_load kexec_file_load ", CAP_SYS_BOOT, "load another kernel"},
	{" nice setpriority sched_setscheduler sched_setparam sched_setattr ", CAP_SYS_NICE,
	 "raise its priority, or change that of others"},
	{" sched_setaffinity ", CAP_SYS_NICE, "choose CPUs for somebody else's process"},
	{" ioprio_set ", CAP_SYS_ADMIN, "choose the realtime class of I/O"},
	{" mbind set_mempolicy migrate_pages move_pages ", CAP_SYS_NICE,
	 "move memory of others between nodes"},
	{" setrlimit prlimit64 ", CAP_SYS_RESOURCE, "raise a hard limit"},
	{" write pwrite64 fallocate ", CAP_SYS_RESOURCE, "use what a file system keeps for root"},
	{" settimeofday stime clock_settime ", CAP_SYS_TIME, "set the clock"},
	{" adjtimex clock_adjtime ", CAP_SYS_TIME, "adjust the clock"},
	{" vhangup ", CAP_SYS_TTY_CONFIG, "hang up its terminal"},
	{" mknod mknodat ", CAP_MKNOD, "make a device node"},
	{" fcntl ", CAP_LEASE, "take a lease on somebody else's file"},
	{" timer_create timerfd_create ", CAP_WAKE_ALARM, "set a timer that wakes the machine"},
	{" epoll_ctl ", CAP_BLOCK_SUSPEND, "keep the machine from being suspended"},
};

const char *meaning_call(const char *syscall, unsigned int cap)
{
	char word[40];

	if (!syscall || strlen(syscall) > sizeof(word) - 3 || strchr(syscall, ' '))
		return NULL;
	snprintf(word, sizeof(word), " %s ", syscall);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (calls[i].cap == cap && strstr(calls[i].calls, word))
			return calls[i].text;
	}
	return NULL;
}

/* ---- rules ---- */

static const char *const rules[LEASTCAP_RULES] = {
	[LEASTCAP_RULE_MOUNTS] = "no change of the mount tree, and no mount namespaces",
	[LEASTCAP_RULE_MODULES] = "no kernel modules, neither by itself nor by the kernel for it",
	[LEASTCAP_RULE_UNIX] = "only listed AF_UNIX sockets that others have made",
	[LEASTCAP_RULE_CONNECT] = "only some internet addresses",
	[LEASTCAP_RULE_FAMILIES] = "only some families of sockets",
	[LEASTCAP_RULE_DEVICES] = "no new device nodes",
	[LEASTCAP_RULE_ATTRIBUTES] = "no change of a file's mode, owner, times and attributes",
	[LEASTCAP_RULE_FILESYSTEMS] = "some types of file systems not at all, or only to be read",
	[LEASTCAP_RULE_NAMESPACES] = "no user namespaces, and no namespaces of others",
	[LEASTCAP_RULE_BPF] = "no BPF",
};

const char *meaning_rule(uint32_t rule)
{
	return rule < LEASTCAP_RULES ? rules[rule] : NULL;
}

static const struct {
	uint32_t item;
	int needs;
	const char *text;
} items[] = {
	{LEASTCAP_ITEM_URING_CREDS, -1, "use somebody else's credentials by io_uring"},
	{LEASTCAP_ITEM_OVERLAYFS, -1,
	 "mount an overlayfs, which acts with its mounter's credentials"},
	{LEASTCAP_ITEM_PTRACE_ENTERING, -1, "take over a process that enters from outside"},
	{LEASTCAP_ITEM_UNKNOWN, -1, "use a capability that leastcap does not know"},
	{LEASTCAP_ITEM_MOUNT, CAP_SYS_ADMIN, "mount a file system"},
	{LEASTCAP_ITEM_BIND, CAP_SYS_ADMIN, "make a bind mount"},
	{LEASTCAP_ITEM_REMOUNT, CAP_SYS_ADMIN, "remount a file system with other options"},
	{LEASTCAP_ITEM_PROPAGATION, CAP_SYS_ADMIN, "change the propagation of a mount"},
	{LEASTCAP_ITEM_MOVE, CAP_SYS_ADMIN, "move a mount"},
	{LEASTCAP_ITEM_UMOUNT, CAP_SYS_ADMIN, "unmount a file system"},
	{LEASTCAP_ITEM_PIVOT_ROOT, CAP_SYS_ADMIN, "change the root of its mount namespace"},
	{LEASTCAP_ITEM_FSOPEN, CAP_SYS_ADMIN, "begin a mount with fsopen(2)"},
	{LEASTCAP_ITEM_FSCONFIG, CAP_SYS_ADMIN, "set an option of a mount with fsconfig(2)"},
	{LEASTCAP_ITEM_FSMOUNT, CAP_SYS_ADMIN, "make a mount with fsmount(2)"},
	{LEASTCAP_ITEM_FSPICK, CAP_SYS_ADMIN, "change a mount with fspick(2)"},
	{LEASTCAP_ITEM_OPEN_TREE, CAP_SYS_ADMIN, "copy a mount with open_tree(2)"},
	{LEASTCAP_ITEM_MOUNT_SETATTR, CAP_SYS_ADMIN, "change a mount with mount_setattr(2)"},
	{LEASTCAP_ITEM_MNTNS_CREATE, CAP_SYS_ADMIN, "make a mount namespace"},
	{LEASTCAP_ITEM_MNTNS_JOIN, CAP_SYS_ADMIN, "join a mount namespace"},
	{LEASTCAP_ITEM_MODULE_REQUEST, -1, "do something for which the kernel would load a module"},
	{LEASTCAP_ITEM_MODULE_LOAD, CAP_SYS_MODULE, "load a kernel module"},
	{LEASTCAP_ITEM_MODULE_UNLOAD, CAP_SYS_MODULE, "unload a kernel module"},
	{LEASTCAP_ITEM_KEXEC, CAP_SYS_BOOT, "load another kernel with kexec"},
	{LEASTCAP_ITEM_MODULE_CRYPTO, -1, "make a socket by which the kernel loads modules"},
	{LEASTCAP_ITEM_UNIX, -1,
	 "connect or send to an AF_UNIX socket that somebody else has made"},
	{LEASTCAP_ITEM_CONNECT, -1, "connect or send to an internet address"},
	{LEASTCAP_ITEM_FAMILY, -1, "make a socket of a rare family"},
	{LEASTCAP_ITEM_SOURCE_ROUTE, -1, "choose the route of its packets, past what was judged"},
	{LEASTCAP_ITEM_CHAR_DEVICE, CAP_MKNOD, "make a node of a character device"},
	{LEASTCAP_ITEM_BLOCK_DEVICE, CAP_MKNOD, "make a node of a block device"},
	{LEASTCAP_ITEM_MODE, -1, "change the mode of a file"},
	{LEASTCAP_ITEM_OWNER, -1, "change the owner or group of a file"},
	{LEASTCAP_ITEM_TIMES, -1, "set the times of a file"},
	{LEASTCAP_ITEM_XATTR, -1, "change an extended attribute of a file"},
	{LEASTCAP_ITEM_ACL, -1, "change the access control list of a file"},
	{LEASTCAP_ITEM_INODE_FLAGS, -1, "change the flags of a file, as chattr does"},
	{LEASTCAP_ITEM_SETUID_FILE, -1, "make a file with a set-user-id or set-group-id bit"},
	{LEASTCAP_ITEM_FS_OPEN, -1, "use a file system of a type that is denied"},
	{LEASTCAP_ITEM_FS_WRITE, -1,
	 "write to a file system of a type that is read-only or denied"},
	{LEASTCAP_ITEM_FS_RECEIVE, -1,
	 "take over an open file of a file system that is restricted"},
	{LEASTCAP_ITEM_USERNS_CREATE, -1, "make a user namespace"},
	{LEASTCAP_ITEM_NS_JOIN, CAP_SYS_ADMIN, "join a namespace of others"},
	{LEASTCAP_ITEM_BPF_CALL, -1, "call bpf(2)"},
	{LEASTCAP_ITEM_BPF_OBJECT, -1, "use a BPF map or program by another way than bpf(2)"},
	{LEASTCAP_ITEM_BPF_PIN, -1, "reach into the BPF file system"},
};

const char *meaning_item(uint32_t item)
{
	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		if (items[i].item == item)
			return items[i].text;
	}
	return NULL;
}

int meaning_needs(uint32_t item)
{
	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		if (items[i].item == item)
			return items[i].needs;
	}
	return -1;
}

const char *meaning_detail(uint32_t item)
{
	switch (item) {
	case LEASTCAP_ITEM_MOUNT:
	case LEASTCAP_ITEM_UMOUNT:
		return "type";
	case LEASTCAP_ITEM_BIND:
	case LEASTCAP_ITEM_REMOUNT:
	case LEASTCAP_ITEM_PROPAGATION:
	case LEASTCAP_ITEM_MOVE:
		return "target";
	case LEASTCAP_ITEM_FSCONFIG:
		return "key";
	case LEASTCAP_ITEM_MODULE_REQUEST:
		return "module";
	case LEASTCAP_ITEM_MODULE_CRYPTO:
	case LEASTCAP_ITEM_FAMILY:
		return "family";
	case LEASTCAP_ITEM_UNIX:
		return "listener";
	case LEASTCAP_ITEM_CONNECT:
	case LEASTCAP_ITEM_SOURCE_ROUTE:
		return "address";
	case LEASTCAP_ITEM_CHAR_DEVICE:
	case LEASTCAP_ITEM_BLOCK_DEVICE:
		return "device";
	case LEASTCAP_ITEM_MODE:
	case LEASTCAP_ITEM_OWNER:
	case LEASTCAP_ITEM_TIMES:
	case LEASTCAP_ITEM_INODE_FLAGS:
	case LEASTCAP_ITEM_SETUID_FILE:
	case LEASTCAP_ITEM_FS_OPEN:
	case LEASTCAP_ITEM_FS_WRITE:
	case LEASTCAP_ITEM_FS_RECEIVE:
		return "file";
	case LEASTCAP_ITEM_XATTR:
	case LEASTCAP_ITEM_ACL:
		return "name";
	case LEASTCAP_ITEM_BPF_CALL:
		return "command";
	default:
		return NULL;
	}
}
