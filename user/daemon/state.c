/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/state.h"

#include <string.h>
#include <unistd.h>

#include "audit/event.h"
#include "base/duration.h"
#include "base/log.h"
#include "base/words.h"
#include "daemon/change.h"
#include "daemon/fall_back.h"
#include "daemon/internal.h"
#include "daemon/saved.h"
#include "daemon/ties.h"
#include "policy/compile.h"

static void own_problem(struct state *s, const char *file, const char *message)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", s->state_dir, file) < 0)
		path = NULL;
	json_array_append_new(s->own_problems, problem_new(path ?: file, (struct policy_pos){},
							   message, NULL, NULL));
}

/* Without a version the directory is of this one: it can be gone on with. */
static void open_saved(struct state *s)
{
	int err = saved_open(s->state_dir);

	if (err == -EBADMSG)
		own_problem(s, SAVED_VERSION_FILE,
			    "it could not be read: the directory is taken for this version's");
	else if (err)
		log_warn(err, "cannot write %s/" SAVED_VERSION_FILE ", ignoring", s->state_dir);
	err = change_finish(s->state_dir);
	if (err == -EBADMSG)
		own_problem(s, CHANGE_FILE,
			    "it cannot be read: a change that was begun may be there in part");
	else if (err)
		own_problem(s, CHANGE_FILE,
			    "a change that was begun cannot be finished, and is there in part");
	/* Nothing could be changed while it is there. */
	if (err == -EBADMSG)
		(void)saved_remove(s->state_dir, CHANGE_FILE);
}

int state_open(const struct state_options *o, struct kernel *k, struct sink *sink,
	       struct state **ret)
{
	_cleanup_(state_freep) struct state *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->k = k;
	s->sink = sink;
	s->config_dir = strdup(o->config_dir);
	s->state_dir = strdup(o->state_dir);
	s->problems = json_array();
	s->own_problems = json_array();
	s->modes = json_object();
	s->applied = json_object();
	if (!s->config_dir || !s->state_dir || !s->problems || !s->own_problems || !s->modes ||
	    !s->applied)
		return -ENOMEM;
	boot_id(s->boot);
	open_saved(s);
	err = identities_new(o->event, NULL, containers_changed, s, &s->identities) ?:
	      modes_open(s) ?: confirm_open(s) ?: disarm_open(s) ?: hold_open(s, o->event, o->hold_ns) ?:
	      proof_open(s, o->event, o->prove_ns, o->prove_exit);
	if (err)
		return err;
	counted_open(s);
	quiet_open(s, o->quiet_ns);
	*ret = TAKE_PTR(s);
	return 0;
}

struct state *state_free(struct state *s)
{
	if (!s)
		return NULL;
	if (s->counted) {
		metrics_count(s);
		counted_save(s);
	}
	json_decref(s->counted);
	hold_done(s);
	proof_done(s);
	quiet_done(s);
	identities_free(s->identities);
	plan_done(&s->plan);
	sources_done(&s->sources);
	policy_reads_done(&s->reads);
	names_done(s);
	confirm_done(&s->confirm);
	free(s->returned);
	json_decref(s->problems);
	json_decref(s->own_problems);
	json_decref(s->kept);
	json_decref(s->ties);
	json_decref(s->unfit);
	json_decref(s->modes);
	json_decref(s->revisions);
	json_decref(s->applied);
	tally_done(&s->tally);
	json_decref(s->disarm);
	free(s->gone);
	free(s->untold);
	free(s->config_dir);
	free(s->state_dir);
	free(s);
	return NULL;
}

/* ---- reading ---- */

void problem_log(const json_t *problem)
{
	const char *hint = json_string_value(json_object_get(problem, "hint"));

	log_warn(0, "%s:%d:%d: %s%s%s", json_string_value(json_object_get(problem, "file")),
		 (int)json_integer_value(json_object_get(problem, "line")),
		 (int)json_integer_value(json_object_get(problem, "column")),
		 json_string_value(json_object_get(problem, "message")), hint ? "; " : "",
		 hint ?: "");
}

/* The state's problems become these, which are taken over. */
static void use_problems(struct state *s, json_t *problems)
{
	const json_t *each;
	size_t i;

	if (!json_equal(problems, s->problems)) {
		json_array_foreach(problems, i, each)
			problem_log(each);
	}
	json_decref(s->problems);
	s->problems = problems;
}

/* What is optional, and not held here: no problem, but to be known. */
static void log_left_out(const struct sources *sources)
{
	for (size_t i = 0; i < sources->n; i++) {
		const struct policy_set *set = sources->items[i].set;

		for (size_t j = 0; set && j < set->n_policies; j++) {
			const struct policy *p = &set->policies[j];
			uint32_t left_out = policy_left_out(p);

			for (uint32_t rule = 0; rule < LEASTCAP_RULES; rule++) {
				if (left_out & LEASTCAP_RULE_BIT(rule))
					log_warn(
						0,
						"policy %s: %s is left out: this kernel cannot hold it",
						p->name, word_rule(rule));
			}
		}
	}
}

