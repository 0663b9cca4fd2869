/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inotify, on each folder that policies are read from and on those above it: one that is removed, renamed, made again or
 * not there yet is seen there. What is told counts only as a reason to look; whether anything has changed is known by what
 * the files hold. So nothing depends on events being exact, and an overflow is a reason to look as any other.
 */
#include "daemon/watch.h"

#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/log.h"
#include "policy/policy.h"

/* Until it has been quiet for so long, and no longer than that after the first change. */
#define QUIET_USEC 300000ULL
#define LATEST_USEC 2000000ULL

/* A folder of policies, or one above: then only the name of what leads to it counts. */
struct place {
	struct watch *watch;
	sd_event_source *source;
	char *path;
	char *name; /* NULL: all policy files */
};

struct places {
	struct place **items; /* they do not move: their sources know them */
	size_t n;
};

struct watch {
	struct watch_options options;
	char *config_dir;
	struct places places;
	sd_event_source *timer, *after;
	unsigned int reload; /* the one whose folders are watched */
	uint64_t first; /* when the first change was seen that was not looked at; 0: none */
	bool told; /* that something cannot be watched */
};

static void places_done(struct places *places)
{
	for (size_t i = 0; i < places->n; i++) {
		struct place *p = places->items[i];

		sd_event_source_disable_unref(p->source);
		free(p->path);
		free(p->name);
		free(p);
	}
	free(places->items);
	*places = (struct places){};
}

/* ---- what is told ---- */

