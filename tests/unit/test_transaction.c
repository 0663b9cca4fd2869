/* SPDX-License-Identifier: GPL-2.0-only */
/* A change of policies is all of it or nothing: in the kernel, on disk, and in what the daemon knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <leastcap/decide.h>

#include "base/duration.h"
#include "base/log.h"
#include "daemon/change.h"
#include "daemon/internal.h"
#include "daemon/saved.h"
#include "fake_kernel.h"
#include "folder.h"

#define POLICY(name, select, rest) \
	"policies:\n- name: " name "\n  select: [{ " select " }]\n  capabilities: " rest "\n"

/* ---- a disk that fails ---- */

/* This process dies before so many more steps on the disk; -1: it does not. */
static int steps_left = -1;
static bool disk_full, read_only;
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

/* ---- a daemon ---- */

static const struct peer nobody = {0};
static struct sink sink;

static struct state *daemon_new(void)
{
	struct state *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->k = &fake;
	s->sink = &sink;
	s->config_dir = strdup(folder_path("policies.d"));
	s->state_dir = strdup(folder_path("state"));
	s->problems = json_array();
	s->own_problems = json_array();
	s->modes = json_object();
	s->applied = json_object();
	boot_id(s->boot);
	return s;
}

static int begin(void **state)
{
	log_set_level(LOG_LEVEL_ERR);
	folder_make();
	fake_begin();
	folder_write("policies.d/readme", "");
	assert_int_equal(sink_init(&sink, &(struct sink_options){0}), 0);
	*state = daemon_new();
	return 0;
}

static int done(void **state)
{
	state_free(*state);
	sink_done(&sink);
	folder_remove();
	return 0;
}

static unsigned int ask_apply(struct state *s, const char *text, bool shadow, json_t **ret)
{
	const struct apply_request r = {
		.file = "t.yaml", .text = text, .len = strlen(text), .shadow = shadow};

	return state_apply(s, &r, &nobody, ret);
}

static void apply(struct state *s, const char *text, bool shadow)
{
	json_t *answer = NULL;

	assert_int_equal(ask_apply(s, text, shadow, &answer), 200);
	json_decref(answer);
}

/* The first error of an answer. */
static const char *first_error(const json_t *answer)
{
	const json_t *error = json_array_get(json_object_get(answer, "errors"), 0);

	return json_string_value(json_object_get(error, "message")) ?: "";
}

static bool on_disk(const char *path)
{
	return !access(folder_path(path), F_OK);
}

/* ---- promote ---- */

static void promote_refuses_what_apply_would_and_keeps_the_shadow(void **state)
{
	static const char *const wrong[] = {
		/* In force it would hold the daemon itself. */
		POLICY("web", "cgroup: /system.slice", "none"),
		/* Another policy has it by its name, which only shows on what is there. */
		POLICY("web", "cgroup: \"/ti*\"", "none"),
	};
	struct state *s = *state;
	json_t *answer = NULL;

	fake_cgroup("/web");
	fake_cgroup("/tied");
	apply(s, POLICY("other", "cgroup: \"/*ed\"", "all"), false);
	apply(s, POLICY("web", "cgroup: /web", "none"), false);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_free_ char *refused = NULL;

		assert_int_equal(ask_apply(s, wrong[i], false, &answer), 422);
		refused = strdup(first_error(answer));
		json_decref(answer);
		apply(s, wrong[i], true);
		assert_int_equal(state_promote(s, "web", &nobody, &answer), 422);
		assert_string_equal(first_error(answer), refused);
		json_decref(answer);
		assert_string_equal(fake_bound("/web"), "web");
		assert_int_equal(sources_find(&s->sources, "web", NULL)->n_selectors, 1);
		assert_string_equal(sources_find(&s->sources, "web", NULL)->selectors[0].value,
				    "/web");
		assert_non_null(sources_find(&s->sources, "shadow:web", NULL));
		assert_true(on_disk("state/shadow/web.json"));
	}
	/* What can be in force is. */
	apply(s, POLICY("web", "cgroup: /web", "all"), true);
	assert_int_equal(state_promote(s, "web", &nobody, &answer), 200);
	json_decref(answer);
	assert_null(sources_find(&s->sources, "shadow:web", NULL));
	assert_false(on_disk("state/shadow/web.json"));
	assert_true(sources_find(&s->sources, "web", NULL)->allow == LEASTCAP_ALL);
}

/* ---- reload ---- */

static void write_file(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "policies.d/%s", name);
	folder_write(path, text);
}

