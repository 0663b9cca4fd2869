// SPDX-License-Identifier: GPL-2.0-only
/* leastcap trace: capability checks as they are made. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <leastcap/decide.h>

#include "base/caps.h"
#include "base/duration.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/state.h"
#include "cli/trace.h"
#include "kernel/kernel.h"
#include "trace/follower.h"
#include "trace/session.h"
#include "trace/subjects.h"

/* How often the ring is looked at, where nobody wakes us. */
#define PERIOD_NS 20000000ULL

#define BATCH 512U

#define NSEC_PER_SEC 1000000000ULL

static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
	interrupted = 1;
}

struct tracing {
	const struct verb *verb;
	struct trace_options options;
	uint64_t count; /* ends after so many; 0: never */
	uint64_t seconds; /* likewise */
	struct follower follower; /* of SUBJECT */
	bool json;
};

/* ---- the command line ---- */

static int parse_caps(struct tracing *t, const char *list)
{
	const char *bad = NULL, *near;
	uint64_t set = 0;
	size_t len = 0;

	if (!caps_parse_list(list, &set, &bad, &len) && set) {
		t->options.caps |= set;
		return CLI_DONE;
	}
	near = bad && len ? caps_nearest(bad, len) : NULL;
	if (near)
		return cli_usage_error(t->verb, "unknown capability '%.*s', did you mean %s?",
				       (int)len, bad, near);
	if (bad && len)
		return cli_usage_error(t->verb, "unknown capability '%.*s'", (int)len, bad);
	return cli_usage_error(t->verb, "'%s' names no capability", list);
}

static int parse_number(const struct tracing *t, const char *option, const char *text, uint64_t max,
			uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && *ret && *ret <= max)
		return CLI_DONE;
	return cli_usage_error(t->verb, "--%s: '%s' is no number from 1 to %llu", option, text,
			       (unsigned long long)max);
}

static int parse_duration(struct tracing *t, const char *text)
{
	_cleanup_free_ char *error = NULL;

	if (!duration_parse(text, &t->seconds, &error))
		return CLI_DONE;
	return cli_usage_error(t->verb, "--duration: %s", error ?: "out of memory");
}

static int parse_option(struct tracing *t, int opt)
{
	struct trace_options *o = &t->options;
	uint64_t pid = 0;
	int status;

	switch (opt) {
	case 'c':
		return parse_caps(t, optarg);
	case 'n':
		return parse_number(t, "count", optarg, UINT32_MAX, &t->count);
	case 't':
		return parse_duration(t, optarg);
	case 'p':
		status = parse_number(t, "pid", optarg, INT32_MAX, &pid);
		o->pid = (uint32_t)pid;
		return status;
	case CLI_OPT_JSON:
		t->json = true;
		break;
	case 'd':
		o->denied = true;
		break;
	case 'u':
		o->unique = true;
		break;
	case 's':
		o->stack = true;
		break;
	case 'a':
		o->who = LEASTCAP_TRACE_ALL;
		break;
	case 'A':
		o->audited = true;
		break;
	case 'e':
		o->entering = true;
		break;
	case 'o':
		o->overridden = true;
		break;
	}
	return CLI_DONE;
}

static int parse(struct tracing *t, int argc, char **argv, const char **ret_subject)
{
	static const struct option options[] = {
		{"cap", required_argument, NULL, 'c'},
		{"denied", no_argument, NULL, 'd'},
		{"unique", no_argument, NULL, 'u'},
		{"stack", no_argument, NULL, 's'},
		{"all", no_argument, NULL, 'a'},
		{"audit-only", no_argument, NULL, 'A'},
		{"entering", no_argument, NULL, 'e'},
		{"overridden", no_argument, NULL, 'o'},
		{"pid", required_argument, NULL, 'p'},
		{"count", required_argument, NULL, 'n'},
		{"duration", required_argument, NULL, 't'},
		CLI_OPTIONS,
	};
	int opt, status = CLI_DONE;

	t->options.who = LEASTCAP_TRACE_CONFINED;
	while ((opt = cli_option(t->verb, argc, argv, "c:dusan:t:p:", options, &status)) >= 0) {
		status = parse_option(t, opt);
		if (status)
			return status;
	}
	if (opt == CLI_OPT_EXIT)
		return status ?: CLI_OPT_EXIT;
	status = cli_arguments(t->verb, argc, argv, 0, 1, "SUBJECT");
	if (status)
		return status;
	*ret_subject = argv[optind];
	if (*ret_subject && t->options.who == LEASTCAP_TRACE_ALL)
		return cli_usage_error(t->verb,
				       "--all is everybody: '%s' cannot be named beside it",
				       *ret_subject);
	if (!t->options.caps)
		t->options.caps = LEASTCAP_ALL;
	return CLI_DONE;
}

