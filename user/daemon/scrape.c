/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/scrape.h"

#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "audit/prom.h"
#include "base/address.h"
#include "base/duration.h"
#include "base/log.h"
#include "daemon/http_loop.h"

#define CONNECTIONS_MAX 8U
#define IDLE_S 10U
/* Whoever asks more often gets what was there: anybody may ask. */
#define FRESH_NS 1000000000ULL

struct scrape {
	struct MHD_Daemon *http;
	struct http_loop loop;
	struct state *state;
	char *text; /* the last answer; NULL: none */
	uint64_t made; /* boot_now() */
};

static enum MHD_Result answer(struct MHD_Connection *c, unsigned int status, const char *type,
			      const char *text)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET");
	result = MHD_queue_response(c, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result handle(void *ctx, struct MHD_Connection *c, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *size, void **request)
{
	struct scrape *s = ctx;

	/* The headers have come; the answer follows a body, which nobody needs. */
	if (!*request || *size) {
		*request = s;
		*size = 0;
		return MHD_YES;
	}
	if (strcmp(url, "/metrics"))
		return answer(c, MHD_HTTP_NOT_FOUND, "text/plain", "only /metrics is here\n");
	if (strcmp(method, MHD_HTTP_METHOD_GET))
		return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", "GET only\n");
	if (!s->text || boot_now() - s->made > FRESH_NS) {
		free(s->text);
		s->text = state_metrics(s->state);
		s->made = boot_now();
	}
	if (!s->text)
		return answer(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain", "out of memory\n");
	return answer(c, MHD_HTTP_OK, PROM_CONTENT_TYPE, s->text);
}

static int listen_at(const char *text)
{
	struct sockaddr_storage address;
	socklen_t len;
	_cleanup_close_ int fd = -EBADF;

	if (address_parse(text, &address, &len))
		return -EINVAL;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) ||
	    bind(fd, (struct sockaddr *)&address, len) || listen(fd, 16))
		return -errno;
	return TAKE_FD(fd);
}

int scrape_open(const char *address, sd_event *event, struct state *state, struct scrape **ret)
{
	_cleanup_(scrape_freep) struct scrape *s = calloc(1, sizeof(*s));
	int fd = s ? listen_at(address) : -ENOMEM, err;

	if (fd == -EAFNOSUPPORT)
		return log_err(fd,
			       "cannot listen on %s (the service needs "
			       "RestrictAddressFamilies=AF_INET AF_INET6, see leastcapd(8))",
			       address);
	if (fd < 0)
		return log_err(fd, "cannot listen on %s, going on without it", address);
	s->state = state;
	/* Owned by libmicrohttpd from here on. */
	s->http = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle, s,
				   MHD_OPTION_EXTERNAL_LOGGER, http_loop_log, NULL,
				   MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				   CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
				   MHD_OPTION_END);
	err = s->http ? http_loop_open(&s->loop, event, s->http) : -EIO;
	if (err)
		return log_err(err, "cannot serve %s, going on without it", address);
	log_info("metrics: http://%s/metrics", address);
	*ret = TAKE_PTR(s);
	return 0;
}

struct scrape *scrape_free(struct scrape *s)
{
	if (!s)
		return NULL;
	if (s->http)
		MHD_stop_daemon(s->http);
	http_loop_close(&s->loop);
	free(s->text);
	free(s);
	return NULL;
}
