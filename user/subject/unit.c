/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/unit.h"

#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "base/log.h"
#include "subject/cgroup.h"
#include "subject/manager.h"

#define UNIT_NAME_MAX 255 /* as systemd has it */

#define NAME_CHARS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:-_.\\"

/* After a time-out nobody is asked for a while. */
#define BUS_PAUSE_USEC (30 * 1000000ULL)

/* ---- names ---- */

static bool ends_with(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);

	return n > m && !strcmp(text + n - m, suffix);
}

/* "a-b.slice" is a.slice's child: no empty part between dashes. "-.slice" is the root. */
static bool slice_valid(const char *name, size_t stem)
{
	if (stem == 1 && name[0] == '-')
		return true;
	if (name[0] == '-' || name[stem - 1] == '-')
		return false;
	return !memmem(name, stem, "--", 2);
}

bool unit_valid(const char *unit)
{
	size_t len = strlen(unit), stem;
	const char *at;

	if (len > UNIT_NAME_MAX || unit[0] == '@' || unit[0] == '.' ||
	    strspn(unit, NAME_CHARS "@") != len)
		return false;
	if (ends_with(unit, ".slice"))
		return !strchr(unit, '@') && slice_valid(unit, len - strlen(".slice"));
	if (!ends_with(unit, ".service") && !ends_with(unit, ".scope"))
		return false;
	/* A template without an instance is never started. */
	stem = (size_t)(strrchr(unit, '.') - unit);
	at = strchr(unit, '@');
	return !at || (size_t)(at - unit) + 1 < stem;
}

/* systemd puts "_" in front of names that mean something in a cgroup's directory (cg_needs_escape()). */
static bool needs_escape(const char *name)
{
	static const char *const controllers[] = {
		"cpu",
		"cpuacct",
		"cpuset",
		"io",
		"blkio",
		"memory",
		"pids",
		"devices",
		"bpf-firewall",
		"bpf-devices",
		"bpf-foreign",
		"bpf-socket-bind",
		"bpf-restrict-network-interfaces",
	};
	const char *dot = strchr(name, '.');

	if (name[0] == '_' || name[0] == '.' || !strncmp(name, "cgroup.", 7))
		return true;
	for (size_t i = 0; dot && i < ARRAY_SIZE(controllers); i++) {
		if ((size_t)(dot - name) == strlen(controllers[i]) &&
		    !strncmp(name, controllers[i], (size_t)(dot - name)))
			return true;
	}
	return false;
}

/* Appends "/name" as a cgroup is named. buf is large enough for every valid slice and unit. */
static void append_component(char *buf, const char *name)
{
	strcat(buf, needs_escape(name) ? "/_" : "/");
	strcat(buf, name);
}

/* Every dash of a slice's name is a level. A name of 255 with 127 dashes stays far below this. */
#define SLICE_PATH_MAX 32768

static void append_slice(char *buf, const char *slice)
{
	char part[UNIT_NAME_MAX + 1];
	size_t stem = strlen(slice) - strlen(".slice");

	if (stem == 1 && slice[0] == '-')
		return;
	for (size_t i = 1; i <= stem; i++) {
		if (i < stem && slice[i] != '-')
			continue;
		snprintf(part, sizeof(part), "%.*s.slice", (int)i, slice);
		append_component(buf, part);
	}
}

/* "system-foo.slice" of "foo@bar.service", with foo escaped as systemd does. Too long: system.slice. */
static void default_slice(const char *unit, char ret[UNIT_NAME_MAX + 1])
{
	size_t prefix = strcspn(unit, "@"), n;

	snprintf(ret, UNIT_NAME_MAX + 1, "system.slice");
	if (!unit[prefix])
		return;
	n = strlen("system-");
	memcpy(ret, "system-", n);
	for (size_t i = 0; i < prefix; i++) {
		if (n + 4 + strlen(".slice") > UNIT_NAME_MAX) {
			snprintf(ret, UNIT_NAME_MAX + 1, "system.slice");
			return;
		}
		if (unit[i] == '-' || unit[i] == '\\') {
			snprintf(ret + n, 5, "\\x%02x", (unsigned char)unit[i]);
			n += 4;
		} else {
			ret[n++] = unit[i];
		}
	}
	memcpy(ret + n, ".slice", sizeof(".slice"));
}

int unit_default_cgroup(const char *unit, const char *slice, char **ret)
{
	_cleanup_free_ char *buf = NULL;
	char fallback[UNIT_NAME_MAX + 1];

	if (!unit_valid(unit) || (slice && (!unit_valid(slice) || !ends_with(slice, ".slice"))))
		return -EINVAL;
	buf = calloc(1, SLICE_PATH_MAX);
	if (!buf)
		return -ENOMEM;
	if (ends_with(unit, ".slice")) {
		append_slice(buf, unit);
	} else if (!strcmp(unit, "init.scope")) {
		append_component(buf, unit);
	} else {
		default_slice(unit, fallback);
		append_slice(buf, slice ? slice : fallback);
		append_component(buf, unit);
	}
	*ret = strdup(buf[0] ? buf : "/");
	return *ret ? 0 : -ENOMEM;
}

/* ---- the service manager's answer ---- */

