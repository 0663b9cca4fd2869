/* SPDX-License-Identifier: GPL-2.0-only */
#include "audit/actor.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit/event.h"
#include "base/cleanup.h"
#include "base/duration.h"
#include "base/procfs.h"

#define NSEC_PER_SEC 1000000000ULL
#define KEPT_NS 100000000ULL

/* ---- /proc ---- */

/* The folder of a process: what is opened below it is of that process or fails, whoever gets its number later. */
static int open_process(uint32_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u", pid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* The beginning of a file, with a NUL behind it. Returns the length; 0: cannot be read. */
static size_t read_some(int process, const char *name, char *buf, size_t size)
{
	_cleanup_close_ int fd = openat(process, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	buf[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

bool actor_was_there(const char *stat, uint64_t time)
{
	uint64_t tick = NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK), start;

	return !stat_start(stat, &start) && start <= time / tick;
}

/* -EBADF: there is none, or one that was started later. */
static int open_if_there(uint32_t pid, uint64_t time)
{
	_cleanup_close_ int process = pid ? open_process(pid) : -EBADF;
	char stat[1024];

	if (process < 0 || !read_some(process, "stat", stat, sizeof(stat)) ||
	    !actor_was_there(stat, time))
		return -EBADF;
	return TAKE_FD(process);
}

/* Does it still run the program that the record means? */
static bool read_exe(int process, const struct leastcap_event *e, struct actor *a)
{
	struct statx st;
	ssize_t len;

	/* Its file system may be a container's own (FUSE), and never answer: nobody is asked for what is known. */
	if (!e->exe_ino || statx(process, "exe", AT_STATX_DONT_SYNC, STATX_INO, &st) ||
	    st.stx_ino != e->exe_ino)
		return false;
	len = readlinkat(process, "exe", a->exe, sizeof(a->exe) - 1);
	a->exe[len > 0 ? len : 0] = '\0';
	return true;
}

static void read_args(int process, struct actor *a)
{
	char text[ACTOR_ARGS_MAX + 2];
	size_t len = read_some(process, "cmdline", text, sizeof(text));

	a->args_cut = len > sizeof(a->args);
	a->args_len = a->args_cut ? sizeof(a->args) : len;
	memcpy(a->args, text, a->args_len);
}

/* "NSpid:\t4711\t12\t1": from the host's namespace inwards. */
uint32_t actor_container_pid(const char *status)
{
	const char *line = strstr(status, "\nNSpid:\t"), *last;
	size_t len;

	if (!line)
		return 0;
	line += strlen("\nNSpid:\t");
	len = strcspn(line, "\n");
	last = memrchr(line, '\t', len);
	return last ? (uint32_t)strtoul(last + 1, NULL, 10) : 0;
}

static void read_container_pid(int process, struct actor *a)
{
	char status[4096];

	if (read_some(process, "status", status, sizeof(status)))
		a->container_pid = actor_container_pid(status);
}

static void read_parent(const struct leastcap_event *e, struct actor *a)
{
	_cleanup_close_ int parent = open_if_there(e->ppid, e->time);

	if (parent >= 0 && read_some(parent, "comm", a->parent, sizeof(a->parent)))
		a->parent[strlen(a->parent) - 1] = '\0'; /* the newline that the kernel adds */
}

/* An exec of the same program under another name, as busybox is one, changes comm. */
static bool is_about(const struct actor *a, const struct leastcap_event *e)
{
	return a->pid == e->pid && a->ppid == e->ppid && a->exe_ino == e->exe_ino &&
	       !memcmp(a->comm, e->comm, sizeof(a->comm));
}

static void begin(struct actor *a, const struct leastcap_event *e, uint64_t now)
{
	/* Not all of it: it is large. */
	a->exe[0] = a->parent[0] = '\0';
	a->args_len = a->container_pid = 0;
	a->args_cut = false;
	a->pid = e->pid;
	a->ppid = e->ppid;
	a->exe_ino = e->exe_ino;
	memcpy(a->comm, e->comm, sizeof(a->comm));
	a->until = now + KEPT_NS;
}

void actor_read(const struct leastcap_event *e, struct actor *ret)
{
	_cleanup_close_ int process = -EBADF;
	uint64_t now = boot_now();

	if (now < ret->until && is_about(ret, e))
		return;
	begin(ret, e, now);
	process = open_if_there(e->pid, e->time);
	if (process < 0)
		return;
	/* The arguments of another program that it has executed since would be a lie. */
	if (read_exe(process, e, ret))
		read_args(process, ret);
	read_container_pid(process, ret);
	read_parent(e, ret);
}

/* ---- JSON ---- */

json_t *actor_args_json(const struct actor *a)
{
	json_t *args = json_array();

	if (!a->args_len) {
		json_decref(args);
		return json_null();
	}
	for (size_t at = 0; args && at < a->args_len;) {
		size_t len = strnlen(a->args + at, a->args_len - at);
		bool last = at + len >= a->args_len;
		char word[ACTOR_ARGS_MAX + 4];

		snprintf(word, sizeof(word), "%.*s%s", (int)len, a->args + at,
			 last && a->args_cut ? "..." : "");
		if (json_array_append_new(args, event_string(word))) {
			json_decref(args);
			return NULL;
		}
		at += len + 1;
	}
	return args;
}
