/* SPDX-License-Identifier: GPL-2.0-only */
/* One engine, one fake behind its socket, and what it has told. */
#ifndef LEASTCAP_TEST_ENGINE_FIXTURE_H
#define LEASTCAP_TEST_ENGINE_FIXTURE_H

#include "fake_engine.h"
#include "folder.h"
#include "subject/engine.h"

#define SEC 1000000ULL

static sd_event *event;
static struct fake fake;
static struct engine *engine;
static char socket_path[96];

/* What found() and changed() have told. */
static struct identity said;
static void *said_key;
static unsigned int n_found, n_unknown, n_changed;
static char changed_id[65];

static inline void on_found(void *key, struct identity *identity, void *ctx)
{
	said_key = key;
	if (identity) {
		n_found++;
		identity_done(&said);
		said = *identity;
		*identity = (struct identity){0};
	} else {
		n_unknown++;
	}
}

static inline void on_changed(const char *id, void *ctx)
{
	n_changed++;
	strcpy(changed_id, id);
}

static inline int setup(void **state)
{
	folder_make();
	snprintf(socket_path, sizeof(socket_path), "%s/engine.sock", folder);
	n_found = n_unknown = n_changed = 0;
	said_key = NULL;
	return sd_event_new(&event) < 0;
}

static inline int teardown(void **state)
{
	if (engine)
		engine_free(engine);
	engine = NULL;
	identity_done(&said);
	fake_done(&fake, socket_path);
	event = sd_event_unref(event);
	folder_remove();
	return 0;
}

static inline void make_engine(uint64_t give_up_usec)
{
	const struct engine_options options = {
		.socket = socket_path,
		.uid = geteuid(),
		.give_up_usec = give_up_usec,
		.found = on_found,
	};

	assert_int_equal(engine_new(event, &options, &engine), 0);
}

static inline enum engine_state state_of(void)
{
	struct engine_stats stats;

	engine_get_stats(engine, &stats);
	return stats.state;
}

/* Runs the loop until the engine is seen so. */
static inline bool becomes(enum engine_state state, uint64_t *slowest_msec)
{
	const uint64_t end = fake_msec() + 10000;
	unsigned int never = 0;

	while (state_of() != state && fake_msec() < end)
		(void)fake_run(event, &never, 1, 1, slowest_msec);
	return state_of() == state;
}

/* Runs the loop until the fake has counted to n. */
static inline bool counts_to(atomic_uint *count, unsigned int n)
{
	const uint64_t end = fake_msec() + 10000;
	unsigned int never = 0;

	while (atomic_load(count) < n && fake_msec() < end)
		(void)fake_run(event, &never, 1, 1, NULL);
	return atomic_load(count) == n;
}

static inline uint64_t values_dropped(void)
{
	struct engine_stats stats;

	engine_get_stats(engine, &stats);
	return stats.values_dropped;
}

static inline const char *id_of(unsigned int n)
{
	static char id[65];

	snprintf(id, sizeof(id), "%064x", n);
	return id;
}

static inline void serve_web(int fd, const char *id, unsigned int n)
{
	fake_container(
		fd, id,
		",\"Name\":\"/web\",\"Image\":\"sha256:00\",\"HostConfig\":{\"Runtime\":\"runc\"},"
		"\"Config\":{\"Image\":\"nginx:1.25\",\"Labels\":{\"tier\":\"front\",\"a\":\"b\"}}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
