/* SPDX-License-Identifier: GPL-2.0-only */
/* systemd units: which cgroup is theirs. D-Bus by sd-bus, with a time limit; nothing blocks when it is away. */
#ifndef LEASTCAP_UNIT_H
#define LEASTCAP_UNIT_H

#include <stdbool.h>

/*
 * The cgroup path that a unit has, or will have when it starts: its ControlGroup, else its slice and name. To be freed.
 * -EINVAL: not a valid full unit name, or of a type without processes; -ENOMEM; else systemd does not say it, now.
 */
int unit_told(const char *unit, char **ret);

/*
 * The same where systemd does not say it: where the tree of cgroups has it, and else its usual place, which is right as far
 * as its slice is the default one. -EINVAL and -ENOMEM only. ret_running may be NULL.
 */
int unit_cgroup(const char *unit, char **ret, int *ret_running);

/* Does its name alone say where it is? */
bool unit_has_one_place(const char *unit);

/* Can this path be the cgroup of that unit of the system, by the names? Units live in slices, and slices in slices. */
bool unit_at(const char *unit, const char *path);

/* Is it a full name of a unit that has processes: service, scope or slice? */
bool unit_valid(const char *unit);

/* The cgroup path by the rules of names alone. slice: NULL for the default one. To be freed. -EINVAL, -ENOMEM. */
int unit_default_cgroup(const char *unit, const char *slice, char **ret);

#endif
