/* SPDX-License-Identifier: GPL-2.0-only */
/* A policy, and refusals by it. Included behind cmocka.h. */
#ifndef LEASTCAP_TESTS_REFUSALS_H
#define LEASTCAP_TESTS_REFUSALS_H

#include <string.h>

#include "base/cleanup.h"
#include "explain/change.h"
#include "explain/refused.h"

/* Each rule is in it, and each list has something. */
#define FULL                                                                                \
	"policies:\n"                                                                       \
	"  - name: web\n"                                                                   \
	"    select:\n"                                                                     \
	"      - unit: \"web.service\"\n"                                                   \
	"      - container: { image: \"nginx*\", label: { tier: web } }\n"                  \
	"    capabilities: [CHOWN, KILL]\n"                                                 \
	"    mounts: deny\n"                                                                \
	"    modules: deny\n"                                                               \
	"    devices: deny\n"                                                               \
	"    attributes: deny\n"                                                            \
	"    namespaces: deny\n"                                                            \
	"    bpf: deny\n"                                                                   \
	"    sockets:\n"                                                                    \
	"      host-unix: { default: deny, allow: [/run/log.sock] }\n"                      \
	"      connect: { default: allow, deny: [169.254.169.254, \"10.0.0.0/8:2375\"] }\n" \
	"      families: { deny: [alg, vsock] }\n"                                          \
	"    filesystems: { deny: [debugfs, tracefs], read-only: [proc, sysfs] }\n"

static inline json_t *written(const char *text)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	struct policy_errors errs = {0};
	json_t *json;

	if (policy_parse("web.yaml", text, strlen(text), &set, &errs)) {
		policy_errors_print(&errs, "web.yaml", stderr);
		fail();
	}
	json = policy_to_json(&set->policies[0]);
	assert_non_null(json);
	return json;
}

static inline struct refused refused(const char *restriction, const char *item, const char *detail)
{
	json_auto_t *event = json_pack("{s:s, s:s, s:s}", "type", "denied", "restriction",
				       restriction, "item", item);
	struct refused r;

	assert_int_equal(refused_of_event(event, &r), 0);
	r.detail = detail;
	return r;
}

static inline enum refuses refuses(const json_t *policy, const struct refused *r)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;

	assert_int_equal(change_parse(policy, &set), 0);
	return policy_refuses(&set->policies[0], r);
}

#endif
