/* SPDX-License-Identifier: GPL-2.0-only */
/* The records of the ring buffer: whatever comes is decoded or refused, and what is shown is safe to show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/capability.h>

#include "audit/event.h"
#include "base/cleanup.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct leastcap_event verdict_record(void)
{
	return (struct leastcap_event){
		.version = LEASTCAP_ABI,
		.type = LEASTCAP_EVENT_VERDICT,
		.size = sizeof(struct leastcap_event),
		.time = 1500000000,
		.cgroup = 4712,
		.binding = 4711,
		.policy = 9,
		.suppressed = 5,
		.restriction = LEASTCAP_CAPABILITIES,
		.item = CAP_SYS_ADMIN,
		.verdict = LEASTCAP_DENIED,
		.syscall = 165, /* mount */
		.pid = 100,
		.tid = 101,
		.ppid = 1,
		.uid = 1000,
		.userns = 4026531837,
		.comm = "mount",
	};
}

static struct leastcap_event_cgroup born_record(void)
{
	struct leastcap_event_cgroup e = {.event = verdict_record(),
					  .path = "/system.slice/docker-" ID ".scope"};

	e.event.type = LEASTCAP_EVENT_BORN;
	e.event.size = sizeof(e);
	e.event.verdict = 0;
	return e;
}

static json_t *to_json(const void *record, size_t size, const struct event_names *names)
{
	struct leastcap_event_cgroup e;
	json_t *json;

	assert_int_equal(event_decode(record, size, &e), 0);
	json = event_to_json(&e, names);
	assert_non_null(json);
	return json;
}

static const char *text(const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	assert_non_null(value);
	return value;
}

static json_int_t number(const json_t *o, const char *key)
{
	assert_true(json_is_integer(json_object_get(o, key)));
	return json_integer_value(json_object_get(o, key));
}

/* ---- decoding ---- */

static void records_of_the_right_shape_are_taken(void **state)
{
	struct leastcap_event v = verdict_record();
	struct leastcap_event_cgroup b = born_record(), ret;

	assert_int_equal(event_decode(&v, sizeof(v), &ret), 0);
	assert_int_equal(ret.event.pid, 100);
	assert_string_equal(ret.path, "");
	assert_int_equal(event_decode(&b, sizeof(b), &ret), 0);
	assert_string_equal(ret.path, b.path);
	for (unsigned int type = LEASTCAP_EVENT_VERDICT; type <= LEASTCAP_EVENT_QUIET; type++) {
		b.event.type = (__u16)type;
		b.event.verdict = LEASTCAP_WOULD_DENY;
		b.event.size = type == LEASTCAP_EVENT_BORN || type == LEASTCAP_EVENT_GONE
				       ? sizeof(b)
				       : sizeof(b.event);
		assert_int_equal(event_decode(&b, b.event.size, &ret), 0);
	}
}

static void short_and_long_records_are_refused(void **state)
{
	struct leastcap_event_cgroup b = born_record(), ret;
	struct leastcap_event v = verdict_record();
	char room[sizeof(b) + 64] = {0};

	/* Every size but the right one, whether the record owns up to it or not. */
	for (size_t size = 0; size <= sizeof(room); size++) {
		_cleanup_free_ char *exact = malloc(size + 1);

		memcpy(room, &b, sizeof(b));
		memcpy(exact, room, size);
		if (size != sizeof(b))
			assert_int_equal(event_decode(exact, size, &ret), -EBADMSG);
		((struct leastcap_event *)room)->size = (__u32)size;
		memcpy(exact, room, size);
		assert_int_equal(event_decode(exact, size, &ret), size == sizeof(b) ? 0 : -EBADMSG);
		if (size >= sizeof(v)) {
			memset(room, 0, sizeof(room));
			v.size = (__u32)size;
			memcpy(room, &v, sizeof(v));
			memcpy(exact, room, size);
			assert_int_equal(event_decode(exact, size, &ret),
					 size == sizeof(v) ? 0 : -EBADMSG);
		}
	}
}

