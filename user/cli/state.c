// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "audit/event.h"
#include "audit/listing.h"
#include "base/caps.h"
#include "base/log.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/state.h"
#include "subject/bundle.h"

#define LOG_FILE "/var/log/leastcap/events.jsonl"

/* Whom the daemon asks besides is not asked here. */
static const struct identity *who_by_bundle(const char *cgroup, void *ctx)
{
	struct identity *who = ctx;

	identity_done(who);
	bundle_who("/", cgroup, who);
	return who;
}

int state_status_from_maps(const char *subject, json_t **ret)
{
	_cleanup_(kernel_closep) struct kernel *k = NULL;
	json_auto_t *bindings = NULL, *policy_name = NULL, *disarmed = json_null();
	uint64_t losses[LEASTCAP_LOSSES] = {0};
	struct leastcap_policy policy;
	_cleanup_(identity_done) struct identity who = {};
	struct listing list = {.subject = subject, .who = who_by_bundle, .ctx = &who};
	struct utsname host;
	char build[17] = "";
	bool enforcing = false;
	int err;

	err = kernel_open(&k);
	if (err && err != -ENOENT)
		return err;
	if (k) {
		list.kernel = k;
		enforcing = kernel_attached(k, build) &&
			    !(kernel_probe(NULL) & KERNEL_LACK_BPF_LSM);
		disarmed = listing_disarmed(k, NULL);
		enforcing = enforcing && json_is_null(disarmed);
		err = kernel_losses(k, losses);
		err = err ? err : listing_bindings(&list, &bindings);
		if (err)
			return err;
		if (kernel_default(k) && !kernel_policy_get(k, kernel_default(k), &policy)) {
			policy.name[sizeof(policy.name) - 1] = '\0';
			policy_name = event_string(policy.name);
		}
	} else {
		bindings = json_array();
	}
	uname(&host);
	*ret = json_pack(
		"{s:b, s:s, s:i, s:s?, s:s, s:b, s:O?, s:n, s:O?, s:O, s:o, s:[], s:o, s:n, s:[]}",
		"daemon", 0, "version", LEASTCAP_VERSION, "abi", LEASTCAP_ABI, "build",
		*build ? build : NULL, "kernel", host.release, "enforcing", enforcing, "disarmed",
		disarmed, "confirm", "default_policy", policy_name, "bindings", bindings, "losses",
		listing_losses(losses), "sinks", "hold", k ? listing_hold(k) : json_null(), "proof",
		"problems");
	return *ret ? 0 : -ENOMEM;
}

/* ---- policies ---- */

struct names {
	struct kernel *kernel;
	json_t *policies; /* id in decimal -> object */
};

static int add_policy(struct names *n, uint64_t id, int bindings)
{
	struct leastcap_policy policy;
	char key[24];
	json_t *known;
	int err;

	snprintf(key, sizeof(key), "%llu", (unsigned long long)id);
	known = json_object_get(n->policies, key);
	if (!known) {
		err = kernel_policy_get(n->kernel, id, &policy);
		if (err)
			return err == -ENOENT ? 0 : err;
		policy.name[sizeof(policy.name) - 1] = '\0';
		known = json_pack("{s:o, s:I, s:s, s:n, s:n, s:o, s:o, s:o, s:[], s:i}", "name",
				  event_string(policy.name), "revision",
				  (json_int_t)policy.revision, "mode", event_mode(policy.mode),
				  "source", "file", "capabilities", caps_to_json(policy.allow),
				  "enforced", event_enforced(&policy), "audited",
				  event_audited(&policy), "selectors", "bindings", 0);
		if (!known || json_object_set_new(n->policies, key, known))
			return -ENOMEM;
	}
	if (json_object_set_new(known, "bindings",
				json_integer(out_number(known, "bindings") + bindings)))
		return -ENOMEM;
	return 0;
}

static int policy_of_binding(const struct leastcap_binding *b, void *ctx)
{
	return add_policy(ctx, b->policy, 1);
}

static int policy_of_birth(const char *path, uint64_t policy, void *ctx)
{
	return add_policy(ctx, policy, 0);
}

int state_policies_from_maps(json_t **ret)
{
	_cleanup_(kernel_closep) struct kernel *k = NULL;
	json_auto_t *by_id = json_object(), *list = json_array(), *disarmed = NULL;
	struct names n = {.policies = by_id};
	const char *key;
	json_t *each;
	int err;

	err = kernel_open(&k);
	if (err && err != -ENOENT)
		return err;
	n.kernel = k;
	if (k) {
		err = kernel_binding_each(k, policy_of_binding, &n);
		err = err ?: kernel_birth_each(k, policy_of_birth, &n);
		if (!err && kernel_default(k))
			err = add_policy(&n, kernel_default(k), 0);
		if (err)
			return err;
		disarmed = listing_disarmed(k, NULL);
	}
	json_object_foreach(by_id, key, each)
		if (json_array_append(list, each))
			return -ENOMEM;
	*ret = json_pack("{s:b, s:O, s:O?}", "daemon", 0, "policies", list, "disarmed", disarmed);
	return *ret ? 0 : -ENOMEM;
}

/* ---- the daemon first ---- */

/* The state of a hundred thousand bindings takes minutes on a slow machine. */
#define PATIENCE_S 600

static int ask(const char *path, json_t **ret)
{
	struct api_reply reply = {0};
	int err = api_get(path, PATIENCE_S, &reply);

	if (err)
		return err;
	if (!api_ok(&reply) || !reply.json) {
		api_refused(&reply, NULL);
		api_reply_done(&reply);
		return -EREMOTEIO;
	}
	*ret = reply.json;
	return json_object_set_new(*ret, "daemon", json_true()) ? -ENOMEM : 0;
}

/* What asking the daemon came to; 1: it is not running, the maps are to be read. */
static int after_ask(int err)
{
	if (err == -ENOTCONN) {
		if (geteuid() != 0)
			return log_err(
				-EPERM,
				"daemon not running, and only root may read the kernel's maps");
		return 1;
	}
	if (err && err != -EREMOTEIO)
		api_unreachable(err);
	return err;
}

static int after_maps(int err)
{
	if (err)
		return log_err(err, "daemon not running, and the maps in %s cannot be read",
			       KERNEL_PIN_DIR);
	fputs("leastcap: daemon not running; read from the kernel\n", stderr);
	return 0;
}

int state_status(const char *subject, json_t **ret)
{
	_cleanup_free_ char *path = NULL;
	int err;

	path = subject ? api_path("/v1/status?subject=", subject) : strdup("/v1/status");
	if (!path)
		return log_err(-ENOMEM, "cannot ask the daemon");
	err = after_ask(ask(path, ret));
	return err == 1 ? after_maps(state_status_from_maps(subject, ret)) : err;
}

const char *state_log_file(const json_t *status)
{
	const json_t *each;
	size_t i;

	json_array_foreach(json_object_get(status, "sinks"), i, each) {
		const char *sink = json_string_value(json_object_get(each, "sink")),
			   *target = json_string_value(json_object_get(each, "target"));

		if (sink && !strcmp(sink, "file") && target && target[0] == '/')
			return target;
	}
	return LOG_FILE;
}

int state_policies(json_t **ret)
{
	int err = after_ask(ask("/v1/policies", ret));

	return err == 1 ? after_maps(state_policies_from_maps(ret)) : err;
}

bool state_has_policy(const char *name)
{
	_cleanup_(api_reply_done) struct api_reply reply = {0};
	_cleanup_free_ char *path = api_path("/v1/policy?name=", name);

	return path && !api_request("GET", path, NULL, 0, &reply) && api_ok(&reply);
}
