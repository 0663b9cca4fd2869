/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Proof of enforcement: now and then two children try the same acts, one outside and one in a cgroup that is bound for that
 * moment. What is possible for the one has to be refused to the other, by leastcap, and counted (prove/prove.h).
 *
 * The child is in the cgroup before that is bound, so that it is no process that enters. Nobody else is touched: the binding
 * is in no listing, its events are dropped, no cached answer is made void, no program is attached.
 */
#include "daemon/proof.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/duration.h"
#include "base/log.h"
#include "subject/cgroup.h"

#define NSEC_PER_SEC 1000000000ULL
#define USEC_PER_SEC 1000000ULL

/* A round is a few system calls; more is a host that stands still. */
#define LIMIT_S 10
/* Somebody else is changing what is bound. */
#define BUSY_NS NSEC_PER_SEC
/* How long at most an end waits until the canary is empty. */
#define SETTLE_STEPS 20
#define SETTLE_US 5000

/* ---- the children ---- */

/* go: a pipe; the child waits until something comes. NULL: it does not. */
_Noreturn static void run_child(const struct prove_kit *kit, uint32_t acts, const int *go)
{
	int results[PROVE_ACTS];
	char word;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "leastcapd-proof");
	if (go)
		close(go[1]);
	if (go && read(go[0], &word, 1) != 1)
		_exit(EXIT_FAILURE);
	prove_try_all(acts, kit, results);
	/* Shorter than PIPE_BUF: all or nothing. */
	_exit(write(kit->pipe, results, sizeof(results)) == sizeof(results) ? EXIT_SUCCESS
									    : EXIT_FAILURE);
}

static void child_done(struct child *c)
{
	c->end = sd_event_source_disable_unref(c->end);
	if (c->pipe >= 0)
		close(TAKE_FD(c->pipe));
	prove_kit_done(&c->kit);
	c->pid = 0;
}

static void end_round(struct proof *p);

static bool anybody_runs(const struct proof *p)
{
	return p->children[OUTSIDE].pid || p->children[INSIDE].pid;
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *ctx)
{
	struct proof *p = ctx;
	struct child *c = &p->children[source == p->children[INSIDE].end ? INSIDE : OUTSIDE];

	if (read(c->pipe, c->results, sizeof(c->results)) != sizeof(c->results))
		memset(c->results, 0xff, sizeof(c->results)); /* PROVE_NOT_TRIED */
	child_done(c);
	if (!anybody_runs(p))
		end_round(p);
	return 0;
}

static void kill_children(const struct proof *p)
{
	for (int i = 0; i < CHILDREN; i++) {
		if (p->children[i].pid)
			(void)kill(p->children[i].pid, SIGKILL);
	}
}

/* What the acts need is opened before the child is moved: it belongs to this daemon. */
static int start_child(struct proof *p, int which, const char *name, const int *go)
{
	struct child *c = &p->children[which];
	int ends[2], err;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	c->pipe = ends[0];
	err = prove_kit_open(&c->kit, ends[1], name);
	if (!err) {
		c->pid = fork();
		if (!c->pid)
			run_child(&c->kit, p->acts, go);
		err = c->pid < 0 ? -errno : 0;
	}
	close(ends[1]);
	if (!err) {
		err = sd_event_add_child(p->event, &c->end, c->pid, WEXITED, on_child, p);
		if (err < 0) {
			(void)kill(c->pid, SIGKILL);
			(void)waitpid(c->pid, NULL, 0);
		}
	}
	if (err < 0)
		child_done(c);
	return err < 0 ? err : 0;
}

/* ---- a round ---- */

static void judge(const struct proof *p, struct findings *ret)
{
	struct kernel_ledger ledger = {};
	int err = p->err;

	*ret = (struct findings){.acts = p->acts, .when = time(NULL)};
	if (!err && !p->late)
		err = kernel_ledger_get(p->s->k, p->cgroup, &ledger);
	for (unsigned int act = 0; act < PROVE_ACTS; act++) {
		struct prove_verdict *v = &ret->verdicts[act];

		if (!in_acts(p->acts, act))
			continue;
		if (err)
			snprintf(v->reason, sizeof(v->reason), "it could not be tried: %s",
				 strerror(-err));
		else if (p->late)
			snprintf(v->reason, sizeof(v->reason), "it took longer than %d s", LIMIT_S);
		else
			*v = prove_judge(act, p->children[OUTSIDE].results[act],
					 p->children[INSIDE].results[act],
					 prove_counted(act, &ledger));
	}
}

static void unbind(struct proof *p)
{
	if (p->bound)
		kernel_canary_end(p->s->k, p->cgroup, p->policy.id, &p->lists);
	p->bound = false;
}

static void end_round(struct proof *p)
{
	struct findings fresh;

	p->limit = sd_event_source_disable_unref(p->limit);
	judge(p, &fresh);
	unbind(p);
	/* Disarmed meanwhile: nothing was to be refused. It is tried again when that is over. */
	if (kernel_disarmed(p->s->k) > p->begun) {
		p->next = 0;
		return;
	}
	/* Once is not enough to ring the bell: something may just be replacing the programs. */
	p->doubted = findings_with(&fresh, PROVE_PROVEN) != fresh.acts && !p->doubted;
	if (p->doubted) {
		p->next = 0;
		return;
	}
	proof_tell(p, &fresh);
	if (p->exit && findings_with(&fresh, PROVE_FAILED)) {
		log_err(0, "ending, as --on-unproven=exit asks for; what is bound stays bound");
		(void)sd_event_exit(p->event, EXIT_FAILURE);
	}
}

