/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bound cgroups that are gone. The binding, and the ledger with what happened there, stay until that is told: by the kernel's
 * event, which may be in the ring for a while, or be lost; then by a look. After that a binding stays for as long as a task
 * carries its policy.
 */
#ifndef LEASTCAP_GONE_H
#define LEASTCAP_GONE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct leastcap_binding;
struct state;

/* Is it gone, and told of, and bound for tasks that carry its policy? */
bool is_gone(const struct state *s, uint64_t cgroup);

/* Is it gone without having been told of? Then it will be. Under the lock, too. */
bool gone_untold(struct state *s, uint64_t cgroup);

/* The kernel's event: tells it, unless it was told, with what the ledger has, and ends the binding. Takes the event over. */
void gone_told(struct state *s, uint64_t cgroup, json_t *event);

/* A cgroup that is there, and is to be bound no more: what its ledger has, if it has anything, is told as `unbound`. */
void gone_unbound(struct state *s, const struct leastcap_binding *b);

/* Once a second. */
void gone_tick(struct state *s);

#endif
