/* SPDX-License-Identifier: GPL-2.0-only */
/* What leastcapd needs itself: a policy that refuses it is found out, and its unit file has the same in mind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/capability.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "daemon/needs.h"

#define NOTIFY "/run/systemd/notify"
#define HEAD "policies:\n  - name: p\n    "
#define ALL HEAD "capabilities: all\n    "

static void expect(const char *text, const char *notify, const char *wanted)
{
	struct policy_errors errs = {};
	struct policy_set *set = NULL;
	_cleanup_free_ char *refused = NULL;

	if (policy_parse("test", text, strlen(text), &set, &errs))
		policy_errors_print(&errs, "test", stderr);
	policy_errors_done(&errs);
	assert_non_null(set);
	refused = needs_refused(&set->policies[0], notify);
	if (!!refused != !!wanted || (wanted && strcmp(refused, wanted) != 0))
		fail_msg("%s\nrefused: %s, wanted: %s", text, refused ? refused : "-",
			 wanted ? wanted : "-");
	policy_set_free(set);
}

static void capabilities(void **state)
{
	expect(HEAD "capabilities: all\n", NULL, NULL);
	expect(HEAD "capabilities: none\n", NULL,
	       "CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, KILL, SYS_PTRACE, SYS_ADMIN, PERFMON, BPF");
	/* What was enough once. */
	expect(HEAD "capabilities: [SYS_ADMIN, BPF, PERFMON]\n", NULL,
	       "CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, KILL, SYS_PTRACE");
	expect(HEAD "capabilities: [SYS_ADMIN, BPF, PERFMON, CHOWN, DAC_OVERRIDE, "
		    "DAC_READ_SEARCH, KILL, SYS_PTRACE]\n",
	       NULL, NULL);
	expect(HEAD "mode: audit\n    capabilities: none\n", NULL, NULL);
}

static void restrictions(void **state)
{
	expect(ALL "bpf: deny\n", NULL, "bpf");
	expect(ALL "bpf: audit\n", NULL, NULL);
	expect(ALL "mode: audit\n    bpf: deny\n", NULL, NULL);
	expect(ALL "attributes: deny\n", NULL, "attributes");
	expect(ALL "attributes: { mode: enforce, own-files: allow }\n", NULL, NULL);
	expect(ALL "mounts: deny\n    modules: deny\n    devices: deny\n", NULL, NULL);
	expect(HEAD "capabilities: [SYS_ADMIN, BPF, PERFMON, CHOWN, DAC_OVERRIDE, "
		    "DAC_READ_SEARCH, SYS_PTRACE]\n    bpf: deny\n",
	       NULL, "KILL, bpf");
}

static void file_systems(void **state)
{
	expect(ALL "filesystems: deny\n", NULL, "filesystems");
	expect(ALL "filesystems: { deny: [securityfs] }\n", NULL, "filesystems");
	expect(ALL "filesystems: { read-only: [bpf] }\n", NULL, "filesystems");
	expect(ALL "filesystems: { deny: [debugfs, tracefs], read-only: [proc, sysfs] }\n", NULL,
	       NULL);
}

static void sockets(void **state)
{
	expect(ALL "sockets: deny\n", NULL, NULL);
	expect(ALL "sockets: deny\n", NOTIFY, "host-unix");
	expect(ALL "sockets: { host-unix: { default: deny, allow: [" NOTIFY "] } }\n", NOTIFY,
	       NULL);
	expect(ALL "sockets: { host-unix: { default: deny, allow: [/run/docker.sock] } }\n", NOTIFY,
	       "host-unix");
	expect(ALL "sockets: { host-unix: { default: allow, deny: [/run/docker.sock] } }\n", NOTIFY,
	       NULL);
	expect(ALL "sockets: { host-unix: { default: allow, deny: [" NOTIFY "] } }\n", NOTIFY,
	       "host-unix");
	expect(ALL "sockets: { families: { deny: [unix] } }\n", NULL, "families");
	expect(ALL "sockets: { families: { deny: [alg, vsock] } }\n", NULL, NULL);
	expect(ALL "sockets: { connect: deny }\n", NULL, NULL);
}

/* Its unit file has these, and beside them what an option or the proof alone needs. */
static void the_unit_file_has_the_same(void **state)
{
	static const char key[] = "CapabilityBoundingSet=";
	const uint64_t others = 1ULL << CAP_MKNOD | 1ULL << CAP_AUDIT_WRITE |
				1ULL << CAP_AUDIT_CONTROL;
	FILE *f = fopen("deploy/leastcapd.service", "re");
	char line[1024], *word, *rest;
	uint64_t set = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		rest = line + strlen(key);
		while ((word = strsep(&rest, " \n"))) {
			int cap = *word ? caps_parse(word, strlen(word)) : 0;

			assert_true(cap >= 0);
			set |= *word ? 1ULL << cap : 0;
		}
	}
	fclose(f);
	assert_int_equal(set, NEEDS_CAPABILITIES | others);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capabilities),
		cmocka_unit_test(restrictions),
		cmocka_unit_test(file_systems),
		cmocka_unit_test(sockets),
		cmocka_unit_test(the_unit_file_has_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
