/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEASTCAP_DOCTOR_H
#define LEASTCAP_DOCTOR_H

#include <jansson.h>

/*
 * Has open_by_handle_at() refused in a cgroup of its own. 0: proven; -errno: not. *ret_proof (may stay NULL):
 * { operation, before, confined, denied, refused, steps: [{ ok, text }] }. Logs what kept it from trying.
 */
int doctor_prove(json_t **ret_proof);

/* [{ name, restriction, held, why }] of every rule; why: what is missing, null where it is held. NULL: no memory. */
json_t *doctor_restrictions(void);

/* Hooks that leastcap uses where a later kernel has them: those of this one, and the others. "": none. To be freed. */
void doctor_later_hooks(char **ret_used, char **ret_missing);

#endif
