/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reaches a file by one of the ways there are. Exit status: 0 allowed, 1 refused with EPERM, 2 could not be attempted,
 * 3 another error. `files --help` lists the acts. HOW: r, w.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include <linux/sched.h>

#include "acts.h"
#include "uring.h"

static int flags_of(const char *how)
{
	return (*how == 'w' ? O_WRONLY : O_RDONLY) | O_CLOEXEC | O_NONBLOCK;
}

/* ---- opening; each returns 0 or an errno ---- */

static int act_open(char **argv)
{
	return open(argv[0], flags_of(argv[1])) < 0 ? errno : 0;
}

static int act_path(char **argv)
{
	return open(argv[0], O_PATH | O_CLOEXEC) < 0 ? errno : 0;
}

/* reopen PATH HOW: what was opened with O_PATH, by /proc/self/fd. */
static int act_reopen(char **argv)
{
	int fd = open(argv[0], O_PATH | O_CLOEXEC);
	char path[64];

	if (fd < 0)
		return errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags_of(argv[1])) < 0 ? errno : 0;
}

/* handle PATH HOW ROOT: name_to_handle_at and open_by_handle_at, with ROOT on the same file system */
static int act_handle(char **argv)
{
	struct file_handle *h = malloc(sizeof(*h) + MAX_HANDLE_SZ);
	int id, at;

	h->handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(AT_FDCWD, argv[0], h, &id, 0))
		return errno;
	at = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return errno;
	return open_by_handle_at(at, h, flags_of(argv[1])) < 0 ? errno : 0;
}

static int act_uring(char **argv)
{
	struct uring ring;
	int res;

	if (uring_open(&ring))
		fail("io_uring");
	*ring.sqe = (struct io_uring_sqe){
		.opcode = IORING_OP_OPENAT,
		.flags = IOSQE_ASYNC, /* in a worker */
		.fd = AT_FDCWD,
		.addr = (uint64_t)(uintptr_t)argv[0],
		.open_flags = (uint32_t)flags_of(argv[1]),
	};
	res = uring_do(&ring);
	return res < 0 ? -res : 0;
}

/* What the kernel opens for the caller: a queue by its name, a file to write accounts into, one to swap to. */
static int act_mq_open(char **argv)
{
	return mq_open(argv[0], O_RDONLY) == (mqd_t)-1 ? errno : 0;
}

static int act_acct(char **argv)
{
	int err = acct(argv[0]) ? errno : 0;

	acct(NULL);
	return err;
}

/* EINVAL comes from behind the check: there is nothing of a swap file in it. */
static int act_swapon(char **argv)
{
	return swapon(argv[0], 0) && errno != EINVAL ? errno : 0;
}

/* execute PROGRAM: a copy of this one. */
static int act_execute(char **argv)
{
	/* ENOEXEC and EACCES come from behind the check. */
	execl(argv[0], argv[0], "stat", "/", NULL);
	return errno == EPERM ? EPERM : 0;
}

/* ---- without opening ---- */

static int act_stat(char **argv)
{
	struct stat st;

	return stat(argv[0], &st) ? errno : 0;
}

static int act_statfs(char **argv)
{
	struct statfs st;

	return statfs(argv[0], &st) ? errno : 0;
}

static int act_access(char **argv)
{
	return access(argv[0], *argv[1] == 'w' ? W_OK : R_OK) ? errno : 0;
}

static int act_readlink(char **argv)
{
	char buf[256];

	return readlink(argv[0], buf, sizeof(buf)) < 0 ? errno : 0;
}

static int act_chdir(char **argv)
{
	return chdir(argv[0]) ? errno : 0;
}

static int act_truncate(char **argv)
{
	return truncate(argv[0], 0) ? errno : 0;
}

static int act_unlink(char **argv)
{
	return unlink(argv[0]) ? errno : 0;
}

static int act_mkdir(char **argv)
{
	return mkdir(argv[0], 0700) ? errno : 0;
}

static int act_rmdir(char **argv)
{
	return rmdir(argv[0]) ? errno : 0;
}

static int act_rename(char **argv)
{
	return rename(argv[0], argv[1]) ? errno : 0;
}

static int act_link(char **argv)
{
	return link(argv[0], argv[1]) ? errno : 0;
}

static int act_chmod(char **argv)
{
	struct stat st;

	if (stat(argv[0], &st))
		return errno;
	return chmod(argv[0], st.st_mode & 07777) ? errno : 0;
}

static int act_setxattr(char **argv)
{
	return setxattr(argv[0], "trusted.x", "1", 1, 0) ? errno : 0;
}

static int act_utimes(char **argv)
{
	return utimensat(AT_FDCWD, argv[0], NULL, 0) ? errno : 0;
}

static int act_connect(char **argv)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(a.sun_path, argv[0], sizeof(a.sun_path) - 1);
	return connect(fd, (struct sockaddr *)&a, sizeof(a)) ? errno : 0;
}

static int act_inotify(char **argv)
{
	return inotify_add_watch(inotify_init1(IN_CLOEXEC), argv[0], IN_MODIFY) < 0 ? errno : 0;
}

static int act_fanotify(char **argv)
{
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY);

	if (fd < 0)
		fail("fanotify_init");
	return fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, argv[0]) ? errno : 0;
}

/* write PATH TEXT: both, opening and writing */
static int act_write(char **argv)
{
	int fd = open(argv[0], flags_of("w"));

	return fd < 0 || write(fd, argv[1], strlen(argv[1])) < 0 ? errno : 0;
}

