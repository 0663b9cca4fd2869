/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "subject/cgroup.h"

#define NSEC_PER_SEC 1000000000LL

/* The value behind "Key:\t"; NULL: another line. */
static const char *value_of(const char *line, const char *key)
{
	size_t len = strlen(key);

	return !strncmp(line, key, len) && line[len] == ':'
		       ? line + len + 1 + strspn(line + len + 1, " \t")
		       : NULL;
}

int process_parse(FILE *status, struct process *ret)
{
	struct {
		const char *key;
		uint64_t *set;
	} sets[] = {
		{"CapInh", &ret->inheritable}, {"CapPrm", &ret->permitted},
		{"CapEff", &ret->effective},   {"CapBnd", &ret->bounding},
		{"CapAmb", &ret->ambient},
	};
	size_t found = 0;
	char line[256];

	while (fgets(line, sizeof(line), status)) {
		const char *value;

		line[strcspn(line, "\n")] = '\0';
		if ((value = value_of(line, "Name")))
			snprintf(ret->comm, sizeof(ret->comm), "%s", value);
		else if ((value = value_of(line, "Uid")))
			ret->uid = (uint32_t)strtoul(value + strcspn(value, "\t"), NULL, 10);
		else if ((value = value_of(line, "NoNewPrivs")))
			ret->no_new_privs = *value == '1';
		else if ((value = value_of(line, "Seccomp")))
			ret->seccomp = (unsigned int)strtoul(value, NULL, 10);
		for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
			value = value_of(line, sets[i].key);
			if (!value)
				continue;
			*sets[i].set = strtoull(value, NULL, 16);
			found++;
		}
	}
	return found == ARRAY_SIZE(sets) ? 0 : -EBADMSG;
}

/* Field 22 of /proc/PID/stat. The name before it may hold anything, ")" too: the last one counts. */
static int64_t start_of(pid_t pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], text[1024], *p;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	text[n] = '\0';
	p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++) {
		p = strchr(p, ' ');
		p += p != NULL;
	}
	return p ? strtoll(p, NULL, 10) * (NSEC_PER_SEC / sysconf(_SC_CLK_TCK)) : 0;
}

int process_read_status(pid_t pid, struct process *ret)
{
	struct process process = {.pid = pid};
	_cleanup_fclose_ FILE *f = NULL;
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : -errno;
	err = process_parse(f, &process);
	if (err)
		return err == -EBADMSG && ferror(f) ? -ESRCH : err;
	*ret = process;
	return 0;
}

int process_read(pid_t pid, struct process *ret)
{
	int err = process_read_status(pid, ret);

	if (!err)
		ret->start_ns = start_of(pid);
	return err;
}

/* ---- those of a cgroup ---- */

struct pids {
	bool threads;
	int (*fn)(pid_t pid, void *ctx);
	void *ctx;
};

static int read_pids(const char *cgroup, const char *name, const struct pids *p)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_fclose_ FILE *f = NULL;
	char pid[32];
	int stop = 0;

	if (asprintf(&path, CGROUP_ROOT "%s/%s", cgroup, name) < 0)
		return -ENOMEM;
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (!stop && fgets(pid, sizeof(pid), f))
		stop = p->fn((pid_t)strtol(pid, NULL, 10), p->ctx);
	return !stop && ferror(f) ? -errno : stop;
}

static int pids_of(const char *path, uint64_t id, uint32_t level, void *ctx)
{
	const struct pids *p = ctx;
	int err = p->threads ? -EOPNOTSUPP : read_pids(path, "cgroup.procs", p);

	/* Of a threaded cgroup only the threads can be listed. */
	return err == -EOPNOTSUPP ? read_pids(path, "cgroup.threads", p) : err;
}

int pids_in(const char *cgroup, bool threads, int (*fn)(pid_t pid, void *ctx), void *ctx)
{
	struct pids pids = {.threads = threads, .fn = fn, .ctx = ctx};

	return cgroup_walk_below(cgroup, pids_of, &pids);
}

struct list {
	struct process *items;
	size_t n, max;
	bool more;
};

static int add(pid_t pid, void *ctx)
{
	struct list *l = ctx;

	if (l->n == l->max) {
		l->more = true;
		return 1;
	}
	/* It may have ended meanwhile. */
	if (!process_read(pid, &l->items[l->n]))
		l->n++;
	return 0;
}

int processes_in(const char *cgroup, size_t max, struct process **ret, size_t *ret_n,
		 bool *ret_more)
{
	struct list l = {.items = calloc(max, sizeof(*l.items)), .max = max};
	int err = l.items ? pids_in(cgroup, false, add, &l) : -ENOMEM;

	if (err < 0) {
		free(l.items);
		return err;
	}
	*ret = l.items;
	*ret_n = l.n;
	*ret_more = l.more;
	return 0;
}
