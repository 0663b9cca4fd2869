// SPDX-License-Identifier: GPL-2.0-only
/* leastcap run: one command in a cgroup of its own, held to a whitelist. No daemon needed. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/event.h"
#include "audit/listing.h"
#include "base/caps.h"
#include "base/duration.h"
#include "base/log.h"
#include "base/words.h"
#include "base/nearest.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/sandbox.h"
#include "cli/state.h"
#include "policy/compile.h"

/* As shells have it. */
#define STATUS_NOT_EXECUTABLE 126
#define STATUS_NOT_FOUND 127
#define STATUS_SIGNAL 128

struct run {
	const struct verb *verb;
	const char *policy_file, *name, *deny;
	bool allow_given, audit, quiet, json;
	uint64_t allow;
	struct policy_set *set; /* of policy_file */
	struct policy own; /* without a file */
	struct policy *rules; /* the one that counts */
	struct leastcap_policy policy; /* what the kernel side gets of it */
	struct kernel_lists lists;
	char **argv; /* of the command */
};

/* ---- which policy ---- */

static void set_name(struct run *r, const char *text)
{
	int n = snprintf(r->policy.name, sizeof(r->policy.name), "run:%s", text);

	if (n < 0)
		return;
	for (char *c = r->policy.name + 4; *c; c++)
		if (!(*c >= '0' && *c <= '9') && !((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z') &&
		    !strchr("._-", *c))
			*c = '_';
}

static int add_allowed(struct run *r, const char *list)
{
	const char *bad = NULL, *near;
	size_t len = 0;
	uint64_t set;

	if (caps_parse_list(list, &set, &bad, &len)) {
		near = bad ? caps_nearest(bad, len) : NULL;
		if (bad && near)
			return cli_usage_error(r->verb,
					       "unknown capability '%.*s', did you mean %s?",
					       (int)len, bad, near);
		if (bad && len)
			return cli_usage_error(r->verb, "unknown capability '%.*s'", (int)len, bad);
		return cli_usage_error(r->verb, "'%s' is no list of capabilities", list);
	}
	r->allow |= set;
	r->allow_given = true;
	return CLI_DONE;
}

static struct policy *find_policy(const struct policy_set *set, const char *name)
{
	for (size_t i = 0; i < set->n_policies; i++)
		if (!strcmp(set->policies[i].name, name))
			return &set->policies[i];
	return NULL;
}

/* One of several must be chosen: says which there are. */
static int choose_policy(const struct run *r, const struct policy_set *set, const char *name)
{
	_cleanup_free_ const char **names = calloc(set->n_policies + 1, sizeof(*names));
	_cleanup_free_ char *all = NULL;
	const char *near;
	size_t size;
	FILE *f = open_memstream(&all, &size);

	for (size_t i = 0; names && f && i < set->n_policies; i++) {
		names[i] = set->policies[i].name;
		fprintf(f, "%s%s", i ? ", " : "", names[i]);
	}
	if (f)
		fclose(f);
	if (!names || !all) {
		log_err(-ENOMEM, "cannot choose a policy");
		return CLI_FAILED;
	}
	if (set->n_policies == 0) {
		log_err(0, "%s has no policy", set->file);
		return CLI_FAILED;
	}
	if (!name)
		return cli_usage_error(r->verb,
				       "%s has %zu policies (%s): name one, as in --policy %s:%s",
				       set->file, set->n_policies, all, set->file, names[0]);
	near = nearest_word(name, strlen(name), names);
	if (near)
		return cli_usage_error(r->verb, "%s has no policy '%s', did you mean '%s'?",
				       set->file, name, near);
	return cli_usage_error(r->verb, "%s has no policy '%s', but: %s", set->file, name, all);
}

/* FILE, or FILE:NAME if there is no such file. */
static int read_policy(struct run *r)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	_cleanup_free_ char *file = strdup(r->policy_file);
	struct policy_errors errs = {0};
	char *name = NULL;

	if (!file) {
		log_err(-ENOMEM, "cannot read %s", r->policy_file);
		return CLI_FAILED;
	}
	if (access(file, F_OK)) {
		name = strrchr(file, ':');
		if (name)
			*name++ = '\0';
	}
	if (policy_parse_file(file, NULL, &set, &errs)) {
		policy_errors_print(&errs, file, stderr);
		policy_errors_done(&errs);
		return CLI_FAILED;
	}
	r->rules = name ? find_policy(set, name) : set->n_policies == 1 ? &set->policies[0] : NULL;
	if (!r->rules)
		return choose_policy(r, set, name);
	r->set = TAKE_PTR(set);
	return CLI_DONE;
}

static int deny_words(struct run *r)
{
	_cleanup_free_ char *error = NULL;
	int err = policy_deny_words(r->deny, r->rules, &error);

	if (err == -EINVAL)
		return cli_usage_error(r->verb, "--deny: %s", error);
	if (err) {
		log_err(err, "cannot take --deny");
		return CLI_FAILED;
	}
	return CLI_DONE;
}

static int make_policy(struct run *r)
{
	const char *slash = strrchr(r->argv[0], '/');
	_cleanup_free_ char *why = NULL;
	uint32_t left_out;
	int status = CLI_DONE;

	if (r->policy_file && r->allow_given)
		return cli_usage_error(r->verb, "--allow and --policy exclude each other");
	r->own = (struct policy){.mode = LEASTCAP_ENFORCE, .allow = r->allow};
	r->rules = &r->own;
	if (r->policy_file)
		status = read_policy(r);
	if (!status && r->deny)
		status = deny_words(r);
	if (status)
		return status;
	why = policy_unsupported(r->rules);
	if (why) {
		log_err(0, "unsupported: %s", why);
		return CLI_FAILED;
	}
	if (r->audit)
		r->rules->mode = LEASTCAP_AUDIT;
	policy_compile(r->rules, &r->policy, &r->lists, &left_out);
	r->policy.revision = 1;
	set_name(r, r->name		? r->name
		    : r->policy_file	? r->rules->name
		    : slash && slash[1] ? slash + 1
					: r->argv[0]);
	for (uint32_t rule = 0; rule < LEASTCAP_RULES; rule++) {
		if (left_out & LEASTCAP_RULE_BIT(rule))
			log_warn(0, "%s is optional and left out: this kernel cannot hold it",
				 word_rule(rule));
	}
	return CLI_DONE;
}

/* ---- the command's life ---- */

/* Signals that somebody may send to us and mean the command. */
static const int forwarded[] = {SIGHUP,	 SIGINT,  SIGQUIT, SIGTERM, SIGUSR1,
				SIGUSR2, SIGALRM, SIGTSTP, SIGCONT, SIGWINCH};

static void hold_signals(sigset_t *ret_held, sigset_t *ret_before)
{
	sigemptyset(ret_held);
	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
		sigaddset(ret_held, forwarded[i]);
	sigaddset(ret_held, SIGCHLD);
	/* Inherited "ignore" would make the kernel reap the command before we do. */
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, ret_held, ret_before);
}

