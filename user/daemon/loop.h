/* SPDX-License-Identifier: GPL-2.0-only */
/* The event loop of the daemon: signals, the ring buffer, the clock, the watchdog. */
#ifndef LEASTCAP_LOOP_H
#define LEASTCAP_LOOP_H

#include <systemd/sd-event.h>

#include "audit/reader.h"
#include "audit/sink.h"
#include "daemon/state.h"
#include "kernel/kernel.h"

struct loop {
	sd_event *event; /* all of these are borrowed */
	struct kernel *kernel;
	struct reader *reader;
	struct sink *sink;
	struct state *state;

	sd_event_source *drain; /* loop_run()'s: off while it sleeps until the kernel wakes it */
};

/* Signals that the loop handles are held back from now on, so that none is lost before it runs. -errno. */
int loop_block_signals(void);

/* Lists the programs that start containers and services in the kernel, where they have changed. Logs. */
void loop_add_launchers(struct kernel *k);

/* Tells systemd that all is ready, and runs until a signal or an unload ends it. Logs. -errno or an exit status. */
int loop_run(struct loop *l);

#endif
