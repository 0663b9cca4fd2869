// SPDX-License-Identifier: GPL-2.0-only
/* What bound cgroups had used that have ended, by the audit trail. */
#include <string.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "cli/report.h"
#include "cli/trail.h"
#include "suggest/masks.h"

static int join_end(const char *line, size_t len, void *ctx)
{
	static const char gone[] = "\"gone\"", unbound[] = "\"unbound\"";
	bool may = memmem(line, len, gone, strlen(gone)) ||
		   memmem(line, len, unbound, strlen(unbound));
	json_auto_t *event = may ? json_loadb(line, len, 0, NULL) : NULL;
	const char *policy = json_string_value(json_object_get(event, "policy"));
	const json_t *caps = json_object_get(event, "capabilities");
	json_t *all = ctx;

	/* Without capabilities: the daemon was not there, nothing was written down. */
	if (!policy || !mask_is_end(event) || !json_is_object(caps))
		return 0;
	return json_object_set_new(
		all, policy,
		caps_to_json(caps_from_json(json_object_get(all, policy)) |
			     caps_from_json(json_object_get(caps, "used")) |
			     caps_from_json(json_object_get(caps, "would_deny"))));
}

json_t *report_ended(const json_t *status)
{
	json_t *all = json_object();

	if (all && !trail_each(status, join_end, all))
		return all;
	json_decref(all);
	return NULL;
}
