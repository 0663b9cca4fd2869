/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Acts that the mounts restriction is about.
 *	mounts ACT
 *	mounts host PROGRAM ARG...	executes it in a mount namespace of its own, with mounts at DIR and descriptors
 *					that only a host can have made
 *	mounts userhost PROGRAM ARG...	the same, in a new user namespace
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/mount.h>
#include <linux/sched.h>

#include "acts.h"

#define DIR "/tmp/leastcap-mounts"
#define A DIR "/a" /* something is mounted here */
#define B DIR "/b" /* nothing is */
#define READ_ONLY DIR "/read-only"
#define ROOT DIR "/root"
#define DEBUG DIR "/debug"
#define GROUP DIR "/group" /* shared */
#define MEMBER DIR "/member" /* a part of it, private */

/* Descriptors that the host passes in. */
enum {
	FD_CONTEXT = 20, /* fsopen */
	FD_MADE, /* fsopen, and the superblock is made */
	FD_PICKED, /* fspick */
	FD_TREE, /* open_tree(OPEN_TREE_CLONE) */
	FD_FUSE, /* fsopen of fuse, with all that it needs to be made */
	FD_USERNS, /* somebody's user namespace */
};

/* Later than the headers. */
enum {
	MOVE_MOUNT_BENEATH_ = 0x200, /* v6.5 */
	NR_OPEN_TREE_ATTR = 467, /* v6.15 */
	OPEN_TREE_NAMESPACE_ = 2, /* v7.0 */
	FSMOUNT_NAMESPACE_ = 2, /* v7.1 */
	UNSHARE_EMPTY_MNTNS_ = 0x00100000, /* v7.1 */
	X32 = 0x40000000,
};
#define CLONE_EMPTY_MNTNS_ (1ULL << 37) /* v7.1 */

static int set_string(int fd)
{
	return (int)syscall(SYS_fsconfig, fd, FSCONFIG_SET_STRING, "size", "1m", 0);
}

static int command(int fd, unsigned int cmd)
{
	return (int)syscall(SYS_fsconfig, fd, cmd, NULL, NULL, 0);
}

/* ---- the old API ---- */

static int act_mount(const char *arg)
{
	return mount("probe", B, "tmpfs", 0, "size=1m") ? errno : 0;
}

static int act_fuse(const char *arg)
{
	char options[64];
	int fd = open("/dev/fuse", O_RDWR);

	if (fd < 0)
		fail("/dev/fuse");
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	return mount("probe", B, "fuse", 0, options) ? errno : 0;
}

static int act_bind(const char *arg)
{
	return mount(A, B, NULL, MS_BIND, NULL) ? errno : 0;
}

static int act_remount(const char *arg)
{
	return mount(NULL, A, NULL, MS_REMOUNT, "size=2m") ? errno : 0;
}

static int act_bind_remount(const char *arg)
{
	return mount(NULL, READ_ONLY, NULL, MS_REMOUNT | MS_BIND, NULL) ? errno : 0;
}

static int act_propagation(const char *arg)
{
	return mount(NULL, A, NULL, MS_SHARED, NULL) ? errno : 0;
}

static int act_move(const char *arg)
{
	return mount(A, B, NULL, MS_MOVE, NULL) ? errno : 0;
}

static int act_umount(const char *arg)
{
	return umount2(A, 0) ? errno : 0;
}

static int act_detach(const char *arg)
{
	return umount2(A, MNT_DETACH) ? errno : 0;
}

static int act_pivot_root(const char *arg)
{
	return syscall(SYS_pivot_root, ROOT, ROOT "/old") ? errno : 0;
}

/* The kernel mounts tracefs there. Gone where CONFIG_TRACEFS_AUTOMOUNT_DEPRECATED is not set (v6.17). */
static int act_automount(const char *arg)
{
	if (access(DEBUG "/tracing", F_OK))
		fail("debugfs has no tracing");
	return access(DEBUG "/tracing/trace_clock", F_OK) ? errno : 0;
}

/* ---- the new API ---- */

static int act_fsopen(const char *arg)
{
	return syscall(SYS_fsopen, "tmpfs", 0) < 0 ? errno : 0;
}

static int act_fsconfig_set(const char *arg)
{
	return set_string(FD_CONTEXT) ? errno : 0;
}

static int act_fsconfig_create(const char *arg)
{
	return command(FD_CONTEXT, FSCONFIG_CMD_CREATE) ? errno : 0;
}

/* v6.6 */
static int act_fsconfig_create_excl(const char *arg)
{
	return known(command(FD_CONTEXT, 8), EOPNOTSUPP);
}

