/* SPDX-License-Identifier: GPL-2.0-only */
/* What an event was about, as text. The bytes come from what a container controls: everything is checked and cut. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "audit/event.h"
#include "base/cleanup.h"
#include "base/families.h"

static char *sockaddr_text(const uint8_t *data, uint32_t len)
{
	char address[INET6_ADDRSTRLEN] = "", *text = NULL;
	sa_family_t family = AF_UNSPEC;
	int n;

	if (len >= sizeof(family))
		memcpy(&family, data, sizeof(family));
	if (family == AF_INET6 && len >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		struct sockaddr_in6 in6 = {};

		memcpy(&in6, data, offsetof(struct sockaddr_in6, sin6_scope_id));
		inet_ntop(AF_INET6, &in6.sin6_addr, address, sizeof(address));
		n = asprintf(&text, "[%s]:%u", address, ntohs(in6.sin6_port));
	} else if ((family == AF_INET || family == AF_UNSPEC) &&
		   len >= offsetof(struct sockaddr_in, sin_zero)) {
		struct sockaddr_in in = {};

		memcpy(&in, data, offsetof(struct sockaddr_in, sin_zero));
		inet_ntop(AF_INET, &in.sin_addr, address, sizeof(address));
		n = asprintf(&text, "%s:%u", address, ntohs(in.sin_port));
	} else {
		n = asprintf(&text, "family %u", family);
	}
	return n < 0 ? NULL : text;
}

/* A bound name; "@" stands for the NUL of an abstract one, which may hold others. */
static char *unix_text(const uint8_t *data, uint32_t len)
{
	char *text;

	if (!len)
		return strdup("(no name)");
	text = strndup((const char *)data, len);
	if (text && !data[0]) {
		free(text);
		text = malloc(len + 1);
		if (!text)
			return NULL;
		memcpy(text, data, len);
		text[len] = '\0';
		for (uint32_t i = 0; i < len; i++) {
			if (!text[i])
				text[i] = '@';
		}
	}
	return text;
}

/* Components, the last one first. Four of them: the path may have begun earlier. */
static char *path_text(const uint8_t *data, uint32_t len)
{
	uint32_t n = len / LEASTCAP_COMPONENT_LEN;
	bool whole = false;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (uint32_t i = n; i-- > 0;) {
		const char *component = (const char *)data + (size_t)i * LEASTCAP_COMPONENT_LEN;
		int max = (int)strnlen(component, LEASTCAP_COMPONENT_LEN - 1);

		/* A root is called "/". */
		if (i == n - 1 && max == 1 && component[0] == '/') {
			whole = true;
			if (n == 1)
				fputc('/', f);
			continue;
		}
		if (i == n - 1 && !whole && n == LEASTCAP_DETAIL_LEN / LEASTCAP_COMPONENT_LEN)
			fputs("...", f);
		fprintf(f, "/%.*s", max, component);
	}
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

static char *number_text(const struct leastcap_event *e)
{
	char *text = NULL;
	uint64_t number;
	const char *name;
	int n;

	memcpy(&number, e->data, sizeof(number));
	switch (e->item) {
	case LEASTCAP_ITEM_FAMILY:
	case LEASTCAP_ITEM_MODULE_CRYPTO:
		name = family_name(number);
		n = name ? asprintf(&text, "%s", name)
			 : asprintf(&text, "family %llu", (unsigned long long)number);
		break;
	case LEASTCAP_ITEM_CHAR_DEVICE:
	case LEASTCAP_ITEM_BLOCK_DEVICE:
		/* As the kernel has it inside, include/linux/kdev_t.h. */
		n = asprintf(&text, "%u:%u", (unsigned int)(number >> 20),
			     (unsigned int)(number & 0xfffff));
		break;
	default:
		n = asprintf(&text, "%llu", (unsigned long long)number);
	}
	return n < 0 ? NULL : text;
}

char *event_detail(const struct leastcap_event *e)
{
	switch (e->detail) {
	case LEASTCAP_DETAIL_TEXT:
		return strndup((const char *)e->data, e->detail_len);
	case LEASTCAP_DETAIL_SOCKADDR:
		return sockaddr_text(e->data, e->detail_len);
	case LEASTCAP_DETAIL_UNIX:
		return unix_text(e->data, e->detail_len);
	case LEASTCAP_DETAIL_PATH:
		return path_text(e->data, e->detail_len);
	case LEASTCAP_DETAIL_NUMBER:
		return number_text(e);
	default:
		return NULL;
	}
}

json_t *event_arguments(const struct leastcap_event *e)
{
	json_auto_t *list = json_array();

	if (e->detail != LEASTCAP_DETAIL_ARGUMENTS)
		return json_null();
	for (size_t i = 0; i < LEASTCAP_ARGUMENTS; i++) {
		uint64_t number;

		memcpy(&number, e->data + i * sizeof(number), sizeof(number));
		/* Not a number: JSON's have 53 bits for many readers. */
		if (json_array_append_new(list, json_sprintf("0x%llx", (unsigned long long)number)))
			return NULL;
	}
	return json_incref(list);
}

bool event_detail_valid(const struct leastcap_event *e)
{
	if (e->detail_len > sizeof(e->data))
		return false;
	switch (e->detail) {
	case LEASTCAP_DETAIL_NONE:
		return e->detail_len == 0;
	case LEASTCAP_DETAIL_NUMBER:
		return e->detail_len == sizeof(uint64_t);
	case LEASTCAP_DETAIL_ARGUMENTS:
		return e->detail_len == LEASTCAP_ARGUMENTS * sizeof(uint64_t);
	case LEASTCAP_DETAIL_PATH:
		return e->detail_len && e->detail_len % LEASTCAP_COMPONENT_LEN == 0;
	case LEASTCAP_DETAIL_TEXT:
		return e->detail_len && !e->data[e->detail_len - 1];
	case LEASTCAP_DETAIL_SOCKADDR:
	case LEASTCAP_DETAIL_UNIX:
		return true;
	default:
		return false;
	}
}
