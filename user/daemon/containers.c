/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Containers that come, and who they are. One that comes is bound at birth, to the default policy, or to one that allows
 * everything. Its own policy follows as soon as it is known which that is: at once where the runtime has it on disk, and
 * else when its engine has answered.
 */
#include <string.h>

#include "base/log.h"
#include "daemon/internal.h"
#include "subject/cgroup.h"
#include "subject/container.h"

const struct identity *containers_who(const char *cgroup, void *ctx)
{
	struct state *s = ctx;

	/* No room, or nothing that is to be asked for: then nothing is known. An engine is asked once a minute at most. */
	(void)identities_want(s->identities, cgroup);
	return identities_get(s->identities, cgroup);
}

bool containers_keep(const char *cgroup, uint64_t id, const char *policy, void *ctx)
{
	struct leastcap_policy p, shadow = {};
	struct leastcap_binding b;
	struct state *s = ctx;

	if (!identities_unheard(s->identities, cgroup) || kernel_binding_get(s->k, id, &b) ||
	    kernel_policy_get(s->k, b.policy, &p))
		return false;
	if (b.shadow && kernel_policy_get(s->k, b.shadow, &shadow))
		shadow.name[0] = '\0';
	return !strcmp(p.name, policy) || !strcmp(shadow.name, policy);
}

void containers_changed(const char *cgroup, const struct identity *identity, void *ctx)
{
	struct state *s = ctx;

	/* Events tell who it is from now on; more is to be done only where a policy depends on it. */
	s->again = s->again || sources_ask_identity(&s->sources);
}

/* Is there a selector by an id that this one begins with? */
static bool awaited(const struct state *s, const char id[65])
{
	for (size_t i = 0; i < s->sources.n; i++) {
		const struct policy_set *set = s->sources.items[i].set;

		for (size_t j = 0; set && j < set->n_policies; j++) {
			const struct policy *p = &set->policies[j];

			for (size_t k = 0; k < p->n_selectors; k++) {
				const struct selector *selector = &p->selectors[k];

				if (selector->kind == SELECT_CONTAINER_ID && selector->value &&
				    !strncmp(id, selector->value, strlen(selector->value)))
					return true;
			}
		}
	}
	return false;
}

void containers_came(struct state *s, const char *path)
{
	char id[65];

	if (!container_from_path(path, id, NULL))
		return;
	/* Whatever selects it: events tell who it is, and the engine may need a while to answer. */
	(void)containers_who(path, s);
	if (sources_ask_identity(&s->sources) || (s->plan.pending && awaited(s, id)))
		s->again = true;
}

void containers_gone(struct state *s, const char *path)
{
	identities_drop(s->identities, path);
}

void containers_sweep(struct state *s)
{
	/* Of cgroups that were bound, the kernel tells; those below a bound one only are gone unseen. */
	identities_sweep(s->identities, CGROUP_ROOT);
}

/* Between two attempts to bind what could not be bound. */
#define AGAIN_TICKS 5

void containers_tick(struct state *s)
{
	/*
	 * Those that are on their way now count, too: it is looked once too often then, and not for one that is lost while
	 * as many arrive. For that one it is looked when its loss is told (track.c).
	 */
	const uint64_t untold = kernel_state(s->k)->born - s->births;

	if (untold > s->births_untold && (sources_ask_identity(&s->sources) || s->plan.shadows))
		s->again = true;
	s->births_untold = untold;
	if (s->unbound && s->ticks % AGAIN_TICKS == 0)
		s->again = true;
}

/* Once, however often it is tried. */
static void note_unbound(struct state *s, int err)
{
	char why[ERROR_TEXT_LEN];

	if (err && err != s->unbound)
		log_warn(0, "cannot bind what is new, trying again every %d seconds: %s",
			 AGAIN_TICKS, error_text(s, err, why));
	else if (!err && s->unbound)
		log_info("what was new is bound");
	s->unbound = err;
}

json_t *containers_problem(const struct state *s)
{
	char message[256], why[ERROR_TEXT_LEN];

	snprintf(message, sizeof(message),
		 "what is new could not be bound, and is tried again every %d seconds: %s",
		 AGAIN_TICKS, error_text(s, s->unbound, why));
	return problem_new(s->config_dir, (struct policy_pos){}, message, NULL, NULL);
}

bool state_settle(struct state *s)
{
	json_auto_t *problems = NULL;
	int err;

	if (!s->again) {
		hold_look(s);
		return s->again;
	}
	s->again = false;
	problems = json_array();
	err = problems ? state_follow(s, &s->sources, NULL, problems) : -ENOMEM;
	note_unbound(s, err);
	hold_look(s);
	return s->again;
}
