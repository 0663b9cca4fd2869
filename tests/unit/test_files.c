// SPDX-License-Identifier: GPL-2.0-only
/* What a user has written somewhere: a file is replaced whole, a device and a pipe stay what they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "folder.h"

static void holds(const char *name, const char *text)
{
	_cleanup_close_ int fd = open(folder_path(name), O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *got = NULL;
	size_t len;

	assert_true(fd >= 0);
	assert_int_equal(file_read(fd, 100, &got, &len), 0);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(got, text, len);
}

static mode_t kind(const char *name)
{
	struct stat st;

	return lstat(folder_path(name), &st) ? 0 : st.st_mode & S_IFMT;
}

/* Entries of the folder: nothing is left beside. */
static size_t entries(void)
{
	DIR *d = opendir(folder);
	size_t n = 0;

	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d));)
		n += *e->d_name != '.';
	closedir(d);
	return n;
}

static int put(const char *name)
{
	int tried = file_try_replace(folder_path(name));

	assert_int_equal(file_replace(folder_path(name), "new", 0600), tried);
	return tried;
}

static void a_file_is_made_or_replaced(void **state)
{
	struct stat before, after;

	assert_int_equal(put("made"), 0);
	holds("made", "new");
	folder_write("old", "something longer");
	assert_int_equal(stat(folder_path("old"), &before), 0);
	assert_int_equal(put("old"), 0);
	holds("old", "new");
	/* Whoever reads the old one goes on with it. */
	assert_int_equal(stat(folder_path("old"), &after), 0);
	assert_true(before.st_ino != after.st_ino);
	assert_int_equal(entries(), 2);
}

static void what_a_link_points_to_is_replaced(void **state)
{
	folder_write("deep/old", "old");
	assert_int_equal(symlink("deep/old", folder_path("link")), 0);
	assert_int_equal(put("link"), 0);
	assert_int_equal(kind("link"), S_IFLNK);
	assert_int_equal(kind("deep/old"), S_IFREG);
	holds("deep/old", "new");
	assert_int_equal(symlink("nothing", folder_path("dangling")), 0);
	assert_int_equal(put("dangling"), -ENOENT);
	assert_int_equal(kind("dangling"), S_IFLNK);
	assert_int_equal(entries(), 3);
}

static void a_pipe_and_a_device_are_written_into(void **state)
{
	_cleanup_close_ int fd = -EBADF;
	char got[8] = "";

	assert_int_equal(mkfifo(folder_path("pipe"), 0600), 0);
	/* Nobody reads it: trying does not wait for that. */
	assert_int_equal(file_try_replace(folder_path("pipe")), 0);
	fd = open(folder_path("pipe"), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(put("pipe"), 0);
	assert_int_equal(kind("pipe"), S_IFIFO);
	assert_int_equal(read(fd, got, sizeof(got)), 3);
	assert_string_equal(got, "new");
	assert_int_equal(symlink("/dev/null", folder_path("null")), 0);
	assert_int_equal(put("null"), 0);
	assert_int_equal(kind("null"), S_IFLNK);
	assert_int_equal(symlink("/dev/full", folder_path("full")), 0);
	assert_int_equal(file_replace(folder_path("full"), "new", 0600), -ENOSPC);
	assert_int_equal(entries(), 3);
}

static void where_nothing_can_be_is_known_before(void **state)
{
	assert_int_equal(put("no/such/folder"), -ENOENT);
	assert_int_equal(put("."), -EISDIR);
	folder_write("file", "old");
	assert_int_equal(put("file/below"), -ENOTDIR);
	holds("file", "old");
	assert_int_equal(entries(), 1);
}

/* The name beside it is taken: the file stays as it was. */
static void what_cannot_be_replaced_stays(void **state)
{
	char beside[64];

	folder_write("old", "old");
	snprintf(beside, sizeof(beside), "old.%d", getpid());
	folder_write(beside, "somebody's");
	assert_int_equal(put("old"), -EEXIST);
	holds("old", "old");
	holds(beside, "somebody's");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_made_or_replaced),
		TEST(what_a_link_points_to_is_replaced),
		TEST(a_pipe_and_a_device_are_written_into),
		TEST(where_nothing_can_be_is_known_before),
		TEST(what_cannot_be_replaced_stays),
	};

	return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
