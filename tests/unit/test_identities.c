/* SPDX-License-Identifier: GPL-2.0-only */
/* The store: bundles at once, engines later, and nobody described by whom it does not belong to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_engine.h"
#include "folder.h"
#include "subject/identities.h"

#define DOCKER "/system.slice/docker-" TEST_ID ".scope"
#define PODMAN "/machine.slice/libpod-" TEST_ID ".scope"
#define UNKNOWN "/somewhere/" TEST_ID

static sd_event *event;
static struct identities *ids;
static struct fake docker, podman, user;
static char docker_path[96], podman_path[96], users_path[96], user_path[160];
static unsigned int n_changed, never;
static char changed_cgroup[256], changed_name[256];

static void on_changed(const char *cgroup, const struct identity *identity, void *ctx)
{
	n_changed++;
	snprintf(changed_cgroup, sizeof(changed_cgroup), "%s", cgroup);
	snprintf(changed_name, sizeof(changed_name), "%s", identity->name ? identity->name : "");
}

/* Root's tests have a user at hand; others are one. */
static uid_t user_id(void)
{
	return geteuid() ? geteuid() : 1000;
}

static int setup(void **state)
{
	char dir[128];

	folder_make();
	assert_int_equal(chmod(folder, 0755), 0);
	snprintf(docker_path, sizeof(docker_path), "%s/docker.sock", folder);
	snprintf(podman_path, sizeof(podman_path), "%s/podman.sock", folder);
	snprintf(users_path, sizeof(users_path), "%s/users", folder);
	snprintf(dir, sizeof(dir), "users/%u/docker.sock", user_id());
	folder_make_parents(dir);
	snprintf(user_path, sizeof(user_path), "%s/%s", folder, dir);
	n_changed = 0;
	return sd_event_new(&event) < 0;
}

static int teardown(void **state)
{
	if (ids)
		identities_free(ids);
	ids = NULL;
	fake_done(&docker, docker_path);
	fake_done(&podman, podman_path);
	fake_done(&user, user_path);
	event = sd_event_unref(event);
	folder_remove();
	return 0;
}

static void make_store(identities_changed changed)
{
	const struct engine_socket engines[] = {{"docker", docker_path}, {"podman", podman_path}};
	const struct identities_options options = {
		.root = folder,
		.engines = engines,
		.n_engines = ARRAY_SIZE(engines),
		.users = users_path,
	};

	assert_int_equal(identities_new(event, &options, changed, NULL, &ids), 0);
}

static void write_docker_bundle(void)
{
	folder_write("run/containerd/io.containerd.runtime.v2.task/moby/ID/config.json", "{}");
	folder_write(
		"var/lib/docker/containers/ID/config.v2.json",
		"{\"Name\":\"/web\",\"Config\":{\"Image\":\"nginx\",\"Labels\":{\"a\":\"b\"}}}");
}

static void serve_web(int fd, const char *id, unsigned int n)
{
	fake_container(
		fd, id,
		",\"Name\":\"/web\",\"Config\":{\"Image\":\"nginx\",\"Labels\":{\"a\":\"b\"}}");
}

static void serve_db(int fd, const char *id, unsigned int n)
{
	fake_container(fd, id,
		       ",\"Name\":\"db\",\"Config\":{\"Image\":\"postgres\",\"Labels\":{"
		       "\"io.kubernetes.pod.name\":\"p\"}}");
}

static void serve_unknown(int fd, const char *id, unsigned int n)
{
	fake_unknown(fd);
}

/* ---- tests ---- */

