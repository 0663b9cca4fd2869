/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/address.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

static int port_parse(const char *text, in_port_t *ret)
{
	uint32_t n = 0;

	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9' || p - text > 4)
			return -EINVAL;
		n = n * 10 + (uint32_t)(*p - '0');
	}
	*ret = htons((uint16_t)n);
	return n && n <= UINT16_MAX ? 0 : -EINVAL;
}

int address_parse(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2] = "";
	size_t len = colon ? (size_t)(colon - text) : 0;

	*ret = (struct sockaddr_storage){};
	if (!len || len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		in6->sin6_family = AF_INET6;
		*ret_len = sizeof(*in6);
		return inet_pton(AF_INET6, host + 1, &in6->sin6_addr) == 1
			       ? port_parse(colon + 1, &in6->sin6_port)
			       : -EINVAL;
	}
	in->sin_family = AF_INET;
	*ret_len = sizeof(*in);
	return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? port_parse(colon + 1, &in->sin_port)
							    : -EINVAL;
}

bool address_is_loopback(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
	return address->ss_family == AF_INET &&
	       ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
}
