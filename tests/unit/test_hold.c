/* SPDX-License-Identifier: GPL-2.0-only */
/* When an entrypoint need not be held any longer, and whether a process is the one that was held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/procfs.h"
#include "fake_engine.h"
#include "folder.h"
#include "kernel/internal.h"
#include "subject/identities.h"

#define DOCKER "/system.slice/docker-" TEST_ID ".scope"
#define PODMAN "/machine.slice/libpod-" TEST_ID ".scope"
#define UNKNOWN "/somewhere/" TEST_ID

static sd_event *event;
static struct identities *ids;
static struct fake docker, podman;
static char docker_path[96], podman_path[96];
static bool settled_when_told;
static unsigned int n_changed, never;

static void on_changed(const char *cgroup, const struct identity *identity, void *ctx)
{
	n_changed++;
	settled_when_told = identities_settled(ids, cgroup);
}

static int setup(void **state)
{
	folder_make();
	assert_int_equal(chmod(folder, 0755), 0);
	snprintf(docker_path, sizeof(docker_path), "%s/docker.sock", folder);
	snprintf(podman_path, sizeof(podman_path), "%s/podman.sock", folder);
	n_changed = 0;
	return sd_event_new(&event) < 0;
}

static int teardown(void **state)
{
	identities_free(ids);
	ids = NULL;
	fake_done(&docker, docker_path);
	fake_done(&podman, podman_path);
	event = sd_event_unref(event);
	folder_remove();
	return 0;
}

static void make_store(void)
{
	const struct engine_socket engines[] = {{"docker", docker_path}, {"podman", podman_path}};
	const struct identities_options options = {
		.root = folder, .engines = engines, .n_engines = ARRAY_SIZE(engines)};

	assert_int_equal(identities_new(event, &options, on_changed, NULL, &ids), 0);
}

static void serve_web(int fd, const char *id, unsigned int n)
{
	fake_container(fd, id, ",\"Name\":\"/web\",\"Config\":{\"Image\":\"nginx\"}");
}

static void serve_unknown(int fd, const char *id, unsigned int n)
{
	fake_unknown(fd);
}

static void serve_never(int fd, const char *id, unsigned int n)
{
	fake_sleep(60000);
}

/* Runs the loop until the container is settled; false: it is not within msec. */
static bool settles(const char *cgroup, uint64_t msec)
{
	const uint64_t end = fake_msec() + msec;

	while (!identities_settled(ids, cgroup) && fake_msec() < end)
		(void)fake_run(event, &never, 1, 5, NULL);
	return identities_settled(ids, cgroup);
}

/* ---- tests ---- */

static void an_answer_settles_it_when_it_was_told(void **state)
{
	fake_start(&docker, docker_path, geteuid(), serve_web, NULL);
	make_store();
	assert_false(identities_settled(ids, DOCKER));
	assert_int_equal(identities_want(ids, DOCKER), 0);
	assert_false(identities_settled(ids, DOCKER));
	while (!identities_get(ids, DOCKER)->name) {
		assert_false(identities_settled(ids, DOCKER));
		assert_true(sd_event_run(event, 10000000) >= 0);
	}
	/* Known, and nobody was told yet: what depends on it is not done. */
	assert_int_equal(n_changed, 0);
	assert_false(identities_settled(ids, DOCKER));
	assert_true(fake_run(event, &n_changed, 1, 10000, NULL));
	assert_true(settled_when_told);
}

static void docker_has_it_all_on_the_disk(void **state)
{
	folder_write("run/containerd/io.containerd.runtime.v2.task/moby/ID/config.json", "{}");
	fake_start(&docker, docker_path, geteuid(), serve_never, NULL);
	make_store();
	/* The bundle alone has neither name nor image. */
	assert_int_equal(identities_want(ids, DOCKER), 0);
	assert_false(settles(DOCKER, 300));
	identities_drop(ids, DOCKER);

	folder_write("var/lib/docker/containers/ID/config.v2.json",
		     "{\"Name\":\"/web\",\"Config\":{\"Image\":\"nginx\"}}");
	assert_int_equal(identities_want(ids, DOCKER), 0);
	assert_true(identities_settled(ids, DOCKER));
}

static void an_engine_that_hangs_is_waited_for(void **state)
{
	fake_start(&podman, podman_path, geteuid(), serve_never, NULL);
	make_store();
	assert_int_equal(identities_want(ids, PODMAN), 0);
	assert_false(settles(PODMAN, 1000));
}

