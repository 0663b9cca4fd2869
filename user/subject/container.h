/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Containers by the shape of their cgroup's name, as the runtimes' systemd and cgroupfs drivers make it:
 *	docker-<64 hex>.scope  libpod-<64 hex>.scope  crio-<64 hex>.scope  cri-containerd-<64 hex>.scope
 *	nerdctl-<64 hex>.scope  .../docker/<64 hex>  .../libpod_parent/libpod-<64 hex>  .../<64 hex>
 * The kernel side has the same rule for birth (bpf/birth.bpf.h); a test runs both over the same names.
 * libpod-conmon-* and crio-conmon-* hold the runtime's monitor and are no containers.
 */
#ifndef LEASTCAP_CONTAINER_H
#define LEASTCAP_CONTAINER_H

#include <stdbool.h>
#include <sys/types.h>

/* Is the last component of this path a container's cgroup? 1: yes, ret_id is the 64 digits (ret_id may be NULL),
 * *ret_runtime a static word ("docker", "podman", "cri-o", "containerd", "nerdctl", "unknown"; may be NULL). */
int container_from_path(const char *path, char ret_id[65], const char **ret_runtime);

/* Is it inside of a container's cgroup? */
bool container_above(const char *path);

/* The user in whose slice it is: systemd gives users cgroups there. 0: root's; CONTAINER_NOBODY: a slice of no user. */
#define CONTAINER_NOBODY ((uid_t)-1)
uid_t container_user(const char *path);

#endif
