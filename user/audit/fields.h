/* SPDX-License-Identifier: GPL-2.0-only */
/* An event as a flat list of fields, for those who know no objects. */
#ifndef LEASTCAP_FIELDS_H
#define LEASTCAP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

/* A member of the event, or of an object in it (NULL: none), and what its field is called. */
struct field {
	const char *name, *object, *key;
};

/*
 * Calls put for each member that the event has, in the order of the table: a text as it is, hostile; a number in decimal; a
 * list or an object as JSON. What is null or true or false has no field.
 */
void fields_put(FILE *f, const json_t *event, const struct field *fields, size_t n,
		void (*put)(FILE *f, const char *name, const char *value, bool number));

#endif
