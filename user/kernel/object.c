/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One build: its object, and the set of its programs that is pinned.
 *
 *	/sys/fs/bpf/leastcap/v<ABI>/bindings, ledgers, ...	maps, shared by all builds of an ABI
 *	/sys/fs/bpf/leastcap/v<ABI>/build-<id>/link_*, prog_*	one build's programs; complete once it has this name
 *	/sys/fs/bpf/leastcap/v<ABI>/build-<id>/call_*		those that no hook calls, but user space
 *	/sys/fs/bpf/leastcap/v<ABI>/build-<id>-new/		being attached
 */
#include "kernel/internal.h"

#include <malloc.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "leastcap.skel.h"

DEFINE_CLEANUP(struct bpf_object *, bpf_object__close);

/* FNV-1a of the object. */
void build_id(char ret[17])
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

struct bpf_object *object_open(void)
{
	const void *bytes;
	size_t size;

	libbpf_set_print(libbpf_print);
	hooks_init();
	bytes = leastcap_bpf__elf_bytes(&size);
	return bpf_object__open_mem(bytes, size, NULL);
}

/* ---- loading ---- */

/* The reader is woken once for so many records, less one: a quarter of the ring buffer. */
static uint32_t wake_mask(uint32_t ring)
{
	uint32_t n = ring / 4 / sizeof(struct leastcap_event), mask = 0;

	while (2 * mask + 2 <= n)
		mask = 2 * mask + 1;
	return mask;
}

static int use_maps(struct leastcap_bpf *skel, const struct kernel_options *opts, const char *dir)
{
	for (int i = 0; i < MAPS; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(skel->obj, map_names[i]);
		_cleanup_close_ int fd = -EBADF;
		char pin[96];
		int err;

		if (!map)
			return -ENOENT;
		snprintf(pin, sizeof(pin), "%s/%s", dir, map_pin((enum pinned_map)i));
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
		if (opts && opts->max_bindings &&
		    (i == MAP_BINDINGS || i == MAP_LEDGERS || i == MAP_REFUSALS))
			bpf_map__set_max_entries(map, opts->max_bindings);
	}
	skel->rodata->wake_mask = wake_mask(bpf_map__max_entries(skel->maps.events));
	return 0;
}

/* Pins the maps that are new. */
static int pin_maps(struct leastcap_bpf *skel, const char *dir)
{
	for (int i = 0; i < MAPS; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(skel->obj, map_names[i]);
		char pin[96];
		int err;

		snprintf(pin, sizeof(pin), "%s/%s", dir, map_pin((enum pinned_map)i));
		if (!access(pin, F_OK))
			continue;
		err = bpf_obj_pin(bpf_map__fd(map), pin);
		if (err)
			return err;
	}
	return 0;
}

/* The pin of a program: kind is "link", "prog" or "call". */
static void program_pin(char ret[160], const char *dir, const char *kind,
			const struct bpf_program *prog)
{
	snprintf(ret, 160, "%s/%s_%s", dir, kind, bpf_program__name(prog));
}

/* Is it there for user space to call? */
static bool is_called(const struct bpf_program *prog)
{
	return bpf_program__type(prog) == BPF_PROG_TYPE_SYSCALL;
}

static bool program_attached(const char *dir, const struct bpf_program *prog)
{
	char pin[160];

	program_pin(pin, dir, is_called(prog) ? "call" : "link", prog);
	return !access(pin, F_OK);
}

/* The link is pinned last: where it is, all of it is. */
static int attach_program(struct bpf_program *prog, const char *dir)
{
	struct bpf_link *link;
	char pin[160];
	int err;

	if (is_called(prog)) {
		program_pin(pin, dir, "call", prog);
		return bpf_program__pin(prog, pin);
	}
	link = hook_attach(prog);
	if (!link)
		return log_warn(-errno, "cannot attach %s", bpf_program__section_name(prog));
	program_pin(pin, dir, "prog", prog);
	unlink(pin);
	err = bpf_program__pin(prog, pin);
	if (!err) {
		program_pin(pin, dir, "link", prog);
		err = bpf_link__pin(link, pin);
	}
	/* Pinned, the link outlives its handle. */
	bpf_link__destroy(link);
	return err;
}

