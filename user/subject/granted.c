/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/granted.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "subject/process.h"

static int add_permitted(pid_t pid, void *ctx)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[256];
	uint64_t *set = ctx;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "CapPrm:", 7)) {
			*set |= strtoull(line + 7, NULL, 16);
			break;
		}
	}
	return 0;
}

int granted_in(const char *cgroup, uint64_t *ret)
{
	uint64_t set = 0;
	int err = pids_in(cgroup, false, add_permitted, &set);

	if (!err)
		*ret = set;
	return err;
}

static int add_sets(pid_t tid, void *ctx)
{
	struct granted_sets *sets = ctx;
	struct process thread;
	int err = process_read_status(tid, &thread);

	sets->threads++;
	if (err) {
		/* It may have ended meanwhile. */
		sets->unread += err != -ESRCH;
		return 0;
	}
	sets->permitted |= thread.permitted;
	sets->bounding |= thread.bounding;
	return 0;
}

int granted_sets(const char *cgroup, struct granted_sets *ret)
{
	struct granted_sets sets = {};
	int err = pids_in(cgroup, true, add_sets, &sets);

	if (!err)
		*ret = sets;
	return err;
}
