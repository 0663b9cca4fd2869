/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every map, but for those of process.bpf.h and bound.bpf.h: who writes it, who reads it, how large it can get, what happens
 * when it is full. Sizes can be changed by user space before the maps are made.
 */
#ifndef LEASTCAP_MAPS_BPF_H
#define LEASTCAP_MAPS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include <leastcap/abi.h>

#include "process.bpf.h"

/* cgroup id -> what happened. Written here only. Full: counted in losses, the verdict stands. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, __u64);
	__type(value, struct leastcap_ledger);
} ledgers SEC(".maps");

/* cgroup id -> counts of other refusals. Written here only. Full: counted in losses, the verdict stands. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, __u64);
	__type(value, struct leastcap_refusals);
} refusals SEC(".maps");

/* policy id -> what its rules with lists are about. Written by user space, immutable. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, __u64);
	__type(value, struct leastcap_lists);
} lists SEC(".maps");

/* type of file system -> its bit. Written by user space; at most 64. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 64);
	__type(key, struct leastcap_fs_type);
	__type(value, __u32);
} filesystems SEC(".maps");

/* (policy, name of a listener) -> the name. Written by user space, with the policy. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct leastcap_unix_key);
	__type(value, struct leastcap_unix_name);
} unix_names SEC(".maps");

/* (policy, port, address) -> refused or not, by the longest prefix. Written by user space, with the policy. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, struct leastcap_destination);
	__type(value, struct leastcap_destination_rule);
} destinations SEC(".maps");

/* path -> policy id, for cgroups that do not exist yet. Written by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, struct leastcap_birth);
	__type(value, __u64);
} births SEC(".maps");

/* number -> pattern of paths, and policy. Written by user space: two sets, while one replaces the other. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 2 * LEASTCAP_PATTERNS);
	__type(key, __u32);
	__type(value, struct leastcap_birth_pattern);
} patterns SEC(".maps");

/*
 * The cgroup that is being made: cgroup_mutex lets there be one at a time. Not on the stack, which is too small; and what a
 * callback of bpf_loop() reads there 6.1's verifier takes for what it was in the first round: it follows the callback
 * once, and removes for good the branches that cannot be taken then. Later ones follow it on (see ownfiles.bpf.h).
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct leastcap_newborn);
} newborn SEC(".maps");

/* cgroup id -> when it was born: containers that are not known yet. Written at birth; user space, or its end, removes it.
 * Full: its entrypoint is not held, and that is counted. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u64);
} waiting SEC(".maps");

/* process -> why it is stopped. Full: not held, and counted. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct leastcap_held);
} held SEC(".maps");

/* executable -> LEASTCAP_LAUNCHER_*. Written by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct leastcap_file);
	__type(value, __u32);
} launchers SEC(".maps");

/* Who made an inode. Allocation failed, or the inode has left memory since: nobody's, whoever made it. */
struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct leastcap_makers);
} makers SEC(".maps");

/* Senders of datagrams: the receiver may answer. Allocation failed: the answer is judged as any other message. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct leastcap_asked);
} askers SEC(".maps");

/* Deduplication of samples. Written here; user space forgets what is unbound. Full: counted, sample sent. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct leastcap_key);
	__type(value, struct leastcap_sample);
} samples SEC(".maps");

/* Samples. Read by one daemon. Full: counted in losses; counters and masks do not depend on it. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LEASTCAP_LOSSES);
	__type(key, __u32);
	__type(value, __u64);
} losses SEC(".maps");

/* Repeated refusals, by a hash of their key: see repeat.bpf.h. Written here, mapped by user space. Taken: not made quick. */
volatile struct leastcap_pending pending[LEASTCAP_PENDING] SEC(".data.pending") = {};

/*
 * Set by user space once all programs of this object are attached. Until then they pass everything on: while
 * a build takes over from another, exactly one of the two counts a refusal (the other sees it in `ret`).
 */
volatile __u32 armed;

static __always_inline void lose(__u32 what)
{
	__u64 *n = bpf_map_lookup_elem(&losses, &what);

	if (n)
		__sync_fetch_and_add(n, 1);
}

#endif
