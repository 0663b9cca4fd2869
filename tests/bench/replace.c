/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How soon a policy that replaces another one is seen. From just before the binding is written (kernel_bind() and
 * kernel_publish(), as the daemon does it) to the end of the first check with the new answer, in ns of CLOCK_MONOTONIC.
 * Prints "MIN MEDIAN P99 LATE". LATE: how often a check that began when both had returned still had the old answer.
 *
 *	replace spun CGROUP N	another process checks all the time, on another processor
 *	replace alone CGROUP N	this process checks, right behind; with -icount that is a number of instructions
 *	replace asked CGROUP N	as spun, from just before the daemon is asked for it: what it reads, plans and saves comes before
 *
 * A policy that allows CAP_SYS_ADMIN and one that does not take turns, N times. No answer may change but then.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include <linux/capability.h>

#include "base/cleanup.h"
#include "kernel/kernel.h"
#include "subject/cgroup.h"

/* Of the process that checks, in a page that both have. */
struct spun {
	int answer; /* errno of the last check */
	int stop;
	uint64_t changes; /* of the answer */
	uint64_t began; /* the last check with the answer before */
	uint64_t changed; /* when the first one with this answer was over */
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "replace: %s: %s\n", what, strerror(-err));
	return 1;
}

/* One check of CAP_SYS_ADMIN. EINVAL: it is allowed. */
static int check(void)
{
	return syscall(SYS_sethostname, NULL, -1) ? errno : 0;
}

static int spin(int page)
{
	struct spun *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, page, 0);
	uint64_t began = 0;

	if (s == MAP_FAILED)
		return 1;
	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
		uint64_t begins = now();
		int answer = check();

		if (answer == s->answer) {
			began = begins;
			continue;
		}
		s->changed = now();
		s->began = began;
		s->answer = answer;
		__atomic_add_fetch(&s->changes, 1, __ATOMIC_RELEASE);
	}
	return 0;
}

/* Executed in the cgroup: what only came in would be entering, and not be judged. */
static int exec_in(const char *cgroup, char *const argv[])
{
	int err = cgroup_move(cgroup, getpid());

	if (err)
		return fail(cgroup, err);
	execv("/proc/self/exe", argv);
	return fail("execv", -errno);
}

static bool changed(struct spun *s, uint64_t changes, int answer)
{
	uint64_t limit = now() + 10000000000ULL;

	while (__atomic_load_n(&s->changes, __ATOMIC_ACQUIRE) != changes) {
		if (now() > limit)
			return false;
		sched_yield();
	}
	return s->answer == answer;
}

/* Asks the daemon. -EPROTO: it did not answer with 200. */
static int ask(const char *method, const char *path, const char *body)
{
	static const struct sockaddr_un daemon = {AF_UNIX, "/run/leastcap/leastcap.sock"};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[4096];
	size_t have = 0;
	ssize_t n;

	if (fd < 0 || connect(fd, (const struct sockaddr *)&daemon, sizeof(daemon)))
		return -errno;
	dprintf(fd,
		"%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
		method, path, strlen(body), body);
	while ((n = read(fd, answer + have, sizeof(answer) - 1 - have)) > 0)
		have += (size_t)n;
	answer[have] = '\0';
	return strncmp(answer, "HTTP/1.1 200 ", 13) ? -EPROTO : 0;
}

static int ask_for(const char *cgroup, const char *rule)
{
	char body[512];

	snprintf(body, sizeof(body),
		 "policies: [{name: bench, select: [{cgroup: %s}], capabilities: %s}]", cgroup,
		 rule);
	return ask("POST", "/v1/policies?file=bench", body);
}

struct turns {
	const char *path; /* the cgroup's; NULL: the daemon is not asked */
	struct kernel *k;
	uint64_t cgroup;
	uint32_t level;
	struct leastcap_policy policies[2]; /* that allows, and that refuses */
};

static const int answers[2] = {EINVAL, EPERM};

static int turn(struct turns *t, size_t i)
{
	int err;

	if (t->path)
		return ask_for(t->path, i % 2 ? "{ base: all, drop: [SYS_ADMIN] }" : "all");
	err = kernel_bind(t->k, t->cgroup, t->level, t->policies[i % 2].id, 0, 0);

	if (!err)
		kernel_publish(t->k);
	return err;
}

