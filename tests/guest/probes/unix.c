/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Acts with AF_UNIX sockets, each said with the name of its errno. Exit status: 0 allowed, 1 refused with EPERM,
 * 2 could not be attempted, 3 another error; of several acts, 1 if one was refused. TYPE: stream, dgram, seqpacket.
 * NAME: a path, up to all 108 bytes; "@" and an abstract name, in which each "@" is a NUL; "=" and a path that may begin
 * with "@".
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "uring.h"

enum outcome { ALLOWED = 0, REFUSED = 1, NOT_TRIED = 2, OTHER = 3 };

static int say(const char *what, int err)
{
	printf("%s: %s\n", what, err ? strerrorname_np(err) : "ok");
	return err == 0 ? ALLOWED : err == EPERM ? REFUSED : OTHER;
}

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(NOT_TRIED);
}

/* ---- a 32-bit caller comes by socketcall(2), which libc may not use ---- */

#ifdef __i386__
static int sys_connect(int fd, const void *to, socklen_t len)
{
	unsigned long args[] = {(unsigned long)fd, (unsigned long)to, len};

	return (int)syscall(SYS_socketcall, 3, args);
}

static ssize_t sys_sendto(int fd, const void *data, size_t size, const void *to, socklen_t len)
{
	unsigned long args[] = {
		(unsigned long)fd, (unsigned long)data, size, 0, (unsigned long)to, len};

	return syscall(SYS_socketcall, 11, args);
}
#else
static int sys_connect(int fd, const void *to, socklen_t len)
{
	return connect(fd, to, len);
}

static ssize_t sys_sendto(int fd, const void *data, size_t size, const void *to, socklen_t len)
{
	return sendto(fd, data, size, 0, to, len);
}
#endif

static int type_of(const char *word)
{
	if (!strcmp(word, "stream"))
		return SOCK_STREAM;
	if (!strcmp(word, "dgram"))
		return SOCK_DGRAM;
	if (!strcmp(word, "seqpacket"))
		return SOCK_SEQPACKET;
	fprintf(stderr, "no type: %s\n", word);
	exit(NOT_TRIED);
}