static void an_engine_tells_later(void **state)
{
	const struct identity *i;

	fake_start(&docker, docker_path, geteuid(), serve_web, NULL);
	make_store(on_changed);
	assert_null(identities_get(ids, DOCKER));
	assert_int_equal(identities_want(ids, "/system.slice/ssh.service"), -EINVAL);
	assert_int_equal(identities_want(ids, DOCKER), 0);
	i = identities_get(ids, DOCKER);
	assert_non_null(i);
	assert_string_equal(i->id, TEST_ID);
	assert_string_equal(i->runtime, "docker");
	assert_null(i->name);
	assert_true(fake_run(event, &n_changed, 1, 10000, NULL));
	assert_string_equal(changed_cgroup, DOCKER);
	i = identities_get(ids, DOCKER);
	assert_string_equal(i->name, "web");
	assert_string_equal(i->image, "nginx");
	assert_string_equal(identity_label(i, "a"), "b");
	assert_null(identities_get(ids, PODMAN));

	/* It is known: nobody is asked again. */
	assert_int_equal(identities_want(ids, DOCKER), 0);
	assert_false(fake_run(event, &never, 1, 200, NULL));
	assert_int_equal(atomic_load(&docker.counts->requests), 1);
	identities_drop(ids, DOCKER);
	identities_drop(ids, DOCKER);
	assert_null(identities_get(ids, DOCKER));
}

static void a_bundle_tells_at_once(void **state)
{
	struct identities_stats stats;
	const struct identity *i;

	write_docker_bundle();
	fake_start(&docker, docker_path, geteuid(), serve_web, NULL);
	make_store(on_changed);
	assert_int_equal(identities_want(ids, UNKNOWN), 0);
	i = identities_get(ids, UNKNOWN);
	assert_non_null(i);
	assert_string_equal(i->runtime, "docker");
	assert_string_equal(i->name, "web");
	assert_string_equal(i->image, "nginx");
	identities_get_stats(ids, &stats);
	assert_int_equal(stats.known, 1);
	assert_int_equal(stats.waiting, 1);

	/* The engine says the same: no change. */
	assert_false(fake_run(event, &n_changed, 1, 1000, NULL));
	assert_int_equal(atomic_load(&docker.counts->requests), 1);
	identities_get_stats(ids, &stats);
	assert_int_equal(stats.waiting, 0);
}

#define LIST "var/lib/containers/storage/overlay-containers/containers.json"

/* Nobody tells but the disk, and what is there at a first look is nothing, or cannot be read. */
static void what_the_disk_does_not_tell_at_once_is_read_again(void **state)
{
	static const char *const early[] = {NULL, "[]", "[{\"id\":\"" TEST_ID "\""};
	const struct identity *i;

	make_store(on_changed);
	for (size_t n = 0; n < ARRAY_SIZE(early); n++) {
		if (early[n])
			folder_write(LIST, early[n]);
		n_changed = 0;
		assert_int_equal(identities_want(ids, PODMAN), 0);
		assert_string_equal(identities_get(ids, PODMAN)->runtime, "podman");
		assert_null(identities_get(ids, PODMAN)->image);
		assert_false(identities_settled(ids, PODMAN));
		folder_write(LIST, "[{\"id\":\"" TEST_ID "\",\"names\":[\"db\"],"
				   "\"metadata\":\"{\\\"image-name\\\":\\\"postgres\\\"}\"}]");
		assert_true(fake_run(event, &n_changed, 1, 10000, NULL));
		assert_string_equal(changed_cgroup, PODMAN);
		i = identities_get(ids, PODMAN);
		assert_string_equal(i->name, "db");
		assert_string_equal(i->image, "postgres");
		/* It is known: what the disk says later is not read any more. */
		folder_write(LIST, "[{\"id\":\"" TEST_ID "\",\"names\":[\"other\"]}]");
		assert_false(fake_run(event, &n_changed, 2, 700, NULL));
		assert_string_equal(identities_get(ids, PODMAN)->name, "db");
		identities_drop(ids, PODMAN);
	}
}

/* It is read again for a while; and dropped meanwhile it is not read. */
static void what_the_disk_never_tells_is_settled_after_a_second_look(void **state)
{
	make_store(on_changed);
	assert_int_equal(identities_want(ids, PODMAN), 0);
	assert_false(identities_settled(ids, PODMAN));
	for (int i = 0; i < 100 && !identities_settled(ids, PODMAN); i++)
		assert_false(fake_run(event, &never, 1, 10, NULL));
	assert_true(identities_settled(ids, PODMAN));
	assert_int_equal(n_changed, 0);
	identities_drop(ids, PODMAN);
	assert_false(fake_run(event, &never, 1, 500, NULL));
	assert_null(identities_get(ids, PODMAN));
}

