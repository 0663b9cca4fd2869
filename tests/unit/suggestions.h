/* SPDX-License-Identifier: GPL-2.0-only */
/* What tests of suggestions share. Included once by each of them. */
#ifndef LEASTCAP_TEST_SUGGESTIONS_H
#define LEASTCAP_TEST_SUGGESTIONS_H

#include "base/caps.h"
#include "base/words.h"
#include "policy/policy.h"
#include "suggest/masks.h"
#include "suggest/suggest.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CHOWN (1ULL << 0)
#define NET_BIND (1ULL << 10)

static const char status[] =
	"{\"daemon\": true, \"losses\": {\"ledger\": 0}, \"bindings\": ["
	" {\"cgroup\": \"/a/one\", \"cgroup_id\": 1, \"container\": null, \"policy\": \"web\", \"mode\": \"audit\","
	"  \"gone\": false, \"capabilities\": {\"granted\": [\"CHOWN\", \"KILL\", \"SYS_TIME\"], \"allowed\": [],"
	"   \"used\": [\"CHOWN\"], \"denied\": [], \"would_deny\": [\"CHOWN\"], \"probed\": [\"SYS_PTRACE\"]},"
	"  \"rules\": {\"enforced\": [], \"audited\": [\"mounts\", \"modules\", \"host-unix\", \"connect\"],"
	"   \"used\": [\"connect\", \"bpf\"], \"denied\": [], \"would_deny\": [\"host-unix\"]}},"
	" {\"cgroup\": \"/a/two\", \"cgroup_id\": 2, \"container\": null, \"policy\": \"web\", \"mode\": \"audit\","
	"  \"gone\": false, \"capabilities\": {\"granted\": [], \"allowed\": [], \"used\": [],"
	"   \"denied\": [\"SYS_ADMIN\"], \"would_deny\": [\"NET_BIND_SERVICE\"], \"probed\": []},"
	"  \"rules\": {\"enforced\": [\"modules\"], \"audited\": [\"mounts\", \"host-unix\", \"connect\"], \"used\": [],"
	"   \"denied\": [\"modules\"], \"would_deny\": [\"mounts\"]}},"
	" {\"cgroup\": \"/b\", \"cgroup_id\": 3, \"container\": \"" ID
	"\", \"policy\": \"other\", \"mode\": \"audit\","
	"  \"gone\": false, \"capabilities\": {\"granted\": [], \"allowed\": [], \"used\": [\"SYS_CHROOT\"],"
	"   \"denied\": [], \"would_deny\": [], \"probed\": []}, \"rules\": {}}]}";

static const char policies[] =
	"{\"policies\": [{\"name\": \"other\", \"written\": {}}, {\"name\": \"web\", \"written\": {\"name\": \"web\","
	" \"select\": [{\"cgroup\": \"/a/*\"}], \"sockets\": {\"host-unix\": {\"default\": \"deny\"},"
	" \"connect\": {\"default\": \"allow\", \"mode\": \"audit\", \"allow\": [], \"deny\": [\"*:25\"]}}}}]}";

static inline json_t *load(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	return json;
}

/* A path is one that is there. */
static inline struct suggest_subject subject_of(const char *text)
{
	struct suggest_subject subject;

	assert_int_equal(suggest_subject_init(&subject, text, text[0] == '/' ? strdup(text) : NULL),
			 0);
	return subject;
}

static inline void settle(struct suggest_subject *subject)
{
	json_auto_t *st = load(status), *pol = load(policies);

	suggest_subject_settle(subject, st, json_object_get(pol, "policies"));
}

/* As `leastcap suggest TEXT` gathers it, without an audit trail. */
static inline void gather(struct suggestion *s, const char *text)
{
	_cleanup_(suggest_subject_done) struct suggest_subject subject = subject_of(text);
	json_auto_t *st = load(status), *pol = load(policies);

	settle(&subject);
	assert_int_equal(suggestion_init(s, text), 0);
	assert_int_equal(suggest_bindings(s, &subject, st), 0);
	assert_int_equal(suggest_policies(s, json_object_get(pol, "policies")), 0);
}

static inline void identify(struct suggestion *s, const char *text)
{
	_cleanup_(suggest_subject_done) struct suggest_subject subject = subject_of(text);

	assert_int_equal(suggest_identify(s, &subject, NULL), 0);
}

/* A suggestion of these capabilities, and nothing else. */
static inline void of_caps(struct suggestion *s, uint64_t caps)
{
	assert_int_equal(suggestion_init(s, "x"), 0);
	s->used = caps;
	s->name = strdup("x");
}

/* What `leastcap check` would say. */
static inline struct policy_set *parsed(const struct suggestion *s, bool comments)
{
	_cleanup_free_ char *text = suggest_text(s, SUGGEST_POLICY, comments);
	struct policy_errors errs = {};
	struct policy_set *set = NULL;

	assert_non_null(text);
	if (policy_parse("suggestion", text, strlen(text), &set, &errs)) {
		policy_errors_print(&errs, text, stderr);
		fail();
	}
	policy_errors_done(&errs);
	assert_int_equal(set->n_policies, 1);
	return set;
}

#endif
