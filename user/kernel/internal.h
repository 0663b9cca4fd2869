/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of user/kernel/ share. */
#ifndef LEASTCAP_KERNEL_INTERNAL_H
#define LEASTCAP_KERNEL_INTERNAL_H

#include "kernel/kernel.h"

/* Maps that all builds of an ABI share; the pin's name is the map's. */
enum pinned_map {
	MAP_BINDINGS,
	MAP_LEDGERS,
	MAP_POLICIES,
	MAP_BIRTHS,
	MAP_LAUNCHERS,
	MAP_TASKS,
	MAP_SAMPLES,
	MAP_EVENTS,
	MAP_LOSSES,
	MAP_STATE,
	MAPS,
};

/* Name of the map in the object, and of its pin. */
extern const char *const map_names[MAPS];
extern const char *const map_pins[MAPS];

struct kernel {
	int maps[MAPS]; /* descriptors */
	struct leastcap_state *state; /* one page, mapped */
	char dir[64]; /* of this ABI */
};

/* The mounted page of .data.state. */
#define STATE_PAGE 4096

#endif
