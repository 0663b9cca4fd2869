/* SPDX-License-Identifier: GPL-2.0-only */
/* cgroups (v2): ids, paths, tree. Paths are below the cgroup2 root and begin with "/". */
#ifndef LEASTCAP_CGROUP_H
#define LEASTCAP_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

/* Id of a cgroup (its kernfs node's), as bpf_get_current_cgroup_id() has it. ret_level: 0 is the root; may be
 * NULL. -ENOENT: no such cgroup; -EINVAL: not a clean absolute path ("..", "//", a trailing "/" is dropped);
 * -EOPNOTSUPP: no cgroup2. */
int cgroup_id(const char *path, uint64_t *ret_id, uint32_t *ret_level);

/* Is a path below the other one, and not the same? Of texts: the cgroups need not be there. */
bool cgroup_path_below(const char *path, const char *above);

/* Path of a live cgroup from its id; to be freed by the caller. -ESTALE or -ENOENT: it is gone. */
int cgroup_path(uint64_t id, char **ret);

/*
 * The same of a cgroup whose path is known as it is shown, with what is not printable escaped (base/escape.h), and its id: of a
 * status, of an event. Needs no privileges.
 */
int cgroup_shown(const char *shown, uint64_t id, char **ret);

/* Is it surely gone? The same as an error of cgroup_path(), for much less. */
bool cgroup_is_gone(uint64_t id);

/* Path of the cgroup a process is in; to be freed. */
int cgroup_of(pid_t pid, char **ret);

/*
 * What is deeper is not walked to: each level takes a descriptor, and a container could make the walk fail. It is held by what is
 * above it, or by what it was given at its birth.
 */
#define CGROUP_LEVELS_MAX 256

/*
 * Calls fn for each cgroup of the tree, parents first, until it returns non-zero. Fails where one cannot be looked at for another
 * reason than that it is gone; who is not root passes over what is closed to them.
 */
int cgroup_walk(int (*fn)(const char *path, uint64_t id, uint32_t level, void *ctx), void *ctx);

/* The same for a cgroup and what is below it. */
int cgroup_walk_below(const char *path,
		      int (*fn)(const char *path, uint64_t id, uint32_t level, void *ctx),
		      void *ctx);

/* mkdir, rmdir, move a process. Paths as above. */
int cgroup_make(const char *path);
int cgroup_remove(const char *path); /* with everything below it */
int cgroup_move(const char *path, pid_t pid);
int cgroup_kill(const char *path); /* cgroup.kill */

#endif
