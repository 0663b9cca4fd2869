/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/families.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/nearest.h"

/*
 * include/linux/socket.h up to AF_MCTP, without AF_UNSPEC, of which there are no sockets. By number: older C libraries
 * know fewer. Where two names have one number the first one is shown.
 */
static const struct {
	const char *name;
	int family;
} families[] = {
	{"unix", 1},	  {"local", 1},	   {"inet", 2},	       {"ax25", 3},	{"ipx", 4},
	{"appletalk", 5}, {"netrom", 6},   {"bridge", 7},      {"atmpvc", 8},	{"x25", 9},
	{"inet6", 10},	  {"rose", 11},	   {"decnet", 12},     {"netbeui", 13}, {"security", 14},
	{"key", 15},	  {"netlink", 16}, {"route", 16},      {"packet", 17},	{"ash", 18},
	{"econet", 19},	  {"atmsvc", 20},  {"rds", 21},	       {"sna", 22},	{"irda", 23},
	{"pppox", 24},	  {"wanpipe", 25}, {"llc", 26},	       {"ib", 27},	{"mpls", 28},
	{"can", 29},	  {"tipc", 30},	   {"bluetooth", 31},  {"iucv", 32},	{"rxrpc", 33},
	{"isdn", 34},	  {"phonet", 35},  {"ieee802154", 36}, {"caif", 37},	{"alg", 38},
	{"nfc", 39},	  {"vsock", 40},   {"kcm", 41},	       {"qipcrtr", 42}, {"smc", 43},
	{"xdp", 44},	  {"mctp", 45},
};

const char *family_name(uint64_t family)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		if ((uint64_t)families[i].family == family)
			return families[i].name;
	}
	return NULL;
}

/* Passes over AF_ or PF_. */
static const char *stem(const char *name, size_t *len)
{
	if (*len < 3 || (strncasecmp(name, "AF_", 3) && strncasecmp(name, "PF_", 3)))
		return name;
	*len -= 3;
	return name + 3;
}

int family_parse(const char *name, size_t len)
{
	name = stem(name, &len);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		if (strlen(families[i].name) == len && !strncasecmp(families[i].name, name, len))
			return families[i].family;
	}
	return -ENOENT;
}

const char *family_nearest(const char *name, size_t len)
{
	const char *words[ARRAY_SIZE(families) + 1] = {};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		words[i] = families[i].name;
	name = stem(name, &len);
	return nearest_word(name, len, words);
}
