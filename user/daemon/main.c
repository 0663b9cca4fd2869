/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * leastcapd. The phases of a start: options, probe, one daemon at a time, kernel, sink, state, API, loop. What
 * is pinned in the kernel outlives the daemon: only an unload takes it away.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "audit/event.h"
#include "audit/reader.h"
#include "audit/sink.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/api.h"
#include "daemon/loop.h"
#include "daemon/options.h"
#include "daemon/scrape.h"
#include "daemon/state.h"
#include "daemon/watch.h"
#include "kernel/kernel.h"

#define RUN_DIR "/run/leastcap"
#define LOCK_FILE RUN_DIR "/leastcapd.lock"

/* `leastcap run` leaves it where it loaded the programs for itself, and unloads by it. Now they are ours. */
#define LOADED_FILE RUN_DIR "/loaded-by-run"

/* systemd.exec(5): "device:inode" of what is connected to standard error, if that is the journal. */
static int stderr_is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return text && sscanf(text, "%llu:%llu", &dev, &ino) == 2 && !fstat(STDERR_FILENO, &st) &&
	       st.st_dev == dev && st.st_ino == ino;
}

/* ---- what stands in the way ---- */

static void tell_boot_line(const char *lsm)
{
	_cleanup_free_ char *line = kernel_boot_line(lsm);

	if (!line)
		return;
	log_err(0, "boot with %s (%s%s)", line,
		lsm ? "keeps what is active: " : "Debian's usual list", lsm ? lsm : "");
	log_err(0, "on Debian: put it, in place of an lsm= that is there, in GRUB_CMDLINE_LINUX in "
		   "/etc/default/grub, run update-grub, reboot; 'leastcap doctor' tells more");
}

static int probe(void)
{
	static const enum kernel_lack lacks[] = {KERNEL_LACK_BTF, KERNEL_LACK_BPF_LSM,
						 KERNEL_LACK_CGROUP2, KERNEL_LACK_BPFFS};
	_cleanup_free_ char *lsm = NULL;
	unsigned int lack = kernel_probe(&lsm);

	/* The other answers are worth nothing without root: the files cannot be read. */
	if (lack & KERNEL_LACK_ROOT) {
		log_err(0, "%s", kernel_lack_text(KERNEL_LACK_ROOT));
		return -EPERM;
	}
	for (size_t i = 0; i < ARRAY_SIZE(lacks); i++) {
		if (!(lack & lacks[i]))
			continue;
		log_err(0, "%s", kernel_lack_text(lacks[i]));
		if (lacks[i] == KERNEL_LACK_BPF_LSM)
			tell_boot_line(lsm);
	}
	return lack ? -EOPNOTSUPP : 0;
}

/* ---- one daemon at a time ---- */

/* Logs. Returns a descriptor, closed when the process ends. */
static int lock_daemon(void)
{
	_cleanup_close_ int fd = -EBADF;
	char pid[16] = "";
	ssize_t n;

	if (mkdir(RUN_DIR, 0755) && errno != EEXIST)
		return log_err(-errno, "cannot make %s", RUN_DIR);
	fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return log_err(-errno, "cannot open %s", LOCK_FILE);
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return log_err(-errno, "cannot lock %s", LOCK_FILE);
		n = pread(fd, pid, sizeof(pid) - 1, 0);
		pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
		log_err(0, "another leastcapd runs already%s%s", *pid ? ", process " : "", pid);
		return -EBUSY;
	}
	/* Only for that message. */
	snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) || pwrite(fd, pid, strlen(pid), 0) < 0)
		log_debug("cannot write %s", LOCK_FILE);
	return TAKE_FD(fd);
}

/* ---- the kernel side ---- */

static int load(const struct options *o, struct kernel **ret)
{
	_cleanup_close_ int lock = kernel_lock();
	int err;

	if (lock < 0)
		return log_err(lock, "cannot take the lock %s", KERNEL_LOCK_FILE);
	err = kernel_load(&o->kernel, ret);
	if (err)
		return log_err(err, "cannot load the programs into the kernel");
	if (unlink(LOADED_FILE) && errno != ENOENT)
		log_warn(-errno, "cannot remove %s, ignoring", LOADED_FILE);
	return 0;
}

static int unload(void *ctx)
{
	_cleanup_close_ int lock = kernel_lock();
	int err = lock < 0 ? lock : kernel_unload();

	if (err)
		return log_err(err, "cannot remove what is pinned in %s", KERNEL_PIN_DIR);
	log_info("unloaded: nothing is enforced any more");
	/* Before anybody is answered: to systemd this daemon runs until then, and a start would change nothing. */
	sd_notify(0, "STOPPING=1");
	return 0;
}

