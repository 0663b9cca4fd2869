/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * syslog, RFC 5424, in datagrams: to a unix socket, or by UDP. The message is the event's JSON behind "@cee: ", by which
 * collectors know that it is JSON; it has no control characters, so it is one line. Half of a JSON is none: what is longer
 * than collectors take is cut within its texts.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "audit/fit.h"
#include "audit/message.h"
#include "audit/output.h"
#include "base/address.h"
#include "base/cleanup.h"

#define FACILITY_AUTHPRIV 10
/* rsyslog cuts what is longer than 8k unless it is told otherwise ($MaxMessageSize); its own fields count. */
#define SYSLOG_MAX 8000
/* Of what stands before the JSON: the words of the header, and some numbers. */
#define HEADER_MAX (256 + 64 + 33 + 64)

/* A word of the header: printable ASCII without spaces; "-" for none. */
static void word(char *buf, size_t size, const char *text)
{
	size_t n = 0;

	for (; text[n] && n < size - 1; n++)
		buf[n] = text[n] > ' ' && text[n] < 0x7f ? text[n] : '_';
	if (!n)
		buf[n++] = '-';
	buf[n] = '\0';
}

static char *syslog_text(const json_t *event, const char *line, size_t len, size_t *ret_len)
{
	char host[256], time[64], type[33], *text;
	_cleanup_free_ char *shorter = NULL;
	int n;

	if (len && line[len - 1] == '\n')
		len--;
	if (len > SYSLOG_MAX - HEADER_MAX) {
		line = shorter = fit_event(event, SYSLOG_MAX - HEADER_MAX);
		len = shorter ? strlen(shorter) : 0;
	}
	if (!line)
		return NULL;
	word(host, sizeof(host), message_member(event, "host"));
	word(time, sizeof(time), message_member(event, "time"));
	word(type, sizeof(type), message_member(event, "type"));
	n = asprintf(&text, "<%d>1 %s %s leastcapd %d %s - @cee: %.*s",
		     FACILITY_AUTHPRIV * 8 + message_priority(event), time, host, (int)getpid(),
		     type, (int)len, line);
	if (n < 0)
		return NULL;
	*ret_len = (size_t)n;
	return text;
}

/* UDP is not connected: an error would tell of an earlier datagram, and hold this one up. */
static int syslog_open(struct output *o)
{
	struct sockaddr_storage ip;
	socklen_t len;
	int fd;

	if (o->target[0] == '/')
		return output_connect(o);
	if (address_parse(o->target, &ip, &len))
		return -EINVAL;
	fd = socket(ip.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	o->fd = fd;
	return 0;
}

static ssize_t syslog_write(struct output *o, const char *text, size_t len)
{
	struct sockaddr_storage ip;
	socklen_t ip_len;
	ssize_t n;

	if (o->target[0] == '/')
		n = send(o->fd, text, len, MSG_NOSIGNAL);
	else if (address_parse(o->target, &ip, &ip_len))
		return -EINVAL;
	else
		n = sendto(o->fd, text, len, MSG_NOSIGNAL, (struct sockaddr *)&ip, ip_len);
	return n < 0 ? -errno : n;
}

const struct output_kind output_syslog = {
	.name = "syslog", .open = syslog_open, .text = syslog_text, .write = syslog_write};
