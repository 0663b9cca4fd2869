/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include <leastcap/decide.h>

#include "base/nearest.h"
#include "policy/internal.h"

#define BIT(cap) (1ULL << (cap))

struct base {
	const char *name;
	uint64_t allow;
};

static const struct base bases[] = {
	{"none", 0},
	{"all", LEASTCAP_ALL},
	/* What Docker and containerd leave a container that asks for nothing. */
	{"docker-default", BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FSETID) |
				   BIT(CAP_FOWNER) | BIT(CAP_MKNOD) | BIT(CAP_NET_RAW) |
				   BIT(CAP_SETGID) | BIT(CAP_SETUID) | BIT(CAP_SETFCAP) |
				   BIT(CAP_SETPCAP) | BIT(CAP_NET_BIND_SERVICE) |
				   BIT(CAP_SYS_CHROOT) | BIT(CAP_KILL) | BIT(CAP_AUDIT_WRITE)},
	/* Kubernetes' Pod Security Standard "Restricted": all dropped, this one may be added. */
	{"restricted", BIT(CAP_NET_BIND_SERVICE)},
};

static bool built_in(const char *name, size_t len, uint64_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		if (strlen(bases[i].name) == len && !memcmp(bases[i].name, name, len)) {
			*ret = bases[i].allow;
			return true;
		}
	}
	return false;
}

const struct own_base *own_base_find(const struct parse *p, const char *name, size_t len)
{
	for (size_t i = 0; i < p->bases->n; i++) {
		const struct own_base *base = &p->bases->items[i];

		if (strlen(base->name) == len && !memcmp(base->name, name, len))
			return base;
	}
	return NULL;
}

bool base_find(const struct parse *p, const char *name, size_t len, uint64_t *ret)
{
	const struct own_base *own = own_base_find(p, name, len);

	if (own)
		*ret = own->allow;
	return own || built_in(name, len, ret);
}

uint64_t base_docker_default(void)
{
	uint64_t set = 0;

	(void)built_in("docker-default", strlen("docker-default"), &set);
	return set;
}

const char *base_nearest(const struct parse *p, const char *name, size_t len)
{
	_cleanup_free_ const char **words =
		calloc(ARRAY_SIZE(bases) + p->bases->n + 1, sizeof(*words));
	size_t n = 0;

	for (; words && n < ARRAY_SIZE(bases); n++)
		words[n] = bases[n].name;
	for (size_t i = 0; words && i < p->bases->n; i++)
		words[n++] = p->bases->items[i].name;
	return words ? nearest_word(name, len, words) : NULL;
}

void bases_done(struct bases *own)
{
	for (size_t i = 0; i < own->n; i++) {
		free(own->items[i].name);
		free(own->items[i].file);
	}
	free(own->items);
	*own = (struct bases){};
}

static bool own_add(struct bases *own, struct own_base base)
{
	struct own_base *grown = reallocarray(own->items, own->n + 1, sizeof(*grown));

	if (grown)
		own->items = grown;
	if (!grown || !base.name || !base.file) {
		free(base.name);
		free(base.file);
		return false;
	}
	grown[own->n++] = base;
	return true;
}

/* A name that means nothing else yet. */
static bool name_is_free(struct parse *p, const struct node *name)
{
	const struct own_base *other = own_base_find(p, name->text, name->len);
	uint64_t set;

	if (!name_is_good(name) || name->len >= LEASTCAP_NAME_LEN) {
		complain(p, name->pos, NAME_HINT, "bases: %s cannot be a base's name",
			 quote(name).text);
		return false;
	}
	if (built_in(name->text, name->len, &set)) {
		complain(p, name->pos, NULL, "bases: %s is built in", quote(name).text);
		return false;
	}
	if (other)
		complain(p, name->pos, NULL, "bases: %s is defined in %s:%u:%u already",
			 quote(name).text, other->file, other->pos.line, other->pos.column);
	return !other;
}

void bases_build(struct parse *p, const struct node *root)
{
	const struct node *list = node_get(root, "bases", NULL);

	if (!list || !visit(p, list))
		return;
	if (list->kind != NODE_MAPPING || list->n == 0) {
		complain(p, list->pos, "as in { web: [CHOWN, SETUID] }",
			 "bases: names and their capabilities are expected");
		return;
	}
	for (const struct node *name = list->first; name; name = name->next->next) {
		bool good = visit(p, name) && name_is_free(p, name);
		uint64_t set = capabilities_build(p, name->next, NULL);
		struct own_base base = {.allow = set, .pos = name->pos};

		if (!good)
			continue;
		base.name = strdup(name->text);
		base.file = strdup(p->file);
		if (!own_add(p->bases, base))
			p->no_memory = true;
	}
}
