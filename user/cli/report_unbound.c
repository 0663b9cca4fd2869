// SPDX-License-Identifier: GPL-2.0-only
/* Containers and services of this host that no policy holds, and what they are granted; and names of those that one does. */
#include <stdlib.h>
#include <string.h>

#include "audit/event.h"
#include "base/caps.h"
#include "base/cleanup.h"
#include "cli/report.h"
#include "subject/cgroup.h"
#include "subject/container.h"
#include "subject/granted.h"
#include "trace/names.h"

struct walk {
	json_t *bound; /* set: paths, as the status has them */
	json_t *found;
	char *taken; /* the last one that was found: what is below belongs to it */
};

static bool is_bound(const struct walk *w, const json_t *shown)
{
	_cleanup_free_ char *up = strdup(json_string_value(shown) ?: "");

	for (char *slash; up && *up; *slash = '\0') {
		if (json_object_get(w->bound, up))
			return true;
		slash = strrchr(up, '/');
		if (!slash)
			break;
	}
	return !up || json_object_get(w->bound, "/");
}

static bool is_service(const char *path)
{
	static const char end[] = ".service";
	size_t len = strlen(path);

	return len > strlen(end) && !strcmp(path + len - strlen(end), end);
}

static int add(struct walk *w, const char *path, json_t *shown)
{
	_cleanup_free_ char *name = trace_name_shown(path);
	uint64_t granted = 0;
	int err = granted_in(path, &granted);

	/* It may be gone by now. Who has nothing has nothing to be taken away. */
	if (err || !granted)
		return err == -ENOMEM ? err : 0;
	return json_array_append_new(w->found, json_pack("{s:O, s:o, s:o}", "cgroup", shown, "name",
							 event_string(name ?: path), "granted",
							 caps_to_json(granted)))
		       ? -ENOMEM
		       : 0;
}

/* Parents come first: of a container the outermost cgroup is taken, and of a service that has others below it. */
static int look_at(const char *path, uint64_t id, uint32_t level, void *ctx)
{
	json_auto_t *shown = NULL;
	struct walk *w = ctx;

	if ((w->taken && cgroup_path_below(path, w->taken)) ||
	    (!container_from_path(path, NULL, NULL) && !is_service(path)))
		return 0;
	shown = event_string(path);
	free(w->taken);
	w->taken = strdup(path);
	if (!shown || !w->taken)
		return -ENOMEM;
	return is_bound(w, shown) ? 0 : add(w, path, shown);
}

json_t *report_unbound(const json_t *status)
{
	struct walk w = {.bound = json_object(), .found = json_array()};
	const json_t *each;
	size_t i;
	int err;

	json_array_foreach(json_object_get(status, "bindings"), i, each)
		json_object_set_new(w.bound,
				    json_string_value(json_object_get(each, "cgroup")) ?: "",
				    json_true());
	err = w.bound && w.found ? cgroup_walk(look_at, &w) : -ENOMEM;
	free(w.taken);
	json_decref(w.bound);
	if (!err)
		return w.found;
	json_decref(w.found);
	return NULL;
}

void report_name(json_t *status)
{
	json_t *each;
	size_t i;

	json_array_foreach(json_object_get(status, "bindings"), i, each) {
		const char *path = json_string_value(json_object_get(each, "cgroup"));
		_cleanup_free_ char *name = path && *path ? trace_name_shown(path) : NULL;

		if (name)
			json_object_set_new(each, "name", event_string(name));
	}
}
