/* SPDX-License-Identifier: GPL-2.0-only */
#include "audit/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/cleanup.h"
#include "base/log.h"

/* ---- the file ---- */

/* O_NONBLOCK: a pipe that nobody reads is an error, never a wait. */
static int open_log(const char *path)
{
	int fd =
		open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);

	return fd < 0 ? -errno : fd;
}

static int file_open(struct sink *s)
{
	int fd = open_log(s->file);

	if (fd == -ENOENT) {
		_cleanup_free_ char *dir = strdup(s->file);
		char *slash = dir ? strrchr(dir, '/') : NULL;

		if (slash && slash > dir) {
			*slash = '\0';
			if (!mkdir(dir, 0750))
				fd = open_log(s->file);
		}
	}
	if (fd < 0)
		return fd;
	/* A line that was cut may be in this very file: an empty line more harms nobody. */
	s->fd = fd;
	return 0;
}

static int file_write(struct sink *s, const char *line, size_t len)
{
	struct iovec parts[2] = {{.iov_base = (char[]){"\n"}, .iov_len = s->torn},
				 {.iov_base = (char *)line, .iov_len = len}};
	ssize_t n;

	if (s->fd < 0) {
		int err = file_open(s);

		if (err)
			return err;
		parts[0].iov_len = 0;
	}
	/* One write: lines of two writers do not mix. */
	n = writev(s->fd, parts, 2);
	if (n < 0)
		return -errno;
	s->torn = (size_t)n != len + parts[0].iov_len;
	return s->torn ? -ENOSPC : 0;
}

static void to_file(struct sink *s, const char *line, size_t len)
{
	int err;

	if (!s->file)
		return;
	err = file_write(s, line, len);
	if (err) {
		s->failed++;
		if (!s->failing)
			log_warn(err, "cannot write events to %s, ignoring", s->file);
	} else if (s->failing) {
		log_info("events are written to %s again; it misses %llu", s->file,
			 (unsigned long long)s->failed);
	}
	s->failing = err != 0;
}

void sink_reopen(struct sink *s)
{
	int err;

	if (!s->file)
		return;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -EBADF;
	err = file_open(s);
	if (err) {
		s->failing = true;
		log_warn(err, "cannot open %s, ignoring", s->file);
	}
}

/* ---- the journal ---- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

char *sink_message(const json_t *event)
{
	const json_t *process = json_object_get(event, "process");
	const char *cgroup = text_of(json_object_get(event, "subject"), "cgroup");
	const char *item = text_of(event, "item"), *policy = text_of(event, "policy");
	const char *action = text_of(event, "action"), *detail = text_of(event, "detail");
	const char *restriction = text_of(event, "restriction");
	char who[96] = "", *message;
	int n;

	if (process)
		snprintf(who, sizeof(who), " by %s[%lld]", text_of(process, "comm"),
			 (long long)json_integer_value(json_object_get(process, "pid")));
	/* A capability's name says what it is. */
	if (!strcmp(restriction, "capabilities"))
		restriction = "";
	n = asprintf(&message, "%s%s%s%s%s%s%s%s%s%s%s%s%s%s", text_of(event, "type"),
		     *action ? " " : "", action, *restriction ? " " : "", restriction,
		     *item ? " " : "", item, *detail ? " " : "", detail, who, *cgroup ? " in " : "",
		     cgroup, *policy ? ", policy " : "", policy);
	return n < 0 ? NULL : message;
}

