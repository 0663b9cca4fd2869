/* SPDX-License-Identifier: GPL-2.0-only */
/* Bundles: each runtime's shape; what is not root's alone, and what is no bundle, is refused. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "folder.h"
#include "subject/bundle.h"

#define CONTAINERD "run/containerd/io.containerd.runtime.v2.task/"
#define STORAGE "var/lib/containers/storage/overlay-containers/"
#define CRI                                                                                      \
	"{\"ociVersion\":\"1.1.0\",\"process\":{\"rlimits\":[{\"hard\":18446744073709551615}]}," \
	"\"annotations\":{\"io.kubernetes.cri.container-name\":\"nginx\","                       \
	"\"io.kubernetes.cri.container-type\":\"container\","                                    \
	"\"io.kubernetes.cri.image-name\":\"docker.io/library/nginx:1.25\","                     \
	"\"io.kubernetes.cri.sandbox-id\":\"ab\","                                               \
	"\"io.kubernetes.cri.sandbox-name\":\"web-7d4\","                                        \
	"\"io.kubernetes.cri.sandbox-namespace\":\"shop\"}}"

static struct identity found;
static uint64_t dropped;

static int setup(void **state)
{
	folder_make();
	dropped = 0;
	return 0;
}

static int teardown(void **state)
{
	identity_done(&found);
	folder_remove();
	return 0;
}

static int read_again(const char *cgroup)
{
	identity_done(&found);
	return bundle_read(folder, cgroup, &found, &dropped);
}

static void is(const char *have, const char *want)
{
	if (want)
		assert_non_null(have);
	if (want)
		assert_string_equal(have, want);
	else
		assert_null(have);
}

static void containerd_tells_of_pods(void **state)
{
	static const char *const cgroups[] = {
		"/kubepods.slice/kubepods-pod1.slice/cri-containerd-" TEST_ID ".scope",
		"/kubepods/besteffort/pod1/" TEST_ID,
		"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod1.slice/" TEST_ID,
	};

	folder_write(CONTAINERD "k8s.io/ID/config.json", CRI);
	for (size_t n = 0; n < ARRAY_SIZE(cgroups); n++) {
		assert_int_equal(read_again(cgroups[n]), 0);
		assert_string_equal(found.id, TEST_ID);
		is(found.runtime, "containerd");
		is(found.name, "nginx");
		is(found.image, "docker.io/library/nginx:1.25");
		is(found.pod, "web-7d4");
		is(found.pod_namespace, "shop");
		is(found.pod_container, "nginx");
		assert_int_equal(found.n_labels, 0);
	}
	assert_int_equal(dropped, 0);
}

static void k3s_has_its_own_place(void **state)
{
	folder_write("run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/ID/config.json", CRI);
	assert_int_equal(read_again("/kubepods/pod1/" TEST_ID), 0);
	is(found.pod, "web-7d4");
}

/* Annotations that an image could have: outside of what the kubelet made they tell nothing of pods. */
static void nobody_else_claims_a_pod(void **state)
{
	static const char *const cgroups[] = {
		"/system.slice/nerdctl-" TEST_ID ".scope",
		"/default/" TEST_ID,
		"/system.slice/docker-" TEST_ID ".scope",
		"/machine.slice/libpod-" TEST_ID ".scope",
	};

	folder_write(CONTAINERD "k8s.io/ID/config.json", CRI);
	folder_write(
		STORAGE "ID/userdata/config.json",
		"{\"annotations\":{\"io.container.manager\":\"cri-o\",\"io.kubernetes.pod.name\":\"x\"}}");
	for (size_t n = 0; n < ARRAY_SIZE(cgroups); n++) {
		(void)read_again(cgroups[n]);
		is(found.pod, NULL);
		is(found.pod_namespace, NULL);
	}
}

static void nerdctl_has_labels_as_annotations(void **state)
{
	folder_write(CONTAINERD "default/ID/config.json",
		     "{\"annotations\":{\"nerdctl/name\":\"db\",\"nerdctl/namespace\":\"default\","
		     "\"tier\":\"back\",\"com.docker.compose.service\":\"db\"}}");
	assert_int_equal(read_again("/system.slice/nerdctl-" TEST_ID ".scope"), 0);
	is(found.runtime, "nerdctl");
	is(found.name, "db");
	is(found.image, NULL);
	assert_int_equal(found.n_labels, 2);
	is(identity_label(&found, "tier"), "back");
	is(identity_label(&found, "com.docker.compose.service"), "db");

	assert_int_equal(read_again("/default/" TEST_ID), 0);
	is(found.runtime, "nerdctl");
	is(found.name, "db");
}

