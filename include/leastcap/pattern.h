/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Patterns of names: one matcher for both sides.
 *	*	any characters, none too
 *	?	one character
 *	[ab]	one of these; [a-z] one of this range, [!a-z] none of it. ASCII only; "]" in the first place is itself
 * Nothing else is special: "\" is a character of unit names. What the parser lets through has its brackets closed and
 * short; what has not matches nothing.
 *
 * Two pointers and the last star: a mismatch gives that star one character more. No recursion, and no more than
 * strlen(pattern) * strlen(text) steps, whatever a container calls itself. The kernel side takes the steps one by one,
 * in bpf_loop().
 */
#ifndef LEASTCAP_PATTERN_H
#define LEASTCAP_PATTERN_H

#include <stdbool.h>

#include <linux/types.h>

/* Members of a set, ranges count one, and its end. */
#define LEASTCAP_SET_MAX 32

#ifdef __bpf__
/* Room for a pattern, and for a text, on the kernel side: a power of two, so that a mask bounds an index. */
#define LEASTCAP_PATTERN_LEN 256
#define leastcap_pattern_at(s, i)                            \
	({                                                   \
		__u32 at_ = (i);                             \
		__asm__ volatile("" : "+r"(at_));            \
		(__u8)(s)[at_ & (LEASTCAP_PATTERN_LEN - 1)]; \
	})
#else
#define leastcap_pattern_at(s, i) ((__u8)(s)[i])
#endif

/* How far a match is; all zero: at the beginning. */
struct leastcap_match {
	__u32 pattern, text; /* what is compared next */
	__u32 star; /* behind the last star; 0: none */
	__u32 star_text; /* where what it takes ends */
};

enum leastcap_match_step {
	LEASTCAP_MATCH_NO,
	LEASTCAP_MATCH_YES,
	LEASTCAP_MATCH_MORE, /* take another step */
};

/* A byte in the midst of a UTF-8 character. */
static inline bool leastcap_within_character(__u8 c)
{
	return (c & 0xc0) == 0x80;
}

/* *at: behind the "[". It is moved behind the "]". */
static inline bool leastcap_set_has(const char *pattern, __u32 *at, __u8 c)
{
	__u32 i = *at;
	bool inverted = leastcap_pattern_at(pattern, i) == '!', has = false;

	i += inverted;
	for (__u32 n = 0; n < LEASTCAP_SET_MAX; n++) {
		__u8 from = leastcap_pattern_at(pattern, i), to = from, next;

		if (from == '\0')
			return false;
		if (from == ']' && n > 0) {
			*at = i + 1;
			return has != inverted;
		}
		i++;
		if (leastcap_pattern_at(pattern, i) == '-') {
			next = leastcap_pattern_at(pattern, i + 1);
			if (next != '\0' && next != ']') {
				to = next;
				i += 2;
			}
		}
		has = has || (c >= from && c <= to);
	}
	return false;
}

/* The pattern ends with a NUL, the text after len bytes. path: "/" is matched by nothing but itself. */
static inline enum leastcap_match_step leastcap_match_step(struct leastcap_match *m,
							   const char *pattern, const char *text,
							   __u32 len, bool path)
{
	__u8 want = leastcap_pattern_at(pattern, m->pattern), c;
	__u32 next = m->pattern + 1;
	bool fits;

	if (want == '*') {
		m->pattern = m->star = next;
		m->star_text = m->text;
		return LEASTCAP_MATCH_MORE;
	}
	if (m->text >= len)
		return want == '\0' ? LEASTCAP_MATCH_YES : LEASTCAP_MATCH_NO;
	c = leastcap_pattern_at(text, m->text);
	if (want == '?' || want == '[') {
		fits = !leastcap_within_character(c) && !(path && c == '/') &&
		       (want == '?' || leastcap_set_has(pattern, &next, c));
		/* The rest of the character. */
		for (__u32 i = 0; fits && i < 3; i++) {
			if (m->text + 1 < len &&
			    leastcap_within_character(leastcap_pattern_at(text, m->text + 1)))
				m->text++;
		}
	} else {
		fits = want != '\0' && want == c;
	}
	if (fits) {
		m->pattern = next;
		m->text++;
		/* A star stays in its component. */
		if (path && c == '/')
			m->star = 0;
		return LEASTCAP_MATCH_MORE;
	}
	if (!m->star || (path && leastcap_pattern_at(text, m->star_text) == '/'))
		return LEASTCAP_MATCH_NO;
	m->pattern = m->star;
	m->text = ++m->star_text;
	return LEASTCAP_MATCH_MORE;
}

#ifndef __bpf__
/* Does the pattern fit the whole text, which ends after len bytes? */
static inline bool pattern_matches_len(const char *pattern, const char *text, __u32 len, bool path)
{
	struct leastcap_match m = {};
	enum leastcap_match_step step;

	do
		step = leastcap_match_step(&m, pattern, text, len, path);
	while (step == LEASTCAP_MATCH_MORE);
	return step == LEASTCAP_MATCH_YES;
}

static inline bool pattern_matches(const char *pattern, const char *text, bool path)
{
	__u32 len = 0;

	while (text[len])
		len++;
	return pattern_matches_len(pattern, text, len, path);
}
#endif

#endif
