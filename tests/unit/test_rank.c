/* SPDX-License-Identifier: GPL-2.0-only */
/* Which selector counts, whether two patterns have a text in common, and who cannot be chosen between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mistakes.h"
#include "policies.h"
#include "policy/match.h"
#include "policy/pattern.h"
#include "policy/ties.h"

#define ID "0123456789ab"

static struct policy_set *selecting(const char *selector)
{
	char rules[512];

	snprintf(rules, sizeof(rules), "select: [%s]", selector);
	return good_rules(rules);
}

static struct selector_rank rank_of(const char *selector)
{
	struct policy_set *set = selecting(selector);
	struct selector_rank rank = selector_rank(&set->policies[0].selectors[0]);

	policy_set_free(set);
	return rank;
}

/* From the most exact to the least; those on one line are equal. */
static const char *const order[][3] = {
	{"container: { id: " ID ", name: \"a*\", runtime: docker }"},
	{"container: { id: " ID ", name: a }"},
	{"container: { id: " ID "cdef }", "container: { id: " ID " }"},
	{"container: { name: \"a*\", image: b }"},
	{"container: { name: abc }", "container: { name: xyz }"},
	{"container: { name: ab }"},
	{"container: { name: \"a[xy]\" }"},
	{"container: { name: \"a?\" }"},
	{"container: { name: \"a*\" }", "container: { name: \"*b\" }"},
	{"container: { name: \"*a*\" }"},
	{"container: { name: \"*\" }"},
	{"pod: { namespace: \"*\", name: \"*\", container: \"*\" }"},
	{"pod: { namespace: prod, name: web }", "pod: { namespace: prod, container: web }"},
	{"pod: { namespace: production }"},
	{"container: { label: { a: \"*\", b: \"*\" } }"},
	{"container: { image: \"docker.io/library/nginx\" }"},
	{"container: { image: \"nginx:1.*\" }"},
	{"container: { image: nginx }", "container: { label: { longer: tiers } }",
	 "container: { image: redis }"},
	{"unit: abcd.service"},
	{"unit: a.service", "unit: b.service"},
	{"cgroup: /system.slice/a"},
	{"cgroup: /a/b", "cgroup: /b/a"},
	{"unit: \"web-*.service\"", "unit: \"*-web.service\""},
	{"unit: \"w*.service\""},
	{"cgroup: \"/a/b-*\""},
	{"cgroup: \"/a/*\""},
	{"any: container"},
};

static int sign(int n)
{
	return n < 0 ? -1 : n > 0;
}

static void the_order_is_the_one_that_is_documented(void **state)
{
	struct selector_rank ranks[ARRAY_SIZE(order)][3];

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		for (size_t k = 0; k < 3 && order[i][k]; k++)
			ranks[i][k] = rank_of(order[i][k]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(order); j++) {
			for (size_t k = 0; k < 3 && order[i][k]; k++) {
				int got = rank_compare(&ranks[i][k], &ranks[j][0]);

				if (sign(got) != (i < j ? -1 : i > j))
					fail_msg("%s, %s: %d", order[i][k], order[j][0], got);
			}
		}
	}
}

/* ---- patterns ---- */

#define TEXTS_MAX 800
#define PATTERNS_MAX 600

static void extend(char out[][16], size_t *n, const char *const *parts, size_t n_parts, int length)
{
	size_t from = 0, to = *n;

	for (int l = 0; l < length; l++) {
		for (size_t i = from; i < to; i++) {
			for (size_t k = 0; k < n_parts; k++)
				snprintf(out[(*n)++], sizeof(out[0]), "%s%s", out[i], parts[k]);
		}
		from = to;
		to = *n;
	}
}