/* Those of a reload that failed do not count as read: no content has this hash, so that the next look tries again. */
static void keep_reads(struct state *s, struct policy_reads *reads, int err)
{
	if (err)
		reads->hash = 1;
	policy_reads_done(&s->reads);
	s->reads = *reads;
	s->n_reloads++;
}

/*
 * Everything that there is to read, in fresh. *ret_refused: policies tie that would be in force, so that there is nobody to
 * say which of them is meant: none of it is taken over, unless nothing is in force that one could go on with.
 */
static int read_all(struct state *s, struct policy_reads *reads, struct sources *fresh,
		    json_t *problems, bool *ret_refused)
{
	const char *over = s->confirm.over;
	size_t n;
	/* A half of it is not to be read: not in place of what is in force. */
	int err = s->followed ? change_finish(s->state_dir) : 0;

	err = err ?: sources_load(s->config_dir, s->state_dir, &s->sources, reads, problems, fresh)
			  ?: confirm_join(s, fresh, problems)
			  ?: fall_back(s, fresh, problems);

	n = json_array_size(problems);
	err = err ?: ties_written(fresh, NULL, problems);
	*ret_refused = !err && json_array_size(problems) > n && s->followed;
	/* What has just ended is not at its end. */
	if (err || *ret_refused)
		s->confirm.over = over;
	return err;
}

/* problems: what else is known to be wrong. */
static int fail_reload(struct state *s, int err, json_t *problems, const struct peer *by)
{
	_cleanup_free_ char *message = NULL;
	char text[ERROR_TEXT_LEN];

	if (asprintf(&message, "cannot be put in force, the policies stay as they are: %s",
		     error_text(s, err, text)) < 0)
		message = NULL;
	json_array_append_new(problems, problem_new(s->config_dir, (struct policy_pos){},
						    message ?: strerror(-err), NULL, NULL));
	use_problems(s, json_incref(problems));
	tell_reload(s, "failed", NULL, by);
	(void)log_err(0, "cannot reload, the policies stay as they are: %s", text);
	return err;
}

/* The first time all of it that has room is; then of the rest the forms that had. */
static int follow(struct state *s, struct sources *fresh, json_t *problems, json_t *selectors)
{
	bool first = !s->followed;
	int err = state_follow(s, fresh, NULL, selectors);

	if (!err && first && s->plan.n_unfit && fall_back_unfit(s, problems, selectors))
		log_warn(0, "cannot go back to the last good forms of what has no room, ignoring");
	return err;
}

int state_reload(struct state *s, const struct peer *by)
{
	_cleanup_(sources_done) struct sources fresh = {}, old = {};
	struct policy_reads reads = {};
	json_auto_t *problems = json_array(), *selectors = json_array(),
		    *revisions = revisions_take(s);
	bool refused = false;
	int err;

	if (!problems || !selectors || !revisions)
		return log_err(-ENOMEM, "cannot reload, the policies stay as they are");
	err = read_all(s, &reads, &fresh, problems, &refused);
	if (!err && !refused)
		err = sources_copy(&s->sources, &old) ?: follow(s, &fresh, problems, selectors);
	keep_reads(s, &reads, err);
	if (json_array_extend(problems, selectors) || json_array_extend(problems, s->own_problems))
		err = err ?: -ENOMEM;
	if (err)
		return fail_reload(s, err, problems, by);
	use_problems(s, json_incref(problems));
	if (refused) {
		tell_reload(s, "refused", NULL, by);
		return log_err(-ENOTUNIQ, "policies select the same, they all stay as they are");
	}
	sources_save_good(&s->sources, s->state_dir);
	log_left_out(&s->sources);
	tell_changes(s, &old, revisions, by);
	/* What is not there yet at the start, or is away as a whole, comes back. */
	if (s->n_reloads > 1 && !access(s->config_dir, F_OK))
		modes_forget(s, &old, by);
	confirm_tell(s, by);
	return 0;
}

int state_reload_changed(struct state *s)
{
	struct policy_reads now = {};
	int err = sources_look(s->config_dir, &now);
	bool same = !err && now.hash == s->reads.hash;

	policy_reads_done(&now);
	if (same)
		return 0;
	/* Also where it cannot be looked: it tells why. */
	log_info("the files of policies have changed");
	return state_reload(s, &(struct peer){.comm = "files"});
}

const struct policy_reads *state_reads(const struct state *s, unsigned int *ret_reload)
{
	*ret_reload = s->n_reloads;
	return &s->reads;
}
