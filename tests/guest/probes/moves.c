// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ways of a process with several threads to lose what goes along with it when it leaves a cgroup. Each asks for CAP_SYS_ADMIN
 * in the end, by sethostname(NULL, -1), and exits with 0: allowed, 1: EPERM, 2: could not be tried, 3: another error.
 *
 *	leaderless-exec DIR PROGRAM ARG...	goes to DIR; its leader ends; then another thread executes
 *	leaderless-moves DIR...			its leader ends; then another thread moves the process to each DIR, and asks
 *	commute SECONDS OUT HOME		moves to OUT and HOME all the time, while another thread asks all the time
 *	full TIMES DIR THERE		goes to DIR, which has room for it alone: so often a fork fails; with room again a
 *					child goes to THERE, and asks
 *	thread-into DIR				makes a thread in DIR (threaded), which asks
 *	buried THREADS DIR... [-- PROGRAM ARG...]
 *			so many of its threads have ended, and stay, as they are traced; its leader ends; then another one
 *			moves the process to each DIR, and asks; or starts PROGRAM, whose status is the answer
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum outcome { ALLOWED, REFUSED, NOT_TRIED, OTHER };

static void fail(const char *what)
{
	perror(what);
	_exit(NOT_TRIED);
}

static enum outcome outcome_of(long err)
{
	/* Behind the check. */
	return err == -EINVAL ? ALLOWED : err == -EPERM ? REFUSED : OTHER;
}

static enum outcome ask(void)
{
	return outcome_of(syscall(SYS_sethostname, NULL, -1L) ? -errno : 0);
}

static void write_to(const char *dir, const char *name, const char *text)
{
	ssize_t len = (ssize_t)strlen(text);
	char path[4200];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		fail(path);
	close(fd);
}

/* Without the leader nothing but the number of the process names it. */
static void move_to(const char *dir)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", getpid());
	write_to(dir, "cgroup.procs", text);
}

/* Z, as /proc has it: the leader has ended, and waits for the others. */
static void await_end_of_leader(void)
{
	char path[64], stat[256] = "";

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", getpid(), getpid());
	for (;;) {
		FILE *f = fopen(path, "re");
		const char *state;

		if (!f || !fgets(stat, sizeof(stat), f))
			fail(path);
		fclose(f);
		state = strrchr(stat, ')');
		if (state && state[1] && state[2] == 'Z')
			return;
		usleep(10000);
	}
}

static void *then_exec(void *arg)
{
	char **argv = arg;

	await_end_of_leader();
	execv(argv[0], argv);
	fail(argv[0]);
	return NULL;
}

static void *then_move(void *arg)
{
	await_end_of_leader();
	for (char **dir = arg; *dir; dir++)
		move_to(*dir);
	exit(ask());
}

static void leaderless(void *(*then)(void *arg), char **argv)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, then, argv))
		fail("pthread_create");
	pthread_exit(NULL);
}

/* ---- commute ---- */

static atomic_bool over;
static atomic_ulong count[4];

static void *asks(void *arg)
{
	while (!over)
		count[ask()]++;
	return NULL;
}

/* So that a move takes longer: all threads move, one after the other. */
static void *waits(void *arg)
{
	while (!over)
		usleep(50000);
	return NULL;
}

static int commute(unsigned int seconds, const char *out, const char *home)
{
	pthread_t asking, thread;
	time_t end = time(NULL) + (time_t)seconds;
	unsigned long moves = 0;

	if (pthread_create(&asking, NULL, asks, NULL))
		fail("pthread_create");
	for (int i = 0; i < 100; i++) {
		if (pthread_create(&thread, NULL, waits, NULL))
			fail("pthread_create");
	}
	for (; time(NULL) < end; moves++) {
		move_to(out);
		move_to(home);
	}
	over = true;
	pthread_join(asking, NULL);
	printf("%lu times out and home: allowed %lu refused %lu other %lu\n", moves, count[ALLOWED],
	       count[REFUSED], count[OTHER]);
	fflush(stdout);
	return count[ALLOWED] ? ALLOWED : count[OTHER] || !count[REFUSED] ? OTHER : REFUSED;
}

/* ---- full ---- */

/* pids.max is looked at behind all that a child needs, security_task_alloc() with it (copy_process() in kernel/fork.c). */
static int full(unsigned int times, const char *dir, const char *there)
{
	int status;
	pid_t pid;

	move_to(dir);
	write_to(dir, "pids.max", "1");
	for (unsigned int i = 0; i < times; i++) {
		pid = fork();
		if (!pid)
			_exit(OTHER);
		if (pid > 0 || errno != EAGAIN)
			fail("a fork that should fail");
	}
	write_to(dir, "pids.max", "max");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid) {
		move_to(there);
		_exit(ask());
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		fail("its child");
	return WEXITSTATUS(status);
}

/* ---- thread-into ---- */