/* What the engine has said counts, whatever is on the disk later. */
static void an_engine_ends_the_reading(void **state)
{
	fake_start(&podman, podman_path, geteuid(), serve_db, NULL);
	make_store(on_changed);
	assert_int_equal(identities_want(ids, PODMAN), 0);
	assert_true(fake_run(event, &n_changed, 1, 10000, NULL));
	assert_true(identities_settled(ids, PODMAN));
	folder_write(LIST, "[{\"id\":\"" TEST_ID "\",\"names\":[\"other\"]}]");
	assert_false(fake_run(event, &n_changed, 2, 1500, NULL));
	assert_string_equal(identities_get(ids, PODMAN)->name, "db");
}

static void a_bare_id_is_asked_of_both(void **state)
{
	fake_start(&docker, docker_path, geteuid(), serve_unknown, NULL);
	fake_start(&podman, podman_path, geteuid(), serve_db, NULL);
	make_store(on_changed);
	assert_int_equal(identities_want(ids, UNKNOWN), 0);
	assert_null(identities_get(ids, UNKNOWN));
	assert_true(fake_run(event, &n_changed, 1, 10000, NULL));
	assert_string_equal(identities_get(ids, UNKNOWN)->runtime, "podman");
	assert_string_equal(identities_get(ids, UNKNOWN)->name, "db");
	assert_null(identities_get(ids, UNKNOWN)->pod);
	/* The other one is left alone from then on. */
	assert_false(fake_run(event, &never, 1, 300, NULL));
	atomic_store(&docker.counts->requests, 0);
	assert_false(fake_run(event, &never, 1, 1500, NULL));
	assert_int_equal(atomic_load(&docker.counts->requests), 0);
}

static void labels_tell_of_pods_in_the_kubelets_cgroups(void **state)
{
	static const char cgroup[] = "/kubepods.slice/kubepods-pod1.slice/docker-" TEST_ID ".scope";

	fake_start(&docker, docker_path, geteuid(), serve_db, NULL);
	make_store(on_changed);
	assert_int_equal(identities_want(ids, cgroup), 0);
	assert_true(fake_run(event, &n_changed, 1, 10000, NULL));
	assert_string_equal(identities_get(ids, cgroup)->pod, "p");
}

/* Whatever was known of it before this store may still be so: nobody has said otherwise. */
static void an_engine_that_is_away_is_unheard(void **state)
{
	make_store(on_changed);
	assert_false(identities_unheard(ids, DOCKER));
	assert_int_equal(identities_want(ids, DOCKER), 0);
	assert_true(identities_unheard(ids, DOCKER));
	assert_false(fake_run(event, &n_changed, 1, 300, NULL));
	/* It is not waited for, and still it has said nothing. */
	assert_true(identities_settled(ids, DOCKER));
	assert_true(identities_unheard(ids, DOCKER));
	fake_start(&docker, docker_path, geteuid(), serve_web, NULL);
	assert_true(fake_run(event, &n_changed, 1, 10000, NULL));
	assert_false(identities_unheard(ids, DOCKER));
	identities_drop(ids, DOCKER);
	assert_false(identities_unheard(ids, DOCKER));
}

static bool is_heard(void)
{
	return !identities_unheard(ids, DOCKER);
}

static void an_engine_that_says_no_twice_is_heard(void **state)
{
	fake_start(&docker, docker_path, geteuid(), serve_unknown, NULL);
	make_store(on_changed);
	assert_int_equal(identities_want(ids, DOCKER), 0);
	for (int i = 0; i < 100 && !is_heard(); i++)
		assert_false(fake_run(event, &never, 1, 50, NULL));
	assert_true(is_heard());
	assert_true(atomic_load(&docker.counts->requests) >= 2);
}

static void the_disk_is_enough_to_be_heard(void **state)
{
	write_docker_bundle();
	make_store(on_changed);
	assert_int_equal(identities_want(ids, DOCKER), 0);
	assert_false(identities_unheard(ids, DOCKER));
	/* Who would be asked about it? */
	assert_int_equal(identities_want(ids, "/docker/" TEST_ID "/docker/" TEST_ID), 0);
	assert_false(identities_unheard(ids, "/docker/" TEST_ID "/docker/" TEST_ID));
}

