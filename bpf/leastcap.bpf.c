// SPDX-License-Identifier: GPL-2.0-only
/*
 * leastcap, the kernel side: holds cgroups to the capabilities their policies allow.
 *
 *	lsm/capable			every capability check
 *	lsm/uring_override_creds	io_uring personalities, a way around
 *	lsm/sb_kern_mount		mounting overlayfs, a way around
 *	lsm/ptrace_access_check		taking over a process that enters
 *	fentry/cgroup_attach_task	who enters, who carries its policy along
 *	fexit/cgroup_attach_task	the host takes away what is carried; cached answers of those who have moved are to be
 *					looked at
 *	lsm/task_alloc			a child carries what its maker carries; one that could not is not made
 *	tp_btf/sched_process_fork	also what has come since; a child that is made in another cgroup has moved there
 *	lsm/bprm_creds_for_exec		a thread that is not the leader executes a program, and becomes the leader
 *	tp_btf/sched_process_exit	also what has come since,
 *	fentry/release_task		also where the leader has ended before
 *	lsm/bprm_committed_creds	execve ends entering
 *	tp_btf/cgroup_mkdir		new containers and units are bound at birth
 *	tp_btf/cgroup_rmdir		tells user space
 *	syscall				user space has it tell what floods have left, quiet.bpf.h
 *	mounts.bpf.h, modules.bpf.h, namespaces.bpf.h, bpf.bpf.h: what their names say
 *
 * Every program passes on what an earlier LSM program refused. Without a binding: allowed. A bound cgroup whose
 * policy cannot be read: refused. Nothing in the audit path changes a verdict.
 *
 * Large functions are not static where they can be: the verifier looks at such a one once, for any arguments. A static one it
 * follows at every call, along every path that leads there, which was most of the time that loading takes. Pointers they are
 * given may be NULL for all it knows: they say so.
 *
 * Out of scope here: whatever the kernel decides by uid and mode bits alone, and objects obtained before.
 */
#include <linux/bpf.h>
#include <linux/capability.h>
#include <asm-generic/errno-base.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "attributes.bpf.h"
#include "birth.bpf.h"
#include "bpf.bpf.h"
#include "capabilities.bpf.h"
#include "devices.bpf.h"
#include "filesystems.bpf.h"
#include "modules.bpf.h"
#include "mounts.bpf.h"
#include "namespaces.bpf.h"
#include "quiet.bpf.h"
#include "sockets.bpf.h"
#include "unix.bpf.h"

/* Tells builds with the same programs apart: `make BUILD_TAG=...`, for tests of taking over. */
#ifndef LEASTCAP_BUILD_TAG
#define LEASTCAP_BUILD_TAG ""
#endif
const volatile char build_tag[32] = LEASTCAP_BUILD_TAG;

char _license[] SEC("license") = "GPL";
