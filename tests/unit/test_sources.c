/* SPDX-License-Identifier: GPL-2.0-only */
/* The folder of policies: what in it is no file, and what is gone. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "daemon/saved.h"
#include "daemon/sources.h"
#include "folder.h"
#include "policies.h"

#define POLICY(name, caps) "policies:\n- name: " name "\n  capabilities: " caps "\n"

static json_t *problems;
static char config[96];

static int begin(void **state)
{
	folder_make();
	snprintf(config, sizeof(config), "%s/policies.d", folder);
	problems = json_array();
	return 0;
}

static int done(void **state)
{
	json_decref(problems);
	folder_remove();
	return 0;
}

/* What was there before is taken over, and what is there now comes into force. */
static void load(struct sources *sources)
{
	struct sources old = *sources;

	json_array_clear(problems);
	assert_int_equal(sources_load(config, folder, &old, NULL, problems, sources), 0);
	sources_save_good(sources, folder);
	sources_done(&old);
}

/* One problem, of policies.d/a.yaml. */
static void check_problem(const char *message)
{
	const json_t *problem = json_array_get(problems, 0);

	assert_int_equal(json_array_size(problems), 1);
	assert_string_equal(json_string_value(json_object_get(problem, "file")),
			    folder_path("policies.d/a.yaml"));
	assert_string_equal(json_string_value(json_object_get(problem, "message")), message);
}

/* ---- what is no file ---- */

static void make_dangling(const char *path)
{
	assert_int_equal(symlink("/nonexistent/a.yaml", path), 0);
}

static void make_loop(const char *path)
{
	assert_int_equal(symlink("a.yaml", path), 0);
}

static void make_folder(const char *path)
{
	assert_int_equal(mkdir(path, 0700), 0);
}

static void make_fifo(const char *path)
{
	assert_int_equal(mkfifo(path, 0600), 0);
}

static void make_link_to_device(const char *path)
{
	assert_int_equal(symlink("/dev/zero", path), 0);
}

static void make_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static const struct {
	void (*make)(const char *path);
	const char *message;
} no_files[] = {
	{make_dangling, "cannot be read: No such file or directory"},
	{make_loop, "cannot be read: Too many levels of symbolic links"},
	{make_folder, "cannot be read: Is a directory"},
	{make_fifo, "cannot be read: it is no regular file"},
	{make_link_to_device, "cannot be read: it is no regular file"},
	{make_socket, "cannot be read: it is no regular file"},
};

static void what_leads_to_no_file_keeps_the_last_good_form(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(no_files); i++) {
		struct sources sources = {};

		folder_write("policies.d/a.yaml", POLICY("a", "none"));
		load(&sources);
		assert_int_equal(json_array_size(problems), 0);
		assert_int_equal(remove(folder_path("policies.d/a.yaml")), 0);
		no_files[i].make(folder_path("policies.d/a.yaml"));
		/* From memory, and over a restart from disk. */
		load(&sources);
		check_problem(no_files[i].message);
		assert_non_null(sources_find(&sources, "a", NULL));
		sources_done(&sources);
		load(&sources);
		check_problem(no_files[i].message);
		assert_non_null(sources_find(&sources, "a", NULL));
		/* The name itself goes, and with it the policy. */
		assert_int_equal(remove(folder_path("policies.d/a.yaml")), 0);
		load(&sources);
		assert_int_equal(json_array_size(problems), 0);
		assert_null(sources_find(&sources, "a", NULL));
		sources_done(&sources);
	}
}

/* What it may have bound is not known: as with a file that cannot be read. */
static void without_a_good_form_it_is_a_source_that_cannot_be_read(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(no_files); i++) {
		struct sources sources = {};

		folder_make_parents("policies.d/a.yaml");
		no_files[i].make(folder_path("policies.d/a.yaml"));
		load(&sources);
		check_problem(no_files[i].message);
		assert_int_equal(sources.n, 1);
		assert_null(sources.items[0].set);
		sources_done(&sources);
		assert_int_equal(remove(folder_path("policies.d/a.yaml")), 0);
	}
}

static uint64_t look(struct policy_reads *reads)
{
	policy_reads_done(reads);
	assert_int_equal(sources_look(config, reads), 0);
	return reads->hash;
}

