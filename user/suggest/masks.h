/* SPDX-License-Identifier: GPL-2.0-only */
/* Words of the status -> masks. */
#ifndef LEASTCAP_SUGGEST_MASKS_H
#define LEASTCAP_SUGGEST_MASKS_H

#include <stdint.h>

#include <jansson.h>

/* Numbers stand for capabilities that have no name where they were written down. What is neither is passed over. */
uint64_t mask_of_caps(const json_t *words);

/* enum leastcap_rule is the bit. */
uint32_t mask_of_rules(const json_t *words);

/* object[key] as text; "" where it is none. */
const char *mask_text(const json_t *object, const char *key);

#endif
