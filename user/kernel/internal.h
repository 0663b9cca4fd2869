/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of user/kernel/ share. */
#ifndef LEASTCAP_KERNEL_INTERNAL_H
#define LEASTCAP_KERNEL_INTERNAL_H

#include "kernel/kernel.h"

struct bpf_object;
struct bpf_link;
struct bpf_program;
struct btf;

/* Maps that all builds of an ABI share; the pin's name is the map's. */
enum pinned_map {
	MAP_BINDINGS,
	MAP_LEDGERS,
	MAP_REFUSALS,
	MAP_POLICIES,
	MAP_LISTS,
	MAP_FILESYSTEMS,
	MAP_UNIX_NAMES,
	MAP_DESTINATIONS,
	MAP_BIRTHS,
	MAP_PATTERNS,
	MAP_NEWBORN,
	MAP_WAITING,
	MAP_HELD,
	MAP_LAUNCHERS,
	MAP_TASKS,
	MAP_MAKERS,
	MAP_ASKERS,
	MAP_SAMPLES,
	MAP_EVENTS,
	MAP_LOSSES,
	MAP_STATE,
	MAP_PENDING,
	MAPS,
};

struct kernel {
	int maps[MAPS]; /* descriptors */
	struct leastcap_state *state; /* one page, mapped */
	const struct leastcap_pending *pending; /* LEASTCAP_PENDING places, mapped */
	uint64_t old_patterns; /* the set that was there before the one that is, to be removed */
	bool patterns_changed;
	char dir[64]; /* of this ABI */
};

/* The mounted page of .data.state. */
#define STATE_PAGE 4096
/* And of .data.pending: whole pages. */
#define PENDING_PAGES (LEASTCAP_PENDING * sizeof(struct leastcap_pending))

/* ---- maps.c ---- */

/* Name of the map in the object, and of its pin. */
extern const char *const map_names[MAPS];
const char *map_pin(enum pinned_map map);
/* Where those of this ABI are. */
void abi_dir(char buf[64]);

/* ---- pins.c ---- */

/* Makes a directory of pins, and mounts the BPF file system where it is not. */
int make_pin_dir(const char *dir);
/* Removes a directory of pins and what is in it, links first and one by one. */
int unpin_dir(const char *path);
/* For each_dir(): removes the directories that are not called `keep`. */
int unpin_other(const char *path, const char *name, void *keep);
/* Calls fn for the directories in `path` whose name begins with `prefix`, until it returns non-zero. */
int each_dir(const char *path, const char *prefix,
	     int (*fn)(const char *path, const char *name, void *ctx), void *ctx);

/* ---- object.c ---- */

/* This build's programs, to look at. NULL: no memory. */
struct bpf_object *object_open(void);
/* Two builds with the same programs are the same. */
void build_id(char ret[17]);
/* Loads, attaches and arms a set of this build, below the directory of the ABI. */
int load_build(const struct kernel_options *opts, const char *dir, const char *build,
	       uint32_t rules);
/* Adds to the set of this build, which stands and is armed, what these rules need beside. */
int add_programs(const char *dir, const char *build, uint32_t rules);
/* Has this build's directory a link for each program that these rules need? */
bool build_complete(const char *dir, const char *build, uint32_t rules);

/* ---- programs.c ---- */

/* Beside the rules, in one mask with them: the programs that are attached in any case. */
#define PROGRAM_ALWAYS (1U << 31)

/* What a program is for: a mask of rules, or PROGRAM_ALWAYS. 0: it is in no table. */
uint32_t program_rules(const char *name);
/* Has this kernel the hook of the program, with the parameters that the program expects? */
bool program_fits(const struct bpf_program *prog);
/* Is it to be attached where these rules are needed? What is in no table is attached in any case. */
bool program_wanted(const struct bpf_program *prog, uint32_t rules);

/* ---- hooks.c ---- */

