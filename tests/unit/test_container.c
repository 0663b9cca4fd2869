/* SPDX-License-Identifier: GPL-2.0-only */
/* Containers by the shape of their cgroup's name: what is one, whose it is, and what only looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "subject/container.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void runtimes_are_known_by_their_shapes(void **state)
{
	static const struct {
		const char *path, *runtime;
	} good[] = {
		{"/system.slice/docker-" ID ".scope", "docker"},
		{"/docker/" ID, "docker"},
		{"/machine.slice/libpod-" ID ".scope", "podman"},
		{"/libpod_parent/libpod-" ID, "podman"},
		{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope",
		 "podman"},
		{"/kubepods.slice/kubepods-pod1.slice/crio-" ID ".scope", "cri-o"},
		{"/kubepods.slice/cri-containerd-" ID ".scope", "containerd"},
		{"/system.slice/nerdctl-" ID ".scope", "nerdctl"},
		{"/kubepods/besteffort/pod1/" ID, "unknown"},
		{"/" ID, "unknown"},
		{ID, "unknown"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		const char *runtime = NULL;
		char id[65] = "";

		assert_int_equal(container_from_path(good[i].path, id, &runtime), 1);
		assert_string_equal(id, ID);
		assert_string_equal(runtime, good[i].runtime);
		assert_int_equal(container_from_path(good[i].path, NULL, NULL), 1);
	}
}

static void what_only_looks_like_one_is_none(void **state)
{
	static const char *const bad[] = {
		"/",
		"",
		"/docker",
		"/docker/" ID "0",
		"/docker/0" ID,
		"/system.slice/docker-" ID ".scop",
		"/system.slice/docker-" ID ".scopes",
		"/system.slice/docker-" ID ".service",
		"/system.slice/docker-" ID ".scope/",
		"/system.slice/docker-" ID ".scope/init",
		"/system.slice/dockerx" ID ".scope",
		"/system.slice/docker-0123.scope",
		"/system.slice/docker-0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef.scope",
		"/system.slice/docker-0123456789abcdeg0123456789abcdef0123456789abcdef0123456789abcdef.scope",
		"/machine.slice/libpod-conmon-" ID ".scope",
		"/kubepods.slice/crio-conmon-" ID ".scope",
		"/system.slice/x" ID ".scope",
		"/" ID ID ID,
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (container_from_path(bad[i], NULL, NULL))
			fail_msg("%s", bad[i]);
	}
}

/* A name cut anywhere: the answer never depends on what lies behind it. With and without ".scope" it is one. */
static void every_cut_of_a_name_is_safe(void **state)
{
	static const char whole[] = "/system.slice/cri-containerd-" ID ".scope";

	const size_t len = sizeof(whole) - 1;

	for (size_t n = 0; n <= len; n++) {
		_cleanup_free_ char *cut = strndup(whole, n);

		assert_non_null(cut);
		if (container_from_path(cut, NULL, NULL) !=
		    (n == len || n == len - strlen(".scope")))
			fail_msg("%s", cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runtimes_are_known_by_their_shapes),
		cmocka_unit_test(what_only_looks_like_one_is_none),
		cmocka_unit_test(every_cut_of_a_name_is_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
