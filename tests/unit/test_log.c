/* SPDX-License-Identifier: GPL-2.0-only */
/* The log: one line a message, nothing in it that a terminal obeys. And the escaping it stands on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/log.h"

static int saved_stderr = -EBADF, pipe_read = -EBADF;

/* A packet pipe: what read(2) returns is what one write(2) wrote. */
static int to_pipe(void **state)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_DIRECT | O_NONBLOCK) < 0)
		return -1;
	pipe_read = fds[0];
	saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	log_set_level(LOG_LEVEL_INFO);
	log_set_prefix(NULL, 0);
	return 0;
}

static int to_stderr(void **state)
{
	log_set_prefix(NULL, 0);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(pipe_read);
	return 0;
}

/* The next write; "" if there was none. */
static const char *written(char buf[8192])
{
	ssize_t n = read(pipe_read, buf, 8191);

	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

static void a_message_is_one_line_in_one_write(void **state)
{
	char buf[8192];

	log_set_prefix("leastcap: ", 0);
	assert_int_equal(log_err(0, "%s %d", "number", 7), 0);
	assert_string_equal(written(buf), "leastcap: number 7\n");
	assert_string_equal(written(buf), "");
}

static void the_error_is_returned_and_its_text_added(void **state)
{
	char buf[8192];

	assert_int_equal(log_err(-ENOENT, "cannot read %s", "x"), -ENOENT);
	assert_string_equal(written(buf), "cannot read x: No such file or directory\n");
	assert_int_equal(log_warn(EPERM, "x"), EPERM);
	assert_string_equal(written(buf), "x: Operation not permitted\n");
	log_err(-524, "x");
	assert_string_equal(written(buf), "x: operation not supported by this kernel\n");
	log_err(-99999, "x");
	assert_string_equal(written(buf), "x: Unknown error 99999\n");
	errno = EXDEV;
	log_err(-ENOENT, "x");
	assert_int_equal(errno, EXDEV);
}

static void levels_above_the_limit_are_dropped(void **state)
{
	char buf[8192];

	assert_int_equal(log_get_level(), LOG_LEVEL_INFO);
	log_debug("hidden");
	assert_string_equal(written(buf), "");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("shown");
	assert_string_equal(written(buf), "shown\n");
	log_set_level(LOG_LEVEL_ERR);
	log_info("hidden");
	assert_int_equal(log_warn(-EPERM, "hidden"), -EPERM);
	assert_string_equal(written(buf), "");
	log_err(0, "shown");
	assert_string_equal(written(buf), "shown\n");
}

static void the_journal_gets_levels(void **state)
{
	char buf[8192];

	log_set_prefix("", 1);
	log_set_level(LOG_LEVEL_DEBUG);
	log_err(0, "a");
	assert_string_equal(written(buf), "<3>a\n");
	log_warn(0, "b");
	assert_string_equal(written(buf), "<4>b\n");
	log_info("c");
	assert_string_equal(written(buf), "<6>c\n");
	log_debug("d");
	assert_string_equal(written(buf), "<7>d\n");
}

static void nothing_is_obeyed_by_a_terminal(void **state)
{
	char buf[8192];

	log_info("%s", "a\nb\t\x1b[31m\x7f\r");
	assert_string_equal(written(buf), "a\\x0ab\\x09\\x1b[31m\\x7f\\x0d\n");
	log_info("%s", "caf\xc3\xa9 \xff\xc3( \xc2\x9b \xe2\x80\xae");
	assert_string_equal(written(buf), "caf\xc3\xa9 \\xff\\xc3( \\xc2\\x9b \\xe2\\x80\\xae\n");
}

static void a_long_message_is_cut_but_keeps_its_error(void **state)
{
	char buf[8192], text[6000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_err(-ENOENT, "%s", text);
	written(buf);
	assert_true(strlen(buf) > 2000 && strlen(buf) <= 4096);
	assert_non_null(strstr(buf, "x...: No such file or directory\n"));

	/* Each byte four times as long: still one line, still the error. */
	memset(text, '\x01', sizeof(text) - 1);
	log_err(-ENOENT, "%s", text);
	written(buf);
	assert_true(strlen(buf) > 3000 && strlen(buf) <= 4096);
	assert_non_null(strstr(buf, "\\x01...: No such file or directory\n"));
	assert_string_equal(written(buf), "");

	memset(text, 'p', sizeof(text) - 1);
	log_set_prefix(text, 1);
	log_err(-ENOENT, "%s", text);
	written(buf);
	assert_true(strlen(buf) <= 4096);
	assert_non_null(strstr(buf, "No such file or directory\n"));
}

static void characters_are_recognised(void **state)
{
	static const struct {
		const char *text;
		size_t len, n;
		bool safe;
	} chars[] = {
		{"", 0, 0, false},
		{"a", 1, 1, true},
		{"\0", 1, 1, false},
		{"\x1b", 1, 1, false},
		{"\x7f", 1, 1, false},
		{"\x80", 1, 0, false},
		{"\xc3\xa9", 2, 2, true},
		{"\xc3\xa9", 1, 0, false}, /* cut */
		{"\xc3x", 2, 0, false},
		{"\xc0\x80", 2, 0, false}, /* overlong */
		{"\xe0\x80\x80", 3, 0, false},
		{"\xf0\x80\x80\x80", 4, 0, false},
		{"\xed\xa0\x80", 3, 0, false}, /* surrogate */
		{"\xe2\x82\xac", 3, 3, true},
		{"\xef\xbb\xbf", 3, 3, false}, /* byte order mark */
		{"\xe2\x80\xae", 3, 3, false}, /* right-to-left override */
		{"\xe2\x81\xa6", 3, 3, false}, /* left-to-right isolate */
		{"\xc2\x85", 2, 2, false}, /* next line */
		{"\xf0\x9f\x90\xa7", 4, 4, true},
		{"\xf4\x90\x80\x80", 4, 0, false}, /* above U+10FFFF */
		{"\xf5\x80\x80\x80", 4, 0, false},
		{"\xff", 1, 0, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(chars); i++) {
		bool safe = !chars[i].safe;

		if (utf8_next(chars[i].text, chars[i].len, &safe) != chars[i].n ||
		    safe != chars[i].safe)
			fail_msg("character %zu", i);
	}
}

static void escaped_text_fits_in_any_buffer(void **state)
{
	static const char *const texts[] = {"",
					    "abc",
					    "abcdefgh",
					    "a\x01z\x02",
					    "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
					    "\xff\xff\xff\xff"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		size_t len = strlen(texts[i]);
		_cleanup_free_ char *whole = escape_dup(texts[i], len);

		for (size_t size = 8; size < 40; size++) {
			_cleanup_free_ char *buf = malloc(size);
			size_t n = escape_text(buf, size, texts[i], len);

			assert_true(n < size && n == strlen(buf));
			if (strlen(whole) < size)
				assert_string_equal(buf, whole);
			else
				assert_string_equal(buf + n - 3, "...");
			for (size_t k = 0; k < n;) {
				bool safe;

				k += utf8_next(buf + k, n - k, &safe);
				assert_true(safe);
			}
		}
	}
}

/* A shell is asked: it takes each for one word, which is the same. */
static void words_are_words_for_a_shell(void **state)
{
	static const char *const words[] = {"plain-1_2:3/4.5,6@7%8+9",
					    "",
					    "it's",
					    "'",
					    "''",
					    "$(echo gone)",
					    "`echo gone`",
					    "a;b|c&d>e<f(g)",
					    "\"$HOME\"",
					    "~",
					    "#x",
					    "a=b",
					    "*",
					    "{a,b}",
					    "!1",
					    "\\",
					    "a b\tc",
					    "\xc3\xa9"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		_cleanup_free_ char *word = shell_word(words[i]), *command = NULL;
		char line[128] = "";
		FILE *shell;

		assert_non_null(word);
		assert_true(asprintf(&command, "printf '<%%s>\\n' %s", word) > 0);
		shell = popen(command, "r");
		assert_non_null(shell);
		assert_non_null(fgets(line, sizeof(line), shell));
		assert_int_equal(pclose(shell), 0);
		line[strcspn(line, "\n")] = '\0';
		assert_int_equal(strlen(line), strlen(words[i]) + 2);
		assert_memory_equal(line + 1, words[i], strlen(words[i]));
		/* Nothing is left to what a shell may be. */
		if (i)
			assert_int_equal(word[0], '\'');
		else
			assert_string_equal(word, words[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_message_is_one_line_in_one_write, to_pipe,
						to_stderr),
		cmocka_unit_test_setup_teardown(the_error_is_returned_and_its_text_added, to_pipe,
						to_stderr),
		cmocka_unit_test_setup_teardown(levels_above_the_limit_are_dropped, to_pipe,
						to_stderr),
		cmocka_unit_test_setup_teardown(the_journal_gets_levels, to_pipe, to_stderr),
		cmocka_unit_test_setup_teardown(nothing_is_obeyed_by_a_terminal, to_pipe,
						to_stderr),
		cmocka_unit_test_setup_teardown(a_long_message_is_cut_but_keeps_its_error, to_pipe,
						to_stderr),
		cmocka_unit_test(characters_are_recognised),
		cmocka_unit_test(escaped_text_fits_in_any_buffer),
		cmocka_unit_test(words_are_words_for_a_shell),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
