/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEASTCAP_TRACE_SUBJECTS_H
#define LEASTCAP_TRACE_SUBJECTS_H

#include <stddef.h>
#include <stdint.h>

/*
 * The cgroups that a word means: a path; all that the policy of that name holds; a unit, a container by its id, the id's
 * beginning or its name. *ret is an array of ids, to be freed. -ENOENT: nothing; *ret_near is the nearest name that
 * there is, to be freed, or NULL; ret_near may be NULL: that is a long search. -ENOTUNIQ: several containers. -ENODATA: a policy that holds nothing now.
 */
int trace_subjects(const char *subject, uint64_t **ret, size_t *ret_n, char **ret_near);

#endif
