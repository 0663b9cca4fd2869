/* SPDX-License-Identifier: GPL-2.0-only */
#include "trace/symbols.h"

#include <stdbool.h>
#include <string.h>

struct symbol {
	uint64_t address;
	char *name;
};

struct symbols {
	struct symbol *items;
	size_t n, room;
	bool visible; /* some address is not 0 */
};

struct symbols *symbols_free(struct symbols *s)
{
	for (size_t i = 0; s && i < s->n; i++)
		free(s->items[i].name);
	if (s)
		free(s->items);
	free(s);
	return NULL;
}

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static int add(struct symbols *s, uint64_t address, const char *name)
{
	if (s->n == s->room) {
		size_t room = s->room ? 2 * s->room : 65536;
		struct symbol *items = reallocarray(s->items, room, sizeof(*items));

		if (!items)
			return -ENOMEM;
		s->items = items;
		s->room = room;
	}
	s->items[s->n].name = strdup(name);
	if (!s->items[s->n].name)
		return -ENOMEM;
	s->items[s->n++].address = address;
	s->visible = s->visible || address;
	return 0;
}

/* "ffffffff81000000 T name" or, of a module, "... t name\t[module]". Data is left out. */
static int add_line(struct symbols *s, char *line)
{
	char *end, *name;
	uint64_t address = strtoull(line, &end, 16);

	if (end == line || end[0] != ' ' || !end[1] || !strchr("tTwW", end[1]) || end[2] != ' ')
		return 0;
	name = end + 3;
	name[strcspn(name, "\t\n ")] = '\0';
	return *name ? add(s, address, name) : 0;
}

int symbols_read(FILE *f, struct symbols **ret)
{
	_cleanup_(symbols_freep) struct symbols *s = calloc(1, sizeof(*s));
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	if (!s)
		return -ENOMEM;
	while (getline(&line, &size, f) > 0) {
		int err = add_line(s, line);

		if (err)
			return err;
	}
	if (ferror(f))
		return -EIO;
	if (!s->visible)
		return -EPERM;
	qsort(s->items, s->n, sizeof(*s->items), by_address);
	*ret = TAKE_PTR(s);
	return 0;
}

int symbols_of_kernel(struct symbols **ret)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/kallsyms", "re");

	return f ? symbols_read(f, ret) : -errno;
}

const char *symbols_find(const struct symbols *s, uint64_t address)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->items[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? s->items[low - 1].name : NULL;
}
