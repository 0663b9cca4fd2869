/* SPDX-License-Identifier: GPL-2.0-only */
/* A container engine in a process of its own, with whatever manners a test gives it. */
#ifndef LEASTCAP_TEST_FAKE_ENGINE_H
#define LEASTCAP_TEST_FAKE_ENGINE_H

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-event.h>

struct fake_counts {
	atomic_uint requests; /* that came whole, streams aside */
	atomic_uint streams;
	atomic_llong since; /* of the last stream; -1: none */
	atomic_uint at_once, most_at_once;
};

struct fake {
	pid_t pid;
	struct fake_counts *counts;
};

/* Answers one request on fd, in a process of its own. n: which request this is, from 1. */
typedef void (*fake_serve)(int fd, const char *id, unsigned int n);

static inline void fake_send(int fd, const char *status, const char *body, size_t len)
{
	dprintf(fd, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", status, len);
	for (size_t sent = 0; sent < len;) {
		ssize_t n = write(fd, body + sent, len - sent);

		if (n <= 0)
			return;
		sent += (size_t)n;
	}
}

static inline void fake_ok(int fd, const char *body)
{
	fake_send(fd, "200 OK", body, strlen(body));
}

static inline void fake_unknown(int fd)
{
	static const char body[] = "{\"message\":\"No such container\"}";

	fake_send(fd, "404 Not Found", body, strlen(body));
}

/* rest: what follows "Id", as in ",\"Name\":\"/web\"". */
static inline void fake_container(int fd, const char *id, const char *rest)
{
	char body[8192];

	snprintf(body, sizeof(body), "{\"Id\":\"%s\"%s}", id, rest);
	fake_ok(fd, body);
}

static inline void fake_sleep(unsigned int msec)
{
	const struct timespec time = {msec / 1000, (long)(msec % 1000) * 1000000};

	nanosleep(&time, NULL);
}

static inline void fake_connection(int fd, struct fake_counts *counts, fake_serve serve,
				   fake_serve stream)
{
	char request[4096] = "", id[65] = "";
	size_t len = 0;
	unsigned int now, most;

	while (!strstr(request, "\r\n\r\n")) {
		ssize_t n = read(fd, request + len, sizeof(request) - 1 - len);

		if (n <= 0)
			return;
		len += (size_t)n;
	}
	if (!strncmp(request, "GET /events?", strlen("GET /events?"))) {
		const char *since = strstr(request, "since=");

		atomic_store(&counts->since, since ? atoll(since + strlen("since=")) : -1);
		now = atomic_fetch_add(&counts->streams, 1) + 1;
		if (stream)
			stream(fd, "", now);
		else
			fake_unknown(fd);
		return;
	}
	if (sscanf(request, "GET /containers/%64[0-9a-f]/json HTTP/1.1\r\n", id) != 1)
		return;
	now = atomic_fetch_add(&counts->at_once, 1) + 1;
	most = atomic_load(&counts->most_at_once);
	while (now > most && !atomic_compare_exchange_weak(&counts->most_at_once, &most, now))
		;
	serve(fd, id, atomic_fetch_add(&counts->requests, 1) + 1);
	atomic_fetch_sub(&counts->at_once, 1);
}

/* uid: whose process it is. */
static inline void fake_start(struct fake *f, const char *path, uid_t uid, fake_serve serve,
			      fake_serve stream)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int ready[2];
	char byte;

	if (!f->counts)
		f->counts = mmap(NULL, sizeof(*f->counts), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(f->counts, MAP_FAILED);
	assert_true(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	assert_int_equal(pipe(ready), 0);
	f->pid = fork();
	assert_true(f->pid >= 0);
	if (f->pid == 0) {
		int listener = socket(AF_UNIX, SOCK_STREAM, 0);

		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGCHLD, SIG_IGN);
		signal(SIGPIPE, SIG_IGN);
		if (bind(listener, (struct sockaddr *)&address, sizeof(address)) ||
		    (uid != geteuid() && setuid(uid)) || listen(listener, 512) ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;) {
			int fd = accept(listener, NULL, NULL);

			if (fd >= 0 && fork() == 0) {
				/* Nothing that hangs outlives a test for long. */
				alarm(60);
				fake_connection(fd, f->counts, serve, stream);
				_exit(0);
			}
			close(fd);
		}
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

/* Ends it with its connections, and takes its socket away. */
static inline void fake_stop(struct fake *f, const char *path)
{
	if (f->pid <= 0)
		return;
	/* Either it has its group already, or it is alone yet. */
	if (kill(-f->pid, SIGKILL))
		kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	f->pid = 0;
	unlink(path);
}

static inline void fake_done(struct fake *f, const char *path)
{
	fake_stop(f, path);
	if (f->counts)
		munmap(f->counts, sizeof(*f->counts));
	f->counts = NULL;
}

static inline uint64_t fake_msec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Runs the loop until *what reaches n, or time is over; true: it did. *slowest_msec (may be NULL): the longest turn. */
static inline bool fake_run(sd_event *event, const unsigned int *what, unsigned int n,
			    uint64_t msec, uint64_t *slowest_msec)
{
	const uint64_t end = fake_msec() + msec;

	while (*what < n && fake_msec() < end) {
		const uint64_t begin = fake_msec();

		assert_true(sd_event_run(event, 10000) >= 0);
		if (slowest_msec && fake_msec() - begin > *slowest_msec)
			*slowest_msec = fake_msec() - begin;
	}
	return *what >= n;
}

#endif
