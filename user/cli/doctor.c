// SPDX-License-Identifier: GPL-2.0-only
/* leastcap doctor: can this host enforce? It is proven, not believed. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <zlib.h>

#include "audit/event.h"
#include "base/duration.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/doctor.h"
#include "cli/output.h"
#include "cli/state.h"
#include "kernel/kernel.h"

/* Where the third column of the output begins. */
#define DETAIL_COLUMN 18

struct doctor {
	json_t *checks; /* [{ name, status, detail, advice: [line] }] */
	json_t *restrictions; /* what doctor_restrictions() gives */
	json_t *proof; /* what doctor_prove() gives; NULL: not tried */
	char *lsm, *boot_line;
	unsigned int lack;
	bool no_bpf_lsm; /* this kernel has none to put on the boot line */
	bool proven, disarmed;
};

/* An array of the lines of a text; empty for NULL. */
static json_t *lines(const char *text)
{
	_cleanup_free_ char *copy = strdup(text ? text : "");
	json_t *array = json_array();

	for (char *save = NULL, *line = copy ? strtok_r(copy, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		json_array_append_new(array, event_string(line));
	return array;
}

/* status: "ok", "warn", "fail", "info". advice: lines, or NULL. */
static void add(struct doctor *d, const char *name, const char *status, const char *advice,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void add(struct doctor *d, const char *name, const char *status, const char *advice,
		const char *fmt, ...)
{
	_cleanup_free_ char *detail = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&detail, fmt, ap);
	va_end(ap);
	if (n < 0)
		detail = NULL;
	json_array_append_new(d->checks,
			      json_pack("{s:s, s:s, s:o, s:o}", "name", name, "status", status,
					"detail", event_string(detail ? detail : "?"), "advice",
					lines(advice)));
}

/* ---- the host ---- */

/* "y" of CONFIG_NAME=y in the kernel's configuration; '?': it is not known. gzopen() also reads plain files. */
static int kernel_config(const char *release, const char *name)
{
	static const char *const places[] = {"/boot/config-%s", "/lib/modules/%s/config",
					     "/usr/lib/modules/%s/config", "/proc/config.gz"};
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const char *where = strstr(places[i], "%s");
		char path[256], line[256];
		int value = 'n';
		gzFile f;

		if (where)
			snprintf(path, sizeof(path), "%.*s%s%s", (int)(where - places[i]),
				 places[i], release, where + 2);
		else
			snprintf(path, sizeof(path), "%s", places[i]);
		f = gzopen(path, "re");
		if (!f)
			continue;
		while (gzgets(f, line, sizeof(line)))
			if (!strncmp(line, name, len) && line[len] == '=')
				value = line[len + 1];
		gzclose(f);
		return value;
	}
	return '?';
}

static void check_lacks(struct doctor *d)
{
	static const struct {
		enum kernel_lack lack;
		const char *name, *fine;
	} checks[] = {
		{KERNEL_LACK_ROOT, "root", "all capabilities that loading needs"},
		{KERNEL_LACK_BTF, "BTF", "/sys/kernel/btf/vmlinux"},
		{KERNEL_LACK_CGROUP2, "cgroup2", "/sys/fs/cgroup"},
		{KERNEL_LACK_BPFFS, "bpffs", "/sys/fs/bpf"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		bool lacks = d->lack & checks[i].lack;

		add(d, checks[i].name, lacks ? "fail" : "ok", NULL, "%s",
		    lacks ? kernel_lack_text(checks[i].lack) : checks[i].fine);
	}
}

/* The last "prefix..." of the kernel's command line, which is the one that counts. To be freed; NULL: none. */
static char *boot_parameter(const char *prefix)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/cmdline", "re");
	_cleanup_free_ char *line = NULL;
	const char *found = NULL;
	size_t size = 0;

	if (!f || getline(&line, &size, f) < 0)
		return NULL;
	for (char *save = NULL, *word = strtok_r(line, " \n", &save); word;
	     word = strtok_r(NULL, " \n", &save))
		if (!strncmp(word, prefix, strlen(prefix)))
			found = word;
	return found ? strdup(found) : NULL;
}

static void check_lsm(struct doctor *d, const char *release)
{
	const char *list = d->lsm && *d->lsm ? d->lsm : "not readable (is securityfs mounted?)";
	_cleanup_free_ char *advice = NULL, *old = NULL;

	if (!(d->lack & KERNEL_LACK_BPF_LSM)) {
		add(d, "bpf LSM", "ok", NULL, "active: %s", list);
		return;
	}
	if (kernel_config(release, "CONFIG_BPF_LSM") == 'n') {
		d->no_bpf_lsm = true;
		add(d, "bpf LSM", "fail",
		    "This kernel is built without CONFIG_BPF_LSM: no boot line helps. Debian's own kernels "
		    "have it from Debian 12 on (linux-image-amd64).",
		    "not in this kernel; active: %s", list);
		return;
	}
	d->boot_line = kernel_boot_line(d->lsm);
	old = boot_parameter("lsm=");
	if (asprintf(
		    &advice,
		    "%s"
		    "Boot with this on the kernel's command line%s%s:\n"
		    "    %s\n"
		    "On Debian: %s it in GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub, reboot.",
		    d->lsm ? ""
			   : "The list of this host is not known: mount securityfs and run doctor again.\n"
			     "    mount -t securityfs securityfs /sys/kernel/security\n"
			     "Until then Debian's usual list is taken.\n",
		    old ? ", in place of " : "", old ? old : "", d->boot_line ? d->boot_line : "?",
		    old ? "replace" : "put") < 0)
		advice = NULL;
	add(d, "bpf LSM", "fail", advice, "\"bpf\" is not active; active: %s", list);
}

static void check_cgroup_v1(struct doctor *d)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mounts", "re");
	char line[4096];
	int n = 0;

	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, " cgroup ") != NULL;
	if (n)
		add(d, "cgroup v1", "warn",
		    "Boot with systemd.unified_cgroup_hierarchy=1: runtimes must make their containers in cgroup2.",
		    "%d hierarchies of version 1 are mounted", n);
	else
		add(d, "cgroup v1", "ok", NULL, "none mounted");
}

