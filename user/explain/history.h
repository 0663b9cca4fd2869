/* SPDX-License-Identifier: GPL-2.0-only */
/* Refusals of the past: the daemon's log and its older files, newest first, and which of them are meant. */
#ifndef LEASTCAP_EXPLAIN_HISTORY_H
#define LEASTCAP_EXPLAIN_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* Of each file its end, and of all together. */
#define HISTORY_FILE_MAX (32UL * 1024 * 1024)
#define HISTORY_MAX (128UL * 1024 * 1024)

/* Kinds that are told of one subject. */
#define HISTORY_KINDS 32

/* What is looked for, and what was found. */
struct history {
	bool by_seq;
	uint64_t seq; /* by_seq */
	const char *subject; /* NULL: the newest refusal of anybody */
	const char *path; /* the cgroup that the subject means now; NULL: not known */
	bool there; /* it is: nobody else is meant */
	json_t *found; /* array of events, newest first */
	json_t *kinds; /* set */
	json_t *quiet; /* by_seq: that event is of type quiet; found is the one that it belongs to */
	bool remembered; /* by_seq: the running daemon knows it */
	size_t others; /* by_seq: events of other starts of the daemon with that number, which are older */
	json_t *reported; /* without a subject: the newest that was only reported */
	json_t *names; /* set: subjects that there are, for the nearest one */
	size_t more; /* kinds that were left out */
	bool cut; /* not all of the log was read */
};

int history_init(struct history *h);
void history_done(struct history *h);

/* One event, newer ones first. 1: all is found. -ENOMEM. */
int history_take(struct history *h, const json_t *event);

/* The same of a line; what is no event is passed over. */
int history_take_line(struct history *h, const char *line, size_t len);

/* All of a log: FILE, FILE.1, ... -errno of opening FILE; -EINVAL: it is no regular file. */
int history_read(struct history *h, const char *path);

/* The end of the search: found is what is to be shown. */
void history_finish(struct history *h);

/* Is a subject, as people call it, that of an event? A cgroup's path (or one above it), a unit, a container's name or id
 * (or its beginning), a policy. */
bool history_matches(const json_t *event, const char *subject);

/* The known name nearest to the subject; NULL: none is near. Valid as long as h. */
const char *history_nearest(const struct history *h);

#endif