static int look_later(struct watch *w)
{
	uint64_t now = 0, when;
	int err = sd_event_now(w->options.event, CLOCK_MONOTONIC, &now);

	if (err < 0)
		return err;
	if (!w->first)
		w->first = now;
	when = w->first + LATEST_USEC;
	if (when > now + QUIET_USEC)
		when = now + QUIET_USEC;
	err = sd_event_source_set_time(w->timer, when);
	return err < 0 ? err : sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

/*
 * The end of what may be written is told, as a rule. It is not where the file got its name when it was whole: what was made
 * without one (O_TMPFILE) or what had another until now is told to be closed, or removed, by a name that does not matter.
 */
static int look_latest(struct watch *w)
{
	int on = SD_EVENT_OFF, err = sd_event_source_get_enabled(w->timer, &on);
	uint64_t now = 0;

	/* One comes before. */
	if (err < 0 || on != SD_EVENT_OFF)
		return err < 0 ? err : 0;
	err = sd_event_now(w->options.event, CLOCK_MONOTONIC, &now);
	if (err >= 0)
		err = sd_event_source_set_time(w->timer, now + LATEST_USEC);
	return err < 0 ? err : sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

/* Has somebody begun to write it, or so it seems? */
static bool may_be_written(const struct place *p, const struct inotify_event *e)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (!(e->mask & IN_CREATE) || asprintf(&path, "%s/%s", p->path, e->name) < 0)
		return false;
	/* What has another name, too, is there whole. */
	return !lstat(path, &st) && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

/* Is it what the loader reads, or what may lead to it? */
static bool matters(const struct place *p, const struct inotify_event *e)
{
	if (e->mask & (IN_Q_OVERFLOW | IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF))
		return true;
	if (!e->len)
		return false;
	if (p->name)
		return !strcmp(e->name, p->name);
	/* A ConfigMap's files are links through this one, which is what its updates replace. */
	if ((e->mask & IN_ISDIR) || !strcmp(e->name, "..data"))
		return true;
	return policy_file_name(e->name);
}

static int on_change(sd_event_source *source, const struct inotify_event *e, void *ctx)
{
	const struct place *p = ctx;

	if (!matters(p, e))
		return 0;
	log_debug("%s: changed%s%s", p->path, e->len ? ": " : "", e->len ? e->name : "");
	return may_be_written(p, e) ? look_latest(p->watch) : look_later(p->watch);
}

/* ---- what is watched ---- */

#define MASK_ABOVE (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR)
#define MASK_FOLDER (MASK_ABOVE | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

static bool is_watched(const struct places *places, const char *path, const char *name)
{
	for (size_t i = 0; i < places->n; i++) {
		const struct place *p = places->items[i];

		if (!strcmp(p->path, path) && !p->name == !name &&
		    (!name || !strcmp(p->name, name)))
			return true;
	}
	return false;
}

static int place_add(struct watch *w, struct places *places, const char *path, const char *name)
{
	struct place **grown, *p;
	int err;

	if (is_watched(places, path, name))
		return 0;
	grown = reallocarray(places->items, places->n + 1, sizeof(struct place *));
	if (!grown)
		return -ENOMEM;
	places->items = grown;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	grown[places->n++] = p;
	p->watch = w;
	p->path = strdup(path);
	p->name = name ? strdup(name) : NULL;
	if (!p->path || (name && !p->name))
		return -ENOMEM;
	err = sd_event_add_inotify(w->options.event, &p->source, path,
				   name ? MASK_ABOVE : MASK_FOLDER, on_change, p);
	/* What is not there is seen in the folder above when it comes. */
	if (err >= 0 || err == -ENOENT || err == -ENOTDIR || err == -ENOMEM)
		return err == -ENOMEM ? err : 0;
	if (!w->told)
		log_warn(err, "cannot watch %s: changes there count after a reload only", path);
	w->told = true;
	return 0;
}

/* A folder, and for each one above the name that leads down. */
static int folder_add(struct watch *w, struct places *places, const char *folder)
{
	char path[PATH_MAX];
	int err = place_add(w, places, folder, NULL);

	if (strlen(folder) >= sizeof(path))
		return err;
	strcpy(path, folder);
	while (!err) {
		char *slash;

		for (size_t len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
			path[len - 1] = '\0';
		slash = strrchr(path, '/');
		if (!slash || !slash[1])
			break;
		*slash = '\0';
		err = place_add(w, places, *path ? path : "/", slash + 1);
	}
	return err;
}

/* The new ones before the old ones go: what is watched both before and after is watched all the time. */
static int watch_all(struct watch *w)
{
	const struct policy_reads *reads = w->options.reads(w->options.ctx, &w->reload);
	struct places fresh = {};
	int err = folder_add(w, &fresh, w->config_dir);

	for (size_t i = 0; !err && i < reads->n_folders; i++)
		err = folder_add(w, &fresh, reads->folders[i]);
	if (err) {
		places_done(&fresh);
		return err;
	}
	places_done(&w->places);
	w->places = fresh;
	return 0;
}

/* ---- looking ---- */

static int on_timer(sd_event_source *source, uint64_t usec, void *ctx)
{
	struct watch *w = ctx;
	int err;

	w->first = 0;
	/* What changes from here on is told; what has changed until here is seen. */
	err = watch_all(w);
	if (err)
		log_warn(err, "cannot watch the files of policies, ignoring");
	w->options.look(w->options.ctx);
	return 0;
}

/* After a reload, whoever asked for it, there may be other folders. */
static int on_any(sd_event_source *source, void *ctx)
{
	struct watch *w = ctx;
	unsigned int reload;

	(void)w->options.reads(w->options.ctx, &reload);
	if (reload == w->reload)
		return 0;
	w->reload = reload;
	return look_later(w);
}

static int whole_path(const char *path, char **ret)
{
	_cleanup_free_ char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);

	if (path[0] == '/')
		*ret = strdup(path);
	else if (!cwd || asprintf(ret, "%s/%s", cwd, path) < 0)
		*ret = NULL;
	return *ret ? 0 : -ENOMEM;
}

int watch_open(const struct watch_options *o, struct watch **ret)
{
	_cleanup_(watch_freep) struct watch *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->options = *o;
	err = whole_path(o->config_dir, &w->config_dir);
	if (err)
		return err;
	err = sd_event_add_time(o->event, &w->timer, CLOCK_MONOTONIC, UINT64_MAX, 10000, on_timer,
				w);
	if (err >= 0)
		err = sd_event_add_post(o->event, &w->after, on_any, w);
	if (err >= 0)
		err = watch_all(w);
	if (err >= 0)
		err = look_later(w);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(w);
	return 0;
}

struct watch *watch_free(struct watch *w)
{
	if (!w)
		return NULL;
	places_done(&w->places);
	sd_event_source_disable_unref(w->timer);
	sd_event_source_disable_unref(w->after);
	free(w->config_dir);
	free(w);
	return NULL;
}
