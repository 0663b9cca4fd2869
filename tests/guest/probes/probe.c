/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does one thing that needs one capability, and says by its exit status what came of it:
 *	0 allowed   1 refused   2 could not be attempted   3 another error
 * It prints the error's name. A refusal is EPERM, and EACCES where the kernel says it so: see the acts. `probe --help`
 * lists acts and ways to do them.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/sched.h>

#include "uring.h"

enum outcome { ALLOWED = 0, REFUSED = 1, NOT_TRIED = 2, OTHER = 3 };

static int say_as(const char *what, int err, int refused)
{
	printf("%s: %s\n", what, err ? strerrorname_np(err) : "ok");
	return err == 0 ? ALLOWED : err == refused ? REFUSED : OTHER;
}

static int say(const char *what, int err)
{
	return say_as(what, err, EPERM);
}

/* ---- acts: each returns 0 or an errno ---- */

static int act_sethostname(void) /* SYS_ADMIN; EINVAL comes from behind the check */
{
	return syscall(SYS_sethostname, NULL, -1) && errno == EINVAL ? 0 : errno;
}

static int act_fsopen(void) /* SYS_ADMIN, and no hook but that of the check */
{
	int fd = (int)syscall(SYS_fsopen, "tmpfs", 0);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int act_mount(void) /* SYS_ADMIN */
{
	char dir[] = "/tmp/probe-mount-XXXXXX";
	int err = 0;

	if (!mkdtemp(dir))
		return ENOTTY;
	if (mount("probe", dir, "tmpfs", 0, NULL))
		err = errno;
	else
		umount(dir);
	rmdir(dir);
	return err;
}

static int act_chroot(void) /* SYS_CHROOT */
{
	return chroot("/") ? errno : 0;
}

static int act_settime(void) /* SYS_TIME; sets nothing */
{
	return syscall(SYS_settimeofday, NULL, NULL) ? errno : 0;
}

static int act_setuid(void) /* SETUID */
{
	return syscall(SYS_setresuid, -1, 12345, -1) ? errno
	       : syscall(SYS_setresuid, -1, 0, -1)   ? errno
						     : 0;
}

static int act_setgroups(void) /* SETGID; EINVAL comes from behind the check */
{
	return syscall(SYS_setgroups, -1, NULL) && errno == EINVAL ? 0 : errno;
}

static int act_rawsocket(void) /* NET_RAW */
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), err = errno;

	if (fd < 0)
		return err;
	close(fd);
	return 0;
}

static int act_nice(void) /* SYS_NICE */
{
	int now = getpriority(PRIO_PROCESS, 0), err;

	err = setpriority(PRIO_PROCESS, 0, now - 1) ? errno : 0;
	setpriority(PRIO_PROCESS, 0, now);
	return err;
}

static int act_bind80(void) /* NET_BIND_SERVICE */
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(80)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1, err = 0;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
		err = errno;
	close(fd);
	return err;
}

static int act_chown(void) /* CHOWN */
{
	char name[] = "/tmp/probe-chown-XXXXXX";
	int fd = mkstemp(name), err;

	if (fd < 0)
		return ENOTTY;
	err = fchown(fd, 4321, 4321) ? errno : 0;
	close(fd);
	unlink(name);
	return err;
}

static const char *dac_file = "/tmp/probe-dac";

static int act_dac(void) /* DAC_OVERRIDE: a file of mode 0 of somebody else, made beforehand */
{
	int fd = open(dac_file, O_RDWR | O_CLOEXEC), err = errno;

	if (fd < 0)
		return err;
	close(fd);
	return 0;
}

static int act_listxattr(
	void) /* asks for SYS_ADMIN by a NOAUDIT probe (simple_xattr_list()), and works without */
{
	return listxattr("/dev/shm", NULL, 0) < 0 ? errno : 0;
}

static int act_unshareuts(void) /* SYS_ADMIN over the user namespace it is in */
{
	return unshare(CLONE_NEWUTS) ? errno : 0;
}

