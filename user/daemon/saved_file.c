/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/saved_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int fresh_path(const char *dir, const char *name, char **ret)
{
	return asprintf(ret, "%s/.%s.new", dir, name) < 0 ? -ENOMEM : 0;
}

int file_stage(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *fresh = NULL;
	_cleanup_close_ int fd = -EBADF;
	int err = fresh_path(dir, name, &fresh);

	if (err)
		return err;
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, text, strlen(text));
	if (!err && fsync(fd))
		err = -errno;
	if (err)
		unlink(fresh);
	return err;
}

void file_drop(const char *dir, const char *name)
{
	_cleanup_free_ char *fresh = NULL;

	if (!fresh_path(dir, name, &fresh))
		unlink(fresh);
}

int folder_sync(const char *dir)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) ? -errno : 0;
}

int file_move(const char *dir, const char *name)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *fresh = NULL;
	int err = fresh_path(dir, name, &fresh);

	if (err)
		return err;
	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	return rename(fresh, path) ? -errno : 0;
}

int file_place(const char *dir, const char *name)
{
	return file_move(dir, name) ?: folder_sync(dir);
}

int saved_file_replace(const char *dir, const char *name, const char *text)
{
	int err = file_stage(dir, name, text) ?: file_place(dir, name);

	if (err)
		file_drop(dir, name);
	return err;
}

int saved_file_remove(const char *dir, const char *name)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	if (!unlink(path))
		return folder_sync(dir);
	return errno == ENOENT ? 0 : -errno;
}

int folder_ensure(const char *path)
{
	_cleanup_free_ char *parent = NULL;

	if (mkdir(path, 0700))
		return errno == EEXIST ? 0 : -errno;
	return asprintf(&parent, "%s/..", path) < 0 ? -ENOMEM : folder_sync(parent);
}