static int new_socket(const char *type)
{
	int fd = socket(AF_UNIX, type_of(type) | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail("socket");
	return fd;
}

static socklen_t address(const char *name, struct sockaddr_un *ret)
{
	bool abstract = *name == '@';
	size_t len;

	if (*name == '=')
		name++;
	len = strlen(name);
	if (len > sizeof(ret->sun_path)) {
		fprintf(stderr, "too long: %s\n", name);
		exit(NOT_TRIED);
	}
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(ret->sun_path, name, len);
	for (size_t i = 0; abstract && i < len; i++) {
		if (ret->sun_path[i] == '@')
			ret->sun_path[i] = '\0';
	}
	if (!abstract && len < sizeof(ret->sun_path))
		len++;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static int bound_socket(const char *type, const char *name)
{
	struct sockaddr_un a;
	socklen_t len = address(name, &a);
	int fd = new_socket(type);

	if (*name != '@')
		unlink(name + (*name == '='));
	if (bind(fd, (struct sockaddr *)&a, len))
		fail(name);
	return fd;
}

/* ---- listeners ---- */

#define LISTENERS 32

/* A datagram has come: "tell NAME" has the listener send one to that name; others are answered where the sender has one. */
static void receive(int fd, const char *name)
{
	struct sockaddr_un from = {}, to;
	socklen_t len = sizeof(from);
	char data[128];
	ssize_t n = recvfrom(fd, data, sizeof(data) - 1, 0, (struct sockaddr *)&from, &len);

	if (n < 0)
		fail("recvfrom");
	data[n] = '\0';
	if (!strncmp(data, "tell ", 5)) {
		len = address(data + 5, &to);
		printf("%s to %s: ", name, data + 5);
		say("tell", sys_sendto(fd, "told", 4, &to, len) < 0 ? errno : 0);
	} else if (len <= offsetof(struct sockaddr_un, sun_path)) {
		printf("%s: received\n", name);
	} else if (strcmp(data, "answer")) {
		printf("%s: ", name);
		say("answer", sys_sendto(fd, "answer", 6, &from, len) < 0 ? errno : 0);
	}
}

__attribute__((noreturn)) static void attend(const struct pollfd *sockets, char *const *names,
					     nfds_t n)
{
	struct pollfd p[LISTENERS];

	memcpy(p, sockets, n * sizeof(*p));
	for (;;) {
		if (poll(p, n, -1) < 0)
			fail("poll");
		for (nfds_t i = 0; i < n; i++) {
			int peer;

			if (!p[i].revents)
				continue;
			if (type_of(names[2 * i]) == SOCK_DGRAM) {
				receive(p[i].fd, names[2 * i + 1]);
				continue;
			}
			peer = accept(p[i].fd, NULL, NULL);
			if (peer < 0)
				fail("accept");
			printf("%s: accepted\n", names[2 * i + 1]);
			/* Who waits for an answer gets none; what is sent is taken. */
			shutdown(peer, SHUT_WR);
		}
	}
}

/*
 * serve FILE [TYPE NAME]...: listeners until they are killed, in the background once they listen; the process is printed.
 * What happens is written to FILE. With "-" in the foreground.
 */
static int act_serve(char **argv)
{
	struct pollfd p[LISTENERS];
	char **names = argv + 1;
	nfds_t n = 0;
	pid_t pid = 0;

	/* Nobody waits for the end of what was inherited. */
	close_range(3, ~0U, 0);
	for (char **name = names; name[0] && name[1] && n < LISTENERS; name += 2, n++) {
		p[n] = (struct pollfd){.fd = bound_socket(name[0], name[1]), .events = POLLIN};
		if (type_of(name[0]) != SOCK_DGRAM && listen(p[n].fd, 100))
			fail("listen");
	}
	if (strcmp(argv[0], "-"))
		pid = fork();
	if (pid) {
		printf("%d\n", pid);
		return ALLOWED;
	}
	if (strcmp(argv[0], "-") &&
	    (!freopen("/dev/null", "r", stdin) || !freopen(argv[0], "a", stdout) ||
	     !freopen("/dev/null", "w", stderr)))
		fail(argv[0]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	attend(p, names, n);
}

/* ---- clients ---- */

enum way { CONNECT, SENDTO, SENDMSG, SENDMMSG };

static const char *const ways[] = {"connect", "sendto", "sendmsg", "sendmmsg"};

/* 0 or an errno */
static int approach(enum way way, int fd, const char *name)
{
	char text[] = "hello";
	struct sockaddr_un a;
	socklen_t len = address(name, &a);
	struct iovec data = {text, 5};
	struct mmsghdr m = {
		.msg_hdr.msg_name = &a,
		.msg_hdr.msg_namelen = len,
		.msg_hdr.msg_iov = &data,
		.msg_hdr.msg_iovlen = 1,
	};
	long res = -1;

	switch (way) {
	case CONNECT:
		res = sys_connect(fd, &a, len);
		break;
	case SENDTO:
		res = sys_sendto(fd, text, 5, &a, len);
		break;
	case SENDMSG:
		res = sendmsg(fd, &m.msg_hdr, MSG_NOSIGNAL);
		break;
	case SENDMMSG:
		res = sendmmsg(fd, &m, 1, MSG_NOSIGNAL);
		break;
	}
	return res < 0 ? errno : 0;
}

/* The exit status of several acts. */
static int worst(int a, int b)
{
	return a == REFUSED || b == REFUSED ? REFUSED : a ?: b;
}

/* With each name. */
static int each(enum way way, char **argv)
{
	int status = ALLOWED;

	for (char **name = argv + 1; *name; name++) {
		int fd = new_socket(argv[0]);

		printf("%s ", *name);
		status = worst(status, say(ways[way], approach(way, fd, *name)));
		close(fd);
	}
	return status;
}

static int act_connect(char **argv)
{
	return each(CONNECT, argv);
}

static int act_sendto(char **argv)
{
	return each(SENDTO, argv);
}

/* matrix PREFIX...: each type, to PREFIX-TYPE and @PREFIX-TYPE, in each way. */
static int act_matrix(char **argv)
{
	static const char *const types[] = {"stream", "dgram", "seqpacket"};
	int refused = 0, allowed = 0;

	for (; *argv; argv++) {
		for (int i = 0; i < 3 * 2 * 4; i++) {
			const char *type = types[i / 8];
			int fd = new_socket(type);
			char name[108];

			snprintf(name, sizeof(name), "%s%s-%s", i / 4 % 2 ? "@" : "", *argv, type);
			printf("%s ", name);
			if (say(ways[i % 4], approach((enum way)(i % 4), fd, name)) == REFUSED)
				refused++;
			else
				allowed++;
			close(fd);
		}
	}
	printf("refused %d, not refused %d\n", refused, allowed);
	return refused ? REFUSED : ALLOWED;
}

/* tell SERVER NAME: has a server of datagrams send one to NAME. */
static int act_tell(char **argv)
{
	char text[128];
	struct sockaddr_un a;
	socklen_t len = address(argv[0], &a);

	snprintf(text, sizeof(text), "tell %s", argv[1]);
	return say("tell",
		   sys_sendto(new_socket("dgram"), text, strlen(text), &a, len) < 0 ? errno : 0);
}

/*
 * ask NAME OWN connected|bound: a client with a name of its own, connected to the server or not, that wants an answer
 * within two seconds.
 */
static int act_ask(char **argv)
{
	bool connected = !strcmp(argv[2], "connected");
	int fd = bound_socket("dgram", argv[1]);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct sockaddr_un a;
	socklen_t len = address(argv[0], &a);

	if (connected && connect(fd, (struct sockaddr *)&a, len))
		fail("connect");
	if ((connected ? send(fd, "ask", 3, 0)
		       : sendto(fd, "ask", 3, 0, (struct sockaddr *)&a, len)) < 0)
		fail("send");
	return say("ask", poll(&p, 1, 2000) == 1 ? 0 : ETIMEDOUT);
}

/* held TYPE NAME FILE: connects, waits until FILE is there, and sends. */
static int act_held(char **argv)
{
	struct sockaddr_un a;
	socklen_t len = address(argv[1], &a);
	int fd = new_socket(argv[0]);

	if (sys_connect(fd, &a, len))
		return say("connect", errno);
	puts("connected");
	for (int i = 0; i < 200 && access(argv[2], F_OK); i++)
		usleep(50000);
	return say("send", send(fd, "hello", 5, MSG_NOSIGNAL) < 0 ? errno : 0);
}

static int act_pair(char **argv)
{
	char data[8];
	int fds[2];

	for (; *argv; argv++) {
		if (socketpair(AF_UNIX, type_of(*argv), 0, fds))
			return say(*argv, errno);
		for (int i = 0; i < 2; i++) {
			if (send(fds[i], "hello", 5, 0) < 0 ||
			    recv(fds[!i], data, sizeof(data), 0) != 5)
				return say(*argv, errno);
		}
	}
	return say("pair", 0);
}

/* ---- descriptors of others ---- */

/*
 * pass WHAT NAME PROGRAM ARG...: a socket is made here and passed (SCM_RIGHTS) to the program, which has the other end at 3.
 * WHAT: stream, dgram: connected to NAME   fresh-stream, fresh-dgram: as it was made
 * half: one of a pair of datagram sockets, the other of which is not connected any more
 */
static int act_pass(char **argv)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
	struct sockaddr_un a = {}, none = {.sun_family = AF_UNSPEC};
	char *type = argv[0];
	struct iovec data = {type, 1};
	struct msghdr m = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int carrier[2], pair[2], fd, status;
	socklen_t len = address(argv[1], &a);
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, carrier))
		fail("socketpair");
	if (!strcmp(type, "half")) {
		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) ||
		    connect(pair[1], (struct sockaddr *)&none, sizeof(none.sun_family)))
			fail("half");
		fd = pair[0];
	} else if (!strncmp(type, "fresh-", 6)) {
		fd = new_socket(type + 6);
	} else {
		fd = new_socket(type);
		if (connect(fd, (struct sockaddr *)&a, len))
			fail("connect");
	}
	pid = fork();
	if (!pid) {
		dup2(carrier[1], 3);
		execv(argv[2], argv + 2);
		fail(argv[2]);
	}
	close(carrier[1]);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (sendmsg(carrier[0], &m, 0) < 0)
		fail("sendmsg");
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : OTHER;
}

