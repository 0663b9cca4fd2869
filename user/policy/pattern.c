/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/pattern.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void set_add(__u64 set[4], unsigned int from, unsigned int to)
{
	for (unsigned int c = from; c <= to; c++)
		set[c >> 6] |= 1ULL << (c & 63);
}

/* What is between the brackets. Returns what is behind them; NULL: wrong. */
static const char *set_compile(const char *p, __u64 set[4])
{
	bool inverted = *p == '!';
	const char *first;

	p += inverted;
	first = p;
	/* A bracket that comes first stands for itself. */
	while (*p && (*p != ']' || p == first)) {
		unsigned char from = (unsigned char)*p++, to = from;

		if (p[0] == '-' && p[1] && p[1] != ']') {
			to = (unsigned char)p[1];
			p += 2;
		}
		if (to < from)
			return NULL;
		set_add(set, from, to);
	}
	if (*p != ']')
		return NULL;
	for (int i = 0; inverted && i < 4; i++)
		set[i] = ~set[i];
	return p + 1;
}

int pattern_compile(const char *text, bool path, struct leastcap_pattern *ret)
{
	struct leastcap_pattern p = {.path = path};
	unsigned int n = 0, sets = 0;

	while (*text) {
		unsigned int kind = LEASTCAP_ELEMENT_BYTE, value = (unsigned char)*text;

		if (n == PATTERN_MAX)
			return -E2BIG;
		if (*text == '*' || *text == '?') {
			kind = *text == '*' ? LEASTCAP_ELEMENT_STAR : LEASTCAP_ELEMENT_ANY;
			value = 0;
		}
		if (*text++ == '[') {
			if (sets == LEASTCAP_PATTERN_SETS)
				return -E2BIG;
			text = set_compile(text, p.sets[sets]);
			if (!text)
				return -EINVAL;
			kind = LEASTCAP_ELEMENT_SET;
			value = sets++;
		}
		/* Two stars are one. */
		if (kind == LEASTCAP_ELEMENT_STAR && n &&
		    p.elements[n - 1] >> 8 == LEASTCAP_ELEMENT_STAR)
			continue;
		p.elements[n++] = (__u16)(kind << 8 | value);
	}
	*ret = p;
	return 0;
}

bool pattern_fits(const struct leastcap_pattern *pattern, const char *text, size_t len)
{
	struct leastcap_match m = {};
	enum leastcap_match_step step;

	do
		step = leastcap_match_step(pattern, &m, m.text < len ? (__u8)text[m.text] : 0,
					   m.star_text < len ? (__u8)text[m.star_text] : 0);
	while (step == LEASTCAP_MATCH_MORE);
	return step == LEASTCAP_MATCH_YES;
}

bool pattern_matches_len(const char *pattern, const char *text, size_t len, bool path)
{
	struct leastcap_pattern p;

	return !pattern_compile(pattern, path, &p) && pattern_fits(&p, text, len);
}

bool pattern_matches(const char *pattern, const char *text, bool path)
{
	return pattern_matches_len(pattern, text, strlen(text), path);
}

/* A unit that is below `root`, in up to so many slices less one. */
static int paths_below(const char *root, const char *unit,
		       struct leastcap_pattern ret[PATTERN_UNIT_PATHS])
{
	char text[2 * PATTERN_MAX + PATTERN_UNIT_PATHS * sizeof("*.slice/") + 1];
	int n;

	snprintf(text, sizeof(text), "%s/", root);
	for (n = 0; n < PATTERN_UNIT_PATHS; n++) {
		size_t len = strlen(text);
		int err;

		snprintf(text + len, sizeof(text) - len, "%s", unit);
		err = pattern_compile(text, true, &ret[n]);
		/* Too long only with one slice more: so is the path. */
		if (err)
			return err == -E2BIG && n ? n : err;
		snprintf(text + len, sizeof(text) - len, "*.slice/");
	}
	return n;
}

int pattern_unit_paths(const char *unit, struct leastcap_pattern ret[PATTERN_UNIT_PATHS])
{
	return paths_below("", unit, ret);
}

int pattern_user_unit_paths(const char *user, const char *unit,
			    struct leastcap_pattern ret[PATTERN_UNIT_PATHS])
{
	char root[PATTERN_MAX];
	int len = snprintf(root, sizeof(root), "/user.slice/user-%s.slice/user@%s.service", user,
			   user);

	return len >= (int)sizeof(root) ? -E2BIG : paths_below(root, unit, ret);
}