/* A signal that ended us had it not been held while nothing ran yet; 0: none. */
static int deadly_signal(void)
{
	const struct timespec now = {0};
	sigset_t deadly;
	int sig;

	sigemptyset(&deadly);
	sigaddset(&deadly, SIGHUP);
	sigaddset(&deadly, SIGINT);
	sigaddset(&deadly, SIGQUIT);
	sigaddset(&deadly, SIGTERM);
	sig = sigtimedwait(&deadly, NULL, &now);
	if (sig <= 0 || signal(sig, SIG_DFL) == SIG_IGN)
		return 0;
	return sig;
}

/*
 * When the command stops for job control, so do we, and the shell sees a stopped job. A SIGSTOP counts only from
 * a shell with a process group of its own ("suspend"): one for the command alone may be followed by a SIGCONT
 * for the command alone, and we would never wake up.
 */
static bool follows(pid_t pid, int sig)
{
	return sig != SIGSTOP || getpgid(pid) != getpgrp();
}

/* Looks after the command once. True: it ended, *ret_status is its status. */
static bool look_after(pid_t pid, int *ret_status)
{
	siginfo_t info;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WSTOPPED | WNOHANG)) {
			*ret_status = CLI_FAILED;
			return errno != EINTR;
		}
		if (info.si_pid == 0)
			return false;
		if (info.si_code == CLD_EXITED) {
			*ret_status = info.si_status;
			return true;
		}
		if (info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED) {
			*ret_status = STATUS_SIGNAL + info.si_status;
			return true;
		}
		if (info.si_code == CLD_STOPPED && follows(pid, info.si_status))
			raise(SIGSTOP);
	}
}