static void check_jit(struct doctor *d)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/sys/net/core/bpf_jit_enable", "re");
	int c = f ? fgetc(f) : EOF;

	if (c == '1' || c == '2')
		add(d, "BPF JIT", "ok", NULL, "on");
	else if (c == '0')
		add(d, "BPF JIT", "warn", "LSM programs need it: sysctl net.core.bpf_jit_enable=1",
		    "off");
	else
		add(d, "BPF JIT", "info", NULL, "not known from here");
}

/* Hooks that came after 6.1. Without BTF there is nothing to say. */
static void check_hooks(struct doctor *d)
{
	_cleanup_free_ char *used = NULL, *missing = NULL;

	doctor_later_hooks(&used, &missing);
	if (!used || !missing || (!*used && !*missing))
		return;
	add(d, "later hooks", "info", NULL, "used: %s%s%s", *used ? used : "none",
	    *missing ? "; not in this kernel: " : "", missing);
}

static bool in_path(const char *program)
{
	_cleanup_free_ char *path = strdup(getenv("PATH") ?: "/usr/sbin:/usr/bin:/sbin:/bin");
	char file[512];

	for (char *save = NULL, *dir = path ? strtok_r(path, ":", &save) : NULL; dir;
	     dir = strtok_r(NULL, ":", &save)) {
		snprintf(file, sizeof(file), "%s/%s", dir, program);
		if (!access(file, X_OK))
			return true;
	}
	return false;
}

