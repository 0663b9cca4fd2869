/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/loop.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include <systemd/sd-daemon.h>

#include "base/duration.h"
#include "base/log.h"
#include "daemon/socket.h"
#include "subject/manager.h"

#define USEC_PER_MSEC 1000ULL
#define USEC_PER_SEC 1000000ULL

/* While records come: the kernel side wakes us for the first, and then before the ring buffer is full. */
#define DRAIN_USEC (100 * USEC_PER_MSEC)

/* While a sink is behind, and gets on. */
#define FLUSH_USEC (10 * USEC_PER_MSEC)

/* Records of one turn: a few milliseconds, so that a flood does not keep requests waiting. */
#define DRAIN_MAX 2000

#define TICK_USEC USEC_PER_SEC

/* An upgrade of a package replaces the file: another inode. */
#define LAUNCHERS_USEC (30 * USEC_PER_SEC)

/* ---- launchers ---- */

static const struct {
	const char *path;
	uint32_t kind;
} launchers[] = {
	{"/lib/systemd/systemd-executor", LEASTCAP_LAUNCHER_ALWAYS},
	{"/usr/lib/systemd/systemd-executor", LEASTCAP_LAUNCHER_ALWAYS},
	{"/usr/bin/runc", LEASTCAP_LAUNCHER_REEXEC},
	{"/usr/sbin/runc", LEASTCAP_LAUNCHER_REEXEC},
	{"/usr/local/bin/runc", LEASTCAP_LAUNCHER_REEXEC},
	{"/usr/local/sbin/runc", LEASTCAP_LAUNCHER_REEXEC},
	{"/usr/bin/crun", LEASTCAP_LAUNCHER_REEXEC},
	{"/usr/sbin/crun", LEASTCAP_LAUNCHER_REEXEC},
	{"/usr/local/bin/crun", LEASTCAP_LAUNCHER_REEXEC},
	{"/usr/local/sbin/crun", LEASTCAP_LAUNCHER_REEXEC},
};

void loop_add_launchers(struct kernel *k)
{
	static struct {
		dev_t dev;
		ino_t ino;
	} known[ARRAY_SIZE(launchers)];
	_cleanup_close_ int lock = -EBADF;

	for (size_t i = 0; i < ARRAY_SIZE(launchers); i++) {
		struct stat st;
		int err;

		if (stat(launchers[i].path, &st) ||
		    (st.st_ino == known[i].ino && st.st_dev == known[i].dev))
			continue;
		if (lock < 0)
			lock = kernel_lock();
		if (lock < 0) {
			log_warn(lock, "cannot take the lock %s, ignoring", KERNEL_LOCK_FILE);
			return;
		}
		err = kernel_launcher_add(k, launchers[i].path, launchers[i].kind);
		if (err) {
			log_warn(err, "cannot list %s as a launcher, ignoring", launchers[i].path);
			continue;
		}
		log_debug("launcher: %s", launchers[i].path);
		known[i].dev = st.st_dev;
		known[i].ino = st.st_ino;
	}
}

/* ---- signals ---- */

static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1};

int loop_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	return 0;
}

static void reload(struct loop *l, const struct signalfd_siginfo *info)
{
	struct peer by = {.pid = (pid_t)info->ssi_pid, .uid = info->ssi_uid};

	/* Often it has ended already: a shell's kill has not, /bin/kill has. */
	peer_name(&by);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now_usec());
	/* It has told what is wrong; the old state stays in force. */
	(void)state_reload(l->state, &by);
	sd_notify(0, "READY=1");
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *ctx)
{
	struct loop *l = ctx;

	switch ((int)info->ssi_signo) {
	case SIGHUP:
		reload(l, info);
		break;
	case SIGUSR1:
		sink_reopen(l->sink);
		break;
	default:
		log_info("ending; what is bound stays bound");
		sd_notify(0, "STOPPING=1");
		state_ending(l->state);
		return sd_event_exit(l->event, EXIT_SUCCESS);
	}
	return 0;
}

/* ---- the ring buffer ---- */

/* Returns how many; DRAIN_MAX: there may be more. */
static int drain(struct loop *l)
{
	static int last;
	int n = reader_drain(l->reader, DRAIN_MAX);

	if (n < 0 && n != last)
		log_warn(n, "cannot read events of the kernel, ignoring");
	last = n < 0 ? n : 0;
	return n;
}