/* A member of the event, or of an object in it, and the journal's name for it. */
static const struct {
	const char *name, *object, *key;
} fields[] = {
	{"LEASTCAP_TYPE", NULL, "type"},
	{"LEASTCAP_SEQ", NULL, "seq"},
	{"LEASTCAP_CGROUP", "subject", "cgroup"},
	{"LEASTCAP_BINDING", "subject", "binding"},
	{"LEASTCAP_CONTAINER", "subject", "container"},
	{"LEASTCAP_PID", "process", "pid"},
	/* The journal adds what it knows of this process, its unit for one: journalctl -u finds the event. */
	{"OBJECT_PID", "process", "pid"},
	{"LEASTCAP_UID", "process", "uid"},
	{"LEASTCAP_COMM", "process", "comm"},
	{"LEASTCAP_EXE", "process", "exe"},
	{"LEASTCAP_RESTRICTION", NULL, "restriction"},
	{"LEASTCAP_ITEM", NULL, "item"},
	{"LEASTCAP_DETAIL", NULL, "detail"},
	{"LEASTCAP_SYSCALL", NULL, "syscall"},
	{"LEASTCAP_POLICY", NULL, "policy"},
	{"LEASTCAP_REVISION", NULL, "revision"},
	{"LEASTCAP_MODE", NULL, "mode"},
	{"LEASTCAP_ACTION", NULL, "action"},
	{"LEASTCAP_SUPPRESSED", NULL, "suppressed"},
};

#define N_FIELDS ARRAY_SIZE(fields)

static void iov_done(struct iovec iov[N_FIELDS + 4])
{
	for (size_t i = 0; i < N_FIELDS + 4; i++)
		free(iov[i].iov_base);
}

__attribute__((format(printf, 2, 3))) static void add_field(struct iovec *iov, const char *fmt, ...)
{
	char *text;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	*iov = (struct iovec){.iov_base = n < 0 ? NULL : text, .iov_len = n < 0 ? 0 : (size_t)n};
}

static bool refused(const json_t *event)
{
	const char *type = text_of(event, "type");

	return !strcmp(type, "denied") || !strcmp(type, "lost");
}

/* Nothing to be done where it fails: the journal is told as one of three. */
static void to_journal(const json_t *event)
{
	struct iovec iov[N_FIELDS + 4] = {0};
	_cleanup_free_ char *message = sink_message(event);
	int n = 0;

	if (!message)
		return;
	add_field(&iov[n++], "MESSAGE=%s", message);
	add_field(&iov[n++], "MESSAGE_ID=" SINK_MESSAGE_ID);
	add_field(&iov[n++], "PRIORITY=%d", refused(event) ? 4 : 6);
	add_field(&iov[n++], "SYSLOG_IDENTIFIER=leastcapd");
	for (size_t i = 0; i < N_FIELDS; i++) {
		const json_t *o = fields[i].object ? json_object_get(event, fields[i].object)
						   : event;
		const json_t *value = json_object_get(o, fields[i].key);

		if (json_is_string(value))
			add_field(&iov[n++], "%s=%s", fields[i].name, json_string_value(value));
		else if (json_is_integer(value))
			add_field(&iov[n++], "%s=%lld", fields[i].name,
				  (long long)json_integer_value(value));
	}
	(void)sd_journal_sendv(iov, n);
	iov_done(iov);
}

/* ---- all of them ---- */

int sink_init(struct sink *s, const char *file, bool journal)
{
	*s = (struct sink){.fd = -EBADF, .journal = journal};
	if (!file)
		return 0;
	s->file = strdup(file);
	if (!s->file)
		return -ENOMEM;
	sink_reopen(s);
	return 0;
}

void sink_done(struct sink *s)
{
	memory_done(&s->memory);
	if (s->fd >= 0)
		close(s->fd);
	free(s->file);
	*s = (struct sink){.fd = -EBADF};
}

uint64_t sink_next(const struct sink *s)
{
	return s->memory.last + 1;
}

void sink_emit(struct sink *s, json_t *event)
{
	char *line = event ? json_dumps(event, JSON_COMPACT) : NULL, *longer;
	size_t len = line ? strlen(line) : 0;

	longer = line ? realloc(line, len + 2) : NULL;
	if (!longer) {
		free(line);
		s->dropped++;
		memory_add(&s->memory, NULL, 0);
		json_decref(event);
		return;
	}
	memcpy(longer + len, "\n", 2);
	to_file(s, longer, len + 1);
	if (s->journal)
		to_journal(event);
	memory_add(&s->memory, longer, len + 1);
	json_decref(event);
}
