/* SPDX-License-Identifier: GPL-2.0-only */
/* Records of the tracer, stacks, names of cgroups, kernel symbols: all that needs no kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "folder.h"
#include "kernel/internal.h"
#include "trace/names.h"
#include "trace/record.h"
#include "trace/symbols.h"

/* Needs the types of leastcap/trace.h. */
#include "trace.skel.h"

DEFINE_CLEANUP(struct trace_bpf *, trace_bpf__destroy);
DEFINE_CLEANUP(struct bpf_object *, bpf_object__close);

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct leastcap_trace_stack sample = {
	.check = {.time = 5,
		  .cgroup = 42,
		  .comm = "probe",
		  .pid = 7,
		  .tid = 8,
		  .uid = 9,
		  .userns = 4026531837U,
		  .syscall = 170, /* sethostname */
		  .cap = 21,
		  .verdict = LEASTCAP_TRACE_MISSING,
		  .flags = LEASTCAP_CHECK_CHILD_USERNS | LEASTCAP_CHECK_PROBE},
	.frames = {0x908, 0x110, 0x208, 0x301},
};

static struct symbols *symbols_of(const char *text)
{
	struct symbols *s = NULL;
	FILE *f = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	assert_non_null(f);
	assert_int_equal(symbols_read(f, &s), 0);
	fclose(f);
	return s;
}

static struct symbols *some_symbols(void)
{
	return symbols_of("0000000000000200 T ns_capable\n"
			  "0000000000000100 T security_capable\n"
			  "0000000000000280 d data\n"
			  "nonsense\n"
			  "0000000000000300 t sys_it\t[module]\n"
			  "0000000000000900 t bpf_prog_1_lc_trace\n");
}

static void symbols_are_found_by_address(void **state)
{
	_cleanup_(symbols_freep) struct symbols *s = some_symbols();

	assert_null(symbols_find(s, 0xff));
	assert_string_equal(symbols_find(s, 0x100), "security_capable");
	assert_string_equal(symbols_find(s, 0x1ff), "security_capable");
	assert_string_equal(symbols_find(s, 0x2ff), "ns_capable");
	assert_string_equal(symbols_find(s, 0x300), "sys_it");
	assert_string_equal(symbols_find(s, UINT64_MAX), "bpf_prog_1_lc_trace");
}

static void hidden_symbols_are_an_error(void **state)
{
	static const char text[] = "0000000000000000 T security_capable\n";
	FILE *f = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	struct symbols *s = NULL;

	assert_int_equal(symbols_read(f, &s), -EPERM);
	assert_null(s);
	fclose(f);
}

static void records_are_checked(void **state)
{
	struct leastcap_trace_stack bad = sample, r;

	assert_int_equal(trace_decode(&sample, sizeof(sample), &r), 0);
	assert_memory_equal(&r, &sample, sizeof(r));
	/* Without a stack. */
	assert_int_equal(trace_decode(&sample, sizeof(sample.check), &r), 0);
	assert_true(r.frames[0] == 0);
	for (size_t size = 0; size <= sizeof(sample); size++) {
		int wanted = size == sizeof(sample) || size == sizeof(sample.check) ? 0 : -EBADMSG;

		assert_int_equal(trace_decode(&sample, size, &r), wanted);
	}
	bad.check.verdict = LEASTCAP_TRACE_VERDICTS;
	assert_int_equal(trace_decode(&bad, sizeof(bad), &r), -EBADMSG);
	bad = sample;
	memset(bad.check.comm, 'x', sizeof(bad.check.comm));
	assert_int_equal(trace_decode(&bad, sizeof(bad), &r), -EBADMSG);
}

static void a_stack_begins_with_who_asked(void **state)
{
	_cleanup_(symbols_freep) struct symbols *s = some_symbols();
	struct leastcap_trace_stack r = sample;
	char buf[32];

	assert_string_equal(trace_frame(&r, s, 0, buf), "ns_capable");
	/* A return address of the first byte of a function is that of a call at the end of the one before. */
	r.frames[2] = 0x300;
	assert_string_equal(trace_frame(&r, s, 0, buf), "ns_capable");
	assert_string_equal(trace_frame(&r, s, 1, buf), "sys_it");
	assert_null(trace_frame(&r, s, 2, buf));
	assert_null(trace_frame(&r, s, SIZE_MAX - 2, buf));
	/* Not known, or no symbols: not left out. */
	r.frames[1] = 0x50;
	assert_string_equal(trace_frame(&r, s, 0, buf), "0x50");
	assert_string_equal(trace_frame(&r, NULL, 0, buf), "0x908");
	/* Full to the end. */
	for (size_t i = 0; i < LEASTCAP_TRACE_FRAMES; i++)
		r.frames[i] = 0x208;
	assert_non_null(trace_frame(&r, s, LEASTCAP_TRACE_FRAMES - 1, buf));
	assert_null(trace_frame(&r, s, LEASTCAP_TRACE_FRAMES, buf));
}

