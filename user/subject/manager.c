/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/manager.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/duration.h"

#define PRIVATE_SOCKET "unix:path=/run/systemd/private"

void manager_closep(sd_bus **bus)
{
	sd_bus_close_unref(*bus);
}

void manager_message_donep(sd_bus_message **m)
{
	sd_bus_message_unref(*m);
}

static int connect_to(bool direct, sd_bus **ret)
{
	int err;

	if (!direct)
		return sd_bus_open_system(ret);
	err = sd_bus_new(ret);
	if (err >= 0)
		err = sd_bus_set_address(*ret, PRIVATE_SOCKET);
	return err < 0 ? err : sd_bus_start(*ret);
}

/* sd_bus_call() has no limit while the connection is set up: that is waited for here. */
int manager_open(bool direct, uint64_t deadline, sd_bus **ret)
{
	_cleanup_(manager_closep) sd_bus *bus = NULL;
	int err = connect_to(direct, &bus);

	if (err < 0)
		return err;
	for (;;) {
		uint64_t now;

		err = sd_bus_is_ready(bus);
		if (err < 0)
			return err;
		if (err > 0)
			break;
		err = sd_bus_process(bus, NULL);
		if (err < 0)
			return err;
		if (err > 0)
			continue;
		now = now_usec();
		if (now >= deadline)
			return -ETIMEDOUT;
		err = sd_bus_wait(bus, deadline - now);
		if (err < 0 && err != -EINTR)
			return err;
	}
	*ret = TAKE_PTR(bus);
	return 0;
}

int manager_call(sd_bus *bus, sd_bus_message *m, uint64_t deadline, sd_bus_message **ret)
{
	uint64_t now = now_usec();

	/* 0 would be the default limit, which is long. */
	return now >= deadline ? -ETIMEDOUT : sd_bus_call(bus, m, deadline - now, NULL, ret);
}

int manager_get(sd_bus *bus, const char *object, const char *interface, const char *name,
		uint64_t deadline, char **ret)
{
	_cleanup_(manager_message_donep) sd_bus_message *m = NULL, *reply = NULL;
	const char *value;
	int err;

	err = sd_bus_message_new_method_call(bus, &m, MANAGER, object,
					     "org.freedesktop.DBus.Properties", "Get");
	if (err < 0)
		return err;
	err = sd_bus_message_append(m, "ss", interface, name);
	if (err < 0)
		return err;
	err = manager_call(bus, m, deadline, &reply);
	if (err < 0)
		return err;
	err = sd_bus_message_read(reply, "v", "s", &value);
	if (err < 0)
		return err;
	*ret = strdup(value);
	return *ret ? 0 : -ENOMEM;
}

bool manager_stops(void)
{
	uint64_t deadline = now_usec() + MANAGER_LIMIT_USEC;
	_cleanup_(manager_closep) sd_bus *bus = NULL;
	_cleanup_free_ char *state = NULL;

	/* The bus of the system may have ended already. */
	return !manager_open(true, deadline, &bus) &&
	       !manager_get(bus, MANAGER_OBJECT, MANAGER ".Manager", "SystemState", deadline,
			    &state) &&
	       !strcmp(state, "stopping");
}
