/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy language: YAML text -> model. Pure: no I/O beyond the buffer it is given (it is fuzzed).
 * All errors of a file are found at once, each with its place and the nearest right word.
 */
#ifndef LEASTCAP_POLICY_H
#define LEASTCAP_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include <leastcap/abi.h>

#include "base/cleanup.h"

/* A larger file is refused before it is parsed: no policy needs it. */
#define POLICY_FILE_MAX (1024 * 1024)

struct policy_pos {
	unsigned int line; /* from 1; 0: the file as a whole */
	unsigned int column; /* from 1, in characters */
	unsigned int last_line; /* where a key's value, or a policy, ends; else 0 */
};

/*
 * The order in which selectors win, the only one: where several policies select one subject, the smaller number has it.
 * One thing is more specific than a set, a name more than properties, what the subject is more than where it is.
 */
enum selector_kind {
	SELECT_CONTAINER_ID, /* container: { id: 64 hex digits or a prefix of at least 12 }, whatever else it asks for */
	SELECT_CONTAINER_NAME, /* container: with a name, whatever else it asks for */
	SELECT_POD, /* pod: { namespace, name, container } */
	SELECT_CONTAINER, /* container: by image, labels, runtime */
	SELECT_UNIT, /* unit: "nginx.service": a full unit name */
	SELECT_CGROUP, /* cgroup: "/system.slice/foo": path below the cgroup2 root */
	SELECT_UNIT_PATTERN, /* unit: "web-*.service"; "getty@.service" is "getty@*.service" */
	SELECT_USER_UNIT, /* unit: { user, name }: a unit of a user's own manager */
	SELECT_CGROUP_PATTERN, /* cgroup: "/system.slice/web-*": by components */
	SELECT_ANY_CONTAINER, /* any: container */
};

struct selector_label {
	char *name;
	char *value; /* a pattern */
};

/*
 * All that is asked for must fit. What is a pattern is one of <leastcap/pattern.h>; policy/match.h tells whether it fits.
 * All zero: a selector that came to nothing.
 */
struct selector {
	enum selector_kind kind;
	char *value; /* id, unit, path, or their pattern; NULL: of another kind */
	char *name, *image, *runtime; /* of containers: patterns; NULL, here and below: not asked */
	struct selector_label *labels; /* by name */
	size_t n_labels;
	char *pod_namespace, *pod, *pod_container; /* patterns */
	char *user; /* whose manager a unit is of: a pattern of user ids */
	struct policy_pos pos;
};

enum policy_list {
	POLICY_LIST_UNIX,
	POLICY_LIST_CONNECT,
	POLICY_LIST_FAMILIES,
	POLICY_LIST_FS_DENY,
	POLICY_LIST_FS_READ_ONLY,
};

/* Where an entry of a list is written. */
struct entry_place {
	enum policy_list list;
	uint32_t entry; /* which; of families their number */
	struct policy_pos pos;
};

/* What the rules with lists are about. All of it is empty where there is no such rule. */
struct policy_lists {
	uint32_t flags; /* LEASTCAP_LIST_* */
	uint64_t families; /* refused: address family n is bit n */
	char **fs_deny; /* names of file system types, NULL-terminated; NULL: none */
	char **fs_read_only;
	char **unix_names; /* exceptions from the default: paths, "@name" for abstract ones; NULL-terminated */
	struct leastcap_destination *destinations; /* policy is 0 in them */
	struct leastcap_destination_rule *destination_rules; /* as many */
	size_t n_destinations;
	struct entry_place
		*places; /* of entries that are written; not of those that a word stands for */
	size_t n_places;
};

/* Where capabilities are written. */
struct capability_places {
	struct policy_pos pos
		[64]; /* of those that are allowed; the place of the base's name where that has them */
	uint64_t of_base;
	char *base; /* NULL: none */
	char *base_file; /* where it is defined; NULL: it is built in */
	struct policy_pos base_pos;
};

/* The policy of containers that no policy selects, where some are selected by what they are called. No file can have it. */
#define POLICY_UNSELECTED "(none)"

struct policy {
	char *name; /* [a-zA-Z0-9][a-zA-Z0-9._-]*, shorter than LEASTCAP_NAME_LEN */
	char *file; /* where it is written, if that is another file than the set's: an included one; else NULL */
	enum leastcap_mode mode; /* in force; the parser's */
	enum leastcap_mode written; /* where `overridden`: what the policy says, and is saved */
	bool overridden;
	uint64_t allow; /* capability n is bit n; LEASTCAP_ALL for "all" */
	struct selector *selectors;
	size_t n_selectors; /* 0 is allowed: a policy that is used by `leastcap run --policy` only */
	struct policy_pos pos; /* of the name */
	struct policy_pos capabilities_pos; /* of the rule */
	struct capability_places places;
	uint32_t deny; /* rules to enforce, enum leastcap_rule is the bit; `mode` is not in it */
	uint32_t would; /* rules to audit */
	uint32_t optional; /* rules that may be left out where this kernel cannot hold them */
	struct policy_lists lists;
	struct policy_pos rule_pos[LEASTCAP_RULES]; /* of the rules in deny or would */
};

struct policy_set {
	char *file; /* as it was named by the caller */
	struct policy *policies; /* unique names; those of included files come first */
	size_t n_policies;
};

