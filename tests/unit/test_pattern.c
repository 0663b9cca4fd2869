/* SPDX-License-Identifier: GPL-2.0-only */
/* Patterns: what they fit, against fnmatch(3) too, and that no name makes them slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/pattern.h"

static void check(const char *pattern, const char *text, bool path, bool want)
{
	if (pattern_matches(pattern, text, path) != want)
		fail_msg("\"%s\" %s \"%s\"%s", pattern, want ? "does not fit" : "fits", text,
			 path ? " as a path" : "");
}

static void a_pattern_fits_the_whole_text(void **state)
{
	static const struct {
		const char *pattern, *fits[6], *not [6];
	} cases[] = {
		{"", {""}, {"a"}},
		{"web", {"web"}, {"", "we", "webs", "Web"}},
		{"*", {"", "a", "a/b", "*"}, {}},
		{"web*", {"web", "web-1", "web/x"}, {"we", "aweb"}},
		{"*web", {"web", "webweb", "a-web"}, {"webs", ""}},
		{"a*b*c", {"abc", "axxbxxc", "abbcbc"}, {"ab", "acb", "abcd"}},
		{"**a**", {"a", "bab"}, {"", "b"}},
		{"?", {"a", "\xc3\xa9", "\xf0\x9f\x90\x8b", "/"}, {"", "ab"}},
		{"*?", {"a", "ab", "\xc3\xa9"}, {""}},
		{"?b",
		 {"ab", "\xc3\xa9"
			"b"},
		 {"b", "abb"}},
		{"*??", {"ab", "\xc3\xa9\xc3\xa9"}, {"a", "\xc3\xa9"}},
		{"[abc]", {"a", "b", "c"}, {"", "d", "ab", "[abc]", "\xc3\xa9"}},
		{"[a-cx]1", {"a1", "c1", "x1"}, {"d1", "-1", "1"}},
		{"[!a-c]", {"d", "-", "\xc3\xa9"}, {"a", "b", ""}},
		{"*[!0-9]", {"a", "1a", "\xc3\xa9"}, {"a1", "1", ""}},
		{"[]]", {"]"}, {"[", "[]"}},
		{"[!]]", {"a"}, {"]"}},
		{"[]-a]", {"]", "^", "a"}, {"-", "b"}},
		{"[a-]", {"a", "-"}, {"b"}},
		{"[-a]", {"a", "-"}, {"b"}},
		/* As many as there can be. */
		{"[abcdefghijklmnopqrstuvwxyz01234]", {"a", "4"}, {"5"}},
		{"[*?[]", {"*", "?", "["}, {"a"}},
		{"a]b", {"a]b"}, {"ab"}},
		{"a\\*", {"a\\", "a\\x2d"}, {"a*"}},
		/* Not closed: the parser refuses them. */
		{"[a", {}, {"a", "[a", "["}},
		{"[", {}, {"["}},
		{"[!", {}, {"a", "[!"}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t k = 0; k < 6 && cases[i].fits[k]; k++)
			check(cases[i].pattern, cases[i].fits[k], false, true);
		for (size_t k = 0; k < 6 && cases[i].not [k]; k++)
			check(cases[i].pattern, cases[i].not [k], false, false);
	}
}

static void in_a_path_components_fit_components(void **state)
{
	static const struct {
		const char *pattern, *fits[4], *not [4];
	} cases[] = {
		{"/*", {"/a", "/"}, {"/a/b", "a"}},
		{"/a/*", {"/a/b", "/a/"}, {"/a", "/a/b/c"}},
		{"/*/b", {"/a/b", "//b"}, {"/a/c/b", "/b"}},
		{"/user.slice/user-*.slice/user@*.service/app.slice",
		 {"/user.slice/user-1000.slice/user@1000.service/app.slice"},
		 {"/user.slice/user-1/x.slice/user@1.service/app.slice",
		  "/user.slice/user-1000.slice/user@1000.service/app.slice/a"}},
		{"/a*b/*c", {"/ab/c", "/axb/xc"}, {"/a/b/c", "/ab/c/c"}},
		{"/a?b", {"/axb"}, {"/a/b"}},
		{"/a[!x]b", {"/ayb"}, {"/a/b"}},
		{"/a[+-9]b", {"/a.b"}, {"/a/b"}},
		{"/**", {"/a"}, {"/a/b"}},
		{"/*a*a*a/*b", {"/aaa/b", "/xaxaxa/bb"}, {"/aaa/b/b", "/aa/ab"}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t k = 0; k < 4 && cases[i].fits[k]; k++)
			check(cases[i].pattern, cases[i].fits[k], true, true);
		for (size_t k = 0; k < 4 && cases[i].not [k]; k++)
			check(cases[i].pattern, cases[i].not [k], true, false);
	}
}

