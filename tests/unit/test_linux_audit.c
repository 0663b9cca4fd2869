/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An event as a message of audit: fields that a container's names can neither end nor add, and that always fit. And the thread
 * that sends it: whatever the kernel's audit does to who sends, the daemon does not wait, and nothing is lost or sent twice.
 */
#include <errno.h>
#include <libaudit.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/event.h"
#include "audit/sink.h"
#include "base/cleanup.h"
#include "base/duration.h"
#include "base/log.h"

#define FITS 7800

/* A denial in which all texts that a container has a say in are this one. */
static char *text_of(const char *hostile)
{
	json_auto_t *text = event_string(hostile);
	json_auto_t *event = json_pack(
		"{s:s, s:i, s:s, s:s, s:O, s:n, s:O, s:i, s:{s:O, s:O, s:O, s:O, s:O, s:n}, s:{s:i, s:i, s:O, s:O}}",
		"type", "denied", "seq", 7, "restriction", "mounts", "item", "mount", "detail",
		text, "syscall", "policy", text, "revision", 3, "subject", "cgroup", text,
		"binding", text, "name", text, "image", text, "unit", text, "container", "process",
		"pid", 12, "uid", 0, "comm", text, "exe", text);
	size_t len = 0;
	char *message = output_audit.text(event, "", 0, &len);

	assert_non_null(message);
	assert_int_equal(strlen(message), len);
	return message;
}

/* The value of a field, as auparse has it: without quotes, or the bytes of the hexadecimal form. To be freed. */
static char *value_of(const char *message, const char *name, int *ret_fields)
{
	_cleanup_free_ char *copy = strdup(message);
	char *found = NULL, *rest;

	*ret_fields = 0;
	for (char *field = strtok_r(copy, " ", &rest); field; field = strtok_r(NULL, " ", &rest)) {
		char *value = strchr(field, '=');
		size_t len;

		++*ret_fields;
		assert_non_null(value);
		*value++ = '\0';
		if (strcmp(field, name))
			continue;
		assert_null(found);
		len = strlen(value);
		if (*value == '"') {
			assert_true(len >= 2 && value[len - 1] == '"');
			found = strndup(value + 1, len - 2);
			continue;
		}
		found = calloc(1, len / 2 + 1);
		for (size_t i = 0; i + 1 < len; i += 2)
			assert_int_equal(sscanf(value + i, "%2hhx", (unsigned char *)found + i / 2),
					 1);
	}
	return found;
}

static void an_event_is_fields_of_audit(void **state)
{
	_cleanup_free_ char *message = text_of("/a/b");

	assert_string_equal(message,
			    "op=\"denied\" seq=7 restriction=\"mounts\" item=\"mount\" "
			    "detail=\"/a/b\" opid=12 ouid=0 ocomm=\"/a/b\" program=\"/a/b\" "
			    "cgroup=\"/a/b\" binding=\"/a/b\" container_name=\"/a/b\" "
			    "image=\"/a/b\" unit=\"/a/b\" policy=\"/a/b\" revision=3");
}

static void no_name_ends_a_field_or_adds_one(void **state)
{
	static const char *const hostile[] = {
		"x res=success",
		"res=success",
		"x/exe=/bin/true",
		"x\" op=\"allowed",
		"x' res=success",
		"x\ntype=TRUSTED_APP msg=audit(1.1:1): op=forged",
		"x\035AUID=\"root\"",
		"\xff\xfe",
		"caf\xc3\xa9",
		"",
		"=",
		"'",
		"\"",
		"%n%s",
		"DEADBEEF",
	};
	int plain, fields;

	_cleanup_free_ char *reference = text_of("plain"),
			    *word = value_of(reference, "op", &plain);

	assert_string_equal(word, "denied");

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		_cleanup_free_ char *message = text_of(hostile[i]), *value = NULL, *op = NULL;
		json_auto_t *told = event_string(hostile[i]);

		for (const char *c = message; *c; c++)
			assert_true(*c >= ' ' && *c < 0x7f && *c != '\'');
		/* Wherever ausearch begins to read: what is no field is nowhere. */
		assert_null(strstr(message, "res="));
		assert_null(strstr(message, "exe="));
		value = value_of(message, "ocomm", &fields);
		assert_int_equal(fields, plain);
		assert_string_equal(value, json_string_value(told));
		op = value_of(message, "op", &fields);
		assert_string_equal(op, "denied");
	}
}

static void nothing_is_too_long(void **state)
{
	_cleanup_free_ char *longest = malloc(4097), *message = NULL, *value = NULL;
	int fields;

	memset(longest, ' ', 4096);
	longest[4096] = '\0';
	message = text_of(longest);
	assert_true(strlen(message) < FITS);
	/* What was cut says so. */
	value = value_of(message, "cgroup", &fields);
	assert_int_equal(strlen(value), 363);
	assert_string_equal(value + 360, "...");
}

/* ---- an audit subsystem: these three take the place of libaudit's ---- */

#define SENT_MAX 200

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int no_socket, on,
		error; /* what audit_open(), audit_is_enabled() and the message come to */
	bool held_up; /* who sends sleeps */
	char *sent[SENT_MAX];
	int results[SENT_MAX];
	size_t n;
} fake = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void set(int *what, int value)
{
	pthread_mutex_lock(&fake.mutex);
	*what = value;
	pthread_mutex_unlock(&fake.mutex);
}

static void hold_up(bool yes)
{
	pthread_mutex_lock(&fake.mutex);
	fake.held_up = yes;
	pthread_cond_broadcast(&fake.changed);
	pthread_mutex_unlock(&fake.mutex);
}

