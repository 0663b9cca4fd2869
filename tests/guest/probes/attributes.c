/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes a file, or changes its attributes, by one of the ways there are. Exit status: 0 allowed, 1 refused with EPERM,
 * 2 could not be attempted, 3 another error. `attributes --help` lists the acts; MODE is octal.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include <linux/fs.h>
#include <linux/fscrypt.h>
#include <linux/fsverity.h>
#include <linux/msdos_fs.h>

#include "acts.h"
#include "uring.h"

/* The C library of Debian 12 does not know them; the numbers are the same in both tables. */
#define NR_FCHMODAT2 452
#define NR_SETXATTRAT 463
#define NR_REMOVEXATTRAT 466
#define NR_FILE_SETATTR 469

static int mode_of(const char *text)
{
	return (int)strtoul(text, NULL, 8);
}

static int opened(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		fail(path);
	return fd;
}

/* ---- nodes; each returns 0 or an errno ---- */

static int act_char(char **argv)
{
	return mknod(argv[0], S_IFCHR | 0600, makedev(1, 3)) ? errno : 0;
}

static int act_block(char **argv)
{
	return mknod(argv[0], S_IFBLK | 0600, makedev(7, 99)) ? errno : 0;
}

static int act_whiteout(char **argv)
{
	return mknod(argv[0], S_IFCHR, 0) ? errno : 0;
}

static int act_fifo(char **argv)
{
	return mkfifo(argv[0], 0600) ? errno : 0;
}

static int act_mknod(char **argv)
{
	return mknod(argv[0], S_IFREG | (mode_t)mode_of(argv[1]), 0) ? errno : 0;
}

static int act_socket(char **argv)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(a.sun_path, argv[0], sizeof(a.sun_path) - 1);
	return bind(fd, (struct sockaddr *)&a, sizeof(a)) ? errno : 0;
}

static int act_create(char **argv)
{
	return open(argv[0], O_WRONLY | O_CREAT | O_CLOEXEC, mode_of(argv[1])) < 0 ? errno : 0;
}

static int act_tmpfile(char **argv)
{
	return open(argv[0], O_WRONLY | O_TMPFILE | O_CLOEXEC, mode_of(argv[1])) < 0 ? errno : 0;
}

/* tmpfile-chmod DIR MODE: the same, and then the mode. */
static int act_tmpfile_chmod(char **argv)
{
	int fd = open(argv[0], O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);

	if (fd < 0)
		fail(argv[0]);
	return fchmod(fd, (mode_t)mode_of(argv[1])) ? errno : 0;
}

static int act_mkdir(char **argv)
{
	return mkdir(argv[0], (mode_t)mode_of(argv[1])) ? errno : 0;
}

/* ---- mode, owner, times ---- */

static int act_chmod(char **argv)
{
	return chmod(argv[0], (mode_t)mode_of(argv[1])) ? errno : 0;
}

static int act_fchmod(char **argv)
{
	return fchmod(opened(argv[0], O_RDONLY), (mode_t)mode_of(argv[1])) ? errno : 0;
}

static int act_fchmodat2(char **argv)
{
	return syscall(NR_FCHMODAT2, AT_FDCWD, argv[0], mode_of(argv[1]), 0) ? errno : 0;
}

static int act_chown(char **argv)
{
	return chown(argv[0], (uid_t)atoi(argv[1]), (gid_t)-1) ? errno : 0;
}

static int act_chgrp(char **argv)
{
	return fchown(opened(argv[0], O_RDONLY), (uid_t)-1, (gid_t)atoi(argv[1])) ? errno : 0;
}

static int act_lchown(char **argv)
{
	return lchown(argv[0], (uid_t)atoi(argv[1]), (gid_t)-1) ? errno : 0;
}

static int act_utimes(char **argv)
{
	struct timeval t[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};

	return utimes(argv[0], t) ? errno : 0;
}

static int act_atime(char **argv)
{
	struct timespec t[2] = {{.tv_sec = 1000}, {.tv_nsec = UTIME_OMIT}};

	return futimens(opened(argv[0], O_RDONLY), t) ? errno : 0;
}

static int act_touch(char **argv)
{
	return utimensat(AT_FDCWD, argv[0], NULL, 0) ? errno : 0;
}

/* ---- what changes content, and no attribute ---- */

static int act_truncate(char **argv)
{
	return truncate(argv[0], 1) ? errno : 0;
}

static int act_ftruncate(char **argv)
{
	return ftruncate(opened(argv[0], O_WRONLY), 1) ? errno : 0;
}

static int act_otrunc(char **argv)
{
	return open(argv[0], O_WRONLY | O_TRUNC | O_CLOEXEC) < 0 ? errno : 0;
}

