/* SPDX-License-Identifier: GPL-2.0-only */
/* Words for numbers: every restriction, rule, item and address family has one, and no two have the same. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "audit/event.h"
#include "base/cleanup.h"
#include "base/families.h"
#include "base/words.h"

#define HEADER "include/leastcap/restrictions.h"
#define ITEMS_END LEASTCAP_ITEMS(LEASTCAP_RESTRICTIONS + 2)
#define MAX_WORDS 256

static const char *words[MAX_WORDS];
static size_t n_words;

static int forget_words(void **state)
{
	n_words = 0;
	return 0;
}

/* Fit to be a word in a policy file and in a log line, and not seen before. */
static void check_word(const char *word)
{
	assert_non_null(word);
	if (!*word || word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_-")])
		fail_msg("\"%s\" is no word", word);
	for (size_t i = 0; i < n_words; i++) {
		if (!strcmp(words[i], word))
			fail_msg("\"%s\" is there twice", word);
	}
	assert_true(n_words < MAX_WORDS);
	words[n_words++] = word;
}

static void every_restriction_has_a_word(void **state)
{
	for (uint32_t i = 0; i < LEASTCAP_RESTRICTIONS; i++)
		check_word(word_restriction(i));
	assert_null(word_restriction(LEASTCAP_RESTRICTIONS));
	assert_null(word_restriction(UINT32_MAX));
}

static void every_rule_has_a_word_and_a_restriction(void **state)
{
	uint32_t seen = 0;

	for (uint32_t rule = 0; rule < LEASTCAP_RULES; rule++) {
		enum leastcap_restriction of = rule_restriction(rule);

		check_word(word_rule(rule));
		assert_in_range(of, LEASTCAP_CAPABILITIES + 1, LEASTCAP_RESTRICTIONS - 1);
		/* Only the rules of sockets have names of their own. */
		if (of != LEASTCAP_SOCKETS)
			assert_string_equal(word_rule(rule), word_restriction(of));
		seen |= 1U << of;
	}
	/* All but the capabilities, which are no rule. */
	assert_int_equal(seen, (1U << LEASTCAP_RESTRICTIONS) - 2);
	assert_int_equal(rule_restriction(LEASTCAP_RULE_UNIX), LEASTCAP_SOCKETS);
	assert_int_equal(rule_restriction(LEASTCAP_RULE_CONNECT), LEASTCAP_SOCKETS);
	assert_int_equal(rule_restriction(LEASTCAP_RULE_FAMILIES), LEASTCAP_SOCKETS);
	assert_null(word_rule(LEASTCAP_RULES));
	assert_null(word_rule(UINT32_MAX));
	assert_int_equal(rule_restriction(UINT32_MAX), LEASTCAP_CAPABILITIES);
}

/* How many items the header has: each is the first word of a line in enum leastcap_item. */
static size_t count_items(void)
{
	_cleanup_fclose_ FILE *f = fopen(HEADER, "re");
	char line[256];
	size_t n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		n += !strncmp(line, "\tLEASTCAP_ITEM_", strlen("\tLEASTCAP_ITEM_"));
	return n;
}

static void every_item_has_a_word(void **state)
{
	static const uint32_t last[LEASTCAP_RESTRICTIONS] = {
		[LEASTCAP_CAPABILITIES] = LEASTCAP_ITEM_UNKNOWN,
		[LEASTCAP_MOUNTS] = LEASTCAP_ITEM_MNTNS_JOIN,
		[LEASTCAP_MODULES] = LEASTCAP_ITEM_MODULE_CRYPTO,
		[LEASTCAP_SOCKETS] = LEASTCAP_ITEM_SOURCE_ROUTE,
		[LEASTCAP_DEVICES] = LEASTCAP_ITEM_BLOCK_DEVICE,
		[LEASTCAP_ATTRIBUTES] = LEASTCAP_ITEM_SETUID_FILE,
		[LEASTCAP_FILESYSTEMS] = LEASTCAP_ITEM_FS_RECEIVE,
		[LEASTCAP_NAMESPACES] = LEASTCAP_ITEM_NS_JOIN,
		[LEASTCAP_BPF] = LEASTCAP_ITEM_BPF_PIN,
	};

	for (uint32_t of = 0; of < LEASTCAP_RESTRICTIONS; of++) {
		for (uint32_t item = LEASTCAP_ITEMS(of); item < LEASTCAP_ITEMS(of + 1); item++) {
			if (item <= last[of])
				check_word(word_item(item));
			else
				assert_null(word_item(item));
			assert_int_equal(LEASTCAP_ITEM_RESTRICTION(item), of);
		}
	}
	assert_int_equal(n_words, count_items());
}

static void what_is_no_item_has_no_word(void **state)
{
	/* Capabilities have names elsewhere. */
	for (uint32_t item = 0; item < LEASTCAP_ITEMS(0); item++)
		assert_null(word_item(item));
	for (uint32_t cap = 0; cap < 64; cap++)
		assert_int_equal(LEASTCAP_ITEM_RESTRICTION(cap), LEASTCAP_CAPABILITIES);
	for (uint32_t item = LEASTCAP_ITEMS(LEASTCAP_RESTRICTIONS); item < ITEMS_END; item++)
		assert_null(word_item(item));
	assert_null(word_item(UINT32_MAX));
}

static void a_mask_of_rules_becomes_words(void **state)
{
	json_auto_t *none = event_rules(0), *all = event_rules(LEASTCAP_ALL_RULES);
	json_auto_t *two = event_rules(LEASTCAP_RULE_BIT(LEASTCAP_RULE_UNIX) |
				       LEASTCAP_RULE_BIT(LEASTCAP_RULE_BPF));
	/* A policy that cannot be read has every bit. */
	json_auto_t *more = event_rules(~0U);

	assert_int_equal(json_array_size(none), 0);
	assert_int_equal(json_array_size(all), LEASTCAP_RULES);
	assert_int_equal(json_array_size(two), 2);
	assert_string_equal(json_string_value(json_array_get(two, 0)), "host-unix");
	assert_string_equal(json_string_value(json_array_get(two, 1)), "bpf");
	assert_true(json_equal(more, all));
}

/* ---- address families ---- */

#define FIRST 1
#define LAST 45

static int parse(const char *prefix, const char *name)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "%s%s", prefix, name);
	_cleanup_free_ char *exact = malloc((size_t)len);

	/* Without a NUL behind it: a word in the middle of a file. */
	assert_non_null(exact);
	memcpy(exact, text, (size_t)len);
	return family_parse(exact, (size_t)len);
}