/* The new thread runs on a stack of its own, where nothing of C is: it asks, notes the answer and ends. */
static int thread_into(const char *dir)
{
	static long answer = 1;
	static char stack[16384] __attribute__((aligned(16)));
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			 CLONE_SYSVSEM | CLONE_INTO_CGROUP,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	long ret = SYS_clone3;

	if (fd < 0)
		fail(dir);
	args.cgroup = (__u64)fd;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "mov %[ask], %%eax\n\t"
			 "xor %%edi, %%edi\n\t"
			 "mov $-1, %%rsi\n\t"
			 "syscall\n\t"
			 "mov %%rax, (%[answer])\n\t"
			 "mov %[exit], %%eax\n\t"
			 "xor %%edi, %%edi\n\t"
			 "syscall\n\t"
			 "1:"
			 : "+a"(ret)
			 : "D"(&args), "S"(sizeof(args)), [answer] "r"(&answer),
			   [ask] "i"(SYS_sethostname), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory");
	if (ret < 0) {
		errno = (int)-ret;
		fail("clone3");
	}
	while (*(volatile long *)&answer == 1)
		usleep(10000);
	return outcome_of(answer);
}

/* ---- buried ---- */

static atomic_int *answer; /* shared by the tracer and the traced; -1: there is none yet */
static atomic_int *alive; /* of each thread; the kernel clears it when the thread ends */
static unsigned int n_alive;

/* A thread that is traced from its first moment, and ends with it: nothing of C is on its stack. */
static void make_traced_thread(atomic_int *lives)
{
	static char stack[4096] __attribute__((aligned(16)));
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			 CLONE_SYSVSEM | CLONE_PTRACE | CLONE_CHILD_CLEARTID,
		.child_tid = (uintptr_t)lives,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
	long ret = SYS_clone3;

	*lives = 1;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "mov %[exit], %%eax\n\t"
			 "xor %%edi, %%edi\n\t"
			 "syscall\n\t"
			 "1:"
			 : "+a"(ret)
			 : "D"(&args), "S"(sizeof(args)), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory");
	if (ret < 0) {
		errno = (int)-ret;
		fail("clone3");
	}
}

/* The answer of a program that it starts; without one, its own. */
static int answer_of(char **argv)
{
	int status;
	pid_t pid;

	if (!*argv)
		return (int)ask();
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid) {
		execv(argv[0], argv);
		fail(argv[0]);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		fail(argv[0]);
	return WEXITSTATUS(status);
}

static void *then_answer(void *arg)
{
	char **dir = arg;

	await_end_of_leader();
	for (unsigned int i = 0; i < n_alive; i++) {
		while (alive[i])
			usleep(10000);
	}
	for (; *dir && strcmp(*dir, "--") != 0; dir++)
		move_to(*dir);
	*answer = answer_of(*dir ? dir + 1 : dir);
	exit(0);
}

/* What is traced and has ended stays in the list of threads until its tracer has seen it. */
static int buried(unsigned int threads, char **argv)
{
	siginfo_t info;
	int status;
	pid_t pid;

	answer = mmap(NULL, sizeof(*answer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (answer == MAP_FAILED)
		fail("mmap");
	*answer = -1;
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			fail("ptrace");
		n_alive = threads;
		alive = calloc(threads, sizeof(*alive));
		if (!alive)
			fail("calloc");
		for (unsigned int i = 0; i < threads; i++)
			make_traced_thread(&alive[i]);
		leaderless(then_answer, argv);
	}
	/* Should it fail, nothing stops any more. */
	alarm(300);
	/* Each stops once, at its first moment. */
	for (unsigned int i = 0; i < threads; i++) {
		if (waitid(P_ALL, 0, &info, WSTOPPED | __WALL) ||
		    ptrace(PTRACE_CONT, info.si_pid, NULL, NULL))
			fail("a thread that stops");
	}
	while (*answer < 0)
		usleep(10000);
	/* The leader is told of when there is nobody else left. */
	while (waitpid(-1, &status, __WALL) != pid)
		;
	return *answer;
}

int main(int argc, char **argv)
{
	const char *way = argc > 2 ? argv[1] : "";

	if (!strcmp(way, "leaderless-exec") && argc > 3) {
		move_to(argv[2]);
		leaderless(then_exec, argv + 3);
	} else if (!strcmp(way, "leaderless-moves")) {
		leaderless(then_move, argv + 2);
	} else if (!strcmp(way, "commute") && argc == 5) {
		_exit(commute((unsigned int)atoi(argv[2]), argv[3], argv[4]));
	} else if (!strcmp(way, "full") && argc == 5) {
		return full((unsigned int)atoi(argv[2]), argv[3], argv[4]);
	} else if (!strcmp(way, "thread-into")) {
		return thread_into(argv[2]);
	} else if (!strcmp(way, "buried") && argc > 3) {
		return buried((unsigned int)atoi(argv[2]), argv + 3);
	}
	fprintf(stderr, "usage: see the source\n");
	return NOT_TRIED;
}