static int load_unit(sd_bus *bus, const char *unit, uint64_t deadline, sd_bus_message **ret)
{
	_cleanup_(manager_message_donep) sd_bus_message *m = NULL;
	int err;

	err = sd_bus_message_new_method_call(bus, &m, MANAGER, MANAGER_OBJECT, MANAGER ".Manager",
					     "LoadUnit");
	if (err < 0)
		return err;
	err = sd_bus_message_append(m, "s", unit);
	if (err < 0)
		return err;
	return manager_call(bus, m, deadline, ret);
}

static const char *interface_of(const char *unit)
{
	if (ends_with(unit, ".slice"))
		return MANAGER ".Slice";
	return ends_with(unit, ".scope") ? MANAGER ".Scope" : MANAGER ".Service";
}

/* What systemd knows of a unit. id: its name, where the one that was asked for may be an alias. */
struct told {
	char *id, *cgroup, *slice;
};

static void told_done(struct told *told)
{
	free(told->id);
	free(told->cgroup);
	free(told->slice);
}

static int ask_manager(const char *unit, uint64_t deadline, struct told *ret)
{
	_cleanup_(manager_closep) sd_bus *bus = NULL;
	_cleanup_(manager_message_donep) sd_bus_message *reply = NULL;
	const char *object;
	int err;

	err = manager_open(false, deadline, &bus);
	if (err < 0)
		return err;
	err = load_unit(bus, unit, deadline, &reply);
	if (err < 0)
		return err;
	err = sd_bus_message_read(reply, "o", &object);
	if (err < 0)
		return err;
	err = manager_get(bus, object, MANAGER ".Unit", "Id", deadline, &ret->id);
	if (err < 0)
		return err;
	err = manager_get(bus, object, interface_of(unit), "ControlGroup", deadline, &ret->cgroup);
	if (err < 0)
		return err;
	return manager_get(bus, object, interface_of(unit), "Slice", deadline, &ret->slice);
}

int unit_told(const char *unit, char **ret)
{
	static uint64_t pause_until;
	_cleanup_(told_done) struct told told = {};
	uint64_t now = now_usec();
	bool has_slice;
	int err;

	if (!unit_valid(unit))
		return -EINVAL;
	if (now < pause_until)
		return -EAGAIN;
	err = ask_manager(unit, now + MANAGER_LIMIT_USEC, &told);
	if (err == -ETIMEDOUT)
		pause_until = now_usec() + BUS_PAUSE_USEC;
	if (err < 0) {
		log_debug("systemd does not say where %s is: %s", unit, strerror(-err));
		/* The unit's name is good: that is what -EINVAL would deny. */
		return err == -EINVAL ? -EBADMSG : err;
	}
	if (told.cgroup[0] == '/') {
		*ret = TAKE_PTR(told.cgroup);
		return 0;
	}
	/* A unit that is not known to systemd has no slice, or "". */
	has_slice = unit_valid(told.slice) && ends_with(told.slice, ".slice");
	/* An alias has no cgroup: the unit has it, under its own name. */
	return unit_default_cgroup(unit_valid(told.id) ? told.id : unit,
				   has_slice ? told.slice : NULL, ret);
}

/* ---- the tree ---- */

bool unit_has_one_place(const char *unit)
{
	return ends_with(unit, ".slice") || !strcmp(unit, "init.scope");
}

bool unit_at(const char *unit, const char *path)
{
	static const char suffix[] = ".slice";
	const char *last = strrchr(path, '/'), *name = last ? last + 1 : "";
	size_t n;

	if (!last || (needs_escape(unit) && *name++ != '_') || strcmp(name, unit) != 0)
		return false;
	if (unit_has_one_place(unit)) {
		_cleanup_free_ char *place = NULL;

		return !unit_default_cgroup(unit, NULL, &place) && !strcmp(path, place);
	}
	for (; path < last; path += 1 + n) {
		n = strcspn(path + 1, "/");
		if (n < sizeof(suffix) ||
		    strncmp(path + 1 + n - strlen(suffix), suffix, strlen(suffix)) != 0)
			return false;
	}
	return true;
}

struct search {
	const char *unit;
	char *found;
};

static int is_it(const char *path, uint64_t id, uint32_t level, void *ctx)
{
	struct search *s = ctx;

	if (!unit_at(s->unit, path))
		return 0;
	s->found = strdup(path);
	return s->found ? 1 : -ENOMEM;
}

int unit_cgroup(const char *unit, char **ret, int *ret_running)
{
	struct search search = {.unit = unit};
	_cleanup_free_ char *path = NULL;
	uint64_t id;
	int err = unit_told(unit, &path);

	if (err == -EINVAL || err == -ENOMEM)
		return err;
	/* A unit that runs is in the tree, whether systemd says so or not. */
	if (err) {
		err = cgroup_walk(is_it, &search);
		if (err == -ENOMEM)
			return err;
		path = search.found;
	}
	if (!path) {
		err = unit_default_cgroup(unit, NULL, &path);
		if (err)
			return err;
	}
	if (ret_running)
		*ret_running = cgroup_id(path, &id, NULL) == 0;
	*ret = TAKE_PTR(path);
	return 0;
}