/* take send|connect|sendto [NAME]: with a socket that is received from 3. */
static int act_take(char **argv)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
	char text[8];
	struct iovec data = {text, sizeof(text)};
	struct msghdr m = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	int fd;

	if (recvmsg(3, &m, 0) < 0)
		fail("recvmsg");
	c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_type != SCM_RIGHTS) {
		fprintf(stderr, "nothing was passed\n");
		return NOT_TRIED;
	}
	memcpy(&fd, CMSG_DATA(c), sizeof(int));
	if (!strcmp(argv[0], "send"))
		return say("send", send(fd, "hello", 5, MSG_NOSIGNAL) < 0 ? errno : 0);
	return say(argv[0], approach(!strcmp(argv[0], "connect") ? CONNECT : SENDTO, fd, argv[1]));
}

/* ---- io_uring ---- */

/* uring connect|worker|send|personality TYPE NAME: worker: in a thread of io_uring. */
static int act_uring(char **argv)
{
	bool sends = !strcmp(argv[0], "send");
	char text[] = "hello";
	struct sockaddr_un a;
	socklen_t len = address(argv[2], &a);
	struct iovec data = {text, 5};
	struct msghdr m = {.msg_name = &a, .msg_namelen = len, .msg_iov = &data, .msg_iovlen = 1};
	struct uring ring;
	int id = 0, res;

	if (uring_open(&ring))
		fail("io_uring");
	if (!strcmp(argv[0], "personality")) {
		id = uring_personality(&ring);
		if (id < 0)
			fail("IORING_REGISTER_PERSONALITY");
		/* New credentials: those of the personality are not current's any more. */
		if (prctl(PR_SET_KEEPCAPS, 1))
			fail("PR_SET_KEEPCAPS");
	}
	*ring.sqe = (struct io_uring_sqe){
		.opcode = sends ? IORING_OP_SENDMSG : IORING_OP_CONNECT,
		.flags = !strcmp(argv[0], "worker") ? IOSQE_ASYNC : 0,
		.fd = new_socket(argv[1]),
		.addr = sends ? (uintptr_t)&m : (uintptr_t)&a,
		.off = sends ? 0 : len,
		.len = sends ? 1 : 0,
		.personality = (uint16_t)id,
	};
	res = uring_do(&ring);
	return say(argv[0], res < 0 ? -res : 0);
}