static void another_version_or_type_is_refused(void **state)
{
	struct leastcap_event_cgroup ret;
	struct leastcap_event v;

	v = verdict_record();
	v.version = LEASTCAP_ABI + 1;
	assert_int_equal(event_decode(&v, sizeof(v), &ret), -EBADMSG);
	v.version = 0;
	assert_int_equal(event_decode(&v, sizeof(v), &ret), -EBADMSG);
	v = verdict_record();
	v.type = 0;
	assert_int_equal(event_decode(&v, sizeof(v), &ret), -EBADMSG);
	v.type = LEASTCAP_EVENT_QUIET + 1;
	assert_int_equal(event_decode(&v, sizeof(v), &ret), -EBADMSG);
	v = verdict_record();
	v.restriction = LEASTCAP_RESTRICTIONS;
	assert_int_equal(event_decode(&v, sizeof(v), &ret), -EBADMSG);
	v = verdict_record();
	v.verdict = LEASTCAP_ALLOWED;
	assert_int_equal(event_decode(&v, sizeof(v), &ret), -EBADMSG);
	v.verdict = 3;
	assert_int_equal(event_decode(&v, sizeof(v), &ret), -EBADMSG);
}

/* What each kind of detail must be: test_detail.c. */
static void a_detail_that_does_not_fit_is_refused(void **state)
{
	struct leastcap_event_cgroup b = born_record(), ret;
	struct leastcap_event v = verdict_record();

	v.detail = LEASTCAP_DETAIL_SOCKADDR;
	v.detail_len = LEASTCAP_DETAIL_LEN;
	assert_int_equal(event_decode(&v, sizeof(v), &ret), 0);
	v.detail_len = LEASTCAP_DETAIL_LEN + 1;
	assert_int_equal(event_decode(&v, sizeof(v), &ret), -EBADMSG);
	v.detail_len = 16;
	v.detail = LEASTCAP_DETAIL_ARGUMENTS + 1;
	assert_int_equal(event_decode(&v, sizeof(v), &ret), -EBADMSG);
	v.detail = LEASTCAP_DETAIL_NONE;
	assert_int_equal(event_decode(&v, sizeof(v), &ret), -EBADMSG);
	/* Where there is no verdict nobody looks at it. */
	b.event.detail_len = UINT32_MAX;
	assert_int_equal(event_decode(&b, sizeof(b), &ret), 0);
}

static void strings_without_an_end_are_refused(void **state)
{
	struct leastcap_event_cgroup b = born_record(), ret;
	struct leastcap_event v = verdict_record();

	memset(v.comm, 'a', sizeof(v.comm));
	assert_int_equal(event_decode(&v, sizeof(v), &ret), -EBADMSG);
	memset(b.path, '/', sizeof(b.path));
	assert_int_equal(event_decode(&b, sizeof(b), &ret), -EBADMSG);
	b = born_record();
	memset(b.event.comm, 'a', sizeof(b.event.comm));
	assert_int_equal(event_decode(&b, sizeof(b), &ret), -EBADMSG);
}

static void a_refused_record_leaves_no_trace(void **state)
{
	struct leastcap_event_cgroup ret = {.event.pid = 42};
	struct leastcap_event v = verdict_record();

	v.version++;
	assert_int_equal(event_decode(&v, sizeof(v), &ret), -EBADMSG);
	assert_int_equal(ret.event.pid, 42);
}

