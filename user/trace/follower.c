/* SPDX-License-Identifier: GPL-2.0-only */
#include "trace/follower.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "subject/cgroup.h"
#include "subject/process.h"
#include "trace/subjects.h"

#define NSEC_PER_SEC 1000000000ULL

/* Between two looks: soon after a cgroup was made, as its name may be known only then, and then less and less often. */
#define WAIT_MIN (NSEC_PER_SEC / 50)
#define WAIT_MAX NSEC_PER_SEC
/* A look reads a file for each container: where that takes long, it is not most of what is done. */
#define REST_HURRY 3
#define REST 20

/* Cgroups whose folders are watched; of those in the same folder one is enough. */
#define WATCHED_MAX 1024
/* Paths that are remembered. */
#define PATHS_MAX 64
/* Processes of a new cgroup that are looked at. */
#define PROCESSES_MAX 64

/* ---- when ---- */

void follower_hurry(struct follower *f)
{
	f->wait = WAIT_MIN;
	f->next = f->ended + REST_HURRY * f->took;
}

void follower_ended(struct follower *f, uint64_t began, uint64_t ended)
{
	f->ended = ended;
	f->took = ended - began;
	f->next = ended + (f->wait > REST * f->took ? f->wait : REST * f->took);
	f->wait = f->wait < WAIT_MAX / 2 ? 2 * f->wait : WAIT_MAX;
}

static void read_inotify(struct follower *f)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool any = false;

	/* What was made is not read: whether it is the subject's, the look says. */
	while (read(f->inotify, buf, sizeof(buf)) > 0)
		any = true;
	if (!any)
		return;
	f->woken = true;
	follower_hurry(f);
}

void follower_wait(struct follower *f, uint64_t ns)
{
	struct timespec time = {.tv_sec = (time_t)(ns / NSEC_PER_SEC),
				.tv_nsec = (long)(ns % NSEC_PER_SEC)};
	struct pollfd fd = {.fd = f->inotify, .events = POLLIN};

	/* A negative descriptor is passed over. */
	if (ppoll(&fd, 1, &time, NULL) > 0)
		read_inotify(f);
}

/* ---- where ---- */

/* The folders above it: whatever comes in its place is made in one of them. */
static void watch_above(const struct follower *f, uint64_t id)
{
	_cleanup_free_ char *path = NULL, *folder = NULL;
	char *slash;

	if (f->inotify < 0 || cgroup_path(id, &path) ||
	    asprintf(&folder, CGROUP_ROOT "%s", path) < 0)
		return;
	while ((slash = strrchr(folder, '/')) && slash >= folder + strlen(CGROUP_ROOT)) {
		*slash = '\0';
		/* Without it, what comes is found a second later. */
		(void)inotify_add_watch(f->inotify, folder, IN_CREATE | IN_ONLYDIR);
	}
}

static void watch_all(const struct follower *f, const uint64_t *ids, size_t n)
{
	for (size_t i = 0; i < n && i < WATCHED_MAX; i++)
		watch_above(f, ids[i]);
}

/* ---- late? ---- */

/*
 * A runtime's or the service manager's program, which is about to start the subject's. By the file, as runc executes itself
 * from a mount that is gone by then; or from a copy that has no other name.
 */
static bool is_launcher(pid_t pid)
{
	static const char *const files[] = {
		"/proc/1/exe",		"/usr/bin/runc",
		"/usr/sbin/runc",	"/usr/local/bin/runc",
		"/usr/local/sbin/runc", "/usr/bin/crun",
		"/usr/sbin/crun",	"/usr/local/bin/crun",
		"/usr/local/sbin/crun", "/usr/lib/systemd/systemd-executor",
	};
	static const char copy[] = "/memfd:runc";
	struct stat ours, known;
	char link[32], exe[32];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	/* It has ended: then it may have been anything. */
	if (stat(link, &ours))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (!stat(files[i], &known) && ours.st_ino == known.st_ino &&
		    ours.st_dev == known.st_dev)
			return true;
	}
	len = readlink(link, exe, sizeof(exe));
	return len >= (ssize_t)strlen(copy) && !strncmp(exe, copy, strlen(copy));
}

static bool has_run(const char *path)
{
	_cleanup_free_ char *file = NULL, *line = NULL;
	unsigned long long usec = 0;
	_cleanup_fclose_ FILE *f = NULL;
	size_t size = 0;

	if (asprintf(&file, CGROUP_ROOT "%s/cpu.stat", path) < 0) {
		file = NULL;
		return true;
	}
	f = fopen(file, "re");
	if (f && getline(&line, &size, f) > 0 && sscanf(line, "usage_usec %llu", &usec) == 1)
		return usec != 0;
	return true;
}

/* Has a program of the subject run in it? Nobody keeps that: in doubt, yes. */
static bool is_late(uint64_t id)
{
	_cleanup_free_ struct process *all = NULL;
	_cleanup_free_ char *path = NULL;
	bool more = false;
	size_t n = 0;

	if (cgroup_path(id, &path) || processes_in(path, PROCESSES_MAX, &all, &n, &more) || more)
		return true;
	for (size_t i = 0; i < n; i++) {
		if (!is_launcher(all[i].pid))
			return true;
	}
	return !n && has_run(path);
}

