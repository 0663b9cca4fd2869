/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy language: YAML text -> model. Pure: no I/O beyond the buffer it is given (it is fuzzed).
 * All errors of a file are found at once, each with its place and the nearest right word.
 */
#ifndef LEASTCAP_POLICY_H
#define LEASTCAP_POLICY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <leastcap/abi.h>

#include "base/cleanup.h"

/* A larger file is refused before it is parsed: no policy needs it. */
#define POLICY_FILE_MAX (1024 * 1024)

struct policy_pos {
	unsigned int line; /* from 1; 0: the file as a whole */
	unsigned int column; /* from 1, in characters */
};

enum selector_kind {
	SELECT_CONTAINER_ID, /* container: { id: 64 hex digits or a prefix of at least 12 } */
	SELECT_UNIT, /* unit: "nginx.service": a full unit name */
	SELECT_CGROUP, /* cgroup: "/system.slice/foo": path below the cgroup2 root */
	SELECT_ANY_CONTAINER, /* any: container */
};

struct selector {
	enum selector_kind kind;
	char *value; /* NULL for SELECT_ANY_CONTAINER */
	struct policy_pos pos;
};

struct policy {
	char *name; /* [a-zA-Z0-9][a-zA-Z0-9._-]*, shorter than LEASTCAP_NAME_LEN */
	enum leastcap_mode mode;
	uint64_t allow; /* capability n is bit n; LEASTCAP_ALL for "all" */
	struct selector *selectors;
	size_t n_selectors; /* 0 is allowed: a policy that is used by `leastcap run --policy` only */
	struct policy_pos pos; /* of the name */
	struct policy_pos capabilities_pos; /* of the rule */
};

struct policy_set {
	char *file; /* as it was named by the caller */
	struct policy *policies; /* unique names */
	size_t n_policies;
};

struct policy_error {
	struct policy_pos pos;
	char *message; /* one line, control characters escaped */
	char *hint; /* "did you mean NET_ADMIN?"; NULL: none */
	char *source_line; /* of the text, for a caret line; NULL: none. At most 200 characters */
};

struct policy_errors {
	struct policy_error *errors; /* in the order of their places */
	size_t n_errors;
};

/*
 * Parses a policy file. 0: *ret is a whole, valid set. -EINVAL: errs says why (at least one error), *ret is
 * untouched. -ENOMEM. errs is overwritten, whatever it held. `file` is a name for messages only. text need not
 * be NUL-terminated and may hold anything.
 */
int policy_parse(const char *file, const char *text, size_t len, struct policy_set **ret,
		 struct policy_errors *errs);

/* Reads a file with a limit of POLICY_FILE_MAX and parses it. -errno of open/read: errs has one error that says so. */
int policy_parse_file(const char *path, struct policy_set **ret, struct policy_errors *errs);

struct policy_set *policy_set_free(struct policy_set *set); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(struct policy_set *, policy_set_free);

/* Frees what an errs holds and makes it empty. */
void policy_errors_done(struct policy_errors *errs);

/* "file:line:column: error: message" + source line + caret + hint, for people. */
void policy_errors_print(const struct policy_errors *errs, const char *file, FILE *out);

/* Names of a selector for messages and JSON: "unit: nginx.service". To be freed; NULL: no memory. */
char *selector_to_text(const struct selector *selector);

#endif
