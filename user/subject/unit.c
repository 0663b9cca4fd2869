/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-bus.h>

#include "base/cleanup.h"

#define BUS_TIMEOUT_USEC (2 * 1000 * 1000)

DEFINE_CLEANUP(sd_bus *, sd_bus_flush_close_unref);

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && !strcmp(text + len - end_len, end);
}

/* systemd.unit(5): the characters of a unit name, at most 255. Only types that have processes. */
static bool unit_valid(const char *unit)
{
	if (strlen(unit) > 255 || unit[0] == '.' || unit[0] == '-' || unit[0] == '@')
		return false;
	if (strspn(unit, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@") != strlen(unit))
		return false;
	/* A template without its instance, "getty@.service", never runs. */
	if (strstr(unit, "@."))
		return false;
	return ends_with(unit, ".service") || ends_with(unit, ".scope") || ends_with(unit, ".slice");
}

/* "a-b.slice" -> "/a.slice/a-b.slice". */
static int slice_path(const char *slice, char **ret)
{
	_cleanup_free_ char *path = strdup("");

	if (!path)
		return -ENOMEM;
	if (strcmp(slice, "-.slice")) {
		for (const char *p = slice; *p; p++) {
			char *longer;

			if (*p != '-' && strcmp(p, ".slice"))
				continue;
			if (asprintf(&longer, "%s/%.*s.slice", path, (int)(p - slice), slice) < 0)
				return -ENOMEM;
			free(path);
			path = longer;
			if (*p == '.')
				break;
		}
	}
	*ret = TAKE_PTR(path);
	return 0;
}

/* A string property of the unit. NULL: no D-Bus, no such unit, empty. To be freed. */
static char *property(sd_bus *bus, const char *unit, const char *interface, const char *name)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_free_ char *object = NULL;
	char *value = NULL;
	int err;

	if (!bus || sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &object) < 0)
		return NULL;
	err = sd_bus_get_property_string(bus, "org.freedesktop.systemd1", object, interface, name, &error,
					 &value);
	sd_bus_error_free(&error);
	if (err < 0 || !*value) {
		free(value);
		return NULL;
	}
	return value;
}

int unit_cgroup(const char *unit, char **ret, int *ret_running)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	_cleanup_free_ char *group = NULL, *slice = NULL, *above = NULL;
	const char *interface;
	int err;

	if (!unit_valid(unit))
		return -EINVAL;
	if (sd_bus_open_system(&bus) >= 0)
		(void)sd_bus_set_method_call_timeout(bus, BUS_TIMEOUT_USEC);
	interface = ends_with(unit, ".slice") ? "org.freedesktop.systemd1.Slice" :
		    ends_with(unit, ".scope") ? "org.freedesktop.systemd1.Scope" :
						"org.freedesktop.systemd1.Service";
	group = property(bus, unit, interface, "ControlGroup");
	if (ret_running)
		*ret_running = group != NULL;
	if (group) {
		*ret = TAKE_PTR(group);
		return 0;
	}
	if (ends_with(unit, ".slice"))
		return slice_path(unit, ret);
	slice = property(bus, unit, interface, "Slice");
	err = slice_path(slice ?: "system.slice", &above);
	if (err)
		return err;
	return asprintf(ret, "%s/%s", above, unit) < 0 ? -ENOMEM : 0;
}
