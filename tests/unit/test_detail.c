/* SPDX-License-Identifier: GPL-2.0-only */
/* What a verdict was about: the bytes come from what a container controls, and are shown or refused, never trusted. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "audit/event.h"
#include "base/cleanup.h"

#define COMPONENT LEASTCAP_COMPONENT_LEN

/* On the heap, with nothing behind the data: reading further is found. What does not count is no zero. */
static struct leastcap_event *event(__u32 kind, __u32 item, const void *data, size_t len)
{
	struct leastcap_event *e = malloc(sizeof(*e));

	assert_non_null(e);
	memset(e, 0, sizeof(*e));
	e->detail = kind;
	e->item = item;
	e->detail_len = (__u32)len;
	memset(e->data, 'U', sizeof(e->data));
	if (len)
		memcpy(e->data, data, len < sizeof(e->data) ? len : sizeof(e->data));
	return e;
}

static void check_detail(__u32 kind, __u32 item, const void *data, size_t len, const char *want)
{
	_cleanup_free_ struct leastcap_event *e = event(kind, item, data, len);
	_cleanup_free_ char *text = NULL;

	assert_true(event_detail_valid(e));
	text = event_detail(e);
	if (!text || strcmp(text, want))
		fail_msg("kind %u, %zu bytes: \"%s\", not \"%s\"", kind, len, text ? text : "NULL",
			 want);
}

static bool valid(__u32 kind, const void *data, size_t len)
{
	_cleanup_free_ struct leastcap_event *e = event(kind, 0, data, len);

	return event_detail_valid(e);
}

/* ---- what is taken ---- */

static void lengths_must_fit_the_kind(void **state)
{
	static const unsigned char zeros[1024];

	for (size_t len = 0; len < sizeof(zeros); len++) {
		bool fits = len <= LEASTCAP_DETAIL_LEN;

		assert_int_equal(valid(LEASTCAP_DETAIL_NONE, zeros, len), len == 0);
		assert_int_equal(valid(LEASTCAP_DETAIL_TEXT, zeros, len), fits && len > 0);
		assert_int_equal(valid(LEASTCAP_DETAIL_SOCKADDR, zeros, len), fits);
		assert_int_equal(valid(LEASTCAP_DETAIL_UNIX, zeros, len), fits);
		assert_int_equal(valid(LEASTCAP_DETAIL_PATH, zeros, len),
				 fits && len > 0 && len % COMPONENT == 0);
		assert_int_equal(valid(LEASTCAP_DETAIL_NUMBER, zeros, len), len == 8);
		assert_int_equal(valid(LEASTCAP_DETAIL_ARGUMENTS, zeros, len), len == 48);
	}
	for (__u32 kind = 0; kind <= LEASTCAP_DETAIL_ARGUMENTS; kind++) {
		_cleanup_free_ struct leastcap_event *e = event(kind, 0, NULL, 0);

		e->detail_len = UINT32_MAX;
		assert_false(event_detail_valid(e));
		e->detail_len = 0x80000000;
		assert_false(event_detail_valid(e));
	}
}

static void an_unknown_kind_is_refused(void **state)
{
	static const __u32 kinds[] = {LEASTCAP_DETAIL_ARGUMENTS + 1, 8, 255, 0x80000000,
				      UINT32_MAX};
	static const unsigned char zeros[LEASTCAP_DETAIL_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (size_t len = 0; len <= sizeof(zeros); len++)
			assert_false(valid(kinds[i], zeros, len));
	}
}

static void a_text_must_end(void **state)
{
	char text[LEASTCAP_DETAIL_LEN];

	memset(text, 'a', sizeof(text));
	assert_false(valid(LEASTCAP_DETAIL_TEXT, text, 1));
	assert_false(valid(LEASTCAP_DETAIL_TEXT, text, sizeof(text)));
	/* An end before the end is none. */
	text[3] = '\0';
	assert_false(valid(LEASTCAP_DETAIL_TEXT, text, sizeof(text)));
	assert_true(valid(LEASTCAP_DETAIL_TEXT, text, 4));
}

