/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program whose first instruction that reaches the kernel asks for a capability: no libc, no loader. Exit
 * status 0: allowed (EINVAL came from behind the check), 1: refused with EPERM, 3: anything else.
 */
#include <asm/unistd.h>
#include <linux/errno.h>

static long call(long nr, long a, long b)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return ret;
}

__attribute__((noreturn, used)) void _start(void);
void _start(void)
{
	/* sethostname(NULL, -1): one capable(CAP_SYS_ADMIN), then the length is found wrong. */
	long ret = call(__NR_sethostname, 0, -1);

	for (;;)
		call(__NR_exit, ret == -EINVAL ? 0 : ret == -EPERM ? 1 : 3, 0);
}
