/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of the programs and maps: load, adopt, take over, pin, unload.
 *
 *	/sys/fs/bpf/leastcap/v<ABI>/bindings, ledgers, ...	maps, shared by all builds of an ABI
 *	/sys/fs/bpf/leastcap/v<ABI>/build-<id>/link_*, prog_*	one build's programs; complete once it has this name
 *	/sys/fs/bpf/leastcap/v<ABI>/build-<id>-new/		being attached
 *
 * A build takes over like this: its programs are loaded onto the shared maps and attached, passive; then they are
 * armed; then the other build is detached, one link after the other. Where both run, the second sees the first
 * one's refusal in `ret` and passes it on, so that a refusal is counted once.
 */
#include "kernel/internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "leastcap.skel.h"

const char *const map_names[MAPS] = {
	[MAP_BINDINGS] = "bindings", [MAP_LEDGERS] = "ledgers",	    [MAP_POLICIES] = "policies",
	[MAP_BIRTHS] = "births",     [MAP_LAUNCHERS] = "launchers", [MAP_TASKS] = "tasks",
	[MAP_SAMPLES] = "samples",   [MAP_EVENTS] = "events",	    [MAP_LOSSES] = "losses",
	[MAP_STATE] = ".data.state",
};

/* bpffs refuses names with a dot (bpf_lookup() in kernel/bpf/inode.c). */
const char *const map_pins[MAPS] = {
	[MAP_BINDINGS] = "bindings", [MAP_LEDGERS] = "ledgers",	    [MAP_POLICIES] = "policies",
	[MAP_BIRTHS] = "births",     [MAP_LAUNCHERS] = "launchers", [MAP_TASKS] = "tasks",
	[MAP_SAMPLES] = "samples",   [MAP_EVENTS] = "events",	    [MAP_LOSSES] = "losses",
	[MAP_STATE] = "state",
};

DEFINE_CLEANUP(struct leastcap_bpf *, leastcap_bpf__destroy);

static void abi_dir(char buf[64])
{
	snprintf(buf, 64, KERNEL_PIN_DIR "/v%d", LEASTCAP_ABI);
}

/* FNV-1a of the object: two builds with the same programs are the same. */
static void build_id(char ret[17])
{
	uint64_t hash = 0xcbf29ce484222325ULL;
	const unsigned char *bytes;
	size_t size;

	bytes = leastcap_bpf__elf_bytes(&size);
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
	snprintf(ret, 17, "%016llx", (unsigned long long)hash);
}

/* ---- libbpf's words: kept while loading, shown if loading fails ---- */

static FILE *libbpf_words;

__attribute__((format(printf, 2, 0))) static int libbpf_print(enum libbpf_print_level level,
							      const char *fmt, va_list args)
{
	if (libbpf_words && level == LIBBPF_WARN)
		return vfprintf(libbpf_words, fmt, args);
	return 0;
}

