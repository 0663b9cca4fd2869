/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's types, those that our programs name.
 *
 * For each type that a program reads libbpf compares its name with those of all types of the kernel, a hundred thousand and more
 * (bpf_core_add_cands() in libbpf 1.1): that was two thirds of what a start takes in user mode. What is picked here in one pass
 * are the types by those names, all of them, and what they are made of. A pointer is one to nothing: for what it points to
 * libbpf looks by the name of that.
 */
#include "kernel/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/btf.h>

DEFINE_CLEANUP(struct btf *, btf__free);

/* Sorted. */
struct names {
	char **list;
	size_t n;
};

static void names_done(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->list[i]);
	free(names->list);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What libbpf may look for by its name. NULL: nothing of that. */
static const char *sought(const struct btf *btf, const struct btf_type *t)
{
	const char *name;

	if (!btf_is_composite(t) && !btf_is_typedef(t) && !btf_is_any_enum(t))
		return NULL;
	name = btf__name_by_offset(btf, t->name_off);
	return name && *name ? name : NULL;
}

static int names_read(struct names *names, const struct btf *object)
{
	uint32_t n = btf__type_cnt(object);

	names->list = calloc(n, sizeof(*names->list));
	if (!names->list)
		return -ENOMEM;
	for (uint32_t id = 1; id < n; id++) {
		const char *name = sought(object, btf__type_by_id(object, id));
		const char *flavor = name ? strstr(name, "___") : NULL;

		if (!name)
			continue;
		names->list[names->n] = flavor ? strndup(name, (size_t)(flavor - name))
					       : strdup(name);
		if (!names->list[names->n++])
			return -ENOMEM;
	}
	qsort(names->list, names->n, sizeof(*names->list), compare);
	return 0;
}

struct pick {
	const struct btf *from;
	struct btf *to;
	uint32_t *ids; /* in `to`, by that in `from`; 0: not picked */
	uint32_t pointer; /* in `to`: all pointers; 0: there is none yet */
};

/* How many types it is made of. */
static uint32_t parts(const struct btf_type *t)
{
	if (btf_is_composite(t))
		return btf_vlen(t);
	if (btf_is_array(t))
		return 2;
	return btf_is_typedef(t) || btf_is_mod(t) || btf_is_type_tag(t);
}

static uint32_t *part(const struct btf_type *t, uint32_t i)
{
	if (btf_is_composite(t))
		return &btf_members(t)[i].type;
	if (btf_is_array(t))
		return i ? &btf_array(t)->index_type : &btf_array(t)->type;
	return (uint32_t *)&t->type;
}

static int pick_pointer(struct pick *p)
{
	int id = p->pointer ? (int)p->pointer : btf__add_ptr(p->to, 0);

	if (id > 0)
		p->pointer = (uint32_t)id;
	return id;
}

/* Answers its id in `to`, or -errno. Without pointers no type is a part of itself. */
static int pick(struct pick *p, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(p->from, id);
	int picked;

	if (!id || !t)
		return id ? -EINVAL : 0;
	if (p->ids[id])
		return (int)p->ids[id];
	if (btf_is_ptr(t) || btf_is_func_proto(t))
		return pick_pointer(p);
	picked = btf__add_type(p->to, p->from, t);
	if (picked < 0)
		return picked;
	p->ids[id] = (uint32_t)picked;
	for (uint32_t i = 0; i < parts(t); i++) {
		int of = pick(p, *part(t, i));

		if (of < 0)
			return of;
		/* It is elsewhere each time that one has been added. */
		*part(btf__type_by_id(p->to, (uint32_t)picked), i) = (uint32_t)of;
	}
	return picked;
}

static int pick_named(struct pick *p, const struct names *names)
{
	uint32_t n = btf__type_cnt(p->from);

	for (uint32_t id = 1; id < n; id++) {
		const char *name = sought(p->from, btf__type_by_id(p->from, id));
		int err;

		if (!name || !bsearch(&name, names->list, names->n, sizeof(name), compare))
			continue;
		err = pick(p, id);
		if (err < 0)
			return err;
	}
	return 0;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n <= 0)
			return n ? -errno : -EIO;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int types_pick(const struct btf *kernel, const struct btf *object)
{
	_cleanup_(btf__freep) struct btf *to = btf__new_empty();
	_cleanup_(names_done) struct names names = {};
	_cleanup_free_ uint32_t *ids = calloc(btf__type_cnt(kernel), sizeof(*ids));
	_cleanup_close_ int fd = memfd_create("types", MFD_CLOEXEC);
	struct pick p = {.from = kernel, .to = to, .ids = ids};
	const void *data;
	uint32_t len;
	int err;

	if (fd < 0)
		return -errno;
	if (!to || !ids)
		return -ENOMEM;
	err = names_read(&names, object) ?: pick_named(&p, &names);
	if (err)
		return err;
	data = btf__raw_data(to, &len);
	err = data ? write_all(fd, data, len) : -ENOMEM;
	return err ?: TAKE_FD(fd);
}
