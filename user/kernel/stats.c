/* SPDX-License-Identifier: GPL-2.0-only */
/* How full the maps are. */
#include "kernel/internal.h"

#include <string.h>

#include <bpf/bpf.h>

/* Those that can become full. The values' sizes do not matter: keys are counted. */
static const struct {
	enum pinned_map map;
	size_t key_size;
} counted[] = {
	{MAP_BINDINGS, sizeof(uint64_t)},
	{MAP_POLICIES, sizeof(uint64_t)},
	{MAP_BIRTHS, sizeof(struct leastcap_birth)},
	{MAP_SAMPLES, sizeof(struct leastcap_key)},
};

int kernel_maps(const struct kernel *k, struct kernel_map ret[KERNEL_MAPS])
{
	static_assert(ARRAY_SIZE(counted) == KERNEL_MAPS, "each has a place");

	for (size_t i = 0; i < KERNEL_MAPS; i++) {
		int fd = k->maps[counted[i].map];
		struct bpf_map_info info = {};
		__u32 len = sizeof(info);
		_cleanup_free_ void *keys = NULL;
		long n = map_keys(fd, counted[i].key_size, &keys);

		if (n < 0)
			return (int)n;
		if (bpf_obj_get_info_by_fd(fd, &info, &len))
			return -errno;
		ret[i] = (struct kernel_map){.name = map_names[counted[i].map],
					     .entries = (uint64_t)n,
					     .max = info.max_entries};
	}
	return 0;
}
