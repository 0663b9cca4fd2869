/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of a set of programs: load, adopt, take over, add what a policy needs.
 *
 * A build takes over like this: its programs are loaded onto the shared maps and attached, passive; then they are
 * armed; then the other build is detached, one link after the other. Where both run, the second sees the first
 * one's refusal in `ret` and passes it on, so that a refusal is counted once.
 *
 * Programs that no policy has needed are not there. The first policy that needs them adds them to the set that stands:
 * a second object of the same build, onto the same maps and the same `armed`. They stay.
 */
#include "kernel/internal.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include <bpf/bpf.h>

#include "base/log.h"

/* Replaces whatever stands by a set of this build. */
static int take_over(const struct kernel_options *opts, const char *dir, const char *build,
		     uint32_t rules)
{
	char path[128];
	bool fresh;
	int err;

	/* What an interrupted start left behind; an incomplete set of ours is replaced as another build's is. */
	snprintf(path, sizeof(path), "%s/build-%s-new", dir, build);
	(void)unpin_dir(path);
	snprintf(path, sizeof(path), "%s/build-%s", dir, build);
	if (!access(path, F_OK)) {
		char old[136];

		snprintf(old, sizeof(old), "%s/build-%s-old", dir, build);
		(void)unpin_dir(old);
		if (rename(path, old))
			return -errno;
	}
	snprintf(path, sizeof(path), "%s/state", dir);
	fresh = access(path, F_OK) != 0;
	err = load_build(opts, dir, build, rules);
	/* Nothing was there before: leave nothing behind. */
	if (err && fresh) {
		(void)unpin_dir(dir);
		/* Fails, as it should, where another ABI's set is. */
		(void)rmdir(KERNEL_PIN_DIR);
	}
	return err;
}

static int load_or_adopt(const struct kernel_options *opts, const char *dir, uint32_t rules)
{
	char build[17], name[40];
	int err;

	build_id(build);
	snprintf(name, sizeof(name), "build-%s", build);
	if (!build_complete(dir, build, rules)) {
		err = take_over(opts, dir, build, rules);
		if (err)
			return log_warn(err, "cannot load the BPF programs");
	}
	err = each_dir(dir, "build-", unpin_other, name);
	return err ? log_warn(err, "cannot remove another build's programs") : 0;
}

int kernel_remove_others(void)
{
	char version[8];

	snprintf(version, sizeof(version), "v%d", LEASTCAP_ABI);
	return each_dir(KERNEL_PIN_DIR, "v", unpin_other, version);
}

/* The rules that the policies of a pinned set have needed; 0 where there is none. */
static uint32_t needed_so_far(const char *dir)
{
	struct leastcap_state *state;
	_cleanup_close_ int fd = -EBADF;
	char pin[96];
	uint32_t needed;

	snprintf(pin, sizeof(pin), "%s/%s", dir, map_pin(MAP_STATE));
	fd = bpf_obj_get(pin);
	if (fd < 0)
		return 0;
	state = mmap(NULL, STATE_PAGE, PROT_READ, MAP_SHARED, fd, 0);
	if (state == MAP_FAILED)
		return 0;
	needed = state->needed;
	munmap(state, STATE_PAGE);
	return needed;
}

int kernel_need(struct kernel *k, uint32_t rules)
{
	uint32_t wanted = k->state->needed | rules;
	char build[17], pin[96];
	int err;

	if (wanted == k->state->needed)
		return 0;
	if (kernel_rules_held(rules, NULL) != rules)
		return -EOPNOTSUPP;
	/* Unloaded under this handle: nothing is added to what is no more. */
	snprintf(pin, sizeof(pin), "%s/%s", k->dir, map_pin(MAP_STATE));
	if (access(pin, F_OK))
		return -ESTALE;
	build_id(build);
	/* Another build may have taken over from the one of this process: then this one takes over again. */
	if (build_complete(k->dir, build, k->state->needed))
		err = add_programs(k->dir, build, wanted);
	else
		err = load_or_adopt(NULL, k->dir, wanted);
	if (err)
		return err;
	k->state->needed = wanted;
	return 0;
}

static void set_limits(struct kernel *k, const struct kernel_options *opts)
{
	struct timespec tick;

	/* TICK_NSEC, kernel/time/posix-timers.c. Unknown: every refusal takes the long way. */
	k->state->jiffy_ns = clock_getres(CLOCK_MONOTONIC_COARSE, &tick) ? 0
									 : (uint64_t)tick.tv_nsec;
	if (opts && opts->entering_limit_ns)
		k->state->entering_limit_ns = opts->entering_limit_ns;
	kernel_sampling_set(k, opts && opts->sample_interval_ns ? opts->sample_interval_ns
								: kernel_sampling(k));
}

int kernel_load(const struct kernel_options *opts, struct kernel **ret)
{
	_cleanup_(kernel_closep) struct kernel *k = NULL;
	char dir[64];
	int err;

	if (kernel_probe(NULL))
		return -EOPNOTSUPP;
	abi_dir(dir);
	err = make_pin_dir(dir);
	if (err)
		return log_warn(err, "cannot make %s", dir);
	err = load_or_adopt(opts, dir, needed_so_far(dir)) ?: kernel_open(&k);
	if (err)
		return err;
	set_limits(k, opts);
	kernel_publish(k);
	*ret = TAKE_PTR(k);
	return 0;
}
