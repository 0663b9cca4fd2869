// SPDX-License-Identifier: GPL-2.0-only
#include "cli/trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/client.h"
#include "cli/state.h"

/* Older log files: FILE.1, FILE.2, ... */
#define LOG_FILES_MAX 100

/* A pipe is somebody else's to read. */
static FILE *open_log(const char *path)
{
	struct stat st;
	FILE *f = NULL;

	if (!stat(path, &st)) {
		if (!S_ISREG(st.st_mode))
			return NULL;
		f = fopen(path, "re");
	}
	if (!f && errno != ENOENT)
		log_warn(-errno, "cannot read %s: what has ended may be missing", path);
	return f;
}

static int read_log(FILE *f, int (*fn)(const char *line, size_t len, void *ctx), void *ctx)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int err = 0;

	while (!err && (len = getline(&line, &size, f)) > 0)
		err = fn(line, (size_t)len, ctx);
	return err ? -ENOMEM : 0;
}

static int read_logs(const json_t *status, int (*fn)(const char *line, size_t len, void *ctx),
		     void *ctx)
{
	const char *path = state_log_file(status);

	for (unsigned int i = 0; i < LOG_FILES_MAX; i++) {
		_cleanup_free_ char *older = NULL;
		_cleanup_fclose_ FILE *f = NULL;
		int err;

		if (asprintf(&older, "%s.%u", path, i) < 0) {
			older = NULL;
			return -ENOMEM;
		}
		f = open_log(i ? older : path);
		if (!f && i)
			break;
		err = f ? read_log(f, fn, ctx) : 0;
		if (err)
			return err;
	}
	return 0;
}

static int read_daemon(int (*fn)(const char *line, size_t len, void *ctx), void *ctx)
{
	_cleanup_(api_reply_done) struct api_reply reply = {0};
	int err = api_stream("/v1/events", fn, ctx, &reply);

	if (err && err != -ECANCELED)
		log_warn(err, "cannot read the daemon's events, ignoring");
	return err == -ECANCELED ? -ENOMEM : 0;
}

int trail_each(const json_t *status, int (*fn)(const char *line, size_t len, void *ctx), void *ctx)
{
	int err = json_is_true(json_object_get(status, "daemon")) ? read_daemon(fn, ctx) : 0;

	return err ?: read_logs(status, fn, ctx);
}
