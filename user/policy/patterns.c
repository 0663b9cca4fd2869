/* SPDX-License-Identifier: GPL-2.0-only */
/* Words and patterns of selectors: whether they are well formed. What they mean is in <leastcap/pattern.h>. */
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "policy/internal.h"
#include "policy/pattern.h"

bool is_pattern(const char *text)
{
	return text[strcspn(text, "*?[")] != '\0';
}

bool text_is_clean(struct parse *p, const char *key, const struct node *node)
{
	for (size_t i = 0; i < node->len;) {
		bool safe;
		size_t n = utf8_next(node->text + i, node->len - i, &safe);

		if (!safe) {
			complain(p, node->pos, NULL, "%s: control character in %s", key,
				 quote(node).text);
			return false;
		}
		i += n;
	}
	return true;
}

bool word_is_good(struct parse *p, const char *key, const struct node *node)
{
	if (node->kind == NODE_SCALAR && !node->null && node->len > 0)
		return text_is_clean(p, key, node);
	complain(p, node->pos, NULL, "%s: a name is expected", key);
	return false;
}

/* What is wrong with a set. */
struct wrong {
	const char *what, *hint; /* what: NULL: nothing */
	const char *end; /* then: behind the set */
};

/* One member of a set, from `c` to `to`. */
static struct wrong member_check(const char *c, char to, bool path)
{
	if ((*c | to) & 0x80)
		return (struct wrong){.what = "a set has ASCII characters only",
				      .hint = "\"?\" is any character"};
	if (path && (*c == '/' || to == '/'))
		return (struct wrong){.what = "\"/\" cannot be in a set",
				      .hint = "a set is in one component"};
	if (*c == '[' && c[1] != '\0' && strchr(":.=", c[1]))
		return (struct wrong){.what = "classes of characters are not supported",
				      .hint = "write a range, as in [a-z]"};
	if (to < *c)
		return (struct wrong){.what = "a range is the wrong way round",
				      .hint = "as in [a-z]"};
	return (struct wrong){};
}

/* set: behind the "[". */
static struct wrong set_check(const char *set, bool path)
{
	const char *c = set + (*set == '!');

	if (*set == '^')
		return (struct wrong){.what = "\"^\" does not invert a set",
				      .hint = "write [!...]"};
	for (size_t n = 0; n == 0 || *c != ']'; n++) {
		bool range = *c && c[1] == '-' && c[2] && c[2] != ']';
		struct wrong wrong = member_check(c, range ? c[2] : *c, path);

		if (!*c)
			return (struct wrong){.what = "a \"[\" has no \"]\"",
					      .hint = "\"[[]\" is a \"[\" itself"};
		if (wrong.what)
			return wrong;
		c += range ? 3 : 1;
	}
	return (struct wrong){.end = c + 1};
}

bool pattern_is_good(struct parse *p, const char *key, const struct node *node, size_t max,
		     bool path)
{
	struct wrong wrong = {};
	unsigned int sets = 0;

	if (node->len > max) {
		complain(p, node->pos, NULL, "%s: longer than %zu bytes", key, max);
		return false;
	}
	for (const char *c = node->text; !wrong.what && (c = strchr(c, '[')); c = wrong.end) {
		wrong = set_check(c + 1, path);
		if (!wrong.what && ++sets > LEASTCAP_PATTERN_SETS)
			wrong.what = "more than 16 sets in one pattern";
	}
	if (wrong.what)
		complain(p, node->pos, wrong.hint, "%s: %s: %s", key, quote(node).text, wrong.what);
	return !wrong.what;
}
