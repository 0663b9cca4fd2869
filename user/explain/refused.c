/* SPDX-License-Identifier: GPL-2.0-only */
#include "explain/refused.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <leastcap/decide.h>

#include "base/caps.h"
#include "base/families.h"
#include "base/words.h"

/* ---- words of an event ---- */

/* More than any restriction has items. */
#define ITEMS 64

static uint32_t find_item(uint32_t restriction, const char *word)
{
	for (uint32_t n = 0; n < ITEMS; n++) {
		uint32_t item = LEASTCAP_ITEMS(restriction) + n;
		const char *known = word_item(item);

		if (known && !strcmp(known, word))
			return item;
	}
	return 0;
}

struct refused refused_capability(unsigned int cap)
{
	return (struct refused){.item = cap, .rule = -1};
}

int refused_of_event(const json_t *event, struct refused *ret)
{
	const char *type = json_string_value(json_object_get(event, "type"));
	const char *word = json_string_value(json_object_get(event, "item"));
	const char *name = json_string_value(json_object_get(event, "restriction"));
	uint32_t restriction = 0;
	int cap;

	if (!type || (strcmp(type, "denied") != 0 && strcmp(type, "would-deny") != 0))
		return -EBADMSG;
	while (name && restriction < LEASTCAP_RESTRICTIONS &&
	       strcmp(word_restriction(restriction), name) != 0)
		restriction++;
	if (!name || restriction == LEASTCAP_RESTRICTIONS)
		return -ENOENT;
	if (!word)
		return -ENODATA;
	cap = restriction ? -ENOENT : caps_parse(word, strlen(word));
	*ret = (struct refused){
		.item = cap >= 0 ? (uint32_t)cap : find_item(restriction, word),
		.detail = json_string_value(json_object_get(event, "detail")),
	};
	if (cap < 0 && !ret->item)
		return -ENODATA;
	ret->rule = cap >= 0 ? -1 : item_rule(restriction, ret->item);
	return 0;
}

/* ---- addresses ---- */

static const uint8_t ipv4_range[12] = {[10] = 0xff, [11] = 0xff};

/* The address that is judged in place of one that means "this host". */
static void as_judged(uint8_t address[16])
{
	static const uint8_t any[16];

	if (!memcmp(address, any, sizeof(any)))
		address[15] = 1;
	else if (!memcmp(address, ipv4_range, sizeof(ipv4_range)) && !memcmp(address + 12, any, 4))
		memcpy(address + 12, (uint8_t[]){127, 0, 0, 1}, 4);
}

int refused_address(const char *detail, uint8_t ret_address[16], uint16_t *ret_port)
{
	char text[INET6_ADDRSTRLEN + 16], *host = text, *port, *end;
	bool ipv6 = detail[0] == '[';
	unsigned long number;

	if (strlen(detail) >= sizeof(text))
		return -EINVAL;
	strcpy(text, detail);
	port = strrchr(text, ':');
	if (!port || (ipv6 && (port == text || port[-1] != ']')))
		return -EINVAL;
	port[ipv6 ? -1 : 0] = '\0';
	host += ipv6;
	number = strtoul(port + 1, &end, 10);
	if (port[1] < '0' || port[1] > '9' || *end || number > UINT16_MAX)
		return -EINVAL;
	if (!ipv6)
		memcpy(ret_address, ipv4_range, sizeof(ipv4_range));
	if (inet_pton(ipv6 ? AF_INET6 : AF_INET, host, ret_address + (ipv6 ? 0 : 12)) != 1)
		return -EINVAL;
	as_judged(ret_address);
	*ret_port = (uint16_t)number;
	return 0;
}

static bool address_fits(const struct leastcap_destination *d, const uint8_t address[16],
			 uint16_t port)
{
	unsigned int bits = d->prefix - LEASTCAP_DESTINATION_FIXED, bytes = bits / 8;

	if ((d->port && d->port != port) || memcmp(d->address, address, bytes))
		return false;
	return bits % 8 == 0 || (d->address[bytes] ^ address[bytes]) >> (8 - bits % 8) == 0;
}

/* The longest prefix decides, and of two as long the one with a port, as in the kernel. */
static enum refuses connect_refuses(const struct policy_lists *l, const char *detail)
{
	bool refused = l->flags & LEASTCAP_LIST_CONNECT_DENY;
	uint8_t address[16];
	uint32_t best = 0;
	uint16_t port;