/* A container of a user's, whose engine may answer. */
static const char *users_container(void)
{
	static char cgroup[256];
	char dir[160];

	snprintf(cgroup, sizeof(cgroup),
		 "/user.slice/user-%u.slice/user@%u.service/user.slice/docker-" TEST_ID ".scope",
		 user_id(), user_id());
	snprintf(dir, sizeof(dir), "users/%u", user_id());
	if (geteuid() == 0)
		assert_int_equal(chown(folder_path(dir), user_id(), user_id()), 0);
	return cgroup;
}

/* The same id, in a user's cgroup and in root's: each is what its own engine says. */
static void a_users_engine_describes_the_users_containers(void **state)
{
	const char *runtime;
	const char *theirs = users_container();
	struct engine_stats stats;
	uid_t uid;

	write_docker_bundle();
	fake_start(&docker, docker_path, geteuid(), serve_web, NULL);
	fake_start(&user, user_path, user_id(), serve_db, NULL);
	make_store(on_changed);
	assert_int_equal(identities_want(ids, theirs), 0);
	assert_null(identities_get(ids, theirs)->name);
	assert_int_equal(identities_want(ids, DOCKER), 0);
	assert_string_equal(identities_get(ids, DOCKER)->name, "web");
	assert_true(fake_run(event, &n_changed, 1, 10000, NULL));
	assert_string_equal(changed_cgroup, theirs);
	assert_false(fake_run(event, &never, 1, 1000, NULL));
	assert_string_equal(identities_get(ids, theirs)->name, "db");
	assert_string_equal(identities_get(ids, DOCKER)->name, "web");
	assert_int_equal(atomic_load(&docker.counts->requests), 1);
	assert_int_equal(atomic_load(&user.counts->requests), 1);

	assert_int_equal(identities_engine_stats(ids, 2, &runtime, &uid, &stats), 0);
	assert_string_equal(runtime, "docker");
	assert_int_equal(uid, user_id());
	assert_int_equal(stats.state, ENGINE_ANSWERING);
	assert_int_equal(identities_engine_stats(ids, 3, &runtime, &uid, &stats), -ENOENT);

	/* One goes, the other stays; the user's engine goes with its last container. */
	identities_drop(ids, theirs);
	assert_string_equal(identities_get(ids, DOCKER)->name, "web");
	assert_int_equal(identities_want(ids, PODMAN), 0);
	assert_int_equal(identities_engine_stats(ids, 2, &runtime, &uid, &stats), -ENOENT);
}

/* A user may call a container what the system's is called. */
static void a_users_container_is_named_behind_the_systems(void **state)
{
	const char *theirs = users_container(), *cgroup = NULL;

	write_docker_bundle();
	fake_start(&user, user_path, user_id(), serve_web, NULL);
	make_store(on_changed);
	assert_int_equal(identities_want(ids, theirs), 0);
	assert_true(fake_run(event, &n_changed, 1, 10000, NULL));
	assert_int_equal(identities_find_named(ids, "web", &cgroup), 0);
	assert_string_equal(cgroup, theirs);
	assert_int_equal(identities_want(ids, DOCKER), 0);
	assert_int_equal(identities_find_named(ids, "web", &cgroup), 0);
	assert_string_equal(cgroup, DOCKER);
}

static void nobody_is_asked_about_what_is_not_of_this_host(void **state)
{
	static const char *const cgroups[] = {
		"/system.slice/docker-ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		".scope/docker-" TEST_ID ".scope",
		"/docker/ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff/docker/" TEST_ID,
		"/user.slice/user-4294967295.slice/docker-" TEST_ID ".scope",
		"/user.slice/user-4294967296.slice/docker-" TEST_ID ".scope",
		"/user.slice/user-.slice/docker-" TEST_ID ".scope",
		"/user.slice/user-x.slice/docker-" TEST_ID ".scope",
	};
	struct identities_stats stats;

	write_docker_bundle();
	fake_start(&docker, docker_path, geteuid(), serve_web, NULL);
	make_store(on_changed);
	for (size_t n = 0; n < ARRAY_SIZE(cgroups); n++) {
		const struct identity *i;

		assert_int_equal(identities_want(ids, cgroups[n]), 0);
		i = identities_get(ids, cgroups[n]);
		if (i && i->name)
			fail_msg("%s", cgroups[n]);
	}
	identities_get_stats(ids, &stats);
	assert_int_equal(stats.waiting, 0);
	assert_false(fake_run(event, &n_changed, 1, 200, NULL));
	assert_int_equal(atomic_load(&docker.counts->requests), 0);
}