/* Takes back what attach_programs() did. */
static void detach_programs(struct leastcap_bpf *skel, const char *dir)
{
	struct bpf_program *prog;
	char pin[160];

	bpf_object__for_each_program(prog, skel->obj)
	{
		if (!bpf_program__autoload(prog))
			continue;
		program_pin(pin, dir, "link", prog);
		unlink(pin);
		program_pin(pin, dir, "prog", prog);
		unlink(pin);
		program_pin(pin, dir, "call", prog);
		unlink(pin);
	}
}

static int attach_programs(struct leastcap_bpf *skel, const char *dir)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, skel->obj)
	{
		int err = bpf_program__autoload(prog) ? attach_program(prog, dir) : 0;

		if (err) {
			detach_programs(skel, dir);
			return err;
		}
	}
	return 0;
}

/* Loads what is selected; tells libbpf's words if that fails. */
static int load_told(struct leastcap_bpf *skel)
{
	_cleanup_free_ char *words = NULL;
	size_t size;
	int err;

	libbpf_words = open_memstream(&words, &size);
	err = leastcap_bpf__load(skel);
	if (libbpf_words)
		fclose(libbpf_words);
	libbpf_words = NULL;
	if (err)
		say_libbpf_words(words);
	return err;
}

/* This build, of its programs those that these rules need and that `dir` has not yet (NULL: has none). */
static struct leastcap_bpf *open_build(uint32_t rules, const char *dir)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = hooks_types());
	struct leastcap_bpf *skel;
	struct bpf_program *prog;

	libbpf_set_print(libbpf_print);
	hooks_init();
	skel = leastcap_bpf__open_opts(&opts);
	if (!skel)
		return NULL;
	bpf_object__for_each_program(prog, skel->obj) bpf_program__set_autoload(
		prog, program_wanted(prog, rules) && !(dir && program_attached(dir, prog)));
	return skel;
}

/*
 * What libbpf takes while it loads, megabytes, is not needed again soon. glibc gives back only the end of the heap by itself.
 */
static void close_build(struct leastcap_bpf *skel)
{
	leastcap_bpf__destroy(skel);
	malloc_trim(0);
}
DEFINE_CLEANUP(struct leastcap_bpf *, close_build);

int load_build(const struct kernel_options *opts, const char *dir, const char *build,
	       uint32_t rules)
{
	_cleanup_(close_buildp) struct leastcap_bpf *skel = open_build(rules, NULL);
	char fresh[128], final[128], armed[136];
	int err;

	if (!skel)
		return -errno;
	snprintf(fresh, sizeof(fresh), "%s/build-%s-new", dir, build);
	snprintf(final, sizeof(final), "%s/build-%s", dir, build);
	snprintf(armed, sizeof(armed), "%s/armed", fresh);
	err = use_maps(skel, opts, dir) ?: load_told(skel) ?: pin_maps(skel, dir);
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

int add_programs(const char *dir, const char *build, uint32_t rules)
{
	_cleanup_(close_buildp) struct leastcap_bpf *skel = NULL;
	_cleanup_close_ int armed = -EBADF;
	char own[128], pin[136];

	snprintf(own, sizeof(own), "%s/build-%s", dir, build);
	snprintf(pin, sizeof(pin), "%s/armed", own);
	skel = open_build(rules, own);
	if (!skel)
		return -errno;
	armed = bpf_obj_get(pin);
	if (armed < 0)
		return armed;
	return bpf_map__reuse_fd(skel->maps.bss, armed) ?: use_maps(skel, NULL, dir) ?:
	       load_told(skel) ?: attach_programs(skel, own);
}

bool build_complete(const char *dir, const char *build, uint32_t rules)
{
	_cleanup_(bpf_object__closep) struct bpf_object *object = NULL;
	struct bpf_program *prog;
	char own[128];

	snprintf(own, sizeof(own), "%s/build-%s", dir, build);
	if (access(own, F_OK))
		return false;
	object = object_open();
	if (!object)
		return false;
	bpf_object__for_each_program(prog, object)
	{
		if (program_wanted(prog, rules) && !program_attached(own, prog))
			return false;
	}
	return true;
}