static void check_runtimes(struct doctor *d)
{
	/* Constant commands; the limit is for a client that waits for its daemon. */
	static const struct {
		const char *name, *program, *command;
	} runtimes[] = {
		{"docker", "docker", "timeout 30 docker --version 2>/dev/null"},
		{"podman", "podman", "timeout 30 podman --version 2>/dev/null"},
		{"containerd", "containerd", "timeout 30 containerd --version 2>/dev/null"},
		{"runc", "runc", "timeout 30 runc --version 2>/dev/null"},
		{"crun", "crun", "timeout 30 crun --version 2>/dev/null"},
		{"systemd", "systemctl", "timeout 30 systemctl --version 2>/dev/null"},
	};
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++) {
		char line[256] = "";
		FILE *f;

		if (!in_path(runtimes[i].program))
			continue;
		f = popen(runtimes[i].command, "re");
		if (f && fgets(line, sizeof(line), f))
			line[strcspn(line, "\n")] = '\0';
		if (f)
			pclose(f);
		add(d, runtimes[i].name, "info", NULL, "%s",
		    *line ? line : "found, but it does not tell its version");
		any = true;
	}
	if (!any)
		add(d, "runtimes", "info", NULL, "none found; 'leastcap run' needs none");
}

static void check_daemon(struct doctor *d)
{
	_cleanup_(api_reply_done) struct api_reply reply = {0};
	_cleanup_free_ char *version = NULL;
	int err = api_request("GET", "/v1/status", NULL, 0, &reply);

	if (err == -ENOTCONN) {
		add(d, "daemon", "info",
		    "Start it with 'systemctl start leastcapd'; 'leastcap run' needs none.",
		    "not running");
	} else if (err || !api_ok(&reply)) {
		add(d, "daemon", "warn", NULL, "it does not tell its state");
	} else {
		version = out_member(reply.json, "version");
		add(d, "daemon", "info", NULL, "running, version %s", version ? version : "?");
	}
}

/* True: nothing is refused now, so nothing can be proven. */
static bool check_disarmed(struct doctor *d)
{
	_cleanup_(kernel_closep) struct kernel *k = NULL;
	json_auto_t *state = NULL;
	const json_t *disarmed;
	_cleanup_free_ char *reason = NULL;
	char left[DURATION_TEXT];

	if (kernel_open(&k) || kernel_disarmed(k) <= boot_now())
		return false;
	/* Only the daemon knows why. */
	if (api_alive())
		(void)state_status(NULL, &state);
	disarmed = json_object_get(state, "disarmed");
	reason = out_member(disarmed, "reason");
	add(d, "disarmed", "fail", "'leastcap rearm' ends it at once.",
	    "DISARMED for %s more, everything is allowed: %s",
	    duration_text((kernel_disarmed(k) - boot_now()) / 1000000000 + 1, left),
	    reason && *reason ? reason : "(reason not known)");
	d->disarmed = true;
	return true;
}

static void check_loaded(struct doctor *d)
{
	_cleanup_(kernel_closep) struct kernel *k = NULL;
	char build[17] = "";
	int err = kernel_open(&k);

	if (err == -ENOENT)
		add(d, "programs", "info", NULL,
		    "not loaded; loaded for the proof, and removed again");
	else if (err)
		add(d, "programs", "warn", NULL, "cannot read %s: %s", KERNEL_PIN_DIR,
		    strerror(-err));
	else if (kernel_attached(k, build))
		add(d, "programs", "ok", NULL, "attached, build %s", build);
	else
		add(d, "programs", "fail", "Start the daemon again: 'systemctl restart leastcapd'.",
		    "pinned in %s, but not all of them are attached", KERNEL_PIN_DIR);
}

static void examine(struct doctor *d)
{
	struct utsname host = {0};

	d->lack = kernel_probe(&d->lsm);
	uname(&host);
	check_lacks(d);
	add(d, "kernel", "info", NULL, "%s %s", host.release, host.machine);
	check_lsm(d, host.release);
	check_cgroup_v1(d);
	check_jit(d);
	check_hooks(d);
	check_runtimes(d);
	check_daemon(d);
	d->restrictions = doctor_restrictions();
	if (d->lack)
		return;
	check_loaded(d);
	if (check_disarmed(d))
		return;
	d->proven = doctor_prove(&d->proof) == 0;
}

/* ---- output ---- */

