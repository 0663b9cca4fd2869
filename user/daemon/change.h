/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files of STATE that change together: all of them or none, also over a crash, and on a disk that becomes full.
 *
 *	put, take	texts are written beside their places
 *	ready		so is a list of what is to be done. Nothing of it counts yet, and nothing more needs room
 *	commit		the list comes into its place, STATE/change.json: that decides. What it says is done, and it goes
 *
 * A daemon that finds a list finishes it. Without a list, what is beside its place never was. All: 0 or -errno.
 */
#ifndef LEASTCAP_CHANGE_H
#define LEASTCAP_CHANGE_H

#include <jansson.h>

#include "base/cleanup.h"
#include "policy/policy.h"

#define CHANGE_FILE "change.json"

struct change;

/* Finishes what is left of an earlier one. -EPROTONOSUPPORT: the directory is of a newer leastcap. */
int change_begin(const char *state_dir, struct change **ret);
/* Without commit: as if it had never been begun. */
struct change *change_free(struct change *c);
DEFINE_CLEANUP(struct change *, change_free);

int change_put(struct change *c, const char *name, const json_t *json);
int change_take(struct change *c, const char *name);
/* Applied policies, and shadows. */
int change_put_policy(struct change *c, const struct policy *policy);
int change_put_policies(struct change *c, const struct policy_set *set);
int change_take_policy(struct change *c, const char *policy);

int change_ready(struct change *c);
/*
 * On failure nothing is changed. What is decided and cannot be done at once is logged, and done later: change_finish(). So is, of a
 * single file, that it may not outlast a crash.
 */
int change_commit(struct change *c);

/* Does what a list says that is there. Before anything else is read. */
int change_finish(const char *state_dir);

#endif
