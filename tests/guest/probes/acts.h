/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the probes of restrictions share. Each does one act, prints "act: ok" or "act: EPERM", and says by its exit
 * status what came of it: 0 allowed   1 refused   2 could not be attempted   3 another error
 */
#ifndef ACTS_H
#define ACTS_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum outcome { ALLOWED = 0, REFUSED = 1, NOT_TRIED = 2, OTHER = 3 };

struct act {
	const char *name;
	int (*fn)(const char *arg); /* 0 or an errno */
	int refused; /* the errno by which a refusal shows */
};

/* Something the act needs is not there. */
static inline void fail(const char *what)
{
	printf("%s: %s\n", what, strerrorname_np(errno));
	exit(NOT_TRIED);
}

/* A call that this kernel has not answers so. */
static inline int known(int result, int unknown)
{
	if (result >= 0)
		return 0;
	if (errno == unknown || errno == ENOSYS)
		fail("not in this kernel");
	return errno;
}

/* Of clone(2) and its kin: the child ends at once. 0 or an errno. */
static inline int reaped(long pid)
{
	int status;

	if (!pid)
		_exit(0);
	if (pid < 0)
		return errno;
	return waitpid((pid_t)pid, &status, __WALL) != pid || status ? EIO : 0;
}

static inline int do_act(const struct act *acts, size_t n, char **argv)
{
	for (size_t i = 0; i < n; i++) {
		int err;

		if (strcmp(acts[i].name, argv[0]))
			continue;
		err = acts[i].fn(argv[1]);
		printf("%s: %s\n", argv[0], err ? strerrorname_np(err) : "ok");
		if (!err)
			return ALLOWED;
		return err == acts[i].refused ? REFUSED : OTHER;
	}
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "%s\n", acts[i].name);
	return strcmp(argv[0], "--help") ? NOT_TRIED : ALLOWED;
}

/* An act with arguments: 0 or an errno; EPERM is a refusal. */
struct act_with_arguments {
	const char *name;
	int args; /* how many */
	int (*fn)(char **argv);
	const char *help;
};

static inline int do_act_with_arguments(const struct act_with_arguments *acts, size_t n, int argc,
					char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < n; i++) {
		int err;

		if (argc < 2 || !strcmp(argv[1], "--help")) {
			printf("%s %s\n", acts[i].name, acts[i].help);
			continue;
		}
		if (strcmp(acts[i].name, argv[1]))
			continue;
		if (argc - 2 != acts[i].args) {
			fprintf(stderr, "%s %s\n", acts[i].name, acts[i].help);
			return NOT_TRIED;
		}
		err = acts[i].fn(argv + 2);
		printf("%s: %s\n", argv[1], err ? strerrorname_np(err) : "ok");
		return err == 0 ? ALLOWED : err == EPERM ? REFUSED : OTHER;
	}
	return argc == 2 && !strcmp(argv[1], "--help") ? ALLOWED : NOT_TRIED;
}

#endif
