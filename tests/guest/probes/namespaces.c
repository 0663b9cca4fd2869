/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Acts that the namespaces restriction is about.
 *	namespaces ACT
 *	namespaces host PROGRAM ARG...	executes it with descriptors of a foreign process in namespaces of its own
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/sched.h>

#include "acts.h"

/* Descriptors that the host passes in. */
enum {
	FD_USER = 20, /* of /proc/PID/ns */
	FD_UTS,
	FD_NET,
	FD_PROCESS, /* a pidfd */
};

static int act_unshare(const char *arg)
{
	return syscall(SYS_unshare, CLONE_NEWUSER) ? errno : 0;
}

static int act_unshare_all(const char *arg)
{
	return syscall(SYS_unshare, CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWNS)
		       ? errno
		       : 0;
}

static int act_clone(const char *arg)
{
	return reaped(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

static int act_clone3(const char *arg)
{
	struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};

	return reaped(syscall(SYS_clone3, &args, sizeof(args)));
}

static int join(int fd, int type)
{
	return syscall(SYS_setns, fd, type) ? errno : 0;
}

static int act_setns(const char *arg)
{
	return join(FD_USER, CLONE_NEWUSER);
}

static int act_setns_any(const char *arg)
{
	return join(FD_USER, 0);
}

/* By a handle of the namespace, without a path: v6.18. */
static int act_setns_handle(const char *arg)
{
	union {
		struct file_handle h;
		char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u = {.h.handle_bytes = MAX_HANDLE_SZ};
	int id, fd;

	if (name_to_handle_at(FD_USER, "", &u.h, &id, AT_EMPTY_PATH))
		fail("a namespace's handle");
	fd = open_by_handle_at(FD_UTS, &u.h, O_RDONLY);
	if (fd < 0)
		fail("open_by_handle_at");
	return join(fd, CLONE_NEWUSER);
}

static int act_setns_pidfd(const char *arg)
{
	return join(FD_PROCESS, CLONE_NEWUSER | CLONE_NEWUTS);
}

static int act_setns_uts(const char *arg)
{
	return join(FD_UTS, CLONE_NEWUTS);
}

static int act_setns_net(const char *arg)
{
	return join(FD_NET, CLONE_NEWNET);
}

/* Namespaces of other kinds ask for SYS_ADMIN: the whitelist is about them. */
static int act_unshare_uts(const char *arg)
{
	return syscall(SYS_unshare, CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET) ? errno : 0;
}

static const struct act acts[] = {
	{"unshare", act_unshare, EPERM},
	{"unshare-all", act_unshare_all, EPERM},
	{"clone", act_clone, EPERM},
	{"clone3", act_clone3, EPERM},
	{"setns", act_setns, EPERM},
	{"setns-any", act_setns_any, EPERM},
	{"setns-handle", act_setns_handle, EPERM},
	{"setns-pidfd", act_setns_pidfd, EPERM},
	{"setns-uts", act_setns_uts, EPERM},
	{"setns-net", act_setns_net, EPERM},
	{"unshare-uts", act_unshare_uts, EPERM},
};

static void pass_in(pid_t pid, const char *kind, int as)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind);
	fd = open(path, O_RDONLY);
	if (fd < 0 || dup2(fd, as) != as)
		fail(path);
	close(fd);
}

/* The foreign process lives as long as the program that is executed. */
static void prepare(void)
{
	int ready[2], life[2], pidfd;
	pid_t pid;
	char c;

	if (pipe(ready) || pipe(life))
		fail("pipe");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid) {
		close(life[1]);
		if (unshare(CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWNET))
			_exit(1);
		/* Not what the caller's output waits for. */
		close(STDOUT_FILENO);
		close(STDERR_FILENO);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		/* Not a death signal: who has changed users may not send one. */
		_exit(read(life[0], &c, 1) == 0);
	}
	close(ready[1]);
	close(life[0]);
	if (read(ready[0], &c, 1) != 1)
		fail("a process in other namespaces");
	close(ready[0]);
	pass_in(pid, "user", FD_USER);
	pass_in(pid, "uts", FD_UTS);
	pass_in(pid, "net", FD_NET);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	/* A pidfd is closed by execve; its duplicate is not. */
	if (pidfd < 0 || dup2(pidfd, FD_PROCESS) != FD_PROCESS)
		fail("pidfd_open");
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "host")) {
		prepare();
		execv(argv[2], argv + 2);
		fail(argv[2]);
	}
	if (argc < 2)
		return NOT_TRIED;
	return do_act(acts, sizeof(acts) / sizeof(*acts), argv + 1);
}