/* SYS_TIME: that of whoever has opened the file is asked for (proc_timens_set_offset()), and only that. */
static int set_offset(int fd)
{
	return fd < 0 ? ENOTTY : write(fd, "monotonic 1 0\n", 14) < 0 ? errno : 0;
}

static int open_offsets(void)
{
	return unshare(CLONE_NEWTIME) ? -1
				      : open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
}

static int act_timens(void)
{
	return set_offset(open_offsets());
}

/* With credentials that equal those which opened it, and are others. */
static int act_timens_opened(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];
	int fd = open_offsets();

	if (syscall(SYS_capget, &header, sets) || syscall(SYS_capset, &header, sets))
		return ENOTTY;
	return set_offset(fd);
}

static int act_none(void)
{
	return 0;
}

static const struct act {
	const char *name;
	int (*fn)(void);
	int refused; /* the errno by which a refusal shows */
} acts[] = {
	{"sethostname", act_sethostname, EPERM},
	{"fsopen", act_fsopen, EPERM},
	{"mount", act_mount, EPERM},
	{"chroot", act_chroot, EPERM},
	{"settime", act_settime, EPERM},
	{"setuid", act_setuid, EPERM},
	{"setgroups", act_setgroups, EPERM},
	{"rawsocket", act_rawsocket, EPERM},
	{"nice", act_nice, EACCES},
	{"bind80", act_bind80, EACCES},
	{"chown", act_chown, EPERM},
	{"dac", act_dac, EACCES},
	{"unshareuts", act_unshareuts, EPERM},
	{"listxattr", act_listxattr, EPERM},
	{"timens", act_timens, EPERM},
	{"timens-opened", act_timens_opened, EPERM},
	{"none", act_none, EPERM},
};

static const struct act *find_act(const char *name)
{
	for (size_t i = 0; name && i < sizeof(acts) / sizeof(*acts); i++) {
		if (!strcmp(acts[i].name, name))
			return &acts[i];
	}
	fprintf(stderr, "probe: no act '%s'\n", name ?: "");
	exit(NOT_TRIED);
}

static int do_act(const char *name)
{
	const struct act *act = find_act(name);

	return say_as(name, act->fn(), act->refused);
}

/* ---- ways ---- */

static void fail(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(NOT_TRIED);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail(path);
	close(fd);
}

static void join_cgroup(const char *dir)
{
	char path[4200];

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	write_file(path, "0");
}

/* loop N ACT: prints how many were allowed, refused, or neither. */
static int way_loop(char **argv)
{
	unsigned long n = strtoul(argv[0], NULL, 10), count[2] = {}, other = 0;
	const struct act *act = find_act(argv[1]);

	for (unsigned long i = 0; i < n; i++) {
		int err = act->fn();

		if (err == 0 || err == act->refused)
			count[err == act->refused]++;
		else
			other++;
	}
	printf("allowed %lu refused %lu other %lu\n", count[0], count[1], other);
	return other ? OTHER : count[1] ? REFUSED : ALLOWED;
}

/*
 * watch FILE ACT ACT...: until FILE is gone, does all acts in turn and counts each combination of outcomes; then, how many
 * turns came out otherwise than the one before, and how many of those were alone between two that came out alike.
 */