/* All patterns of up to three elements, against all texts that could be the shortest that two of them have in common. */
static void overlaps_are_what_matching_says(void **state)
{
	static const char *const elements[] = {"a", "b", "/", "*", "?", "[ab]", "[!a]", "\xc3\xa9"};
	static const char *const letters[] = {"a", "b", "c", "/", "\xc3\xa9"};
	static char texts[TEXTS_MAX][16], patterns[PATTERNS_MAX][16];
	static bool fits[PATTERNS_MAX][TEXTS_MAX];
	size_t n_texts = 1, n_patterns = 1, overlapping = 0;

	extend(texts, &n_texts, letters, ARRAY_SIZE(letters), 4);
	extend(patterns, &n_patterns, elements, ARRAY_SIZE(elements), 3);
	assert_int_equal(n_texts, 781);
	assert_int_equal(n_patterns, 585);
	for (int path = 0; path < 2; path++) {
		for (size_t i = 0; i < n_patterns; i++) {
			for (size_t t = 0; t < n_texts; t++)
				fits[i][t] = pattern_matches(patterns[i], texts[t], path);
		}
		for (size_t i = 0; i < n_patterns; i++) {
			for (size_t j = 0; j <= i; j++) {
				bool want = false,
				     got = patterns_overlap(patterns[i], patterns[j], path);

				for (size_t t = 0; !want && t < n_texts; t++)
					want = fits[i][t] && fits[j][t];
				if (got != want ||
				    got != patterns_overlap(patterns[j], patterns[i], path))
					fail_msg("%s and %s, path %d: %d", patterns[i], patterns[j],
						 path, got);
				overlapping += got;
			}
		}
	}
	assert_true(overlapping > 1000);
}

static void long_patterns_overlap(void **state)
{
	char a[256] = "", b[256] = "";

	for (int i = 0; i < 127; i++) {
		strcat(a, "*a");
		strcat(b, "a*");
	}
	assert_true(patterns_overlap(a, b, false));
	strcpy(b + strlen(b) - 1, "b");
	assert_false(patterns_overlap(a, b, false));
	assert_true(patterns_overlap("web-*", "*-web", false));
	assert_false(patterns_overlap("/a/*", "/a/*/b", true));
	assert_true(patterns_overlap("/a/*", "/a/*/b", false));
	/* A character of several bytes is one "?", and no two. */
	assert_true(patterns_overlap("\xe2\x82\xac", "?", false));
	assert_false(patterns_overlap("\xe2\x82\xac", "??", false));
	assert_false(patterns_overlap("\xe2\x82\xac", "[ -~]", false));
}

/* ---- ties ---- */

static void selectors_overlap_that_fit_one_subject(void **state)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} pairs[] = {
		{"any: container", "any: container", true},
		{"container: { id: " ID " }", "container: { id: " ID "cd }", true},
		{"container: { id: " ID " }", "container: { id: 0123456789cd }", false},
		{"container: { name: \"a*\" }", "container: { name: \"*b\" }", true},
		{"container: { name: \"a*\" }", "container: { name: \"b*\" }", false},
		{"container: { name: \"a*\", image: x }", "container: { name: \"*b\", image: x }",
		 true},
		{"container: { name: \"a*\", image: x }", "container: { name: \"*b\", image: y }",
		 false},
		/* That is for the container to decide. */
		{"container: { image: a }", "container: { label: { a: a } }", false},
		{"container: { label: { a: a } }", "container: { label: { b: a } }", false},
		{"container: { label: { a: \"a*\" } }", "container: { label: { a: \"*a\" } }",
		 true},
		{"container: { label: { a: a } }", "container: { label: { a: b } }", false},
		{"pod: { name: \"a-*\" }", "pod: { name: \"*-a\" }", true},
		{"pod: { name: a }", "pod: { container: a }", false},
		{"unit: a.service", "unit: a.service", true},
		{"unit: a.service", "unit: b.service", false},
		{"unit: \"a@.service\"", "unit: \"a*@?.service\"", true},
		{"unit: \"a-*.service\"", "unit: \"a-*.scope\"", false},
		{"cgroup: \"/a/*\"", "cgroup: \"/*/a\"", true},
		{"cgroup: \"/a/*\"", "cgroup: \"/*/a/b\"", false},
		{"unit: a.service", "cgroup: /a.service", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct policy_set *a = selecting(pairs[i].a), *b = selecting(pairs[i].b);
		const struct selector *x = a->policies[0].selectors, *y = b->policies[0].selectors;

		if (selectors_overlap(x, y) != pairs[i].overlap ||
		    selectors_overlap(y, x) != pairs[i].overlap)
			fail_msg("%s, %s", pairs[i].a, pairs[i].b);
		policy_set_free(a);
		policy_set_free(b);
	}
}

