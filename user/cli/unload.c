// SPDX-License-Identifier: GPL-2.0-only
/* leastcap unload: removes everything from the kernel. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/event.h"
#include "audit/sink.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/sandbox.h"
#include "cli/state.h"
#include "kernel/kernel.h"

static int report(const json_t *before, bool loaded, bool json)
{
	const json_t *bindings = json_object_get(before, "bindings"), *each;
	json_auto_t *answer = NULL;
	size_t n = json_array_size(bindings), i;

	if (json) {
		answer = json_pack("{s:b, s:b, s:O?}", "unloaded", loaded, "daemon_ended",
				   json_is_true(json_object_get(before, "daemon")), "bindings",
				   bindings);
		return out_json(answer);
	}
	if (!loaded) {
		puts("nothing was loaded");
		return CLI_DONE;
	}
	printf("removed: programs, maps and %zu binding%s%s\n", n, n == 1 ? "" : "s", n ? ":" : "");
	json_array_foreach(bindings, i, each) {
		_cleanup_free_ char *cgroup = out_member(each, "cgroup"),
				    *policy = out_member(each, "policy");

		printf("  %s  (policy %s)\n", cgroup && *cgroup ? cgroup : "(a removed cgroup)",
		       policy ? policy : "?");
	}
	puts("nothing is enforced any more");
	return CLI_DONE;
}

static int unload_by_daemon(bool json)
{
	_cleanup_(api_reply_done) struct api_reply before = {0}, reply = {0};
	int err = api_request("GET", "/v1/status", NULL, 0, &before);

	if (!err && api_ok(&before)) {
		json_object_set_new(before.json, "daemon", json_true());
		err = api_request("POST", "/v1/unload", NULL, 0, &reply);
	}
	if (err)
		return api_unreachable(err);
	if (!api_ok(&before))
		return api_refused(&before, NULL);
	if (!api_ok(&reply))
		return api_refused(&reply, NULL);
	unlink(SANDBOX_LOADED_FILE);
	return report(before.json, true, json);
}

/* Without a daemon nobody knows where else events go. */
static void tell(size_t bindings)
{
	const struct sink_options o = {.journal = SINK_JOURNAL_SOCKET};
	struct sink sink = {};

	if (!sink_init(&sink, &o))
		sink_emit(&sink,
			  event_unload(sink_next(&sink), bindings, getpid(), getuid(), "leastcap"));
	sink_done(&sink);
}

static int unload_here(bool json)
{
	_cleanup_close_ int lock = -EBADF;
	json_auto_t *before = NULL;
	unsigned int lack = kernel_probe(NULL);
	bool loaded;
	int err;

	if (lack & KERNEL_LACK_ROOT) {
		log_err(0, "%s", kernel_lack_text(KERNEL_LACK_ROOT));
		return CLI_FAILED;
	}
	lock = kernel_lock();
	if (lock < 0) {
		log_err(lock, "cannot take the lock %s", KERNEL_LOCK_FILE);
		return CLI_FAILED;
	}
	loaded = !access(KERNEL_PIN_DIR, F_OK);
	/* Only for the report: what cannot be read can still be removed. */
	if (state_status_from_maps(NULL, &before))
		before = json_object();
	err = kernel_unload();
	if (err) {
		log_err(err, "cannot remove what is pinned in %s", KERNEL_PIN_DIR);
		return CLI_FAILED;
	}
	if (loaded)
		tell(json_array_size(json_object_get(before, "bindings")));
	unlink(SANDBOX_LOADED_FILE);
	sandbox_sweep(NULL);
	return report(before, loaded, json);
}

static int unload(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {CLI_OPTIONS};
	int opt, status = CLI_DONE;
	bool json = false;

	while ((opt = cli_option(verb, argc, argv, "", options, &status)) >= 0)
		json = json || opt == CLI_OPT_JSON;
	if (opt == CLI_OPT_EXIT)
		return status;
	status = cli_arguments(verb, argc, argv, 0, 0, "");
	if (status)
		return status;
	return api_alive() ? unload_by_daemon(json) : unload_here(json);
}

const struct verb verb_unload = {
	.name = "unload",
	.args = "",
	.fn = unload,
	.help = "remove programs, maps and bindings from the kernel; ends the daemon",
	.text = "Afterwards nothing is enforced. Policy files stay where they are: a daemon that\n"
		"is started again applies them again. Needs root.\n",
};