/* Bytes of every kind: an answer or -EBADMSG, and JSON of what was taken. */
static void random_records_do_no_harm(void **state)
{
	uint32_t seed = 1, verdicts = 0;

	for (int round = 0; round < 20000; round++) {
		union {
			struct leastcap_event_cgroup e;
			unsigned char bytes[sizeof(struct leastcap_event_cgroup)];
		} r;
		struct leastcap_event_cgroup ret;

		for (size_t i = 0; i < sizeof(r.bytes); i++) {
			seed = seed * 1103515245 + 12345;
			r.bytes[i] = (unsigned char)(seed >> 16);
		}
		/* Mostly a plausible head, or nothing would pass. */
		if (round % 8) {
			r.e.event.version = LEASTCAP_ABI;
			r.e.event.type = (__u16)(1 + round % 5);
			r.e.event.size = sizeof(r.e);
			if (r.e.event.type != LEASTCAP_EVENT_BORN &&
			    r.e.event.type != LEASTCAP_EVENT_GONE)
				r.e.event.size = sizeof(r.e.event);
			r.e.event.restriction = (__u32)round % LEASTCAP_RESTRICTIONS;
			r.e.event.item &= 0xfff;
			r.e.event.verdict = 1 + (__u32)round % 2;
			r.e.event.detail = (__u32)round % (LEASTCAP_DETAIL_ARGUMENTS + 2);
			r.e.event.detail_len = (__u32)(round / 8) * 8 % 192;
			r.e.event.data[127] = '\0';
			r.e.event.comm[15] = '\0';
			r.e.path[255] = '\0';
		}
		if (event_decode(&r, round % 8 ? r.e.event.size : (size_t)round % (sizeof(r) + 1),
				 &ret))
			continue;
		json_decref(
			to_json(&r, r.e.event.size, &(struct event_names){.clock_ns = INT64_MAX}));
		verdicts += ret.event.type == LEASTCAP_EVENT_VERDICT;
	}
	assert_true(verdicts > 500);
}

/* ---- JSON ---- */

static void a_denial_says_who_what_and_why(void **state)
{
	struct leastcap_policy policy = {.revision = 3, .mode = LEASTCAP_ENFORCE, .name = "web"};
	struct event_names names = {
		.seq = 17,
		.clock_ns = 1767322984000000000 + 178901000,
		.cgroup = "/a/b",
		.binding = "/a",
		.exe = "/bin/mount",
		.policy = &policy,
	};
	struct leastcap_event v = verdict_record();
	json_auto_t *e = to_json(&v, sizeof(v), &names);
	const json_t *subject = json_object_get(e, "subject"),
		     *process = json_object_get(e, "process");

	assert_int_equal(number(e, "v"), 1);
	assert_int_equal(number(e, "seq"), 17);
	assert_string_equal(text(e, "time"), "2026-01-02T03:03:05.678901Z");
	assert_string_equal(text(e, "type"), "denied");
	assert_string_equal(text(subject, "cgroup"), "/a/b");
	assert_int_equal(number(subject, "cgroup_id"), 4712);
	assert_string_equal(text(subject, "binding"), "/a");
	assert_int_equal(number(subject, "binding_id"), 4711);
	assert_true(json_is_null(json_object_get(subject, "container")));
	assert_int_equal(number(process, "pid"), 100);
	assert_int_equal(number(process, "tid"), 101);
	assert_int_equal(number(process, "ppid"), 1);
	assert_int_equal(number(process, "uid"), 1000);
	assert_string_equal(text(process, "comm"), "mount");
	assert_string_equal(text(process, "exe"), "/bin/mount");
	assert_string_equal(text(e, "restriction"), "capabilities");
	assert_string_equal(text(e, "item"), "SYS_ADMIN");
	assert_true(json_is_null(json_object_get(e, "detail")));
	assert_int_equal(number(e, "userns"), 4026531837);
	assert_true(json_is_false(json_object_get(e, "compat")));
	assert_true(json_is_false(json_object_get(e, "child_userns")));
	assert_true(json_is_false(json_object_get(e, "foreign_credentials")));
	assert_string_equal(text(e, "policy"), "web");
	assert_int_equal(number(e, "revision"), 3);
	assert_string_equal(text(e, "mode"), "enforce");
	assert_true(json_is_false(json_object_get(e, "shadow")));
	assert_int_equal(number(e, "suppressed"), 5);
#if defined(__x86_64__)
	assert_string_equal(text(e, "syscall"), "mount");
#endif
}