/* The problem of a file whose message has this in it; "": none. */
static const char *problem_of(const struct state *s, const char *file, const char *message)
{
	const json_t *each;
	size_t i;

	json_array_foreach(s->problems, i, each) {
		const char *text = json_string_value(json_object_get(each, "message"));

		if (strstr(json_string_value(json_object_get(each, "file")), file) &&
		    strstr(text, message))
			return text;
	}
	return "";
}

static uint64_t allowed(const struct state *s, const char *name)
{
	const struct policy *p = sources_find(&s->sources, name, NULL);

	assert_non_null(p);
	return p->allow;
}

static void a_file_that_cannot_be_bound_keeps_its_last_good_form(void **state)
{
	static const struct {
		const char *text, *problem;
	} wrong[] = {
		{POLICY("web", "unit: \"*.service\"", "[CHOWN]"), "holds leastcapd itself"},
		{POLICY("web", "cgroup: /system.slice", "[CHOWN]"), "holds leastcapd itself"},
		{POLICY("web", "unit: \"web-*.service\"", "[CHOWN]\n  namespaces: deny"),
		 "unsupported"},
		/* A new policy of it, beside one that would be fine. */
		{POLICY("web", "unit: \"web-*.service\"",
			"[CHOWN]\n- name: more\n  capabilities: all\n  namespaces: deny"),
		 "unsupported"},
	};
	struct state *s = *state;

	fake.lacking = LEASTCAP_RULE_BIT(LEASTCAP_RULE_NAMESPACES);
	fake_cgroup("/system.slice/web-1.service");
	fake_cgroup("/db");
	write_file("web.yaml", POLICY("web", "unit: \"web-*.service\"", "none"));
	write_file("db.yaml", POLICY("db", "cgroup: /db", "none"));
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_string_equal(fake_bound("/system.slice/web-1.service"), "web");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct state *next;

		write_file("web.yaml", wrong[i].text);
		write_file("db.yaml", POLICY("db", "cgroup: /db", "[KILL]"));
		assert_int_equal(state_reload(s, &nobody), 0);
		assert_string_equal(fake_bound("/system.slice/web-1.service"), "web");
		assert_string_equal(fake_bound("/system.slice/leastcapd.service"), "");
		assert_true(allowed(s, "web") == 0);
		assert_string_not_equal(problem_of(s, "web.yaml", wrong[i].problem), "");
		assert_int_equal(json_array_size(s->problems), 1);
		/* Others follow. */
		assert_true(allowed(s, "db") == 1ULL << 5);
		/* So it is for a daemon that starts, also with an empty kernel. */
		next = daemon_new();
		fake.n_policies = 0;
		memset(fake.bindings, 0, sizeof(fake.bindings));
		assert_int_equal(state_reload(next, &nobody), 0);
		assert_true(allowed(next, "web") == 0);
		assert_string_equal(fake_bound("/system.slice/web-1.service"), "web");
		assert_string_not_equal(problem_of(next, "web.yaml", wrong[i].problem), "");
		state_free(next);
	}
	/* Written well again, it counts again. */
	write_file("web.yaml", POLICY("web", "unit: \"web-*.service\"", "[CHOWN]"));
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_true(allowed(s, "web") == 1ULL << 0);
	assert_int_equal(json_array_size(s->problems), 0);
}

static void without_a_better_form_what_can_be_bound_is(void **state)
{
	struct state *s = *state;

	fake.lacking = LEASTCAP_RULE_BIT(LEASTCAP_RULE_NAMESPACES);
	fake_cgroup("/a");
	fake_cgroup("/b");
	write_file("x.yaml", POLICY("a", "cgroup: /a",
				    "none\n  namespaces: deny\n- name: b\n"
				    "  select: [{ cgroup: /b }]\n"
				    "  capabilities: none"));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(state_reload(s, &nobody), 0);
		assert_string_equal(fake_bound("/a"), "");
		assert_string_equal(fake_bound("/b"), "b");
		assert_string_not_equal(problem_of(s, "x.yaml", "unsupported"), "");
	}
	/* What is written anew beside it counts. */
	write_file("x.yaml", POLICY("a", "cgroup: /a",
				    "none\n  namespaces: deny\n- name: b\n"
				    "  select: [{ cgroup: /b }]\n"
				    "  capabilities: [CHOWN]"));
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_true(allowed(s, "b") == 1ULL << 0);
}