struct policy_error {
	struct policy_pos pos;
	char *file; /* an included file that has it; NULL: the file itself */
	char *message; /* one line, control characters escaped */
	char *hint; /* "did you mean NET_ADMIN?"; NULL: none */
	char *source_line; /* of the text; NULL: none. Of a long one what is around the place, see source_line() */
};

struct policy_errors {
	struct policy_error *errors; /* in the order of their places */
	size_t n_errors;
};

/* A file that was read. */
struct policy_text {
	char **paths; /* by which it is included, NULL-terminated; the first is its name */
	char *text; /* NUL-terminated */
	size_t len;
};

/* A file and all that it includes, for who cannot read them where they lie. The file itself is the first. */
struct policy_texts {
	struct policy_text *items;
	size_t n;
};

/* What reading files came across, for who watches them, or hands them on. */
struct policy_reads {
	uint64_t hash; /* of all names and contents: it differs where anything has changed */
	char **folders; /* where they are, or would be, and where their symbolic links lead; once each */
	size_t n_folders;
	bool includes; /* does a file say so? It may come to nothing. */
	bool keep; /* the caller's: are texts wanted? */
	bool only_files; /* the caller's: nothing else is to be opened, a FIFO, say: an error, -EISDIR or -EINVAL */
	struct policy_texts texts;
};

/*
 * Parses a policy file that stands alone: it can include none. 0: *ret is a whole, valid set. -EINVAL: errs says why
 * (at least one error), *ret is untouched. -ENOMEM. errs is overwritten, whatever it held. `file` is a name for
 * messages only. text need not be NUL-terminated and may hold anything.
 */
int policy_parse(const char *file, const char *text, size_t len, struct policy_set **ret,
		 struct policy_errors *errs);

/*
 * Reads a file with a limit of POLICY_FILE_MAX, and those it includes, and parses them. -errno of open/read: errs has one
 * error that says so. reads: gets what is read, also after an error; may be NULL.
 */
int policy_parse_file(const char *path, struct policy_reads *reads, struct policy_set **ret,
		      struct policy_errors *errs);

/*
 * Parses what somebody else has read: the first text, and of the others what it includes, by their paths. They count as
 * files of root's. As policy_parse().
 */
int policy_parse_texts(const struct policy_texts *texts, struct policy_set **ret,
		       struct policy_errors *errs);

/* {"files":[{"paths":[...],"text":...}]}, 1,024 paths at most. NULL: no memory, or a path is no UTF-8. */
json_t *policy_texts_to_json(const struct policy_texts *texts);

/* -EBADMSG: it is nothing of that form; -ENOMEM. ret is written on success only. */
int policy_texts_from_json(const char *json, size_t len, struct policy_texts *ret);

void policy_texts_done(struct policy_texts *texts);

/* The file that a policy is written in. */
const char *policy_file(const struct policy_set *set, const struct policy *policy);

/* Is it the name (without a folder) of a policy file? Others in a folder are passed over: editors leave some. */
bool policy_file_name(const char *name);

void policy_reads_done(struct policy_reads *reads);

struct policy_set *policy_set_free(struct policy_set *set); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(struct policy_set *, policy_set_free);

/*
 * Restrictions with their plain `deny` meaning join a policy: "mounts,sockets", or "all" for all eight. They replace
 * what it says of the same rules. 0; -EINVAL: *ret_error names the wrong word and the nearest right one, to be freed;
 * -ENOMEM: *ret_error is NULL. policy->lists are to be freed by policy_lists_done(), also after an error.
 */
int policy_deny_words(const char *list, struct policy *policy, char **ret_error);

/* The policy in its own language, written out in full: policy_parse() makes the same of it. NULL: no memory. */
json_t *policy_to_json(const struct policy *policy);

/* What it says of one rule: a word, or the long form with its lists. NULL: no memory. */
json_t *policy_rule_to_json(const struct policy *policy, enum leastcap_rule rule);

/* Where the entries of its lists are written: {"deny":[{"line","column"}|null]}, in the order of the above. */
json_t *policy_rule_places(const struct policy *policy, enum leastcap_rule rule);

/* Frees what a policy holds, and makes it empty. */
void policy_done(struct policy *policy);

/* Says where a policy is written; -ENOMEM. The name is made printable. */
int policy_name_file(struct policy *policy, const char *file);

/* A copy that shares nothing. ret is written on success only; -ENOMEM. */
int policy_copy(const struct policy *from, struct policy *ret);

/* ret is written on success only. */
int policy_lists_copy(const struct policy_lists *from, struct policy_lists *ret);

/* Frees what lists hold and makes them empty. */
void policy_lists_done(struct policy_lists *lists);

/*
 * One error more, of what the parser does not see: file (NULL: the file itself) and hint may be NULL. False: no memory, and
 * nothing was added.
 */
bool policy_errors_add(struct policy_errors *errs, struct policy_pos pos, const char *file,
		       const char *message, const char *hint);

/* Frees what an errs holds and makes it empty. */
void policy_errors_done(struct policy_errors *errs);

/* "file:line:column: error: message" + source line + caret + hint, for people. */
void policy_errors_print(const struct policy_errors *errs, const char *file, FILE *out);

/* Frees what a selector holds and makes it one that came to nothing. */
void selector_done(struct selector *selector);

/* ret is written on success only. */
int selector_copy(const struct selector *from, struct selector *ret);

/* A selector for messages and JSON: "unit: nginx.service", "container: name=web label tier=web". NULL: no memory. */
char *selector_to_text(const struct selector *selector);

#endif