static const char *text_of(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

static void json_says_all(void **state)
{
	_cleanup_(symbols_freep) struct symbols *s = some_symbols();
	struct leastcap_trace_stack r = sample;
	struct trace_name name = {.path = (char *)(uintptr_t) "/a\x1b[2J"};
	json_auto_t *json = NULL, *bare = NULL;
	const json_t *process, *subject;

	strcpy(r.check.comm, "\xff\ncomm");
	json = trace_to_json(&r, &name, s, 1000000000LL);
	assert_non_null(json);
	process = json_object_get(json, "process");
	subject = json_object_get(json, "subject");
	assert_string_equal(text_of(json, "type"), "check");
	assert_string_equal(text_of(json, "time"), "1970-01-01T00:00:01.000000Z");
	assert_string_equal(text_of(json, "capability"), "SYS_ADMIN");
	assert_string_equal(text_of(json, "verdict"), "missing");
	assert_string_equal(text_of(json, "syscall"), "sethostname");
	/* Hostile words. */
	assert_string_equal(text_of(process, "comm"), "\\xff\\x0acomm");
	assert_string_equal(text_of(subject, "cgroup"), "/a\\x1b[2J");
	assert_true(json_is_null(json_object_get(subject, "container")));
	assert_int_equal(json_integer_value(json_object_get(subject, "cgroup_id")), 42);
	assert_int_equal(json_integer_value(json_object_get(process, "pid")), 7);
	assert_true(json_is_true(json_object_get(json, "child_userns")));
	assert_true(json_is_true(json_object_get(json, "probe")));
	assert_true(json_is_false(json_object_get(json, "entering")));
	assert_int_equal(json_array_size(json_object_get(json, "stack")), 2);
	/* Any number that the kernel may send. */
	r.check.time = UINT64_MAX;
	r.check.cap = UINT32_MAX;
	r.check.syscall = -1;
	r.check.flags = ~0U;
	bare = trace_to_json(&r, &name, NULL, INT64_MIN);
	assert_non_null(bare);
	assert_null(json_object_get(bare, "stack"));
	assert_string_equal(text_of(bare, "capability"), "4294967295");
	assert_true(json_is_null(json_object_get(bare, "syscall")));
}

static void verdicts_have_words(void **state)
{
	assert_string_equal(trace_verdict(LEASTCAP_TRACE_ALLOWED), "allowed");
	assert_string_equal(trace_verdict(LEASTCAP_TRACE_DENIED), "denied");
	assert_string_equal(trace_verdict(LEASTCAP_TRACE_MISSING), "missing");
	assert_string_equal(trace_verdict(LEASTCAP_TRACE_REFUSED), "refused");
}

/* What was refused while leastcap came or went; what was not is beyond doubt. */
static void a_refusal_may_be_in_doubt(void **state)
{
	static const struct trace_name name = {};

	for (uint32_t verdict = 0; verdict < LEASTCAP_TRACE_VERDICTS; verdict++) {
		struct leastcap_trace_stack r = {.check = {.verdict = verdict, .cap = 21}};
		_cleanup_free_ char *remarks = NULL;
		json_auto_t *json = NULL;
		bool unsure = verdict == LEASTCAP_TRACE_REFUSED;

		trace_doubt(&r.check);
		remarks = trace_remarks(&r.check);
		json = trace_to_json(&r, &name, NULL, 0);
		assert_string_equal(
			remarks, unsure ? "perhaps by leastcap, which was loaded just then" : "");
		assert_int_equal(json_is_true(json_object_get(json, "unsure")), unsure);
	}
}

static void remarks_are_for_what_is_not_ordinary(void **state)
{
	struct leastcap_trace_check c = sample.check;
	_cleanup_free_ char *some = trace_remarks(&c), *none = NULL;

	assert_string_equal(some, "probe, in user namespace 4026531837");
	c.flags = LEASTCAP_EVENT_COMPAT;
	none = trace_remarks(&c);
	assert_string_equal(none, "");
}

/* root: an empty folder, so that no bundle of this machine is read. */
static void short_is(const char *path, const char *wanted)
{
	struct trace_name name = {};
	char buf[32];

	assert_int_equal(trace_name_of(path, "/nonexistent", &name), 0);
	assert_string_equal(trace_name_short(&name, buf), wanted);
	trace_name_done(&name);
}

static void cgroups_have_short_names(void **state)
{
	char buf[32];

	short_is("/", "/");
	short_is("/web", "/web");
	short_is("/system.slice/nginx.service", "nginx");
	short_is("/system.slice/.service", "/system.slice/.service");
	short_is("/system.slice/a-name-that-is-longer-than-a-column.service",
		 "a-name-that-is-longer-than-a-column.service");
	short_is("/user.slice/user-1000.slice/user@1000.service/app.slice/x.service/sub",
		 "x (user 1000)");
	short_is("/user.slice/user-1000.slice/user@1000.service/app.slice/sshd.service",
		 "sshd (user 1000)");
	short_is("/user.slice/user-1000.slice/user@1000.service/init.scope",
		 "init.scope (user 1000)");
	short_is("/user.slice/user-1000.slice/user@1000.service", "user@1000");
	short_is(
		"/user.slice/user-1000.slice/user@1000.service/a-name-longer-than-it-may-be.service",
		"/user.slice/user-1000.slice/user@1000.service/a-name-longer-than-it-may-be.service");
	short_is("/lxc.payload.box/system.slice/sshd.service",
		 "/lxc.payload.box/system.slice/sshd.service");
	/* What a service makes below itself likewise. */
	short_is("/system.slice/web.service/sshd.service", "web");
	short_is("/system.slice/web.service/user@0.service/sshd.service", "web");
	short_is("/user.slice/user-1000.slice/session-3.scope", "session-3.scope");
	short_is("/system.slice/docker-" ID ".scope", "0123456789ab");
	/* What a container makes below itself, it may call as it likes. */
	short_is("/system.slice/docker-" ID ".scope/docker-ffffffff" ID ".scope", "0123456789ab");
	short_is("/docker/" ID "/sshd.service", "0123456789ab");
	assert_string_equal(trace_name_short(&(struct trace_name){}, buf), "?");
}

/* By its label, whatever made the container. */
static void a_container_has_compose_s_name(void **state)
{
	struct trace_name name = {};

	folder_write("var/lib/docker/containers/ID/config.v2.json",
		     "{\"ID\":\"" TEST_ID "\",\"Name\":\"/shop-db-1\",\"Config\":{\"Labels\":{"
		     "\"" COMPOSE_SERVICE "\":\"db\"}}}");
	assert_int_equal(trace_name_of("/system.slice/docker-" TEST_ID ".scope/x", folder, &name),
			 0);
	assert_string_equal(name.container_name, "shop-db-1");
	assert_string_equal(name.compose_service, "db");
	trace_name_done(&name);
}

/* It reads them while leastcap writes. */
static void shared_maps_have_the_same_layout(void **state)
{
	static const char *const shared[] = {"tasks", "bindings", ".data.state"};
	_cleanup_(bpf_object__closep) struct bpf_object *own = object_open();
	_cleanup_(trace_bpf__destroyp) struct trace_bpf *skel = trace_bpf__open();

	assert_non_null(own);
	assert_non_null(skel);
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++) {
		const struct bpf_map *a = bpf_object__find_map_by_name(own, shared[i]);
		const struct bpf_map *b = bpf_object__find_map_by_name(skel->obj, shared[i]);

		assert_non_null(a);
		assert_non_null(b);
		assert_int_equal(bpf_map__type(a), bpf_map__type(b));
		assert_int_equal(bpf_map__map_flags(a), bpf_map__map_flags(b));
		assert_int_equal(bpf_map__key_size(a), bpf_map__key_size(b));
		assert_int_equal(bpf_map__value_size(a), bpf_map__value_size(b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(symbols_are_found_by_address),
		cmocka_unit_test(hidden_symbols_are_an_error),
		cmocka_unit_test(records_are_checked),
		cmocka_unit_test(a_stack_begins_with_who_asked),
		cmocka_unit_test(json_says_all),
		cmocka_unit_test(verdicts_have_words),
		cmocka_unit_test(a_refusal_may_be_in_doubt),
		cmocka_unit_test(remarks_are_for_what_is_not_ordinary),
		cmocka_unit_test(cgroups_have_short_names),
		cmocka_unit_test_setup_teardown(a_container_has_compose_s_name, folder_setup,
						folder_teardown),
		cmocka_unit_test(shared_maps_have_the_same_layout),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