static void docker_tells_beside_its_bundle(void **state)
{
	/* An annotation (docker run --annotation) is no name. */
	folder_write(
		CONTAINERD "moby/ID/config.json",
		"{\"annotations\":{\"nerdctl/name\":\"no\",\"io.kubernetes.cri.sandbox-name\":\"no\"}}");
	assert_int_equal(read_again("/docker/" TEST_ID), -ENOENT);
	is(found.runtime, "docker");
	is(found.name, NULL);
	is(found.pod, NULL);

	folder_write(
		"var/lib/docker/containers/ID/config.v2.json",
		"{\"ID\":\"" TEST_ID "\",\"Name\":\"/web\",\"Image\":\"sha256:00\",\"Config\":{"
		"\"Image\":\"nginx:1.25\",\"Labels\":{\"tier\":\"front\",\"io.kubernetes.pod.name\":\"p\"}}}");
	assert_int_equal(read_again("/system.slice/docker-" TEST_ID ".scope"), 0);
	is(found.runtime, "docker");
	is(found.name, "web");
	is(found.image, "nginx:1.25");
	is(identity_label(&found, "tier"), "front");
	is(found.pod, NULL);

	/* A bare id: the namespace shows whose it is. cri-dockerd: the kubelet's cgroup makes the labels count. */
	assert_int_equal(read_again("/kubepods/pod1/" TEST_ID), 0);
	is(found.runtime, "docker");
	is(found.pod, "p");
}

static void crio_tells_of_pods_and_labels(void **state)
{
	folder_write(
		"run/containers/storage/overlay-containers/ID/userdata/config.json",
		"{\"annotations\":{\"io.container.manager\":\"cri-o\","
		"\"io.kubernetes.cri-o.Image\":\"nginx\","
		"\"io.kubernetes.cri-o.ImageName\":\"docker.io/library/nginx:latest\","
		"\"io.kubernetes.cri-o.Name\":\"k8s_nginx_web_shop_1_0\","
		"\"io.kubernetes.cri-o.Labels\":\"{\\\"tier\\\":\\\"front\\\",\\\"bad\\\":7}\","
		"\"io.kubernetes.container.name\":\"nginx\",\"io.kubernetes.pod.name\":\"web\","
		"\"io.kubernetes.pod.namespace\":\"shop\"}}");
	assert_int_equal(read_again("/kubepods.slice/crio-" TEST_ID ".scope"), 0);
	is(found.runtime, "cri-o");
	is(found.name, "nginx");
	is(found.image, "docker.io/library/nginx:latest");
	is(found.pod, "web");
	is(found.pod_namespace, "shop");
	is(found.pod_container, "nginx");
	is(identity_label(&found, "tier"), "front");
	assert_int_equal(found.n_labels, 1);
	assert_int_equal(dropped, 1);

	/* An image by its id has no name. */
	folder_write(
		"run/containers/storage/overlay-containers/ID/userdata/config.json",
		"{\"annotations\":{\"io.kubernetes.cri-o.Image\":\"0badcafe\","
		"\"io.kubernetes.cri-o.ImageName\":\"\",\"io.kubernetes.cri-o.Labels\":\"{\"}}");
	assert_int_equal(read_again("/kubepods.slice/crio-" TEST_ID ".scope"), 0);
	is(found.image, "0badcafe");
	is(found.pod, NULL);
}

static void podman_tells_in_its_list(void **state)
{
	static const char cgroup[] = "/machine.slice/libpod-" TEST_ID ".scope";
	static const char list[] =
		"[{\"id\":\"ff\",\"names\":[\"other\"]},7,{\"id\":\"" TEST_ID
		"\",\"names\":[\"db\"],"
		"\"metadata\":\"{\\\"image-name\\\":\\\"docker.io/library/postgres:16\\\"}\"}]";

	folder_write(STORAGE "ID/userdata/config.json",
		     "{\"annotations\":{\"io.container.manager\":\"libpod\"}}");
	assert_int_equal(read_again(cgroup), -ENOENT);
	is(found.runtime, "podman");
	is(found.name, NULL);

	folder_write(STORAGE "containers.json", "[]");
	folder_write(STORAGE "volatile-containers.json", list);
	assert_int_equal(read_again(cgroup), 0);
	is(found.name, "db");
	is(found.image, "docker.io/library/postgres:16");
	assert_int_equal(found.n_labels, 0);
}

