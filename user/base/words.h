/* SPDX-License-Identifier: GPL-2.0-only */
/* The words for what <leastcap/restrictions.h> numbers: in policies, events, manuals. */
#ifndef LEASTCAP_WORDS_H
#define LEASTCAP_WORDS_H

#include <stdint.h>

#include <leastcap/restrictions.h>

/* "mounts"; NULL: unknown. Static storage, like all here. */
const char *word_restriction(uint32_t restriction);

/* "mounts", "host-unix", "connect", "families", ...; NULL: unknown */
const char *word_rule(uint32_t rule);

/* What a rule belongs to. */
enum leastcap_restriction rule_restriction(uint32_t rule);

/* The rule that an item of a restriction is refused by; -1: the whitelist of capabilities. */
int item_rule(uint32_t restriction, uint32_t item);

/* "remount", "module-request"; NULL: unknown, or a capability (caps_name()) */
const char *word_item(uint32_t item);

#endif
