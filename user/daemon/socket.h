/* SPDX-License-Identifier: GPL-2.0-only */
/* The listening unix socket, and who is at its other end. */
#ifndef LEASTCAP_SOCKET_H
#define LEASTCAP_SOCKET_H

#include <stdbool.h>

#include "daemon/state.h"

/*
 * Listens at path with mode 0660, in the group "leastcap" where it exists, else root; *ret_group: which. A socket
 * that nobody answers is replaced. Never accessible to others, not for a moment. Logs; -errno or a descriptor.
 */
int socket_listen(const char *path, gid_t *ret_group);

/* Peer credentials of a connection, as they were when it was made. */
int socket_peer(int fd, gid_t group, struct peer *ret, bool *ret_in_group);

/* Looks up what the process is called: for the audit trail, no proof of anything. */
void peer_name(struct peer *peer);

#endif