static void what_is_not_there_is_not_there(void **state)
{
	assert_int_equal(read_again("/system.slice/docker-" TEST_ID ".scope"), -ENOENT);
	is(found.runtime, "docker");
	assert_int_equal(read_again("/kubepods/pod1/" TEST_ID), -ENOENT);
	is(found.runtime, NULL);
	assert_int_equal(read_again("/machine.slice/libpod-" TEST_ID ".scope"), -ENOENT);
	assert_int_equal(read_again("/system.slice/ssh.service"), -EINVAL);
	assert_int_equal(mkdir(folder_path("run"), 0755), 0);
	assert_int_equal(read_again("/kubepods/pod1/" TEST_ID), -ENOENT);
}

/* Every way a file of that name can be no bundle. Each time the good one is read before. */
static void what_is_no_bundle_is_refused(void **state)
{
	static const char cgroup[] = "/kubepods/pod1/" TEST_ID;
	static const char file[] = CONTAINERD "k8s.io/ID/config.json";
	int fd;

	folder_write(file, CRI);
	assert_int_equal(read_again(cgroup), 0);

	folder_write(file, "{");
	assert_int_equal(read_again(cgroup), -EBADMSG);
	folder_write(file, "");
	assert_int_equal(read_again(cgroup), -EBADMSG);
	folder_write(file, "\x7f"
			   "ELF");
	assert_int_equal(read_again(cgroup), -EBADMSG);

	folder_write(file, CRI);
	assert_int_equal(truncate(folder_path(file), (4 << 20) + 1), 0);
	assert_int_equal(read_again(cgroup), -EFBIG);
	/* To the limit, it is read. */
	fd = open(folder_path(file), O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	for (size_t n = 0; n < 4 << 10; n++) {
		static char blanks[1 << 10];

		memset(blanks, ' ', sizeof(blanks));
		if (n == 0)
			memcpy(blanks, CRI, strlen(CRI));
		assert_int_equal(write(fd, blanks, sizeof(blanks)), sizeof(blanks));
	}
	close(fd);
	assert_int_equal(read_again(cgroup), 0);
	is(found.pod, "web-7d4");

	assert_int_equal(unlink(folder_path(file)), 0);
	assert_int_equal(mkfifo(folder_path(file), 0600), 0);
	assert_int_equal(read_again(cgroup), -EPERM);
	assert_int_equal(unlink(folder_path(file)), 0);
	assert_int_equal(mkdir(folder_path(file), 0700), 0);
	assert_int_equal(read_again(cgroup), -EPERM);
	is(found.pod, NULL);
}

static void links_are_not_followed(void **state)
{
	static const char cgroup[] = "/kubepods/pod1/" TEST_ID;
	static const char dir[] = CONTAINERD "k8s.io/ID";
	char target[128];

	folder_write("elsewhere/config.json", CRI);
	folder_make_parents(CONTAINERD "k8s.io/ID/config.json");
	snprintf(target, sizeof(target), "%s/elsewhere/config.json", folder);
	assert_int_equal(symlink(target, folder_path(CONTAINERD "k8s.io/ID/config.json")), 0);
	assert_int_equal(read_again(cgroup), -ELOOP);
	is(found.pod, NULL);

	assert_int_equal(unlink(folder_path(CONTAINERD "k8s.io/ID/config.json")), 0);
	assert_int_equal(rmdir(folder_path(dir)), 0);
	snprintf(target, sizeof(target), "%s/elsewhere", folder);
	assert_int_equal(symlink(target, folder_path(dir)), 0);
	assert_int_not_equal(read_again(cgroup), 0);
	is(found.pod, NULL);

	/* The control: the same folder in its place. */
	assert_int_equal(unlink(folder_path(dir)), 0);
	assert_int_equal(rename(target, folder_path(dir)), 0);
	assert_int_equal(read_again(cgroup), 0);
	is(found.pod, "web-7d4");
}

static void what_others_can_write_is_refused(void **state)
{
	static const char cgroup[] = "/kubepods/pod1/" TEST_ID;
	static const char file[] = CONTAINERD "k8s.io/ID/config.json";
	static const char dir[] = CONTAINERD "k8s.io";

	folder_write(file, CRI);
	assert_int_equal(chmod(folder_path(file), 0666), 0);
	assert_int_equal(read_again(cgroup), -EPERM);
	assert_int_equal(chmod(folder_path(file), 0600), 0);
	assert_int_equal(read_again(cgroup), 0);
	assert_int_equal(chmod(folder_path(dir), 0777), 0);
	assert_int_equal(read_again(cgroup), -EPERM);
	is(found.pod, NULL);
	assert_int_equal(chmod(folder_path(dir), 01777), 0);
	assert_int_equal(read_again(cgroup), 0);
	assert_int_equal(chmod(folder_path(dir), 0711), 0);

	/* Only root can give a file away; the modes above are for everybody. */
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(folder_path(file), 1000, 0), 0);
	assert_int_equal(read_again(cgroup), -EPERM);
	assert_int_equal(chown(folder_path(file), 0, 1000), 0);
	assert_int_equal(read_again(cgroup), 0);
	assert_int_equal(chmod(folder_path(file), 0660), 0);
	assert_int_equal(read_again(cgroup), -EPERM);
	assert_int_equal(chmod(folder_path(file), 0640), 0);
	assert_int_equal(chown(folder_path(CONTAINERD "k8s.io/ID"), 1000, 0), 0);
	assert_int_equal(read_again(cgroup), -EPERM);
	is(found.pod, NULL);
}

