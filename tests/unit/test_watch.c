/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of policies are looked at once things are quiet, whatever happens to their folders, and only then. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "daemon/watch.h"
#include "folder.h"

/* As in watch.c. */
#define QUIET_MS 300
#define LATEST_MS 2000

static sd_event *event;
static struct watch *watch;
static struct policy_reads reads;
static unsigned int reload;
static int looks;

static const struct policy_reads *read_last(void *ctx, unsigned int *ret_reload)
{
	*ret_reload = reload;
	return &reads;
}

static void look(void *ctx)
{
	looks++;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Lets the loop run for so long, and less if a look comes. */
static void run_until_look(uint64_t ms)
{
	uint64_t end = now_ms() + ms;
	int before = looks;

	while (looks == before && now_ms() < end)
		assert_true(sd_event_run(event, (end - now_ms()) * 1000) >= 0);
}

/* How many looks there are: one soon, and then none until all is quiet. */
static int looks_after(void)
{
	int before = looks;

	run_until_look(2 * QUIET_MS);
	if (looks != before)
		run_until_look(2 * QUIET_MS);
	return looks - before;
}

static void start(const char *config_dir)
{
	static char path[1024];
	struct watch_options o = {.config_dir = path, .reads = read_last, .look = look};

	strcpy(path, folder_path(config_dir));
	assert_true(sd_event_new(&event) >= 0);
	o.event = event;
	looks = 0;
	assert_int_equal(watch_open(&o, &watch), 0);
	/* For what came before. */
	assert_int_equal(looks_after(), 1);
}

static int make(void **state)
{
	folder_make();
	reads = (struct policy_reads){};
	return 0;
}

static int unmake(void **state)
{
	watch = watch_free(watch);
	event = sd_event_unref(event);
	folder_remove();
	return 0;
}

static void change(const char *from, const char *to)
{
	char path[1024];

	strcpy(path, folder_path(from));
	assert_int_equal(rename(path, folder_path(to)), 0);
}

static void many_changes_are_one_look(void **state)
{
	folder_write("d/old.yaml", "x");
	start("d");
	folder_write("d/a.yaml", "x");
	folder_write("d/b.yml", "x");
	folder_write("d/a.yaml", "y");
	change("d/old.yaml", "d/new.yaml");
	assert_int_equal(remove(folder_path("d/b.yml")), 0);
	assert_int_equal(looks_after(), 1);
	change("d/new.yaml", "gone");
	assert_int_equal(looks_after(), 1);
	change("gone", "d/back.yaml");
	assert_int_equal(looks_after(), 1);
	assert_int_equal(chmod(folder_path("d/back.yaml"), 0600), 0);
	assert_int_equal(looks_after(), 1);
	assert_int_equal(symlink("back.yaml", folder_path("d/link.yaml")), 0);
	assert_int_equal(looks_after(), 1);
}

static void what_the_loader_passes_over_is_no_reason(void **state)
{
	folder_write("d/a.yaml", "x");
	start("d");
	folder_write("d/.a.yaml.swp", "x");
	folder_write("d/a.yaml~", "x");
	folder_write("d/4913", "x");
	folder_write("d/.#a.yaml", "x");
	folder_write("d/README", "x");
	folder_write("other", "x");
	folder_write("e.yaml", "x");
	change("d/README", "d/READ");
	assert_int_equal(looks_after(), 0);
}

static void a_file_that_is_being_written_is_no_reason(void **state)
{
	int fd;

	folder_write("d/x", "");
	start("d");
	fd = open(folder_path("d/a.yaml"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a", 1), 1);
	assert_int_equal(looks_after(), 0);
	close(fd);
	assert_int_equal(looks_after(), 1);
}

/* Whole before they have a name that matters: nothing tells that they are written, or closed, by that. */
static void a_file_that_comes_by_a_link_is_seen(void **state)
{
	char from[64], path[1024];
	int fd;

	folder_write("d/x", "");
	start("d");
	fd = open(folder_path("d"), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EOPNOTSUPP)
		skip();
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a", 1), 1);
	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	assert_int_equal(
		linkat(AT_FDCWD, from, AT_FDCWD, folder_path("d/a.yaml"), AT_SYMLINK_FOLLOW), 0);
	close(fd);
	run_until_look(LATEST_MS + 2 * QUIET_MS);
	assert_int_equal(looks, 2);
	/* With two names it is whole. */
	folder_write("d/.new", "b");
	strcpy(path, folder_path("d/.new"));
	assert_int_equal(link(path, folder_path("d/b.yaml")), 0);
	assert_int_equal(looks_after(), 1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(looks_after(), 0);
	/* The other one is gone before anybody looks. */
	folder_write("d/.new", "c");
	assert_int_equal(link(path, folder_path("d/c.yaml")), 0);
	assert_int_equal(unlink(path), 0);
	looks = 0;
	run_until_look(LATEST_MS + 2 * QUIET_MS);
	assert_int_equal(looks, 1);
	/* And no more than that. */
	run_until_look(LATEST_MS + 2 * QUIET_MS);
	assert_int_equal(looks, 1);
}

static void what_never_rests_is_looked_at_all_the_same(void **state)
{
	uint64_t begin;

	folder_write("d/x", "");
	start("d");
	begin = now_ms();
	looks = 0;
	while (!looks && now_ms() - begin < 3 * LATEST_MS) {
		folder_write("d/a.yaml", "x");
		run_until_look(QUIET_MS / 6);
	}
	assert_int_equal(looks, 1);
	assert_in_range(now_ms() - begin, LATEST_MS - QUIET_MS, LATEST_MS + LATEST_MS / 2);
}

static void a_folder_comes_goes_and_comes_again(void **state)
{
	start("etc/leastcap/policies.d");
	assert_int_equal(mkdir(folder_path("etc"), 0755), 0);
	assert_int_equal(looks_after(), 1);
	folder_write("etc/other", "x");
	assert_int_equal(looks_after(), 0);
	folder_write("etc/leastcap/policies.d/a.yaml", "x");
	assert_int_equal(looks_after(), 1);
	folder_write("etc/leastcap/policies.d/a.yaml", "y");
	assert_int_equal(looks_after(), 1);
	/* Renamed far above, and replaced at once. */
	change("etc", "away");
	folder_write("etc/leastcap/policies.d/b.yaml", "x");
	assert_int_equal(looks_after(), 1);
	folder_write("etc/leastcap/policies.d/b.yaml", "y");
	assert_int_equal(looks_after(), 1);
	folder_write("away/leastcap/policies.d/a.yaml", "z");
	assert_int_equal(looks_after(), 0);
	/* Removed, and made again in one breath. */
	assert_int_equal(remove(folder_path("etc/leastcap/policies.d/b.yaml")), 0);
	assert_int_equal(remove(folder_path("etc/leastcap/policies.d")), 0);
	assert_int_equal(mkdir(folder_path("etc/leastcap/policies.d"), 0755), 0);
	assert_int_equal(looks_after(), 1);
	folder_write("etc/leastcap/policies.d/c.yaml", "x");
	assert_int_equal(looks_after(), 1);
}

/* What the kubelet does: a folder of its own for each version, a link to it, and a link for each file through that. */
static void a_config_map_is_swapped(void **state)
{
	folder_write("d/..1/a.yaml", "x");
	assert_int_equal(symlink("..1", folder_path("d/..data")), 0);
	assert_int_equal(symlink("..data/a.yaml", folder_path("d/a.yaml")), 0);
	start("d");
	folder_write("d/..2/a.yaml", "y");
	assert_int_equal(symlink("..2", folder_path("d/..data_tmp")), 0);
	change("d/..data_tmp", "d/..data");
	assert_int_equal(looks_after(), 1);
}

static void other_folders_are_watched_when_they_are_read(void **state)
{
	char *folders[] = {strdup(folder_path("far")), strdup(folder_path("none/there"))};

	folder_write("d/x", "");
	folder_write("far/b.yaml", "x");
	start("d");
	folder_write("far/b.yaml", "y");
	assert_int_equal(looks_after(), 0);
	reads = (struct policy_reads){.folders = folders, .n_folders = 2};
	reload++;
	/* A look of its own, for what has changed in between; it takes something to happen in the loop. */
	folder_write("d/c.yaml", "x");
	assert_int_equal(looks_after(), 1);
	folder_write("far/b.yaml", "z");
	assert_int_equal(looks_after(), 1);
	folder_write("none/there/b.yaml", "z");
	assert_int_equal(looks_after(), 1);
	free(folders[0]);
	free(folders[1]);
}

/* More changes than the queue holds: what comes behind is not told, that it is too full is. */
static void a_queue_that_overflows_is_a_reason(void **state)
{
	char path[1024], other[1024];
	unsigned int most = 0;
	int before;
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%u", &most), 1);
	fclose(f);
	folder_write("d/x", "");
	start("d");
	strcpy(path, folder_path("d/x"));
	strcpy(other, folder_path("d/y"));
	for (unsigned int i = 0; i <= most; i++)
		assert_int_equal(i % 2 ? rename(other, path) : rename(path, other), 0);
	before = looks;
	/* To read so many takes its time. */
	run_until_look(20000);
	assert_int_equal(looks, before + 1);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(many_changes_are_one_look),
		in_folder(what_the_loader_passes_over_is_no_reason),
		in_folder(a_file_that_is_being_written_is_no_reason),
		in_folder(a_file_that_comes_by_a_link_is_seen),
		in_folder(what_never_rests_is_looked_at_all_the_same),
		in_folder(a_folder_comes_goes_and_comes_again),
		in_folder(a_config_map_is_swapped),
		in_folder(other_folders_are_watched_when_they_are_read),
		in_folder(a_queue_that_overflows_is_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
