/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/requests.h"

#include <string.h>

#include "base/duration.h"

static const char *argument(const struct request_call *call, const char *name)
{
	return MHD_lookup_connection_value(call->connection, MHD_GET_ARGUMENT_KIND, name);
}

static unsigned int wrong(json_t **ret, const char *text)
{
	*ret = json_pack("{s:s}", "error", text);
	return MHD_HTTP_BAD_REQUEST;
}

/* A switch: missing or 0, or 1. */
static int flag(const struct request_call *call, const char *name, bool *ret)
{
	const char *text = argument(call, name);

	*ret = text && !strcmp(text, "1");
	return !text || *ret || !strcmp(text, "0") ? 0 : -EINVAL;
}

int request_number(const char *text, uint64_t *ret)
{
	uint64_t value = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return -ERANGE;
	if (p == text || *p)
		return -EINVAL;
	*ret = value;
	return 0;
}

/* 1 to DURATION_MAX_S. */
static int seconds(const char *text, uint64_t *ret)
{
	uint64_t n;
	int err = request_number(text, &n);

	if (err)
		return err;
	*ret = n;
	return n && n <= DURATION_MAX_S ? 0 : -ERANGE;
}

unsigned int request_apply(const struct request_call *call, json_t **ret)
{
	const char *file = argument(call, "file"), *confirm = argument(call, "confirm");
	struct apply_request r = {
		.file = file && *file ? file : "<api>", .text = call->body, .len = call->len};

	if (flag(call, "dry_run", &r.dry_run) || flag(call, "shadow", &r.shadow) ||
	    flag(call, "family", &r.family))
		return wrong(ret, "dry_run, shadow, family: 0 or 1 is needed");
	if (confirm && seconds(confirm, &r.confirm))
		return wrong(ret, "confirm: seconds are needed, 1 to 86400");
	if (r.dry_run + r.shadow + !!confirm > 1)
		return wrong(ret, "of dry_run, shadow and confirm there may be one");
	return state_apply(call->state, &r, call->peer, ret);
}

unsigned int request_remove(const struct request_call *call, json_t **ret)
{
	bool shadow;

	if (flag(call, "shadow", &shadow))
		return wrong(ret, "shadow: 0 or 1 is needed");
	return state_remove(call->state, call->name, shadow, call->peer, ret);
}

unsigned int request_confirm(const struct request_call *call, json_t **ret)
{
	return state_confirm(call->state, call->peer, ret);
}

unsigned int request_promote(const struct request_call *call, json_t **ret)
{
	const char *name = argument(call, "policy");

	if (!name || !*name)
		return wrong(ret, "policy: the name of a policy is needed");
	return state_promote(call->state, name, call->peer, ret);
}

unsigned int request_mode(const struct request_call *call, json_t **ret)
{
	const char *name = argument(call, "policy"), *mode = argument(call, "mode");

	if (!name || !*name)
		return wrong(ret, "policy: the name of a policy is needed");
	if (!mode)
		return wrong(ret, "mode: audit, enforce or file is needed");
	return state_mode(call->state, name, mode, call->peer, ret);
}

unsigned int request_disarm(const struct request_call *call, json_t **ret)
{
	const char *text = argument(call, "seconds"), *reason = argument(call, "reason");
	uint64_t n;

	if (!text || seconds(text, &n))
		return wrong(ret, "seconds: 1 to 86400 are needed");
	return state_disarm(call->state, n, reason ? reason : "", call->peer, ret);
}

unsigned int request_rearm(const struct request_call *call, json_t **ret)
{
	return state_rearm(call->state, call->peer, ret);
}

unsigned int request_sampling(const struct request_call *call, json_t **ret)
{
	return state_sampling(call->state, ret);
}

unsigned int request_sample(const struct request_call *call, json_t **ret)
{
	const char *text = argument(call, "interval_ms");
	uint64_t ms;

	if (!text || request_number(text, &ms))
		return wrong(ret, "interval_ms: milliseconds are needed, 0 to 3600000");
	return state_sample(call->state, ms, call->peer, ret);
}

unsigned int request_policy(const struct request_call *call, json_t **ret)
{
	const char *name = argument(call, "name");
	bool shadow;

	if (!name || !*name)
		return wrong(ret, "name: the name of a policy is needed");
	if (flag(call, "shadow", &shadow))
		return wrong(ret, "shadow: 0 or 1 is needed");
	return state_policy(call->state, name, shadow, ret);
}

unsigned int request_show(const struct request_call *call, json_t **ret)
{
	const char *subject = argument(call, "subject");

	if (!subject || !*subject)
		return wrong(ret, "subject: a cgroup's path, a unit or a container's id is needed");
	return state_show(call->state, subject, ret);
}
