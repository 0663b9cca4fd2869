/* SPDX-License-Identifier: GPL-2.0-only */
/* leastcap top: where its numbers come from, and the terminal. What is shown is made in user/top/. */
#ifndef LEASTCAP_CLI_TOP_H
#define LEASTCAP_CLI_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "top/view.h"

/* ---- where the numbers come from: the daemon, or without it, for root, the kernel's maps ---- */

struct top_wish {
	uint64_t subject; /* all about this one, too: its cgroup's id; 0: of nobody */
	bool count; /* count checks */
};

struct top_news {
	json_t *status; /* as GET /v1/status, with `daemon`, and for each binding `name`, and `seen`; NULL: see err */
	json_t *detail; /* the subject's binding with `processes`, `drift`, `events`; NULL: it is not there */
	uint64_t time; /* CLOCK_BOOTTIME nanoseconds */
	int err; /* of what is missing */
	char problem[128]; /* in words, also of what is less than an error; "" */
};

void top_news_done(struct top_news *news);

struct top_source;

struct top_source *top_source_new(void); /* NULL: no memory */
struct top_source *top_source_free(struct top_source *s); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(struct top_source *, top_source_free);

/* Takes as long as the daemon takes to answer. */
void top_source_get(struct top_source *s, const struct top_wish *wish, struct top_news *ret);

/* Checks by binding: a program in the kernel, as long as it is wanted. */
struct top_seen;

struct top_seen *top_seen_new(void);
struct top_seen *top_seen_free(struct top_seen *s); /* NULL is fine; returns NULL */

/* Adds `seen` to the bindings of a status, and to it `seen_unfit`: checks that belong to no line. Loads the program the first
 * time. -errno: nothing is added; tried again when it was not wanted for a time. */
int top_seen_add(struct top_seen *s, json_t *status);

/* It is not wanted now: the program goes. */
void top_seen_stop(struct top_seen *s);

/* ---- the same in a thread of its own: a daemon that does not answer holds up nobody ---- */

struct top_feed;

/* Takes the source over. */
int top_feed_start(struct top_source *source, struct top_feed **ret);

/* Asks, unless an answer is being waited for. */
void top_feed_ask(struct top_feed *f, const struct top_wish *wish);
bool top_feed_busy(struct top_feed *f);

/* Readable when there is an answer. */
int top_feed_fd(const struct top_feed *f);
bool top_feed_take(struct top_feed *f, struct top_news *ret);

/* False: it is still waiting for an answer, and nothing was freed; the process can only end by _exit(). */
bool top_feed_stop(struct top_feed *f);

/* ---- the terminal ---- */

/* Is there one, and can it be drawn on? Logs why not. Returns an exit status. */
int top_terminal_check(void);

/* What is written to standard error meanwhile is shown when it is closed. -errno. */
int top_terminal_open(void);
void top_terminal_close(void);

/* A character or an enum top_key; -1: none now, or a key that means nothing. */
int top_terminal_key(void);

void top_terminal_size(size_t *ret_width, size_t *ret_height);
void top_terminal_draw(const struct top_lines *shown);

/* Until it is quit. Takes the source over. Returns an exit status. */
int top_live(struct top_view *v, struct top_source *source);

/* A newer state, shown with the time of now. Takes it from the news. -ENOMEM. */
int top_show(struct top_view *v, struct top_news *news);

#endif
