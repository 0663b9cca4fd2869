/* SPDX-License-Identifier: GPL-2.0-only */
/* The sockets restriction of the policy language: what each form means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include <leastcap/decide.h>

#include "base/families.h"
#include "policies.h"

static void host_unix_in_all_forms(void **state)
{
	static const struct {
		const char *rules;
		uint32_t deny, would, flags;
		const char *names;
	} want[] = {
		{"deny", RULE(UNIX), 0, LEASTCAP_LIST_UNIX_DENY, ""},
		{"audit", 0, RULE(UNIX), LEASTCAP_LIST_UNIX_DENY, ""},
		{"allow", 0, 0, 0, ""},
		{"{default: deny}", RULE(UNIX), 0, LEASTCAP_LIST_UNIX_DENY, ""},
		{"{default: deny, allow: []}", RULE(UNIX), 0, LEASTCAP_LIST_UNIX_DENY, ""},
		{"{default: deny, allow: [/run/systemd/journal/dev-log, \"@a/b\", /run//x, \"@a/b\"]}",
		 RULE(UNIX), 0, LEASTCAP_LIST_UNIX_DENY,
		 "/run/systemd/journal/dev-log @a/b /run//x"},
		{"{allow: [/run/x], mode: audit}", 0, RULE(UNIX), LEASTCAP_LIST_UNIX_DENY,
		 "/run/x"},
		{"{default: allow, deny: [/run/docker.sock]}", RULE(UNIX), 0, 0,
		 "/run/docker.sock"},
		{"{deny: [/run/docker.sock], mode: enforce}", RULE(UNIX), 0, 0, "/run/docker.sock"},
		{"{default: allow}", 0, 0, 0, ""},
		{"{default: allow, deny: [], mode: audit}", 0, 0, 0, ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		_cleanup_(policy_set_freep) struct policy_set *set = NULL;
		const struct policy *p;
		char rules[256];

		snprintf(rules, sizeof(rules), "sockets: {host-unix: %s}", want[i].rules);
		set = good_rules(rules);
		p = &set->policies[0];
		if (p->deny != want[i].deny || p->would != want[i].would)
			fail_msg("%s: deny %#x would %#x", rules, p->deny, p->would);
		assert_int_equal(p->lists.flags, want[i].flags);
		check_names(p->lists.unix_names, want[i].names);
		assert_int_equal(p->rule_pos[LEASTCAP_RULE_UNIX].column,
				 p->deny | p->would ? 13 : 0);
	}
}

static void families_in_all_forms(void **state)
{
	static const struct {
		const char *rules;
		uint32_t deny, would;
		uint64_t families;
	} want[] = {
		{"deny", RULE(FAMILIES), 0, ~COMMON},
		{"audit", 0, RULE(FAMILIES), ~COMMON},
		{"allow", 0, 0, 0},
		{"{deny: [alg, AF_VSOCK, pf_can]}", RULE(FAMILIES), 0,
		 FAMILY(38) | FAMILY(40) | FAMILY(29)},
		{"{deny: [ALG], mode: audit}", 0, RULE(FAMILIES), FAMILY(38)},
		{"{allow: [unix, inet, inet6]}", RULE(FAMILIES), 0,
		 ~(FAMILY(1) | FAMILY(2) | FAMILY(10))},
		{"{allow: [local, route]}", RULE(FAMILIES), 0, ~(FAMILY(1) | FAMILY(16))},
		{"{allow: []}", RULE(FAMILIES), 0, ~0ULL},
		{"{deny: []}", 0, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		_cleanup_(policy_set_freep) struct policy_set *set = NULL;
		const struct policy *p;
		char rules[256];

		snprintf(rules, sizeof(rules), "sockets: {families: %s}", want[i].rules);
		set = good_rules(rules);
		p = &set->policies[0];
		if (p->deny != want[i].deny || p->would != want[i].would ||
		    p->lists.families != want[i].families)
			fail_msg("%s: deny %#x would %#x families %#llx", rules, p->deny, p->would,
				 (unsigned long long)p->lists.families);
	}
}

/* Against the C library's numbers; both ways, so that a number that is shown can be written. */
static void family_names_have_the_right_numbers(void **state)
{
	static const struct {
		const char *name;
		int family;
	} want[] = {
		{"unix", AF_UNIX},	 {"inet", AF_INET},	{"inet6", AF_INET6},
		{"netlink", AF_NETLINK}, {"packet", AF_PACKET}, {"alg", AF_ALG},
		{"vsock", AF_VSOCK},	 {"can", AF_CAN},	{"bluetooth", AF_BLUETOOTH},
		{"key", AF_KEY},	 {"rds", AF_RDS},	{"tipc", AF_TIPC},
		{"rxrpc", AF_RXRPC},	 {"phonet", AF_PHONET}, {"kcm", AF_KCM},
		{"xdp", AF_XDP},	 {"smc", AF_SMC},	{"x25", AF_X25},
		{"decnet", AF_DECnet},	 {"mctp", 45},		{"ieee802154", AF_IEEE802154},
	};
	int named = 0;

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(family_parse(want[i].name, strlen(want[i].name)), want[i].family);
		assert_string_equal(family_name((uint64_t)want[i].family), want[i].name);
	}
	for (uint64_t n = 0; n < 64; n++) {
		const char *name = family_name(n);

		named += name != NULL;
		if (name)
			assert_int_equal(family_parse(name, strlen(name)), n);
	}
	assert_int_equal(named, 45);
	assert_null(family_name(0));
	assert_null(family_name(1ULL << 32));
}

