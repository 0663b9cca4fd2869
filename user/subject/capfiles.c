/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/capfiles.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/duration.h"

/* Each level holds a descriptor. What is deeper is left out, and that is said. */
#define DEPTH_MAX 64

/* How many entries there are between two looks at the clock. */
#define PERIOD 256

/* ---- the attribute ---- */

int capfile_parse(const void *value, size_t len, struct capfile *ret)
{
	struct vfs_ns_cap_data data = {0};
	uint32_t magic;

	if (len < sizeof(data.magic_etc) || len > sizeof(data))
		return -EBADMSG;
	memcpy(&data, value, len);
	magic = le32toh(data.magic_etc);
	switch (magic & VFS_CAP_REVISION_MASK) {
	case VFS_CAP_REVISION_1:
		if (len != XATTR_CAPS_SZ_1)
			return -EBADMSG;
		break;
	case VFS_CAP_REVISION_2:
		if (len != XATTR_CAPS_SZ_2)
			return -EBADMSG;
		break;
	case VFS_CAP_REVISION_3:
		if (len != XATTR_CAPS_SZ_3)
			return -EBADMSG;
		break;
	default:
		return -EBADMSG;
	}
	ret->has_caps = true;
	ret->effective = magic & VFS_CAP_FLAGS_EFFECTIVE;
	ret->permitted = le32toh(data.data[0].permitted);
	ret->inheritable = le32toh(data.data[0].inheritable);
	if (len != XATTR_CAPS_SZ_1) {
		ret->permitted |= (uint64_t)le32toh(data.data[1].permitted) << 32;
		ret->inheritable |= (uint64_t)le32toh(data.data[1].inheritable) << 32;
	}
	return 0;
}

int capfiles_root_uid(pid_t pid, uid_t *ret)
{
	_cleanup_fclose_ FILE *f = NULL;
	unsigned int inside, outside;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (fscanf(f, "%u %u %*u", &inside, &outside) == 2) {
		if (inside != 0)
			continue;
		*ret = outside;
		return 0;
	}
	return -ENOENT;
}

/* ---- the walk ---- */

struct walk {
	const struct capfiles_options *options;
	struct capfiles *found;
	uint64_t end; /* of now_usec(); 0: no limit */
	char path[PATH_MAX]; /* of the folder, from the root on, without a slash at its end */
	unsigned int depth;
	bool ended;
};

/* Goes down by one name only, so nothing that is moved or linked meanwhile leads out. */
static int open_folder(int dir, const char *name)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_XDEV,
	};
	int fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* Of the whole walk. */
static bool at_limit(struct walk *w)
{
	const struct capfiles_options *o = w->options;
	const struct capfiles *f = w->found;

	w->ended = w->ended || (o->max_entries && f->entries >= o->max_entries);
	if (f->entries % PERIOD == 0) {
		w->ended = w->ended || (w->end && now_usec() >= w->end);
		if (o->progress)
			o->progress(f->entries, f->n, o->ctx);
	}
	w->found->cut = f->cut || w->ended;
	return w->ended;
}

static int add(struct walk *w, const struct capfile *file, const char *name)
{
	struct capfiles *f = w->found;
	struct capfile *items;

	if (f->n == w->options->max_found) {
		f->cut = true;
		return 0;
	}
	items = reallocarray(f->items, f->n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	f->items = items;
	items[f->n] = *file;
	if (asprintf(&items[f->n].path, "%s/%s", w->path, name) < 0)
		return -ENOMEM;
	f->n++;
	return 0;
}

/* The attribute is read by a path of ours to the folder: the file need not be opened, and its name is not followed. */
static void read_caps(int dir, const char *name, struct capfile *file)
{
	char path[32 + NAME_MAX + 1], value[XATTR_CAPS_SZ_3];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
	n = lgetxattr(path, "security.capability", value, sizeof(value));
	if (n > 0)
		(void)capfile_parse(value, (size_t)n, file);
}

static int look_at(struct walk *w, int dir, const char *name, const struct stat *st)
{
	struct capfile file = {.setuid = (st->st_mode & S_ISUID) &&
					 st->st_uid == w->options->root_uid};

	/* Nobody can execute it. */
	if (!(st->st_mode & 0111))
		return 0;
	read_caps(dir, name, &file);
	return file.setuid || file.has_caps ? add(w, &file, name) : 0;
}

static int walk_folder(struct walk *w, int fd);

static int go_down(struct walk *w, int dir, const char *name)
{
	size_t len = strlen(w->path);
	int fd, err;

	if (w->depth == DEPTH_MAX || len + strlen(name) + 2 > sizeof(w->path)) {
		w->found->cut = true;
		return 0;
	}
	fd = open_folder(dir, name);
	if (fd < 0) {
		/* Another file system is no mistake. */
		w->found->unreadable += fd != -EXDEV;
		return fd == -EMFILE || fd == -ENOMEM ? fd : 0;
	}
	snprintf(w->path + len, sizeof(w->path) - len, "/%s", name);
	w->depth++;
	err = walk_folder(w, fd);
	w->depth--;
	w->path[len] = '\0';
	return err;
}

/* Takes fd over. */
static int walk_folder(struct walk *w, int fd)
{
	_cleanup_closedir_ DIR *d = fdopendir(fd);
	const struct dirent *entry;
	int err = 0;

	if (!d) {
		err = -errno;
		close(fd);
		return err;
	}
	while (!err && (entry = readdir(d))) {
		struct stat st;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (at_limit(w))
			return 0;
		w->found->entries++;
		if (entry->d_type != DT_DIR && entry->d_type != DT_REG &&
		    entry->d_type != DT_UNKNOWN)
			continue;
		if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT))
			continue;
		if (S_ISDIR(st.st_mode))
			err = go_down(w, dirfd(d), entry->d_name);
		else if (S_ISREG(st.st_mode))
			err = look_at(w, dirfd(d), entry->d_name, &st);
	}
	return err;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct capfile *)a)->path, ((const struct capfile *)b)->path);
}

int capfiles_find(int root, const struct capfiles_options *options, struct capfiles *ret)
{
	struct walk w = {.options = options, .found = ret};
	struct statvfs st;
	int fd, err;

	*ret = (struct capfiles){0};
	fd = open_folder(root, ".");
	if (fd < 0)
		return fd;
	ret->nosuid = !fstatvfs(fd, &st) && (st.f_flag & ST_NOSUID);
	w.end = options->max_ns ? now_usec() + options->max_ns / 1000 : 0;
	err = walk_folder(&w, fd);
	if (err) {
		capfiles_done(ret);
		return err;
	}
	if (ret->n)
		qsort(ret->items, ret->n, sizeof(*ret->items), by_path);
	return 0;
}

void capfiles_done(struct capfiles *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->items[i].path);
	free(files->items);
	*files = (struct capfiles){0};
}
