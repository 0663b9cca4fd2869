/* SPDX-License-Identifier: GPL-2.0-only */
/* What AppArmor or SELinux says of a process. */
#ifndef LEASTCAP_CONFINEMENT_H
#define LEASTCAP_CONFINEMENT_H

#include <stdbool.h>
#include <sys/types.h>

struct confinement {
	const char *by; /* "AppArmor", "SELinux"; NULL: neither, or not known */
	char label[256]; /* "docker-default (enforce)"; what is longer is cut; hostile */
	bool enforces; /* it may refuse something */
};

/* Whoever of the two this kernel has. */
void confinement_read(pid_t pid, struct confinement *ret);

/* The label as the kernel has it, which may end in a newline and a NUL. enforcing: SELinux, and not permissive. Pure. */
void confinement_of_apparmor(const char *label, struct confinement *ret);
void confinement_of_selinux(const char *label, bool enforcing, struct confinement *ret);

#endif