/* ---- what is shown ---- */

static void nothing_has_no_text(void **state)
{
	_cleanup_free_ struct leastcap_event *e = event(LEASTCAP_DETAIL_NONE, 0, NULL, 0);

	assert_true(event_detail_valid(e));
	assert_null(event_detail(e));
}

static void texts_are_shown_as_they_are(void **state)
{
	char longest[LEASTCAP_DETAIL_LEN];

	check_detail(LEASTCAP_DETAIL_TEXT, 0, "", 1, "");
	check_detail(LEASTCAP_DETAIL_TEXT, 0, "debugfs", 8, "debugfs");
	check_detail(LEASTCAP_DETAIL_TEXT, 0, "a\0b", 4, "a");
	check_detail(LEASTCAP_DETAIL_TEXT, 0, "\xff\x1b[2J\n", 7, "\xff\x1b[2J\n");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	check_detail(LEASTCAP_DETAIL_TEXT, 0, longest, sizeof(longest), longest);
}

static void addresses_are_shown_with_their_port(void **state)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(80)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(65535)};

	assert_int_equal(inet_pton(AF_INET, "169.254.169.254", &in.sin_addr), 1);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &in6.sin6_addr), 1);
	check_detail(LEASTCAP_DETAIL_SOCKADDR, 0, &in, sizeof(in), "169.254.169.254:80");
	check_detail(LEASTCAP_DETAIL_SOCKADDR, 0, &in6, sizeof(in6), "[2001:db8::1]:65535");
	/* connect(2) takes AF_UNSPEC for AF_INET where it disconnects nothing. */
	in.sin_family = AF_UNSPEC;
	check_detail(LEASTCAP_DETAIL_SOCKADDR, 0, &in, sizeof(in), "169.254.169.254:80");
	assert_int_equal(inet_pton(AF_INET6, "::ffff:10.0.0.1", &in6.sin6_addr), 1);
	check_detail(LEASTCAP_DETAIL_SOCKADDR, 0, &in6, sizeof(in6), "[::ffff:10.0.0.1]:65535");
	in6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
	check_detail(LEASTCAP_DETAIL_SOCKADDR, 0, &in6, sizeof(in6), "[::]:0");
}

/* As much as the kernel takes is enough; of less only the family is known. */
static void short_addresses_show_their_family(void **state)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(80)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(53)};
	struct sockaddr_storage other = {.ss_family = AF_UNIX};
	unsigned char bytes[LEASTCAP_DETAIL_LEN];

	for (size_t len = 2; len <= sizeof(in); len++)
		check_detail(LEASTCAP_DETAIL_SOCKADDR, 0, &in, len,
			     len < 8 ? "family 2" : "0.0.0.0:80");
	for (size_t len = 2; len <= sizeof(in6); len++)
		check_detail(LEASTCAP_DETAIL_SOCKADDR, 0, &in6, len,
			     len < 24 ? "family 10" : "[::]:53");
	in.sin_family = AF_UNSPEC;
	for (size_t len = 0; len <= sizeof(in); len++)
		check_detail(LEASTCAP_DETAIL_SOCKADDR, 0, &in, len,
			     len < 8 ? "family 0" : "0.0.0.0:80");
	for (size_t len = 2; len <= sizeof(other); len++)
		check_detail(LEASTCAP_DETAIL_SOCKADDR, 0, &other, len, "family 1");
	memset(bytes, 0xff, sizeof(bytes));
	for (size_t len = 0; len <= sizeof(bytes); len++)
		check_detail(LEASTCAP_DETAIL_SOCKADDR, 0, bytes, len,
			     len < 2 ? "family 0" : "family 65535");
}