static void an_engine_that_is_absent_is_not_waited_for(void **state)
{
	make_store();
	assert_int_equal(identities_want(ids, PODMAN), 0);
	assert_false(identities_settled(ids, PODMAN));
	assert_true(settles(PODMAN, 5000));
}

static void an_engine_that_says_no_twice_is_believed(void **state)
{
	fake_start(&docker, docker_path, geteuid(), serve_unknown, NULL);
	make_store();
	assert_int_equal(identities_want(ids, UNKNOWN), 0);
	assert_true(settles(UNKNOWN, 5000));
	assert_int_equal(atomic_load(&docker.counts->requests), 2);
}

static void nobody_to_ask_is_settled(void **state)
{
	make_store();
	assert_int_equal(identities_want(ids, DOCKER "/" TEST_ID), 0);
	assert_true(identities_settled(ids, DOCKER "/" TEST_ID));
}

static void a_process_is_known_by_its_start(void **state)
{
	static const char tail[] = " S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 ";
	static const char *const names[] = {"sleep", "a b", ") S 9 9", "(", "x) (y)"};
	char text[256];
	uint64_t start;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(text, sizeof(text), "7 (%s)%s4711 5000 100\n", names[i], tail);
		assert_int_equal(stat_start(text, &start), 0);
		assert_int_equal(start, 4711);
	}
	snprintf(text, sizeof(text), "7 (sleep)%s18446744073709551615", tail);
	assert_int_equal(stat_start(text, &start), 0);
	assert_true(start == UINT64_MAX);
}

static void what_is_no_stat_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"7",
		"7 (sleep",
		"7 (sleep)",
		"7 (sleep) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0",
		"7 (sleep) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 ",
		"7 (sleep) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 x 5000",
		"7 (sleep) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 -1 5000",
		"7 (sleep) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 12x 5000",
		"7 (sleep) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 18446744073709551616 1",
	};
	uint64_t start;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(stat_start(texts[i], &start), -EBADMSG);
}

/* ---- letting go ---- */

/* A stopped child, and when it was started, in the kernel's clock. */
static pid_t stopped_child(uint64_t *ret_start_ns)
{
	char path[32], text[1024];
	pid_t pid = fork();
	uint64_t ticks;
	FILE *f;

	if (!pid) {
		raise(SIGSTOP);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	assert_int_equal(stat_start(text, &ticks), 0);
	*ret_start_ns = ticks * (1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK));
	return pid;
}

/* So many descriptors more, and no other. */
static void allow_more(unsigned int n, struct rlimit *ret_old)
{
	struct rlimit now;
	int next = dup(STDERR_FILENO);

	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, ret_old), 0);
	now = (struct rlimit){.rlim_cur = (rlim_t)next + n, .rlim_max = ret_old->rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
}

static void who_is_held_is_gone_only_where_that_is_sure(void **state)
{
	struct rlimit old;
	uint64_t start;
	pid_t pid = stopped_child(&start);
	int status;

	/* Neither of the two descriptors that it takes, and then one. */
	for (unsigned int n = 0; n < 2; n++) {
		int err;

		allow_more(n, &old);
		err = held_go_on((uint32_t)pid, start);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		assert_int_equal(err, -EMFILE);
		assert_int_equal(waitpid(pid, NULL, WCONTINUED | WNOHANG), 0);
	}
	/* A later one with its number is left alone. */
	assert_int_equal(held_go_on((uint32_t)pid, start + 1000000000ULL), 0);
	assert_int_equal(waitpid(pid, NULL, WCONTINUED | WNOHANG), 0);
	assert_int_equal(held_go_on((uint32_t)pid, start), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(held_go_on((uint32_t)pid, start), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_settles_it_when_it_was_told),
		TEST(docker_has_it_all_on_the_disk),
		TEST(an_engine_that_hangs_is_waited_for),
		TEST(an_engine_that_is_absent_is_not_waited_for),
		TEST(an_engine_that_says_no_twice_is_believed),
		TEST(nobody_to_ask_is_settled),
		cmocka_unit_test(a_process_is_known_by_its_start),
		cmocka_unit_test(what_is_no_stat_is_refused),
		cmocka_unit_test(who_is_held_is_gone_only_where_that_is_sure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
