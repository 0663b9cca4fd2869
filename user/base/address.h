/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses of options: "192.0.2.1:514", "[2001:db8::1]:514". Names are not looked up: that would wait. */
#ifndef LEASTCAP_ADDRESS_H
#define LEASTCAP_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* -EINVAL: no address with a port from 1 to 65535. */
int address_parse(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len);

/* 127.0.0.0/8 or ::1. */
bool address_is_loopback(const struct sockaddr_storage *address);

#endif
