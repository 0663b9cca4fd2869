/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/cleanup.h"

/* fs/kernfs: a file handle of this type holds the 64-bit node id, include/linux/exportfs.h */
#define FILEID_KERNFS 0xfe

/* Opens the cgroup2 root. -EOPNOTSUPP: something else is mounted there. */
static int open_root(void)
{
	_cleanup_close_ int fd = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	if (fstatfs(fd, &fs))
		return -errno;
	if (fs.f_type != CGROUP2_SUPER_MAGIC)
		return -EOPNOTSUPP;
	return TAKE_FD(fd);
}

/* Borrowed: who asks for cgroups by their ids, or for what is in them, asks for many. */
static int kept_root(void)
{
	static int root = -EBADF;

	if (root < 0)
		root = open_root();
	return root;
}

/* "/a/b/" -> "a/b" below the root ("." for the root itself), and its level. */
static int clean_path(const char *path, char ret[PATH_MAX], uint32_t *ret_level)
{
	size_t len = strlen(path);
	uint32_t level = 0;

	if (path[0] != '/' || len >= PATH_MAX)
		return -EINVAL;
	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len == 1) {
		strcpy(ret, ".");
		*ret_level = 0;
		return 0;
	}
	memcpy(ret, path + 1, len - 1);
	ret[len - 1] = '\0';
	for (const char *part = ret; part;
	     part = strchr(part, '/'), part = part ? part + 1 : NULL) {
		size_t part_len = strcspn(part, "/");

		if (!part_len || (part_len == 1 && part[0] == '.') ||
		    (part_len == 2 && part[0] == '.' && part[1] == '.'))
			return -EINVAL;
		level++;
	}
	*ret_level = level;
	return 0;
}

/* clean_path(), and the root from which it is opened: a descriptor of the caller's, or an error. */
static int open_root_of(const char *path, char ret_below[PATH_MAX], uint32_t *ret_level)
{
	int err = clean_path(path, ret_below, ret_level);

	return err ?: open_root();
}

/* The id of an open cgroup, from its file handle: also right where ino_t has 32 bits. */
static int id_of_fd(int dirfd, const char *path, uint64_t *ret)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(uint64_t)];
	} h = {.handle.handle_bytes = sizeof(uint64_t)};
	int mount_id;

	if (name_to_handle_at(dirfd, path, &h.handle, &mount_id, 0))
		return -errno;
	memcpy(ret, h.handle.f_handle, sizeof(*ret));
	return 0;
}

int cgroup_id(const char *path, uint64_t *ret_id, uint32_t *ret_level)
{
	_cleanup_close_ int dir = -EBADF;
	char below[PATH_MAX];
	uint32_t level;
	_cleanup_close_ int root = open_root_of(path, below, &level);
	int err;

	if (root < 0)
		return root;
	dir = openat(root, below, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	err = id_of_fd(root, below, ret_id);
	if (!err && ret_level)
		*ret_level = level;
	return err;
}

static int open_by_id(int root, uint64_t id)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(uint64_t)];
	} h = {.handle = {.handle_bytes = sizeof(uint64_t), .handle_type = FILEID_KERNFS}};
	int dir;

	memcpy(h.handle.f_handle, &id, sizeof(id));
	dir = open_by_handle_at(root, &h.handle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -errno : dir;
}

bool cgroup_is_gone(uint64_t id)
{
	_cleanup_close_ int dir = -EBADF;
	int root = kept_root();

	if (root < 0)
		return false;
	dir = open_by_id(root, id);
	return dir == -ESTALE || dir == -ENOENT;
}

int cgroup_path(uint64_t id, char **ret)
{
	_cleanup_close_ int dir = -EBADF;
	char link[64], path[PATH_MAX];
	int root = kept_root();
	const char *below;
	ssize_t len;

	if (root < 0)
		return root;
	dir = open_by_id(root, id);
	if (dir < 0)
		return dir;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return -errno;
	path[len] = '\0';
	if (strncmp(path, CGROUP_ROOT, strlen(CGROUP_ROOT)))
		return -ESTALE;
	below = path + strlen(CGROUP_ROOT);
	*ret = strdup(*below ? below : "/");
	return *ret ? 0 : -ENOMEM;
}

int cgroup_of(pid_t pid, char **ret)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	char path[64];
	size_t size = 0;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : -errno;
	while ((len = getline(&line, &size, f)) > 0) {
		if (strncmp(line, "0::", 3))
			continue;
		line[len - 1] = '\0';
		*ret = strdup(line + 3);
		return *ret ? 0 : -ENOMEM;
	}
	return -EOPNOTSUPP;
}

/* ---- the tree ---- */

struct walk {
	int (*fn)(const char *path, uint64_t id, uint32_t level, void *ctx);
	void *ctx;
};

/* path: of dir, "" for the root. Takes dir over. */
static int walk_folder(int dir, const char *path, uint32_t level, const struct walk *walk);

/* A user may close their own to others who look, but not to a daemon that has to see all. */
static bool is_passed_over(int err)
{
	return err == -ENOENT || err == -ENODEV || (err == -EACCES && geteuid() != 0);
}

/* The kernel counts those below as links, fs/kernfs/inode.c: to open one that has none costs more than all the rest. */
static bool has_none_below(const struct stat *st)
{
	return S_ISDIR(st->st_mode) && st->st_nlink == 2;
}

