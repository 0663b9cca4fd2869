/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/granted.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "subject/cgroup.h"

static uint64_t permitted_of(const char *pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[256];

	snprintf(path, sizeof(path), "/proc/%.20s/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "CapPrm:", 7))
			return strtoull(line + 7, NULL, 16);
	}
	return 0;
}

/* One cgroup. Of a threaded one only the threads can be listed. */
static int add_granted(const char *path, uint64_t id, uint32_t level, void *ctx)
{
	static const char *const files[] = {"cgroup.procs", "cgroup.threads"};
	uint64_t *set = ctx;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *file = NULL;
		_cleanup_fclose_ FILE *f = NULL;
		char pid[32];

		if (asprintf(&file, CGROUP_ROOT "%s/%s", path, files[i]) < 0)
			return -ENOMEM;
		f = fopen(file, "re");
		while (f && fgets(pid, sizeof(pid), f)) {
			pid[strcspn(pid, "\n")] = '\0';
			*set |= permitted_of(pid);
		}
		if (f && !ferror(f))
			break;
	}
	return 0;
}

int granted_in(const char *cgroup, uint64_t *ret)
{
	uint64_t set = 0;
	int err = cgroup_walk_below(cgroup, add_granted, &set);

	if (!err)
		*ret = set;
	return err;
}
