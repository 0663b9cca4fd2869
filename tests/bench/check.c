/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many instructions a system call takes, on a machine whose time stamp counter counts instructions (qemu's
 * -icount shift=0): `lfence; rdtsc` on both sides of it, less what the empty pair takes. Prints "MEDIAN P99".
 *
 *	check [--errno NAME] [--samples N] [--cgroup DIR [--entering]] [--namespaces] [--runs|--unasked PROGRAM] TRIGGER
 *	check fill MAP N
 *
 * Every call must come back with the same errno. --runs: and the BPF program of that name must be executed once by
 * each; counted in a pass of its own, since counting costs. --unasked: prints how often programs were executed by 100 calls whose
 * names begin so.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/bpf.h>

#include <leastcap/abi.h>

#define WARM_UPS 64
#define RUNS 100 /* calls of the pass that counts runs */
#define RUNS_FD 100 /* the first program's descriptor, across execve */
#define PROGRAMS 128 /* at most */

static void fail(const char *what)
{
	fprintf(stderr, "check: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- what is measured ---- */

static inline long raw(long nr, long a, long b, long c)
{
	long ret;

	asm volatile("syscall"
		     : "=a"(ret)
		     : "a"(nr), "D"(a), "S"(b), "d"(c)
		     : "rcx", "r11", "memory");
	return ret;
}

static inline uint64_t now(void)
{
	uint32_t low, high;

	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
}

static struct sockaddr_in discard = {.sin_family = AF_INET};
static int sock = -1;

/* Each returns 0 or a negative errno, and adds what it took. */

static inline long nothing(uint64_t *took)
{
	uint64_t start = now();

	*took = now() - start;
	return 0;
}

/* One check of CAP_SYS_ADMIN, and the length is looked at right behind it. */
static inline long call_sethostname(uint64_t *took)
{
	uint64_t start = now();
	long ret = raw(SYS_sethostname, 0, -1, 0);

	*took = now() - start;
	return ret;
}

static inline long call_getppid(uint64_t *took)
{
	uint64_t start = now();
	long ret = raw(SYS_getppid, 0, 0, 0);

	*took = now() - start;
	return ret < 0 ? ret : 0;
}

static inline long call_open(uint64_t *took)
{
	static const char path[] = "/dev/null";
	uint64_t start = now();
	long fd = raw(SYS_open, (long)path, O_RDONLY, 0);

	*took = now() - start;
	if (fd < 0)
		return fd;
	close((int)fd);
	return 0;
}

static inline long call_connect(uint64_t *took)
{
	uint64_t start = now();
	long ret = raw(SYS_connect, sock, (long)&discard, sizeof(discard));

	*took = now() - start;
	return ret;
}

/* fork, execve of this program, which ends at once, and wait. */
static inline long call_exec(uint64_t *took)
{
	static char name[] = "check", none[] = "none", *const argv[] = {name, none, NULL};
	uint64_t start = now();
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execv("/proc/self/exe", argv);
		_exit(1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	*took = now() - start;
	return status ? -ECHILD : 0;
}

static const struct trigger {
	const char *name;
	long (*call)(uint64_t *took);
} triggers[] = {
	{"sethostname", call_sethostname}, {"getppid", call_getppid}, {"open", call_open},
	{"connect", call_connect},	   {"exec", call_exec},
};

/* ---- the samples ---- */

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void samples(long (*call)(uint64_t *took), size_t n, long wanted, uint64_t *ret)
{
	uint64_t unused;

	for (size_t i = 0; i < WARM_UPS + n; i++) {
		long got = call(i < WARM_UPS ? &unused : &ret[i - WARM_UPS]);

		if (got != wanted) {
			fprintf(stderr, "check: call %zu: %s, wanted %s\n", i,
				strerrorname_np((int)-got), strerrorname_np((int)-wanted));
			exit(1);
		}
	}
	qsort(ret, n, sizeof(*ret), compare);
}

/* ---- how often a BPF program was executed ---- */

static int bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/*
 * The programs whose names begin so get the descriptors from RUNS_FD on, and statistics are on for as long as we live; both
 * outlast execve. The name of one program is no beginning of another's where one is meant.
 */
static void count_runs(const char *name)
{
	union bpf_attr attr;
	int found = 0, stats;
	__u32 id = 0;

	memset(&attr, 0, sizeof(attr));
	attr.enable_stats.type = BPF_STATS_RUN_TIME;
	stats = bpf(BPF_ENABLE_STATS, &attr);
	if (stats < 0 || fcntl(stats, F_SETFD, 0))
		fail("BPF_ENABLE_STATS");
	for (;;) {
		struct bpf_prog_info info = {};
		int fd;

		memset(&attr, 0, sizeof(attr));
		attr.start_id = id;
		if (bpf(BPF_PROG_GET_NEXT_ID, &attr))
			break;
		id = attr.next_id;
		memset(&attr, 0, sizeof(attr));
		attr.prog_id = id;
		fd = bpf(BPF_PROG_GET_FD_BY_ID, &attr);
		if (fd < 0)
			continue;
		memset(&attr, 0, sizeof(attr));
		attr.info.bpf_fd = (__u32)fd;
		attr.info.info_len = sizeof(info);
		attr.info.info = (uintptr_t)&info;
		if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0 &&
		    !strncmp(info.name, name, strlen(name)) && dup2(fd, RUNS_FD + found++) < 0)
			fail("dup2");
		close(fd);
	}
	if (!found) {
		errno = ENOENT;
		fail(name);
	}
}

/* Opened before anything is counted: bpf(2) is a check itself. */
static int runs_open(int infos[PROGRAMS])
{
	int n = 0;

	for (; n < PROGRAMS && fcntl(RUNS_FD + n, F_GETFD) >= 0; n++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", RUNS_FD + n);
		infos[n] = open(path, O_RDONLY | O_CLOEXEC);
		if (infos[n] < 0)
			fail(path);
	}
	return n;
}

static unsigned long runs(const int *infos, int n)
{
	unsigned long sum = 0;

	for (int i = 0; i < n; i++) {
		char text[1024], *at;
		ssize_t got = pread(infos[i], text, sizeof(text) - 1, 0);

		text[got > 0 ? got : 0] = 0;
		at = strstr(text, "run_cnt:");
		if (!at) {
			fprintf(stderr, "check: no run_cnt of the program\n");
			exit(1);
		}
		sum += strtoul(at + 8, NULL, 10);
	}
	return sum;
}

/* How often programs run for RUNS calls. Somebody else may be checked meanwhile, seldom: the best of some attempts counts. */
static unsigned long runs_of(const struct trigger *t, long wanted, unsigned long expected)
{
	unsigned long ran = 0;
	int infos[PROGRAMS], n = runs_open(infos);

	for (int attempt = 0; attempt < 5; attempt++) {
		unsigned long before = runs(infos, n);
		bool same = true;
		uint64_t took;

		for (int i = 0; i < RUNS; i++)
			same = t->call(&took) == wanted && same;
		ran = runs(infos, n) - before;
		if (!same) {
			fprintf(stderr, "check: %s: another outcome\n", t->name);
			exit(1);
		}
		if (ran == expected)
			break;
	}
	return ran;
}

/* ---- where it is measured ---- */

static void join_cgroup(const char *dir)
{
	char path[4200];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		fail(path);
	close(fd);
}

/* What containers have: mount and PID namespaces of their own. Returns in the child. */
static void own_namespaces(void)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWNS | CLONE_NEWPID) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		fail("unshare");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid) {
		if (waitpid(pid, &status, 0) != pid)
			fail("waitpid");
		exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	if (mount("proc", "/proc", "proc", 0, NULL))
		fail("/proc");
}

