/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/socket.h"

#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/log.h"

/* The group that may read, if it exists. */
#define SOCKET_GROUP "leastcap"
#define BACKLOG 64

/* NGROUPS_MAX of the kernel, include/uapi/linux/limits.h. */
#define GROUPS_MAX 65536

static int make_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = NULL;

	if (!slash || slash == path)
		return 0;
	dir = strndup(path, (size_t)(slash - path));
	if (!dir)
		return -ENOMEM;
	return mkdir(dir, 0755) && errno != EEXIST ? -errno : 0;
}

/* Removes a socket that a daemon left behind when it was killed. 0 also if there is none. */
static int remove_stale(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	if (lstat(address->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* A backlog that is full is EAGAIN: somebody is there as well. */
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)) || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(address->sun_path) && errno != ENOENT ? -errno : 0;
}

static gid_t find_group(void)
{
	struct group group, *found = NULL;
	char buf[16384];

	if (getgrnam_r(SOCKET_GROUP, &group, buf, sizeof(buf), &found) || !found)
		return 0;
	return group.gr_gid;
}

/* Binds with no permissions at all, and gives them when the owner is right. */
static int bind_and_listen(int fd, const struct sockaddr_un *address, gid_t group)
{
	mode_t mask = umask(0777);
	int err = bind(fd, (const struct sockaddr *)address, sizeof(*address)) ? -errno : 0;

	umask(mask);
	if (err)
		return err;
	if (lchown(address->sun_path, (uid_t)-1, group) || chmod(address->sun_path, 0660) ||
	    listen(fd, BACKLOG)) {
		err = -errno;
		unlink(address->sun_path);
	}
	return err;
}

int socket_listen(const char *path, gid_t *ret_group)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -EBADF;
	gid_t group = find_group();
	int err;

	if (strlen(path) >= sizeof(address.sun_path))
		return log_err(-ENAMETOOLONG, "cannot listen on %s", path);
	memcpy(address.sun_path, path, strlen(path) + 1);

	err = make_parent(path) ?: remove_stale(&address);
	if (err == -EEXIST)
		log_err(0, "%s is not a socket: remove it, or choose another --socket", path);
	else if (err == -EADDRINUSE)
		log_err(0, "somebody else listens on %s", path);
	if (err == -EEXIST || err == -EADDRINUSE)
		return err;
	if (err)
		return log_err(err, "cannot make %s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return log_err(-errno, "cannot make a socket");
	err = bind_and_listen(fd, &address, group);
	if (err)
		return log_err(err, "cannot listen on %s", path);
	*ret_group = group;
	return TAKE_FD(fd);
}

void peer_name(struct peer *peer)
{
	_cleanup_close_ int fd = -EBADF;
	char path[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)peer->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, peer->comm, sizeof(peer->comm) - 1);
	peer->comm[n > 0 ? n : 0] = '\0';
	peer->comm[strcspn(peer->comm, "\n")] = '\0';
}

int socket_peer(int fd, gid_t group, struct peer *ret, bool *ret_in_group)
{
	_cleanup_free_ gid_t *groups = NULL;
	struct ucred cred;
	socklen_t size = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size))
		return -errno;
	*ret = (struct peer){.pid = cred.pid, .uid = cred.uid};
	peer_name(ret);
	*ret_in_group = cred.gid == group;
	if (*ret_in_group)
		return 0;

	/* v4.13: 28b5ba2aa0f5. ERANGE tells the size. */
	size = 0;
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size))
		return 0;
	if (errno != ERANGE || size > GROUPS_MAX * sizeof(*groups))
		return -errno;
	groups = malloc(size);
	if (!groups)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size))
		return -errno;
	for (size_t i = 0; i < size / sizeof(*groups); i++)
		*ret_in_group = *ret_in_group || groups[i] == group;
	return 0;
}