static int again(sd_event_source *source, uint64_t usec)
{
	int err = sd_event_source_set_time_relative(source, usec);

	return err < 0 ? err : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* May we sleep until the next record? */
static bool may_sleep(struct loop *l)
{
	if (!sink_quiet(l->sink))
		return false;
	kernel_wake_next(l->kernel);
	/* One that is being written now has not seen it, and wakes nobody. */
	return reader_empty(l->reader);
}

static int turn(struct loop *l)
{
	int n = drain(l);
	bool behind = sink_flush(l->sink);

	if (reader_empty(l->reader))
		kernel_caught_up(l->kernel);
	if (!n && !behind && may_sleep(l))
		return sd_event_source_set_enabled(l->drain, SD_EVENT_OFF);
	return again(l->drain, n >= DRAIN_MAX ? 0 : behind ? FLUSH_USEC : DRAIN_USEC);
}

static int on_events(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	return turn(ctx);
}

static int on_drain(sd_event_source *source, uint64_t usec, void *ctx)
{
	return turn(ctx);
}

static bool sleeps(const struct loop *l)
{
	return sd_event_source_get_enabled(l->drain, NULL) == SD_EVENT_OFF;
}

/* ---- the clock ---- */

static void notify_status(struct loop *l)
{
	static char last[1200];
	char text[1200] = "";

	state_summary(l->state, text, sizeof(text));
	if (!strcmp(text, last))
		return;
	sd_notifyf(0, "STATUS=%s", text);
	memcpy(last, text, sizeof(last));
}

static int on_tick(sd_event_source *source, uint64_t usec, void *ctx)
{
	struct loop *l = ctx;

	state_tick(l->state);
	notify_status(l);
	/* The programs of an older build, which may have taken over, do not know of sleepers. */
	if (sleeps(l) && !reader_empty(l->reader))
		(void)turn(l);
	return again(source, TICK_USEC);
}

static int on_any(sd_event_source *source, void *ctx)
{
	struct loop *l = ctx;
	bool more = state_settle(l->state);

	/* Events come from here, too, and some place may not take them at once. */
	return sleeps(l) && (more || !sink_quiet(l->sink)) ? again(l->drain, DRAIN_USEC) : 0;
}

static int on_launchers(sd_event_source *source, uint64_t usec, void *ctx)
{
	struct loop *l = ctx;

	loop_add_launchers(l->kernel);
	return again(source, LAUNCHERS_USEC);
}

/* ---- all of it ---- */

static int add_sources(struct loop *l)
{
	static const struct {
		sd_event_time_handler_t fn;
		uint64_t usec, accuracy;
	} timers[] = {
		{on_tick, TICK_USEC, 50 * USEC_PER_MSEC},
		{on_launchers, LAUNCHERS_USEC, USEC_PER_SEC},
	};
	int err = sd_event_add_time_relative(l->event, &l->drain, CLOCK_MONOTONIC, DRAIN_USEC,
					     10 * USEC_PER_MSEC, on_drain, l);

	/* Floating: they live as long as the loop. */
	for (size_t i = 0; i < ARRAY_SIZE(signals) && err >= 0; i++)
		err = sd_event_add_signal(l->event, NULL, signals[i], on_signal, l);
	for (size_t i = 0; i < ARRAY_SIZE(timers) && err >= 0; i++)
		err = sd_event_add_time_relative(l->event, NULL, CLOCK_MONOTONIC, timers[i].usec,
						 timers[i].accuracy, timers[i].fn, l);
	if (err >= 0)
		err = sd_event_add_io(l->event, NULL, reader_fd(l->reader), EPOLLIN, on_events, l);
	if (err >= 0)
		err = sd_event_add_post(l->event, NULL, on_any, l);
	if (err >= 0)
		err = sd_event_set_watchdog(l->event, true);
	return err < 0 ? err : 0;
}

int loop_run(struct loop *l)
{
	int err = add_sources(l);

	if (err)
		return log_err(err, "cannot set up the event loop");
	notify_status(l);
	sd_notify(0, "READY=1");
	err = sd_event_loop(l->event);
	/* What the kernel has told until now belongs to this daemon's log. */
	(void)drain(l);
	/* What goes on in the kernel after a daemon's end ends with the system. */
	if (manager_stops())
		state_ends(l->state);
	sd_event_source_disable_unref(l->drain);
	return err < 0 ? log_err(err, "the event loop failed") : err;
}
