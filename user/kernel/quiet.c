/* SPDX-License-Identifier: GPL-2.0-only */
/* Kinds of refusals that have fallen quiet with something left that is in no event: the kernel side is asked to tell it. */
#include "kernel/internal.h"

#include <string.h>

#include <bpf/bpf.h>

#include <leastcap/decide.h>

#include "base/words.h"

struct quiet {
	struct kernel *k;
	int fd; /* of lc_quiet */
	uint64_t after_ns;
	uint64_t canary;
	bool (*live)(uint64_t cgroup, const void *ctx);
	const void *ctx;
	bool left;
};

/* ---- the program ---- */

/* Each build has it, and they share the maps. */
static int open_call(const char *path, const char *name, void *ctx)
{
	char pin[160];
	int fd;

	snprintf(pin, sizeof(pin), "%s/call_lc_quiet", path);
	fd = bpf_obj_get(pin);
	if (fd < 0)
		return 0;
	*(int *)ctx = fd;
	return 1;
}

static int ask(const struct quiet *q, struct leastcap_quiet *about)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = about, .ctx_size_in = sizeof(*about));
	int err = bpf_prog_test_run_opts(q->fd, &opts);

	return err ?: (int)opts.retval;
}

/* ---- whose refusals they are ---- */

static enum leastcap_verdict says(const struct leastcap_policy *p, const struct leastcap_key *key,
				  int shadow)
{
	int rule = item_rule(key->restriction, key->item);

	return rule < 0 ? leastcap_blame(&p->rules, key->item, shadow)
			: leastcap_rule_verdict(&p->rules, (uint32_t)rule, shadow);
}

bool quiet_is_shadows(const struct leastcap_key *key, const struct leastcap_policy *policy,
		      const struct leastcap_policy *shadow)
{
	return key->verdict == LEASTCAP_WOULD_DENY && says(policy, key, 0) == LEASTCAP_ALLOWED &&
	       says(shadow, key, 1) != LEASTCAP_ALLOWED;
}

/* By the policy that is in force now: the key does not say. */
static void name_policy(struct kernel *k, struct leastcap_quiet *about)
{
	struct leastcap_policy policy, shadow;
	struct leastcap_binding b;

	if (kernel_binding_get(k, about->key.binding, &b))
		return;
	about->policy = b.policy;
	if (b.shadow && !kernel_policy_get(k, b.policy, &policy) &&
	    !kernel_policy_get(k, b.shadow, &shadow) &&
	    quiet_is_shadows(&about->key, &policy, &shadow)) {
		about->policy = b.shadow;
		about->flags = LEASTCAP_EVENT_SHADOW;
	}
}

/* ---- the keys ---- */

/* What is left of a key is in its sample, or in its place, or in both. */
static int each_untold(struct quiet *q, int (*fn)(struct quiet *q, const struct leastcap_key *key))
{
	_cleanup_free_ void *all_keys = NULL, *all_samples = NULL;
	long n = map_entries(q->k->maps[MAP_SAMPLES], sizeof(struct leastcap_key),
			     sizeof(struct leastcap_sample), &all_keys, &all_samples);
	const struct leastcap_key *keys = all_keys;
	const struct leastcap_sample *samples = all_samples;
	int err = n < 0 ? (int)n : 0;

	for (long i = 0; i < n && err >= 0; i++) {
		/* What is allowed counts a subject's keys. */
		if (keys[i].verdict != LEASTCAP_ALLOWED && samples[i].suppressed)
			err = fn(q, &keys[i]);
	}
	for (size_t i = 0; i < LEASTCAP_PENDING && err >= 0; i++) {
		const struct leastcap_pending *p = &q->k->pending[i];
		struct leastcap_key key = p->key;

		/* One that is just being written is no key, and nothing is found for it. */
		if (__atomic_load_n(&p->count, __ATOMIC_ACQUIRE) !=
		    __atomic_load_n(&p->told, __ATOMIC_ACQUIRE))
			err = fn(q, &key);
	}
	return err < 0 ? err : 0;
}

static int ask_quiet(struct quiet *q, const struct leastcap_key *key)
{
	uint64_t tick = q->k->state->jiffy_ns;
	struct leastcap_quiet about = {
		.key = *key,
		.after_ns = q->after_ns,
		.after_jiffies = tick ? q->after_ns / tick : 0,
	};
	int answer;

	if (key->binding == q->canary)
		return 0;
	name_policy(q->k, &about);
	answer = ask(q, &about);
	q->left = q->left || answer == LEASTCAP_QUIET_LATER;
	return answer;
}

static int ask_last(struct quiet *q, const struct leastcap_key *key)
{
	struct leastcap_quiet about = {.key = *key, .last = 1};

	return q->live(key->binding, q->ctx) ? 0 : ask(q, &about);
}

static int for_untold(struct quiet *q, int (*fn)(struct quiet *q, const struct leastcap_key *key))
{
	_cleanup_close_ int fd = -EBADF;
	int err = each_dir(q->k->dir, "build-", open_call, &fd);

	if (err <= 0)
		return err ?: -ENOENT;
	q->fd = fd;
	return each_untold(q, fn);
}

int kernel_quiet(struct kernel *k, uint64_t canary, uint64_t after_ns, bool *ret_left)
{
	struct quiet q = {.k = k, .canary = canary, .after_ns = after_ns};
	int err = for_untold(&q, ask_quiet);

	if (!err)
		*ret_left = q.left;
	return err;
}

int quiet_last(struct kernel *k, bool (*live)(uint64_t cgroup, const void *ctx), const void *ctx)
{
	struct quiet q = {.k = k, .live = live, .ctx = ctx};

	return for_untold(&q, ask_last);
}