/* ---- looking ---- */

static int by_id(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

size_t follower_fresh(const uint64_t *before, size_t n_before, uint64_t *now, size_t n_now,
		      uint64_t *fresh)
{
	size_t n = 0;

	if (n_now)
		qsort(now, n_now, sizeof(*now), by_id);
	for (size_t i = 0; i < n_now; i++) {
		if (!n_before || !bsearch(&now[i], before, n_before, sizeof(*before), by_id))
			fresh[n++] = now[i];
	}
	return n;
}

static void swap(uint64_t *a, uint64_t *b)
{
	uint64_t a_was = *a;

	*a = *b;
	*b = a_was;
}

/* Watched first: what they do while it is looked whether they have done anything is seen. Changes the order. */
static void join(struct follower *f, uint64_t *fresh, size_t n,
		 int (*watch)(uint64_t id, void *ctx), void *ctx)
{
	size_t found = 0; /* by nobody but this process, they are in front */

	for (size_t i = 0; i < n; i++) {
		int ret = watch(fresh[i], ctx);

		f->unwatched += ret < 0;
		if (!ret)
			swap(&fresh[i], &fresh[found++]);
	}
	for (size_t i = 0; i < found; i++)
		f->late += is_late(fresh[i]);
	f->came += n;
	watch_all(f, fresh, n);
}

static void remember_paths(struct follower *f)
{
	for (size_t i = 0; f->paths && i < f->n && i < PATHS_MAX; i++) {
		char *path = NULL;

		/* One that is gone keeps the path that it had: the next one comes there. */
		if (cgroup_path(f->ids[i], &path))
			continue;
		free(f->paths[i]);
		f->paths[i] = path;
	}
}

static bool is_known(const struct follower *f, uint64_t id)
{
	return f->n && bsearch(&id, f->ids, f->n, sizeof(id), by_id);
}

/* None is ever taken out: no id is given twice. */
static void add_ids(struct follower *f, const uint64_t *fresh, size_t n)
{
	uint64_t *ids = reallocarray(f->ids, f->n + n, sizeof(*ids));

	/* Then the next look finds them again. */
	if (!ids)
		return;
	memcpy(ids + f->n, fresh, n * sizeof(*ids));
	f->ids = ids;
	f->n += n;
	qsort(f->ids, f->n, sizeof(*f->ids), by_id);
}

/*
 * What was made where one of them was, which is where a unit and a container are when they restart. Without asking anybody:
 * systemd answers when it has started the unit.
 */
static bool look_at_paths(struct follower *f, int (*watch)(uint64_t id, void *ctx), void *ctx)
{
	bool any = false;

	for (size_t i = 0; f->paths && i < PATHS_MAX; i++) {
		uint64_t id;

		if (!f->paths[i] || cgroup_id(f->paths[i], &id, NULL) || is_known(f, id))
			continue;
		join(f, &id, 1, watch, ctx);
		add_ids(f, &id, 1);
		any = true;
	}
	return any;
}

static bool look(struct follower *f, int (*watch)(uint64_t id, void *ctx), void *ctx)
{
	_cleanup_free_ uint64_t *ids = NULL, *fresh = NULL;
	size_t n = 0, n_fresh;

	/* It is between two lives, or there is no memory: the next look finds it. */
	if (trace_subjects(f->subject, &ids, &n, NULL))
		return false;
	fresh = calloc(n, sizeof(*fresh));
	if (!fresh)
		return false;
	n_fresh = follower_fresh(f->ids, f->n, ids, n, fresh);
	if (!n_fresh)
		return false;
	join(f, fresh, n_fresh, watch, ctx);
	add_ids(f, fresh, n_fresh);
	remember_paths(f);
	return true;
}

bool follower_look(struct follower *f, int (*watch)(uint64_t id, void *ctx), void *ctx)
{
	uint64_t began = boot_now();
	bool any = false;

	if (!f->subject)
		return false;
	if (f->woken) {
		f->woken = false;
		any = look_at_paths(f, watch, ctx);
	}
	if (began < f->next)
		return any;
	any = look(f, watch, ctx) || any;
	follower_ended(f, began, boot_now());
	return any;
}

void follower_init(struct follower *f, const char *subject, uint64_t *ids, size_t n)
{
	*f = (struct follower){
		.subject = subject, .ids = ids, .n = n, .inotify = -EBADF, .wait = WAIT_MIN};
	if (!subject)
		return;
	if (n)
		qsort(ids, n, sizeof(*ids), by_id);
	f->paths = calloc(PATHS_MAX, sizeof(*f->paths));
	f->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	remember_paths(f);
	watch_all(f, ids, n);
}

void follower_done(struct follower *f)
{
	if (f->inotify >= 0)
		close(f->inotify);
	for (size_t i = 0; f->paths && i < PATHS_MAX; i++)
		free(f->paths[i]);
	free(f->paths);
	free(f->ids);
	*f = (struct follower){.inotify = -EBADF};
}