static int way_watch(char **argv)
{
	unsigned long seen[16] = {}, turns = 0, changed = 0, flashed = 0;
	unsigned int last = 0, before = 0; /* the outcomes of the two turns before */
	const struct act *act[4];
	int n = 0;

	for (char **name = argv + 1; *name && n < 4; name++)
		act[n++] = find_act(*name);
	do {
		for (int turn = 0; turn < 32; turn++) {
			unsigned int bits = 0;

			for (int i = 0; i < n; i++) {
				int err = act[i]->fn();

				if (err && err != act[i]->refused)
					return say(act[i]->name, err);
				bits |= (unsigned int)(err == 0) << i;
			}
			seen[bits]++;
			changed += turns > 0 && bits != last;
			flashed += turns > 1 && bits != last && bits == before;
			before = last;
			last = bits;
			turns++;
		}
		/* The kernel waits for every task to leave the processor once when programs are detached. */
		usleep(1000);
	} while (!access(argv[0], F_OK));
	for (unsigned int bits = 0; bits < 1u << n; bits++) {
		for (int i = 0; i < n; i++)
			printf("%s%s=%s", i ? " " : "", act[i]->name,
			       bits >> i & 1 ? "allowed" : "refused");
		printf(" %lu\n", seen[bits]);
	}
	printf("changed %lu\nflashed %lu\n", changed, flashed);
	return ALLOWED;
}

/* userns ACT: in a new user namespace, with all capabilities there. */
static int way_userns(char **argv)
{
	char map[64];
	uid_t uid = geteuid();
	int fd;

	if (unshare(CLONE_NEWUSER))
		fail("unshare");
	/* Best effort: writing the map is a check of its own (CAP_SETUID), and the act does not need it. */
	snprintf(map, sizeof(map), "0 %u 1", uid);
	fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, map, strlen(map)) < 0)
		fprintf(stderr, "uid_map: %s\n", strerrorname_np(errno));
	return do_act(argv[0]);
}

/* uidmap MAP: of a child's new user namespace, written from the one around it. */
static int way_uidmap(char **argv)
{
	int ready[2], fd, err;
	char path[64], c;
	pid_t pid;

	if (pipe(ready))
		fail("pipe");
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWUSER) || write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	close(ready[1]);
	if (pid < 0 || read(ready[0], &c, 1) != 1)
		fail("a child in a user namespace");
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		fail(path);
	err = write(fd, argv[0], strlen(argv[0])) < 0 ? errno : 0;
	kill(pid, SIGKILL);
	return say("uidmap", err);
}

/* join DIR ACT: moves itself to the cgroup and acts, without executing anything in between. */
static int way_join(char **argv)
{
	join_cgroup(argv[0]);
	return do_act(argv[1]);
}

/* join-wait DIR SECONDS ACT: the same, after a while. */
static int way_join_wait(char **argv)
{
	join_cgroup(argv[0]);
	sleep((unsigned int)atoi(argv[1]));
	return do_act(argv[2]);
}

/* join-exec DIR PROGRAM ARG...: moves itself and executes. */
static int way_join_exec(char **argv)
{
	join_cgroup(argv[0]);
	execvp(argv[1], argv + 1);
	fail(argv[1]);
	return NOT_TRIED;
}

/* out-and-in OUT IN ACT: leaves for one cgroup, comes back into the other, acts. */
static int way_out_and_in(char **argv)
{
	join_cgroup(argv[0]);
	join_cgroup(argv[1]);
	return do_act(argv[2]);
}

/* fork-join DIR ACT: a child moves itself and acts; the parent stays. */
static int way_fork_join(char **argv)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (!pid) {
		join_cgroup(argv[0]);
		exit(do_act(argv[1]));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : OTHER;
}

/* clone-into DIR ACT: a child is born in the cgroup, by an O_PATH descriptor. */
static int way_clone_into(char **argv)
{
	int fd = open(argv[0], O_PATH | O_DIRECTORY | O_CLOEXEC), status;
	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};
	pid_t pid;

	if (fd < 0)
		fail(argv[0]);
	args.cgroup = (uint64_t)fd;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		fail("clone3");
	if (!pid) {
		int outcome = do_act(argv[1]);

		fflush(stdout);
		_exit(outcome);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : OTHER;
}

/*
 * race N DIR ACT: N children, one after the other, are moved to DIR while they act for the first time; then each acts
 * once more. Prints what came of that. When in the move the act happens varies over the time that a move takes.
 */