static void print_check(const json_t *check)
{
	_cleanup_free_ char *name = out_member(check, "name"),
			    *status = out_member(check, "status"),
			    *detail = out_member(check, "detail");
	const json_t *advice = json_object_get(check, "advice"), *line;
	size_t i;

	printf("%-5s %-11s ", status ? status : "?", name ? name : "?");
	out_wrapped(DETAIL_COLUMN, detail ? detail : "?");
	json_array_foreach(advice, i, line) {
		printf("%*s", DETAIL_COLUMN, "");
		out_wrapped(DETAIL_COLUMN, json_string_value(line));
	}
}

/* What is missing is no failure of this host: most policies need but some of them. */
static void print_restriction(const json_t *r)
{
	_cleanup_free_ char *name = out_member(r, "name"), *why = out_member(r, "why"),
			    *restriction = out_member(r, "restriction"), *text = NULL;
	bool held = json_is_true(json_object_get(r, "held"));

	if (!name || !why || !restriction)
		return;
	if (asprintf(&text, "%s%scan%s be held%s%s", strcmp(name, restriction) ? restriction : "",
		     strcmp(name, restriction) ? ": " : "", held ? "" : "not",
		     held ? "" : ": needs ", why) < 0)
		return;
	printf("%-5s %-11s ", held ? "ok" : "warn", name);
	out_wrapped(DETAIL_COLUMN, text);
}

static void print_restrictions(const struct doctor *d)
{
	const json_t *each;
	size_t i;

	printf("\nRestrictions, by this kernel's hooks%s:\n",
	       d->lack & KERNEL_LACK_BPF_LSM ? ", once bpf is active" : "");
	json_array_foreach(d->restrictions, i, each)
		print_restriction(each);
}

static void print_verdict(const struct doctor *d)
{
	const json_t *steps = json_object_get(d->proof, "steps"), *each;
	size_t i;

	if (json_array_size(steps))
		putchar('\n');
	json_array_foreach(steps, i, each) {
		_cleanup_free_ char *text = out_member(each, "text");

		printf("%-5s ", json_is_true(json_object_get(each, "ok")) ? "ok" : "fail");
		out_wrapped(6, text ? text : "?");
	}
	if (d->proven)
		puts("\nThis host enforces: proven by a refused operation.");
	else if (d->proof)
		puts("\nThis host does NOT enforce: the proof failed.");
	else if (d->disarmed)
		puts("\nThis host is DISARMED: nothing was proven.");
	else
		puts("\nThis host cannot enforce yet: see what failed above.");
}

static int answer(struct doctor *d, bool json)
{
	json_auto_t *all = NULL;
	const json_t *each;
	size_t i;
	int status;

	if (json) {
		all = json_pack("{s:b, s:O, s:O?, s:s?, s:O?}", "proven", d->proven, "checks",
				d->checks, "restrictions", d->restrictions, "boot_line",
				d->boot_line, "proof", d->proof);
		status = out_json(all);
		return status ? status : d->proven ? CLI_DONE : CLI_FAILED;
	}
	json_array_foreach(d->checks, i, each)
		print_check(each);
	print_restrictions(d);
	print_verdict(d);
	return d->proven ? CLI_DONE : CLI_FAILED;
}

static int doctor(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {CLI_OPTIONS};
	struct doctor d = {0};
	int opt, status = CLI_DONE;
	bool json = false;

	while ((opt = cli_option(verb, argc, argv, "", options, &status)) >= 0)
		json = json || opt == CLI_OPT_JSON;
	if (opt == CLI_OPT_EXIT)
		return status;
	status = cli_arguments(verb, argc, argv, 0, 0, "");
	if (status)
		return status;

	d.checks = json_array();
	if (!d.checks) {
		log_err(-ENOMEM, "cannot examine this host");
		return CLI_FAILED;
	}
	examine(&d);
	status = answer(&d, json);
	json_decref(d.checks);
	json_decref(d.restrictions);
	json_decref(d.proof);
	free(d.lsm);
	free(d.boot_line);
	return status;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.args = "",
	.fn = doctor,
	.help = "can this host enforce? proves it, or tells what is missing",
	.text = "Reads what the kernel has and which restrictions it can hold, then binds an empty\n"
		"whitelist to a cgroup of its own and has an operation refused there. Everything\n"
		"is cleaned up. Exit status 0 only if enforcement was proven. Needs root.\n",
};