/* ---- who ---- */

int trace_find(const char *subject, uint64_t **ret, size_t *ret_n)
{
	_cleanup_free_ char *near = NULL;
	int err = trace_subjects(subject, ret, ret_n, &near);

	/* What has never held anything is not in the kernel. */
	if (err == -ENOENT && state_has_policy(subject))
		err = -ENODATA;
	switch (err) {
	case 0:
		return CLI_DONE;
	case -ENOENT:
		log_err(0, "no cgroup, unit, container or policy '%s'%s%s%s", subject,
			near ? ", did you mean '" : "", near ?: "", near ? "'?" : "");
		return CLI_FAILED;
	case -ENOTUNIQ:
		cli_several(subject);
		return CLI_FAILED;
	case -ENODATA:
		log_err(0, "the policy '%s' holds nothing now: nothing that it selects runs",
			subject);
		return CLI_FAILED;
	default:
		log_err(err, "cannot find '%s'", subject);
		return CLI_FAILED;
	}
}

static int find_subjects(struct tracing *t, const char *subject)
{
	uint64_t *ids = NULL;
	size_t n = 0;
	int status = trace_find(subject, &ids, &n);

	if (status)
		return status;
	t->options.who = LEASTCAP_TRACE_SUBJECTS;
	follower_init(&t->follower, subject, ids, n);
	t->options.subjects = t->follower.ids;
	t->options.n_subjects = t->follower.n;
	return CLI_DONE;
}

static bool is_there(uint32_t pid)
{
	char proc[32];

	snprintf(proc, sizeof(proc), "/proc/%u", pid);
	return !access(proc, F_OK);
}

static int find_who(struct tracing *t, const char *subject)
{
	if (t->options.pid && !is_there(t->options.pid)) {
		log_err(0, "there is no process %u", t->options.pid);
		return CLI_FAILED;
	}
	if (subject)
		return find_subjects(t, subject);
	if (t->options.pid)
		t->options.who = LEASTCAP_TRACE_ALL;
	if (t->options.who == LEASTCAP_TRACE_CONFINED && !trace_loaded()) {
		log_err(0,
			"leastcap is not loaded, so nobody is confined: name a SUBJECT, or trace "
			"everybody with --all");
		return CLI_FAILED;
	}
	return CLI_DONE;
}

int trace_check_host(void)
{
	static const enum kernel_lack needed[] = {KERNEL_LACK_ROOT, KERNEL_LACK_BTF,
						  KERNEL_LACK_CGROUP2};
	unsigned int lack = kernel_probe(NULL);

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (lack & needed[i]) {
			log_err(0, "%s", kernel_lack_text(needed[i]));
			return CLI_FAILED;
		}
	}
	return CLI_DONE;
}

/* ---- tracing ---- */

