/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel side as the user side sees it: programs and maps, pinned under KERNEL_PIN_DIR/v<ABI>/.
 * Nothing here knows what a policy file, a unit or a container is.
 *
 * Phases of a start, each with its reverse: lock, probe, load (or adopt what is pinned), fill, attach, pin.
 * All changes are made under the lock; a handle is not for several threads at once.
 */
#ifndef LEASTCAP_KERNEL_H
#define LEASTCAP_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <leastcap/abi.h>

#include "base/cleanup.h"
#include "kernel/ledger.h"

#define KERNEL_PIN_DIR "/sys/fs/bpf/leastcap"
#define KERNEL_LOCK_FILE "/run/leastcap/lock"

struct kernel;

struct kernel_options {
	uint32_t
		ring_size; /* bytes, a power of two and a multiple of the page size; 0: default. Only when maps are made */
	uint32_t max_bindings; /* 0: default. Only when maps are made */
	uint64_t entering_limit_ns; /* 0: leave as it is, or default when maps are made */
	uint64_t sample_interval_ns; /* likewise */
};

/* What stands in the way of enforcement on this host. */
enum kernel_lack {
	KERNEL_LACK_ROOT =
		1 << 0, /* CAP_SYS_ADMIN, CAP_BPF, CAP_PERFMON in the initial user namespace */
	KERNEL_LACK_BTF = 1 << 1, /* /sys/kernel/btf/vmlinux */
	KERNEL_LACK_BPF_LSM = 1 << 2, /* "bpf" in /sys/kernel/security/lsm */
	KERNEL_LACK_CGROUP2 = 1 << 3, /* cgroup2 at /sys/fs/cgroup */
	KERNEL_LACK_BPFFS = 1 << 4, /* bpffs at /sys/fs/bpf and not mountable */
};

/* Reads the host. Returns a mask of kernel_lack; ret_lsm (if not NULL): the active list, to be freed. */
unsigned int kernel_probe(char **ret_lsm);

/* One sentence that says what is missing and what to do. Static storage. For BPF_LSM see kernel_boot_line(). */
const char *kernel_lack_text(enum kernel_lack lack);

/* The boot parameter that adds bpf and keeps the other LSMs of this host ("lsm=lockdown,...,bpf"). To be freed. */
char *kernel_boot_line(const char *lsm);

/*
 * Makes enforcement stand: adopts a pinned set of the same build, or loads this build's programs, takes
 * over the maps of a pinned set of the same ABI, attaches, and only then detaches the programs of the
 * other build. No moment without enforcement. Sets of other ABIs stay: they hold what is not yet bound in this one.
 * opts may be NULL. -EOPNOTSUPP: kernel_probe() says why. Logs the verifier's or libbpf's words on failure.
 */
int kernel_load(const struct kernel_options *opts, struct kernel **ret);

/* Removes the sets of other ABIs: for whoever has bound in this one what they hold. */
int kernel_remove_others(void);

/* Opens what is pinned, without changing anything. -ENOENT: nothing is loaded. */
int kernel_open(struct kernel **ret);

/* Closes the handle; what is pinned stays. NULL is fine; returns NULL. */
struct kernel *kernel_close(struct kernel *k);
DEFINE_CLEANUP(struct kernel *, kernel_close);

/* Removes everything that is pinned, programs first. 0 also when nothing was there. */
int kernel_unload(void);

/* The same, of this ABI alone: for whoever has loaded it for itself. */
int kernel_unload_own(void);

/* The lock that excludes other writers (daemon, `leastcap run`). Returns a descriptor, closed to unlock. */
int kernel_lock(void);
/* The same without waiting. -EWOULDBLOCK: somebody has it. */
int kernel_trylock(void);

/* Are all programs of some build attached and pinned? ret_build: 16 hex digits of the build, may be NULL. */
bool kernel_attached(const struct kernel *k, char ret_build[17]);

/* What the lists of a policy hold; see struct policy_lists. The arrays of names end with NULL, or are NULL. */
struct kernel_lists {
	uint32_t flags; /* LEASTCAP_LIST_* */
	uint64_t families;
	char *const *fs_deny;
	char *const *fs_read_only;
	char *const *unix_names;
	const struct leastcap_destination *destinations; /* policy is filled in */
	const struct leastcap_destination_rule *destination_rules;
	size_t n_destinations;
};

/*
 * Publishes a revision of a policy; nobody uses it yet. Attaches what its rules need, writes its lists, then the
 * policy. Gives policy->id, the key that kernel_bind() takes. lists: NULL for none. -EOPNOTSUPP: this kernel cannot
 * hold one of the rules (kernel_rules_held() says which). -E2BIG: a map is full. On failure nothing is left of it.
 */
int kernel_policy_add(struct kernel *k, struct leastcap_policy *policy,
		      const struct kernel_lists *lists);