static void a_call_has_its_arguments(void **state)
{
	static const __u64 registers[] = {0x7ffd00000010, 4, 0, UINT64_MAX, 1, 0xabc};
	struct leastcap_event v = verdict_record();
	json_auto_t *without = to_json(&v, sizeof(v), &(struct event_names){0});

	assert_true(json_is_null(json_object_get(without, "syscall_arguments")));
	v.detail = LEASTCAP_DETAIL_ARGUMENTS;
	v.detail_len = sizeof(registers);
	memcpy(v.data, registers, sizeof(registers));
	json_auto_t *e = to_json(&v, sizeof(v), &(struct event_names){0});
	json_auto_t *want = json_pack("[s, s, s, s, s, s]", "0x7ffd00000010", "0x4", "0x0",
				      "0xffffffffffffffff", "0x1", "0xabc");

	assert_true(json_equal(json_object_get(e, "syscall_arguments"), want));
	assert_true(json_is_null(json_object_get(e, "detail")));
}

static void a_restriction_is_named_with_what_it_was_about(void **state)
{
	struct leastcap_event v = verdict_record();

	v.restriction = LEASTCAP_SOCKETS;
	v.item = LEASTCAP_ITEM_UNIX;
	v.detail = LEASTCAP_DETAIL_UNIX;
	v.detail_len = 7;
	memcpy(v.data, "\0a\x1b\xff\0b\n", 7);
	json_auto_t *e = to_json(&v, sizeof(v), &(struct event_names){0});

	assert_string_equal(text(e, "type"), "denied");
	assert_string_equal(text(e, "restriction"), "sockets");
	assert_string_equal(text(e, "item"), "host-unix");
	/* Escaped like every text of the watched side. */
	assert_string_equal(text(e, "detail"), "@a\\x1b\\xff@b\\x0a");
}

static void flags_and_items_have_names(void **state)
{
	static const struct {
		__u32 item;
		const char *name;
	} items[] = {
		{CAP_CHOWN, "CHOWN"},
		{62, "62"},
		{LEASTCAP_ITEM_URING_CREDS, "io_uring-credentials"},
		{LEASTCAP_ITEM_OVERLAYFS, "overlayfs-mount"},
		{LEASTCAP_ITEM_PTRACE_ENTERING, "ptrace-entering"},
		{4000000000, "4000000000"},
	};
	struct leastcap_event v = verdict_record();

	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		json_auto_t *e = NULL;

		v.item = items[i].item;
		e = to_json(&v, sizeof(v), &(struct event_names){0});
		assert_string_equal(text(e, "item"), items[i].name);
	}
	v.verdict = LEASTCAP_WOULD_DENY;
	v.flags = LEASTCAP_CHECK_CHILD_USERNS | LEASTCAP_CHECK_FOREIGN | LEASTCAP_EVENT_SHADOW;
	json_auto_t *e = to_json(&v, sizeof(v), &(struct event_names){0});

	assert_string_equal(text(e, "type"), "would-deny");
	assert_true(json_is_true(json_object_get(e, "child_userns")));
	assert_true(json_is_true(json_object_get(e, "foreign_credentials")));
	assert_true(json_is_true(json_object_get(e, "shadow")));
	/* What is not known is null, and there. */
	assert_true(json_is_null(json_object_get(e, "policy")));
	assert_true(json_is_null(json_object_get(json_object_get(e, "process"), "exe")));
}

static void system_calls_are_named_in_their_table(void **state)
{
	_cleanup_free_ char *none = event_syscall(-1, 0), *unknown = event_syscall(99999, 0);

	assert_null(none);
	assert_string_equal(unknown, "99999");
#if defined(__x86_64__)
	_cleanup_free_ char *wide = event_syscall(21, 0),
			    *narrow = event_syscall(21, LEASTCAP_EVENT_COMPAT);

	assert_string_equal(wide, "access");
	assert_string_equal(narrow, "mount");
#endif
}

