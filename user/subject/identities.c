/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/identities.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "subject/bundle.h"
#include "subject/container.h"
#include "subject/identities_internal.h"

static int by_cgroup(const void *a, const void *b)
{
	return strcmp(((const struct container *)a)->cgroup, ((const struct container *)b)->cgroup);
}

static struct container *of_unread(struct retry *r)
{
	return (struct container *)((char *)r - offsetof(struct container, unread));
}

static struct container *find(const struct identities *ids, const char *cgroup)
{
	const struct container key = {.cgroup = (char *)cgroup};
	void *const *node = tfind(&key, &ids->tree, by_cgroup);

	return node ? *node : NULL;
}

/* ---- changes ---- */

void identities_note_change(struct identities *ids, struct container *e)
{
	if (e->in_changed)
		return;
	TAILQ_INSERT_TAIL(&ids->changed_list, e, changed_link);
	e->in_changed = true;
	(void)sd_event_source_set_enabled(ids->defer, SD_EVENT_ONESHOT);
}

static int tell_changes(sd_event_source *source, void *ctx)
{
	struct identities *ids = ctx;
	struct container *e;

	while ((e = TAILQ_FIRST(&ids->changed_list))) {
		TAILQ_REMOVE(&ids->changed_list, e, changed_link);
		e->in_changed = false;
		/* Who is called may drop it. */
		ids->changed(e->cgroup, &e->identity, ids->ctx);
	}
	return 0;
}

/* ---- the disk ---- */

/*
 * What is wrong with a bundle, an engine may make good; and what is not there yet, or could not be read, may be there soon.
 * 1: more is known now.
 */
static int read_disk(struct identities *ids, struct container *e)
{
	struct identity said = {};
	uint64_t values_dropped = 0;
	int err = bundle_read(ids->root, e->cgroup, &said, &values_dropped), changed;

	changed = identity_merge(&e->identity, &said);
	if (changed)
		ids->values_dropped += values_dropped;
	/* Docker's bundle has no name: its own file has. */
	e->complete = e->identity.runtime && !strcmp(e->identity.runtime, "docker") &&
		      e->identity.name && e->identity.image;
	if (!err)
		return changed;
	if (err != -ENOENT)
		log_debug("bundle of %s: %s", e->cgroup, strerror(-err));
	(void)retries_add(&ids->unread, &e->unread);
	return changed;
}

static void read_again(struct retry *r, void *ctx)
{
	struct container *e = of_unread(r);

	if (read_disk(ctx, e))
		identities_note_change(ctx, e);
}

/* ---- entries ---- */

static void entry_free(struct identities *ids, struct container *e)
{
	retries_drop(&ids->unread, &e->unread);
	if (e->in_changed)
		TAILQ_REMOVE(&ids->changed_list, e, changed_link);
	identities_stop_waiting(e);
	for (size_t n = 0; n < e->n_engines; n++)
		e->engines[n]->users--;
	identity_done(&e->identity);
	free(e->cgroup);
	free(e);
}

static int entry_new(struct identities *ids, const char *cgroup, struct container **ret)
{
	struct container *e;

	if (ids->n_entries >= IDENTITIES_MAX) {
		ids->dropped++;
		return -ENOSPC;
	}
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->cgroup = strdup(cgroup);
	if (!e->cgroup || !tsearch(e, &ids->tree, by_cgroup)) {
		free(e->cgroup);
		free(e);
		return -ENOMEM;
	}
	ids->n_entries++;
	*ret = e;
	return 0;
}

int identities_want(struct identities *ids, const char *cgroup)
{
	const uid_t uid = container_user(cgroup);
	struct container *e = find(ids, cgroup);
	const char *word;
	char id[65];
	int err;

	if (e) {
		if (!e->told && !e->waiting)
			identities_ask(e, NULL);
		return 0;
	}
	if (!container_from_path(cgroup, id, &word))
		return -EINVAL;
	err = entry_new(ids, cgroup, &e);
	if (err)
		return err;
	memcpy(e->identity.id, id, sizeof(id));
	if (strcmp(word, "unknown") != 0)
		(void)identity_set(&e->identity.runtime, word, strlen(word), IDENTITY_NAME_MAX);
	if (uid == CONTAINER_NOBODY || container_above(cgroup))
		return 0;
	e->in_pod = !uid && bundle_in_pod(cgroup);
	if (!uid)
		(void)read_disk(ids, e);
	e->n_engines = engines_choose(&ids->engines, uid, e->identity.runtime, e->engines);
	for (size_t n = 0; n < e->n_engines; n++)
		e->engines[n]->users++;
	identities_ask(e, NULL);
	return 0;
}

bool identities_would_ask(const struct identities *ids, const char *cgroup)
{
	const struct container *e = find(ids, cgroup);

	return !e || (!e->told && !e->waiting);
}

const struct identity *identities_get(const struct identities *ids, const char *cgroup)
{
	const struct container *e = find(ids, cgroup);

	return e && !identity_is_empty(&e->identity) ? &e->identity : NULL;
}

struct named {
	const char *name;
	/* Of the system's containers, and of those of users, who call them as they like. */
	const char *cgroup[2];
	size_t n[2];
};

static void look_for_named(const void *node, VISIT visit, void *ctx)
{
	const struct container *e = *(struct container *const *)node;
	struct named *named = ctx;
	bool of_user;

	if ((visit != postorder && visit != leaf) || !e->identity.name ||
	    strcmp(e->identity.name, named->name) != 0)
		return;
	of_user = container_user(e->cgroup) != 0;
	named->cgroup[of_user] = e->cgroup;
	named->n[of_user]++;
}

