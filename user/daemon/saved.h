/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEASTCAP_SAVED_H
#define LEASTCAP_SAVED_H

#include "policy/policy.h"

/* The form of a file of policies.d (base: its name) that was good last. */
int last_good_save(const char *state_dir, const char *base, const struct policy_set *set);
struct policy_set *last_good_read(const char *state_dir, const char *base); /* NULL: none */

#endif
