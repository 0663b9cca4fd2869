// SPDX-License-Identifier: GPL-2.0-only
/* leastcap learn: watches a subject, and then suggests, with the evidence. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <leastcap/decide.h>

#include "base/duration.h"
#include "base/escape.h"
#include "base/log.h"
#include "cli/learn.h"
#include "cli/output.h"
#include "cli/suggest.h"
#include "cli/trace.h"
#include "kernel/kernel.h"
#include "subject/cgroup.h"
#include "trace/session.h"

/* Between two looks at the ring, which has room for all kinds of checks: nothing is lost. */
#define PERIOD_NS 100000000ULL
/* Between two countings. */
#define COUNT_NS 1000000000ULL

#define BATCH 512U

#define NSEC_PER_SEC 1000000000LL

static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
	interrupted = 1;
}

struct learning {
	struct suggest_options options;
	const char *subject;
	uint64_t seconds; /* 0: until it is interrupted */
	struct follower follower;
	struct trace_options watched; /* with the follower's subjects */
	struct trace *session;
	struct symbols *symbols; /* NULL: functions are not named */
	int64_t clock_ns; /* CLOCK_REALTIME - CLOCK_BOOTTIME */
	struct evidence evidence;
	struct kernel *kernel; /* NULL: leastcap is not loaded */
	struct progress progress;
};

static void learning_done(struct learning *l)
{
	free(l->options.since);
	trace_close(l->session);
	symbols_free(l->symbols);
	evidence_done(&l->evidence);
	kernel_close(l->kernel);
	follower_done(&l->follower);
}

static int64_t real_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

/* ---- masks ---- */

/* What the subject has used by the masks until now; *ret_bound: of how many cgroups there are some. */
static uint64_t read_masks(const struct learning *l, size_t *ret_bound)
{
	uint64_t used = 0;

	*ret_bound = 0;
	for (size_t i = 0; l->kernel && i < l->follower.n; i++) {
		struct leastcap_binding binding;
		struct kernel_ledger ledger;

		if (kernel_binding_get(l->kernel, l->follower.ids[i], &binding))
			continue;
		++*ret_bound;
		if (!kernel_ledger_get(l->kernel, l->follower.ids[i], &ledger))
			used |= ledger.used | ledger.would_deny;
	}
	return used;
}

/* Containers restart, replicas come: those are the subject, too. What is found no more stays watched. */
static void look_for_more(struct learning *l)
{
	uint64_t late = l->follower.late + l->follower.unwatched;

	if (!follower_look(&l->follower, trace_watch_more, l->session))
		return;
	if (l->follower.late + l->follower.unwatched != late) {
		progress_clear(&l->progress);
		follower_tell(&l->follower);
	}
}

/* ---- watching ---- */

static void take(const void *record, size_t size, void *ctx)
{
	struct learning *l = ctx;
	const struct evidence_item *item =
		evidence_record(&l->evidence, record, size, l->symbols, l->clock_ns);

	if (item)
		progress_item(&l->progress, item);
}

static void count(const struct leastcap_trace_key *key, uint64_t n, void *ctx)
{
	evidence_count(ctx, key, n);
}

static void count_again(struct learning *l, struct trace *session)
{
	evidence_count_begin(&l->evidence);
	(void)trace_kind_each(session, count, &l->evidence);
	evidence_count_end(&l->evidence, real_now());
}

static int drain(struct learning *l, struct trace *session)
{
	int n;

	do
		n = trace_drain(session, BATCH, take, l);
	while (n == (int)BATCH);
	return n < 0 ? n : 0;
}

static void count_and_show(struct learning *l)
{
	size_t bound;

	count_again(l, l->session);
	progress_caps(&l->progress, read_masks(l, &bound), "by the masks");
	progress_caps(&l->progress, evidence_caps(&l->evidence, LEASTCAP_TRACE_ALLOWED),
		      "by one of too many programs");
	progress_show(&l->progress);
}

static int open_kernel(struct learning *l)
{
	int err;

	l->kernel = kernel_close(l->kernel);
	err = kernel_open(&l->kernel);
	return err == -ENOENT ? 0 : err;
}

/* Of a program that was loaded after they were read the frames look like the function before them. */
static void read_symbols(struct learning *l)
{
	int err;

	l->symbols = symbols_free(l->symbols);
	err = symbols_of_kernel(&l->symbols);
	if (err)
		log_warn(err, "cannot read /proc/kallsyms: functions are not named");
}

/* leastcap was loaded meanwhile, loaded anew, or unloaded: the masks are others, too. */
static int renew(struct learning *l)
{
	_cleanup_(trace_closep) struct trace *old = NULL;
	struct trace *fresh = NULL;
	int err;

	l->watched.subjects = l->follower.ids;
	l->watched.n_subjects = l->follower.n;
	err = trace_renew(l->session, &l->watched, &fresh);
	if (err)
		return err;
	old = l->session;
	l->session = fresh;
	err = drain(l, old) ?: open_kernel(l);
	count_again(l, old);
	evidence_count_anew(&l->evidence);
	read_symbols(l);
	progress_clear(&l->progress);
	log_info("leastcap was %s meanwhile", l->kernel ? "loaded" : "unloaded");
	return err;
}