static void it_comes_and_goes_before_the_eyes_of_who_looks(void **state)
{
	struct policy_reads reads = {};
	uint64_t before, after;

	folder_write("policies.d/b.yaml", POLICY("b", "none"));
	before = look(&reads);
	for (size_t i = 0; i < ARRAY_SIZE(no_files); i++) {
		no_files[i].make(folder_path("policies.d/a.yaml"));
		assert_true(look(&reads) != before);
		assert_int_equal(remove(folder_path("policies.d/a.yaml")), 0);
		assert_true(look(&reads) == before);
	}
	/* Where a link would lead to is watched: its file may come. */
	assert_int_equal(symlink("../far/a.yaml", folder_path("policies.d/a.yaml")), 0);
	after = look(&reads);
	assert_string_equal(reads.folders[reads.n_folders - 1], folder);
	folder_write("far/x", "");
	assert_true(look(&reads) == after);
	assert_string_equal(reads.folders[1], folder_path("far"));
	policy_reads_done(&reads);
}

/* ---- what is gone ---- */

static bool is_saved(const char *path)
{
	return !access(folder_path(path), F_OK);
}

/* Another file of the same name is another file. */
static void a_file_that_was_removed_has_no_last_good_form(void **state)
{
	static const bool restarts[] = {false, true};

	for (size_t i = 0; i < ARRAY_SIZE(restarts); i++) {
		struct sources sources = {};

		folder_write("policies.d/a.yaml", POLICY("a", "none"));
		folder_write("policies.d/b.yaml", POLICY("b", "none"));
		load(&sources);
		assert_true(is_saved("last-good/a.yaml"));
		assert_int_equal(remove(folder_path("policies.d/a.yaml")), 0);
		if (restarts[i])
			sources_done(&sources);
		load(&sources);
		assert_false(is_saved("last-good/a.yaml"));
		assert_true(is_saved("last-good/b.yaml"));
		folder_write("policies.d/a.yaml", "policies: [");
		folder_write("policies.d/b.yaml", "policies: [");
		load(&sources);
		assert_true(json_array_size(problems) >= 2);
		assert_null(sources_find(&sources, "a", NULL));
		assert_non_null(sources_find(&sources, "b", NULL));
		sources_done(&sources);
	}
}

static void with_its_folder_all_are_gone(void **state)
{
	struct sources sources = {};

	folder_write("policies.d/a.yaml", POLICY("a", "none"));
	load(&sources);
	assert_int_equal(remove(folder_path("policies.d/a.yaml")), 0);
	assert_int_equal(remove(config), 0);
	load(&sources);
	assert_int_equal(json_array_size(problems), 0);
	assert_int_equal(sources.n, 0);
	assert_false(is_saved("last-good/a.yaml"));
	sources_done(&sources);
}

static void of_a_newer_version_nothing_is_forgotten(void **state)
{
	struct sources sources = {};

	folder_write("policies.d/a.yaml", POLICY("a", "none"));
	load(&sources);
	assert_int_equal(remove(folder_path("policies.d/a.yaml")), 0);
	folder_write("version", "2\n");
	load(&sources);
	assert_true(is_saved("last-good/a.yaml"));
	sources_done(&sources);
}

static void what_cannot_be_forgotten_is_told(void **state)
{
	struct sources sources = {};

	folder_write("last-good/a.yaml/x", "");
	folder_write("last-good/.b.yaml.new", "");
	load(&sources);
	assert_int_equal(json_array_size(problems), 1);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(problems, 0), "message")),
		"its file is gone, and it cannot be removed: Is a directory");
	assert_true(is_saved("last-good/.b.yaml.new"));
	sources_done(&sources);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_leads_to_no_file_keeps_the_last_good_form,
						begin, done),
		cmocka_unit_test_setup_teardown(
			without_a_good_form_it_is_a_source_that_cannot_be_read, begin, done),
		cmocka_unit_test_setup_teardown(it_comes_and_goes_before_the_eyes_of_who_looks,
						begin, done),
		cmocka_unit_test_setup_teardown(a_file_that_was_removed_has_no_last_good_form,
						begin, done),
		cmocka_unit_test_setup_teardown(with_its_folder_all_are_gone, begin, done),
		cmocka_unit_test_setup_teardown(of_a_newer_version_nothing_is_forgotten, begin,
						done),
		cmocka_unit_test_setup_teardown(what_cannot_be_forgotten_is_told, begin, done),
	};

	return cmocka_run_group_tests_name("sources", tests, NULL, NULL);
}
