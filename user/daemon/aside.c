/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/http_loop.h"

struct aside {
	struct asides *all;
	struct aside *previous, *next;
	struct MHD_Connection *connection;
	sd_event_source *end, *hangup;
	int fd; /* a duplicate of the connection's: ours to watch */
	pid_t pid; /* 0: it has ended */
	bool waiting; /* the connection is suspended */
	bool gone; /* so is the client */
	FILE *answer, *notes; /* files without names, which the child writes */
	unsigned int status;
};

/* ---- the child ---- */

static int write_error(FILE *f, const json_t *error)
{
	rewind(f);
	if (ftruncate(fileno(f), 0))
		return -errno;
	if (error)
		return json_dumpf(error, f, JSON_COMPACT) ? -EIO : 0;
	return fputs("{\"error\":\"out of memory\"}", f) < 0 ? -EIO : 0;
}

/* The status goes where the answer ends. Whoever has no memory left for it kills this child, not the daemon. */
_Noreturn static void run_child(struct aside *a, pid_t daemon, aside_fn fn, const char *argument)
{
	_cleanup_close_ int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	json_t *error = NULL;
	unsigned int status;
	int err = 0;

	/* It would keep the daemon's lock, and another one from starting. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != daemon)
		_exit(EXIT_FAILURE);
	(void)prctl(PR_SET_NAME, "leastcapd-aside");
	if (score < 0 || write(score, "1000", 4) < 0)
		log_debug("cannot write oom_score_adj");
	status = fn(a->all->ctx, argument, a->answer, a->notes, &error);
	if (status != MHD_HTTP_OK)
		err = write_error(a->answer, error);
	if (err || fwrite(&status, sizeof(status), 1, a->answer) != 1 || fflush(a->answer) ||
	    fflush(a->notes))
		_exit(EXIT_FAILURE);
	_exit(EXIT_SUCCESS);
}

/* ---- its end ---- */

static void go_on(struct aside *a)
{
	if (!a->waiting)
		return;
	a->waiting = false;
	a->all->woken = true;
	MHD_resume_connection(a->connection);
}

static void take_notes(struct aside *a)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t n;

	/* The child has the same offset, which is at the end now. */
	rewind(a->notes);
	while ((n = getdelim(&line, &size, '\0', a->notes)) > 0)
		a->all->note(a->all->ctx, line);
}

static int on_end(sd_event_source *source, const siginfo_t *info, void *ctx)
{
	struct aside *a = ctx;
	off_t end = lseek(fileno(a->answer), 0, SEEK_END) - (off_t)sizeof(a->status);

	a->pid = 0;
	a->end = sd_event_source_disable_unref(a->end);
	a->status = 0;
	if (info->si_code != CLD_EXITED || info->si_status != EXIT_SUCCESS || end < 0 ||
	    pread(fileno(a->answer), &a->status, sizeof(a->status), end) != sizeof(a->status) ||
	    ftruncate(fileno(a->answer), end)) {
		if (!a->gone)
			log_warn(0,
				 "a request was not answered: the child for it has ended before");
		a->status = 0;
	} else {
		take_notes(a);
	}
	go_on(a);
	return 0;
}

static int on_hangup(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	struct aside *a = ctx;

	a->gone = true;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	if (a->pid)
		(void)kill(a->pid, SIGKILL);
	return 0;
}

/* ---- requests ---- */

static FILE *open_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w+");

	if (!f && fd >= 0)
		close(fd);
	return f;
}

struct aside *aside_free(struct aside *a)
{
	if (!a)
		return NULL;
	sd_event_source_disable_unref(a->end);
	sd_event_source_disable_unref(a->hangup);
	if (a->fd >= 0)
		close(a->fd);
	if (a->pid) {
		(void)kill(a->pid, SIGKILL);
		(void)waitpid(a->pid, NULL, 0);
	}
	if (a->answer)
		fclose(a->answer);
	if (a->notes)
		fclose(a->notes);
	if (a->previous)
		a->previous->next = a->next;
	else if (a->all->first == a)
		a->all->first = a->next;
	if (a->next)
		a->next->previous = a->previous;
	a->all->n--;
	free(a);
	return NULL;
}
DEFINE_CLEANUP(struct aside *, aside_free);

int aside_begin(struct asides *all, struct MHD_Connection *connection, aside_fn fn,
		const char *argument, struct aside **ret)
{
	_cleanup_(aside_freep) struct aside *a = calloc(1, sizeof(*a));
	const pid_t daemon = getpid();
	int err;

	if (!a)
		return -ENOMEM;
	a->fd = -EBADF;
	a->all = all;
	a->connection = connection;
	a->next = all->first;
	if (a->next)
		a->next->previous = a;
	all->first = a;
	all->n++;
	a->answer = open_file("answer");
	a->notes = open_file("notes");
	if (!a->answer || !a->notes)
		return -errno;
	a->pid = fork();
	if (!a->pid)
		run_child(a, daemon, fn, argument);
	if (a->pid < 0) {
		a->pid = 0;
		return -errno;
	}
	err = sd_event_add_child(all->event, &a->end, a->pid, WEXITED, on_end, a);
	if (err >= 0)
		err = http_watch_hangup(connection, all->event, on_hangup, a, &a->hangup, &a->fd);
	if (err < 0)
		return err;
	a->waiting = true;
	MHD_suspend_connection(connection);
	*ret = TAKE_PTR(a);
	return 0;
}

enum MHD_Result aside_answer(struct aside *a)
{
	static char failed[] = "{\"error\":\"the answer could not be made, see leastcapd's log\"}";
	int fd = a->status ? fcntl(fileno(a->answer), F_DUPFD_CLOEXEC, 3) : -EBADF;
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	struct MHD_Response *response =
		fd < 0 ? MHD_create_response_from_buffer(sizeof(failed) - 1, failed,
							 MHD_RESPMEM_PERSISTENT)
		       : MHD_create_response_from_fd64((uint64_t)size, fd);
	enum MHD_Result result;

	if (!response) {
		if (fd >= 0)
			close(fd);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	result = MHD_queue_response(a->connection,
				    fd < 0 ? MHD_HTTP_INTERNAL_SERVER_ERROR : a->status, response);
	MHD_destroy_response(response);
	return result;
}

bool asides_woken(struct asides *all)
{
	bool woken = all->woken;

	all->woken = false;
	return woken;
}

void asides_end(struct asides *all)
{
	for (struct aside *a = all->first; a; a = a->next)
		go_on(a);
}
