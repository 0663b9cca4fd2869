/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The journal, by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL). Not by sd_journal_sendv(): that waits for a
 * journald that is stopped, and the daemon with it, and says nothing where there is none.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "audit/event.h"
#include "audit/fields.h"
#include "audit/message.h"
#include "audit/output.h"
#include "audit/sink.h"
#include "base/cleanup.h"

/* What events a MESSAGE_ID is of; deploy/leastcap.catalog explains each. */
static const struct {
	const char *type, *id;
} ids[] = {
	{"denied", SINK_ID_DENIED}, {"would-deny", SINK_ID_WOULD_DENY}, {"lost", SINK_ID_LOST},
	{"sink", SINK_ID_LOST},	    {"proof", SINK_ID_PROOF},
};

static const char *message_id(const json_t *event)
{
	const char *type = message_member(event, "type");

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		if (!strcmp(type, ids[i].type))
			return ids[i].id;
	}
	return SINK_ID_OTHER;
}

static const struct field fields[] = {
	{"LEASTCAP_TYPE", NULL, "type"},
	{"LEASTCAP_SEQ", NULL, "seq"},
	{"LEASTCAP_CGROUP", "subject", "cgroup"},
	{"LEASTCAP_BINDING", "subject", "binding"},
	{"LEASTCAP_CONTAINER", "subject", "container"},
	{"LEASTCAP_CONTAINER_NAME", "subject", "name"},
	{"LEASTCAP_IMAGE", "subject", "image"},
	{"LEASTCAP_LABELS", "subject", "labels"},
	{"LEASTCAP_POD", "subject", "pod"},
	{"LEASTCAP_NAMESPACE", "subject", "namespace"},
	{"LEASTCAP_UNIT", "subject", "unit"},
	{"LEASTCAP_PID", "process", "pid"},
	/* The journal adds what it knows of this process, its unit for one: journalctl -u finds the event. */
	{"OBJECT_PID", "process", "pid"},
	{"LEASTCAP_UID", "process", "uid"},
	{"LEASTCAP_COMM", "process", "comm"},
	{"LEASTCAP_EXE", "process", "exe"},
	{"LEASTCAP_ARGS", "process", "args"},
	{"LEASTCAP_CONTAINER_PID", "process", "container_pid"},
	{"LEASTCAP_PPID", "process", "ppid"},
	{"LEASTCAP_PARENT", "process", "parent"},
	{"LEASTCAP_VERDICT", NULL, "verdict"},
	{"LEASTCAP_RESTRICTION", NULL, "restriction"},
	{"LEASTCAP_ITEM", NULL, "item"},
	{"LEASTCAP_DETAIL", NULL, "detail"},
	{"LEASTCAP_SYSCALL", NULL, "syscall"},
	{"LEASTCAP_SYSCALL_ARGUMENTS", NULL, "syscall_arguments"},
	{"LEASTCAP_POLICY", NULL, "policy"},
	{"LEASTCAP_REVISION", NULL, "revision"},
	{"LEASTCAP_MODE", NULL, "mode"},
	{"LEASTCAP_RULE_FILE", "rule", "file"},
	{"LEASTCAP_RULE_LINE", "rule", "line"},
	{"LEASTCAP_ACTION", NULL, "action"},
	{"LEASTCAP_SUPPRESSED", NULL, "suppressed"},
	{"LEASTCAP_SINK", NULL, "sink"},
	{"LEASTCAP_REASON", NULL, "reason"},
};

/* The length goes before the value, so that nothing in the value ends it. */
static void put(FILE *f, const char *name, const char *value)
{
	uint64_t len = htole64(strlen(value));

	fprintf(f, "%s\n", name);
	fwrite(&len, sizeof(len), 1, f);
	fprintf(f, "%s\n", value);
}

static void put_field(FILE *f, const char *name, const char *value, bool number)
{
	put(f, name, value);
}

static char *journal_text(const json_t *event, const char *line, size_t len, size_t *ret_len)
{
	_cleanup_free_ char *message = message_text(event);
	char priority[2] = {(char)('0' + message_priority(event)), '\0'}, *text = NULL;
	FILE *f = message ? open_memstream(&text, ret_len) : NULL;
	bool failed;

	if (!f)
		return NULL;
	put(f, "MESSAGE", message);
	put(f, "MESSAGE_ID", message_id(event));
	put(f, "PRIORITY", priority);
	put(f, "SYSLOG_IDENTIFIER", "leastcapd");
	fields_put(f, event, fields, ARRAY_SIZE(fields), put_field);
	failed = ferror(f);
	if (!fclose(f) && !failed)
		return text;
	free(text);
	return NULL;
}

static ssize_t journal_write(struct output *o, const char *text, size_t len)
{
	ssize_t n = send(o->fd, text, len, MSG_NOSIGNAL);

	return n < 0 ? -errno : n;
}

const struct output_kind output_journal = {
	.name = "journal", .open = output_connect, .text = journal_text, .write = journal_write};