/* Before an object of ours is opened. From then on a program that is attached to a function or tracepoint is, by hook_attach() only. */
void hooks_init(void);
/* Reads what the kernel has, once. */
int hooks_read(void);
/* The LSM hook that a program is for, by its section. NULL: it is no LSM program. */
const char *program_hook(const struct bpf_program *prog);
/* How many an LSM hook that we have a program for has in this kernel. -ENOENT: it has not got the hook. */
int hook_parameters(const char *hook);
/* The kernel's types that our programs name, for `btf_custom_path`. NULL: libbpf looks through all of them. */
const char *hooks_types(void);
/* NULL with errno. */
struct bpf_link *hook_attach(const struct bpf_program *prog);

/* ---- types.c ---- */

/* Of the kernel's types those with the names of an object's, and their parts, as a file without a name. Returns its descriptor. */
int types_pick(const struct btf *kernel, const struct btf *object);

/* ---- hold.c ---- */

/* A stopped process goes on, if it is still the one that was started then. 0 also where that one is no more. */
int held_go_on(uint32_t pid, uint64_t start_ns);

/* ---- publish.c ---- */

/* All keys of a hash map at one time, so that they may be deleted. To be freed. Returns how many. */
long map_keys(int fd, size_t key_size, void **ret);

/* Keys and values of a hash map, a system call for thousands of them. Both to be freed. Returns how many. */
long map_entries(int fd, size_t key_size, size_t value_size, void **ret_keys, void **ret_values);

/* kernel_binding_each(), the canary's binding too. */
int binding_each(struct kernel *k, int (*fn)(const struct leastcap_binding *b, void *ctx),
		 void *ctx);

/* ---- wait.c ---- */

/* Until programs that run now are over. Fails where the kernel has no memory for it. */
int kernel_wait_programs(void);

/* ---- pending.c ---- */

/* What is counted beside a ledger, which its cgroup and its number name. */
struct pending_look {
	uint64_t denied, would_deny;
	uint64_t changes; /* of all places that have something for it */
	bool changing; /* a place is being changed, maybe one of these */
};

struct pending_look pending_look(const struct leastcap_pending all[LEASTCAP_PENDING],
				 uint64_t cgroup, uint32_t number);

/* The bindings that some place counts for, in ascending order. False: a place is being changed, maybe for one that is missing. */
struct pending_held {
	uint64_t cgroups[LEASTCAP_PENDING * LEASTCAP_HELD];
	size_t n;
};

bool pending_held(const struct leastcap_pending all[LEASTCAP_PENDING], struct pending_held *ret);

/* All of one binding. */
struct kernel_ledger ledger_join(uint64_t cgroup, const struct leastcap_ledger *l,
				 const struct leastcap_refusals *r,
				 const struct pending_look *look);

/* What is counted there, and in samples, and in no event; of the bindings but one. */
uint64_t pending_untold(const struct leastcap_pending all[LEASTCAP_PENDING], uint64_t except);
uint64_t samples_untold(const struct leastcap_key *keys, const struct leastcap_sample *samples,
			size_t n, uint64_t except);

/* ---- births.c ---- */

/* Removes patterns of no set: who put one in force was killed before it had removed the one before. Programs were waited for. */
void patterns_collect(struct kernel *k);

/* ---- quiet.c ---- */

/* Is it the shadow that would refuse what the key is about, and not the policy beside it? */
bool quiet_is_shadows(const struct leastcap_key *key, const struct leastcap_policy *policy,
		      const struct leastcap_policy *shadow);

/* Has told what is left of the bindings that are not live, before their samples are forgotten. Under the lock. */
int quiet_last(struct kernel *k, bool (*live)(uint64_t cgroup, const void *ctx), const void *ctx);

/* ---- lists.c ---- */

/* Writes the lists of a policy that is not published yet. On failure nothing is left of them. */
int lists_add(struct kernel *k, uint64_t policy, const struct kernel_lists *lists);
void lists_remove(struct kernel *k, uint64_t policy, const struct kernel_lists *lists);

#endif
