/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/http_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

void http_loop_run(struct http_loop *l)
{
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(l->http);
	if (MHD_get_timeout(l->http, &ms) == MHD_YES) {
		sd_event_source_set_time_relative(l->timer, ms * 1000);
		sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
	} else {
		sd_event_source_set_enabled(l->timer, SD_EVENT_OFF);
	}
}

static int on_ready(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	http_loop_run(ctx);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *ctx)
{
	http_loop_run(ctx);
	return 0;
}

int http_loop_open(struct http_loop *l, sd_event *event, struct MHD_Daemon *http)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(http, MHD_DAEMON_INFO_EPOLL_FD);
	int err;

	*l = (struct http_loop){.http = http};
	if (!info)
		return -EOPNOTSUPP;
	err = sd_event_add_io(event, &l->ready, info->epoll_fd, EPOLLIN, on_ready, l);
	if (err >= 0)
		err = sd_event_add_time_relative(event, &l->timer, CLOCK_MONOTONIC, 0, 1000,
						 on_timer, l);
	return err < 0 ? err : 0;
}

void http_loop_close(struct http_loop *l)
{
	sd_event_source_disable_unref(l->ready);
	sd_event_source_disable_unref(l->timer);
	*l = (struct http_loop){};
}

int http_watch_hangup(struct MHD_Connection *connection, sd_event *event, sd_event_io_handler_t fn,
		      void *ctx, sd_event_source **ret, int *ret_fd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (!info)
		return -EBADF;
	*ret_fd = fcntl(info->connect_fd, F_DUPFD_CLOEXEC, 3);
	if (*ret_fd < 0)
		return -errno;
	/* No events: EPOLLHUP is always told. */
	return sd_event_add_io(event, ret, *ret_fd, 0, fn, ctx);
}

void http_loop_log(void *ctx, const char *fmt, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	log_debug("http: %s", text);
}
