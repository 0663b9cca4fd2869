/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/capability.h>
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

bool base_find(const char *name, size_t len, uint64_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		if (strlen(bases[i].name) == len && !memcmp(bases[i].name, name, len)) {
			*ret = bases[i].allow;
			return true;
		}
	}
	return false;
}

const char *base_nearest(const char *name, size_t len)
{
	const char *words[ARRAY_SIZE(bases) + 1] = {};

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++)
		words[i] = bases[i].name;
	return nearest_word(name, len, words);
}
