/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who was refused, beside what the kernel's record says: what /proc says of the process when the event is told. It may be over
 * by then, or have become another; what cannot be said to be of the process that the record means is left out.
 */
#ifndef LEASTCAP_ACTOR_H
#define LEASTCAP_ACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <leastcap/abi.h>

/* Bytes of the arguments that are told, with the NULs between them. */
#define ACTOR_ARGS_MAX 512

struct actor {
	char exe[4096]; /* "": not known; hostile, like all texts here */
	char args[ACTOR_ARGS_MAX]; /* each ends with a NUL */
	size_t args_len; /* 0: not known */
	bool args_cut; /* there are more */
	uint32_t container_pid; /* in its own pid namespace; 0: not known, or it is in the host's */
	char parent[64]; /* comm of its parent; "": not known */

	/* Whom it is about, and until when that is not asked again, CLOCK_BOOTTIME ns. */
	uint32_t pid, ppid;
	uint64_t exe_ino, until;
	char comm[LEASTCAP_COMM_LEN];
};

/*
 * Everything is empty where nothing is known. What ret has already stays for a tenth of a second, if it is about the same
 * process and program: of a flood of events each is about the same. At first it is all zero.
 */
void actor_read(const struct leastcap_event *e, struct actor *ret);

/* The pure parts of it. */

/* Does this /proc/PID/stat belong to a process that was there at that CLOCK_BOOTTIME (ns)? */
bool actor_was_there(const char *stat, uint64_t time);
/* Of /proc/PID/status. 0: in no pid namespace but the host's, or not known. */
uint32_t actor_container_pid(const char *status);

/* ["mount", "-t", "tmpfs"], or null; what was cut ends in "...". NULL: no memory. */
json_t *actor_args_json(const struct actor *a);

#endif
