/* SPDX-License-Identifier: GPL-2.0-only */
/* A system call as it would be written in a program. Pure. */
#ifndef LEASTCAP_EXPLAIN_CALL_H
#define LEASTCAP_EXPLAIN_CALL_H

#include <stddef.h>

#include <jansson.h>

/*
 * "sethostname(name: 0x7ffd3c1a, len: 4)", of an event's syscall and syscall_arguments. format: what tracefs has of the call,
 * events/syscalls/sys_enter_NAME/format; NULL: the six registers, without names. To be freed; NULL: not known, or no memory.
 */
char *call_text(const char *syscall, const json_t *arguments, const char *format, size_t len);

#endif