static void plain_runtimes_have_names_only(void **state)
{
	char state_json[256];

	snprintf(state_json, sizeof(state_json),
		 "{\"config\":{\"labels\":[\"x=y\",\"bundle=/b/web\"]}}");
	folder_write("run/runc/web/state.json", state_json);
	assert_int_equal(bundle_read_plain(folder, "web", &found, &dropped), -ENOENT);
	folder_write("b/web/config.json", "{\"annotations\":{\"nerdctl/name\":\"no\"}}");
	assert_int_equal(bundle_read_plain(folder, "web", &found, &dropped), 0);
	is(found.runtime, "runc");
	is(found.name, "web");
	assert_string_equal(found.id, "web");
	assert_int_equal(found.n_labels, 0);

	identity_done(&found);
	folder_write("run/crun/db/status", "{\"pid\":1,\"bundle\":\"/b/web\"}");
	assert_int_equal(bundle_read_plain(folder, "db", &found, &dropped), 0);
	is(found.runtime, "crun");
	is(found.name, "db");

	identity_done(&found);
	folder_write("run/crun/up/status", "{\"bundle\":\"/b/../b/web\"}");
	assert_int_equal(bundle_read_plain(folder, "up", &found, &dropped), -EPERM);
	folder_write("run/crun/star/status", "{\"bundle\":\"/b/*\"}");
	assert_int_equal(bundle_read_plain(folder, "star", &found, &dropped), -ENOENT);
	assert_int_equal(bundle_read_plain(folder, "absent", &found, &dropped), -ENOENT);
	assert_int_equal(bundle_read_plain(folder, "..", &found, &dropped), -EINVAL);
	assert_int_equal(bundle_read_plain(folder, "a/../web", &found, &dropped), -EINVAL);
	assert_int_equal(bundle_read_plain(folder, "", &found, &dropped), -EINVAL);
	assert_true(identity_is_empty(&found));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(containerd_tells_of_pods),		TEST(k3s_has_its_own_place),
		TEST(nobody_else_claims_a_pod),		TEST(nerdctl_has_labels_as_annotations),
		TEST(docker_tells_beside_its_bundle),	TEST(crio_tells_of_pods_and_labels),
		TEST(podman_tells_in_its_list),		TEST(what_is_not_there_is_not_there),
		TEST(what_is_no_bundle_is_refused),	TEST(links_are_not_followed),
		TEST(what_others_can_write_is_refused), TEST(plain_runtimes_have_names_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
