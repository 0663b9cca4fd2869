/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/retries.h"

#include "base/cleanup.h"
#include "base/duration.h"

#define MSEC 1000ULL
#define SEC 1000000ULL

/* A cgroup is there before its engine knows the container by name, and Docker answers only when it has started it. */
static const uint64_t pauses[] = {50 * MSEC, 200 * MSEC, 1 * SEC, 5 * SEC};

uint64_t retries_pause(unsigned int tries)
{
	const size_t last = ARRAY_SIZE(pauses) - 1;

	return pauses[tries < last ? tries : last];
}

static void wake_at(struct retries *all, uint64_t due)
{
	if (all->next && all->next <= due)
		return;
	all->next = due;
	(void)sd_event_source_set_time(all->timer, due);
	(void)sd_event_source_set_enabled(all->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *ctx)
{
	/* Of one moment: what is added meanwhile, at the end, is due later. */
	const uint64_t now = now_usec();
	struct retries *all = ctx;
	struct retry *r, *following;

	all->next = 0;
	for (r = TAILQ_FIRST(&all->list); r; r = following) {
		following = TAILQ_NEXT(r, link);
		if (r->due > now) {
			wake_at(all, r->due);
			continue;
		}
		retries_drop(all, r);
		all->again(r, all->ctx);
	}
	return 0;
}

int retries_init(struct retries *all, sd_event *event)
{
	int err;

	TAILQ_INIT(&all->list);
	err = sd_event_add_time(event, &all->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, all);
	if (err >= 0)
		err = sd_event_source_set_enabled(all->timer, SD_EVENT_OFF);
	return err < 0 ? err : 0;
}

void retries_done(struct retries *all)
{
	all->timer = sd_event_source_disable_unref(all->timer);
}

bool retries_add(struct retries *all, struct retry *r)
{
	const uint64_t now = now_usec();

	if (!r->tries)
		r->since = now;
	if (r->waits || now - r->since >= RETRIES_GIVE_UP_USEC)
		return r->waits;
	r->due = now + retries_pause(r->tries++);
	r->waits = true;
	TAILQ_INSERT_TAIL(&all->list, r, link);
	wake_at(all, r->due);
	return true;
}

void retries_drop(struct retries *all, struct retry *r)
{
	if (r->waits)
		TAILQ_REMOVE(&all->list, r, link);
	r->waits = false;
}
