// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/client.h"
#include "cli/sandbox.h"
#include "subject/cgroup.h"

/* Since 6.19 a task leaves its cgroup a moment after it was reaped: how long "still populated" is doubted. */
#define SETTLE_STEP_MS 5
#define SETTLE_STEPS 40

/* ---- cgroups ---- */

static int populated(int dir)
{
	_cleanup_close_ int fd = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	char text[256];
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return strstr(text, "populated 0") ? 0 : 1;
}

static bool settles_empty(int dir)
{
	const struct timespec step = {.tv_nsec = SETTLE_STEP_MS * 1000000L};

	for (int i = 0; i < SETTLE_STEPS; i++) {
		int n = populated(dir);

		if (n == 0 || n == -ENOENT || n == -ENODEV)
			return true;
		if (n < 0)
			return false;
		nanosleep(&step, NULL);
	}
	return false;
}

/* Opens the directory and holds it for as long as the descriptor is open. */
static int open_held(int root, const char *name)
{
	int dir = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (dir < 0)
		return -errno;
	if (flock(dir, LOCK_EX | LOCK_NB)) {
		int err = -errno;

		close(dir);
		return err;
	}
	return dir;
}

/* Only made under the lock, so nobody removes it between the two mkdirs. No controller is enabled in it: its
 * children may hold processes and have children of their own. */
static int make_cgroup(struct sandbox *s)
{
	char name[64];
	uint32_t salt;
	int dir;

	if (getrandom(&salt, sizeof(salt), 0) != sizeof(salt))
		return -errno;
	snprintf(name, sizeof(name), "/%d-%08x", (int)getpid(), salt);
	if (mkdir(CGROUP_ROOT SANDBOX_ROOT, 0700) && errno != EEXIST)
		return -errno;
	if (asprintf(&s->path, "%s%s", SANDBOX_ROOT, name) < 0) {
		s->path = NULL;
		return -ENOMEM;
	}
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", CGROUP_ROOT, s->path);
	if (mkdir(path, 0700)) {
		int err = -errno;

		free(TAKE_PTR(s->path));
		return err;
	}
	dir = open_held(AT_FDCWD, path);
	if (dir < 0)
		return dir;
	s->dir = dir;
	return cgroup_id(s->path, &s->id, &s->level);
}

/* ---- what others left ---- */

/* A binding that a sandbox made, of a cgroup that somebody removed by hand. */
static int sweep_gone(const struct leastcap_binding *b, void *ctx)
{
	struct kernel *k = ctx;
	struct leastcap_policy policy;
	_cleanup_free_ char *path = NULL;
	int err;

	if (kernel_policy_get(k, b->policy, &policy) || strncmp(policy.name, "run:", 4))
		return 0;
	err = cgroup_path(b->cgroup, &path);
	if ((err == -ESTALE || err == -ENOENT) && kernel_carried(k, b->cgroup) == 0)
		kernel_unbind(k, b->cgroup);
	return 0;
}

static void sweep_one(struct kernel *k, int root, const char *name)
{
	_cleanup_close_ int dir = open_held(root, name);
	char path[NAME_MAX + sizeof(SANDBOX_ROOT) + 1];
	uint64_t id;

	if (dir < 0 || populated(dir) != 0)
		return;
	snprintf(path, sizeof(path), "%s/%s", SANDBOX_ROOT, name);
	if (cgroup_id(path, &id, NULL))
		return;
	if (k && kernel_carried(k, id) != 0)
		return;
	if (k)
		kernel_unbind(k, id);
	cgroup_remove(path);
}