static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int way_race(char **argv)
{
	enum { BORN, READY, MOVING, MOVED };
	unsigned long n = strtoul(argv[0], NULL, 10), count[4] = {};
	const struct act *act = find_act(argv[2]);
	uint64_t took = 0, began;
	char path[4200], text[16];
	volatile int *turn =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd, status;

	snprintf(path, sizeof(path), "%s/cgroup.procs", argv[1]);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (turn == MAP_FAILED || fd < 0)
		fail(path);
	srandom(1);
	for (unsigned long i = 0; i < n; i++) {
		uint64_t wait = took ? (uint64_t)random() % took : 0;
		pid_t pid;
		int len;

		*turn = BORN;
		pid = fork();
		if (pid < 0)
			fail("fork");
		if (!pid) {
			int err;

			*turn = READY;
			while (*turn < MOVING)
				;
			for (began = now_ns(); now_ns() - began < wait;)
				;
			act->fn();
			while (*turn < MOVED)
				sched_yield();
			err = act->fn();
			_exit(err == 0 ? ALLOWED : err == act->refused ? REFUSED : OTHER);
		}
		len = snprintf(text, sizeof(text), "%d", pid);
		while (*turn < READY)
			sched_yield();
		*turn = MOVING;
		began = now_ns();
		if (write(fd, text, (size_t)len) != len)
			fail(path);
		took = now_ns() - began;
		*turn = MOVED;
		waitpid(pid, &status, 0);
		count[WIFEXITED(status) ? WEXITSTATUS(status) & 3 : OTHER]++;
	}
	printf("allowed %lu refused %lu other %lu\n", count[ALLOWED], count[REFUSED],
	       count[OTHER] + count[NOT_TRIED]);
	return count[OTHER] || count[NOT_TRIED] ? OTHER : count[REFUSED] ? REFUSED : ALLOWED;
}

/* thread ACT: in a second thread, which asks for the first time. */
static void *thread_main(void *arg)
{
	return (void *)(intptr_t)do_act(arg);
}

static int way_thread(char **argv)
{
	pthread_t thread;
	void *outcome;

	if (pthread_create(&thread, NULL, thread_main, argv[0]))
		fail("pthread_create");
	pthread_join(thread, &outcome);
	return (int)(intptr_t)outcome;
}

/* thread-exec PROGRAM ARG...: a second thread executes, and becomes the leader. */
static void *thread_exec(void *arg)
{
	char **argv = arg;

	execv(argv[0], argv);
	fail(argv[0]);
	return NULL;
}

static int way_thread_exec(char **argv)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, thread_exec, argv))
		fail("pthread_create");
	pthread_join(thread, NULL);
	return NOT_TRIED;
}

/* leaderless ACT: the leader ends, the second thread acts. */
static void *leaderless_main(void *arg)
{
	sleep(1);
	exit(do_act(arg));
}

static int way_leaderless(char **argv)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, leaderless_main, argv[0]))
		fail("pthread_create");
	pthread_exit(NULL);
	return NOT_TRIED;
}

/* join-thread-exec DIR PROGRAM ARG...: moves itself, then executes from a second thread. */
static int way_join_thread_exec(char **argv)
{
	join_cgroup(argv[0]);
	return way_thread_exec(argv + 1);
}

/* join-leaderless DIR ACT */
static int way_join_leaderless(char **argv)
{
	join_cgroup(argv[0]);
	return way_leaderless(argv + 1);
}

