/* SPDX-License-Identifier: GPL-2.0-only */
/* What capabilities, rules and refused acts mean, in plain words. All of it is static. */
#ifndef LEASTCAP_EXPLAIN_MEANING_H
#define LEASTCAP_EXPLAIN_MEANING_H

#include <stdint.h>

/* "set the clock": what a capability lets its holder do. NULL: one that a later kernel has added. */
const char *meaning_capability(unsigned int cap);

/* "set the host name": what this system call most likely wanted this capability for. NULL: nothing special is known. */
const char *meaning_call(const char *syscall, unsigned int cap);

/* "mount a file system": what was tried, enum leastcap_item. NULL: a capability, or unknown. */
const char *meaning_item(uint32_t item);

/* "type", "target": which argument of the call the event's detail is. NULL: it has none. */
const char *meaning_detail(uint32_t item);

/* "no change of the mount tree": what the subject is held to by a rule. NULL: unknown. */
const char *meaning_rule(uint32_t rule);

/* What the kernel asks for besides, once a rule allows the act. -1: nothing that is always asked for. */
int meaning_needs(uint32_t item);

/* What somebody can do with it who should not have it: 3 own the host, 2 harm others on it, 1 little. */
unsigned int meaning_danger(unsigned int cap);

#endif
