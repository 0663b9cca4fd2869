/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/places.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "subject/document.h"

#define FILE_MAX (4 << 20)

struct search {
	const char *id;
	char star[256];
	int (*use)(const json_t *document, const char *star, void *ctx);
	void *ctx;
};

/* In a sticky folder, as /tmp is one, others can add but not replace. */
static int check_owner(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return -EPERM;
	if (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX))
		return 0;
	if ((st->st_mode & S_IWGRP) && st->st_gid != 0 && st->st_gid != getegid())
		return -EPERM;
	return st->st_mode & S_IWOTH ? -EPERM : 0;
}

static int read_file(int fd, json_t **ret)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t used = 0;
	int err;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || check_owner(&st))
		return -EPERM;
	if (st.st_size > FILE_MAX)
		return -EFBIG;
	err = file_read(fd, (size_t)st.st_size, &text, &used);
	if (err)
		return err;
	/* It has grown: there is more in it than is here. */
	if (used > (size_t)st.st_size)
		return -EBADMSG;
	*ret = document_parse(text, used);
	return *ret ? 0 : -EBADMSG;
}

static int enter(int dir, const char *name, const char *rest, struct search *s);

static int try_all(int dir, const char *rest, struct search *s)
{
	_cleanup_closedir_ DIR *list = NULL;
	const struct dirent *entry;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	list = fdopendir(fd);
	if (!list) {
		close(fd);
		return -ENOMEM;
	}
	while ((entry = readdir(list))) {
		int r;

		if (entry->d_name[0] == '.' || strlen(entry->d_name) >= sizeof(s->star))
			continue;
		strcpy(s->star, entry->d_name);
		r = enter(dir, entry->d_name, rest, s);
		if (r > 0)
			return r;
		if (r != -ENOENT && r != -ENOTDIR && !err)
			err = r;
	}
	return err;
}

/* Opens name in dir and goes on with the rest of the pattern; NULL: name is the file. */
static int enter(int dir, const char *name, const char *rest, struct search *s)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (rest ? O_DIRECTORY : 0);
	_cleanup_close_ int fd = openat(dir, name, flags);
	_cleanup_free_ char *next = NULL;
	json_t *document = NULL;
	const char *slash;
	struct stat st;
	int err;

	if (fd < 0)
		return -errno;
	if (!rest) {
		err = read_file(fd, &document);
		if (err)
			return err;
		err = s->use(document, s->star, s->ctx);
		json_decref(document);
		return err;
	}
	if (fstat(fd, &st))
		return -errno;
	err = check_owner(&st);
	if (err)
		return err;
	slash = strchrnul(rest, '/');
	next = strndup(rest, (size_t)(slash - rest));
	if (!next)
		return -ENOMEM;
	rest = *slash ? slash + 1 : NULL;
	if (!strcmp(next, ".."))
		return -EPERM;
	if (s->id && !strcmp(next, "*"))
		return try_all(fd, rest, s);
	return enter(fd, s->id && !strcmp(next, "ID") ? s->id : next, rest, s);
}

int places_read(const char *root, const char *pattern, const char *id,
		int (*use)(const json_t *document, const char *star, void *ctx), void *ctx)
{
	struct search s = {.id = id, .use = use, .ctx = ctx};

	/* The root itself may be reached over links: whoever names it has chosen it. */
	_cleanup_close_ int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return enter(fd, ".", pattern, &s);
}