void sandbox_sweep(struct kernel *k)
{
	_cleanup_closedir_ DIR *root = opendir(CGROUP_ROOT SANDBOX_ROOT);
	struct dirent *entry;

	while (root && (entry = readdir(root)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			sweep_one(k, dirfd(root), entry->d_name);
	if (k) {
		kernel_binding_each(k, sweep_gone, k);
		kernel_publish(k);
		kernel_policy_collect(k);
	}
	rmdir(CGROUP_ROOT SANDBOX_ROOT);
}

/* ---- loading, and unloading what was loaded for us only ---- */

static int load(struct sandbox *s, bool as_it_is)
{
	_cleanup_(kernel_closep) struct kernel *found = NULL;
	int err = kernel_open(&found), fd;

	if (err && err != -ENOENT)
		log_debug("cannot open what is pinned (%s), ignoring", strerror(-err));
	if (!err && as_it_is && kernel_attached(found, NULL)) {
		s->kernel = TAKE_PTR(found);
		return 0;
	}
	/* A running daemon needs the set, whoever loaded it. */
	if (api_alive())
		unlink(SANDBOX_LOADED_FILE);
	found = kernel_close(found);
	if (kernel_load(NULL, &s->kernel))
		return -EIO; /* it has told why */
	if (err != -ENOENT)
		return 0;
	fd = open(SANDBOX_LOADED_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		log_warn(-errno, "cannot write %s: leastcap stays loaded afterwards, ignoring",
			 SANDBOX_LOADED_FILE);
	else
		close(fd);
	return 0;
}

static int any_binding(const struct leastcap_binding *b, void *ctx)
{
	return 1;
}

static int any_birth(const char *path, uint64_t policy, void *ctx)
{
	return 1;
}

/* Nobody needs it any more: no binding, no default, no birth, no daemon. Under the lock. */
static void unload_if_ours(struct kernel *k)
{
	int err;

	if (access(SANDBOX_LOADED_FILE, F_OK))
		return;
	if (api_alive() || kernel_default(k) || kernel_binding_each(k, any_binding, NULL) ||
	    kernel_birth_each(k, any_birth, NULL))
		return;
	err = kernel_unload_own();
	if (err)
		log_warn(err, "cannot unload, ignoring");
	else
		unlink(SANDBOX_LOADED_FILE);
}

/* ---- the life of a sandbox ---- */

int sandbox_open(struct sandbox *s, bool as_it_is)
{
	int err;

	*s = SANDBOX_EMPTY;
	s->lock = kernel_lock();
	if (s->lock < 0)
		return log_err(s->lock, "cannot take the lock %s", KERNEL_LOCK_FILE);
	err = load(s, as_it_is);
	if (err)
		return err;
	sandbox_sweep(s->kernel);
	err = make_cgroup(s);
	if (err)
		return log_err(err, "cannot make a cgroup in %s%s", CGROUP_ROOT, SANDBOX_ROOT);
	return 0;
}

int sandbox_bind(struct sandbox *s, struct leastcap_policy *policy,
		 const struct kernel_lists *lists)
{
	int err = kernel_policy_add(s->kernel, policy, lists);

	if (err)
		return log_err(err, "cannot publish policy %s", policy->name);
	err = kernel_bind(s->kernel, s->id, s->level, policy->id, 0, 0);
	if (err)
		return log_err(err, "cannot bind %s", s->path);
	s->bound = true;
	kernel_publish(s->kernel);
	return 0;
}

void sandbox_unlock(struct sandbox *s)
{
	if (s->lock >= 0)
		close(TAKE_FD(s->lock));
}

struct failure {
	int entered;
	int err;
};

static _Noreturn void run_child(const struct sandbox *s, char *const *argv, const sigset_t *mask,
				int pipe)
{
	struct failure failure = {0};
	int fd = openat(s->dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "0", 1) == 1) {
		failure.entered = 1;
		if (!sigprocmask(SIG_SETMASK, mask, NULL))
			execvp(argv[0], argv);
	}
	failure.err = -errno;
	/* Smaller than PIPE_BUF into an empty pipe: all or nothing. */
	(void)!write(pipe, &failure, sizeof(failure));
	_exit(126);
}

int sandbox_spawn(const struct sandbox *s, char *const *argv, const sigset_t *mask,
		  struct sandbox_child *ret)
{
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return log_err(-errno, "cannot make a pipe");
	pid = fork();
	if (pid == 0)
		run_child(s, argv, mask, pipes[1]);
	close(pipes[1]);
	if (pid < 0) {
		close(pipes[0]);
		return log_err(-errno, "cannot fork");
	}
	*ret = (struct sandbox_child){.pid = pid, .failures = pipes[0]};
	return 0;
}

int sandbox_child_failure(struct sandbox_child *child, bool *ret_entered)
{
	_cleanup_close_ int fd = TAKE_FD(child->failures);
	struct failure failure;

	*ret_entered = true;
	/* The program is over, and so is the other end: this does not wait. */
	if (read(fd, &failure, sizeof(failure)) != sizeof(failure))
		return 0;
	*ret_entered = failure.entered;
	return failure.err;
}

static void free_sandbox(struct sandbox *s)
{
	if (s->dir >= 0)
		close(TAKE_FD(s->dir));
	free(TAKE_PTR(s->path));
	s->kernel = kernel_close(s->kernel);
	s->bound = false;
	sandbox_unlock(s);
}

/* Under the lock. now: what is pinned now; NULL: nothing. */
static int release(struct sandbox *s, struct kernel *now, struct sandbox_end *end)
{
	struct leastcap_binding binding;
	int err = 0;

	end->unloaded = s->bound && (!now || kernel_binding_get(now, s->id, &binding) == -ENOENT);
	if (s->bound && kernel_ledger_get(s->kernel, s->id, &end->ledger))
		log_warn(0, "the ledger of %s is lost: what was used and refused is not known",
			 s->path);
	if (s->dir < 0)
		return 0;
	if (!settles_empty(s->dir) || (now && s->bound && kernel_carried(now, s->id) != 0)) {
		end->left = true;
		return 0;
	}
	if (s->bound && !end->unloaded)
		err = kernel_unbind(now, s->id);
	if (err)
		return log_err(err, "cannot unbind %s", s->path);
	if (now) {
		kernel_publish(now);
		kernel_policy_collect(now);
	}
	err = cgroup_remove(s->path);
	if (err && err != -ENOENT)
		log_warn(err, "cannot remove cgroup %s, ignoring", s->path);
	rmdir(CGROUP_ROOT SANDBOX_ROOT);
	return 0;
}

int sandbox_close(struct sandbox *s, struct sandbox_end *ret)
{
	_cleanup_(kernel_closep) struct kernel *now = NULL;
	struct sandbox_end end = {0};
	int err = 0;

	if (!s->kernel) {
		free_sandbox(s);
		return 0;
	}
	if (s->lock < 0)
		s->lock = kernel_lock();
	if (s->lock < 0) {
		err = log_err(s->lock, "cannot take the lock %s", KERNEL_LOCK_FILE);
		free_sandbox(s);
		return err;
	}
	/* Not our handle: the set may have been unloaded or replaced since. */
	err = kernel_open(&now);
	if (err && err != -ENOENT)
		log_err(err, "cannot open %s", KERNEL_PIN_DIR);
	else
		err = release(s, now, &end);
	if (now && !err)
		unload_if_ours(now);
	free_sandbox(s);
	if (ret)
		*ret = end;
	return err;
}
