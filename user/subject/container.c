/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/container.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <leastcap/shape.h>

#include "base/cleanup.h"

/* The cgroupfs driver's names are bare ids: the runtime shows in the directory above, where it shows at all. */
static const char *runtime_of_parent(const char *path, const char *name)
{
	size_t len = name > path ? (size_t)(name - path - 1) : 0;

	if (len >= 7 && !strncmp(path + len - 7, "/docker", 7))
		return "docker";
	if (len >= 14 && !strncmp(path + len - 14, "/libpod_parent", 14))
		return "podman";
	return "unknown";
}

int container_from_path(const char *path, char ret_id[65], const char **ret_runtime)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *runtime;
	char padded[LEASTCAP_SHAPE_LEN] = "";
	size_t len = strlen(name);
	int prefix;

	if (len >= sizeof(padded))
		return 0;
	memcpy(padded, name, len);
	prefix = leastcap_shape(padded, (__u32)len);
	switch (prefix) {
	case 0:
		runtime = runtime_of_parent(path, name);
		break;
	case 5:
		runtime = "cri-o";
		break;
	case 7:
		runtime = name[0] == 'd' ? "docker" : "podman";
		break;
	case 8:
		runtime = "nerdctl";
		break;
	case 15:
		runtime = "containerd";
		break;
	default:
		return 0;
	}
	if (ret_id) {
		memcpy(ret_id, name + prefix, 64);
		ret_id[64] = '\0';
	}
	if (ret_runtime)
		*ret_runtime = runtime;
	return 1;
}

bool container_above(const char *path)
{
	_cleanup_free_ char *above = strdup(path);
	char *slash;

	while (above && (slash = strrchr(above, '/'))) {
		*slash = '\0';
		if (container_from_path(above, NULL, NULL))
			return true;
	}
	return !above;
}

uid_t container_user(const char *path)
{
	static const char prefix[] = "/user.slice/user-";
	const char *digits = path + strlen(prefix);
	unsigned long long uid = 0;
	size_t n;

	if (strncmp(path, prefix, strlen(prefix)) != 0)
		return 0;
	n = strspn(digits, "0123456789");
	if (!n || n > 10 || strncmp(digits + n, ".slice/", strlen(".slice/")) != 0)
		return CONTAINER_NOBODY;
	uid = strtoull(digits, NULL, 10);
	return uid < CONTAINER_NOBODY ? (uid_t)uid : CONTAINER_NOBODY;
}