#define TWO(a, b) BEGIN "  select: [" a "]\n- name: y\n  capabilities: all\n  select: [" b "]\n"

static void a_tie_in_a_file_is_a_mistake(void **state)
{
	static const struct mistake m[] = {
		{TWO("cgroup: \"/a/*b\"", "cgroup: \"/a/b*\""),
		 {"7:20 policies \"x\" and \"y\" both select what fits cgroup: /a/*b and cgroup: "
		  "/a/b*, neither more exactly; the first is at line 4, column 20 | one subject has "
		  "one policy: write one of them more exactly"}},
		{TWO("container: { image: \"web-*\" }", "container: { image: \"*-web\" }"),
		 {"7:32 policies \"x\" and \"y\" both select what fits container: image=web-* and "
		  "container: image=*-web, neither more exactly; the first is at line 4, column 32 | "
		  "one subject has one policy: write one of them more exactly"}},
	};

	check_mistakes(m, ARRAY_SIZE(m));
}

static void who_is_more_exact_is_no_tie(void **state)
{
	static const char *const files[] = {
		TWO("cgroup: \"/a/*\"", "cgroup: \"/a/b*\""),
		TWO("unit: \"a-*.service\"", "unit: \"a-b.service\""),
		TWO("container: { image: a }", "container: { label: { a: a } }"),
		TWO("container: { image: \"a*\" }",
		    "container: { image: \"a*\", runtime: docker }"),
		TWO("any: container", "container: { name: \"*\" }"),
		/* Both fit what lies in between, but one policy may say so. */
		BEGIN "  select: [cgroup: \"/a/*b\", cgroup: \"/a/b*\"]\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		policy_set_free(good(files[i]));
}

struct told {
	char text[256];
};

static void tell(const struct claim *first, const struct claim *second, void *ctx)
{
	struct told *told = ctx;
	size_t len = strlen(told->text);

	snprintf(told->text + len, sizeof(told->text) - len, "%s-%s ", first->policy->name,
		 second->policy->name);
}

/* Of several files: each that is too much is told once, whatever their order. */
static void each_tie_is_told_once(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "a"}, *const selectors[] = {
									      "unit: x.service",
									      "unit: x.service",
									      "unit: y.service",
									      "unit: x.service",
									      "unit: x.service"};
	struct policy policies[5];
	struct policy_set *sets[5];
	struct claim claims[5];
	struct told told = {};

	for (size_t i = 0; i < 5; i++) {
		sets[i] = selecting(selectors[i]);
		policies[i] = (struct policy){.name = (char *)names[i]};
		claims[i] = (struct claim){.selector = sets[i]->policies[0].selectors,
					   .policy = &policies[i],
					   .file = "f"};
	}
	assert_int_equal(ties_find(claims, 5, tell, &told, NULL), 0);
	/* The second "a" is the first in another state. */
	assert_string_equal(told.text, "a-b a-d b-a ");
	for (size_t i = 0; i < 5; i++)
		policy_set_free(sets[i]);
	assert_int_equal(ties_find(claims, 0, tell, &told, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_is_the_one_that_is_documented),
		cmocka_unit_test(overlaps_are_what_matching_says),
		cmocka_unit_test(long_patterns_overlap),
		cmocka_unit_test(selectors_overlap_that_fit_one_subject),
		cmocka_unit_test(a_tie_in_a_file_is_a_mistake),
		cmocka_unit_test(who_is_more_exact_is_no_tie),
		cmocka_unit_test(each_tie_is_told_once),
	};

	return cmocka_run_group_tests_name("rank", tests, NULL, NULL);
}
