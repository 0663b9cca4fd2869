// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

#include "cli/top.h"

/* So long an answer may take when it is quit. */
#define STOP_NS 300000000L

struct top_feed {
	struct top_source *source; /* the thread's */
	pthread_t thread;
	int fd;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct top_wish wish;
	bool asked, answered, stop;
	struct top_news news;
};

static bool wait_for_wish(struct top_feed *f, struct top_wish *ret)
{
	bool stop;

	pthread_mutex_lock(&f->lock);
	while (!f->asked && !f->stop)
		pthread_cond_wait(&f->changed, &f->lock);
	*ret = f->wish;
	stop = f->stop;
	pthread_mutex_unlock(&f->lock);
	return !stop;
}

static void answer(struct top_feed *f, const struct top_news *news)
{
	pthread_mutex_lock(&f->lock);
	top_news_done(&f->news);
	f->news = *news;
	f->asked = false;
	f->answered = true;
	pthread_mutex_unlock(&f->lock);
	(void)eventfd_write(f->fd, 1);
}

static void *work(void *ctx)
{
	struct top_feed *f = ctx;
	struct top_wish wish;

	while (wait_for_wish(f, &wish)) {
		struct top_news news;

		top_source_get(f->source, &wish, &news);
		answer(f, &news);
	}
	return NULL;
}

/* Signals are for the thread that has the terminal. */
static int start_thread(struct top_feed *f)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&f->thread, NULL, work, f);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

static void feed_free(struct top_feed *f)
{
	top_news_done(&f->news);
	top_source_free(f->source);
	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

int top_feed_start(struct top_source *source, struct top_feed **ret)
{
	struct top_feed *f = calloc(1, sizeof(*f));
	int err;

	if (!f) {
		top_source_free(source);
		return -ENOMEM;
	}
	f->source = source;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	f->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = f->fd < 0 ? -errno : start_thread(f);
	if (err)
		feed_free(f);
	else
		*ret = f;
	return err;
}

void top_feed_ask(struct top_feed *f, const struct top_wish *wish)
{
	pthread_mutex_lock(&f->lock);
	if (!f->asked) {
		f->wish = *wish;
		f->asked = true;
		pthread_cond_signal(&f->changed);
	}
	pthread_mutex_unlock(&f->lock);
}

bool top_feed_busy(struct top_feed *f)
{
	bool busy;

	pthread_mutex_lock(&f->lock);
	busy = f->asked;
	pthread_mutex_unlock(&f->lock);
	return busy;
}

int top_feed_fd(const struct top_feed *f)
{
	return f->fd;
}

bool top_feed_take(struct top_feed *f, struct top_news *ret)
{
	bool answered;
	eventfd_t n;

	(void)eventfd_read(f->fd, &n);
	pthread_mutex_lock(&f->lock);
	answered = f->answered;
	if (answered) {
		*ret = f->news;
		f->news = (struct top_news){};
		f->answered = false;
	}
	pthread_mutex_unlock(&f->lock);
	return answered;
}

bool top_feed_stop(struct top_feed *f)
{
	struct timespec end;

	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_signal(&f->changed);
	pthread_mutex_unlock(&f->lock);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_nsec += STOP_NS;
	end.tv_sec += end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	if (pthread_timedjoin_np(f->thread, NULL, &end))
		return false;
	feed_free(f);
	return true;
}
