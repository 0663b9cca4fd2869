/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEASTCAP_PROCFS_H
#define LEASTCAP_PROCFS_H

#include <stdint.h>

/* Of the text of /proc/PID/stat: when the process was started, in clock ticks since the boot. -EBADMSG. */
int stat_start(const char *stat, uint64_t *ret);

#endif
