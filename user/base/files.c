/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* "/proc/self/fd/" and a number. */
#define FD_PATH 32

int file_read(int fd, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_free_ char *text = malloc(max + 1);
	size_t len = 0;

	if (!text)
		return -ENOMEM;
	while (len <= max) {
		ssize_t n = read(fd, text + len, max + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}

/* ---- writing ---- */

/* What a path leads to. */
struct place {
	int fd; /* O_PATH; -EBADF: nothing is there */
	mode_t mode; /* of what is there; 0: nothing */
	char *path; /* of a regular file, there or not yet; NULL: it is none */
};

static void place_done(struct place *p)
{
	if (p->fd >= 0)
		close(p->fd);
	free(p->path);
}

static const char *fd_path(int fd, char buf[FD_PATH])
{
	snprintf(buf, FD_PATH, "/proc/self/fd/%d", fd);
	return buf;
}

/* The kernel follows symbolic links, and not those that it takes for a trap (fs.protected_symlinks). */
static int find_place(const char *path, struct place *p)
{
	char link[FD_PATH], real[PATH_MAX];
	struct stat st;
	ssize_t n;

	p->fd = open(path, O_PATH | O_CLOEXEC);
	if (p->fd < 0 && (errno != ENOENT || !lstat(path, &st)))
		return -errno;
	if (p->fd < 0) {
		p->path = strdup(path);
		return p->path ? 0 : -ENOMEM;
	}
	if (fstat(p->fd, &st))
		return -errno;
	p->mode = st.st_mode;
	if (!S_ISREG(st.st_mode))
		return 0;
	n = readlink(fd_path(p->fd, link), real, sizeof(real) - 1);
	if (n < 0)
		return -errno;
	real[n] = '\0';
	p->path = strdup(real);
	return p->path ? 0 : -ENOMEM;
}

/* Beside it. The name does not end as a policy file's does: nobody reads it before it is whole. */
static int open_beside(const char *path, mode_t mode, char **ret_fresh)
{
	int fd;

	if (asprintf(ret_fresh, "%s.%d", path, getpid()) < 0) {
		*ret_fresh = NULL;
		return -ENOMEM;
	}
	fd = open(*ret_fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	return fd < 0 ? -errno : fd;
}

static int fill(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int replace(const char *path, const char *text, mode_t mode)
{
	_cleanup_free_ char *fresh = NULL;
	_cleanup_close_ int fd = open_beside(path, mode, &fresh);
	int err;

	if (fd < 0)
		return fd;
	err = fill(fd, text);
	if (!err && (fsync(fd) || rename(fresh, path)))
		err = -errno;
	if (err)
		(void)unlink(fresh);
	return err;
}

static int write_into(int at, const char *text)
{
	char path[FD_PATH];
	_cleanup_close_ int fd = open(fd_path(at, path), O_WRONLY | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? -errno : fill(fd, text);
}

int file_replace(const char *path, const char *text, mode_t mode)
{
	_cleanup_(place_done) struct place p = {.fd = -EBADF};
	int err = find_place(path, &p);

	if (err)
		return err;
	return p.path ? replace(p.path, text, mode) : write_into(p.fd, text);
}

/* A pipe is not opened: that would wait for somebody who reads it. */
int file_try_replace(const char *path)
{
	_cleanup_(place_done) struct place p = {.fd = -EBADF};
	_cleanup_free_ char *fresh = NULL;
	_cleanup_close_ int fd = -EBADF;
	int err = find_place(path, &p);
	char link[FD_PATH];

	if (err)
		return err;
	if (S_ISDIR(p.mode))
		return -EISDIR;
	if (!p.path)
		return faccessat(AT_FDCWD, fd_path(p.fd, link), W_OK, AT_EACCESS) ? -errno : 0;
	fd = open_beside(p.path, 0600, &fresh);
	if (fd < 0)
		return fd;
	return unlink(fresh) ? -errno : 0;
}
