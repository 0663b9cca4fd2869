/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file of policies.d may be well written, and say what cannot be bound: a policy that this kernel cannot hold, or one that
 * would hold the daemon itself. Then it is as a file with errors: the form that was good last stays in force.
 */
#ifndef LEASTCAP_FALL_BACK_H
#define LEASTCAP_FALL_BACK_H

#include "daemon/internal.h"

/*
 * Sources that were just read get back the last good forms of such files, where those can be bound better, and problems what is
 * wrong with the new ones. A form of which nobody knows a better one stays: what can be bound of it is. -errno: nothing was
 * changed.
 */
int fall_back(struct state *s, struct sources *fresh, json_t *problems);

/*
 * The same for what a daemon that starts has just found no room for: an edit, maybe, that the one before has refused. The last
 * good forms of those files are followed, if there are others; complaints: as for state_follow().
 */
int fall_back_unfit(struct state *s, json_t *problems, json_t *complaints);

#endif