/* ambient ACT...: executes itself as uid 12345 with SYS_ADMIN and SYS_CHROOT ambient. */
static int way_ambient(char **argv)
{
	static const int caps[] = {21, 18}; /* CAP_SYS_ADMIN, CAP_SYS_CHROOT */
	struct {
		uint32_t version;
		int pid;
	} header = {0x20080522, 0};
	struct {
		uint32_t effective, permitted, inheritable;
	} data[2] = {};

	if (syscall(SYS_prctl, 8 /* PR_SET_KEEPCAPS */, 1, 0, 0, 0))
		fail("PR_SET_KEEPCAPS");
	if (syscall(SYS_setresuid, 12345, 12345, 12345))
		fail("setresuid");
	for (size_t i = 0; i < 2; i++) {
		data[0].effective |= 1u << caps[i];
		data[0].permitted |= 1u << caps[i];
		data[0].inheritable |= 1u << caps[i];
	}
	if (syscall(SYS_capset, &header, data))
		fail("capset");
	for (size_t i = 0; i < 2; i++) {
		if (syscall(SYS_prctl, 47 /* PR_CAP_AMBIENT */, 2 /* RAISE */, caps[i], 0, 0))
			fail("PR_CAP_AMBIENT_RAISE");
	}
	execv(argv[0], argv);
	fail(argv[0]);
	return NOT_TRIED;
}

/* as UID PROGRAM ARG... */
static int way_as(char **argv)
{
	uid_t uid = (uid_t)atoi(argv[0]);

	if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		fail("setresuid");
	execv(argv[1], argv + 1);
	fail(argv[1]);
	return NOT_TRIED;
}

/* uring [personality|worker|plain] FILE: opens FILE by io_uring; with a registered personality, or in a worker. */
static int way_uring(char **argv)
{
	bool worker = !strcmp(argv[0], "worker");
	struct uring ring;
	int id = 0, res;

	if (uring_open(&ring))
		fail("io_uring");
	if (!strcmp(argv[0], "personality")) {
		id = uring_personality(&ring);
		if (id < 0)
			fail("IORING_REGISTER_PERSONALITY");
	}
	*ring.sqe = (struct io_uring_sqe){
		.opcode = IORING_OP_OPENAT,
		.flags = worker ? IOSQE_ASYNC : 0,
		.fd = AT_FDCWD,
		.addr = (uint64_t)(uintptr_t)argv[1],
		.open_flags = O_RDWR,
		.personality = (uint16_t)id,
	};
	res = uring_do(&ring);
	/* EACCES is the file's answer, EPERM the personality's. */
	return say_as(argv[0], res < 0 ? -res : 0, id ? EPERM : EACCES);
}

/* take-over PID: every way to get hold of a process. Prints one line each; 0 only if all were allowed. */
static int way_take_over(char **argv)
{
	pid_t pid = atoi(argv[0]);
	struct iovec iov = {.iov_base = &pid, .iov_len = 1};
	int outcome, worst, fd, pidfd;
	char path[64];

	worst = say("PTRACE_SEIZE", ptrace(PTRACE_SEIZE, pid, NULL, NULL) ? errno : 0);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	/* A wrong address, EFAULT, comes from behind the check. */
	outcome = say("process_vm_writev",
		      process_vm_writev(pid, &iov, 1, &(struct iovec){(void *)8, 1}, 1, 0) < 0 &&
				      errno != EFAULT
			      ? errno
			      : 0);
	worst = outcome > worst ? outcome : worst;
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	outcome = say_as("mem", fd < 0 ? errno : 0, EACCES);
	worst = outcome > worst ? outcome : worst;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, 0, 0);
	outcome = say("pidfd_getfd", fd < 0 && errno != EBADF ? errno : 0);
	worst = outcome > worst ? outcome : worst;
	return worst;
}

/* after SECONDS ACT */
static int way_after(char **argv)
{
	sleep((unsigned int)atoi(argv[0]));
	return do_act(argv[1]);
}

/* fsmount TYPE KEY=VALUE: makes a file system by the new mount API, and mounts it nowhere. */
static int way_fsmount(char **argv)
{
	int fs = (int)syscall(SYS_fsopen, argv[0], 0), mnt;
	char *value = strchr(argv[1], '=');

	if (fs < 0)
		return say("fsopen", errno);
	*value++ = '\0';
	if (syscall(SYS_fsconfig, fs, 1 /* FSCONFIG_SET_STRING */, argv[1], value, 0))
		return say("fsconfig", errno);
	if (syscall(SYS_fsconfig, fs, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0))
		return say("create", errno);
	mnt = (int)syscall(SYS_fsmount, fs, 0, 0);
	return say("fsmount", mnt < 0 ? errno : 0);
}

