/* SPDX-License-Identifier: GPL-2.0-only */
/* systemd units: which cgroup is theirs. D-Bus by sd-bus, with a time limit; nothing blocks when it is away. */
#ifndef LEASTCAP_UNIT_H
#define LEASTCAP_UNIT_H

/* The cgroup path that a unit has, or will have when it starts: its ControlGroup, else its slice and name.
 * To be freed. -EINVAL: not a valid full unit name, or of a type without processes. Works without D-Bus as
 * far as a default slice is right (system.slice). ret_running may be NULL. */
int unit_cgroup(const char *unit, char **ret, int *ret_running);

#endif