static int on_limit(sd_event_source *source, uint64_t usec, void *ctx)
{
	struct proof *p = ctx;

	p->late = true;
	kill_children(p);
	return 0;
}

static int make_cgroup(struct proof *p, uint32_t *ret_level)
{
	int err = cgroup_make(PROVE_CGROUP);

	return err && err != -EEXIST ? err : cgroup_id(PROVE_CGROUP, &p->cgroup, ret_level);
}

/* Under the lock. */
static int try_round(struct proof *p, const int go[2])
{
	uint32_t level = 0;
	int err;

	err = make_cgroup(p, &level) ?: start_child(p, OUTSIDE, "outside", NULL) ?:
	      start_child(p, INSIDE, "inside", go) ?:
	      cgroup_move(PROVE_CGROUP, p->children[INSIDE].pid);
	if (err)
		return err;
	prove_policy(p->acts, &p->policy, &p->lists);
	err = kernel_canary_begin(p->s->k, p->cgroup, level, &p->policy, &p->lists);
	if (err)
		return err;
	p->bound = true;
	if (write(go[1], "", 1) != 1)
		return -errno;
	err = sd_event_add_time_relative(p->event, &p->limit, CLOCK_MONOTONIC,
					 LIMIT_S * USEC_PER_SEC, 0, on_limit, p);
	return err < 0 ? err : 0;
}

static void begin_round(struct proof *p)
{
	_cleanup_close_ int lock = kernel_trylock();
	int go[2];

	if (lock == -EWOULDBLOCK) {
		p->next = p->begun + BUSY_NS;
		return;
	}
	p->late = false;
	p->err = lock < 0 ? lock : pipe2(go, O_CLOEXEC) ? -errno : 0;
	if (!p->err) {
		p->err = try_round(p, go);
		close(go[0]);
		close(go[1]);
	}
	if (!p->err)
		return;
	kill_children(p);
	if (!anybody_runs(p))
		end_round(p);
}

/* ---- from the beginning to the end ---- */

/* The acts for what is in use now; if that cannot be read, those of the last round. */
static uint32_t acts_in_use(struct proof *p)
{
	uint32_t rules = 0;
	int err = kernel_rules_in_use(p->s->k, &rules);

	if (err) {
		log_warn(err, "cannot read which restrictions are in use, ignoring");
		return p->acts | 1U << PROVE_CAPABILITIES;
	}
	return 1U << PROVE_CAPABILITIES | (rules & LEASTCAP_ALL_RULES) << PROVE_RULE(0);
}

void proof_tick(struct state *s)
{
	struct proof *p = s->proof;
	uint64_t now = boot_now();

	if (!p || anybody_runs(p) || now < p->next || kernel_disarmed(s->k) > now)
		return;
	p->begun = now;
	p->next = now + p->every_ns;
	p->acts = acts_in_use(p);
	begin_round(p);
}

void proof_policies_changed(struct state *s)
{
	if (s->proof && s->proof->findings.acts && acts_in_use(s->proof) != s->proof->findings.acts)
		s->proof->next = 0;
}

uint64_t proof_cgroup(const struct state *s)
{
	return s->proof ? s->proof->cgroup : 0;
}

bool proof_is_own(const struct state *s, const struct leastcap_event *e)
{
	uint64_t own = proof_cgroup(s);

	return own && (e->binding == own || e->cgroup == own);
}

int proof_open(struct state *s, sd_event *event, uint64_t every_ns, bool exit)
{
	sigset_t set;

	if (!every_ns)
		return 0;
	s->proof = calloc(1, sizeof(*s->proof));
	if (!s->proof)
		return -ENOMEM;
	*s->proof = (struct proof){.s = s, .event = event, .every_ns = every_ns, .exit = exit};
	for (int i = 0; i < CHILDREN; i++)
		s->proof->children[i] = (struct child){.pipe = -EBADF, .kit = PROVE_KIT_EMPTY};
	/* sd_event_add_child(3) asks for it. */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	return sigprocmask(SIG_BLOCK, &set, NULL) ? -errno : 0;
}

void proof_done(struct state *s)
{
	struct proof *p = s->proof;

	if (!p)
		return;
	kill_children(p);
	for (int i = 0; i < CHILDREN; i++) {
		if (p->children[i].pid)
			(void)waitpid(p->children[i].pid, NULL, 0);
		child_done(&p->children[i]);
	}
	p->limit = sd_event_source_disable_unref(p->limit);
	unbind(p);
	/* Since v6.19 a task leaves its cgroup a moment after it was reaped. What is left is taken over by the next daemon. */
	for (int i = 0; p->cgroup && i < SETTLE_STEPS && cgroup_remove(PROVE_CGROUP) == -EBUSY; i++)
		(void)usleep(SETTLE_US);
	free(p);
	s->proof = NULL;
}
