/* SPDX-License-Identifier: GPL-2.0-only */
/* What is pinned: the directories, the lock, which build stands, its programs; taking it away. */
#include "kernel/internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include <bpf/bpf.h>

int unpin_dir(const char *path)
{
	_cleanup_closedir_ DIR *dir = opendir(path);
	int err = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	for (int pass = 0; pass < 2; pass++) {
		struct dirent *entry;

		rewinddir(dir);
		while ((entry = readdir(dir))) {
			bool is_link = !strncmp(entry->d_name, "link_", 5);

			if (entry->d_name[0] == '.' || is_link != (pass == 0))
				continue;
			if (entry->d_type == DT_DIR) {
				_cleanup_free_ char *below = NULL;

				if (asprintf(&below, "%s/%s", path, entry->d_name) < 0)
					return -ENOMEM;
				err = unpin_dir(below) ?: err;
			} else if (unlinkat(dirfd(dir), entry->d_name, 0)) {
				err = -errno;
			}
		}
	}
	if (rmdir(path))
		err = -errno;
	return err;
}

int each_dir(const char *path, const char *prefix,
	     int (*fn)(const char *path, const char *name, void *ctx), void *ctx)
{
	_cleanup_closedir_ DIR *dir = opendir(path);
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!err && (entry = readdir(dir))) {
		_cleanup_free_ char *below = NULL;

		if (entry->d_type != DT_DIR || strncmp(entry->d_name, prefix, strlen(prefix)))
			continue;
		if (asprintf(&below, "%s/%s", path, entry->d_name) < 0)
			return -ENOMEM;
		err = fn(below, entry->d_name, ctx);
	}
	return err;
}

int unpin_other(const char *path, const char *name, void *keep)
{
	return strcmp(name, keep) ? unpin_dir(path) : 0;
}

int make_pin_dir(const char *dir)
{
	struct statfs fs;

	if (statfs("/sys/fs/bpf", &fs))
		return -errno;
	if (fs.f_type != BPF_FS_MAGIC &&
	    mount("bpf", "/sys/fs/bpf", "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700"))
		return -errno;
	if (mkdir(KERNEL_PIN_DIR, 0700) && errno != EEXIST)
		return -errno;
	if (mkdir(dir, 0700) && errno != EEXIST)
		return -errno;
	return 0;
}

static int lock_file(int how)
{
	_cleanup_close_ int fd = -EBADF;

	if (mkdir("/run/leastcap", 0755) && errno != EEXIST)
		return -errno;
	fd = open(KERNEL_LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	while (flock(fd, how)) {
		if (errno != EINTR)
			return -errno;
	}
	return TAKE_FD(fd);
}

int kernel_lock(void)
{
	return lock_file(LOCK_EX);
}

int kernel_trylock(void)
{
	return lock_file(LOCK_EX | LOCK_NB);
}

int kernel_unload(void)
{
	_cleanup_(kernel_closep) struct kernel *k = NULL;
	int err = 0;

	(void)kernel_open(&k);
	/* Programs of every ABI and build before any map. */
	_cleanup_closedir_ DIR *dir = opendir(KERNEL_PIN_DIR);
	struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir))) {
		_cleanup_free_ char *path = NULL;

		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&path, KERNEL_PIN_DIR "/%s", entry->d_name) < 0)
			return -ENOMEM;
		err = each_dir(path, "build-", unpin_other, (char[]){""}) ?: err;
	}
	/* What is held now, nobody would let go any more. */
	if (k)
		kernel_hold_end(k);
	return unpin_dir(KERNEL_PIN_DIR) ?: err;
}

int kernel_unload_own(void)
{
	_cleanup_(kernel_closep) struct kernel *k = NULL;
	char dir[64];
	int err;

	(void)kernel_open(&k);
	snprintf(dir, sizeof(dir), KERNEL_PIN_DIR "/v%d", LEASTCAP_ABI);
	err = each_dir(dir, "build-", unpin_other, (char[]){""});
	if (k)
		kernel_hold_end(k);
	err = unpin_dir(dir) ?: err;
	/* Fails, as it should, where another ABI's set is. */
	(void)rmdir(KERNEL_PIN_DIR);
	return err;
}

/* ---- which build stands ---- */

/* A program's link is pinned behind it, and may have been taken away since. */
static bool all_linked(const char *path)
{
	_cleanup_closedir_ DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char link[64];

		if (strncmp(entry->d_name, "prog_", 5))
			continue;
		snprintf(link, sizeof(link), "link_%.50s", entry->d_name + 5);
		if (faccessat(dirfd(dir), link, F_OK, 0))
			return false;
	}
	return dir;
}

static int take_build(const char *path, const char *name, void *ctx)
{
	char *ret = ctx;
	size_t len = strlen("build-");

	if (strlen(name) != len + 16 || !all_linked(path))
		return 0;
	memcpy(ret, name + len, 16);
	ret[16] = '\0';
	return 1;
}

bool kernel_attached(const struct kernel *k, char ret_build[17])
{
	char build[17] = "";

	if (each_dir(k->dir, "build-", take_build, build) != 1)
		return false;
	if (ret_build)
		memcpy(ret_build, build, sizeof(build));
	return true;
}

struct program_list {
	struct kernel_program *programs;
	size_t max;
	int n;
};

static int list_programs(const char *path, const char *name, void *ctx)
{
	_cleanup_closedir_ DIR *dir = opendir(path);
	struct program_list *list = ctx;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct bpf_prog_info info = {};
		_cleanup_free_ char *pin = NULL;
		_cleanup_close_ int fd = -EBADF;
		__u32 len = sizeof(info);

		if (strncmp(entry->d_name, "prog_", 5))
			continue;
		if (asprintf(&pin, "%s/%s", path, entry->d_name) < 0)
			return -ENOMEM;
		fd = bpf_obj_get(pin);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
			continue;
		if ((size_t)list->n < list->max) {
			struct kernel_program *p = &list->programs[list->n];

			snprintf(p->name, sizeof(p->name), "%s", entry->d_name + 5);
			p->runs = info.run_cnt;
			p->run_ns = info.run_time_ns;
			p->missed = info.recursion_misses;
		}
		list->n++;
	}
	return 0;
}

int kernel_programs(const struct kernel *k, struct kernel_program *ret, size_t max)
{
	struct program_list list = {.programs = ret, .max = max};
	int err = each_dir(k->dir, "build-", list_programs, &list);

	return err ?: list.n;
}
