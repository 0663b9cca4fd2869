/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/arguments.h"

#include <stdio.h>
#include <string.h>

#include "base/nearest.h"

static void tell_unknown(struct arguments *a, const char *key)
{
	const char *near = nearest_word(key, strlen(key), a->known);
	size_t len;

	snprintf(a->wrong, sizeof(a->wrong), "unknown parameter \"%.64s\"%s%s%s this path takes %s",
		 key, near ? ", did you mean " : ";", near ?: "", near ? "?" : "",
		 *a->known ? "" : "none");
	for (size_t i = 0; a->known[i]; i++) {
		len = strlen(a->wrong);
		snprintf(a->wrong + len, sizeof(a->wrong) - len, "%s%s", i ? ", " : "",
			 a->known[i]);
	}
}

void arguments_note(struct arguments *a, const char *key, const char *value)
{
	size_t i = 0;

	if (*a->wrong)
		return;
	while (a->known[i] && strcmp(a->known[i], key) != 0)
		i++;
	if (!a->known[i])
		tell_unknown(a, key);
	else if (!value)
		snprintf(a->wrong, sizeof(a->wrong), "%s: a value is needed, as in %s=...", key,
			 key);
	else if (a->seen & 1U << i)
		snprintf(a->wrong, sizeof(a->wrong), "%s: it is given twice", key);
	a->seen |= 1U << i;
}
