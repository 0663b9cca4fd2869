/* SPDX-License-Identifier: GPL-2.0-only */
/* systemd units: which cgroup is theirs. D-Bus by sd-bus, with a time limit; nothing blocks when it is away. */
#ifndef LEASTCAP_UNIT_H
#define LEASTCAP_UNIT_H

#include <stdbool.h>

/* The cgroup path that a unit has, or will have when it starts: its ControlGroup, else its slice and name.
 * To be freed. -EINVAL: not a valid full unit name, or of a type without processes. Works without D-Bus as
 * far as a default slice is right (system.slice). ret_running may be NULL. */
int unit_cgroup(const char *unit, char **ret, int *ret_running);

/* Is it a full name of a unit that has processes: service, scope or slice? */
bool unit_valid(const char *unit);

/* The cgroup path by the rules of names alone. slice: NULL for the default one. To be freed. -EINVAL, -ENOMEM. */
int unit_default_cgroup(const char *unit, const char *slice, char **ret);

#endif