/* The command shares our process group and terminal: what the terminal sends, it has already. */
static int wait_for(pid_t pid, const sigset_t *held)
{
	siginfo_t info;
	int status, sig;

	while (!look_after(pid, &status)) {
		sig = sigwaitinfo(held, &info);
		if (sig > 0 && sig != SIGCHLD && info.si_code != SI_KERNEL)
			kill(pid, sig);
	}
	return status;
}

/* ---- the report ---- */

/* SYS_ADMIN of "refused SYS_ADMIN (3 checks)", and the line that would allow it. */
static void print_refused(const struct run *r, const char *what, uint64_t set, uint64_t n)
{
	_cleanup_free_ char *names = caps_to_text(set),
			    *allow = caps_to_text(r->policy.allow | set);
	char *from = allow;

	if (!names || !allow)
		return;
	if (!set) {
		log_warn(
			0,
			"%s %llu checks that no capability would allow; 'leastcap events' has more",
			what, (unsigned long long)n);
		return;
	}
	/* As --allow takes it: without blanks. */
	for (char *to = allow;; from++)
		if (*from != ' ' && !(*to++ = *from))
			break;
	log_warn(0, "%s %s (%llu check%s); to allow: leastcap run --allow %s -- ...", what, names,
		 (unsigned long long)n, n == 1 ? "" : "s", allow);
}

/* Those of the rules, one line each. */
static void print_refused_rules(const char *what, const uint64_t *counters)
{
	for (uint32_t i = LEASTCAP_CAPABILITIES + 1; i < LEASTCAP_RESTRICTIONS; i++) {
		if (counters[i])
			log_warn(0, "%s %s (%llu time%s); 'leastcap events' has more", what,
				 word_restriction(i), (unsigned long long)counters[i],
				 counters[i] == 1 ? "" : "s");
	}
}

static void report(const struct run *r, const char *cgroup, int status,
		   const struct sandbox_end *end)
{
	const struct kernel_ledger *ledger = &end->ledger;
	json_auto_t *json = NULL;

	if (r->json) {
		json = json_pack(
			"{s:o, s:i, s:s, s:s, s:b, s:o, s:o, s:o}", "cgroup", event_string(cgroup),
			"exit_status", status, "policy", r->policy.name, "mode",
			event_mode(r->policy.mode), "left", end->left, "capabilities",
			listing_capabilities(r->policy.allow, ledger), "counters",
			event_counters(ledger), "restrictions", event_restrictions(ledger));
		if (!json || json_dumpf(json, stderr, JSON_COMPACT | JSON_ENSURE_ASCII) ||
		    fputc('\n', stderr) == EOF)
			log_err(-ENOMEM, "cannot report");
		return;
	}
	if (end->unloaded)
		log_warn(
			0,
			"leastcap was unloaded meanwhile: the command was not confined to its end");
	if (r->quiet)
		return;
	if (ledger->n_denied[0])
		print_refused(r, "refused", ledger->denied, ledger->n_denied[0]);
	if (ledger->n_would_deny[0])
		print_refused(r, "would have refused", ledger->would_deny, ledger->n_would_deny[0]);
	print_refused_rules("refused", ledger->n_denied);
	print_refused_rules("would have refused", ledger->n_would_deny);
	if (end->left)
		log_warn(0, "processes remain and stay confined: cgroup %s", cgroup);
}

/* ---- all of it ---- */

/* What stands in the way, one line each. */
static int check_host(void)
{
	_cleanup_free_ char *lsm = NULL, *line = NULL;
	unsigned int lack = kernel_probe(&lsm);

	for (unsigned int bit = 1; bit <= lack; bit <<= 1)
		if (lack & bit)
			log_err(0, "%s", kernel_lack_text(bit));
	if (lack & KERNEL_LACK_BPF_LSM) {
		line = kernel_boot_line(lsm);
		log_err(0, "boot this host with '%s'; 'leastcap doctor' tells how",
			line ? line : "lsm=...,bpf");
	}
	return lack ? CLI_FAILED : CLI_DONE;
}

