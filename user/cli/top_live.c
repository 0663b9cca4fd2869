// SPDX-License-Identifier: GPL-2.0-only
/* The loop of leastcap top: keys, answers, time. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/top.h"

#define NSEC_PER_SEC 1000000000ULL

/* An answer that takes longer is told of. */
#define PATIENCE_NS (3 * NSEC_PER_SEC)

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	stopped = 1;
}

struct live {
	struct top_view *view;
	struct top_feed *feed;
	uint64_t asked; /* when */
	uint64_t due; /* the next question */
	struct top_wish wish; /* the last one */
	bool failed; /* no memory */
};

static void catch_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction sa = {.sa_handler = stop};

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &sa, NULL);
}

/* ---- answers ---- */

int top_show(struct top_view *v, struct top_news *news)
{
	struct top_sample *sample = NULL;
	time_t now = time(NULL);
	struct tm tm;
	int err;

	if (localtime_r(&now, &tm))
		strftime(v->clock, sizeof(v->clock), "%H:%M:%S", &tm);
	err = top_sample_new(TAKE_PTR(news->status), news->time, v->sample, &sample);
	return err ?: top_view_update(v, sample);
}

static void take(struct live *l)
{
	struct top_view *v = l->view;
	struct top_news news;

	if (!top_feed_take(l->feed, &news))
		return;
	snprintf(v->waiting, sizeof(v->waiting), "%s", news.problem);
	/* What was asked before it was paused comes too late. */
	if (news.status && !v->paused)
		l->failed |= top_show(v, &news) != 0;
	if (news.detail && v->subject && v->subject == l->wish.subject &&
	    !(v->paused && v->detail)) {
		json_decref(v->detail);
		v->detail = TAKE_PTR(news.detail);
	}
	top_news_done(&news);
}

/* ---- questions ---- */

/* At its time; at once about a subject that was opened. */
static void ask(struct live *l)
{
	struct top_view *v = l->view;
	struct top_wish wish = {.subject = v->subject, .count = v->counting};
	uint64_t now = boot_now();
	bool opened;

	if (!wish.subject)
		l->wish.subject = 0;
	if (top_feed_busy(l->feed)) {
		if (now - l->asked > PATIENCE_NS)
			snprintf(v->waiting, sizeof(v->waiting), "waiting for an answer for %llus",
				 (unsigned long long)((now - l->asked) / NSEC_PER_SEC));
		return;
	}
	/* Also while it is paused. */
	opened = wish.subject && wish.subject != l->wish.subject;
	if (!opened && (v->paused || now < l->due))
		return;
	l->wish = wish;
	l->asked = now;
	l->due = now + (uint64_t)(v->delay * (double)NSEC_PER_SEC);
	top_feed_ask(l->feed, &wish);
}

static int timeout_ms(const struct live *l)
{
	uint64_t now = boot_now();

	/* Once a second while an answer is missing. */
	if (top_feed_busy(l->feed) || l->view->paused || now >= l->due)
		return 1000;
	return (int)((l->due - now) / 1000000) + 1;
}

/* ---- the loop ---- */

static void draw(struct live *l)
{
	struct top_lines lines = {};
	size_t width, height;

	top_terminal_size(&width, &height);
	top_screen(l->view, width, height, &lines);
	l->failed |= lines.failed;
	top_terminal_draw(&lines);
	top_lines_done(&lines);
}

static void take_keys(struct live *l)
{
	bool was_paused = l->view->paused;
	int key;

	while ((key = top_terminal_key()) >= 0 && !l->view->quit)
		l->failed |= top_view_key(l->view, key) != 0;
	if (was_paused && !l->view->paused)
		l->due = 0;
}

static void loop(struct live *l)
{
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
			       {.fd = top_feed_fd(l->feed), .events = POLLIN}};

	while (!l->view->quit && !stopped && !l->failed) {
		ask(l);
		draw(l);
		fds[0].revents = 0;
		(void)poll(fds, ARRAY_SIZE(fds), timeout_ms(l));
		/* The terminal is gone. */
		if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
			return;
		take_keys(l);
		take(l);
	}
}

int top_live(struct top_view *v, struct top_source *source)
{
	struct live l = {.view = v, .wish.count = v->counting};
	int err = top_feed_start(source, &l.feed);

	if (err) {
		log_err(err, "cannot start a thread");
		return CLI_FAILED;
	}
	l.due = boot_now() + (uint64_t)(v->delay * (double)NSEC_PER_SEC);
	err = top_terminal_open();
	if (!err) {
		catch_signals();
		loop(&l);
		top_terminal_close();
	}
	if (err || l.failed)
		log_err(err ?: -ENOMEM, "cannot show it");
	/* A daemon that does not answer must not keep anybody. */
	if (!top_feed_stop(l.feed)) {
		fflush(NULL);
		_exit(err || l.failed ? CLI_FAILED : CLI_DONE);
	}
	return err || l.failed ? CLI_FAILED : CLI_DONE;
}
