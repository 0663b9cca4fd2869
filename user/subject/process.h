/* SPDX-License-Identifier: GPL-2.0-only */
/* What /proc says of a process: its capability sets, and what else decides over it. */
#ifndef LEASTCAP_PROCESS_H
#define LEASTCAP_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct process {
	pid_t pid;
	char comm[64]; /* hostile; as /proc has it */
	uint32_t uid; /* effective */
	uint64_t inheritable, permitted, effective, bounding, ambient;
	bool no_new_privs;
	unsigned int seccomp; /* 0 none, 1 strict, 2 filter */
	int64_t start_ns; /* when it was started, CLOCK_BOOTTIME; 0: not known */
};

/* Of /proc/PID/status; pid and start_ns are left alone. -EBADMSG: that is not in it. */
int process_parse(FILE *status, struct process *ret);

/* -ESRCH: it is gone. The number may be a thread's. */
int process_read(pid_t pid, struct process *ret);
int process_read_status(pid_t pid, struct process *ret); /* without start_ns */

/* Calls fn for the processes of a cgroup and below it, or for all their threads, until it returns non-zero. */
int pids_in(const char *cgroup, bool threads, int (*fn)(pid_t pid, void *ctx), void *ctx);

/* Those of a cgroup and below it, at most max. *ret is to be freed; *ret_more: there are others. */
int processes_in(const char *cgroup, size_t max, struct process **ret, size_t *ret_n,
		 bool *ret_more);

#endif