static int run_confined(struct run *r, struct sandbox *s, const sigset_t *held,
			const sigset_t *mask)
{
	struct sandbox_child child;
	struct sandbox_end end = {0};
	_cleanup_free_ char *cgroup = NULL;
	int status, sig, failure;
	bool entered;

	if (sandbox_open(s, false) || sandbox_bind(s, &r->policy, &r->lists))
		return CLI_FAILED;
	if (kernel_disarmed(s->kernel) > boot_now())
		log_warn(0, "leastcap is disarmed: nothing is refused now");
	sandbox_unlock(s);
	sig = deadly_signal();
	if (sig)
		return STATUS_SIGNAL + sig;
	if (sandbox_spawn(s, r->argv, mask, &child))
		return CLI_FAILED;
	status = wait_for(child.pid, held);

	failure = sandbox_child_failure(&child, &entered);
	if (failure && !entered) {
		log_err(failure, "cannot enter cgroup %s", s->path);
		return CLI_FAILED;
	}
	if (failure) {
		log_err(failure, "cannot run '%s'", r->argv[0]);
		return failure == -ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
	}
	cgroup = strdup(s->path);
	if (sandbox_close(s, &end))
		return status ? status : CLI_FAILED;
	report(r, cgroup ? cgroup : "?", status, &end);
	return status;
}

static int parse(struct run *r, int argc, char **argv, int *ret_status)
{
	static const struct option options[] = {
		{"allow", required_argument, NULL, 'a'},
		{"policy", required_argument, NULL, 'p'},
		{"name", required_argument, NULL, 'n'},
		{"audit", no_argument, NULL, 'A'},
		{"deny", required_argument, NULL, 'd'},
		{"quiet", no_argument, NULL, 'q'},
		CLI_OPTIONS,
	};
	int opt;

	*ret_status = CLI_DONE;
	while (!*ret_status &&
	       (opt = cli_option(r->verb, argc, argv, "+a:d:p:q", options, ret_status)) != -1) {
		switch (opt) {
		case CLI_OPT_EXIT:
			return CLI_OPT_EXIT;
		case 'a':
			*ret_status = add_allowed(r, optarg);
			break;
		case 'p':
			if (r->policy_file)
				*ret_status = cli_usage_error(r->verb, "--policy is given twice");
			r->policy_file = optarg;
			break;
		case 'd':
			if (r->deny)
				*ret_status = cli_usage_error(r->verb, "--deny is given twice");
			r->deny = optarg;
			break;
		case 'n':
			if (!*optarg)
				*ret_status = cli_usage_error(r->verb, "--name is empty");
			r->name = optarg;
			break;
		case 'A':
			r->audit = true;
			break;
		case 'q':
			r->quiet = true;
			break;
		case CLI_OPT_JSON:
			r->json = true;
			break;
		}
	}
	if (*ret_status)
		return CLI_OPT_EXIT;
	r->argv = argv + optind;
	if (!r->argv[0] || !*r->argv[0])
		*ret_status = cli_usage_error(r->verb, "run: no CMD given");
	else
		*ret_status = make_policy(r);
	return *ret_status ? CLI_OPT_EXIT : 0;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	_cleanup_(sandbox_closep) struct sandbox s = SANDBOX_EMPTY;
	struct run r = {.verb = verb};
	sigset_t held, mask;
	int status;

	if (parse(&r, argc, argv, &status) != CLI_OPT_EXIT) {
		status = check_host();
		if (!status) {
			hold_signals(&held, &mask);
			status = run_confined(&r, &s, &held, &mask);
		}
	}
	policy_set_free(r.set);
	policy_lists_done(&r.own.lists);
	return status;
}

const struct verb verb_run = {
	.name = "run",
	.args = "[OPTION...] [--] CMD [ARG...]",
	.fn = run,
	.help = "run a command under a whitelist, without a daemon or a container",
	.text = "Runs CMD in a cgroup of its own. It is held from its first instruction, with all\n"
		"it starts. Afterwards says what was refused. Needs root.\n\n"
		"  -a, --allow LIST   NET_BIND_SERVICE,CHOWN or all or none, which is the default\n"
		"  -d, --deny LIST    mounts,modules,sockets,devices,attributes,filesystems,namespaces,\n"
		"                     bpf, or all of them; on top of the policy's own\n"
		"  -p, --policy FILE  the policy of a file; FILE:NAME when it has several\n"
		"      --name NAME    name of the policy in status and events: run:NAME\n"
		"      --audit        refuse nothing, report what would be refused\n"
		"  -q, --quiet        no report\n\n"
		"--json writes the report as one object to standard error. The exit status is\n"
		"CMD's; 128+N when signal N ended it, 127 not found, 126 not executable.\n",
};
