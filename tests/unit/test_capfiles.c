/* SPDX-License-Identifier: GPL-2.0-only */
/* Files that give capabilities: the attribute, and a walk that leaves its root by no link and ends at its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/capability.h>

#include "base/cleanup.h"
#include "subject/capfiles.h"

#include "folder.h"

static int setup(void **state)
{
	folder_make();
	return 0;
}

static int teardown(void **state)
{
	folder_remove();
	return 0;
}

/* ---- the attribute ---- */

static void attributes_are_read(void **state)
{
	static const uint8_t one[] = {0, 0, 0, 1, 0, 4, 0, 0, 1, 0, 0, 0};
	static const uint8_t two[] = {1, 0, 0,	  2, 0, 0x24, 0, 0, 2, 0,
				      0, 0, 0x80, 0, 0, 0,    1, 0, 0, 0};
	static const uint8_t three[] = {1, 0, 0, 3, 0, 4, 0, 0, 0, 0, 0, 0,
					0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0};
	struct capfile f = {0};

	assert_int_equal(capfile_parse(one, sizeof(one), &f), 0);
	assert_int_equal(f.permitted, 1ULL << CAP_NET_BIND_SERVICE);
	assert_int_equal(f.inheritable, 1);
	assert_false(f.effective);
	assert_int_equal(capfile_parse(two, sizeof(two), &f), 0);
	assert_int_equal(f.permitted,
			 1ULL << CAP_NET_BIND_SERVICE | 1ULL << CAP_NET_RAW | 1ULL << CAP_BPF);
	assert_int_equal(f.inheritable, 1ULL << 1 | 1ULL << 32);
	assert_true(f.effective);
	assert_int_equal(capfile_parse(three, sizeof(three), &f), 0);
	assert_true(f.has_caps);
	assert_int_equal(f.permitted, 1ULL << CAP_NET_BIND_SERVICE);
}

static void wrong_attributes_are_refused(void **state)
{
	uint8_t bytes[32] = {1, 0, 0, 2};
	struct capfile f = {0};

	for (size_t len = 0; len <= sizeof(bytes); len++) {
		_cleanup_free_ uint8_t *exact = malloc(len + 1);

		memcpy(exact, bytes, len);
		assert_int_equal(capfile_parse(exact, len, &f), len == 20 ? 0 : -EBADMSG);
	}
	for (unsigned int revision = 0; revision < 256; revision++) {
		bytes[3] = (uint8_t)revision;
		assert_int_equal(capfile_parse(bytes, 24, &f), revision == 3 ? 0 : -EBADMSG);
	}
}

/* ---- the walk ---- */

static void program(const char *path, mode_t mode)
{
	folder_write(path, "x");
	assert_int_equal(chmod(folder_path(path), mode), 0);
}

static void link_to(const char *target, const char *path)
{
	assert_int_equal(symlink(target, folder_path(path)), 0);
}

static void find(struct capfiles *found, struct capfiles_options options)
{
	_cleanup_close_ int root = open(folder_path("root"), O_PATH | O_DIRECTORY | O_CLOEXEC);

	options.root_uid = getuid();
	options.max_found = options.max_found ?: 100;
	assert_int_equal(capfiles_find(root, &options, found), 0);
}

static void set_user_id_files_are_found(void **state)
{
	_cleanup_(capfiles_done) struct capfiles found;

	program("root/usr/bin/su", 04755);
	program("root/bin/a\nb", 04711);
	program("root/usr/bin/plain", 0755);
	program("root/usr/bin/group", 02755);
	program("root/usr/bin/nobody-executes", 04644);
	program("outside/bin/su", 04755);
	/* Out, and round and round. */
	link_to("../outside", "root/out");
	link_to("/usr/bin", "root/absolute");
	link_to(".", "root/loop");
	link_to("su", "root/usr/bin/link");
	assert_int_equal(mkfifo(folder_path("root/pipe"), 04777), 0);

	find(&found, (struct capfiles_options){0});
	assert_int_equal(found.n, 2);
	assert_string_equal(found.items[0].path, "/bin/a\nb");
	assert_string_equal(found.items[1].path, "/usr/bin/su");
	assert_true(found.items[1].setuid);
	assert_false(found.items[1].has_caps);
	assert_false(found.cut);
	assert_int_equal(found.entries, 13);
}

static void another_root_has_other_files(void **state)
{
	_cleanup_(capfiles_done) struct capfiles found;
	_cleanup_close_ int root = -EBADF;
	struct capfiles_options options = {.root_uid = getuid() + 1, .max_found = 10};

	program("root/su", 04755);
	root = open(folder_path("root"), O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(capfiles_find(root, &options, &found), 0);
	assert_int_equal(found.n, 0);
}

static unsigned int told;

static void tell(uint64_t entries, size_t n, void *ctx)
{
	told++;
}

static void limits_end_the_walk(void **state)
{
	_cleanup_(capfiles_done) struct capfiles few, some, none, all;
	char name[32];

	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "root/%d", i);
		program(name, 04755);
	}
	find(&few, (struct capfiles_options){.max_entries = 10});
	assert_int_equal(few.entries, 10);
	assert_true(few.cut);
	find(&some, (struct capfiles_options){.max_found = 7});
	assert_int_equal(some.n, 7);
	assert_true(some.cut);
	find(&none, (struct capfiles_options){.max_ns = 1});
	assert_true(none.cut);
	assert_in_range(none.entries, 0, 599);
	told = 0;
	find(&all,
	     (struct capfiles_options){.max_found = 1000, .max_entries = 1000, .progress = tell});
	assert_int_equal(all.n, 600);
	assert_false(all.cut);
	assert_true(told >= 2);
}

static void depth_is_bounded(void **state)
{
	_cleanup_(capfiles_done) struct capfiles found;
	char path[1024] = "root";

	for (int i = 0; i < 100; i++)
		strcat(path, "/d");
	strcat(path, "/su");
	program(path, 04755);
	program("root/su", 04755);
	find(&found, (struct capfiles_options){0});
	assert_int_equal(found.n, 1);
	assert_true(found.cut);
}

static void who_is_root_is_in_the_map(void **state)
{
	uid_t uid = 12345;

	assert_int_equal(capfiles_root_uid(getpid(), &uid), 0);
	assert_int_not_equal(uid, 12345);
	assert_int_equal(capfiles_root_uid(0x7fffffff, &uid), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes_are_read),
		cmocka_unit_test(wrong_attributes_are_refused),
		cmocka_unit_test_setup_teardown(set_user_id_files_are_found, setup, teardown),
		cmocka_unit_test_setup_teardown(another_root_has_other_files, setup, teardown),
		cmocka_unit_test_setup_teardown(limits_end_the_walk, setup, teardown),
		cmocka_unit_test_setup_teardown(depth_is_bounded, setup, teardown),
		cmocka_unit_test(who_is_root_is_in_the_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
