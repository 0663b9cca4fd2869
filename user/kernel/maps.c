/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps that are pinned, and a handle on them: `struct kernel`. */
#include "kernel/internal.h"

#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

const char *const map_names[MAPS] = {
	[MAP_BINDINGS] = "bindings",
	[MAP_LEDGERS] = "ledgers",
	[MAP_REFUSALS] = "refusals",
	[MAP_POLICIES] = "policies",
	[MAP_LISTS] = "lists",
	[MAP_FILESYSTEMS] = "filesystems",
	[MAP_UNIX_NAMES] = "unix_names",
	[MAP_DESTINATIONS] = "destinations",
	[MAP_BIRTHS] = "births",
	[MAP_PATTERNS] = "patterns",
	[MAP_NEWBORN] = "newborn",
	[MAP_WAITING] = "waiting",
	[MAP_HELD] = "held",
	[MAP_LAUNCHERS] = "launchers",
	[MAP_TASKS] = "tasks",
	[MAP_MAKERS] = "makers",
	[MAP_ASKERS] = "askers",
	[MAP_SAMPLES] = "samples",
	[MAP_EVENTS] = "events",
	[MAP_LOSSES] = "losses",
	[MAP_STATE] = ".data.state",
	[MAP_PENDING] = ".data.pending",
};

/* bpffs refuses names with a dot (bpf_lookup() in kernel/bpf/inode.c). */
const char *map_pin(enum pinned_map map)
{
	const char *dot = strrchr(map_names[map], '.');

	return dot ? dot + 1 : map_names[map];
}

void abi_dir(char buf[64])
{
	snprintf(buf, 64, KERNEL_PIN_DIR "/v%d", LEASTCAP_ABI);
}

struct kernel *kernel_close(struct kernel *k)
{
	if (!k)
		return NULL;
	if (k->state)
		munmap(k->state, STATE_PAGE);
	if (k->pending)
		munmap((void *)k->pending, PENDING_PAGES);
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

		snprintf(pin, sizeof(pin), "%s/%s", k->dir, map_pin((enum pinned_map)i));
		k->maps[i] = bpf_obj_get(pin);
		if (k->maps[i] < 0)
			return k->maps[i];
	}
	page = mmap(NULL, STATE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, k->maps[MAP_STATE], 0);
	if (page == MAP_FAILED)
		return -errno;
	k->state = page;
	page = mmap(NULL, PENDING_PAGES, PROT_READ, MAP_SHARED, k->maps[MAP_PENDING], 0);
	if (page == MAP_FAILED)
		return -errno;
	k->pending = page;
	*ret = TAKE_PTR(k);
	return 0;
}
