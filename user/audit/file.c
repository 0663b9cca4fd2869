/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON lines: a file with its older ones beside it, a pipe, standard output. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "audit/output.h"
#include "base/cleanup.h"
#include "base/log.h"

static char *line_text(const json_t *event, const char *line, size_t len, size_t *ret_len)
{
	*ret_len = len;
	return strndup(line, len);
}

/* O_NONBLOCK: a pipe that nobody reads is an error, never a wait. */
static int open_log(const char *path)
{
	int fd =
		open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);

	return fd < 0 ? -errno : fd;
}

static int open_in_new_folder(const char *path)
{
	_cleanup_free_ char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!slash || slash == dir)
		return -ENOENT;
	*slash = '\0';
	return mkdir(dir, 0750) ? -ENOENT : open_log(path);
}

/* Somebody was ended within a line. */
static bool ends_torn(const char *path, const struct stat *st)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char last = '\n';

	return fd >= 0 && pread(fd, &last, 1, st->st_size - 1) == 1 && last != '\n';
}

static int file_open(struct output *o)
{
	_cleanup_close_ int fd = open_log(o->target);
	struct stat st;

	if (fd == -ENOENT)
		fd = open_in_new_folder(o->target);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		return -errno;
	/* The rest of a line belongs behind its beginning, and nowhere else. */
	if (!S_ISREG(st.st_mode) || st.st_dev != o->opened.st_dev || st.st_ino != o->opened.st_ino)
		o->done = 0;
	o->torn = S_ISREG(st.st_mode) && st.st_size && !o->done && ends_torn(o->target, &st);
	o->opened = st;
	o->size = (uint64_t)st.st_size;
	o->fd = TAKE_FD(fd);
	return 0;
}

static int reopen(struct output *o)
{
	close(TAKE_FD(o->fd));
	return file_open(o);
}

/* FILE.1 is the newest of the older ones. */
static int shift(const char *path, unsigned int keep)
{
	for (unsigned int i = keep; i > 0; i--) {
		_cleanup_free_ char *from = NULL, *to = NULL;

		if (asprintf(&to, "%s.%u", path, i) < 0)
			to = NULL;
		if (asprintf(&from, i > 1 ? "%s.%u" : "%s", path, i - 1) < 0)
			from = NULL;
		if (!from || !to)
			return -ENOMEM;
		if (rename(from, to) && errno != ENOENT)
			return -errno;
	}
	return 0;
}

/* Where that fails the file grows on: better too long than lost. */
static int rotate(struct output *o)
{
	int err = shift(o->target, o->keep);

	if (err) {
		log_warn(err, "cannot rename %s, it grows beyond its limit", o->target);
		o->size = 0;
		return 0;
	}
	return reopen(o);
}

/* Nobody would ever see what is written to it. One that was renamed is still where somebody wants it. */
static bool deleted(const struct output *o)
{
	struct stat st;

	return S_ISREG(o->opened.st_mode) && !fstat(o->fd, &st) && !st.st_nlink;
}

static ssize_t write_all(struct output *o, const char *text, size_t len)
{
	ssize_t n = o->socket ? send(o->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL)
			      : write(o->fd, text, len);

	return n < 0 ? -errno : n;
}

static ssize_t file_write(struct output *o, const char *text, size_t len)
{
	ssize_t n;

	/* Nothing is written then: of which line is known when it is open. */
	if (o->kind == &output_file && deleted(o))
		return reopen(o);
	if (o->limit && S_ISREG(o->opened.st_mode) && !o->done && o->size &&
	    o->size + len > o->limit) {
		int err = rotate(o);

		if (err)
			return err;
	}
	if (o->torn) {
		n = write_all(o, "\n", 1);
		if (n < 0)
			return n;
		o->torn = false;
	}
	n = write_all(o, text, len);
	if (n > 0)
		o->size += (uint64_t)n;
	/* A disk takes what fits, and tells the next time that it is full. */
	return n;
}

const struct output_kind output_file = {
	.name = "file", .open = file_open, .text = line_text, .write = file_write};

/* ---- standard output ---- */

/* Opened a second time, so that O_NONBLOCK is not set for whoever shares it, standard error for one. */
static int stdout_open(struct output *o)
{
	struct stat st;
	int fd;

	if (fstat(STDOUT_FILENO, &st))
		return -errno;
	o->socket = S_ISSOCK(st.st_mode);
	fd = o->socket ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
		       : open("/proc/self/fd/1",
			      O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	/* A file may hold the beginning of the line. */
	if (!S_ISREG(st.st_mode))
		o->done = 0;
	o->opened = st;
	o->fd = fd;
	return 0;
}

const struct output_kind output_stdout = {
	.name = "stdout", .open = stdout_open, .text = line_text, .write = file_write};