static int act_append(char **argv)
{
	return write(opened(argv[0], O_WRONLY | O_APPEND), "x\n", 2) != 2 ? errno : 0;
}

/* ---- extended attributes ---- */

static int act_setxattr(char **argv)
{
	return setxattr(argv[0], argv[1], "1", 1, 0) ? errno : 0;
}

static int act_lsetxattr(char **argv)
{
	return lsetxattr(argv[0], argv[1], "1", 1, 0) ? errno : 0;
}

static int act_fsetxattr(char **argv)
{
	return fsetxattr(opened(argv[0], O_RDONLY), argv[1], "1", 1, 0) ? errno : 0;
}

static int act_removexattr(char **argv)
{
	return removexattr(argv[0], argv[1]) ? errno : 0;
}

struct xattr_arguments {
	uint64_t value;
	uint32_t size, flags;
};

static int act_setxattrat(char **argv)
{
	struct xattr_arguments x = {.value = (uint64_t)(uintptr_t) "1", .size = 1};

	return syscall(NR_SETXATTRAT, AT_FDCWD, argv[0], 0, argv[1], &x, sizeof(x)) ? errno : 0;
}

static int act_removexattrat(char **argv)
{
	return syscall(NR_REMOVEXATTRAT, AT_FDCWD, argv[0], 0, argv[1]) ? errno : 0;
}

/* user::rw- user:4321:r-- group::r-- mask::r-- other::--- (linux/posix_acl_xattr.h) */
static int act_acl(char **argv)
{
	struct {
		uint32_t version;
		struct {
			uint16_t tag, perm;
			uint32_t id;
		} entries[5];
	} acl = {2, {{1, 6, ~0u}, {2, 4, 4321}, {4, 4, ~0u}, {0x10, 4, ~0u}, {0x20, 0, ~0u}}};

	return setxattr(argv[0], "system.posix_acl_access", &acl, sizeof(acl), 0) ? errno : 0;
}

/* VFS_CAP_REVISION_2 with CAP_CHOWN permitted (linux/capability.h) */
static int act_filecaps(char **argv)
{
	uint32_t caps[5] = {0x02000000, 1};

	return setxattr(argv[0], "security.capability", caps, sizeof(caps), 0) ? errno : 0;
}

/* fsetxattr by io_uring, IORING_OP_FSETXATTR. */
static int act_uring_setxattr(char **argv)
{
	struct uring ring;
	int res;

	if (uring_open(&ring))
		fail("io_uring");
	*ring.sqe = (struct io_uring_sqe){
		.opcode = IORING_OP_FSETXATTR,
		.fd = opened(argv[0], O_RDONLY),
		.addr = (uint64_t)(uintptr_t)argv[1],
		.addr2 = (uint64_t)(uintptr_t) "1",
		.len = 1,
	};
	res = uring_do(&ring);
	return res < 0 ? -res : 0;
}

/* ---- inode flags ---- */

static int act_setflags(char **argv)
{
	int flags = 0, fd = opened(argv[0], O_RDONLY);

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		fail("FS_IOC_GETFLAGS");
	flags ^= FS_NODUMP_FL;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) ? errno : 0;
}

static int act_getflags(char **argv)
{
	int flags;

	return ioctl(opened(argv[0], O_RDONLY), FS_IOC_GETFLAGS, &flags) ? errno : 0;
}

static int act_fssetxattr(char **argv)
{
	int fd = opened(argv[0], O_RDONLY);
	struct fsxattr x;

	if (ioctl(fd, FS_IOC_FSGETXATTR, &x))
		fail("FS_IOC_FSGETXATTR");
	x.fsx_xflags ^= FS_XFLAG_NODUMP;
	return ioctl(fd, FS_IOC_FSSETXATTR, &x) ? errno : 0;
}

static int act_setversion(char **argv)
{
	int version = 7;

	return ioctl(opened(argv[0], O_RDONLY), FS_IOC_SETVERSION, &version) ? errno : 0;
}

/*
 * ioctl FILE NAME: with no argument. What comes from behind the check (EFAULT, ENOTTY, ...) is as good as done: few file
 * systems know these.
 */
static int act_ioctl(char **argv)
{
	static const struct {
		const char *name;
		unsigned long cmd;
	} commands[] = {
		{"encryption", FS_IOC_SET_ENCRYPTION_POLICY},
		{"verity", FS_IOC_ENABLE_VERITY},
		{"fat", FAT_IOCTL_SET_ATTRIBUTES},
		{"btrfs", _IOW(0x94, 26, uint64_t)}, /* BTRFS_IOC_SUBVOL_SETFLAGS */
		{"ext4-version", _IOW('f', 4, long)}, /* EXT4_IOC_SETVERSION_OLD */
		/* XFS_IOC_ATTRMULTI_BY_HANDLE: five words, three numbers of 32 bits */
		{"xfs", sizeof(long) == 8 ? _IOC(_IOC_WRITE, 'X', 123, 72)
					  : _IOC(_IOC_WRITE, 'X', 123, 36)},
		{"other", FS_IOC_GETVERSION},
	};
	int fd = opened(argv[0], O_RDONLY);

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (!strcmp(commands[i].name, argv[1]))
			return ioctl(fd, commands[i].cmd, NULL) && errno == EPERM ? EPERM : 0;
	}
	errno = EINVAL;
	fail(argv[1]);
	return 0;
}