static void every_family_has_a_name_that_leads_back(void **state)
{
	static const char *const prefixes[] = {"", "AF_", "PF_", "af_", "Pf_"};

	for (int family = FIRST; family <= LAST; family++) {
		const char *name = family_name((uint64_t)family);
		char upper[32];

		check_word(name);
		for (size_t i = 0; i <= strlen(name); i++)
			upper[i] =
				(char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 32 : name[i]);
		for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
			assert_int_equal(parse(prefixes[i], name), family);
			assert_int_equal(parse(prefixes[i], upper), family);
		}
	}
}

static void numbers_are_those_of_the_c_library(void **state)
{
	static const struct {
		const char *name;
		int family;
	} want[] = {
		{"unix", AF_UNIX},
		{"local", AF_LOCAL},
		{"inet", AF_INET},
		{"inet6", AF_INET6},
		{"key", AF_KEY},
		{"netlink", AF_NETLINK},
		{"route", AF_ROUTE},
		{"packet", AF_PACKET},
		{"rds", AF_RDS},
		{"pppox", AF_PPPOX},
		{"llc", AF_LLC},
		{"ib", AF_IB},
		{"mpls", AF_MPLS},
		{"can", AF_CAN},
		{"tipc", AF_TIPC},
		{"rxrpc", AF_RXRPC},
		{"phonet", AF_PHONET},
		{"alg", AF_ALG},
		{"bluetooth", AF_BLUETOOTH},
		{"nfc", AF_NFC},
		{"vsock", AF_VSOCK},
		{"kcm", AF_KCM},
		{"smc", AF_SMC},
		{"xdp", AF_XDP},
		{"qipcrtr", AF_QIPCRTR},
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		assert_int_equal(parse("", want[i].name), want[i].family);
}

static void two_names_of_one_family_show_as_the_first(void **state)
{
	assert_string_equal(family_name(AF_UNIX), "unix");
	assert_string_equal(family_name(AF_NETLINK), "netlink");
}

static void what_is_no_family_is_not_found(void **state)
{
	static const char *const wrong[] = {"",	      "u",     "uni",  "unixx",	     "unix ",
					    " unix",  "AF_",   "AF",   "AF_AF_UNIX", "XF_UNIX",
					    "unspec", "inet4", "1",    "AF_1",	     "ipv6",
					    "_unix",  "\xff",  "un*x", "AFUNIX",     "max"};
	static const uint64_t numbers[] = {0,	      LAST + 1, 63, 64, 257, 1ULL << 32 | AF_UNIX,
					   UINT64_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(parse("", wrong[i]), -ENOENT);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_null(family_name(numbers[i]));
	/* Only as much as is said belongs to the name. */
	assert_int_equal(family_parse("unixes", 4), AF_UNIX);
	assert_int_equal(family_parse("unix\0", 5), -ENOENT);
}

static void the_nearest_family_is_named(void **state)
{
	static const struct {
		const char *wrong, *near;
	} want[] = {
		{"unxi", "unix"},   {"AF_UNXI", "unix"}, {"netlnk", "netlink"},
		{"vsok", "vsock"},  {"INTE6", "inet6"},	 {"PF_PAKET", "packet"},
		{"qqqqqqqq", NULL}, {"", NULL},		 {"AF_", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		const char *near = family_nearest(want[i].wrong, strlen(want[i].wrong));

		if (!want[i].near)
			assert_null(near);
		else if (!near || strcmp(near, want[i].near))
			fail_msg("%s: %s", want[i].wrong, near ? near : "none");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_restriction_has_a_word, forget_words),
		cmocka_unit_test_setup(every_rule_has_a_word_and_a_restriction, forget_words),
		cmocka_unit_test_setup(every_item_has_a_word, forget_words),
		cmocka_unit_test(what_is_no_item_has_no_word),
		cmocka_unit_test(a_mask_of_rules_becomes_words),
		cmocka_unit_test_setup(every_family_has_a_name_that_leads_back, forget_words),
		cmocka_unit_test(numbers_are_those_of_the_c_library),
		cmocka_unit_test(two_names_of_one_family_show_as_the_first),
		cmocka_unit_test(what_is_no_family_is_not_found),
		cmocka_unit_test(the_nearest_family_is_named),
	};

	return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
