/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lists of `connect`: "10.0.0.0/8", "10.1.2.3:443", "2001:db8::/32", "[2001:db8::/32]:53", "*:25", "*".
 *
 * The kernel side has one space of 128 bits, where IPv4 is ::ffff:0:0/96. So that "::/0" is all of IPv6 and
 * none of IPv4, short IPv6 prefixes that include that range get an entry beside them (keep_ipv4_apart()).
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "policy/internal.h"

/* Of one list. The kernel's map has 131072 for all policies. */
#define DESTINATIONS_MAX 4096

#define IPV4_BITS 96 /* the prefix of ::ffff:0:0 */
#define EXAMPLES "as in 10.0.0.0/8, \"10.1.2.3:443\", \"[2001:db8::/32]:53\" or \"*:25\""

static const uint8_t ipv4_range[16] = {[10] = 0xff, [11] = 0xff};

struct destination {
	struct leastcap_destination key;
	struct leastcap_destination_rule rule;
	struct policy_pos pos;
	size_t order; /* as written */
};

/* The parts of an entry, as written. */
struct text {
	char address[INET6_ADDRSTRLEN];
	const char *bits, *port; /* NULL: none */
	bool ipv6;
	char whole[80];
};

/* ---- text ---- */

/* Digits that are a number from min to max. */
static bool number(const char *text, unsigned int min, unsigned int max, unsigned int *ret)
{
	size_t len = strlen(text);
	unsigned int n = 0;

	if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
		return false;
	for (; *text; text++)
		n = 10 * n + (unsigned int)(*text - '0');
	*ret = n;
	return n >= min && n <= max;
}