static int act_fsconfig_reconfigure(const char *arg)
{
	return command(FD_PICKED, FSCONFIG_CMD_RECONFIGURE) ? errno : 0;
}

static int act_fsconfig_fuse(const char *arg)
{
	return command(FD_FUSE, FSCONFIG_CMD_CREATE) ? errno : 0;
}

static int act_fsmount(const char *arg)
{
	return syscall(SYS_fsmount, FD_MADE, 0, 0) < 0 ? errno : 0;
}

static int act_fsmount_namespace(const char *arg)
{
	return known((int)syscall(SYS_fsmount, FD_MADE, FSMOUNT_NAMESPACE_, 0), EINVAL);
}

static int act_fspick(const char *arg)
{
	return syscall(SYS_fspick, AT_FDCWD, A, 0) < 0 ? errno : 0;
}

static int act_open_tree(const char *arg)
{
	return syscall(SYS_open_tree, AT_FDCWD, A, OPEN_TREE_CLONE) < 0 ? errno : 0;
}

/* Like O_PATH: asks for nothing. */
static int act_open_tree_path(const char *arg)
{
	return syscall(SYS_open_tree, AT_FDCWD, A, 0) < 0 ? errno : 0;
}

static int act_open_tree_namespace(const char *arg)
{
	return known((int)syscall(SYS_open_tree, AT_FDCWD, A, OPEN_TREE_NAMESPACE_), EINVAL);
}

static int act_open_tree_attr(const char *arg)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	return known(
		(int)syscall(NR_OPEN_TREE_ATTR, AT_FDCWD, A, OPEN_TREE_CLONE, &attr, sizeof(attr)),
		ENOSYS);
}

/* Without a copy: it changes the mount itself. */
static int act_open_tree_attr_in_place(const char *arg)
{
	struct mount_attr attr = {.attr_clr = MOUNT_ATTR_RDONLY};

	return known((int)syscall(NR_OPEN_TREE_ATTR, AT_FDCWD, READ_ONLY, 0, &attr, sizeof(attr)),
		     ENOSYS);
}

static int act_move_mount(const char *arg)
{
	return syscall(SYS_move_mount, FD_TREE, "", AT_FDCWD, B, MOVE_MOUNT_F_EMPTY_PATH) ? errno
											  : 0;
}

/* Under what is mounted there already. */
static int act_move_mount_beneath(const char *arg)
{
	return syscall(SYS_move_mount, FD_TREE, "", AT_FDCWD, A,
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_BENEATH_)
		       ? errno
		       : 0;
}

static int act_move_mount_set_group(const char *arg)
{
	return syscall(SYS_move_mount, AT_FDCWD, GROUP, AT_FDCWD, MEMBER, MOVE_MOUNT_SET_GROUP)
		       ? errno
		       : 0;
}

/* What makes a runtime's read-only bind writable. */
static int act_setattr(const char *arg)
{
	struct mount_attr attr = {.attr_clr = MOUNT_ATTR_RDONLY};

	return syscall(SYS_mount_setattr, AT_FDCWD, READ_ONLY, 0, &attr, sizeof(attr)) ? errno : 0;
}

static int act_setattr_detached(const char *arg)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID};

	return syscall(SYS_mount_setattr, FD_TREE, "", AT_EMPTY_PATH, &attr, sizeof(attr)) ? errno
											   : 0;
}

static int act_setattr_nodev(const char *arg)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NODEV};

	return syscall(SYS_mount_setattr, AT_FDCWD, A, 0, &attr, sizeof(attr)) ? errno : 0;
}

/* Other owners, by a user namespace: of a detached copy. tmpfs can since v6.3. */
static int act_setattr_idmap(const char *arg)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = FD_USERNS};

	return syscall(SYS_mount_setattr, FD_TREE, "", AT_EMPTY_PATH, &attr, sizeof(attr)) ? errno
											   : 0;
}

static int act_setattr_propagation(const char *arg)
{
	struct mount_attr attr = {.propagation = MS_SHARED};

	return syscall(SYS_mount_setattr, AT_FDCWD, A, 0, &attr, sizeof(attr)) ? errno : 0;
}

/* ---- mount namespaces ---- */

static int act_unshare(const char *arg)
{
	return syscall(SYS_unshare, CLONE_NEWNS) ? errno : 0;
}

static int act_unshare_user(const char *arg)
{
	return syscall(SYS_unshare, CLONE_NEWNS | CLONE_NEWUSER) ? errno : 0;
}

static int act_unshare_empty(const char *arg)
{
	return known((int)syscall(SYS_unshare, UNSHARE_EMPTY_MNTNS_), EINVAL);
}

static int act_clone(const char *arg)
{
	return reaped(syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0));
}