/* Nobody knows what the new file was to say of it: what is bound stays. */
static void another_file_that_cannot_be_bound_ends_nothing(void **state)
{
	struct state *s = *state;

	fake_cgroup("/web");
	write_file("web.yaml", POLICY("web", "cgroup: /web", "none"));
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_int_equal(unlink(folder_path("policies.d/web.yaml")), 0);
	write_file("10-web.yaml", POLICY("web", "unit: \"*.service\"", "none"));
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_string_equal(fake_bound("/web"), "web");
	assert_string_not_equal(problem_of(s, "10-web.yaml", "holds leastcapd itself"), "");
	/* A file that is gone is gone. */
	assert_int_equal(unlink(folder_path("policies.d/10-web.yaml")), 0);
	assert_int_equal(state_reload(s, &nobody), 0);
	assert_string_equal(fake_bound("/web"), "");
}

/* ---- what is born meanwhile ---- */

/* While the plan is made a cgroup comes, and the kernel binds it by the pattern that is in force. */
static void give_birth(struct kernel *k)
{
	uint64_t id = fake_cgroup("/new-1");

	k->walked = NULL;
	k->bindings[id] = (struct leastcap_binding){
		.cgroup = id, .policy = k->patterns[0].policy, .flags = LEASTCAP_BORN, .level = 1};
}

static void what_is_born_during_a_change_that_fails_stays_bound(void **state)
{
	struct leastcap_binding now, *born;
	struct state *s = *state;
	json_t *answer = NULL;

	/* It fails before the newborn's turn, and after it. */
	for (int i = 0; i < 2; i++) {
		fake_begin();
		fake_cgroup("/new-0");
		apply(s, POLICY("new", "cgroup: \"/new-*\"", "none"), false);
		assert_int_equal(fake.n_patterns, 1);
		fake.walked = give_birth;
		if (i)
			fake.patterns_err = -E2BIG;
		else
			fake.too_large = "new";
		assert_int_equal(
			ask_apply(s, POLICY("new", "cgroup: \"/new-*\"", "all"), false, &answer),
			500);
		json_decref(answer);
		born = &fake.bindings[fake_cgroup("/new-1")];
		assert_string_equal(fake_bound("/new-1"), "new");
		assert_int_equal(born->policy, fake.patterns[0].policy);
		assert_int_equal(born->flags, LEASTCAP_BORN);
		assert_string_equal(fake_bound("/new-0"), "new");
	}
	/* One that succeeds has it, too, as one that was born. */
	now = *born;
	apply(s, POLICY("new", "cgroup: \"/new-*\"", "all"), false);
	assert_int_not_equal(born->policy, now.policy);
	assert_int_equal(born->flags, LEASTCAP_BORN);
	assert_string_equal(fake_bound("/new-1"), "new");
}

static void what_a_failed_change_has_bound_is_unbound(void **state)
{
	struct state *s = *state;
	json_t *answer = NULL;

	fake_cgroup("/a");
	fake.patterns_err = -E2BIG;
	assert_int_equal(ask_apply(s, POLICY("a", "cgroup: /a", "none"), false, &answer), 500);
	json_decref(answer);
	assert_string_equal(fake_bound("/a"), "");
	assert_null(sources_find(&s->sources, "a", NULL));
	assert_false(on_disk("state/applied/a.yaml"));
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
	assert_int_equal(ask_apply(s, FORM("all"), false, &answer), 500);
	json_decref(answer);
	check_tidy();
	disk_full = false;
	fake.patterns_err = -E2BIG;
	assert_int_equal(state_promote(s, "web", &nobody, &answer), 500);
	json_decref(answer);
	check_tidy();
	disk_full = false;
	fake.patterns_err = -E2BIG;
	assert_int_equal(state_remove(s, "web", false, &nobody, &answer), 500);
	json_decref(answer);
	disk_full = false;
	fake.patterns_err = -E2BIG;
	assert_int_equal(state_mode(s, "web", "audit", &nobody, &answer), 500);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(promote_refuses_what_apply_would_and_keeps_the_shadow),
		TEST(a_file_that_cannot_be_bound_keeps_its_last_good_form),
		TEST(without_a_better_form_what_can_be_bound_is),
		TEST(another_file_that_cannot_be_bound_ends_nothing),
		TEST(what_is_born_during_a_change_that_fails_stays_bound),
		TEST(what_a_failed_change_has_bound_is_unbound),
		TEST(an_apply_that_is_killed_is_all_or_nothing),
		TEST(a_confirm_that_is_killed_is_all_or_nothing),
		TEST(a_promotion_that_is_killed_is_all_or_nothing),
		TEST(a_removal_that_is_killed_is_all_or_nothing),
		TEST(what_is_refused_leaves_nothing_on_a_full_disk),
		TEST(what_cannot_be_saved_after_all_is_taken_back),
		TEST(what_is_in_place_in_part_is_finished_before_anything_else),
	};

	return cmocka_run_group_tests_name("transaction", tests, NULL, NULL);
}
