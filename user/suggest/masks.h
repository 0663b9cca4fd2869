/* SPDX-License-Identifier: GPL-2.0-only */
/* Words of the status -> masks. */
#ifndef LEASTCAP_SUGGEST_MASKS_H
#define LEASTCAP_SUGGEST_MASKS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

/* enum leastcap_rule is the bit. */
uint32_t mask_of_rules(const json_t *words);

/* An event that says what was seen under a binding that ended: its cgroup is gone, or is bound no more. */
bool mask_is_end(const json_t *event);

/* object[key] as text; "" where it is none. */
const char *mask_text(const json_t *object, const char *key);

#endif
