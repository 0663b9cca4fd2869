/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A container by the shape of its cgroup's name, as the runtimes' systemd and cgroupfs drivers make it:
 *	docker-<id>.scope  libpod-<id>.scope  crio-<id>.scope  cri-containerd-<id>.scope  nerdctl-<id>.scope
 *	<id>  libpod-<id>
 * with an id of 64 hex digits. libpod-conmon-<id>.scope and crio-conmon-<id>.scope hold the runtime's
 * monitor: no containers. One rule for both sides: the kernel binds at birth, user space finds the rest.
 */
#ifndef LEASTCAP_SHAPE_H
#define LEASTCAP_SHAPE_H

#include <linux/types.h>

/* Room for the longest such name (85) and its NUL; a power of two, so that a mask bounds an index. */
#define LEASTCAP_SHAPE_LEN 128

/* The verifier wants to see the mask that the compiler knows to be needless. */
#define leastcap_at(name, i)                            \
	({                                              \
		__u32 at_ = (i);                        \
		__asm__ volatile("" : "+r"(at_));       \
		(name)[at_ & (LEASTCAP_SHAPE_LEN - 1)]; \
	})

/* memcmp() is a call that BPF does not have. */
static inline int leastcap_begins(const char *name, const char *with, __u32 len)
{
	for (__u32 i = 0; i < len; i++) {
		if (name[i] != with[i])
			return 0;
	}
	return 1;
}

/* name: zero-padded after its end. len: without the NUL. Returns the length of the prefix before the id, or -1. */
static inline int leastcap_shape(const char name[LEASTCAP_SHAPE_LEN], __u32 len)
{
	__u32 prefix, i;

	if (len < 64 || len >= LEASTCAP_SHAPE_LEN)
		return -1;
	prefix = len - 64;
	/* ".scope" has letters that are no hex digits: a name cannot fit both ways. */
	if (len >= 70 && leastcap_at(name, len - 6) == '.' && leastcap_at(name, len - 5) == 's' &&
	    leastcap_at(name, len - 4) == 'c' && leastcap_at(name, len - 3) == 'o' &&
	    leastcap_at(name, len - 2) == 'p' && leastcap_at(name, len - 1) == 'e')
		prefix = len - 70;
	for (i = 0; i < 64; i++) {
		char c = leastcap_at(name, prefix + i);

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return -1;
	}
	switch (prefix) {
	case 0:
		return 0;
	case 5:
		return leastcap_begins(name, "crio-", 5) ? 5 : -1;
	case 7:
		return leastcap_begins(name, "docker-", 7) || leastcap_begins(name, "libpod-", 7)
			       ? 7
			       : -1;
	case 8:
		return leastcap_begins(name, "nerdctl-", 8) ? 8 : -1;
	case 15:
		return leastcap_begins(name, "cri-containerd-", 15) ? 15 : -1;
	default:
		return -1;
	}
}

#endif
