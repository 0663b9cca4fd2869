/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An apply that comes back unless it is confirmed. What was applied waits in STATE/confirm.json, with its deadline; what it
 * replaced stays where it is saved. So taking it back needs no room on the disk, and a daemon that starts finds
 * the old policies, and joins what waits to them if there is time left. Another boot has none. A daemon that is told to end takes
 * it back before: nobody knows when the next one starts. Confirmed, all of it gets its place in one change, which also says that
 * in the file, until it is told.
 */
#include <string.h>

#include "audit/event.h"
#include "base/duration.h"
#include "base/log.h"
#include "daemon/change.h"
#include "daemon/internal.h"
#include "daemon/saved.h"

#define CONFIRM_FILE "confirm.json"
#define CONFIRMED "confirmed" /* how it ends; it is not saved otherwise */
#define NSEC_PER_SEC 1000000000ULL

void confirm_done(struct confirm *c)
{
	json_decref(c->about);
	policy_set_free(c->set);
	sources_done(&c->old);
	*c = (struct confirm){};
}

static uint64_t seconds_left(const struct state *s)
{
	const json_t *about = s->confirm.about;

	return deadline_left(json_string_value(json_object_get(about, "boot_id")),
			     (uint64_t)json_integer_value(json_object_get(about, "deadline")),
			     s->boot, boot_now());
}

static json_t *names_json(const struct policy_set *set)
{
	json_t *names = json_array();

	for (size_t i = 0; set && i < set->n_policies; i++)
		json_array_append_new(names, json_string(set->policies[i].name));
	return names;
}

json_t *confirm_json(const struct state *s)
{
	const json_t *about = s->confirm.about;

	if (!about || s->confirm.over)
		return json_null();
	return json_pack("{s:o, s:I, s:O?}", "policies", names_json(s->confirm.set), "seconds_left",
			 (json_int_t)seconds_left(s), "by", json_object_get(about, "by"));
}

/* "web, db"; NULL: none is known. To be freed. */
static char *names_text(const struct policy_set *set)
{
	char *names = NULL;

	for (size_t i = 0; set && i < set->n_policies; i++) {
		char *longer;

		if (asprintf(&longer, "%s%s%s", names ?: "", names ? ", " : "",
			     set->policies[i].name) < 0)
			break;
		free(names);
		names = longer;
	}
	return names;
}

unsigned int confirm_busy(struct state *s, json_t **ret)
{
	const json_t *about = s->confirm.about, *by = json_object_get(about, "by");
	_cleanup_free_ char *names = names_text(s->confirm.set);
	char left[DURATION_TEXT], ago[DURATION_TEXT];
	const char *comm = json_string_value(json_object_get(by, "comm"));
	uint64_t began = (uint64_t)json_integer_value(json_object_get(about, "began")),
		 now = boot_now();

	if (!about)
		return 0;
	return answer_text(
		409, ret,
		"uid %d (%.20s, process %d) applied %.200s %s ago, to be confirmed: 'leastcap confirm' "
		"keeps it, in %s it comes back",
		(int)json_integer_value(json_object_get(by, "uid")), comm ?: "?",
		(int)json_integer_value(json_object_get(by, "pid")), names ?: "policies",
		duration_text(now > began ? (now - began) / NSEC_PER_SEC : 0, ago),
		duration_text(seconds_left(s), left));
}

/* ---- what waits ---- */

/* Fills `old` with what sources have of the policies that wait. */
static int note_old(struct confirm *c, const struct sources *sources)
{
	sources_done(&c->old);
	for (size_t i = 0; i < c->set->n_policies; i++) {
		const struct source *source = NULL;
		const struct policy *p = sources_find(sources, c->set->policies[i].name, &source);
		int err = p && source->api ? sources_put(&c->old, p) : 0;

		if (err)
			return err;
	}
	return 0;
}

int confirm_begin(struct state *s, const struct policy_set *set, uint64_t seconds,
		  const struct peer *by, struct change *change)
{
	struct confirm c = {.set = policy_set_copy(set)};
	uint64_t now = boot_now();
	int err;

	c.about = json_pack("{s:s, s:I, s:I, s:o, s:[]}", "boot_id", s->boot, "deadline",
			    (json_int_t)(now + seconds * NSEC_PER_SEC), "began", (json_int_t)now,
			    "by", peer_json(by), "policies");
	err = c.set && c.about ? note_old(&c, &s->sources) : -ENOMEM;
	for (size_t i = 0; !err && i < set->n_policies; i++) {
		if (json_array_append_new(json_object_get(c.about, "policies"),
					  saved_form(&set->policies[i])))
			err = -ENOMEM;
	}
	err = err ?: change_put(change, CONFIRM_FILE, c.about);
	if (err)
		confirm_done(&c);
	else
		s->confirm = c;
	return err;
}

int confirm_open(struct state *s)
{
	struct confirm *c = &s->confirm;
	struct policy_errors errs = {};
	_cleanup_free_ char *text = NULL;
	int err = saved_read(s->state_dir, CONFIRM_FILE, &c->about);

	if (err == -ENOENT)
		return 0;
	if (err == -ENOMEM)
		return err;
	if (!err)
		text = json_dumps(c->about, 0);
	if (text) {
		json_auto_t *policies =
			json_pack("{s:O?}", "policies", json_object_get(c->about, "policies"));
		_cleanup_free_ char *yaml = policies ? json_dumps(policies, 0) : NULL;

		if (yaml && policy_parse(CONFIRM_FILE, yaml, strlen(yaml), &c->set, &errs))
			c->set = NULL;
		policy_errors_done(&errs);
	}
	/* All of it is where it is saved, and only has to be told. */
	if (!strcmp(json_string_value(json_object_get(c->about, "over")) ?: "", CONFIRMED)) {
		c->over = CONFIRMED;
	} else if (!c->set) {
		/* What cannot be read is not applied: that is what was before. */
		log_warn(0, "%s/%s cannot be read: what waited there to be confirmed is taken back",
			 s->state_dir, CONFIRM_FILE);
		c->about = c->about ?: json_object();
		c->over = "rolled-back";
	}
	return c->about ? 0 : -ENOMEM;
}

