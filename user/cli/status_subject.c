// SPDX-License-Identifier: GPL-2.0-only
#include "cli/status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/event.h"
#include "base/caps.h"
#include "base/log.h"
#include "cli/output.h"
#include "explain/balance.h"
#include "subject/capfiles.h"
#include "subject/cgroup.h"
#include "subject/granted.h"
#include "subject/process.h"

/* That are shown of one binding. */
#define PROCESSES_MAX 256

#define FILES_MAX 1000
#define ENTRIES_MAX 2000000
#define FILES_NS (120ULL * 1000000000)

struct subject {
	struct process *all; /* those that are shown */
	size_t n;
	bool more; /* there are others */
	struct granted_sets sets; /* of all there are */
};

static void subject_done(struct subject *s)
{
	free(s->all);
}

/* ---- processes ---- */

static json_t *process_json(const struct process *p)
{
	return json_pack("{s:i, s:o, s:I, s:o, s:o, s:o, s:o, s:b, s:i}", "pid", (int)p->pid,
			 "comm", event_string(p->comm), "uid", (json_int_t)p->uid, "permitted",
			 caps_to_json(p->permitted), "effective", caps_to_json(p->effective),
			 "bounding", caps_to_json(p->bounding), "ambient", caps_to_json(p->ambient),
			 "no_new_privs", p->no_new_privs, "seccomp", (int)p->seccomp);
}

static int read_subject(const char *path, struct subject *ret)
{
	int err = processes_in(path, PROCESSES_MAX, &ret->all, &ret->n, &ret->more);

	return err ?: granted_sets(path, &ret->sets);
}

/* Where not all sets are known, neither is what is granted for nothing. */
static json_t *drift_json(const json_t *binding, const struct subject *s)
{
	return s->sets.unread ? json_null() : balance_drift(binding, s->sets.permitted);
}

static int add_processes(json_t *binding, const struct subject *s)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < s->n; i++) {
		if (json_array_append_new(list, process_json(&s->all[i])))
			break;
	}
	if (json_array_size(list) != s->n ||
	    json_object_set_new(binding, "processes_more", json_boolean(s->more)) ||
	    json_object_set_new(binding, "threads_unread",
				json_integer((json_int_t)s->sets.unread)) ||
	    json_object_set_new(binding, "drift", drift_json(binding, s))) {
		json_decref(list);
		return -ENOMEM;
	}
	return json_object_set_new(binding, "processes", list) ? -ENOMEM : 0;
}

/* ---- files ---- */

static void progress(uint64_t entries, size_t found, void *ctx)
{
	if (*(bool *)ctx)
		fprintf(stderr, "\r%llu entries looked at, %zu files give capabilities ",
			(unsigned long long)entries, found);
}

/* The root that a process has. That it is of this cgroup is looked at afterwards: numbers are reused. */
static int open_root_of(const struct process *p, const char *cgroup, int *ret)
{
	_cleanup_free_ char *own = NULL;
	_cleanup_close_ int fd = -EBADF;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/root", p->pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (cgroup_of(p->pid, &own) || (strcmp(own, cgroup) && !cgroup_path_below(own, cgroup)))
		return -ESRCH;
	*ret = TAKE_FD(fd);
	return 0;
}

/* Of the first one that is still there. */
static int open_root(const struct subject *s, const char *cgroup, int *ret_root, uid_t *ret_uid)
{
	int err = -ESRCH;

	for (size_t i = 0; i < s->n; i++) {
		_cleanup_close_ int fd = -EBADF;

		err = open_root_of(&s->all[i], cgroup, &fd);
		err = err ?: capfiles_root_uid(s->all[i].pid, ret_uid);
		if (err)
			continue;
		*ret_root = TAKE_FD(fd);
		return 0;
	}
	return err;
}

/* What who executes it gets, and what of that the policy leaves. */
static json_t *file_json(const struct capfile *f, const struct capfiles *all, uint64_t bounding,
			 uint64_t allowed)
{
	uint64_t gives = f->has_caps ? f->permitted : ~0ULL;
	uint64_t left = all->nosuid ? 0 : gives & bounding & allowed;

	return json_pack("{s:o, s:b, s:b, s:o, s:o, s:b}", "path", event_string(f->path),
			 "setuid_root", f->setuid, "effective", f->setuid || f->effective, "gives",
			 caps_to_json(gives), "left", caps_to_json(left), "harmless", left == 0);
}

static int add_files(json_t *binding, const struct subject *s, const char *cgroup)
{
	/* One that could not be read may have any. */
	uint64_t bounding = s->sets.unread ? ~0ULL : s->sets.bounding;
	_cleanup_(capfiles_done) struct capfiles found = {0};
	bool tty = isatty(STDERR_FILENO);
	struct capfiles_options options = {
		.max_entries = ENTRIES_MAX,
		.max_ns = FILES_NS,
		.max_found = FILES_MAX,
		.progress = progress,
		.ctx = &tty,
	};
	_cleanup_close_ int root = -EBADF;
	json_t *list = json_array();
	struct balance balance;
	int err = open_root(s, cgroup, &root, &options.root_uid);

	balance_of(binding, &balance);
	if (!err)
		err = capfiles_find(root, &options, &found);
	if (tty)
		fputs("\r\033[K", stderr);
	for (size_t i = 0; !err && i < found.n; i++) {
		if (json_array_append_new(list, file_json(&found.items[i], &found, bounding,
							  balance.let_through)))
			err = -ENOMEM;
	}
	if (err) {
		json_decref(list);
		return err;
	}
	return json_object_set_new(binding, "files",
				   json_pack("{s:o, s:I, s:I, s:b, s:b}", "found", list, "entries",
					     (json_int_t)found.entries, "unreadable",
					     (json_int_t)found.unreadable, "cut", found.cut,
					     "nosuid", found.nosuid))
		       ? -ENOMEM
		       : 0;
}