/*
 * Which rules this kernel can hold, by its BTF: a mask of enum leastcap_rule. ret_why (may be NULL): of the first rule
 * in `wanted` that it cannot, what is missing: "hook userns_create". To be freed.
 */
uint32_t kernel_rules_held(uint32_t wanted, char **ret_why);

/* Attaches, and pins, the programs of these rules; those that are attached already stay. Under the lock. -EOPNOTSUPP. */
int kernel_need(struct kernel *k, uint32_t rules);
int kernel_policy_get(struct kernel *k, uint64_t id, struct leastcap_policy *ret); /* -ENOENT */
/* Calls fn for every policy until it returns non-zero; returns that, or -errno, or 0. */
int kernel_policy_each(struct kernel *k, int (*fn)(const struct leastcap_policy *p, void *ctx),
		       void *ctx);
/* Removes the policies that no binding, birth or default names. Returns how many. */
int kernel_policy_collect(struct kernel *k);

/* Binds, or flips an existing binding, in one step; its ledger stays. shadow: 0 for none. -ENOSPC: there are
 * kernel_max_bindings(). */
int kernel_bind(struct kernel *k, uint64_t cgroup, uint32_t level, uint64_t policy, uint64_t shadow,
		uint32_t flags);
/* Binds what is not bound. -EEXIST: it is, and stays as it is. */
int kernel_bind_new(struct kernel *k, uint64_t cgroup, uint32_t level, uint64_t policy,
		    uint64_t shadow);
/* 0: not known. */
uint32_t kernel_max_bindings(const struct kernel *k);
int kernel_unbind(struct kernel *k, uint64_t cgroup); /* -ENOENT */
int kernel_binding_get(struct kernel *k, uint64_t cgroup,
		       struct leastcap_binding *ret); /* -ENOENT */
/* Calls fn for every binding that there is at the beginning, in ascending order, until it returns non-zero; returns that, or -errno, or
 * 0. fn may unbind. The canary's is none of them. */
int kernel_binding_each(struct kernel *k, int (*fn)(const struct leastcap_binding *b, void *ctx),
			void *ctx);

int kernel_ledger_get(struct kernel *k, uint64_t cgroup, struct kernel_ledger *ret); /* -ENOENT */
/* For who reads many: kernel_binding_each() with the ledger that each has. NULL: it cannot be read. */
int kernel_ledger_each(struct kernel *k,
		       int (*fn)(const struct leastcap_binding *b,
				 const struct kernel_ledger *ledger, void *ctx),
		       void *ctx);

/*
 * Refusals that are in no event yet: the next one of their kind stands for them. Exact while nothing is refused. canary: whose
 * are never told; 0: nobody's.
 */
int kernel_untold(const struct kernel *k, uint64_t canary, uint64_t *ret);

/*
 * Has the kernel side tell, in events of their own, what is left of the kinds of refusals that have not come for so long since
 * their next event was due. *ret_left: there is more, of kinds that are not quiet yet. Under the lock, so that nobody forgets
 * them meanwhile.
 */
int kernel_quiet(struct kernel *k, uint64_t canary, uint64_t after_ns, bool *ret_left);

/* ---- the canary: a cgroup in which the daemon has its own child refused, to prove enforcement ---- */

/* Name of the canary's policy. */
#define KERNEL_CANARY "run:canary"

/*
 * Publishes the policy, whose rules are all attached already, and binds the cgroup to it; its ledger begins empty.
 * -ENOENT: a rule is not attached. Under the lock. Nothing is made void: who is in the cgroup must not have been
 * judged there. On failure nothing is left of it.
 */
int kernel_canary_begin(struct kernel *k, uint64_t cgroup, uint32_t level,
			struct leastcap_policy *policy, const struct kernel_lists *lists);
/* Takes it away again. What it touches is nobody else's: without the lock. */
void kernel_canary_end(struct kernel *k, uint64_t cgroup, uint64_t policy,
		       const struct kernel_lists *lists);

/* The rules of all policies that are published, in whatever mode; the canary's are none of them. */
int kernel_rules_in_use(struct kernel *k, uint32_t *ret);

/* Makes all cached answers void: called once after a batch of kernel_bind()/kernel_unbind(). */
void kernel_publish(struct kernel *k);

/* The policy of new containers of a known runtime; 0: none. Takes effect at once. */
void kernel_set_default(struct kernel *k, uint64_t policy);
uint64_t kernel_default(const struct kernel *k);

/* ---- entrypoints that wait until their container is known, bpf/hold.bpf.h ---- */

/* Is any to be held? Off: those that are held already stay so until they are let go. */
/* CLOCK_BOOTTIME ns between two events of the same kind; 1: each is told. */
uint64_t kernel_sampling(const struct kernel *k);
void kernel_sampling_set(struct kernel *k, uint64_t ns);