/* clone-into DIR: a child is born in that cgroup. Nothing is opened but DIR, with O_PATH. */
static int act_clone_into(char **argv)
{
	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};
	int fd = open(argv[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
	pid_t pid;

	if (fd < 0)
		return errno;
	args.cgroup = (uint64_t)fd;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (!pid)
		_exit(0);
	if (pid < 0)
		return errno;
	waitpid(pid, NULL, 0);
	return 0;
}

/* ---- descriptors from somebody else ---- */

/* serve SOCKET PATH HOW: opens the file, gives it to everybody who connects. Never ends. */
static _Noreturn int act_serve(char **argv)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = open(argv[1], flags_of(argv[2])), s = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(a.sun_path, argv[0], sizeof(a.sun_path) - 1);
	if (fd < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 8))
		fail(argv[1]);
	printf("%d\n", fd);
	for (;;) {
		union {
			struct cmsghdr header;
			char space[CMSG_SPACE(sizeof(fd))];
		} control = {};
		char byte = 'x';
		struct iovec iov = {.iov_base = &byte, .iov_len = 1};
		struct msghdr m = {.msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = &control,
				   .msg_controllen = sizeof(control)};
		int c = accept(s, NULL, NULL);

		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		sendmsg(c, &m, MSG_NOSIGNAL);
		close(c);
	}
}

/* take SOCKET: recvmsg does not fail where the descriptor is refused; it is not there (MSG_CTRUNC). */
static int act_take(char **argv)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};

	strncpy(a.sun_path, argv[0], sizeof(a.sun_path) - 1);
	if (connect(s, (struct sockaddr *)&a, sizeof(a)))
		fail(argv[0]);
	if (recvmsg(s, &m, 0) != 1)
		return errno;
	return CMSG_FIRSTHDR(&m) ? 0 : EPERM;
}

/* steal PID FD: pidfd_getfd */
static int act_steal(char **argv)
{
	int pidfd = (int)syscall(SYS_pidfd_open, atoi(argv[0]), 0);

	if (pidfd < 0)
		fail("pidfd_open");
	return syscall(SYS_pidfd_getfd, pidfd, atoi(argv[1]), 0) < 0 ? errno : 0;
}

/* ---- what the acts are done to ---- */

/* A copy of this program. */
static void copy_self(const char *to)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC),
	    fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	struct stat st;

	if (from < 0 || fd < 0 || fstat(from, &st))
		fail(to);
	for (off_t done = 0; done < st.st_size;) {
		if (sendfile(fd, from, &done, (size_t)(st.st_size - done)) <= 0)
			fail(to);
	}
	close(fd);
	close(from);
}

/* fresh DIR CGROUP: in DIR the file f, the folder dir, and from, a program; in CGROUP just the cgroup "there". */
static int act_fresh(char **argv)
{
	int fd;

	if (chdir(argv[1]))
		return errno;
	(void)rmdir("made");
	if (mkdir("there", 0755) && errno != EEXIST)
		return errno;
	if (chdir(argv[0]))
		return errno;
	(void)unlink("f");
	(void)unlink("to");
	(void)rmdir("made");
	fd = open("f", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, "data\n", 5) != 5)
		return errno;
	if (mkdir("dir", 0755) && errno != EEXIST)
		return errno;
	if (access("from", X_OK))
		copy_self("from");
	return 0;
}

static const struct act_with_arguments acts[] = {
	{"fresh", 2, act_fresh, "DIR CGROUP"},
	{"open", 2, act_open, "PATH HOW"},
	{"path", 1, act_path, "PATH"},
	{"reopen", 2, act_reopen, "PATH HOW"},
	{"handle", 3, act_handle, "PATH HOW ROOT"},
	{"uring", 2, act_uring, "PATH HOW"},
	{"mq-open", 1, act_mq_open, "NAME"},
	{"acct", 1, act_acct, "PATH"},
	{"swapon", 1, act_swapon, "PATH"},
	{"execute", 1, act_execute, "PATH"},
	{"stat", 1, act_stat, "PATH"},
	{"statfs", 1, act_statfs, "PATH"},
	{"access", 2, act_access, "PATH HOW"},
	{"readlink", 1, act_readlink, "PATH"},
	{"chdir", 1, act_chdir, "DIR"},
	{"truncate", 1, act_truncate, "PATH"},
	{"unlink", 1, act_unlink, "PATH"},
	{"mkdir", 1, act_mkdir, "PATH"},
	{"rmdir", 1, act_rmdir, "PATH"},
	{"rename", 2, act_rename, "FROM TO"},
	{"link", 2, act_link, "FROM TO"},
	{"chmod", 1, act_chmod, "PATH"},
	{"setxattr", 1, act_setxattr, "PATH"},
	{"utimes", 1, act_utimes, "PATH"},
	{"connect", 1, act_connect, "PATH"},
	{"inotify", 1, act_inotify, "PATH"},
	{"fanotify", 1, act_fanotify, "PATH"},
	{"write", 2, act_write, "PATH TEXT"},
	{"clone-into", 1, act_clone_into, "DIR"},
	{"serve", 3, act_serve, "SOCKET PATH HOW"},
	{"take", 1, act_take, "SOCKET"},
	{"steal", 2, act_steal, "PID FD"},
};

int main(int argc, char **argv)
{
	return do_act_with_arguments(acts, sizeof(acts) / sizeof(*acts), argc, argv);
}