int audit_open(void)
{
	int fds[2];

	pthread_mutex_lock(&fake.mutex);
	errno = fake.no_socket;
	pthread_mutex_unlock(&fake.mutex);
	if (errno || pipe(fds))
		return -1;
	close(fds[1]);
	return fds[0];
}

int audit_is_enabled(int fd)
{
	int on;

	pthread_mutex_lock(&fake.mutex);
	on = fake.on;
	errno = on < 0 ? -on : 0;
	pthread_mutex_unlock(&fake.mutex);
	return on < 0 ? -1 : on;
}

int audit_log_user_message(int fd, int type, const char *message, const char *hostname,
			   const char *addr, const char *tty, int result)
{
	int err;

	pthread_mutex_lock(&fake.mutex);
	while (fake.held_up)
		pthread_cond_wait(&fake.changed, &fake.mutex);
	err = fake.error;
	if (!err && fake.n < SENT_MAX && type == AUDIT_TRUSTED_APP) {
		fake.results[fake.n] = result;
		fake.sent[fake.n++] = strdup(message);
	}
	pthread_mutex_unlock(&fake.mutex);
	return err ?: 1;
}

static struct sink sink;

static int setup(void **state)
{
	/* What is provoked here is not to be told. */
	log_set_level(LOG_LEVEL_ERR);
	fake.on = 1;
	fake.no_socket = fake.error = 0;
	return sink_init(&sink, &(struct sink_options){.audit = true});
}

static int teardown(void **state)
{
	sink_done(&sink);
	while (fake.n)
		free(fake.sent[--fake.n]);
	return 0;
}

static void emit(const char *type)
{
	sink_emit(&sink, event_new(type, sink_next(&sink)));
}

/* Until nothing waits. */
static void drain(void)
{
	for (int i = 0; i < 5000 && sink.outputs[0].n_items; i++) {
		sink.outputs[0].retry = 0;
		sink_flush(&sink);
		usleep(1000);
	}
	assert_int_equal(sink.outputs[0].n_items, 0);
}

/* All events until now, in their order, each once. */
static void all_sent(void)
{
	assert_int_equal(fake.n, sink.memory.last);
	assert_int_equal(sink.outputs[0].written, sink.memory.last);
	for (size_t i = 0; i < fake.n; i++) {
		const char *seq = strstr(fake.sent[i], " seq=");

		assert_non_null(seq);
		assert_int_equal(atoi(seq + 5), i + 1);
	}
}

static void every_event_is_sent_once(void **state)
{
	for (int i = 0; i < 100; i++)
		emit(i % 2 ? "denied" : "would-deny");
	drain();
	all_sent();
	assert_int_equal(fake.results[0], 1);
	assert_int_equal(fake.results[1], 0);
}

static void who_sends_may_sleep_the_daemon_does_not(void **state)
{
	uint64_t began;

	emit("born");
	drain();
	hold_up(true);
	began = boot_now();
	for (int i = 0; i < 100; i++) {
		emit("denied");
		sink_flush(&sink);
	}
	/* It would sleep until it is let go, that is, for ever. */
	assert_true(boot_now() - began < 1000000000ULL);
	assert_int_equal(sink.outputs[0].n_items, 100);
	assert_int_equal(sink.outputs[0].err, 0);
	hold_up(false);
	drain();
	all_sent();
	/* Nothing of it is told: nothing had failed. */
	assert_int_equal(sink.memory.last, 101);
}

/* Fails in this way, says so, and sends everything when that is over. */
static void fails_as(int *what, int value, int good, const char *reason)
{
	uint64_t last = sink.memory.last;
	json_auto_t *status = NULL, *told = NULL;
	size_t len;

	set(what, value);
	emit("denied");
	for (int i = 0; i < 5000 && !sink.outputs[0].err; i++) {
		sink_flush(&sink);
		usleep(1000);
	}
	status = sink_to_json(&sink);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(status, 0), "failing")), reason);
	emit("denied");
	set(what, good);
	drain();
	/* The two, and the event that tells of it. */
	assert_int_equal(sink.memory.last, last + 3);
	told = json_loads(memory_get(&sink.memory, last + 3, &len), 0, NULL);
	assert_string_equal(json_string_value(json_object_get(told, "sink")), "audit");
	assert_string_equal(json_string_value(json_object_get(told, "reason")), reason);
	all_sent();
}

static void what_is_not_as_it_should_be_is_told(void **state)
{
	static const char *const capabilities = "CAP_AUDIT_WRITE and CAP_AUDIT_CONTROL are needed",
				 *const none = "this kernel has no audit subsystem, or was booted "
					       "with audit=0";

	fails_as(&fake.no_socket, EPROTONOSUPPORT, 0, none);
	/* Each opens the socket anew. */
	fails_as(&fake.on, 0, 1, "auditing is off: start auditd, or run auditctl -e 1");
	fails_as(&fake.on, -EPERM, 1, capabilities);
	fails_as(&fake.error, -EPERM, 0, capabilities);
	fails_as(&fake.error, -ENOBUFS, 0, "No buffer space available");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_fields_of_audit),
		cmocka_unit_test(no_name_ends_a_field_or_adds_one),
		cmocka_unit_test(nothing_is_too_long),
		cmocka_unit_test_setup_teardown(every_event_is_sent_once, setup, teardown),
		cmocka_unit_test_setup_teardown(who_sends_may_sleep_the_daemon_does_not, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_not_as_it_should_be_is_told, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