void kernel_hold_switch(struct kernel *k, bool on);
/* Nothing is held any more after this CLOCK_BOOTTIME (ns), unless this is called again. 0: from now on. */
void kernel_hold_until(struct kernel *k, uint64_t ns);
/* The containers that wait. Calls fn until it returns non-zero; returns that, or -errno, or 0. */
int kernel_waiting_each(struct kernel *k, int (*fn)(uint64_t cgroup, void *ctx), void *ctx);
bool kernel_is_waiting(struct kernel *k, uint64_t cgroup);
/* It is known: its entrypoint will not be held. One that is held is still to be let go. */
void kernel_waiting_end(struct kernel *k, uint64_t cgroup);
/* Likewise the processes that are, or were, held. fn may let go and forget. */
int kernel_held_each(struct kernel *k,
		     int (*fn)(uint32_t pid, const struct leastcap_held *h, void *ctx), void *ctx);
/*
 * Lets it go and ends its container's waiting. why: LEASTCAP_LET_GO_NOT: in time, and forgotten (-EALREADY: somebody else has
 * let it go for another reason); else it stays listed.
 */
int kernel_let_go(struct kernel *k, uint32_t pid, const struct leastcap_held *h,
		  enum leastcap_let_go why);
void kernel_held_forget(struct kernel *k, uint32_t pid);
/* Lets go all that are held, and holds nothing any more. */
void kernel_hold_end(struct kernel *k);

/*
 * Until this CLOCK_BOOTTIME (ns) everything is allowed, and reported as what would be refused; 0: it is not. It ends by
 * itself in the kernel, and takes effect at once.
 */
void kernel_disarm(struct kernel *k, uint64_t until);
uint64_t kernel_disarmed(const struct kernel *k);

/* The policy of a cgroup that does not exist yet. -ENAMETOOLONG. policy 0 removes (-ENOENT: was none). */
int kernel_birth_set(struct kernel *k, const char *path, uint64_t policy);
int kernel_birth_each(struct kernel *k, int (*fn)(const char *path, uint64_t policy, void *ctx),
		      void *ctx);

/*
 * The patterns of cgroups that do not exist yet, and their policies; of several that match the first counts. Replaces the
 * set that is in force, in one step, and is that set already where nothing differs. -E2BIG: more than
 * LEASTCAP_PATTERNS. On failure nothing is changed. *ret_changed may be NULL.
 */
int kernel_patterns_set(struct kernel *k, const struct leastcap_birth_pattern *patterns, size_t n,
			bool *ret_changed);
/*
 * Waits for births that are under way and compare with the set before, and removes that. Behind kernel_publish(): nobody is to wait
 * for what is in force already.
 */
void kernel_patterns_settle(struct kernel *k);
/* The set that is in force, to be freed. */
int kernel_patterns_get(struct kernel *k, struct leastcap_birth_pattern **ret, size_t *ret_n);

/* Lists an executable as a launcher (LEASTCAP_LAUNCHER_*). -ENOENT and the like: of stat(). */
int kernel_launcher_add(struct kernel *k, const char *path, uint32_t kind);

/* Is any task's policy carried from this cgroup (moved out of it by a confined task)? Walks /proc. */
int kernel_carried(struct kernel *k, uint64_t cgroup);

/* Sums over the CPUs. */
int kernel_losses(struct kernel *k, uint64_t ret[LEASTCAP_LOSSES]);

/* Generation, limits, born. The page is read-only for callers. */
const struct leastcap_state *kernel_state(const struct kernel *k);

/* The same number again: nothing was bound or unbound meanwhile. */
uint64_t kernel_bindings_version(const struct kernel *k);

/* Descriptor of the ring buffer map, owned by k. The caller is its only consumer (kernel_lock for daemons). */
int kernel_events_fd(const struct kernel *k);
/* The reader has read all: what is repeated is told as often again as kernel_sampling() says. */
void kernel_caught_up(struct kernel *k);
/* The next record makes it readable, those behind it not until they are many. For a reader that has read all, and will sleep. */
void kernel_wake_next(struct kernel *k);

/* Run counts and times of our programs where the kernel counts them. missed: left out, see bpf/leader.bpf.h; always counted. */
struct kernel_program {
	char name[16];
	uint64_t runs;
	uint64_t run_ns;
	uint64_t missed;
};
/* Returns how many there are; fills at most max. */
int kernel_programs(const struct kernel *k, struct kernel_program *ret, size_t max);

struct kernel_map {
	const char *name;
	uint64_t entries, max;
};
#define KERNEL_MAPS 4
/* Maps that can become full, and how full they are. -errno. */
int kernel_maps(const struct kernel *k, struct kernel_map ret[KERNEL_MAPS]);

#endif
