/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What our programs are attached to: the functions and tracepoints that this kernel has, by its BTF.
 *
 * libbpf reads all types of the kernel, several MiB, for each object with a program for a hook, and looks for each hook among
 * all of them. Here they are read once in a process; libbpf is given what was found. A daemon's start takes a fifth less by that.
 */
#include "kernel/internal.h"

#include <malloc.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

DEFINE_CLEANUP(struct btf *, btf__free);
DEFINE_CLEANUP(struct bpf_object *, bpf_object__close);

struct hook {
	char *name;
	uint32_t id; /* in the kernel's BTF; 0: it has none */
	int parameters; /* of a function */
};

/* A way to attach. */
static struct way {
	const char *section; /* a program's, up to the name of the hook */
	const char *prefix; /* before that name in the kernel's BTF */
	size_t prefix_len;
	uint32_t kind; /* of what has that name */
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
	struct hook *hooks; /* those that we have programs for */
	size_t n;
} ways[] = {
#define WAY(section, prefix, kind, type, attach)                                            \
	{                                                                                   \
		section, prefix, sizeof(prefix) - 1, BTF_KIND_##kind, BPF_PROG_TYPE_##type, \
			BPF_##attach, NULL, 0                                               \
	}
	WAY("lsm/", "bpf_lsm_", FUNC, LSM, LSM_MAC), /* include/linux/lsm_hook_defs.h */
	WAY("fentry/", "", FUNC, TRACING, TRACE_FENTRY),
	WAY("fexit/", "", FUNC, TRACING, TRACE_FEXIT),
	WAY("tp_btf/", "btf_trace_", TYPEDEF, TRACING, TRACE_RAW_TP),
};
#define LSM (&ways[0])

static struct {
	int types; /* descriptor, of types_pick(), or -errno */
	int err;
	bool read;
} kernel_has;

/* ---- what is looked for ---- */

/* Of a program in "lsm/sb_mount": "sb_mount". NULL: it is attached in another way. */
static const char *hook_in(const struct way *way, const struct bpf_program *prog)
{
	const char *section = bpf_program__section_name(prog);
	size_t len = strlen(way->section);

	return strncmp(section, way->section, len) ? NULL : section + len;
}

const char *program_hook(const struct bpf_program *prog)
{
	return hook_in(LSM, prog);
}

static struct way *way_of(const struct bpf_program *prog)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		if (hook_in(&ways[i], prog))
			return &ways[i];
	}
	return NULL;
}

static struct hook *find(const struct way *way, const char *name)
{
	for (size_t i = 0; i < way->n; i++) {
		struct hook *h = &way->hooks[i];

		/* Asked of all functions of the kernel: few have the first letter. */
		if (*h->name == *name && !strcmp(h->name, name))
			return h;
	}
	return NULL;
}

static int look_for(const struct bpf_program *prog)
{
	struct way *way = way_of(prog);
	const char *name = way ? hook_in(way, prog) : NULL;
	struct hook *grown;

	if (!name || find(way, name))
		return 0;
	grown = reallocarray(way->hooks, way->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	way->hooks = grown;
	grown[way->n] = (struct hook){.name = strdup(name)};
	return grown[way->n].name ? (way->n++, 0) : -ENOMEM;
}

/* ---- what is there ---- */

static void note(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id), *proto;
	uint32_t kind = btf_kind(type);
	const char *name = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct hook *h;

		if (kind != ways[i].kind)
			continue;
		name = name ?: btf__name_by_offset(btf, type->name_off);
		if (!name)
			return;
		if (strncmp(name, ways[i].prefix, ways[i].prefix_len))
			continue;
		h = find(&ways[i], name + ways[i].prefix_len);
		/* Of several with one name the first, as libbpf. */
		if (!h || h->id)
			continue;
		h->id = id;
		proto = btf__type_by_id(btf, type->type);
		h->parameters = proto && btf_is_func_proto(proto) ? btf_vlen(proto) : 0;
	}
}

/* The kernel stays the same. */
static int read_once(void)
{
	_cleanup_(bpf_object__closep) struct bpf_object *object = object_open();
	_cleanup_(btf__freep) struct btf *btf = NULL;
	struct bpf_program *prog;
	int err = object ? 0 : -ENOMEM;

	if (err)
		return err;
	bpf_object__for_each_program(prog, object) err = err ?: look_for(prog);
	if (err)
		return err;
	btf = btf__load_vmlinux_btf();
	if (!btf)
		return -errno;
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++)
		note(btf, id);
	kernel_has.types = types_pick(btf, bpf_object__btf(object));
	return 0;
}

int hooks_read(void)
{
	if (!kernel_has.read) {
		kernel_has.read = true;
		kernel_has.types = -ENOENT;
		kernel_has.err = read_once();
		/* The types, which nobody needs again: see close_build(). */
		malloc_trim(0);
	}
	return kernel_has.err;
}

const char *hooks_types(void)
{
	static char path[32];

	if (hooks_read() || kernel_has.types < 0)
		return NULL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", kernel_has.types);
	return access(path, R_OK) ? NULL : path;
}

int hook_parameters(const char *name)
{
	const struct hook *h = hooks_read() ? NULL : find(LSM, name);

	return h && h->id ? h->parameters : -ENOENT;
}

/* ---- libbpf ---- */

/*
 * An object with a program of one of these types has libbpf read the kernel's: until it is loaded a program has another type.
 * give_hook() gives it the right one, or it is not loaded.
 */
#define UNTIL_LOADED BPF_PROG_TYPE_RAW_TRACEPOINT

static int give_hook(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	const struct way *way = &ways[cookie];
	const char *name = hook_in(way, prog);
	const struct hook *h = hooks_read() ? NULL : find(way, name);
	/* Another object's, or one that there is not. */
	int id = h && h->id ? (int)h->id : libbpf_find_vmlinux_btf_id(name, way->attach);

	if (id <= 0)
		return id ?: -ESRCH;
	opts->attach_btf_id = (uint32_t)id;
	return bpf_program__set_type(prog, way->type);
}

void hooks_init(void)
{
	static bool done;

	for (size_t i = 0; !done && i < ARRAY_SIZE(ways); i++) {
		LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .cookie = (long)i,
			    .prog_prepare_load_fn = give_hook);

		/* Where it fails libbpf finds the hook itself. */
		(void)libbpf_register_prog_handler(ways[i].section, UNTIL_LOADED, ways[i].attach,
						   &opts);
	}
	done = true;
}

struct bpf_link *hook_attach(const struct bpf_program *prog)
{
	return program_hook(prog) ? bpf_program__attach_lsm(prog) : bpf_program__attach_trace(prog);
}
