/* SPDX-License-Identifier: GPL-2.0-only */
/* What people call a subject -> its cgroup. */
#ifndef LEASTCAP_FIND_H
#define LEASTCAP_FIND_H

/*
 * The cgroup that is meant: a path, as it is or as it is shown (base/escape.h), a unit, a container's id or its beginning. To be
 * freed; it does not end in "/". -ENOENT: none that is there. -ENOTUNIQ: several. Works without the daemon.
 */
int subject_find(const char *subject, char **ret);

/* The service of that name without ".service". As above. */
int subject_find_service(const char *name, char **ret);

/* The container of that name, as bundles tell it: reads files for every container; else the service. As above. */
int subject_find_named(const char *name, char **ret);

#endif