/* struct file_attr (linux/fs.h, v6.17): xflags first */
static int act_file_setattr(char **argv)
{
	struct {
		uint64_t xflags;
		uint32_t extsize, nextents, projid, cowextsize;
	} a = {.xflags = FS_XFLAG_NODUMP};

	return syscall(NR_FILE_SETATTR, AT_FDCWD, argv[0], &a, sizeof(a), 0) ? errno : 0;
}

/* ---- what the acts are done to ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void new_file(const char *path, const char *text, mode_t mode, uid_t owner)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || fchown(fd, owner, 0) || fchmod(fd, mode))
		fail(path);
	close(fd);
}

/* fresh DIR: made anew, with f, its attributes, a link to it, and a setuid file. */
static int act_fresh(char **argv)
{
	static const char *const names[] = {"user.there", "security.there", "trusted.there"};

	if (nftw(argv[0], remove_one, 8, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
		return errno;
	if (mkdir(argv[0], 0755) || chdir(argv[0]))
		return errno;
	new_file("f", "data\n", 0644, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (setxattr("f", names[i], "1", 1, 0))
			return errno;
	}
	if (act_acl((char *[]){(char[]){"f"}}) || symlink("f", "link"))
		return errno;
	new_file("suid", "suid\n", 06755, 5);
	return 0;
}

static const struct act_with_arguments acts[] = {
	{"fresh", 1, act_fresh, "DIR"},
	{"char", 1, act_char, "PATH"},
	{"block", 1, act_block, "PATH"},
	{"whiteout", 1, act_whiteout, "PATH"},
	{"fifo", 1, act_fifo, "PATH"},
	{"mknod", 2, act_mknod, "PATH MODE"},
	{"socket", 1, act_socket, "PATH"},
	{"create", 2, act_create, "PATH MODE"},
	{"tmpfile", 2, act_tmpfile, "DIR MODE"},
	{"tmpfile-chmod", 2, act_tmpfile_chmod, "DIR MODE"},
	{"mkdir", 2, act_mkdir, "PATH MODE"},
	{"chmod", 2, act_chmod, "FILE MODE"},
	{"fchmod", 2, act_fchmod, "FILE MODE"},
	{"fchmodat2", 2, act_fchmodat2, "FILE MODE"},
	{"chown", 2, act_chown, "FILE UID"},
	{"chgrp", 2, act_chgrp, "FILE GID"},
	{"lchown", 2, act_lchown, "FILE UID"},
	{"utimes", 1, act_utimes, "FILE"},
	{"atime", 1, act_atime, "FILE"},
	{"touch", 1, act_touch, "FILE"},
	{"truncate", 1, act_truncate, "FILE"},
	{"ftruncate", 1, act_ftruncate, "FILE"},
	{"otrunc", 1, act_otrunc, "FILE"},
	{"append", 1, act_append, "FILE"},
	{"setxattr", 2, act_setxattr, "FILE NAME"},
	{"lsetxattr", 2, act_lsetxattr, "FILE NAME"},
	{"fsetxattr", 2, act_fsetxattr, "FILE NAME"},
	{"setxattrat", 2, act_setxattrat, "FILE NAME"},
	{"uring-setxattr", 2, act_uring_setxattr, "FILE NAME"},
	{"removexattr", 2, act_removexattr, "FILE NAME"},
	{"removexattrat", 2, act_removexattrat, "FILE NAME"},
	{"acl", 1, act_acl, "FILE"},
	{"filecaps", 1, act_filecaps, "FILE"},
	{"setflags", 1, act_setflags, "FILE"},
	{"getflags", 1, act_getflags, "FILE"},
	{"fssetxattr", 1, act_fssetxattr, "FILE"},
	{"setversion", 1, act_setversion, "FILE"},
	{"ioctl", 2, act_ioctl, "FILE encryption|verity|fat|btrfs|ext4-version|xfs|other"},
	{"file-setattr", 1, act_file_setattr, "FILE"},
};

int main(int argc, char **argv)
{
	umask(0);
	return do_act_with_arguments(acts, sizeof(acts) / sizeof(*acts), argc, argv);
}