static bool is_gone(int err)
{
	return err == -ENOENT || err == -ESTALE || err == -ENODEV;
}

int status_subject_add(json_t *binding, bool files)
{
	const char *shown = json_string_value(json_object_get(binding, "cgroup"));
	uint64_t id = (uint64_t)json_integer_value(json_object_get(binding, "cgroup_id"));
	_cleanup_(subject_done) struct subject subject = {};
	_cleanup_free_ char *path = NULL;
	int err;

	if (!shown || json_is_true(json_object_get(binding, "gone")))
		return 0;
	err = cgroup_shown(shown, id, &path);
	err = err ?: read_subject(path, &subject);
	if (err && !is_gone(err))
		return log_err(err, "cannot read the processes of %s", shown);
	if (add_processes(binding, &subject))
		return log_err(-ENOMEM, "cannot tell the processes of %s", shown);
	if (!files)
		return 0;
	if (err || !subject.n) {
		log_warn(0, "%s %s: its root is not known", shown,
			 err			? "is gone meanwhile"
			 : subject.sets.threads ? "has no process that can be read"
						: "has no process now");
		return 0;
	}
	err = add_files(binding, &subject, path);
	return err ? log_err(err, "cannot look through the files of %s", shown) : 0;
}

/* ---- for people ---- */

/* A set in the fewest words. */
static char *set_text(const json_t *names)
{
	uint64_t set = caps_from_json(names);

	if (json_array_size(names) > caps_last())
		set = ~0ULL;
	return caps_to_text(set);
}

/* Most processes have one set three times. */
static void print_process(const json_t *p)
{
	_cleanup_free_ char *comm = out_name(p, "comm"), *text = NULL;
	_cleanup_free_ char *permitted = set_text(json_object_get(p, "permitted")),
			    *effective = set_text(json_object_get(p, "effective")),
			    *bounding = set_text(json_object_get(p, "bounding"));
	bool same_effective, same_bounding;

	if (!comm || !permitted || !effective || !bounding)
		return;
	same_effective = !strcmp(permitted, effective);
	same_bounding = !strcmp(permitted, bounding);
	if (asprintf(&text, "permitted%s%s %s%s%s%s%s%s", same_effective ? ", effective" : "",
		     same_bounding ? ", bounding" : "", permitted,
		     same_effective ? "" : "; effective ", same_effective ? "" : effective,
		     same_bounding ? "" : "; bounding ", same_bounding ? "" : bounding,
		     json_is_true(json_object_get(p, "no_new_privs")) ? "; no_new_privs" : "") <
	    0) {
		text = NULL;
		return;
	}
	printf("  %-12s%s[%lld], uid %lld\n%14s", "process", comm, (long long)out_number(p, "pid"),
	       (long long)out_number(p, "uid"), "");
	out_wrapped(14, text);
}

static void print_drift(const json_t *drift)
{
	const json_t *never = json_object_get(drift, "never_used"),
		     *beyond = json_object_get(drift, "not_allowed");

	if (json_array_size(never))
		out_words("never used", never);
	if (json_array_size(beyond))
		out_words("not allowed", beyond);
}

static void print_file(const json_t *f)
{
	_cleanup_free_ char *path = out_member(f, "path"), *text = NULL;
	_cleanup_free_ char *left = set_text(json_object_get(f, "left")),
			    *gives = set_text(json_object_get(f, "gives"));
	bool setuid = json_is_true(json_object_get(f, "setuid_root"));

	if (!path || !left || !gives)
		return;
	if (asprintf(&text, "%s%s gives %s: %s%s", path, setuid ? " (set-user-id root)" : "", gives,
		     json_is_true(json_object_get(f, "harmless")) ? "harmless, none is left" : left,
		     json_is_true(json_object_get(f, "harmless")) ? "" : " is left") < 0) {
		text = NULL;
		return;
	}
	printf("  %-12s", "file");
	out_wrapped(14, text);
}

static void print_files(const json_t *files)
{
	const json_t *each;
	size_t i;

	if (!files)
		return;
	json_array_foreach(json_object_get(files, "found"), i, each)
		print_file(each);
	printf("  %-12s%lld entries looked at, %zu files give capabilities", "files",
	       (long long)out_number(files, "entries"),
	       json_array_size(json_object_get(files, "found")));
	if (json_is_true(json_object_get(files, "nosuid")))
		printf("; mounted nosuid: they do not");
	if (out_number(files, "unreadable"))
		printf("; %lld folders could not be read",
		       (long long)out_number(files, "unreadable"));
	puts(json_is_true(json_object_get(files, "cut")) ? "; there are more: a limit was reached"
							 : "");
}

void status_subject_print(const json_t *binding)
{
	const json_t *each;
	size_t i;

	json_array_foreach(json_object_get(binding, "processes"), i, each)
		print_process(each);
	if (json_is_true(json_object_get(binding, "processes_more")))
		printf("  %-12sthere are more\n", "processes");
	if (out_number(binding, "threads_unread"))
		printf("  %-12s%lld threads could not be read: what is granted for nothing is not "
		       "known\n",
		       "processes", (long long)out_number(binding, "threads_unread"));
	print_drift(json_object_get(binding, "drift"));
	print_files(json_object_get(binding, "files"));
}
