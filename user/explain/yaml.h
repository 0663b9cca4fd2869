/* SPDX-License-Identifier: GPL-2.0-only */
/* Policies in their JSON form as YAML that people write. Pure. */
#ifndef LEASTCAP_EXPLAIN_YAML_H
#define LEASTCAP_EXPLAIN_YAML_H

#include <jansson.h>

/* One key and its value in one line: "mounts: allow", "connect: { default: deny, allow: [10.0.0.0/8] }". What goes without
 * saying is left out. To be freed; NULL: no memory. */
char *yaml_rule(const char *key, const json_t *value);

/* A whole policy file with one policy, policy_to_json()'s form. To be freed; NULL: no memory. */
char *yaml_policy(const json_t *policy);

#endif