static int walk_alone(int parent, const char *name, const char *path, uint32_t level,
		      const struct walk *walk)
{
	uint64_t id = 0;
	int err = id_of_fd(parent, name, &id);

	return err ?: walk->fn(path, id, level, walk->ctx);
}

/*
 * A cgroup that is in the folder of another one. Only what is removed meanwhile is passed over: for anything else that cannot be
 * looked at the walk fails, as what is not in it is taken for gone.
 */
static int walk_entry(int parent, const char *name, const char *path, uint32_t level,
		      const struct walk *walk)
{
	struct stat st;
	int dir;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return 0;
	if (has_none_below(&st) || level >= CGROUP_LEVELS_MAX)
		return walk_alone(parent, name, path, level, walk);
	dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return dir < 0 ? -errno : walk_folder(dir, path, level, walk);
}

static int walk_folder(int dir, const char *path, uint32_t level, const struct walk *walk)
{
	_cleanup_closedir_ DIR *d = fdopendir(dir);
	struct dirent *entry;
	uint64_t id = 0;
	int err;

	if (!d) {
		close(dir);
		return -ENOMEM;
	}
	err = id_of_fd(dir, ".", &id);
	err = err ?: walk->fn(*path ? path : "/", id, level, walk->ctx);
	while (!err && (entry = readdir(d))) {
		_cleanup_free_ char *below = NULL;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (asprintf(&below, "%s/%s", path, entry->d_name) < 0)
			return -ENOMEM;
		err = walk_entry(dir, entry->d_name, below, level + 1, walk);
		if (is_passed_over(err))
			err = 0;
	}
	return err;
}

bool cgroup_path_below(const char *path, const char *above)
{
	size_t len = strlen(above);

	if (!strcmp(above, "/"))
		return path[0] == '/' && path[1];
	return !strncmp(path, above, len) && path[len] == '/';
}

int cgroup_walk(int (*fn)(const char *path, uint64_t id, uint32_t level, void *ctx), void *ctx)
{
	struct walk walk = {.fn = fn, .ctx = ctx};
	int root = open_root();

	return root < 0 ? root : walk_folder(root, "", 0, &walk);
}

struct wanted {
	uint64_t id;
	char *path;
};

static int take_wanted(const char *path, uint64_t id, uint32_t level, void *ctx)
{
	struct wanted *w = ctx;

	if (id != w->id)
		return 0;
	w->path = strdup(path);
	return w->path ? 1 : -ENOMEM;
}

int cgroup_shown(const char *shown, uint64_t id, char **ret)
{
	struct wanted wanted = {.id = id};
	int err;

	/* Whatever is escaped has one. */
	if (!strchr(shown, '\\')) {
		*ret = strdup(shown);
		return *ret ? 0 : -ENOMEM;
	}
	err = cgroup_path(id, ret);
	/* A handle is opened for CAP_DAC_READ_SEARCH alone. */
	if (err != -EPERM)
		return err;
	err = cgroup_walk(take_wanted, &wanted);
	if (err < 0)
		return err;
	*ret = wanted.path;
	return wanted.path ? 0 : -ENOENT;
}

int cgroup_walk_below(const char *path,
		      int (*fn)(const char *path, uint64_t id, uint32_t level, void *ctx),
		      void *ctx)
{
	struct walk walk = {.fn = fn, .ctx = ctx};
	char below[PATH_MAX];
	struct stat st;
	uint32_t level;
	int err = clean_path(path, below, &level), root = err ?: kept_root(), dir;

	if (root < 0)
		return root;
	if (fstatat(root, below, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (has_none_below(&st))
		return walk_alone(root, below, level ? path : "/", level, &walk);
	dir = openat(root, below, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	return walk_folder(dir, level ? path : "", level, &walk);
}

/* ---- changes ---- */

int cgroup_make(const char *path)
{
	char below[PATH_MAX];
	uint32_t level;
	_cleanup_close_ int root = open_root_of(path, below, &level);

	if (root < 0)
		return root;
	return mkdirat(root, below, 0755) ? -errno : 0;
}

static int remove_at(int parent, const char *name)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *entry;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while (!err && (entry = readdir(d))) {
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			err = remove_at(fd, entry->d_name);
	}
	if (!err && unlinkat(parent, name, AT_REMOVEDIR))
		err = -errno;
	return err;
}

int cgroup_remove(const char *path)
{
	char below[PATH_MAX];
	uint32_t level;
	_cleanup_close_ int root = open_root_of(path, below, &level);

	if (root < 0)
		return root;
	return level ? remove_at(root, below) : -EINVAL;
}

static int write_file(const char *path, const char *file, const char *text)
{
	_cleanup_close_ int dir = -EBADF;
	_cleanup_close_ int fd = -EBADF;
	char below[PATH_MAX];
	uint32_t level;
	_cleanup_close_ int root = open_root_of(path, below, &level);

	if (root < 0)
		return root;
	dir = openat(root, below, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	fd = openat(dir, file, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

int cgroup_move(const char *path, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return write_file(path, "cgroup.procs", text);
}

int cgroup_kill(const char *path)
{
	return write_file(path, "cgroup.kill", "1");
}
