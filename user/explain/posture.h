/* SPDX-License-Identifier: GPL-2.0-only */
/* The posture of a host: who may use which capabilities, who does, and where the most is given away. Pure. */
#ifndef LEASTCAP_EXPLAIN_POSTURE_H
#define LEASTCAP_EXPLAIN_POSTURE_H

#include <jansson.h>

/* Grants for nothing that are told one by one. */
#define POSTURE_WORST 10

/*
 * Of the status of everybody (docs/api.md), whose bindings may have a `name`, of what no policy binds: [{"cgroup", "name",
 * "granted": [...]}], NULL: not looked for, and of what has ended: {POLICY: [what was used under it]}. {"kernel",
 * "enforcing", "capabilities": [names: the columns], "subjects": [{"cgroup", "name", "policy", "mode", "score", "cells": {NAME:
 * CELL}}], "unbound": the same with policy and mode null, or null, "worst": [{"policy", "capability", "danger", "meaning",
 * "count", "subjects": [at most 3 names]}], "tighter": [{"policy", "drop": [...], "add": [...], "keep": [...]}]}. Subjects
 * with the highest score come first. "keep" is what was used under the policy: what it allows without "drop" and with "add".
 * CELL is "denied": refused by leastcap; "would-deny": used, and reported, not refused; "used"; "unused": granted and allowed,
 * never used; "withheld": granted, and taken away by the policy; "allowed": by the policy, and not granted; "unbound":
 * granted, and held by no policy. NULL: no memory.
 */
json_t *posture(const json_t *status, const json_t *unbound, const json_t *ended);

#endif
