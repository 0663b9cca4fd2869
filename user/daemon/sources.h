/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where policies come from: files of policies.d, and what was applied over the API. A source that has errors
 * keeps its last good form: from memory, over a restart from STATE/last-good/.
 */
#ifndef LEASTCAP_SOURCES_H
#define LEASTCAP_SOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "policy/policy.h"

struct source {
	char *file; /* path; for applied ones "api" */
	bool api;
	struct policy_set *set; /* the form in force; NULL: none */
};

struct sources {
	struct source *items;
	size_t n;
};

/*
 * Reads the .yaml and .yml files of config_dir, and state_dir/applied, into ret; old gives last good forms and may
 * be NULL. Adds {"file","line","column","message"} to problems for every error. -errno: nothing was made.
 */
int sources_load(const char *config_dir, const char *state_dir, const struct sources *old,
		 json_t *problems, struct sources *ret);
void sources_done(struct sources *sources);

/* The policy of that name and its source; NULL: none. */
const struct policy *sources_find(const struct sources *sources, const char *name,
				  const struct source **ret_source);

/* Does a selector ask for more of containers than their ids? */
bool sources_ask_identity(const struct sources *sources);

/* Adds or replaces / removes one applied policy, in memory. Takes nothing over. */
int sources_put(struct sources *sources, const struct policy *policy);
int sources_drop(struct sources *sources, const char *name);

/* A copy that shares nothing. */
int sources_copy(const struct sources *from, struct sources *ret);

/* Saves an applied policy to state_dir/applied/NAME.yaml, whole or not at all; removes it. */
int applied_save(const char *state_dir, const struct policy *policy);
int applied_remove(const char *state_dir, const char *name);

/* {"file","line","column","message"[,"hint","source_line"]}; NULL: no memory. */
json_t *problem_new(const char *file, struct policy_pos pos, const char *message, const char *hint,
		    const char *source_line);

#endif
