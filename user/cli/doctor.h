/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEASTCAP_DOCTOR_H
#define LEASTCAP_DOCTOR_H

#include <jansson.h>

/*
 * Has sethostname() refused in a cgroup of its own. 0: proven; -errno: not. *ret_proof (may stay NULL):
 * { operation, before, confined, denied, refused, steps: [{ ok, text }] }. Logs what kept it from trying.
 */
int doctor_prove(json_t **ret_proof);

#endif