/* mount-at TYPE DIR OPTIONS: by mount(2), and off again. */
static int way_mount_at(char **argv)
{
	int err = mount("probe", argv[1], argv[0], 0, argv[2]) ? errno : 0;

	if (!err && umount2(argv[1], MNT_DETACH))
		fail(argv[1]);
	return say("mount", err);
}

/* sleep SECONDS: with nothing else, for being looked at. */
static int way_sleep(char **argv)
{
	sleep((unsigned int)atoi(argv[0]));
	return 0;
}

static void *just_stay(void *arg)
{
	pause();
	return NULL;
}

/* bounded N: the leader and N processes of its give up all they have and may have, a second thread keeps it. They stay. */
static int way_bounded(char **argv)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {};
	pthread_t thread;

	if (pthread_create(&thread, NULL, just_stay, NULL))
		fail("pthread_create");
	for (int cap = 0; !syscall(SYS_prctl, 24 /* PR_CAPBSET_DROP */, cap, 0, 0, 0); cap++)
		;
	if (errno != EINVAL || syscall(SYS_capset, &header, none))
		fail("no capabilities");
	for (int n = atoi(argv[0]); n > 0; n--) {
		if (!fork())
			break;
	}
	pause();
	return 0;
}

static const struct way {
	const char *name;
	int args; /* at least */
	int (*fn)(char **argv);
	const char *help;
} ways[] = {
	{"loop", 2, way_loop, "N ACT"},
	{"watch", 2, way_watch, "FILE ACT..."},
	{"userns", 1, way_userns, "ACT"},
	{"uidmap", 1, way_uidmap, "MAP"},
	{"join", 2, way_join, "DIR ACT"},
	{"join-wait", 3, way_join_wait, "DIR SECONDS ACT"},
	{"join-exec", 2, way_join_exec, "DIR PROGRAM ARG..."},
	{"out-and-in", 3, way_out_and_in, "OUT IN ACT"},
	{"fork-join", 2, way_fork_join, "DIR ACT"},
	{"clone-into", 2, way_clone_into, "DIR ACT"},
	{"race", 3, way_race, "N DIR ACT"},
	{"thread", 1, way_thread, "ACT"},
	{"thread-exec", 1, way_thread_exec, "PROGRAM ARG..."},
	{"leaderless", 1, way_leaderless, "ACT"},
	{"join-thread-exec", 2, way_join_thread_exec, "DIR PROGRAM ARG..."},
	{"join-leaderless", 2, way_join_leaderless, "DIR ACT"},
	{"ambient", 1, way_ambient, "PROGRAM ARG..."},
	{"as", 2, way_as, "UID PROGRAM ARG..."},
	{"uring", 2, way_uring, "plain|worker|personality FILE"},
	{"take-over", 1, way_take_over, "PID"},
	{"after", 2, way_after, "SECONDS ACT"},
	{"fsmount", 2, way_fsmount, "TYPE KEY=VALUE"},
	{"mount-at", 3, way_mount_at, "TYPE DIR OPTIONS"},
	{"sleep", 1, way_sleep, "SECONDS"},
	{"bounded", 1, way_bounded, "N"},
};

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2 || !strcmp(argv[1], "--help")) {
		for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++)
			printf("probe %s\n", acts[i].name);
		for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
			printf("probe %s %s\n", ways[i].name, ways[i].help);
		return argc < 2 ? NOT_TRIED : ALLOWED;
	}
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		if (strcmp(ways[i].name, argv[1]))
			continue;
		if (argc - 2 < ways[i].args) {
			fprintf(stderr, "probe %s %s\n", ways[i].name, ways[i].help);
			return NOT_TRIED;
		}
		return ways[i].fn(argv + 2);
	}
	return do_act(argv[1]);
}