static int act_clone3(const char *arg)
{
	struct clone_args args = {.flags = CLONE_NEWNS, .exit_signal = SIGCHLD};

	return reaped(syscall(SYS_clone3, &args, sizeof(args)));
}

static int act_clone3_empty(const char *arg)
{
	struct clone_args args = {.flags = CLONE_EMPTY_MNTNS_, .exit_signal = SIGCHLD};
	int err = reaped(syscall(SYS_clone3, &args, sizeof(args)));

	errno = err;
	return known(err ? -1 : 0, EINVAL);
}

static int join(int fd, int type)
{
	if (fd < 0)
		fail("a namespace's descriptor");
	return syscall(SYS_setns, fd, type) ? errno : 0;
}

static int act_setns(const char *arg)
{
	return join(open("/proc/self/ns/mnt", O_RDONLY), CLONE_NEWNS);
}

static int act_setns_any(const char *arg)
{
	return join(open("/proc/self/ns/mnt", O_RDONLY), 0);
}

/* A handle of the namespace is enough, and no path: v6.18. Any file of nsfs says which file system is meant. */
static int act_setns_handle(const char *arg)
{
	union {
		struct file_handle h;
		char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u = {.h.handle_bytes = MAX_HANDLE_SZ};
	int own = open("/proc/self/ns/mnt", O_RDONLY), id;

	if (own < 0 || name_to_handle_at(own, "", &u.h, &id, AT_EMPTY_PATH))
		fail("a namespace's handle");
	return join(open_by_handle_at(own, &u.h, O_RDONLY), CLONE_NEWNS);
}

static int act_setns_pidfd(const char *arg)
{
	return join((int)syscall(SYS_pidfd_open, getpid(), 0), CLONE_NEWNS | CLONE_NEWUTS);
}

/* What asks for the same capability and is no mount. */
static int act_unshare_uts(const char *arg)
{
	return syscall(SYS_unshare, CLONE_NEWUTS) ? errno : 0;
}

static int act_setns_uts(const char *arg)
{
	return join(open("/proc/self/ns/uts", O_RDONLY), CLONE_NEWUTS);
}

#ifdef __x86_64__
static int act_x32_fsopen(const char *arg)
{
	return known((int)syscall(X32 | SYS_fsopen, "tmpfs", 0), ENOSYS);
}

static int act_x32_unshare(const char *arg)
{
	return known((int)syscall(X32 | SYS_unshare, CLONE_NEWNS), ENOSYS);
}
#endif

static const struct act acts[] = {
	{"mount", act_mount, EPERM},
	{"fuse", act_fuse, EPERM},
	{"bind", act_bind, EPERM},
	{"remount", act_remount, EPERM},
	{"bind-remount", act_bind_remount, EPERM},
	{"propagation", act_propagation, EPERM},
	{"move", act_move, EPERM},
	{"umount", act_umount, EPERM},
	{"detach", act_detach, EPERM},
	{"pivot-root", act_pivot_root, EPERM},
	{"automount", act_automount, EPERM},
	{"fsopen", act_fsopen, EPERM},
	{"fsconfig-set", act_fsconfig_set, EPERM},
	{"fsconfig-create", act_fsconfig_create, EPERM},
	{"fsconfig-create-excl", act_fsconfig_create_excl, EPERM},
	{"fsconfig-reconfigure", act_fsconfig_reconfigure, EPERM},
	{"fsconfig-fuse", act_fsconfig_fuse, EPERM},
	{"fsmount", act_fsmount, EPERM},
	{"fsmount-namespace", act_fsmount_namespace, EPERM},
	{"fspick", act_fspick, EPERM},
	{"open-tree", act_open_tree, EPERM},
	{"open-tree-path", act_open_tree_path, EPERM},
	{"open-tree-namespace", act_open_tree_namespace, EPERM},
	{"open-tree-attr", act_open_tree_attr, EPERM},
	{"open-tree-attr-in-place", act_open_tree_attr_in_place, EPERM},
	{"move-mount", act_move_mount, EPERM},
	{"move-mount-beneath", act_move_mount_beneath, EPERM},
	{"move-mount-set-group", act_move_mount_set_group, EPERM},
	{"setattr", act_setattr, EPERM},
	{"setattr-detached", act_setattr_detached, EPERM},
	{"setattr-nodev", act_setattr_nodev, EPERM},
	{"setattr-idmap", act_setattr_idmap, EPERM},
	{"setattr-propagation", act_setattr_propagation, EPERM},
	{"unshare", act_unshare, EPERM},
	{"unshare-user", act_unshare_user, EPERM},
	{"unshare-empty", act_unshare_empty, EPERM},
	{"clone", act_clone, EPERM},
	{"clone3", act_clone3, EPERM},
	{"clone3-empty", act_clone3_empty, EPERM},
	{"setns", act_setns, EPERM},
	{"setns-any", act_setns_any, EPERM},
	{"setns-handle", act_setns_handle, EPERM},
	{"setns-pidfd", act_setns_pidfd, EPERM},
	{"unshare-uts", act_unshare_uts, EPERM},
	{"setns-uts", act_setns_uts, EPERM},
#ifdef __x86_64__
	{"x32-fsopen", act_x32_fsopen, EPERM},
	{"x32-unshare", act_x32_unshare, EPERM},
#endif
};

/* ---- the host's part ---- */

static void pass_in(int fd, int as)
{
	if (fd < 0 || dup2(fd, as) != as)
		fail("a descriptor to pass in");
	close(fd);
}

static void make_dir(const char *dir, const char *type)
{
	if (mkdir(dir, 0755) && errno != EEXIST)
		fail(dir);
	if (type && mount("probe", dir, type, 0, NULL))
		fail(type);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail(path);
	close(fd);
}

/* Somebody's user namespace, with another owner in it: without a map there is nothing to translate. */
static void pass_in_userns(void)
{
	int ready[2], namespace;
	char path[64], c;
	pid_t pid;

	if (pipe(ready))
		fail("pipe");
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWUSER) || write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	close(ready[1]);
	if (pid < 0 || read(ready[0], &c, 1) != 1)
		fail("somebody's user namespace");
	close(ready[0]);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	write_file(path, "0 1000 1");
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	write_file(path, "0 1000 1");
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	namespace = open(path, O_RDONLY);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	pass_in(namespace, FD_USERNS);
}

