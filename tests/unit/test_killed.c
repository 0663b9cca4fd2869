/* SPDX-License-Identifier: GPL-2.0-only */
/* A change is all of it or nothing on disk, too: where the daemon is killed at any step, and where the disk fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/change.h"
#include "daemon_fixture.h"

/* ---- a disk that fails ---- */

/* This process dies before so many more steps on the disk; -1: it does not. */
static int steps_left = -1;
static bool disk_full, read_only, unsure;
static int renames;
#define DEAD 7

static void step(void)
{
	if (!steps_left)
		_exit(DEAD);
	steps_left -= steps_left > 0;
}

int rename(const char *from, const char *to)
{
	step();
	if (read_only) {
		errno = EROFS;
		return -1;
	}
	renames++;
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlink(const char *path)
{
	step();
	return unlinkat(AT_FDCWD, path, 0);
}

int fsync(int fd)
{
	step();
	if (unsure && renames) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

ssize_t write(int fd, const void *data, size_t len)
{
	if (disk_full) {
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_write, fd, data, len);
}

/* ---- the disk ---- */

#define FORM(caps)                                                                           \
	"policies:\n- name: web\n  select: [{ cgroup: /web }]\n  capabilities: " caps        \
	"\n- name: db\n  select: [{ cgroup: /db }]\n  capabilities: " caps "\n- name: new\n" \
	"  capabilities: " caps "\n"

/* No file that is half of a change. */
static void check_tidy(void)
{
	static const char *const files[] = {"applied/.web.yaml.new",
					    "applied/.new.yaml.new",
					    "shadow/.web.json.new",
					    ".confirm.json.new",
					    ".modes.json.new",
					    ".change.json.new",
					    "change.json"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char path[64];

		snprintf(path, sizeof(path), "state/%s", files[i]);
		if (on_disk(path))
			fail_msg("%s is left", path);
	}
}

/* A daemon that starts with what is on disk. */
static struct state *restart(void)
{
	struct state *s = daemon_new();

	assert_int_equal(change_finish(s->state_dir), 0);
	assert_int_equal(modes_open(s), 0);
	assert_int_equal(confirm_open(s), 0);
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_int_equal(json_array_size(s->problems), 0);
	assert_false(on_disk("state/change.json"));
	return s;
}

/* What the disk has of web, db and new, of which new was not there before: "old" or "new". */
static const char *form_on_disk(const struct state *s)
{
	const struct policy *new = sources_find(&s->sources, "new", NULL);
	uint64_t web = allowed(s, "web"), db = allowed(s, "db");

	if (web == 0 && db == 0 && !new)
		return "old";
	if (web == LEASTCAP_ALL && db == LEASTCAP_ALL && new &&new->allow == LEASTCAP_ALL)
		return "new";
	return "half";
}

#define OLD_FORM                                                                                   \
	"policies:\n- name: web\n  select: [{ cgroup: /web }]\n  capabilities: none\n- name: db\n" \
	"  select: [{ cgroup: /db }]\n  capabilities: none\n"

/* Calls act, and dies after so many steps. True: it has come to its end. */
static bool dies(struct state *s, void (*act)(struct state *s), int steps)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		steps_left = steps;
		act(s);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(!WEXITSTATUS(status) || WEXITSTATUS(status) == DEAD);
	return !WEXITSTATUS(status);
}

/*
 * Kills a daemon at each step on the disk of what it does, which prepare() makes possible, and has another one start. Each
 * outcome is to be one of the two, and both are to come.
 */
static void kill_at_each_step(struct state *s, void (*prepare)(struct state *s),
			      void (*act)(struct state *s),
			      const char *(*outcome)(const struct state *s))
{
	bool ended = false;
	int olds = 0;

	for (int steps = 0; !ended; steps++) {
		struct state *next;
		const char *found;

		fake_begin();
		folder_remove();
		folder_make();
		folder_write("policies.d/readme", "");
		free(s->state_dir);
		free(s->config_dir);
		s->state_dir = strdup(folder_path("state"));
		s->config_dir = strdup(folder_path("policies.d"));
		sources_done(&s->sources);
		confirm_done(&s->confirm);
		json_object_clear(s->modes);
		fake_cgroup("/web");
		fake_cgroup("/db");
		prepare(s);
		ended = dies(s, act, steps);
		next = restart();
		found = outcome(next);
		if (strcmp(found, "old") != 0 && strcmp(found, "new") != 0)
			fail_msg("killed after %d steps: %s", steps, found);
		if (ended)
			assert_string_equal(found, "new");
		olds += !strcmp(found, "old");
		state_free(next);
	}
	assert_true(olds >= 2);
}

static void prepare_apply(struct state *s)
{
	apply(s, OLD_FORM, false);
}

static void do_apply(struct state *s)
{
	apply(s, FORM("all"), false);
	check_tidy();
}

static void an_apply_that_is_killed_is_all_or_nothing(void **state)
{
	kill_at_each_step(*state, prepare_apply, do_apply, form_on_disk);
}

static void prepare_confirm(struct state *s)
{
	const char *text = FORM("all");
	const struct apply_request r = {
		.file = "t.yaml", .text = text, .len = strlen(text), .confirm = 60};
	json_t *answer = NULL;

	apply(s, OLD_FORM, false);
	assert_int_equal(state_apply(s, &r, &nobody, &answer), 200);
	json_decref(answer);
}

static void do_confirm(struct state *s)
{
	json_t *answer = NULL;

	assert_int_equal(state_confirm(s, &nobody, &answer), 200);
	check_tidy();
}

/* Where it still waits it is taken back: to all of what was before. */
static const char *confirmed(const struct state *s)
{
	struct state *waiting = (struct state *)s;

	if (!waiting->confirm.about)
		return form_on_disk(s);
	assert_string_equal(form_on_disk(s), "new");
	state_ending(waiting);
	assert_null(waiting->confirm.about);
	return form_on_disk(s);
}

static void a_confirm_that_is_killed_is_all_or_nothing(void **state)
{
	kill_at_each_step(*state, prepare_confirm, do_confirm, confirmed);
}

static void prepare_promote(struct state *s)
{
	apply(s, OLD_FORM, false);
	apply(s, POLICY("web", "cgroup: /web", "all"), true);
}

static void do_promote(struct state *s)
{
	json_t *answer = NULL;

	assert_int_equal(state_promote(s, "web", &nobody, &answer), 200);
	check_tidy();
}

static const char *promoted(const struct state *s)
{
	bool shadow = sources_find(&s->sources, "shadow:web", NULL),
	     new = allowed(s, "web") == LEASTCAP_ALL;

	return shadow != new ? new ? "new" : "old" : "half";
}

static void a_promotion_that_is_killed_is_all_or_nothing(void **state)
{
	kill_at_each_step(*state, prepare_promote, do_promote, promoted);
}

static void prepare_remove(struct state *s)
{
	json_t *answer = NULL;

	apply(s, OLD_FORM, false);
	assert_int_equal(state_mode(s, "web", "audit", &nobody, &answer), 200);
	json_decref(answer);
}

static void do_remove(struct state *s)
{
	json_t *answer = NULL;

	assert_int_equal(state_remove(s, "web", false, &nobody, &answer), 200);
	check_tidy();
}

static const char *removed(const struct state *s)
{
	bool there = sources_find(&s->sources, "web", NULL),
	     override = json_object_get(s->modes, "web");

	return there == override ? there ? "old" : "new" : "half";
}

static void a_removal_that_is_killed_is_all_or_nothing(void **state)
{
	kill_at_each_step(*state, prepare_remove, do_remove, removed);
}

static void fill_the_disk(struct kernel *k)
{
	disk_full = true;
}

/* What is refused counts at no reload, though there is no room for anything more by the time that it is. */
static void what_is_refused_leaves_nothing_on_a_full_disk(void **state)
{
	struct state *s = *state, *next;
	json_t *answer = NULL;

	fake_cgroup("/web");
	fake_cgroup("/db");
	apply(s, OLD_FORM, false);
	apply(s, POLICY("web", "cgroup: /web", "all"), true);
	fake.failed = fill_the_disk;
	fake.patterns_err = -E2BIG;
	assert_int_equal(ask_apply(s, FORM("all"), false, &answer), 507);
	json_decref(answer);
	check_tidy();
	disk_full = false;
	fake.patterns_err = -E2BIG;
	assert_int_equal(state_promote(s, "web", &nobody, &answer), 507);
	json_decref(answer);
	check_tidy();
	disk_full = false;
	fake.patterns_err = -E2BIG;
	assert_int_equal(state_remove(s, "web", false, &nobody, &answer), 507);
	json_decref(answer);
	disk_full = false;
	fake.patterns_err = -E2BIG;
	assert_int_equal(state_mode(s, "web", "audit", &nobody, &answer), 507);
	json_decref(answer);
	check_tidy();
	disk_full = false;
	assert_int_equal(fake.patterns_err, 0);
	next = restart();
	assert_string_equal(form_on_disk(next), "old");
	assert_non_null(sources_find(&next->sources, "shadow:web", NULL));
	assert_int_equal(json_object_size(next->modes), 0);
	state_free(next);
}

static void make_read_only(struct kernel *k)
{
	k->walked = NULL;
	read_only = true;
}

static void what_cannot_be_saved_after_all_is_taken_back(void **state)
{
	struct state *s = *state;
	json_t *answer = NULL;

	fake_cgroup("/web");
	fake_cgroup("/db");
	apply(s, OLD_FORM, false);
	fake.walked = make_read_only;
	assert_int_equal(ask_apply(s, FORM("all"), false, &answer), 500);
	read_only = false;
	assert_non_null(strstr(json_string_value(json_object_get(answer, "error")),
			       "nothing was changed: Read-only file system"));
	json_decref(answer);
	check_tidy();
	assert_string_equal(form_on_disk(s), "old");
	assert_string_equal(fake_bound("/web"), "web");
	fake.walked = make_read_only;
	assert_int_equal(state_mode(s, "web", "audit", &nobody, &answer), 500);
	read_only = false;
	json_decref(answer);
	assert_int_equal(json_object_size(s->modes), 0);
	assert_int_equal(sources_find(&s->sources, "web", NULL)->mode, LEASTCAP_ENFORCE);
}

/* A file that is in its place already is what is in force: the disk, the kernel and the answer say the same. */
static void what_is_in_place_is_in_force(void **state)
{
	struct state *s = *state, *next;

	fake_cgroup("/web");
	apply(s, POLICY("web", "cgroup: /web", "none"), false);
	unsure = true;
	renames = 0;
	apply(s, POLICY("web", "cgroup: /web", "all"), false);
	unsure = false;
	assert_int_equal(renames, 1);
	check_tidy();
	assert_true(allowed(s, "web") == LEASTCAP_ALL);
	next = restart();
	assert_true(allowed(next, "web") == LEASTCAP_ALL);
	state_free(next);
}

/* What was decided is done later, and nothing is read or changed before. */
static void what_is_in_place_in_part_is_finished_before_anything_else(void **state)
{
	struct state *s = *state;
	json_t *answer = NULL;

	fake_cgroup("/web");
	fake_cgroup("/db");
	apply(s, OLD_FORM, false);
	/* Something is in the way of the second. */
	folder_write("state/applied/new.yaml/x", "");
	apply(s, FORM("all"), false);
	assert_true(on_disk("state/change.json"));
	assert_string_equal(form_on_disk(s), "new");
	assert_int_equal(ask_apply(s, OLD_FORM, false, &answer), 500);
	json_decref(answer);
	assert_int_not_equal(state_reload(s, &nobody), 0);
	assert_string_equal(form_on_disk(s), "new");
	assert_int_equal(unlink(folder_path("state/applied/new.yaml/x")), 0);
	assert_int_equal(rmdir(folder_path("state/applied/new.yaml")), 0);
	assert_int_equal(state_reload(s, &nobody), 0);
	check_tidy();
	assert_string_equal(form_on_disk(s), "new");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_apply_that_is_killed_is_all_or_nothing),
		TEST(a_confirm_that_is_killed_is_all_or_nothing),
		TEST(a_promotion_that_is_killed_is_all_or_nothing),
		TEST(a_removal_that_is_killed_is_all_or_nothing),
		TEST(what_is_refused_leaves_nothing_on_a_full_disk),
		TEST(what_cannot_be_saved_after_all_is_taken_back),
		TEST(what_is_in_place_is_in_force),
		TEST(what_is_in_place_in_part_is_finished_before_anything_else),
	};

	return cmocka_run_group_tests_name("killed", tests, NULL, NULL);
}
