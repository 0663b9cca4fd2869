/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * start CGROUP COMMAND...: starts a daemon, and prints "BEGAN REFUSED", two time stamps: when COMMAND was executed, and when the
 * first check of CAP_SYS_ADMIN in that cgroup had been refused, made by this process as soon as the daemon said READY=1 (to
 * $NOTIFY_SOCKET, see sd_notify(3)). Before that it is allowed. The daemon stays.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <x86intrin.h>

#define READY_SOCKET "/run/bench-start"

static void fail(const char *what)
{
	fprintf(stderr, "start: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	_mm_lfence();
	return __rdtsc();
}

static void join(const char *cgroup)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	f = fopen(path, "we");
	if (!f || fprintf(f, "%d\n", (int)getpid()) < 0 || fclose(f))
		fail(path);
}

static int check(void)
{
	return syscall(SYS_sethostname, NULL, -1) ? errno : 0;
}

static int ready_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = READY_SOCKET};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	unlink(READY_SOCKET);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    setenv("NOTIFY_SOCKET", READY_SOCKET, 1))
		fail(READY_SOCKET);
	return fd;
}

static void wait_ready(int fd)
{
	char text[4096];
	ssize_t n;

	do {
		n = recv(fd, text, sizeof(text) - 1, 0);
		if (n < 0)
			fail("recv");
		text[n] = '\0';
	} while (!strstr(text, "READY=1"));
}

int main(int argc, char **argv)
{
	uint64_t *began, refused;
	int fd, answer;
	pid_t pid;

	/* Executed in the cgroup: what only came in would be entering, and not be judged. */
	if (argc > 2 && strcmp(argv[1], "--placed")) {
		char is_placed[] = "--placed";

		join(argv[1]);
		argv[1] = is_placed;
		execv("/proc/self/exe", argv);
		fail("execv");
	}
	if (argc < 3) {
		fprintf(stderr, "start: wrong use, see the head of its source\n");
		return 2;
	}
	began = mmap(NULL, sizeof(*began), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (began == MAP_FAILED)
		fail("mmap");
	fd = ready_socket();
	answer = check();
	if (answer != EINVAL) {
		fprintf(stderr, "start: before the daemon: %s\n", strerror(answer));
		return 1;
	}
	pid = fork();
	if (!pid) {
		join("/sys/fs/cgroup");
		/* Nobody else may have the pipe that the figures go to. */
		dup2(STDERR_FILENO, STDOUT_FILENO);
		*began = now();
		execv(argv[2], argv + 2);
		fail(argv[2]);
	}
	if (pid < 0)
		fail("fork");
	/* A daemon that ends never is. */
	alarm(300);
	wait_ready(fd);
	answer = check();
	refused = now();
	if (answer != EPERM) {
		fprintf(stderr, "start: the daemon is ready, and a check is not refused: %s\n",
			strerror(answer));
		return 1;
	}
	printf("%lu %lu\n", *began, refused);
	return 0;
}