/* A file system of FUSE that is about to be made. */
static void pass_in_fuse(void)
{
	int fuse = open("/dev/fuse", O_RDWR), fs = (int)syscall(SYS_fsopen, "fuse", 0);
	char number[16];

	snprintf(number, sizeof(number), "%d", fuse);
	if (fuse < 0 || fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "fd", number, 0) ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "rootmode", "40000", 0) ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "user_id", "0", 0) ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "group_id", "0", 0))
		fail("fuse");
	pass_in(fs, FD_FUSE);
}

static void prepare(bool user)
{
	if (user) {
		if (unshare(CLONE_NEWUSER))
			fail("user namespace");
		write_file("/proc/self/setgroups", "deny");
		write_file("/proc/self/uid_map", "0 0 1");
		write_file("/proc/self/gid_map", "0 0 1");
	}
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		fail("mount namespace");
	make_dir(DIR, "tmpfs");
	make_dir(A, "tmpfs");
	make_dir(B, NULL);
	make_dir(READ_ONLY, NULL);
	make_dir(ROOT, NULL);
	make_dir(GROUP, "tmpfs");
	make_dir(GROUP "/part", NULL);
	make_dir(MEMBER, NULL);
	if (mount(READ_ONLY, READ_ONLY, NULL, MS_BIND, NULL) ||
	    mount(NULL, READ_ONLY, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) ||
	    mount(ROOT, ROOT, NULL, MS_BIND, NULL) || mount(NULL, GROUP, NULL, MS_SHARED, NULL) ||
	    mount(GROUP "/part", MEMBER, NULL, MS_BIND, NULL) ||
	    mount(NULL, MEMBER, NULL, MS_PRIVATE, NULL))
		fail("bind");
	make_dir(ROOT "/old", NULL);
	if (!user) {
		make_dir(DEBUG, "debugfs");
		pass_in_fuse();
		pass_in_userns();
	}
	pass_in((int)syscall(SYS_fsopen, "tmpfs", 0), FD_CONTEXT);
	pass_in((int)syscall(SYS_fsopen, "tmpfs", 0), FD_MADE);
	if (command(FD_MADE, FSCONFIG_CMD_CREATE))
		fail("FSCONFIG_CMD_CREATE");
	pass_in((int)syscall(SYS_fspick, AT_FDCWD, A, 0), FD_PICKED);
	pass_in((int)syscall(SYS_open_tree, AT_FDCWD, ROOT, OPEN_TREE_CLONE), FD_TREE);
}

int main(int argc, char **argv)
{
	bool user = argc > 2 && !strcmp(argv[1], "userhost");

	if (argc > 2 && (user || !strcmp(argv[1], "host"))) {
		prepare(user);
		execv(argv[2], argv + 2);
		fail(argv[2]);
	}
	if (argc < 2)
		return NOT_TRIED;
	return do_act(acts, sizeof(acts) / sizeof(*acts), argv + 1);
}
