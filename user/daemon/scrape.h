/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GET /metrics on a loopback address, for a Prometheus that cannot ask a unix socket. Everybody on the host, and in its
 * network namespace, may read there: nothing else is served.
 */
#ifndef LEASTCAP_SCRAPE_H
#define LEASTCAP_SCRAPE_H

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "daemon/state.h"

struct scrape;

/* address: of options.c, checked. Logs; -errno. state is borrowed. */
int scrape_open(const char *address, sd_event *event, struct state *state, struct scrape **ret);
struct scrape *scrape_free(struct scrape *s); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(struct scrape *, scrape_free);

#endif
