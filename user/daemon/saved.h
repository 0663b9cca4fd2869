/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEASTCAP_SAVED_H
#define LEASTCAP_SAVED_H

#include <stdbool.h>

#include <jansson.h>

#include "policy/policy.h"

/*
 * STATE/version says how what is beside it is to be read. Of a directory with a newer one nothing is read here: reading is as
 * if nothing were there. Nothing is written or removed either: -EPROTONOSUPPORT.
 */
#define SAVED_VERSION 1
#define SAVED_VERSION_FILE "version"
bool saved_newer(const char *state_dir);

/* Makes the directory and its version, where there is none that can be read. -EBADMSG: there was one that could not. */
int saved_open(const char *state_dir);

/* The form of a file of policies.d (base: its name) that was good last. */
int last_good_save(const char *state_dir, const char *base, const struct policy_set *set);
struct policy_set *last_good_read(const char *state_dir, const char *base); /* NULL: none */
int last_good_remove(const char *state_dir, const char *base); /* also where there is none */

/* Where an applied policy, or a shadow, is saved: below STATE, and with it. To be freed; NULL: no memory. How: change.h. */
char *applied_name(const char *policy);
char *applied_path(const char *state_dir, const char *policy);

/* A policy as it is saved: by the name and with the mode that were written. NULL: no memory. */
json_t *saved_form(const struct policy *policy);
/* Policies as a file. To be freed; NULL: no memory. */
char *policies_text(const struct policy *policies, size_t n);

/*
 * One file of STATE: written whole or not at all; read: -ENOENT, -EBADMSG (no JSON object); removed, also where there is
 * none. -errno.
 */
int saved_write(const char *state_dir, const char *name, const json_t *json);
int saved_read(const char *state_dir, const char *name, json_t **ret);
int saved_remove(const char *state_dir, const char *name);

#endif
