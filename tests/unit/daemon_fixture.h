/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A daemon with the kernel side of fake_kernel.h and folders of its own. Included behind cmocka.h; of what it has a test may leave
 * some alone.
 */
#ifndef LEASTCAP_TESTS_DAEMON_FIXTURE_H
#define LEASTCAP_TESTS_DAEMON_FIXTURE_H

#include <unistd.h>

#include <leastcap/decide.h>

#include "base/duration.h"
#include "base/log.h"
#include "daemon/internal.h"
#include "fake_kernel.h"
#include "folder.h"

#define POLICY(name, select, rest) \
	"policies:\n- name: " name "\n  select: [{ " select " }]\n  capabilities: " rest "\n"

static const struct peer nobody = {0};
static struct sink sink;

static inline struct state *daemon_new(void)
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

static inline int begin(void **state)
{
	log_set_level(LOG_LEVEL_ERR);
	folder_make();
	fake_begin();
	folder_write("policies.d/readme", "");
	assert_int_equal(sink_init(&sink, &(struct sink_options){0}), 0);
	*state = daemon_new();
	return 0;
}

static inline int done(void **state)
{
	state_free(*state);
	sink_done(&sink);
	folder_remove();
	return 0;
}

static inline unsigned int ask_apply(struct state *s, const char *text, bool shadow, json_t **ret)
{
	const struct apply_request r = {
		.file = "t.yaml", .text = text, .len = strlen(text), .shadow = shadow};

	return state_apply(s, &r, &nobody, ret);
}

static inline void apply(struct state *s, const char *text, bool shadow)
{
	json_t *answer = NULL;

	assert_int_equal(ask_apply(s, text, shadow, &answer), 200);
	json_decref(answer);
}

/* The first error of an answer. */
static inline const char *first_error(const json_t *answer)
{
	const json_t *error = json_array_get(json_object_get(answer, "errors"), 0);

	return json_string_value(json_object_get(error, "message")) ?: "";
}

static inline json_t *last_event(void)
{
	size_t len = 0;
	const char *line = memory_get(&sink.memory, sink.memory.last, &len);

	assert_non_null(line);
	return json_loadb(line, len, 0, NULL);
}

static inline bool on_disk(const char *path)
{
	return !access(folder_path(path), F_OK);
}

static inline void write_file(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "policies.d/%s", name);
	folder_write(path, text);
}

/* The problem of a file whose message has this in it; "": none. */
static inline const char *problem_of(const struct state *s, const char *file, const char *message)
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

static inline uint64_t allowed(const struct state *s, const char *name)
{
	const struct policy *p = sources_find(&s->sources, name, NULL);

	assert_non_null(p);
	return p->allow;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, done)

#endif