static void listeners_are_shown_by_their_name(void **state)
{
	char full[LEASTCAP_DETAIL_LEN], want[LEASTCAP_DETAIL_LEN + 1] = "";

	check_detail(LEASTCAP_DETAIL_UNIX, 0, NULL, 0, "(no name)");
	check_detail(LEASTCAP_DETAIL_UNIX, 0, "/run/docker.sock", 17, "/run/docker.sock");
	/* Bound without a NUL behind it. */
	check_detail(LEASTCAP_DETAIL_UNIX, 0, "/run/docker.sock", 16, "/run/docker.sock");
	check_detail(LEASTCAP_DETAIL_UNIX, 0, "/a\0hidden", 9, "/a");
	/* Abstract: every byte counts. */
	check_detail(LEASTCAP_DETAIL_UNIX, 0, "\0app", 4, "@app");
	check_detail(LEASTCAP_DETAIL_UNIX, 0, "\0a\0b\0", 5, "@a@b@");
	check_detail(LEASTCAP_DETAIL_UNIX, 0, "\0", 1, "@");
	check_detail(LEASTCAP_DETAIL_UNIX, 0, "\0\xff\x1b\n", 4, "@\xff\x1b\n");
	memset(full, 'x', sizeof(full));
	memset(want, 'x', sizeof(full));
	check_detail(LEASTCAP_DETAIL_UNIX, 0, full, sizeof(full), want);
	full[0] = '\0';
	want[0] = '@';
	check_detail(LEASTCAP_DETAIL_UNIX, 0, full, sizeof(full), want);
	memset(full, 0, sizeof(full));
	memset(want, '@', sizeof(full));
	check_detail(LEASTCAP_DETAIL_UNIX, 0, full, sizeof(full), want);
}

/* Components as the kernel side writes them, the last one first; behind a NUL is whatever was there. */
static void check_path(const char *const *components, const char *want)
{
	char data[LEASTCAP_DETAIL_LEN];
	size_t n;

	memset(data, 'U', sizeof(data));
	for (n = 0; n < 4 && components[n]; n++)
		memcpy(data + n * COMPONENT, components[n], strlen(components[n]) + 1);
	check_detail(LEASTCAP_DETAIL_PATH, 0, data, n * COMPONENT, want);
}