static int begin(struct turns *t, const char *cgroup)
{
	int err;

	if (t->path)
		return turn(t, 0);
	err = kernel_open(&t->k) ?: cgroup_id(cgroup, &t->cgroup, &t->level);
	for (size_t i = 0; !err && i < 2; i++) {
		struct leastcap_policy *p = &t->policies[i];

		p->allow = i ? ~(1ULL << CAP_SYS_ADMIN) : ~0ULL;
		p->revision = 1;
		snprintf(p->name, sizeof(p->name), "run:bench%zu", i);
		err = kernel_policy_add(t->k, p, NULL);
	}
	return err ?: turn(t, 0);
}

static void end(struct turns *t)
{
	if (t->path) {
		(void)ask("DELETE", "/v1/policies/bench", "");
		return;
	}
	(void)kernel_unbind(t->k, t->cgroup);
	kernel_publish(t->k);
	(void)kernel_policy_collect(t->k);
}

/* Turn i, counted from 1: how long it takes. 0: it went wrong. s: NULL if this process checks. late: grows by one if it was. */
static uint64_t measure(struct turns *t, size_t i, struct spun *s, size_t *late)
{
	/* Never in step with the timer. */
	struct timespec pause = {.tv_nsec = 1000000 + (long)(i * 37 % 100) * 10007};
	uint64_t began, published;

	nanosleep(&pause, NULL);
	/* The answer was that of the turn before all the time. */
	if (s ? !changed(s, i, answers[(i - 1) % 2]) : check() != answers[(i - 1) % 2])
		return 0;
	began = now();
	if (turn(t, i))
		return 0;
	published = now();
	if (!s)
		return check() == answers[i % 2] ? now() - began : 0;
	if (!changed(s, i + 1, answers[i % 2]))
		return 0;
	*late += s->began > published;
	return s->changed - began;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int measure_all(struct turns *t, size_t n, struct spun *s)
{
	_cleanup_free_ uint64_t *took = calloc(n, sizeof(*took));
	size_t late = 0;

	for (size_t i = 0; took && i < n; i++) {
		took[i] = measure(t, i + 1, s, &late);
		if (!took[i]) {
			fprintf(stderr, "replace: turn %zu: the answer is another one\n", i + 1);
			return 1;
		}
	}
	if (!took)
		return 1;
	qsort(took, n, sizeof(*took), compare);
	printf("%lu %lu %lu %zu\n", took[0], took[n / 2], took[n * 99 / 100], late);
	return 0;
}

static int measure_spun(struct turns *t, const char *cgroup, size_t n)
{
	int page = memfd_create("spun", 0), status;
	struct spun *s;
	char number[16];
	pid_t pid;

	if (page < 0 || ftruncate(page, sizeof(*s)))
		return fail("memfd", -errno);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, page, 0);
	if (s == MAP_FAILED)
		return fail("mmap", -errno);
	snprintf(number, sizeof(number), "%d", page);
	pid = fork();
	if (!pid)
		_exit(exec_in(cgroup, (char *[]){(char *)"replace", (char *)"spin", number, NULL}));
	status = pid < 0 ? fail("fork", -errno) : measure_all(t, n, s);
	__atomic_store_n(&s->stop, 1, __ATOMIC_RELEASE);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return status;
}

int main(int argc, char **argv)
{
	bool alone = argc == 4 && !strcmp(argv[1], "alone"), placed, asked;
	_cleanup_close_ int lock = -EBADF;
	struct turns t = {};
	int err, status;

	if (argc == 3 && !strcmp(argv[1], "spin"))
		return spin(atoi(argv[2]));
	placed = argc == 4 && !strcmp(argv[1], "placed");
	asked = argc == 4 && !strcmp(argv[1], "asked");
	if (!alone && !placed && !asked && (argc != 4 || strcmp(argv[1], "spun"))) {
		fprintf(stderr, "replace: wrong use, see the head of its source\n");
		return 2;
	}
	if (alone)
		return exec_in(argv[2],
			       (char *[]){argv[0], (char *)"placed", argv[2], argv[3], NULL});
	/* Nobody else collects the policies meanwhile. */
	lock = asked ? -EBADF : kernel_lock();
	if (!asked && lock < 0)
		return fail("lock", lock);
	t.path = asked ? argv[2] : NULL;
	err = begin(&t, argv[2]);
	if (err)
		return fail("begin", err);
	status = placed ? measure_all(&t, strtoul(argv[3], NULL, 10), NULL)
			: measure_spun(&t, argv[2], strtoul(argv[3], NULL, 10));
	end(&t);
	return status;
}