/* Takes an entry apart, without a look at what the parts hold. False: it is no address. */
static bool text_split(const struct node *node, struct text *t)
{
	char *s = t->whole, *end, *slash, *colon;
	size_t len;

	if (node->len >= sizeof(t->whole) || strlen(node->text) != node->len)
		return false;
	memcpy(s, node->text, node->len + 1);
	if (*s == '[') {
		end = strchr(++s, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		t->port = end[1] ? end + 2 : NULL;
		*end = '\0';
		t->ipv6 = true;
	} else {
		colon = strchr(s, ':');
		t->ipv6 = colon && strchr(colon + 1, ':');
		if (colon && !t->ipv6) {
			*colon = '\0';
			t->port = colon + 1;
		}
	}
	slash = strchr(s, '/');
	if (slash) {
		*slash = '\0';
		t->bits = slash + 1;
	}
	len = strlen(s);
	if (len >= sizeof(t->address))
		return false;
	memcpy(t->address, s, len + 1);
	return true;
}

/* Clears what is behind the prefix. True: there was something. */
static bool cut(uint8_t address[16], unsigned int prefix)
{
	bool was = false;

	for (unsigned int bit = prefix; bit < 128; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		was |= (address[bit / 8] & mask) != 0;
		address[bit / 8] &= (uint8_t)~mask;
	}
	return was;
}

/* "10.0.0.0/8:443", as an entry is written. */
static void show(const struct leastcap_destination *key, unsigned int prefix, bool ipv6, char *buf,
		 size_t size)
{
	char address[INET6_ADDRSTRLEN] = "", bits[16] = "", port[16] = "";
	unsigned int whole = ipv6 ? 128 : 32, shown = ipv6 ? prefix : prefix - IPV4_BITS;

	inet_ntop(ipv6 ? AF_INET6 : AF_INET, key->address + (ipv6 ? 0 : 12), address,
		  sizeof(address));
	if (shown < whole)
		snprintf(bits, sizeof(bits), "/%u", shown);
	if (key->port)
		snprintf(port, sizeof(port), ":%u", key->port);
	snprintf(buf, size, ipv6 && key->port ? "\"[%s%s]%s\"" : "%s%s%s", address, bits, port);
}

/* ---- one entry ---- */

/* An entry that text_split() did not understand, or whose address is none. */
static void no_address(struct parse *p, const struct node *node)
{
	static const char name_letters[] = "ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ";
	bool a_name = node->text[0] != '[' && strpbrk(node->text, name_letters);

	complain(p, node->pos, a_name ? "names are not resolved: write the address" : EXAMPLES,
		 "connect: %s is no address", quote(node).text);
}

/* False: complained. */
static bool entry_parse(struct parse *p, const struct node *node, struct destination *e,
			bool *ret_ipv6)
{
	struct text t = {};
	unsigned int port = 0, bits, whole;
	bool any;
	char hint[128];

	if (!text_split(node, &t)) {
		no_address(p, node);
		return false;
	}
	any = !strcmp(t.address, "*") && !t.bits && !t.ipv6;
	*ret_ipv6 = t.ipv6;
	if (t.ipv6 && inet_pton(AF_INET6, t.address, e->key.address) != 1 && !any) {
		no_address(p, node);
		return false;
	}
	if (!t.ipv6 && !any) {
		memcpy(e->key.address, ipv4_range, sizeof(ipv4_range));
		if (inet_pton(AF_INET, t.address, e->key.address + 12) != 1) {
			no_address(p, node);
			return false;
		}
	}
	whole = any ? 0 : t.ipv6 ? 128 : 32;
	bits = whole;
	if (t.bits && !number(t.bits, 0, whole, &bits)) {
		complain(p, node->pos,
			 strchr(t.bits, ':') ? "with a port it is written \"[2001:db8::/32]:53\""
					     : NULL,
			 "connect: %s: an IPv%d prefix has 0 to %u bits", quote(node).text,
			 t.ipv6 ? 6 : 4, whole);
		return false;
	}
	if (t.port && !number(t.port, 1, 65535, &port)) {
		complain(p, node->pos, "one port for each entry; without one it is any port",
			 "connect: %s: a port is a number from 1 to 65535", quote(node).text);
		return false;
	}
	e->key.port = port;
	e->rule.prefix = any || t.ipv6 ? bits : IPV4_BITS + bits;
	if (cut(e->key.address, e->rule.prefix)) {
		show(&e->key, e->rule.prefix, t.ipv6, hint, sizeof(hint));
		complain_nearest(p, node->pos, hint, NULL, "connect: %s has bits behind its prefix",
				 quote(node).text);
		return false;
	}
	return true;
}

/* The kernel connects to the loopback address where somebody asks for 0.0.0.0 or ::, and that is what is judged. */
static bool is_never_asked_for(const struct destination *e)
{
	static const uint8_t zero[16];

	return e->rule.prefix == 128 && (!memcmp(e->key.address, zero, sizeof(zero)) ||
					 !memcmp(e->key.address, ipv4_range, sizeof(ipv4_range)));
}

static void append(struct destinations *d, const struct destination *e)
{
	d->entries[d->n] = *e;
	d->entries[d->n].order = d->n;
	d->entries[d->n].key.prefix = LEASTCAP_DESTINATION_FIXED + e->rule.prefix;
	d->n++;
}

static bool reserve(struct parse *p, struct destinations *d, size_t more)
{
	struct destination *entries;

	if (d->n + more <= d->size)
		return true;
	entries = reallocarray(d->entries, d->n + more, sizeof(*entries));
	if (!entries) {
		p->no_memory = true;
		return false;
	}
	d->entries = entries;
	d->size = d->n + more;
	return true;
}

void destinations_add(struct parse *p, struct destinations *d, const struct node *list, bool refuse)
{
	if (!list || !list->n)
		return;
	if (list->n > DESTINATIONS_MAX) {
		complain(p, list->pos, NULL, "connect: more than %d addresses in one list",
			 DESTINATIONS_MAX);
		return;
	}
	/* One entry may become two. */
	if (!reserve(p, d, 2 * list->n))
		return;
	for (const struct node *item = list->first; item; item = item->next) {
		struct destination e = {.rule.refuse = refuse, .pos = item->pos};
		bool ipv6;

		if (!visit(p, item))
			return;
		if (item->kind != NODE_SCALAR || item->null || item->len == 0) {
			complain(p, item->pos, EXAMPLES, "an address is expected here");
			continue;
		}
		if (!entry_parse(p, item, &e, &ipv6))
			continue;
		if (is_never_asked_for(&e)) {
			complain_nearest(p, item->pos,
					 ipv6 ? "::1 or ::/0" : "127.0.0.1 or 0.0.0.0/0", NULL,
					 "connect: %s is connected to as the loopback address",
					 quote(item).text);
			continue;
		}
		/* "*" has the prefix of length 0 for itself. */
		if (ipv6 && e.rule.prefix == 0) {
			e.rule.prefix = 1;
			append(d, &e);
			e.key.address[0] = 0x80;
		}
		append(d, &e);
	}
}

/* ---- all entries ---- */

/* 0: the same. Otherwise an order, of no other meaning. */
static int compare_keys(const struct destination *a, const struct destination *b)
{
	return memcmp(&a->key, &b->key, sizeof(a->key));
}

static int by_key(const void *a, const void *b)
{
	const struct destination *x = a, *y = b;
	int order = compare_keys(x, y);

	return order ? order : x->order < y->order ? -1 : 1;
}

static int by_order(const void *a, const void *b)
{
	const struct destination *x = a, *y = b;

	return x->order < y->order ? -1 : 1;
}

/* Of entries with the same key the first one stays. Afterwards they are in the order of by_key(). */
static void unite(struct parse *p, struct destinations *d)
{
	struct policy_pos said = {};
	size_t n = 0;

	qsort(d->entries, d->n, sizeof(*d->entries), by_key);
	for (size_t i = 0; i < d->n; i++) {
		const struct destination *e = &d->entries[i];
		const struct destination *last = n ? &d->entries[n - 1] : NULL;

		if (!last || compare_keys(last, e)) {
			d->entries[n++] = *e;
			continue;
		}
		/* The halves of "::/0" are one mistake. */
		if (last->rule.refuse == e->rule.refuse || !memcmp(&said, &e->pos, sizeof(said)))
			continue;
		said = e->pos;
		complain(p, e->pos, NULL,
			 "connect: both allowed and denied; the other one is at line %u, "
			 "column %u",
			 last->pos.line, last->pos.column);
	}
	d->n = n;
}

static const struct destination *find(const struct destinations *sorted, unsigned int prefix,
				      const uint8_t address[16], unsigned int port)
{
	struct destination want = {
		.key = {.prefix = LEASTCAP_DESTINATION_FIXED + prefix, .port = port}};
	size_t low = 0, high = sorted->n;

	memcpy(want.key.address, address, sizeof(want.key.address));
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_keys(&sorted->entries[middle], &want);

		if (!order)
			return &sorted->entries[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Is it a prefix of IPv6, not "*", that IPv4 lies within? */
static bool covers_ipv4(const struct destination *e)
{
	uint8_t address[16];

	if (e->rule.prefix == 0 || e->rule.prefix >= IPV4_BITS)
		return false;
	memcpy(address, ipv4_range, sizeof(address));
	cut(address, e->rule.prefix);
	return !memcmp(address, e->key.address, sizeof(address));
}

/* The entry for all of IPv4 at this port that says what would be said without IPv6's. */
static void add_ipv4(const struct destinations *sorted, struct destinations *added,
		     unsigned int port, struct policy_pos pos, bool otherwise)
{
	static const uint8_t zero[16];
	struct destination e = {
		.key.port = port, .rule = {.prefix = IPV4_BITS, .refuse = otherwise}, .pos = pos};
	const struct destination *said;

	if (find(sorted, IPV4_BITS, ipv4_range, port))
		return;
	for (size_t i = 0; i < added->n; i++) {
		if (added->entries[i].key.port == port)
			return;
	}
	said = port ? find(sorted, IPV4_BITS, ipv4_range, 0) : NULL;
	if (!said)
		said = find(sorted, 0, zero, port);
	if (!said)
		said = find(sorted, 0, zero, 0);
	if (said)
		e.rule.refuse = said->rule.refuse;
	memcpy(e.key.address, ipv4_range, sizeof(ipv4_range));
	append(added, &e);
}

/*
 * An entry for any port hides shorter ones for a port, so that all "*:port" are repeated as well where one for any port
 * is added.
 */
static void keep_ipv4_apart(struct parse *p, struct destinations *d, bool otherwise)
{
	struct destinations added = {};
	bool any_port = false;

	for (size_t i = 0; i < d->n; i++)
		any_port |= covers_ipv4(&d->entries[i]) && d->entries[i].key.port == 0;
	any_port = any_port && !find(d, IPV4_BITS, ipv4_range, 0);
	for (size_t i = 0; i < d->n; i++) {
		const struct destination *e = &d->entries[i];

		if (!covers_ipv4(e) && !(any_port && e->rule.prefix == 0 && e->key.port))
			continue;
		if (!reserve(p, &added, 1))
			break;
		add_ipv4(d, &added, e->key.port, e->pos, otherwise);
	}
	qsort(d->entries, d->n, sizeof(*d->entries), by_order);
	if (added.n && reserve(p, d, added.n)) {
		memcpy(d->entries + d->n, added.entries, added.n * sizeof(*added.entries));
		d->n += added.n;
	}
	free(added.entries);
}

void destinations_finish(struct parse *p, struct destinations *d, bool otherwise,
			 struct policy_lists *lists)
{
	if (d->n > 0) {
		unite(p, d);
		keep_ipv4_apart(p, d, otherwise);
		lists->destinations = calloc(d->n, sizeof(*lists->destinations));
		lists->destination_rules = calloc(d->n, sizeof(*lists->destination_rules));
		if (!lists->destinations || !lists->destination_rules) {
			p->no_memory = true;
			d->n = 0;
		}
		for (size_t i = 0; i < d->n; i++) {
			lists->destinations[i] = d->entries[i].key;
			lists->destination_rules[i] = d->entries[i].rule;
			if (!places_note(lists, POLICY_LIST_CONNECT, i, d->entries[i].pos))
				p->no_memory = true;
		}
		lists->n_destinations = d->n;
	}
	free(d->entries);
	*d = (struct destinations){};
}