static void paths_begin_with_their_last_component(void **state)
{
	static const struct {
		const char *components[5];
		const char *want;
	} paths[] = {
		{{"/"}, "/"},
		{{"uptime"}, "/uptime"},
		{{"core_pattern", "kernel", "sys"}, "/sys/kernel/core_pattern"},
		{{"c", "b", "a", "/"}, "/a/b/c"},
		/* Four of them: there may be more. */
		{{"d", "c", "b", "a"}, ".../a/b/c/d"},
		/* A component that could not be read. */
		{{""}, "/"},
		{{"b", "", "a"}, "/a//b"},
		/* Only the first one of the path is the root. */
		{{"/", "a"}, "/a//"},
		{{"\xff\x1b\n", ".."}, "/../\xff\x1b\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		check_path(paths[i].components, paths[i].want);
}

static void a_component_without_an_end_is_cut(void **state)
{
	char data[LEASTCAP_DETAIL_LEN], want[LEASTCAP_DETAIL_LEN + 8];

	memset(data, 'x', sizeof(data));
	/* One byte of each is the NUL's. */
	snprintf(want, sizeof(want), "...");
	for (int i = 0; i < 4; i++)
		snprintf(want + strlen(want), sizeof(want) - strlen(want), "/%.*s", COMPONENT - 1,
			 data);
	check_detail(LEASTCAP_DETAIL_PATH, 0, data, sizeof(data), want);
}

static void numbers_mean_what_the_item_says(void **state)
{
	static const struct {
		__u32 item;
		uint64_t number;
		const char *want;
	} numbers[] = {
		{LEASTCAP_ITEM_FAMILY, AF_ALG, "alg"},
		{LEASTCAP_ITEM_FAMILY, AF_UNIX, "unix"},
		{LEASTCAP_ITEM_FAMILY, 0, "family 0"},
		{LEASTCAP_ITEM_FAMILY, 63, "family 63"},
		{LEASTCAP_ITEM_FAMILY, UINT32_MAX, "family 4294967295"},
		{LEASTCAP_ITEM_FAMILY, UINT64_MAX, "family 18446744073709551615"},
		{LEASTCAP_ITEM_MODULE_CRYPTO, AF_KEY, "key"},
		{LEASTCAP_ITEM_CHAR_DEVICE, 1 << 20 | 3, "1:3"},
		{LEASTCAP_ITEM_CHAR_DEVICE, 0, "0:0"},
		{LEASTCAP_ITEM_BLOCK_DEVICE, 8 << 20 | 17, "8:17"},
		{LEASTCAP_ITEM_BLOCK_DEVICE, UINT32_MAX, "4095:1048575"},
		{LEASTCAP_ITEM_BPF_CALL, 5, "5"},
		{LEASTCAP_ITEM_BPF_CALL, UINT64_MAX, "18446744073709551615"},
		{LEASTCAP_ITEM_MOUNT, 7, "7"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		check_detail(LEASTCAP_DETAIL_NUMBER, numbers[i].item, &numbers[i].number,
			     sizeof(numbers[i].number), numbers[i].want);
}

/* Whatever passes the check has a text, within bounds; the sanitizers watch the rest. */
static void random_bytes_do_no_harm(void **state)
{
	size_t taken[LEASTCAP_DETAIL_ARGUMENTS + 1] = {};
	uint32_t seed = 1;

	for (int round = 0; round < 60000; round++) {
		unsigned char bytes[LEASTCAP_DETAIL_LEN];
		__u32 kind = (__u32)round % (LEASTCAP_DETAIL_ARGUMENTS + 1);
		size_t len = (size_t)(round / 7) % (sizeof(bytes) + 1);

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1103515245 + 12345;
			bytes[i] = (unsigned char)(seed >> 16);
			/* Few values, so that families, ends and roots come up. */
			if (round & 1)
				bytes[i] = (unsigned char)"\0\0\2\12/a\0\377"[bytes[i] % 8];
		}
		_cleanup_free_ struct leastcap_event *e =
			event(kind, (__u32)round % 2048, bytes, len);
		_cleanup_free_ char *text = NULL;

		if (!event_detail_valid(e))
			continue;
		taken[kind]++;
		text = event_detail(e);
		assert_int_equal(text == NULL,
				 kind == LEASTCAP_DETAIL_NONE || kind == LEASTCAP_DETAIL_ARGUMENTS);
		json_auto_t *arguments = event_arguments(e);

		assert_int_equal(json_array_size(arguments),
				 kind == LEASTCAP_DETAIL_ARGUMENTS ? 6 : 0);
		assert_true(!text || strlen(text) <= LEASTCAP_DETAIL_LEN + 3);
	}
	for (size_t kind = 0; kind < ARRAY_SIZE(taken); kind++)
		assert_true(taken[kind] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_must_fit_the_kind),
		cmocka_unit_test(an_unknown_kind_is_refused),
		cmocka_unit_test(a_text_must_end),
		cmocka_unit_test(nothing_has_no_text),
		cmocka_unit_test(texts_are_shown_as_they_are),
		cmocka_unit_test(addresses_are_shown_with_their_port),
		cmocka_unit_test(short_addresses_show_their_family),
		cmocka_unit_test(listeners_are_shown_by_their_name),
		cmocka_unit_test(paths_begin_with_their_last_component),
		cmocka_unit_test(a_component_without_an_end_is_cut),
		cmocka_unit_test(numbers_mean_what_the_item_says),
		cmocka_unit_test(random_bytes_do_no_harm),
	};

	return cmocka_run_group_tests_name("detail", tests, NULL, NULL);
}
