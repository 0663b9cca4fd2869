/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How soon a policy is seen that AppArmor or SELinux loads in place of another one, to compare (replace.c has leastcap's).
 *
 *	reload ALLOWS REFUSES TARGET N
 *
 * ALLOWS and REFUSES, two policies as the kernel takes them, are written to TARGET in turn, N times: one by which this process is
 * allowed CAP_SYS_ADMIN, and one by which it is not. From just before the write to the end of the first check behind it, in ns of
 * CLOCK_MONOTONIC. Prints "MIN MEDIAN P99 0".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct policy {
	char bytes[1 << 20];
	size_t len;
	int answer; /* errno of the check under it; EINVAL: it is allowed */
};

static struct policy policies[2] = {{.answer = EINVAL}, {.answer = EPERM}};

static void fail(const char *what)
{
	fprintf(stderr, "reload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static int check(void)
{
	return syscall(SYS_sethostname, NULL, -1) ? errno : 0;
}

static void read_policy(const char *path, struct policy *p)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, p->bytes, sizeof(p->bytes));

	if (n <= 0 || (size_t)n == sizeof(p->bytes))
		fail(path);
	p->len = (size_t)n;
	close(fd);
}

/* The kernel takes all of it in one write. */
static void load(const struct policy *p, const char *target)
{
	int fd = open(target, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, p->bytes, p->len) != (ssize_t)p->len)
		fail(target);
	close(fd);
}

static uint64_t measure(size_t i, const char *target)
{
	const struct policy *p = &policies[i % 2];
	/* Never in step with the timer. */
	struct timespec pause = {.tv_nsec = 1000000 + (long)(i * 37 % 100) * 10007};
	uint64_t began;
	int answer;

	nanosleep(&pause, NULL);
	began = now();
	load(p, target);
	answer = check();
	if (answer != p->answer) {
		fprintf(stderr, "reload: turn %zu: %s\n", i, strerrorname_np(answer));
		exit(1);
	}
	return now() - began;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	size_t n = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
	uint64_t *took = calloc(n + 1, sizeof(*took));

	if (!n || !took) {
		fprintf(stderr, "reload: wrong use, see the head of its source\n");
		return 2;
	}
	read_policy(argv[1], &policies[0]);
	read_policy(argv[2], &policies[1]);
	for (size_t i = 0; i < n; i++)
		took[i] = measure(i, argv[3]);
	qsort(took, n, sizeof(*took), compare);
	printf("%lu %lu %lu 0\n", took[0], took[n / 2], took[n * 99 / 100]);
	free(took);
	return 0;
}