/* A map of bindings gets so many more: those of cgroups that are not there. */
static int fill(const char *map, unsigned long n)
{
	union bpf_attr attr = {};
	int fd;

	attr.pathname = (uintptr_t)map;
	fd = bpf(BPF_OBJ_GET, &attr);
	if (fd < 0)
		fail(map);
	for (unsigned long i = 0; i < n; i++) {
		struct leastcap_binding binding = {.cgroup = (1ULL << 40) + i, .policy = 1};

		memset(&attr, 0, sizeof(attr));
		attr.map_fd = (__u32)fd;
		attr.key = (uintptr_t)&binding.cgroup;
		attr.value = (uintptr_t)&binding;
		if (bpf(BPF_MAP_UPDATE_ELEM, &attr))
			fail("fill");
	}
	return 0;
}

static long errno_called(const char *name)
{
	for (int i = 1; i < 134; i++) {
		if (strerrorname_np(i) && !strcmp(strerrorname_np(i), name))
			return i;
	}
	fprintf(stderr, "check: no error %s\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"errno", required_argument, NULL, 'e'},
		{"samples", required_argument, NULL, 'n'},
		{"cgroup", required_argument, NULL, 'c'},
		{"entering", no_argument, NULL, 'E'},
		{"namespaces", no_argument, NULL, 'N'},
		{"runs", required_argument, NULL, 'r'},
		{"unasked", required_argument, NULL, 'u'},
		{"placed", no_argument, NULL, 'P'},
		{},
	};
	const struct trigger *trigger = NULL;
	const char *cgroup = NULL, *program = NULL;
	bool entering = false, namespaces = false, placed = false, unasked = false;
	uint64_t *took, empty[256];
	size_t n = 2000;
	long wanted = 0;
	int opt;

	if (argc == 2 && !strcmp(argv[1], "none"))
		return 0;
	if (argc == 4 && !strcmp(argv[1], "fill"))
		return fill(argv[2], strtoul(argv[3], NULL, 10));
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'e':
			wanted = -errno_called(optarg);
			break;
		case 'n':
			n = strtoul(optarg, NULL, 10);
			break;
		case 'c':
			cgroup = optarg;
			break;
		case 'E':
			entering = true;
			break;
		case 'N':
			namespaces = true;
			break;
		case 'u':
			unasked = true;
			program = optarg;
			break;
		case 'r':
			program = optarg;
			break;
		case 'P':
			placed = true;
			break;
		default:
			return 2;
		}
	}
	for (size_t i = 0; i < sizeof(triggers) / sizeof(*triggers); i++) {
		if (optind == argc - 1 && !strcmp(argv[optind], triggers[i].name))
			trigger = &triggers[i];
	}
	took = calloc(n, sizeof(*took));
	if (!trigger || !n || !took) {
		fprintf(stderr, "check: wrong use, see the head of its source\n");
		return 2;
	}
	/* What is measured in a cgroup or in namespaces is a program that was executed there, unless it shall be entering. */
	if (!placed && (cgroup || namespaces || program)) {
		char is_placed[] = "--placed", *again[32] = {argv[0], is_placed};

		if (program)
			count_runs(program);
		if (namespaces)
			own_namespaces();
		if (cgroup)
			join_cgroup(cgroup);
		if (!entering) {
			for (int i = 1; i < argc && i < 30; i++)
				again[i + 1] = argv[i];
			execv("/proc/self/exe", again);
			fail("execv");
		}
	}
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	discard.sin_port = htons(9);
	discard.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	samples(nothing, 256 - WARM_UPS, 0, empty);
	samples(trigger->call, n, wanted, took);
	if (unasked) {
		printf("%lu\n", runs_of(trigger, wanted, 0));
	} else if (program) {
		unsigned long ran = runs_of(trigger, wanted, RUNS);

		if (ran != RUNS) {
			fprintf(stderr, "check: the program was executed %lu times by %d calls\n",
				ran, RUNS);
			return 1;
		}
	} else {
		printf("%lu %lu\n", took[n / 2] - empty[(256 - WARM_UPS) / 2],
		       took[n * 99 / 100] - empty[(256 - WARM_UPS) / 2]);
	}
	return 0;
}
