/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What runtimes leave on disk about a container: the OCI bundle's config.json, and beside it what the engine wrote
 * down before the start. It is there before the container's first instruction, and no socket has to answer. Only
 * what root alone can write is believed, and no symbolic link is followed.
 */
#ifndef LEASTCAP_BUNDLE_H
#define LEASTCAP_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "subject/identity.h"

/* Did the kubelet make this cgroup? /kubepods/..., /kubepods.slice/..., and with a root of its own
 * /kubelet.slice/kubelet-kubepods.slice/... */
static inline bool bundle_in_pod(const char *cgroup)
{
	return strstr(cgroup, "kubepods") != NULL;
}

/*
 * Who the container of this cgroup is. root: the folder that run/ and var/ are in, "/" but in tests. *ret is
 * added to; *dropped counts values that were left out. 0: all that its runtime leaves is read; -ENOENT: it is not there; -EPERM: not root's alone; -ELOOP,
 * -ENOTDIR: a link; -EFBIG: more than 4 MiB; -EBADMSG: no JSON. With an error *ret may be filled in part.
 */
int bundle_read(const char *root, const char *cgroup, struct identity *ret, uint64_t *dropped);

/* The same, but for what is below a user: root's files do not tell of the containers of a user's engines. */
void bundle_who(const char *root, const char *cgroup, struct identity *ret);

/* The same for a container of plain runc or crun, whose name is free text and whose cgroup says nothing.
 * -EINVAL: that can be no such name. */
int bundle_read_plain(const char *root, const char *name, struct identity *ret, uint64_t *dropped);

#endif
