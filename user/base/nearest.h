/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEASTCAP_NEAREST_H
#define LEASTCAP_NEAREST_H

#include <stddef.h>

/* The word of a NULL-terminated list nearest to a mistyped one (case-blind edit distance, transpositions
 * count one); NULL when none is near enough to be meant. */
const char *nearest_word(const char *word, size_t len, const char *const *words);

#endif
