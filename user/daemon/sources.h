/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where policies come from: files of policies.d, and what was applied over the API, as policies in force or as shadows. A
 * source that has errors, or whose name leads to no file, keeps its last good form: from memory, over a restart from
 * STATE/last-good/. That of a file of policies.d is forgotten when its name is gone.
 */
#ifndef LEASTCAP_SOURCES_H
#define LEASTCAP_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <jansson.h>

#include "base/shadow.h"
#include "policy/policy.h"

/* Makes a policy its own shadow. -ENAMETOOLONG: its name has no room for the prefix; -ENOMEM. */
int policy_make_shadow(struct policy *policy);
#define SHADOW_NAME_MAX (LEASTCAP_NAME_LEN - 1 - strlen(LEASTCAP_SHADOW_PREFIX))

/*
 * What is named as the source of what was applied. Where it is written its policies know: in the file that was handed over, by the
 * name that came with it; those that a daemon finds when it starts in the file below STATE.
 */
#define SOURCES_API "api"

struct source {
	char *file; /* path; for applied ones SOURCES_API, unless nothing of it can be read */
	bool api;
	struct policy_set *set; /* the form in force; NULL: none */
	bool kept; /* that is the one that was good last, not the one that is there */
};

struct sources {
	struct source *items;
	size_t n;
};

/*
 * Reads the .yaml and .yml files of config_dir, and state_dir/applied, into ret; old gives last good forms and may
 * be NULL; reads gets what is read of config_dir, and may be NULL. Adds {"file","line","column","message"} to problems for every error. -errno: nothing was made.
 */
int sources_load(const char *config_dir, const char *state_dir, const struct sources *old,
		 struct policy_reads *reads, json_t *problems, struct sources *ret);
/* The form of a file that was good last: of `old`, which may be NULL, else of the daemon before. NULL: none. */
struct policy_set *sources_last_good(const struct sources *old, const char *state_dir,
				     const char *path);
/* They are in force: the next daemon may need them. Losing it costs only what a file that is broken by then would need. */
void sources_save_good(const struct sources *sources, const char *state_dir);
/* What there is to read of config_dir, and nothing else: a look. ret is written on success only. */
int sources_look(const char *config_dir, struct policy_reads *ret);
void sources_done(struct sources *sources);

/* The policy of that name and its source; NULL: none. */
const struct policy *sources_find(const struct sources *sources, const char *name,
				  const struct source **ret_source);

/* The file of policies.d, or one that it includes, that defines that policy. NULL: none. */
const char *sources_file_of(const struct sources *sources, const char *name);
/* The name of a policy, or of one that has a shadow, that is meant by a mistyped one. NULL: none is near enough. */
const char *sources_nearest(const struct sources *sources, const char *name, bool shadow);

/* Does a selector ask for more of containers than their ids? */
bool sources_ask_identity(const struct sources *sources);

/* One more, last. Takes set over, also on failure. */
int sources_append(struct sources *sources, const char *file, bool api, struct policy_set *set);

/* Adds or replaces / removes one applied policy, in memory. Takes nothing over. */
int sources_put(struct sources *sources, const struct policy *policy);
int sources_drop(struct sources *sources, const char *name);

/* Takes a policy out of the file that defines it, in memory: for a dry run of what that file could become. */
void sources_hide(struct sources *sources, const char *name);

/* Where a policy of it is written: in `file`, unless that is NULL. */
const char *source_shown(const struct source *source, const char *file);

/* Is it the applied policy of that name? One that cannot be read has the name of its file. */
bool source_is_applied(const struct source *source, const char *name);

/* Is there an applied policy of that name whose file cannot be read? */
bool sources_broken(const struct sources *sources, const char *name);

/* A copy that shares nothing; NULL: no memory. */
struct policy_set *policy_set_copy(const struct policy_set *from);
int sources_copy(const struct sources *from, struct sources *ret);

/* {"file","line","column","message"[,"hint","source_line"]}; NULL: no memory. */
json_t *problem_new(const char *file, struct policy_pos pos, const char *message, const char *hint,
		    const char *source_line);

#endif
