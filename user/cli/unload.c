// SPDX-License-Identifier: GPL-2.0-only
/* leastcap unload: removes everything from the kernel. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
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

/* For the report: who unloads may be in a hurry. */
#define PATIENCE_S 30

/* Who starts another daemon next is not to be told that one runs already. */
#define END_MS 10000

/* before: what was bound, if somebody could tell. */
static int report(const json_t *before, bool loaded, bool daemon, bool json)
{
	const json_t *bindings = json_object_get(before, "bindings"), *each;
	json_auto_t *answer = NULL;
	size_t n = json_array_size(bindings), i;

	if (json) {
		answer = json_pack("{s:b, s:b, s:O?}", "unloaded", loaded, "daemon_ended", daemon,
				   "bindings", bindings);
		return out_json(answer);
	}
	if (!loaded) {
		puts("nothing was loaded");
		return CLI_DONE;
	}
	if (bindings)
		printf("removed: programs, maps and %zu binding%s%s\n", n, n == 1 ? "" : "s",
		       n ? ":" : "");
	else
		puts("removed: programs, maps and all bindings");
	json_array_foreach(bindings, i, each) {
		_cleanup_free_ char *cgroup = out_member(each, "cgroup"),
				    *policy = out_member(each, "policy");

		printf("  %s  (policy %s)\n", cgroup && *cgroup ? cgroup : "(a removed cgroup)",
		       policy ? policy : "?");
	}
	puts("nothing is enforced any more");
	return CLI_DONE;
}

/* A descriptor of the daemon's process; -errno. */
static int find_daemon(void)
{
	_cleanup_fclose_ FILE *f = fopen(DAEMON_LOCK_FILE, "re");
	char text[16] = "";
	long pid;
	int fd;

	if (!f || !fgets(text, sizeof(text), f))
		return -ENOENT;
	pid = strtol(text, NULL, 10);
	fd = pid > 0 ? pidfd_open((pid_t)pid, 0) : -1;
	return fd < 0 ? -ESRCH : fd;
}

static void wait_for_end(int daemon)
{
	struct pollfd p = {.fd = daemon, .events = POLLIN};

	if (daemon >= 0 && poll(&p, 1, END_MS) == 0)
		log_warn(0, "the daemon has not ended after %d seconds", END_MS / 1000);
}

static int unload_by_daemon(bool json)
{
	_cleanup_(api_reply_done) struct api_reply before = {0}, reply = {0};
	_cleanup_close_ int daemon = find_daemon();
	int err = api_get("/v1/status", PATIENCE_S, &before);

	/* Only for the report: of many it takes long, or the host has no memory for it. */
	if (err == -ETIMEDOUT || err == -EMSGSIZE || err == -ENOMEM || before.status >= 500) {
		log_warn(err, "cannot tell what is bound, ignoring");
		api_reply_done(&before);
		before = (struct api_reply){0};
	} else if (err) {
		return api_unreachable(err);
	} else if (!api_ok(&before)) {
		return api_refused(&before, NULL);
	}
	err = api_request("POST", "/v1/unload", NULL, 0, &reply);
	if (err)
		return api_unreachable(err);
	if (!api_ok(&reply))
		return api_refused(&reply, NULL);
	wait_for_end(daemon);
	unlink(SANDBOX_LOADED_FILE);
	return report(before.json, true, true, json);
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
	return report(before, loaded, false, json);
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
