/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * native OBJECT JSON: how many nanoseconds the decision takes on this processor, with this kernel's JIT; a table, and the same
 * in JSON. "bench-native: skipped: WHY" where the kernel does not let it run. 1: it runs, and is not right.
 *
 * BPF_PROG_TEST_RUN repeats no raw_tp program, so the loop is in there. What it takes with an empty step is subtracted.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <jansson.h>
#include <linux/capability.h>

#include <leastcap/decide.h>

#include "native.h"

#define RUNS 21

static struct {
	const char *name, *program;
	int fd;
	double ns[RUNS]; /* of a run */
} rows[] = {
	{.name = "empty", .program = "native_empty"}, /* is subtracted */
	{.name = "allowed", .program = "native_allowed"},
	{.name = "denied", .program = "native_denied"},
	{.name = "decide", .program = "native_decide"},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))
#define DENIED 2

/* What is asked for. A policy that lets a container bind low ports, and refuses the rest. */
static const struct native_bench question = {
	.rules = {.allow = 1ULL << CAP_NET_BIND_SERVICE, .mode = LEASTCAP_ENFORCE},
	.cap = CAP_SYS_ADMIN,
	.todo = LEASTCAP_DO_DENY | LEASTCAP_DO_REPORT,
};

/* The map that has it, and the answer. */
static int bench_fd;

static int skip(const char *what, int err)
{
	printf("bench-native: skipped: %s%s%s\n", what, err ? ": " : "", err ? strerror(err) : "");
	return 0;
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "bench-native: %s%s%s\n", what, err ? ": " : "", err ? strerror(err) : "");
	return 1;
}

/* Does the kernel let somebody run a program that does nothing? What fails after this is no refusal. */
static const char *refused(int *ret_err)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	struct bpf_prog_info info = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	const char *why = NULL;
	__u32 size = sizeof(info);
	struct btf *btf;
	int fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL, "GPL", nothing, 2, NULL);

	*ret_err = 0;
	if (fd < 0) {
		*ret_err = -fd;
		return "the kernel loads no raw_tp program";
	}
	*ret_err = -bpf_prog_test_run_opts(fd, &opts);
	if (*ret_err)
		why = "the kernel runs no raw_tp program for BPF_PROG_RUN";
	else if (bpf_obj_get_info_by_fd(fd, &info, &size) || !info.jited_prog_len)
		why = "the kernel's JIT is off";
	close(fd);
	if (why)
		return why;
	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_loop, NULL) != 1)
		return "the kernel has no bpf_loop(), which came with 5.17";
	btf = btf__load_vmlinux_btf();
	if (!btf) {
		*ret_err = errno;
		return "the kernel has no BTF";
	}
	btf__free(btf);
	return NULL;
}

/* Of all the maps that the headers have only those that the steps use are made. */
static int load(struct bpf_object *object)
{
	struct bpf_map *map;
	struct bpf_program *program;
	struct leastcap_pending places[LEASTCAP_PENDING] = {
		{.count = 1ULL << LEASTCAP_PENDING_BITS}, /* a turn */
	};

	bpf_object__for_each_map(map, object) if (!bpf_map__is_internal(map) &&
						  strcmp(bpf_map__name(map), "stand_in"))
		bpf_map__set_autocreate(map, false);
	map = bpf_object__find_map_by_name(object, ".data.pending");
	if (!map || bpf_map__set_initial_value(map, places, sizeof(places)))
		return -ENOENT;
	if (bpf_object__load(object))
		return -errno;
	bench_fd = bpf_object__find_map_fd_by_name(object, ".data.bench");
	if (bench_fd < 0)
		return bench_fd;
	for (size_t i = 0; i < ROWS; i++) {
		program = bpf_object__find_program_by_name(object, rows[i].program);
		if (!program)
			return -ENOENT;
		rows[i].fd = bpf_program__fd(program);
	}
	return 0;
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* One run. Answers -EILSEQ if a step came to another answer than it should. */
static int run(size_t row, double *ret_ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct native_bench answer;
	const __u32 zero = 0;
	double begun;
	int err = bpf_map_update_elem(bench_fd, &zero, &question, 0);

	if (err)
		return err;
	begun = now_ns();
	err = bpf_prog_test_run_opts(rows[row].fd, &opts);
	*ret_ns = now_ns() - begun;
	err = err ?: bpf_map_lookup_elem(bench_fd, &zero, &answer);
	if (err)
		return err;
	return answer.rounds == NATIVE_ROUNDS &&
			       answer.counted == (row == DENIED ? NATIVE_ROUNDS : 0)
		       ? 0
		       : -EILSEQ;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* By turns, so that a clock that changes its pace does so for all. The first round warms up. */
static int measure(void)
{
	int err;

	for (int n = -1; n < RUNS; n++) {
		for (size_t i = 0; i < ROWS; i++) {
			err = run(i, &rows[i].ns[n < 0 ? 0 : n]);
			if (err) {
				fprintf(stderr, "bench-native: %s: %s\n", rows[i].program,
					err == -EILSEQ
						? "a step came to another answer than it should"
						: strerror(-err));
				return err;
			}
		}
	}
	for (size_t i = 0; i < ROWS; i++)
		qsort(rows[i].ns, RUNS, sizeof(double), compare);
	return 0;
}

/*
 * Of the loop itself always the best is subtracted: what disturbs it says nothing of the others. With one decimal, also in JSON: more
 * is noise.
 */
static double per_step(size_t row, int at)
{
	double tenths = (rows[row].ns[at] - rows[0].ns[0]) / NATIVE_ROUNDS * 10;

	return (double)(long)(tenths + (tenths < 0 ? -0.5 : 0.5)) / 10;
}

static void cpu_model(char *model, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(model, size, "unknown");
	while (f && fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) || !colon)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(model, size, "%s", colon + 1 + (colon[1] == ' '));
		break;
	}
	if (f)
		fclose(f);
}

static int report(const char *path)
{
	struct utsname kernel;
	char cpu[256];
	json_t *list = json_array(), *all;
	int err;

	uname(&kernel);
	cpu_model(cpu, sizeof(cpu));
	printf("%s, Linux %s, JIT\n%-10s %8s %8s\n", cpu, kernel.release, "ns", "best", "median");
	for (size_t i = 1; i < ROWS; i++) {
		double best = per_step(i, 0), median = per_step(i, RUNS / 2);

		printf("%-10s %8.1f %8.1f\n", rows[i].name, best, median);
		json_array_append_new(list, json_pack("{s:s, s:f, s:f}", "name", rows[i].name,
						      "best_ns", best, "median_ns", median));
	}
	all = json_pack("{s:s, s:s, s:b, s:o}", "cpu", cpu, "kernel", kernel.release, "jit", true,
			"rows", list);
	err = all ? json_dump_file(all, path, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : -1;
	json_decref(all);
	return err ? fail(path, errno) : 0;
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	const char *why;
	int err;

	if (argc != 3) {
		fprintf(stderr, "usage: native OBJECT JSON\n");
		return 2;
	}
	/* Nothing is left of an earlier run that this one would seem to have made. */
	if (unlink(argv[2]) && errno != ENOENT)
		return fail(argv[2], errno);
	why = refused(&err);
	if (why)
		return skip(why, err);
	object = bpf_object__open_file(argv[1], NULL);
	if (!object)
		return fail(argv[1], errno);
	err = load(object);
	if (err)
		fail(argv[1], -err);
	else
		err = measure();
	bpf_object__close(object);
	return err ? 1 : report(argv[2]);
}
