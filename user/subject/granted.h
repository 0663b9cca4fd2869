/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEASTCAP_GRANTED_H
#define LEASTCAP_GRANTED_H

#include <stdint.h>

/* The union of the permitted sets of the processes in a cgroup and below it, now. 0 where there is none. */
int granted_in(const char *cgroup, uint64_t *ret);

#endif