static void say_libbpf_words(const char *words)
{
	for (const char *line = words; line && *line;) {
		size_t len = strcspn(line, "\n");

		if (len)
			log_warn(0, "%.*s", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

/* ---- pins ---- */

/* Removes a directory of pins and what is in it, links first and one by one. */
static int unpin_dir(const char *path)
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

/* Calls fn for the directories in `path` whose name begins with `prefix`. */
static int each_dir(const char *path, const char *prefix,
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

static int unpin_other(const char *path, const char *name, void *keep)
{
	return strcmp(name, keep) ? unpin_dir(path) : 0;
}

static int make_pin_dir(const char *dir)
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

int kernel_lock(void)
{
	_cleanup_close_ int fd = -EBADF;

	if (mkdir("/run/leastcap", 0755) && errno != EEXIST)
		return -errno;
	fd = open(KERNEL_LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX)) {
		if (errno != EINTR)
			return -errno;
	}
	return TAKE_FD(fd);
}

/* ---- opening what is pinned ---- */

struct kernel *kernel_close(struct kernel *k)
{
	if (!k)
		return NULL;
	if (k->state)
		munmap(k->state, STATE_PAGE);
	for (int i = 0; i < MAPS; i++) {
		if (k->maps[i] >= 0)
			close(k->maps[i]);
	}
	free(k);
	return NULL;
}

int kernel_open(struct kernel **ret)
{
	_cleanup_(kernel_closep) struct kernel *k = calloc(1, sizeof(*k));
	void *page;

	if (!k)
		return -ENOMEM;
	for (int i = 0; i < MAPS; i++)
		k->maps[i] = -EBADF;
	abi_dir(k->dir);
	for (int i = 0; i < MAPS; i++) {
		char pin[96];

		snprintf(pin, sizeof(pin), "%s/%s", k->dir, map_pins[i]);
		k->maps[i] = bpf_obj_get(pin);
		if (k->maps[i] < 0)
			return k->maps[i];
	}
	page = mmap(NULL, STATE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, k->maps[MAP_STATE], 0);
	if (page == MAP_FAILED)
		return -errno;
	k->state = page;
	*ret = TAKE_PTR(k);
	return 0;
}

/* ---- loading ---- */

static int use_maps(struct leastcap_bpf *skel, const struct kernel_options *opts, const char *dir)
{
	for (int i = 0; i < MAPS; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(skel->obj, map_names[i]);
		_cleanup_close_ int fd = -EBADF;
		char pin[96];
		int err;

		if (!map)
			return -ENOENT;
		snprintf(pin, sizeof(pin), "%s/%s", dir, map_pins[i]);
		fd = bpf_obj_get(pin);
		if (fd >= 0) {
			err = bpf_map__reuse_fd(map, fd);
			if (err)
				return err;
			continue;
		}
		if (fd != -ENOENT)
			return fd;
		if (opts && opts->ring_size && i == MAP_EVENTS)
			bpf_map__set_max_entries(map, opts->ring_size);
		if (opts && opts->max_bindings && (i == MAP_BINDINGS || i == MAP_LEDGERS))
			bpf_map__set_max_entries(map, opts->max_bindings);
	}
	return 0;
}

/* Pins the maps that are new. */
static int pin_maps(struct leastcap_bpf *skel, const char *dir)
{
	for (int i = 0; i < MAPS; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(skel->obj, map_names[i]);
		char pin[96];
		int err;

		snprintf(pin, sizeof(pin), "%s/%s", dir, map_pins[i]);
		if (!access(pin, F_OK))
			continue;
		err = bpf_obj_pin(bpf_map__fd(map), pin);
		if (err)
			return err;
	}
	return 0;
}

static int attach_programs(struct leastcap_bpf *skel, const char *dir)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, skel->obj)
	{
		struct bpf_link *link;
		char pin[160];
		int err;

		if (!bpf_program__autoload(prog))
			continue;
		link = bpf_program__attach(prog);
		if (!link)
			return log_warn(-errno, "cannot attach %s",
					bpf_program__section_name(prog));
		snprintf(pin, sizeof(pin), "%s/link_%s", dir, bpf_program__name(prog));
		err = bpf_link__pin(link, pin);
		/* Pinned, the link outlives its handle. */
		bpf_link__destroy(link);
		if (err)
			return err;
		snprintf(pin, sizeof(pin), "%s/prog_%s", dir, bpf_program__name(prog));
		err = bpf_program__pin(prog, pin);
		if (err)
			return err;
	}
	return 0;
}

/* libbpf pads a name with dots; ours have none. */
static int load_build(const struct kernel_options *opts, const char *dir, const char *build)
{
	_cleanup_(leastcap_bpf__destroyp) struct leastcap_bpf *skel = NULL;
	char fresh[128], final[128], armed[136];
	int err;

	snprintf(fresh, sizeof(fresh), "%s/build-%s-new", dir, build);
	snprintf(final, sizeof(final), "%s/build-%s", dir, build);
	snprintf(armed, sizeof(armed), "%s/armed", fresh);
	skel = leastcap_bpf__open();
	if (!skel)
		return -errno;
	err = use_maps(skel, opts, dir);
	if (err)
		return err;
	err = leastcap_bpf__load(skel);
	if (err)
		return err;
	err = pin_maps(skel, dir);
	if (err)
		return err;
	if (mkdir(fresh, 0700))
		return -errno;
	err = attach_programs(skel, fresh) ?: bpf_obj_pin(bpf_map__fd(skel->maps.bss), armed);
	if (!err) {
		skel->bss->armed = 1;
		if (rename(fresh, final))
			err = -errno;
	}
	if (err)
		(void)unpin_dir(fresh);
	return err;
}

/* Has this build's directory a link for each program? */
static bool build_complete(const char *dir, const char *build)
{
	struct leastcap_bpf *skel = leastcap_bpf__open();
	struct bpf_program *prog;
	bool complete = skel != NULL;

	if (!skel)
		return false;
	bpf_object__for_each_program(prog, skel->obj)
	{
		char pin[160];

		snprintf(pin, sizeof(pin), "%s/build-%s/link_%s", dir, build,
			 bpf_program__name(prog));
		if (access(pin, F_OK))
			complete = false;
	}
	leastcap_bpf__destroy(skel);
	return complete;
}

static int load_or_adopt(const struct kernel_options *opts)
{
	char dir[64], build[17], name[40], version[8];
	_cleanup_free_ char *words = NULL;
	size_t size;
	int err;

	abi_dir(dir);
	build_id(build);
	snprintf(name, sizeof(name), "build-%s", build);
	snprintf(version, sizeof(version), "v%d", LEASTCAP_ABI);
	err = make_pin_dir(dir);
	if (err)
		return log_warn(err, "cannot make %s", dir);
	if (!build_complete(dir, build)) {
		char path[128];
		bool fresh;

		/* What an interrupted start left behind; an incomplete set of ours is replaced as another build's is. */
		snprintf(path, sizeof(path), "%s/build-%s-new", dir, build);
		(void)unpin_dir(path);
		snprintf(path, sizeof(path), "%s/build-%s", dir, build);
		if (!access(path, F_OK)) {
			char old[136];

			snprintf(old, sizeof(old), "%s/build-%s-old", dir, build);
			(void)unpin_dir(old);
			if (rename(path, old))
				return -errno;
		}
		snprintf(path, sizeof(path), "%s/state", dir);
		fresh = access(path, F_OK) != 0;
		libbpf_words = open_memstream(&words, &size);
		err = load_build(opts, dir, build);
		if (libbpf_words)
			fclose(libbpf_words);
		libbpf_words = NULL;
		if (err) {
			say_libbpf_words(words);
			/* Nothing was there before: leave nothing behind. */
			if (fresh)
				(void)unpin_dir(dir);
			return log_warn(err, "cannot load the BPF programs");
		}
	}
	err = each_dir(dir, "build-", unpin_other, name);
	if (err)
		return log_warn(err, "cannot remove another build's programs");
	return each_dir(KERNEL_PIN_DIR, "v", unpin_other, version);
}

static void set_limits(struct kernel *k, const struct kernel_options *opts)
{
	if (opts && opts->entering_limit_ns)
		k->state->entering_limit_ns = opts->entering_limit_ns;
	if (opts && opts->sample_interval_ns)
		k->state->sample_interval_ns = opts->sample_interval_ns;
}

int kernel_load(const struct kernel_options *opts, struct kernel **ret)
{
	_cleanup_(kernel_closep) struct kernel *k = NULL;
	int err;

	if (kernel_probe(NULL))
		return -EOPNOTSUPP;
	libbpf_set_print(libbpf_print);
	err = load_or_adopt(opts);
	if (err)
		return err;
	err = kernel_open(&k);
	if (err)
		return err;
	set_limits(k, opts);
	kernel_publish(k);
	*ret = TAKE_PTR(k);
	return 0;
}

int kernel_unload(void)
{
	int err = 0;

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
	return unpin_dir(KERNEL_PIN_DIR) ?: err;
}

/* ---- which build stands ---- */

static int take_build(const char *path, const char *name, void *ctx)
{
	char *ret = ctx;
	size_t len = strlen("build-");

	if (strlen(name) != len + 16)
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
