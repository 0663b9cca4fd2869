/* SPDX-License-Identifier: GPL-2.0-only */
/* Watches the files of policies, and has them looked at when they have changed. */
#ifndef LEASTCAP_WATCH_H
#define LEASTCAP_WATCH_H

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "policy/policy.h"

struct watch;

struct watch_options {
	sd_event *event; /* borrowed */
	const char *config_dir; /* need not be there */
	/* What was read last, and a number that differs after each time. */
	const struct policy_reads *(*reads)(void *ctx, unsigned int *ret_reload);
	void (*look)(void *ctx); /* something has changed, or so it seems */
	void *ctx;
};

/* From now on; looks once for what has changed before. */
int watch_open(const struct watch_options *o, struct watch **ret);
struct watch *watch_free(struct watch *w);
DEFINE_CLEANUP(struct watch *, watch_free);

#endif
