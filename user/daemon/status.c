/* SPDX-License-Identifier: GPL-2.0-only */
/* GET /v1/status and /v1/policies. */
#include <string.h>
#include <sys/utsname.h>

#include "audit/event.h"
#include "audit/listing.h"
#include "base/caps.h"
#include "daemon/internal.h"

static const char *old_path(uint64_t cgroup, void *ctx)
{
	return names_get(ctx, cgroup);
}

static bool is_enforcing(struct state *s, char build[17])
{
	return kernel_attached(s->k, build) && !(kernel_probe(NULL) & KERNEL_LACK_BPF_LSM);
}

unsigned int state_status(struct state *s, const char *subject, json_t **ret)
{
	struct listing list = {.kernel = s->k, .subject = subject, .old_path = old_path, .ctx = s};
	json_auto_t *bindings = NULL;
	uint64_t losses[LEASTCAP_LOSSES] = {};
	char build[17] = "";
	struct utsname host;
	bool enforcing = is_enforcing(s, build);

	*ret = NULL;
	uname(&host);
	if (listing_bindings(&list, &bindings))
		return 500;
	if (subject && !json_array_size(bindings)) {
		char message[512];

		snprintf(
			message, sizeof(message),
			"nothing is bound by the name \"%.200s\": neither a cgroup, a unit, a container nor a "
			"policy",
			subject);
		*ret = json_pack("{s:o}", "error", event_string(message));
		return *ret ? 404 : 500;
	}
	(void)kernel_losses(s->k, losses);
	*ret = json_pack("{s:s, s:i, s:s, s:s, s:b, s:o, s:O, s:o, s:O}", "version",
			 LEASTCAP_VERSION, "abi", LEASTCAP_ABI, "build", build, "kernel",
			 host.release, "enforcing", enforcing, "default_policy",
			 s->plan.any ? json_string(s->plan.any->name) : json_null(), "bindings",
			 bindings, "losses", listing_losses(losses), "problems", s->problems);
	return *ret ? 200 : 500;
}

static json_t *selectors_json(const struct policy *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n_selectors; i++) {
		_cleanup_free_ char *text = selector_to_text(&p->selectors[i]);

		if (json_array_append_new(list, event_string(text ? text : "?"))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static size_t count_bindings(const struct state *s, const struct policy *p)
{
	size_t n = 0;

	for (size_t i = 0; i < s->plan.n_wants; i++)
		n += s->plan.wants[i].policy == p;
	return n;
}

unsigned int state_policies(struct state *s, json_t **ret)
{
	json_auto_t *list = json_array();

	*ret = NULL;
	for (size_t i = 0; i < s->sources.n; i++) {
		const struct source *source = &s->sources.items[i];

		for (size_t j = 0; source->set && j < source->set->n_policies; j++) {
			const struct policy *p = &source->set->policies[j];
			struct leastcap_policy in_force = {};
			json_t *json;

			(void)published_policy(s, p->name, &in_force);
			json = json_pack("{s:s, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:I}", "name",
					 p->name, "revision", (json_int_t)in_force.revision, "mode",
					 event_mode(p->mode), "source", event_string(source->file),
					 "capabilities", caps_to_json(p->allow), "enforced",
					 event_enforced(&in_force), "audited",
					 event_audited(&in_force), "selectors", selectors_json(p),
					 "bindings", (json_int_t)count_bindings(s, p));
			if (json_array_append_new(list, json))
				return 500;
		}
	}
	*ret = json_pack("{s:O}", "policies", list);
	return *ret ? 200 : 500;
}

static int count_one(const struct leastcap_binding *b, void *ctx)
{
	++*(size_t *)ctx;
	return 0;
}

void state_summary(struct state *s, char *buf, size_t size)
{
	size_t bindings = 0, problems = json_array_size(s->problems);
	char build[17];

	(void)kernel_binding_each(s->k, count_one, &bindings);
	snprintf(buf, size, "%s, %zu binding%s, %zu problem%s",
		 is_enforcing(s, build) ? "enforcing" : "NOT enforcing", bindings,
		 bindings == 1 ? "" : "s", problems, problems == 1 ? "" : "s");
}
