// SPDX-License-Identifier: GPL-2.0-only
/* The least that a BPF LSM program can cost: this one does nothing. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("lsm/capable")
int bench_floor(void *ctx)
{
	return 0;
}

char _license[] SEC("license") = "GPL";
