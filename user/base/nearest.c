/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/nearest.h"

#include <ctype.h>
#include <string.h>

/* Longer words are not typing errors of anything in a list. */
#define WORD_MAX 40

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

/* Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours count one each. */
static unsigned int distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned int rows[3][WORD_MAX + 1];
	unsigned int *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_len; j++)
		above[j] = (unsigned int)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned int *oldest = before;

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= b_len; j++) {
			int x = tolower((unsigned char)a[i - 1]);
			int y = tolower((unsigned char)b[j - 1]);

			row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
			    tolower((unsigned char)a[i - 2]) == y && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = above;
		above = row;
		row = oldest;
	}
	return above[b_len];
}

const char *nearest_word(const char *word, size_t len, const char *const *words)
{
	const char *best = NULL;
	unsigned int limit, best_distance;

	if (len == 0 || len > WORD_MAX)
		return NULL;
	/* A third of the letters may be wrong, at most three; one in short words. */
	limit = (unsigned int)len / 3;
	limit = limit < 1 ? 1 : limit > 3 ? 3 : limit;
	best_distance = limit + 1;
	for (; *words; words++) {
		size_t n = strlen(*words);
		unsigned int d;

		if (n > WORD_MAX || n + limit < len || len + limit < n)
			continue;
		d = distance(word, len, *words, n);
		/* All letters wrong is another word: "a" is not meant to be "b". */
		if (d < best_distance && d < n && d < len) {
			best_distance = d;
			best = *words;
		}
	}
	return best;
}
