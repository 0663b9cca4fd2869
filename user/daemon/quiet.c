/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Floods that are over. A kind of refusals is suppressed only within an interval behind its last event: so there is something
 * to look for a while after an event, and again while anything is left, and nothing at all where nothing is refused.
 */
#include <string.h>

#include "base/duration.h"
#include "base/log.h"
#include "daemon/internal.h"

void quiet_open(struct state *s, uint64_t after_ns)
{
	s->quiet.after_ns = after_ns;
	/* What an earlier daemon has left. */
	s->quiet.look = boot_now() + after_ns;
}

void quiet_tick(struct state *s)
{
	struct quiet *q = &s->quiet;
	_cleanup_close_ int lock = -EBADF;
	uint64_t now = boot_now();
	static int last;
	bool left = true;
	int err;

	if (!q->look || now < q->look)
		return;
	lock = kernel_trylock();
	if (lock == -EWOULDBLOCK)
		return;
	err = lock < 0 ? lock : kernel_quiet(s->k, proof_cgroup(s), q->after_ns, &left);
	if (err && err != last)
		log_warn(err, "cannot look which floods are over, ignoring");
	last = err;
	/* The last event may be so new that what it suppresses is yet to come. */
	left = left || now < q->event + kernel_sampling(s->k);
	q->look = left ? now + q->after_ns : 0;
}

void quiet_put_off(struct state *s)
{
	if (s->quiet.look)
		s->quiet.look = boot_now() + s->quiet.after_ns;
}

/* ---- who it was ---- */

static struct quiet_program *program_slot(struct state *s, const struct leastcap_event *e)
{
	uint64_t hash = (e->exe_ino ^ (uint64_t)e->exe_dev << 32) * 0x9e3779b97f4a7c15ULL;

	return &s->quiet.programs[hash >> 32 & (QUIET_PROGRAMS - 1)];
}

static bool is_program(const struct quiet_program *p, const struct leastcap_event *e)
{
	return e->exe_ino && p->ino == e->exe_ino && p->dev == e->exe_dev;
}

void quiet_refused(struct state *s, const struct leastcap_event *e, const char *exe)
{
	struct quiet_program *p = program_slot(s, e);

	s->quiet.event = boot_now();
	if (!s->quiet.look)
		s->quiet.look = s->quiet.event + kernel_sampling(s->k) + s->quiet.after_ns;
	/* Of a process that is gone the path is not known: the one before it was the same program. */
	if (!is_program(p, e) || (exe && (!p->exe || strcmp(p->exe, exe) != 0))) {
		free(p->exe);
		p->exe = exe ? strdup(exe) : NULL;
	}
	p->ino = e->exe_ino;
	p->dev = e->exe_dev;
	memcpy(p->comm, e->comm, sizeof(p->comm));
}

const char *quiet_program(struct state *s, struct leastcap_event *e)
{
	const struct quiet_program *p = program_slot(s, e);

	if (!is_program(p, e))
		return NULL;
	memcpy(e->comm, p->comm, sizeof(e->comm));
	return p->exe;
}

void quiet_done(struct state *s)
{
	for (size_t i = 0; i < QUIET_PROGRAMS; i++)
		free(s->quiet.programs[i].exe);
}