static char one_of(const char *letters)
{
	return letters[(size_t)random() % strlen(letters)];
}

/* Well-formed, of few letters, so that many fit. */
static void make_pattern(char *to)
{
	static const char *const sets[] = {"[ab]", "[!a]", "[a-b]", "[]b]", "[!]a]", "[.-a]"};

	for (int n = (int)(random() % 8); n > 0; n--) {
		long what = random() % 8;

		if (what < 3)
			*to++ = one_of("ab/]");
		else if (what < 6)
			*to++ = '*';
		else if (what == 6)
			*to++ = '?';
		else
			to = stpcpy(to, sets[(size_t)random() % ARRAY_SIZE(sets)]);
	}
	*to = '\0';
}

static void it_agrees_with_fnmatch(void **state)
{
	size_t fitted = 0;

	srandom(1);
	for (int i = 0; i < 200000; i++) {
		char pattern[64], text[16], *to = text;
		bool path = i % 2, want;

		make_pattern(pattern);
		for (int n = (int)(random() % 9); n > 0; n--)
			*to++ = one_of("ab/]");
		*to = '\0';
		want = !fnmatch(pattern, text, FNM_NOESCAPE | (path ? FNM_PATHNAME : 0));
		check(pattern, text, path, want);
		fitted += want;
	}
	/* It was about something. */
	assert_true(fitted > 10000);
}

static size_t steps_of(const char *pattern, const char *text)
{
	struct leastcap_pattern p;
	struct leastcap_match m = {};
	size_t n = 1;

	assert_int_equal(pattern_compile(pattern, false, &p), 0);
	while (leastcap_match_step(&p, &m, (__u8)text[m.text], (__u8)text[m.star_text]) ==
	       LEASTCAP_MATCH_MORE)
		n++;
	return n;
}

/* Names that a container makes up for it: the steps are counted, not the time. */
static void no_name_makes_it_slow(void **state)
{
	char text[4097], pattern[256];

	memset(text, 'a', 4096);
	text[4096] = '\0';
	assert_in_range(steps_of("*a*a*a*a*b", text), 1, 3 * 4096);
	assert_in_range(steps_of("*?*?*?*?*b", text), 1, 3 * 4096);
	assert_in_range(steps_of("*[a]*[!b]*[a-z]*b", text), 1, 3 * 4096);
	assert_in_range(steps_of("*aaaaaaab", text), 1, 10 * 4096);
	/* As bad as it gets: the longest pattern at each place of the text. */
	memset(pattern, 'a', 255);
	pattern[0] = '*';
	pattern[254] = 'b';
	pattern[255] = '\0';
	assert_in_range(steps_of(pattern, text), 1, 255 * 4097);
	assert_false(pattern_matches(pattern, text, false));
}

/* The text ends where its length says, in memory that ends there too. */
static void a_text_needs_no_end(void **state)
{
	static const char text[] = "a\xc3\xa9\xf0\x9f\x90\x8b";
	static const char *const patterns[] = {"*",   "?",     "*?",	 "a*",
					       "???", "*[!b]", "a\xc3*", "*b"};

	for (size_t len = 0; len < sizeof(text); len++) {
		_cleanup_free_ char *copy = malloc(len ? len : 1);

		memcpy(copy, text, len);
		for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
			(void)pattern_matches_len(patterns[i], copy, len, i % 2);
		assert_true(pattern_matches_len("*", copy, len, false));
		assert_int_equal(pattern_matches_len("a", copy, len, false), len == 1);
	}
	/* Bytes that are no UTF-8 fit a star, and end. */
	assert_true(pattern_matches("*", "\x80\x80\xff", false));
	assert_false(pattern_matches("?", "\x80", false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pattern_fits_the_whole_text),
		cmocka_unit_test(in_a_path_components_fit_components),
		cmocka_unit_test(it_agrees_with_fnmatch),
		cmocka_unit_test(no_name_makes_it_slow),
		cmocka_unit_test(a_text_needs_no_end),
	};

	return cmocka_run_group_tests_name("patterns", tests, NULL, NULL);
}