/* ---- connect ---- */

static void destinations_as_the_kernel_has_them(void **state)
{
	static const struct {
		const char *entry;
		uint32_t bits, port;
		const char *address;
	} want[] = {
		{"10.0.0.0/8", 104, 0, "::ffff:10.0.0.0"},
		{"10.1.2.3", 128, 0, "::ffff:10.1.2.3"},
		{"10.0.0.0/8:443", 104, 443, "::ffff:10.0.0.0"},
		{"0.0.0.0/0", 96, 0, "::ffff:0.0.0.0"},
		{"255.255.255.255/32:65535", 128, 65535, "::ffff:255.255.255.255"},
		{"[2001:db8::/32]:53", 32, 53, "2001:db8::"},
		{"2001:db8::/32", 32, 0, "2001:db8::"},
		{"[2001:db8::1]", 128, 0, "2001:db8::1"},
		{"[2001:db8::1]:1", 128, 1, "2001:db8::1"},
		{"::1", 128, 0, "::1"},
		{"::ffff:10.0.0.0/104", 104, 0, "::ffff:10.0.0.0"},
		{"*:25", 0, 25, "::"},
		{"*", 0, 0, "::"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		_cleanup_(policy_set_freep) struct policy_set *set = NULL;
		const struct policy_lists *l;
		uint8_t address[16];
		char rules[128];

		snprintf(rules, sizeof(rules),
			 "sockets: {connect: {default: allow, deny: [\"%s\"]}}", want[i].entry);
		set = good_rules(rules);
		l = &set->policies[0].lists;
		assert_int_equal(set->policies[0].deny, RULE(CONNECT));
		assert_int_equal(l->flags, 0);
		assert_int_equal(l->n_destinations, 1);
		assert_int_equal(l->destinations[0].prefix,
				 LEASTCAP_DESTINATION_FIXED + want[i].bits);
		assert_int_equal(l->destinations[0].policy[0] | l->destinations[0].policy[1], 0);
		assert_int_equal(l->destinations[0].port, want[i].port);
		assert_int_equal(inet_pton(AF_INET6, want[i].address, address), 1);
		assert_memory_equal(l->destinations[0].address, address, sizeof(address));
		assert_int_equal(l->destination_rules[0].prefix, want[i].bits);
		assert_int_equal(l->destination_rules[0].refuse, 1);
	}
}

static void connect_has_defaults_and_modes(void **state)
{
	static const struct {
		const char *rules;
		uint32_t deny, would, flags;
		size_t n, n_refused;
	} want[] = {
		{"deny", RULE(CONNECT), 0, LEASTCAP_LIST_CONNECT_DENY, 0, 0},
		{"audit", 0, RULE(CONNECT), LEASTCAP_LIST_CONNECT_DENY, 0, 0},
		{"allow", 0, 0, 0, 0, 0},
		{"{default: allow}", 0, 0, 0, 0, 0},
		{"{default: allow, deny: []}", 0, 0, 0, 0, 0},
		{"{default: deny, mode: audit}", 0, RULE(CONNECT), LEASTCAP_LIST_CONNECT_DENY, 0,
		 0},
		{"{allow: [10.0.0.0/8, 10.0.0.0/8]}", RULE(CONNECT), 0, LEASTCAP_LIST_CONNECT_DENY,
		 1, 0},
		{"{deny: [10.0.0.0/8, 10.0.0.1]}", RULE(CONNECT), 0, 0, 2, 2},
		{"{default: allow, deny: [10.0.0.0/8], allow: [10.0.0.1, 10.0.0.2]}", RULE(CONNECT),
		 0, 0, 3, 1},
		{"{default: deny, allow: [10.0.0.0/8], deny: [\"10.0.0.0/8:22\"]}", RULE(CONNECT),
		 0, LEASTCAP_LIST_CONNECT_DENY, 2, 1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		_cleanup_(policy_set_freep) struct policy_set *set = NULL;
		const struct policy_lists *l;
		size_t n_refused = 0;
		char rules[128];

		snprintf(rules, sizeof(rules), "sockets: {connect: %s}", want[i].rules);
		set = good_rules(rules);
		l = &set->policies[0].lists;
		if (set->policies[0].deny != want[i].deny ||
		    set->policies[0].would != want[i].would)
			fail_msg("%s", rules);
		assert_int_equal(l->flags, want[i].flags);
		assert_int_equal(l->n_destinations, want[i].n);
		for (size_t k = 0; k < l->n_destinations; k++)
			n_refused += l->destination_rules[k].refuse;
		assert_int_equal(n_refused, want[i].n_refused);
	}
}

/* A longest-prefix map, as the kernel side looks into it. */
static const struct leastcap_destination_rule *lookup(const struct policy_lists *l,
						      const uint8_t address[16], uint32_t port)
{
	const struct leastcap_destination_rule *best = NULL;

	for (size_t i = 0; i < l->n_destinations; i++) {
		const struct leastcap_destination_rule *rule = &l->destination_rules[i];
		const struct leastcap_destination *d = &l->destinations[i];
		bool match = d->port == port;

		assert_int_equal(d->prefix, LEASTCAP_DESTINATION_FIXED + rule->prefix);
		for (unsigned int bit = 0; match && bit < rule->prefix; bit++)
			match = !((d->address[bit / 8] ^ address[bit / 8]) & 0x80 >> bit % 8);
		if (match && (!best || rule->prefix > best->prefix))
			best = rule;
	}
	return best;
}

static bool refused(const struct policy_lists *l, const char *text, uint32_t port)
{
	uint8_t address[16] = {[10] = 0xff, [11] = 0xff};

	if (inet_pton(AF_INET, text, address + 12) != 1)
		assert_int_equal(inet_pton(AF_INET6, text, address), 1);
	return leastcap_destination_refused(lookup(l, address, port), lookup(l, address, 0),
					    (l->flags & LEASTCAP_LIST_CONNECT_DENY) != 0);
}

static void the_longest_prefix_counts(void **state)
{
	static const struct {
		const char *rules, *refused[6], *allowed[6]; /* "ADDRESS PORT" */
	} want[] = {
		{"{default: allow, deny: [10.0.0.0/8], allow: [10.1.0.0/16]}",
		 {"10.2.0.1 80", "10.0.0.0 1"},
		 {"10.1.0.1 80", "11.0.0.1 80", "2001:db8::1 80"}},
		{"{default: deny, allow: [10.0.0.0/8], deny: [\"10.0.0.0/8:22\"]}",
		 {"10.1.1.1 22", "11.0.0.1 80", "::1 80"},
		 {"10.1.1.1 23"}},
		/* The longer prefix, whether it has a port or not. */
		{"{default: deny, allow: [10.1.0.0/16], deny: [\"10.0.0.0/8:22\"]}",
		 {"10.2.1.1 22", "10.2.1.1 80"},
		 {"10.1.1.1 22", "10.1.1.1 80"}},
		{"{default: allow, deny: [\"*:25\"]}",
		 {"1.2.3.4 25", "2001:db8::1 25"},
		 {"1.2.3.4 26", "2001:db8::1 26"}},
		{"{default: allow, deny: [\"*\"], allow: [\"*:53\"]}",
		 {"1.2.3.4 25", "::1 52"},
		 {"1.2.3.4 53", "::1 53"}},
		/* All of IPv6, and none of IPv4. */
		{"{default: deny, allow: [\"::/0\"]}",
		 {"1.2.3.4 25", "::ffff:1.2.3.4 53"},
		 {"::1 80", "2001:db8::1 80", "ff02::1 80", "::fffe:1.2.3.4 80"}},
		{"{default: allow, deny: [\"::/0\"]}",
		 {"::1 80", "2001:db8::1 80", "8000::1 1"},
		 {"1.2.3.4 25"}},
		{"{default: deny, allow: [0.0.0.0/0]}",
		 {"::1 80", "2001:db8::1 80"},
		 {"1.2.3.4 25"}},
		{"{default: deny, allow: [\"::/0\", 0.0.0.0/0]}",
		 {NULL},
		 {"::1 80", "2001:db8::1 80", "1.2.3.4 25"}},
		{"{default: allow, deny: [\"::/0\"], allow: [0.0.0.0/0, \"2001:db8::/32\"]}",
		 {"::1 80"},
		 {"2001:db8::1 80", "1.2.3.4 25"}},
		{"{default: deny, allow: [\"[::/0]:53\"]}",
		 {"1.2.3.4 53", "1.2.3.4 80", "::1 80"},
		 {"::1 53"}},
		{"{default: deny, allow: [\"::/16\"]}", {"1.2.3.4 53", "1::1 80"}, {"::1 53"}},
		{"{default: allow, deny: [\"::/0\", \"*:25\"]}",
		 {"1.2.3.4 25", "::1 25", "::1 26"},
		 {"1.2.3.4 26"}},
		{"{default: deny, allow: [\"::/0\", \"*:25\"]}",
		 {"1.2.3.4 26"},
		 {"1.2.3.4 25", "::1 25", "::1 26"}},
		{"{default: deny, allow: [\"*\"], deny: [\"[::/0]:25\", \"::/0\"]}",
		 {"::1 25", "::1 26"},
		 {"1.2.3.4 25", "1.2.3.4 26"}},
		{"{default: deny, allow: [0.0.0.0/0], deny: [\"*:25\", \"[::/0]:25\"]}",
		 {"::1 25", "::1 26"},
		 {"1.2.3.4 25", "1.2.3.4 26"}},
		{"{default: deny, allow: [\"[::/0]:25\"], deny: [\"*:25\"]}",
		 {"1.2.3.4 25", "::1 26"},
		 {"::1 25"}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		_cleanup_(policy_set_freep) struct policy_set *set = NULL;
		char rules[256];

		snprintf(rules, sizeof(rules), "sockets: {connect: %s}", want[i].rules);
		set = good_rules(rules);
		for (size_t k = 0; k < 2 * ARRAY_SIZE(want[i].refused); k++) {
			bool refuse = k % 2;
			const char *text = (refuse ? want[i].refused : want[i].allowed)[k / 2];
			unsigned int port;
			char address[64];

			if (!text)
				continue;
			assert_int_equal(sscanf(text, "%63s %u", address, &port), 2);
			if (refused(&set->policies[0].lists, address, port) != refuse)
				fail_msg("%s: %s is %s", rules, text,
					 refuse ? "allowed" : "refused");
		}
	}
}

/* Of the entries that say something of an address the longest counts, and of two of one length the one with a port. */
static void any_mix_of_destinations_means_what_is_written(void **state)
{
	static const struct {
		const char *text, *begin; /* what addresses in it begin with */
		int family; /* 0: any */
		unsigned int length, port;
	} entries[] = {
		{"*", "", 0, 0, 0},
		{"*:25", "", 0, 0, 25},
		/* Narrower than "*". */
		{"::/0", "", AF_INET6, 1, 0},
		{"[::/0]:25", "", AF_INET6, 1, 25},
		{"::/64", "::", AF_INET6, 64, 0},
		{"0.0.0.0/0", "", AF_INET, 96, 0},
		{"0.0.0.0/0:25", "", AF_INET, 96, 25},
		{"10.0.0.0/8:53", "10.", AF_INET, 104, 53},
	};
	static const char *const addresses[] = {"10.0.0.1", "9.9.9.9", "::1", "::fffe:0:1",
						"2001:db8::1"};
	static const unsigned int ports[] = {25, 53, 80};
	unsigned int n_mixes = 1;

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		n_mixes *= 3;
	for (unsigned int mix = 0; mix < 2 * n_mixes; mix++) {
		_cleanup_(policy_set_freep) struct policy_set *set = NULL;
		/* The address that is always denied keeps the list from being empty. */
		char lists[3][256] = {"", "", "\"192.0.2.1\""}, rules[700];
		unsigned int left = mix / 2, said[ARRAY_SIZE(entries)];

		for (size_t i = 0; i < ARRAY_SIZE(entries); i++, left /= 3) {
			char *list = lists[left % 3];

			said[i] = left % 3; /* not at all, allowed, denied */
			sprintf(list + strlen(list), "%s\"%s\"", *list ? ", " : "",
				entries[i].text);
		}
		snprintf(rules, sizeof(rules),
			 "sockets: {connect: {default: %s, allow: [%s], deny: [%s]}}",
			 mix % 2 ? "deny" : "allow", lists[1], lists[2]);
		set = good_rules(rules);
		for (size_t k = 0; k < ARRAY_SIZE(addresses) * ARRAY_SIZE(ports); k++) {
			const char *address = addresses[k / ARRAY_SIZE(ports)];
			unsigned int port = ports[k % ARRAY_SIZE(ports)];
			int family = strchr(address, ':') ? AF_INET6 : AF_INET, best = -1;
			bool want;

			for (int i = 0; i < (int)ARRAY_SIZE(entries); i++) {
				if (!said[i] ||
				    (entries[i].family && entries[i].family != family) ||
				    (entries[i].port && entries[i].port != port) ||
				    strncmp(address, entries[i].begin, strlen(entries[i].begin)))
					continue;
				/* They are in the order of their weight. */
				best = i;
			}
			want = best < 0 ? mix % 2 : said[best] == 2;
			if (refused(&set->policies[0].lists, address, port) != want)
				fail_msg("%s: %s %u is %s", rules, address, port,
					 want ? "allowed" : "refused");
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_unix_in_all_forms),
		cmocka_unit_test(families_in_all_forms),
		cmocka_unit_test(family_names_have_the_right_numbers),
		cmocka_unit_test(destinations_as_the_kernel_has_them),
		cmocka_unit_test(connect_has_defaults_and_modes),
		cmocka_unit_test(the_longest_prefix_counts),
		cmocka_unit_test(any_mix_of_destinations_means_what_is_written),
	};

	return cmocka_run_group_tests_name("sockets", tests, NULL, NULL);
}