/* For when a daemon and its guard were killed at one time. */
static int let_go(void)
{
	_cleanup_(kernel_closep) struct kernel *k = NULL;
	int err = kernel_open(&k);

	if (err && err != -ENOENT)
		return log_err(err, "cannot open what is pinned in %s", KERNEL_PIN_DIR);
	if (k)
		kernel_hold_end(k);
	return 0;
}

static void on_record(const void *record, size_t size, void *ctx)
{
	static bool told;
	struct state *state = ctx;
	struct leastcap_event_cgroup event;

	if (!event_decode(record, size, &event)) {
		state_event(state, &event);
	} else if (!told) {
		told = true;
		log_warn(0, "the kernel side tells what this daemon does not understand, ignoring");
	}
}

/* ---- the files of policies ---- */

static const struct policy_reads *read_last(void *state, unsigned int *ret_reload)
{
	return state_reads(state, ret_reload);
}

static void look(void *state)
{
	/* It has told what is wrong; the old state stays in force. */
	(void)state_reload_changed(state);
}

/* ---- the daemon ---- */

static void event_unrefp(sd_event **event)
{
	sd_event_unref(*event);
}

static int serve(const struct options *o, struct kernel *k, struct sink *sink)
{
	_cleanup_(event_unrefp) sd_event *event = NULL;
	_cleanup_(state_freep) struct state *state = NULL;
	_cleanup_(reader_freep) struct reader *reader = NULL;
	_cleanup_(api_freep) struct api *api = NULL;
	_cleanup_(watch_freep) struct watch *watch = NULL;
	_cleanup_(scrape_freep) struct scrape *scrape = NULL;
	struct state_options so = {.config_dir = o->config_dir, .state_dir = o->state_dir};
	struct loop loop;
	int err = sd_event_new(&event);

	if (err < 0)
		return log_err(err, "cannot make an event loop");
	so.event = event;
	so.quiet_ns = o->quiet_ns;
	so.prove_ns = o->prove_ns;
	so.prove_exit = o->prove_exit;
	so.hold_ns = o->hold_start ? o->hold_limit_ns : 0;
	err = state_open(&so, k, sink, &state);
	if (err)
		return log_err(err, "cannot open %s", o->state_dir);
	err = reader_new(kernel_events_fd(k), on_record, state, &reader);
	if (err)
		return log_err(err, "cannot read events of the kernel");
	err = state_reload(state, &(struct peer){0});
	if (err)
		return err; /* it has told why; what was bound before stays bound */
	/* They may hold what has no room in this one. */
	err = state_unfit(state) ? 0 : kernel_remove_others();
	if (err)
		log_warn(err, "cannot remove what another version has loaded, ignoring");
	err = api_open(&(struct api_options){.socket = o->socket,
					     .event = event,
					     .state = state,
					     .memory = &sink->memory,
					     .unload = unload},
		       &api);
	if (err)
		return err;
	if (o->watch) {
		err = watch_open(&(struct watch_options){.event = event,
							 .config_dir = o->config_dir,
							 .reads = read_last,
							 .look = look,
							 .ctx = state},
				 &watch);
		if (err)
			return log_err(err, "cannot watch %s", o->config_dir);
	}
	/* Without it everything else works, and Prometheus tells that nobody is there. */
	if (o->metrics)
		(void)scrape_open(o->metrics, event, state, &scrape);
	loop = (struct loop){
		.event = event, .kernel = k, .reader = reader, .sink = sink, .state = state};
	state_prove(state);
	return loop_run(&loop);
}

static int run(const struct options *o)
{
	_cleanup_(kernel_closep) struct kernel *k = NULL;
	_cleanup_(sink_done) struct sink sink = {};
	_cleanup_close_ int lock = -EBADF;
	int err = loop_block_signals();

	if (err)
		return log_err(err, "cannot block signals");
	err = probe();
	if (err)
		return err;
	lock = lock_daemon();
	if (lock < 0)
		return lock;
	err = load(o, &k);
	if (err)
		return err;
	loop_add_launchers(k);
	err = sink_init(&sink, &o->sink);
	if (err)
		return log_err(err, "cannot set up the sinks of events");
	return serve(o, k, &sink);
}

int main(int argc, char **argv)
{
	struct options options;
	int status;

	log_set_prefix("leastcapd: ", 0);
	status = options_parse(argc, argv, &options);
	if (status != OPTIONS_GO_ON)
		return status;
	/* The journal knows who writes. */
	if (stderr_is_journal())
		log_set_prefix("", 1);
	if (options.debug)
		log_set_level(LOG_LEVEL_DEBUG);
	umask(0022);
	/* Of the heap a few hundred KiB are in use, here and there: a huge page would make it two MiB, where one happens to fit. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	if (options.let_go)
		return let_go() ? EXIT_FAILURE : EXIT_SUCCESS;
	return run(&options) ? EXIT_FAILURE : EXIT_SUCCESS;
}