int confirm_join(struct state *s, struct sources *fresh, json_t *problems)
{
	struct confirm *c = &s->confirm;
	int err;

	if (!c->about || c->over)
		return 0;
	if (!seconds_left(s)) {
		c->over = "rolled-back";
		return 0;
	}
	err = note_old(c, fresh);
	for (size_t i = 0; !err && i < c->set->n_policies; i++) {
		const struct source *source = NULL;
		const struct policy *p = &c->set->policies[i];

		if (!sources_find(fresh, p->name, &source) || source->api)
			err = sources_put(fresh, p);
		else
			json_array_append_new(problems,
					      problem_new(source->file, p->pos,
							  "it defines a policy that waits to be "
							  "confirmed, and has its place",
							  NULL, NULL));
	}
	return err;
}

/* ---- how it ends ---- */

static void end(struct state *s, const char *action, const json_t *old, const struct peer *by)
{
	struct confirm c = s->confirm;

	/* Removed first: what is told is so. */
	s->confirm = (struct confirm){};
	if (saved_remove(s->state_dir, CONFIRM_FILE))
		log_warn(0, "cannot remove %s/%s, ignoring", s->state_dir, CONFIRM_FILE);
	free(s->returned);
	s->returned = strcmp(action, CONFIRMED) ? names_text(c.set) : NULL;
	s->returned_at = boot_now();
	for (size_t i = 0; c.set && i < c.set->n_policies; i++)
		tell_policy(s, action, c.set->policies[i].name, old, NULL, by);
	confirm_done(&c);
}

void confirm_tell(struct state *s, const struct peer *by)
{
	const char *action = s->confirm.over;

	if (!action)
		return;
	log_info("what waited to be confirmed is %s",
		 strcmp(action, CONFIRMED) ? "taken back" : "confirmed");
	end(s, action, NULL, by);
}

static int roll_back(struct state *s)
{
	_cleanup_(sources_done) struct sources fresh = {};
	json_auto_t *complaints = json_array(), *old = revisions_take(s);
	const struct policy_set *set = s->confirm.set;
	int err = complaints && old ? sources_copy(&s->sources, &fresh) : -ENOMEM;

	for (size_t i = 0; !err && i < set->n_policies; i++) {
		const char *name = set->policies[i].name;
		const struct policy *was = sources_find(&s->confirm.old, name, NULL);

		if (was)
			err = sources_put(&fresh, was);
		else
			(void)sources_drop(&fresh, name);
	}
	err = err ?: state_follow(s, &fresh, NULL, complaints);
	if (err)
		return err;
	log_info("nobody confirmed what was applied: it is taken back");
	end(s, "rolled-back", old, &(struct peer){0});
	return 0;
}

void confirm_tick(struct state *s)
{
	static int last;
	int err;

	if (!s->confirm.about || s->confirm.over || seconds_left(s))
		return;
	err = roll_back(s);
	if (err && err != last)
		log_err(err, "cannot take back what nobody confirmed; trying again");
	last = err;
}

void state_ending(struct state *s)
{
	int err = s->confirm.about && !s->confirm.over ? roll_back(s) : 0;

	if (err)
		log_err(err,
			"cannot take back what nobody confirmed: it comes back when the daemon starts");
}

/* Whoever comes too late is to know what has become of it. */
static unsigned int answer_too_late(const struct state *s, json_t **ret)
{
	const uint64_t now = boot_now(), since = s->returned_at;
	_cleanup_free_ char *names = names_text(s->confirm.set);
	char ago[DURATION_TEXT];

	if (names && !s->confirm.over)
		return answer_text(
			409, ret,
			"the time for %.200s is over: the policies from before come back; "
			"apply it again",
			names);
	if (!s->returned)
		return answer_text(409, ret, "nothing waits to be confirmed");
	return answer_text(
		409, ret,
		"nothing waits to be confirmed: nobody confirmed %.200s in time, and the policies from "
		"before came back %s ago; apply it again",
		s->returned, duration_text(now > since ? (now - since) / NSEC_PER_SEC : 0, ago));
}

unsigned int state_confirm(struct state *s, const struct peer *by, json_t **ret)
{
	_cleanup_(change_freep) struct change *change = NULL;
	struct confirm *c = &s->confirm;
	json_auto_t *over = json_copy(c->about);
	json_t *names;
	int err;

	if (!c->about || c->over || !seconds_left(s))
		return answer_too_late(s, ret);
	err = json_object_set_new(over, "over", json_string(CONFIRMED)) ? -ENOMEM : 0;
	err = err ?: change_begin(s->state_dir, &change) ?:
	      change_put_policies(change, c->set) ?: change_put(change, CONFIRM_FILE, over) ?:
	      change_ready(change) ?: change_commit(change);
	if (err) {
		char left[DURATION_TEXT];

		return answer_text(
			500, ret,
			"cannot save it in %s: %s; it is not confirmed, and comes back in %s",
			s->state_dir, strerror(-err), duration_text(seconds_left(s), left));
	}
	names = names_json(c->set);
	end(s, CONFIRMED, NULL, by);
	return answer_json(json_pack("{s:o}", "confirmed", names), ret);
}