	if (!detail || refused_address(detail, address, &port))
		return REFUSES_MAYBE;
	for (size_t i = 0; i < l->n_destinations; i++) {
		const struct leastcap_destination *d = &l->destinations[i];
		uint32_t weight = d->prefix * 2 + !!d->port;

		if (weight > best && address_fits(d, address, port)) {
			best = weight;
			refused = l->destination_rules[i].refuse;
		}
	}
	return refused ? REFUSES : REFUSES_NOT;
}

/* ---- the other lists ---- */

static bool in_list(char *const *names, const char *name)
{
	for (; names && *names; names++) {
		if (!strcmp(*names, name))
			return true;
	}
	return false;
}

static enum refuses unix_refuses(const struct policy_lists *l, const char *detail)
{
	bool deny = l->flags & LEASTCAP_LIST_UNIX_DENY;

	if (!detail)
		return REFUSES_MAYBE;
	return in_list(l->unix_names, detail) != deny ? REFUSES : REFUSES_NOT;
}

static enum refuses family_refuses(const struct policy_lists *l, const char *detail)
{
	for (uint64_t family = 0; detail && family < 64; family++) {
		const char *name = family_name(family);

		if (name && !strcmp(name, detail))
			return l->families >> family & 1 ? REFUSES : REFUSES_NOT;
	}
	return REFUSES_MAYBE;
}

/* Where there is no type in an event there is a path, as the file system itself has it: of its beginning, or of names that
 * only one type has. */
static const char *type_of_path(const char *path)
{
	static const struct {
		const char *begin, *type;
	} known[] = {
		{"/sys/", "proc"},     {"/sysrq-trigger", "proc"}, {"/irq/", "proc"},
		{"/class/", "sysfs"},  {"/devices/", "sysfs"},	   {"/kernel/", "sysfs"},
		{"/module/", "sysfs"}, {"/bus/", "sysfs"},	   {"/block/", "sysfs"},
		{"/power/", "sysfs"},  {"/firmware/", "sysfs"},
	};
	const char *base = strrchr(path, '/');

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (!strncmp(path, known[i].begin, strlen(known[i].begin)))
			return known[i].type;
	}
	return base && !strncmp(base, "/cgroup.", strlen("/cgroup.")) ? "cgroup2" : NULL;
}

const char *refused_filesystem(const struct refused *r, char *const *types)
{
	const char *type = r->detail;

	if (type && (*type == '/' || *type == '.'))
		type = type_of_path(type);
	for (size_t i = 0; type && types && types[i]; i++) {
		if (!strcmp(types[i], type))
			return types[i];
	}
	return NULL;
}

static enum refuses filesystem_refuses(const struct policy_lists *l, const struct refused *r)
{
	bool write = r->item != LEASTCAP_ITEM_FS_OPEN;

	if (refused_filesystem(r, l->fs_deny) || (write && refused_filesystem(r, l->fs_read_only)))
		return r->item == LEASTCAP_ITEM_FS_RECEIVE ? REFUSES_MAYBE : REFUSES;
	return !r->detail || *r->detail == '/' || *r->detail == '.' ? REFUSES_MAYBE : REFUSES_NOT;
}

static enum refuses attributes_refuse(const struct policy_lists *l, uint32_t item)
{
	bool own = l->flags & LEASTCAP_LIST_OWN_FILES;

	return own && item != LEASTCAP_ITEM_SETUID_FILE ? REFUSES_MAYBE : REFUSES;
}

/* ---- a policy ---- */

static enum refuses list_refuses(const struct policy_lists *l, const struct refused *r)
{
	switch (r->rule) {
	case LEASTCAP_RULE_UNIX:
		return unix_refuses(l, r->detail);
	case LEASTCAP_RULE_CONNECT:
		return r->item == LEASTCAP_ITEM_CONNECT ? connect_refuses(l, r->detail) : REFUSES;
	case LEASTCAP_RULE_FAMILIES:
		return family_refuses(l, r->detail);
	case LEASTCAP_RULE_FILESYSTEMS:
		return filesystem_refuses(l, r);
	case LEASTCAP_RULE_ATTRIBUTES:
		return attributes_refuse(l, r->item);
	default:
		return REFUSES;
	}
}

enum refuses policy_refuses(const struct policy *p, const struct refused *r)
{
	uint32_t rules = p->deny | p->would;

	if (r->rule < 0)
		return leastcap_allows(p->allow, rules, r->item) ? REFUSES_NOT : REFUSES;
	return rules & LEASTCAP_RULE_BIT(r->rule) ? list_refuses(&p->lists, r) : REFUSES_NOT;
}
