/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process beside the daemon that lets go what is held: after the time limit, whatever the daemon is doing, and at once
 * when the daemon is gone. Only while it runs is anything held.
 */
#ifndef LEASTCAP_GUARD_H
#define LEASTCAP_GUARD_H

#include <stdint.h>
#include <sys/types.h>

/* Starts it. *ret_fd: it ends when the last copy of this descriptor is closed. Returns its number, or -errno. */
pid_t guard_start(uint64_t limit_ns, int *ret_fd);

#endif