static int follow(struct learning *l)
{
	uint64_t now = boot_now(), counted = now;
	uint64_t end = l->seconds ? now + l->seconds * (uint64_t)NSEC_PER_SEC : UINT64_MAX;
	int err = 0;

	for (; !err && !interrupted && now < end; now = boot_now()) {
		err = trace_stale(l->session) ? renew(l) : 0;
		err = err ?: drain(l, l->session);
		if (now - counted >= COUNT_NS) {
			count_and_show(l);
			counted = now;
		}
		follower_wait(&l->follower, PERIOD_NS);
		look_for_more(l);
	}
	progress_end(&l->progress);
	trace_stop(l->session);
	err = err ?: drain(l, l->session);
	count_again(l, l->session);
	return err;
}

/* ---- before and after ---- */

static int start(struct learning *l)
{
	int err;

	l->watched = (struct trace_options){
		.caps = LEASTCAP_ALL,
		.who = LEASTCAP_TRACE_SUBJECTS,
		.subjects = l->follower.ids,
		.n_subjects = l->follower.n,
		/* Probes are the kernel's own: nobody needs what they ask for. */
		.audited = true,
		.unique = true,
		.stack = true,
	};
	l->clock_ns = real_now() - (int64_t)boot_now();
	err = open_kernel(l);
	if (err)
		return log_err(err, "cannot read the maps in %s", KERNEL_PIN_DIR);
	err = trace_open(&l->watched, &l->session);
	if (err)
		return log_err(err, "cannot load the program that traces");
	read_symbols(l);
	return 0;
}

static void tell_above(const struct learning *l)
{
	_cleanup_free_ char *path = NULL, *shown = NULL;

	if (l->kernel && l->follower.n && !cgroup_path(l->follower.ids[0], &path))
		shown = escape_dup(path, strlen(path));
	if (shown)
		suggest_tell_above(shown);
}

static void tell_start(struct learning *l)
{
	uint64_t used;
	size_t bound;

	used = read_masks(l, &bound);
	log_info("watching '%s', %zu cgroup%s; Ctrl-C ends it", l->subject, l->follower.n,
		 l->follower.n == 1 ? "" : "s");
	if (!bound)
		log_warn(
			0,
			"no policy binds it: what happens from now on is all that will be known, and "
			"of restrictions nothing. A policy in mode audit has the kernel remember");
	if (!bound)
		tell_above(l);
	progress_start(&l->progress, used);
}

static int conclude(struct learning *l)
{
	struct trace_counts counts;

	trace_count(l->session, &counts);
	evidence_unseen(&l->evidence, &counts);
	l->evidence.late = l->follower.late + l->follower.unwatched;
	return learn_conclude(&l->options, l->subject, &l->evidence);
}

static void catch_signals(void (*handler)(int sig))
{
	struct sigaction sa = {.sa_handler = handler};

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

/* A terminal that is closed ends it, too, and --output has what came until then. Not under nohup. */
static void catch_hangup(void)
{
	/* A second one, of the shell and of the kernel, interrupts nothing of the conclusion. */
	struct sigaction old, sa = {.sa_handler = interrupt, .sa_flags = SA_RESTART};

	if (!sigaction(SIGHUP, NULL, &old) && old.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &sa, NULL);
}

static int learn_it(struct learning *l)
{
	uint64_t *ids = NULL;
	size_t n = 0;
	int status = out_try(l->options.file) ?: trace_check_host(), err;

	status = status ?: trace_find(l->subject, &ids, &n);
	if (status)
		return status;
	follower_init(&l->follower, l->subject, ids, n);
	if (start(l))
		return CLI_FAILED;
	catch_signals(interrupt);
	catch_hangup();
	tell_start(l);
	err = follow(l);
	catch_signals(SIG_DFL);
	if (err)
		log_err(err, "cannot go on watching: not all that came is in what follows");
	status = conclude(l);
	return err ? CLI_FAILED : status;
}

static int parse_option(struct learning *l, int opt)
{
	_cleanup_free_ char *error = NULL;

	if (opt != 'f')
		return suggest_option(&l->options, opt);
	if (!duration_parse(optarg, &l->seconds, &error))
		return CLI_DONE;
	return cli_usage_error(l->options.verb, "--for: %s", error ?: "out of memory");
}

static int learn(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {{"for", required_argument, NULL, 'f'},
						SUGGEST_OPTIONS};
	_cleanup_(learning_done) struct learning l = {.options = {.verb = verb, .once = true},
						      .follower.inotify = -EBADF};
	int opt, status = CLI_DONE;

	while ((opt = cli_option(verb, argc, argv, "f:" SUGGEST_SHORTS, options, &status)) >= 0) {
		status = parse_option(&l, opt);
		if (status)
			return status;
	}
	if (opt == CLI_OPT_EXIT)
		return status;
	status = cli_arguments(verb, argc, argv, 1, 1, "SUBJECT");
	if (status)
		return status;
	l.subject = argv[optind];
	return learn_it(&l);
}

const struct verb verb_learn = {
	.name = "learn",
	.args = "[OPTION...] SUBJECT",
	.fn = learn,
	.help = "watch a subject, then print the whitelist that fits, with the evidence",
	.text = "As 'leastcap suggest', and beside the kernel's masks every check is watched while\n"
		"it works: how often, when, which program, system call and kernel function. It ends\n"
		"after --for, or with Ctrl-C, and prints the suggestion. A subject that no policy\n"
		"binds can be watched, too.\n\n"
		"  -f, --for TIME       end after 10m, 1h30m, ...; at most 24h\n" SUGGEST_HELP,
};