/* ---- what must go on working ---- */

/* inherit PROGRAM ARG...: executed with a datagram socketpair as standard output and error, the other end kept. */
static int act_inherit(char **argv)
{
	char data[256];
	int fds[2];
	ssize_t n;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds))
		fail("socketpair");
	pid = fork();
	if (!pid) {
		dup2(fds[1], 1);
		execv(argv[0], argv);
		fail(argv[0]);
	}
	n = recv(fds[0], data, sizeof(data), 0);
	waitpid(pid, NULL, 0);
	if (n > 0)
		fwrite(data, 1, (size_t)n, stdout);
	return n > 0 ? ALLOWED : OTHER;
}

/* log TEXT: by libc */
static int act_log(char **argv)
{
	openlog("probe", LOG_NDELAY, LOG_USER);
	syslog(LOG_NOTICE, "%s", argv[0]);
	return say("log", 0);
}

static const struct act {
	const char *name;
	int args; /* at least */
	int (*fn)(char **argv);
	const char *help;
} acts[] = {
	{"serve", 1, act_serve, "FILE [TYPE NAME]..."},
	{"matrix", 1, act_matrix, "PREFIX..."},
	{"connect", 2, act_connect, "TYPE NAME..."},
	{"sendto", 2, act_sendto, "TYPE NAME..."},
	{"tell", 2, act_tell, "SERVER NAME"},
	{"ask", 3, act_ask, "NAME OWN connected|bound"},
	{"held", 3, act_held, "TYPE NAME FILE"},
	{"pass", 3, act_pass, "WHAT NAME PROGRAM ARG..."},
	{"take", 1, act_take, "send|connect|sendto [NAME]"},
	{"uring", 3, act_uring, "connect|worker|send|personality TYPE NAME"},
	{"pair", 1, act_pair, "TYPE..."},
	{"inherit", 1, act_inherit, "PROGRAM ARG..."},
	{"log", 1, act_log, "TEXT"},
};

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; argc > 1 && i < sizeof(acts) / sizeof(*acts); i++) {
		if (!strcmp(acts[i].name, argv[1]) && argc - 2 >= acts[i].args)
			return acts[i].fn(argv + 2);
	}
	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++)
		printf("unix %s %s\n", acts[i].name, acts[i].help);
	return argc > 1 && !strcmp(argv[1], "--help") ? ALLOWED : NOT_TRIED;
}