static void catch_signals(void)
{
	struct sigaction sa = {.sa_handler = interrupt};

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

/* At most this many now. */
static unsigned int wanted(const struct tracing *t, const struct trace_printer *p)
{
	uint64_t left = t->count ? t->count - p->shown : BATCH;

	return left < BATCH ? (unsigned int)left : BATCH;
}

void follower_tell(const struct follower *f)
{
	if (f->late)
		log_warn(0, "%llu cgroup%s seen late: what had run there before is missing",
			 (unsigned long long)f->late, f->late == 1 ? " was" : "s were");
	if (f->unwatched)
		log_warn(0, "%llu cgroups cannot be watched: there are too many",
			 (unsigned long long)f->unwatched);
}

int trace_watch_more(uint64_t id, void *ctx)
{
	return trace_watch(ctx, id);
}

/* A container or a unit may restart, a policy may get another one. */
static void look_for_more(struct tracing *t, struct trace *session, struct trace_printer *p)
{
	if (follower_look(&t->follower, trace_watch_more, session))
		trace_print_came(p, &t->follower);
}

static int drain(const struct tracing *t, struct trace *session, struct trace_printer *p)
{
	int n = 1;

	while (n > 0 && !p->failed && wanted(t, p))
		n = trace_drain(session, wanted(t, p), trace_print, p);
	return n < 0 ? n : 0;
}

/* What is in the ring of the one that ends was seen before. */
static int renew(struct tracing *t, struct trace **session, struct trace_printer *p)
{
	_cleanup_(trace_closep) struct trace *old = NULL;
	struct trace *fresh = NULL;
	int err;

	t->options.subjects = t->follower.ids;
	t->options.n_subjects = t->follower.n;
	err = trace_renew(*session, &t->options, &fresh);
	if (err)
		return err;
	old = *session;
	*session = fresh;
	err = drain(t, old, p);
	return err ?: trace_printer_loaded(p, trace_loaded());
}

/* Until it is interrupted, has shown enough, or the time is over. -errno. */
static int follow(struct tracing *t, struct trace **session, struct trace_printer *p)
{
	uint64_t end = t->seconds ? boot_now() + t->seconds * NSEC_PER_SEC : UINT64_MAX;
	uint64_t tell = boot_now() + NSEC_PER_SEC, now;

	while (!interrupted && !p->failed && wanted(t, p)) {
		int n = trace_stale(*session) ? renew(t, session, p) : 0;

		n = n ?: trace_drain(*session, wanted(t, p), trace_print, p);
		if (n < 0)
			return n;
		now = boot_now();
		if (now >= end)
			break;
		if (now >= tell) {
			trace_print_lost(p, *session);
			tell = now + NSEC_PER_SEC;
			if (t->options.pid && !is_there(t->options.pid)) {
				log_info("process %u has ended", t->options.pid);
				break;
			}
		}
		if (n && fflush(stdout))
			p->failed = true;
		follower_wait(&t->follower, n ? 0 : PERIOD_NS);
		look_for_more(t, *session, p);
	}
	return 0;
}

/* What is still in the ring belongs to it, unless enough was shown. */
static int finish(const struct tracing *t, struct trace *session, struct trace_printer *p)
{
	int err;

	trace_stop(session);
	err = drain(t, session, p);
	trace_print_summary(p, session);
	return err;
}

static int run(struct tracing *t)
{
	_cleanup_(trace_printer_done) struct trace_printer printer = {.json = t->json};
	_cleanup_(trace_closep) struct trace *session = NULL;
	int err = trace_open(&t->options, &session);

	if (err)
		return log_err(err, "cannot load the program that traces");
	/* Now that the program has its own symbols there: without them its frames look like the function before them. */
	err = trace_printer_init(&printer, t->options.stack);
	if (err)
		return log_err(err, "cannot read /proc/kallsyms for --stack");
	catch_signals();
	trace_print_head(&printer);
	err = follow(t, &session, &printer);
	err = err ?: finish(t, session, &printer);
	return err ? log_err(err, "cannot go on tracing") : printer.failed ? -EIO : 0;
}

static int trace(const struct verb *verb, int argc, char **argv)
{
	struct tracing t = {.verb = verb};
	const char *subject = NULL;
	int status = parse(&t, argc, argv, &subject);

	if (status)
		return status == CLI_OPT_EXIT ? CLI_DONE : status;
	follower_init(&t.follower, NULL, NULL, 0);
	status = trace_check_host() ?: find_who(&t, subject);
	if (!status && run(&t))
		status = CLI_FAILED;
	follower_done(&t.follower);
	return status;
}

const struct verb verb_trace = {
	.name = "trace",
	.args = "[OPTION...] [SUBJECT]",
	.fn = trace,
	.help = "capability checks as they are made: who, which, and what came of it",
	.text = "SUBJECT is a cgroup path, a systemd unit, a container's name or id (or its\n"
		"beginning), or a policy's name; without one: all who are confined. One that\n"
		"restarts, and what a policy binds meanwhile, is traced from its beginning.\n"
		"A check is allowed, denied (by leastcap), missing (the process does not have the\n"
		"capability) or refused (by another security module). Ctrl-C ends it.\n\n"
		"  -c, --cap LIST       only these capabilities\n"
		"  -d, --denied         only what was not allowed\n"
		"  -u, --unique         each process name, capability and verdict once\n"
		"  -s, --stack          the kernel functions that asked\n"
		"  -a, --all            the whole host, confined or not\n"
		"      --audit-only     no probes: checks that the kernel makes for itself\n"
		"      --entering       processes that set a container up, too\n"
		"      --overridden     overlayfs' own checks, too\n"
		"  -p, --pid PID        only this process\n"
		"  -n, --count N        end after N lines\n"
		"  -t, --duration TIME  end after 10s, 5m, ...; at most 24h\n",
};