static void hostile_names_are_escaped(void **state)
{
	struct leastcap_event_cgroup b = born_record();
	struct leastcap_event v = verdict_record();
	char long_path[5000];

	memcpy(v.comm, "\xff\x1b[2J\n\"\\x", 10);
	memset(long_path, 0xc3, sizeof(long_path));
	long_path[0] = '/';
	long_path[sizeof(long_path) - 1] = '\0';
	json_auto_t *e = to_json(&v, sizeof(v),
				 &(struct event_names){.exe = "/bin/\x80", .cgroup = long_path});
	_cleanup_free_ char *line = json_dumps(e, JSON_COMPACT);
	json_auto_t *back = json_loads(line, 0, NULL);

	assert_non_null(back);
	assert_null(strpbrk(line, "\n\r\x1b"));
	assert_string_equal(text(json_object_get(back, "process"), "exe"), "/bin/\\x80");
	assert_non_null(
		strstr(text(json_object_get(back, "process"), "comm"), "\\xff\\x1b[2J\\x0a"));

	strcpy(b.path, "/a/\xed\xa0\x80\n");
	json_auto_t *g = to_json(&b, sizeof(b), &(struct event_names){0});

	assert_string_equal(text(json_object_get(g, "subject"), "cgroup"),
			    "/a/\\xed\\xa0\\x80\\x0a");
}

static void a_born_container_is_the_subject(void **state)
{
	struct leastcap_event_cgroup b = born_record();
	json_auto_t *e = to_json(&b, sizeof(b), &(struct event_names){.cgroup = "/the/maker"});
	const json_t *subject = json_object_get(e, "subject");

	assert_string_equal(text(e, "type"), "born");
	assert_string_equal(text(subject, "cgroup"), b.path);
	assert_int_equal(number(subject, "cgroup_id"), 4711);
	assert_string_equal(text(subject, "container"), ID);
	assert_null(json_object_get(e, "item"));
	assert_null(json_object_get(e, "suppressed"));
}

static void a_task_below_a_container_belongs_to_it(void **state)
{
	struct leastcap_event v = verdict_record();
	json_auto_t *e =
		to_json(&v, sizeof(v), &(struct event_names){.cgroup = "/docker/" ID "/x/y"});

	assert_string_equal(text(json_object_get(e, "subject"), "container"), ID);
}

