/* SPDX-License-Identifier: GPL-2.0-only */
/* libmicrohttpd on the event loop, in its thread. */
#ifndef LEASTCAP_HTTP_LOOP_H
#define LEASTCAP_HTTP_LOOP_H

#include <microhttpd.h>
#include <systemd/sd-event.h>

struct http_loop {
	struct MHD_Daemon *http; /* borrowed; was started with MHD_USE_EPOLL */
	sd_event_source *ready, *timer;
};

/* -errno. The loop must stay where it is. */
int http_loop_open(struct http_loop *l, sd_event *event, struct MHD_Daemon *http);
void http_loop_run(struct http_loop *l);
void http_loop_close(struct http_loop *l);

/*
 * Calls fn when the client has gone: libmicrohttpd does not look at suspended connections. *ret_fd is a duplicate of the
 * connection's, to be closed behind the source, also on failure where it is not negative. -errno.
 */
int http_watch_hangup(struct MHD_Connection *connection, sd_event *event, sd_event_io_handler_t fn,
		      void *ctx, sd_event_source **ret, int *ret_fd);

/* For MHD_OPTION_EXTERNAL_LOGGER: at level debug. */
void http_loop_log(void *ctx, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

#endif