static void serve_renamed(int fd, const char *id, unsigned int n)
{
	if (n == 1)
		serve_web(fd, id, n);
	else
		fake_container(fd, id, ",\"Name\":\"/shop\",\"Config\":{\"Image\":\"nginx\"}");
}

static void stream_rename(int fd, const char *id, unsigned int n)
{
	static const char line[] = "{\"Action\":\"rename\",\"Actor\":{\"ID\":\"" TEST_ID "\"}}\n";

	dprintf(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	fake_sleep(100);
	dprintf(fd, "%zx\r\n%s\r\n", sizeof(line) - 1, line);
	fake_sleep(20000);
}

static void a_rename_is_noticed(void **state)
{
	fake_start(&docker, docker_path, geteuid(), serve_renamed, stream_rename);
	make_store(on_changed);
	assert_int_equal(identities_want(ids, DOCKER), 0);
	assert_true(fake_run(event, &n_changed, 1, 10000, NULL));
	assert_string_equal(changed_name, "web");
	assert_true(fake_run(event, &n_changed, 2, 10000, NULL));
	assert_string_equal(changed_name, "shop");
	assert_string_equal(identities_get(ids, DOCKER)->name, "shop");
	/* What the engine does not say any more, stays. */
	assert_string_equal(identity_label(identities_get(ids, DOCKER), "a"), "b");
}

/* The second answer is under way, from before the next rename, when that is told. */
static void serve_slowly(int fd, const char *id, unsigned int n)
{
	if (n == 2)
		fake_sleep(1000);
	if (n < 3)
		serve_web(fd, id, n);
	else
		serve_renamed(fd, id, n);
}

static void stream_renames(int fd, const char *id, unsigned int n)
{
	static const char line[] = "{\"Action\":\"rename\",\"Actor\":{\"ID\":\"" TEST_ID "\"}}\n";

	dprintf(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 2; i++) {
		fake_sleep(300);
		dprintf(fd, "%zx\r\n%s\r\n", sizeof(line) - 1, line);
	}
	fake_sleep(20000);
}

static void a_rename_is_noticed_while_an_answer_is_under_way(void **state)
{
	fake_start(&docker, docker_path, geteuid(), serve_slowly, stream_renames);
	make_store(on_changed);
	assert_int_equal(identities_want(ids, DOCKER), 0);
	assert_true(fake_run(event, &n_changed, 1, 10000, NULL));
	assert_string_equal(changed_name, "web");
	assert_true(fake_run(event, &n_changed, 2, 10000, NULL));
	assert_string_equal(changed_name, "shop");
	assert_int_equal(atomic_load(&docker.counts->requests), 3);
}

static void a_container_is_found_by_its_name(void **state)
{
	const char *cgroup = NULL;

	fake_start(&docker, docker_path, geteuid(), serve_web, NULL);
	fake_start(&podman, podman_path, geteuid(), serve_web, NULL);
	make_store(on_changed);
	assert_int_equal(identities_want(ids, DOCKER), 0);
	assert_int_equal(identities_find_named(ids, "web", &cgroup), -ENOENT);
	assert_true(fake_run(event, &n_changed, 1, 10000, NULL));
	assert_int_equal(identities_find_named(ids, "web", &cgroup), 0);
	assert_string_equal(cgroup, DOCKER);
	assert_int_equal(identities_find_named(ids, "we", &cgroup), -ENOENT);
	assert_int_equal(identities_want(ids, PODMAN), 0);
	assert_true(fake_run(event, &n_changed, 2, 10000, NULL));
	assert_int_equal(identities_find_named(ids, "web", &cgroup), -ENOTUNIQ);
	identities_drop(ids, DOCKER);
	assert_int_equal(identities_find_named(ids, "web", &cgroup), 0);
	assert_string_equal(cgroup, PODMAN);
}

/* Whoever is told may drop the container, and want others. */
static void drop_it(const char *cgroup, const struct identity *identity, void *ctx)
{
	char name[256];

	n_changed++;
	snprintf(name, sizeof(name), "%s", cgroup);
	identities_drop(ids, name);
	if (n_changed == 1)
		assert_int_equal(identities_want(ids, name), 0);
}

static void who_is_told_may_drop_and_want(void **state)
{
	fake_start(&docker, docker_path, geteuid(), serve_web, NULL);
	make_store(drop_it);
	assert_int_equal(identities_want(ids, DOCKER), 0);
	assert_true(fake_run(event, &n_changed, 2, 10000, NULL));
	assert_null(identities_get(ids, DOCKER));
}

static void a_dropped_container_is_not_told_of(void **state)
{
	struct identities_stats stats;

	fake_start(&docker, docker_path, geteuid(), serve_web, NULL);
	make_store(on_changed);
	assert_int_equal(identities_want(ids, DOCKER), 0);
	identities_drop(ids, DOCKER);
	assert_false(fake_run(event, &n_changed, 1, 1000, NULL));
	identities_get_stats(ids, &stats);
	assert_int_equal(stats.known + stats.waiting, 0);
	assert_int_equal(atomic_load(&docker.counts->requests), 0);
}

static void the_store_is_bounded(void **state)
{
	struct identities_stats stats;
	char cgroup[128];

	make_store(on_changed);
	for (unsigned int n = 0; n < IDENTITIES_MAX; n++) {
		snprintf(cgroup, sizeof(cgroup), "/user.slice/user-x.slice/docker-%064x.scope", n);
		assert_int_equal(identities_want(ids, cgroup), 0);
	}
	assert_int_equal(identities_want(ids, DOCKER), -ENOSPC);
	assert_int_equal(identities_want(ids, cgroup), 0);
	identities_get_stats(ids, &stats);
	assert_int_equal(stats.known, IDENTITIES_MAX);
	assert_int_equal(stats.dropped, 1);
	identities_drop(ids, cgroup);
	assert_int_equal(identities_want(ids, DOCKER), 0);
}

/* Of those whose folder is not there nothing is left; the others stay, and are not asked for again. */
static void what_is_gone_is_swept(void **state)
{
	struct identities_stats stats;

	write_docker_bundle();
	make_store(on_changed);
	assert_int_equal(identities_want(ids, DOCKER), 0);
	assert_int_equal(identities_want(ids, PODMAN), 0);
	assert_int_equal(identities_want(ids, UNKNOWN), 0);
	folder_make_parents("cgroup/system.slice/docker-ID.scope/x");
	/* Where nothing can be looked at, nothing is gone. */
	identities_sweep(ids, folder_path("nowhere"));
	assert_non_null(identities_get(ids, PODMAN));
	identities_sweep(ids, folder_path("cgroup"));
	assert_string_equal(identities_get(ids, DOCKER)->name, "web");
	assert_null(identities_get(ids, PODMAN));
	assert_null(identities_get(ids, UNKNOWN));
	identities_get_stats(ids, &stats);
	assert_int_equal(stats.known, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_engine_tells_later),
		TEST(a_bundle_tells_at_once),
		TEST(what_the_disk_does_not_tell_at_once_is_read_again),
		TEST(what_the_disk_never_tells_is_settled_after_a_second_look),
		TEST(an_engine_ends_the_reading),
		TEST(a_bare_id_is_asked_of_both),
		TEST(labels_tell_of_pods_in_the_kubelets_cgroups),
		TEST(an_engine_that_is_away_is_unheard),
		TEST(an_engine_that_says_no_twice_is_heard),
		TEST(the_disk_is_enough_to_be_heard),
		TEST(a_users_engine_describes_the_users_containers),
		TEST(a_users_container_is_named_behind_the_systems),
		TEST(nobody_is_asked_about_what_is_not_of_this_host),
		TEST(a_rename_is_noticed),
		TEST(a_container_is_found_by_its_name),
		TEST(a_rename_is_noticed_while_an_answer_is_under_way),
		TEST(who_is_told_may_drop_and_want),
		TEST(a_dropped_container_is_not_told_of),
		TEST(the_store_is_bounded),
		TEST(what_is_gone_is_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