/* Anybody gives the cgroups below a unit, a user's manager or a container any name. */
static void a_unit_is_one_of_the_system(void **state)
{
	static const struct {
		const char *path, *unit;
	} cases[] = {
		{"/system.slice/nginx.service", "nginx.service"},
		{"/a.slice/a-b.slice/_memory.service/x", "memory.service"},
		{"/system.slice/nginx.service/sshd.service", "nginx.service"},
		{"/user.slice/user-1000.slice/user@1000.service/app.slice/sshd.service",
		 "user@1000.service"},
		{"/lxc.payload.box/system.slice/sshd.service", NULL},
		{"/system.slice", NULL},
		{"/", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct leastcap_event v = verdict_record();
		json_auto_t *e =
			to_json(&v, sizeof(v), &(struct event_names){.cgroup = cases[i].path});
		const char *unit =
			json_string_value(json_object_get(json_object_get(e, "subject"), "unit"));

		assert_string_equal(unit ?: "none", cases[i].unit ?: "none");
	}
}

static void ledgers_become_names_and_numbers(void **state)
{
	struct kernel_ledger l = {
		.used = 1ULL << CAP_CHOWN | 1ULL << CAP_SYS_ADMIN,
		.denied = 1ULL << CAP_NET_RAW,
		.n_denied = {[LEASTCAP_CAPABILITIES] = 3, [LEASTCAP_MOUNTS] = 2},
		.n_would_deny = {[LEASTCAP_BPF] = UINT64_MAX},
	};
	json_auto_t *caps = event_capabilities(&l), *counters = event_counters(&l),
		    *restrictions = event_restrictions(&l);

	assert_int_equal(json_array_size(json_object_get(caps, "used")), 2);
	assert_string_equal(json_string_value(json_array_get(json_object_get(caps, "denied"), 0)),
			    "NET_RAW");
	assert_int_equal(json_array_size(json_object_get(caps, "would_deny")), 0);
	assert_int_equal(number(counters, "denied"), 5);
	assert_int_equal(number(counters, "would_deny"), INT64_MAX);
	assert_int_equal(json_object_size(restrictions), 3);
	assert_int_equal(number(json_object_get(restrictions, "capabilities"), "denied"), 3);
	assert_int_equal(number(json_object_get(restrictions, "mounts"), "denied"), 2);
	assert_int_equal(number(json_object_get(restrictions, "bpf"), "would_deny"), INT64_MAX);
}

static void a_kind_that_is_quiet_has_its_rest(void **state)
{
	struct leastcap_policy policy = {.revision = 3, .mode = LEASTCAP_AUDIT, .name = "web"};
	const struct event_names names = {
		.seq = 7, .binding = "/a", .exe = "/bin/mo\nunt", .policy = &policy};
	struct leastcap_event_cgroup ret;
	struct leastcap_event v = verdict_record();
	json_auto_t *e = NULL, *unknown = NULL;

	v.type = LEASTCAP_EVENT_QUIET;
	v.restriction = LEASTCAP_MOUNTS;
	v.item = LEASTCAP_ITEM_MOUNT;
	v.verdict = LEASTCAP_WOULD_DENY;
	v.flags = LEASTCAP_EVENT_SHADOW;
	e = to_json(&v, sizeof(v), &names);
	assert_string_equal(text(e, "type"), "quiet");
	assert_string_equal(text(e, "verdict"), "would-deny");
	assert_string_equal(text(e, "restriction"), "mounts");
	assert_string_equal(text(e, "item"), "mount");
	assert_string_equal(text(e, "policy"), "web");
	assert_string_equal(text(e, "mode"), "audit");
	assert_true(json_is_true(json_object_get(e, "shadow")));
	assert_int_equal(number(e, "suppressed"), 5);
	assert_string_equal(text(json_object_get(e, "process"), "exe"), "/bin/mo\\x0aunt");
	assert_string_equal(text(json_object_get(e, "process"), "comm"), "mount");
	assert_int_equal(json_object_size(json_object_get(e, "process")), 2);
	/* The policy is no more, and nobody knows the program. */
	v.comm[0] = '\0';
	v.flags = 0;
	unknown = to_json(&v, sizeof(v), &(struct event_names){.seq = 8});
	assert_true(json_is_null(json_object_get(unknown, "policy")));
	assert_true(json_is_null(json_object_get(unknown, "rule")));
	assert_true(json_is_null(json_object_get(json_object_get(unknown, "process"), "comm")));
	assert_true(json_is_false(json_object_get(unknown, "shadow")));
	/* It is checked like a refusal. */
	v.verdict = LEASTCAP_ALLOWED;
	assert_int_equal(event_decode(&v, sizeof(v), &ret), -EBADMSG);
	v.verdict = LEASTCAP_DENIED;
	v.restriction = LEASTCAP_RESTRICTIONS;
	assert_int_equal(event_decode(&v, sizeof(v), &ret), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kind_that_is_quiet_has_its_rest),
		cmocka_unit_test(records_of_the_right_shape_are_taken),
		cmocka_unit_test(short_and_long_records_are_refused),
		cmocka_unit_test(another_version_or_type_is_refused),
		cmocka_unit_test(a_detail_that_does_not_fit_is_refused),
		cmocka_unit_test(a_call_has_its_arguments),
		cmocka_unit_test(strings_without_an_end_are_refused),
		cmocka_unit_test(a_refused_record_leaves_no_trace),
		cmocka_unit_test(random_records_do_no_harm),
		cmocka_unit_test(a_denial_says_who_what_and_why),
		cmocka_unit_test(a_restriction_is_named_with_what_it_was_about),
		cmocka_unit_test(flags_and_items_have_names),
		cmocka_unit_test(system_calls_are_named_in_their_table),
		cmocka_unit_test(hostile_names_are_escaped),
		cmocka_unit_test(a_born_container_is_the_subject),
		cmocka_unit_test(a_task_below_a_container_belongs_to_it),
		cmocka_unit_test(a_unit_is_one_of_the_system),
		cmocka_unit_test(ledgers_become_names_and_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
