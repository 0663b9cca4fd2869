/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Patterns of names and paths, as both sides match them:
 *	*	any characters, none too
 *	?	one character
 *	[ab]	one of these; [a-z] one of this range, [!a-z] none of it. ASCII only; "]" in the first place is itself
 * Nothing else is special: "\" is a character of unit names. User space compiles them (user/policy/pattern.c): the kernel
 * side has nothing to parse, which its verifier would have to follow through every set.
 *
 * One step after the other, without recursion: of several stars only the last has to take more. No more than
 * (elements of the pattern) x (bytes of the text) steps, whatever a container calls itself.
 */
#ifndef LEASTCAP_PATTERN_H
#define LEASTCAP_PATTERN_H

#include <linux/types.h>

/* Elements and the end; a power of two, so that a mask bounds an index. */
#define LEASTCAP_PATTERN_LEN 256
#define LEASTCAP_PATTERN_SETS 16

enum leastcap_element {
	LEASTCAP_ELEMENT_END = 0,
	LEASTCAP_ELEMENT_BYTE,
	LEASTCAP_ELEMENT_ANY, /* one character of UTF-8 */
	LEASTCAP_ELEMENT_STAR, /* any number of them */
	LEASTCAP_ELEMENT_SET, /* one that is in a set */
};

struct leastcap_pattern {
	__u16 elements
		[LEASTCAP_PATTERN_LEN]; /* enum leastcap_element << 8 | byte, or number of the set */
	__u64 sets[LEASTCAP_PATTERN_SETS][4]; /* byte n is bit n */
	__u32 path; /* "/" is matched by nothing but itself */
	__u32 pad;
};

/* How far a match is; all zero: at the beginning. */
struct leastcap_match {
	__u32 element, text; /* what is compared next */
	__u32 star; /* behind the last star; 0: none */
	__u32 star_text; /* where what it takes ends */
	__u32 within; /* the bytes of a character have to be passed over */
};

enum leastcap_match_step {
	LEASTCAP_MATCH_MORE, /* take another step */
	LEASTCAP_MATCH_YES,
	LEASTCAP_MATCH_NO,
};

/* A byte in the midst of a UTF-8 character. */
static inline int leastcap_within_character(__u8 c)
{
	return (c & 0xc0) == 0x80;
}

static inline int leastcap_element_fits(const struct leastcap_pattern *p, __u16 element, __u8 c)
{
	if (element >> 8 == LEASTCAP_ELEMENT_BYTE)
		return (element & 255) == c;
	if (leastcap_within_character(c) || (p->path && c == '/'))
		return 0;
	if (element >> 8 == LEASTCAP_ELEMENT_SET)
		return p->sets[element & (LEASTCAP_PATTERN_SETS - 1)][c >> 6] >> (c & 63) & 1;
	return element >> 8 == LEASTCAP_ELEMENT_ANY;
}

/*
 * c: the byte of the text at m->text, '\0' at its end. back: the one at m->star_text. Who calls reads them, and knows how
 * long the text is.
 */
static inline enum leastcap_match_step
leastcap_match_step(const struct leastcap_pattern *p, struct leastcap_match *m, __u8 c, __u8 back)
{
	__u16 element = p->elements[m->element & (LEASTCAP_PATTERN_LEN - 1)];

	if (m->within && leastcap_within_character(c)) {
		m->text++;
		return LEASTCAP_MATCH_MORE;
	}
	m->within = 0;
	if (element >> 8 == LEASTCAP_ELEMENT_STAR) {
		m->element++;
		m->star = m->element;
		m->star_text = m->text;
		return LEASTCAP_MATCH_MORE;
	}
	if (!c)
		return element ? LEASTCAP_MATCH_NO : LEASTCAP_MATCH_YES;
	if (leastcap_element_fits(p, element, c)) {
		m->within = element >> 8 != LEASTCAP_ELEMENT_BYTE;
		m->element++;
		m->text++;
		/* A star stays in its component. */
		if (p->path && c == '/')
			m->star = 0;
		return LEASTCAP_MATCH_MORE;
	}
	/* The star takes one more, and what is behind it begins anew. */
	if (!m->star || (p->path && back == '/'))
		return LEASTCAP_MATCH_NO;
	m->star_text++;
	m->text = m->star_text;
	m->element = m->star;
	return LEASTCAP_MATCH_MORE;
}

#endif