int identities_find_named(const struct identities *ids, const char *name, const char **ret_cgroup)
{
	struct named named = {.name = name};
	bool of_user;

	twalk_r(ids->tree, look_for_named, &named);
	of_user = !named.n[0];
	if (named.n[of_user] != 1)
		return named.n[of_user] ? -ENOTUNIQ : -ENOENT;
	*ret_cgroup = named.cgroup[of_user];
	return 0;
}

bool identities_settled(const struct identities *ids, const char *cgroup)
{
	const struct container *e = find(ids, cgroup);

	if (!e || e->in_changed)
		return false;
	/* It has been read once. What is still not there at a second look, need not come at all. */
	if (e->unread.waits && e->unread.tries < 2)
		return false;
	for (size_t n = 0; !e->told && !e->complete && n < e->n_engines; n++) {
		if ((e->waiting & 1U << n) && engine_may_tell(e->engines[n]->engine, e))
			return false;
	}
	return true;
}

bool identities_unheard(const struct identities *ids, const char *cgroup)
{
	const struct container *e = find(ids, cgroup);

	for (size_t n = 0; e && !e->told && !e->complete && n < e->n_engines; n++) {
		if (e->heard & 1U << n)
			continue;
		/* Without a question there was no room for one. */
		if (!(e->waiting & 1U << n) || engine_owes(e->engines[n]->engine, e))
			return true;
	}
	return false;
}

void identities_drop(struct identities *ids, const char *cgroup)
{
	struct container *e = find(ids, cgroup);

	if (!e)
		return;
	tdelete(e, &ids->tree, by_cgroup);
	ids->n_entries--;
	entry_free(ids, e);
}

/* Those that are gone; dropped after the walk: a tree does not change while it is walked. */
struct sweep {
	int root;
	const char **gone; /* room for all */
	size_t n;
};

static void look_for_gone(const void *node, VISIT visit, void *ctx)
{
	const struct container *e = *(struct container *const *)node;
	struct sweep *sweep = ctx;

	if (visit != postorder && visit != leaf)
		return;
	/* Whatever else is wrong with it, it stays. */
	if (faccessat(sweep->root, e->cgroup + 1, F_OK, 0) && errno == ENOENT)
		sweep->gone[sweep->n++] = e->cgroup;
}

void identities_sweep(struct identities *ids, const char *root)
{
	_cleanup_close_ int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ const char **gone = calloc(ids->n_entries + 1, sizeof(*gone));
	struct sweep sweep = {.root = fd, .gone = gone};

	/* Later, then. */
	if (fd < 0 || !gone)
		return;
	twalk_r(ids->tree, look_for_gone, &sweep);
	for (size_t i = 0; i < sweep.n; i++)
		identities_drop(ids, gone[i]);
}

/* ---- the store ---- */

int identities_new(sd_event *event, const struct identities_options *options,
		   identities_changed changed, void *ctx, struct identities **ret)
{
	_cleanup_(identities_freep) struct identities *ids = calloc(1, sizeof(*ids));
	int err;

	if (!ids)
		return -ENOMEM;
	TAILQ_INIT(&ids->changed_list);
	ids->event = sd_event_ref(event);
	ids->changed = changed;
	ids->ctx = ctx;
	ids->root = strdup(options && options->root ? options->root : "/");
	if (!ids->root)
		return -ENOMEM;
	ids->unread.again = read_again;
	ids->unread.ctx = ids;
	err = retries_init(&ids->unread, event);
	if (err)
		return err;
	ids->engines.found = identities_on_found;
	ids->engines.changed = identities_on_changed;
	ids->engines.ctx = ids;
	err = engines_init(&ids->engines, event, options ? options->engines : NULL,
			   options ? options->n_engines : 0, options ? options->users : NULL);
	if (err)
		return err;
	err = sd_event_add_defer(event, &ids->defer, tell_changes, ids);
	if (err < 0)
		return err;
	err = sd_event_source_set_enabled(ids->defer, SD_EVENT_OFF);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(ids);
	return 0;
}

static void count(const void *node, VISIT visit, void *ctx)
{
	const struct container *e = *(struct container *const *)node;
	struct identities_stats *stats = ctx;

	if (visit != postorder && visit != leaf)
		return;
	stats->known += !identity_is_empty(&e->identity);
	stats->waiting += e->waiting != 0;
}

void identities_get_stats(const struct identities *ids, struct identities_stats *ret)
{
	*ret = (struct identities_stats){
		.dropped = ids->dropped,
		.values_dropped = ids->values_dropped,
	};
	twalk_r(ids->tree, count, ret);
	for (size_t n = 0; n < ids->engines.n; n++) {
		struct engine_stats stats;

		engine_get_stats(ids->engines.list[n]->engine, &stats);
		ret->dropped += stats.dropped;
		ret->values_dropped += stats.values_dropped;
	}
}

int identities_engine_stats(const struct identities *ids, size_t n, const char **ret_runtime,
			    uid_t *ret_uid, struct engine_stats *ret)
{
	if (n >= ids->engines.n)
		return -ENOENT;
	*ret_runtime = ids->engines.list[n]->runtime;
	*ret_uid = ids->engines.list[n]->uid;
	engine_get_stats(ids->engines.list[n]->engine, ret);
	return 0;
}

void identities_free(struct identities *ids)
{
	if (!ids)
		return;
	while (ids->tree) {
		struct container *e = *(struct container **)ids->tree;

		tdelete(e, &ids->tree, by_cgroup);
		entry_free(ids, e);
	}
	engines_done(&ids->engines);
	retries_done(&ids->unread);
	sd_event_source_disable_unref(ids->defer);
	sd_event_unref(ids->event);
	free(ids->root);
	free(ids);
}
