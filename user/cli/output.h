/* SPDX-License-Identifier: GPL-2.0-only */
/* Output for people and for programs. Names and paths come from the watched side: nothing is printed raw. */
#ifndef LEASTCAP_CLI_OUTPUT_H
#define LEASTCAP_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <jansson.h>

#include "base/cleanup.h"

/* Prints one object and a newline: indented on a terminal, else in one line. Returns an exit status. */
int out_json(const json_t *json);

/*
 * Writes a text to where the user wants it: NULL and "-" are standard output; else see file_replace(). Logs. Returns an exit
 * status.
 */
int out_text(const char *path, const char *text, mode_t mode);

/* Could it be, as far as that can be known before? Logs. Returns an exit status. */
int out_try(const char *path);

/* A printable copy (base/escape.h). To be freed; NULL: no memory. */
char *out_printable(const char *text);

/* A printable copy of object[key], "" when there is no such string. To be freed. */
char *out_member(const json_t *object, const char *key);

/* What a process is called, which it chooses: like out_member(), and in quotes where it has anything like the rest of a line. */
char *out_name(const json_t *process, const char *key);

/* object[key] as a number; 0 when there is none. */
json_int_t out_number(const json_t *object, const char *key);

/* Columns of the terminal on stdout, at least 80; without one, $COLUMNS; 0: nothing is cut or wrapped. */
unsigned int out_columns(void);

/* "label:  word, word, ..." with wrapped lines below the first word; "none" for an empty array. */
void out_words(const char *label, const json_t *words);

/* Prints a line; where width is limited, a long one goes on at indent, which is where the cursor is. */
void out_wrapped(unsigned int indent, const char *line);

/* Lines that are to be copied: each made printable for itself, none wrapped. */
void out_block(const char *text);

/* ", mode audit (leastcap mode)": what a policy's answer says of a mode that it does not say itself, to be freed; "": it does. */
char *out_override(const json_t *policy);

/* A line that says that nothing is enforced, for how long, and why; nothing where json is null. */
void out_disarmed(const json_t *json);

/*
 * Prints a text, made printable, as wide as it may be, blanks behind it, and one more. What is too wide is cut: of a path the end
 * counts, of a name both ends: replicas differ in the last letters.
 */
void out_cell(const char *text, size_t columns);

enum table_cut {
	TABLE_KEEP, /* never cut */
	TABLE_CUT_END, /* a name: its beginning counts */
	TABLE_CUT_START, /* a path: its end counts */
};

struct table_column {
	const char *head;
	enum table_cut cut;
	bool right; /* a number */
};

struct table;

struct table *table_new(const struct table_column *columns, size_t n_columns);
struct table *table_free(struct table *t); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(struct table *, table_free);

/* Adds a row; cells are copied and made printable. -ENOMEM. */
int table_add(struct table *t, const char *const *cells);
void table_print(const struct table *t);

#endif
