/* SPDX-License-Identifier: GPL-2.0-only */
/* The service manager, asked over D-Bus, with an end to the waiting. */
#ifndef LEASTCAP_MANAGER_H
#define LEASTCAP_MANAGER_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#define MANAGER "org.freedesktop.systemd1"
#define MANAGER_OBJECT "/org/freedesktop/systemd1"

/* One question, with everything it takes. */
#define MANAGER_LIMIT_USEC (2 * 1000000ULL)

/* Deadlines are those of now_usec(). direct: at its own socket, which is root's, and is there for as long as it is; else over the
 * bus of the system. */
int manager_open(bool direct, uint64_t deadline, sd_bus **ret);
int manager_call(sd_bus *bus, sd_bus_message *m, uint64_t deadline, sd_bus_message **ret);

/* A property that is text; to be freed. */
int manager_get(sd_bus *bus, const char *object, const char *interface, const char *name,
		uint64_t deadline, char **ret);

/* Is the system going down, or being booted anew? */
bool manager_stops(void);

void manager_closep(sd_bus **bus);
void manager_message_donep(sd_bus_message **m);

#endif
