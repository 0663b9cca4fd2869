/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's audit subsystem: a user message (TRUSTED_APP) that auditd keeps and ausearch finds.
 *
 * Sending one may sleep in the kernel for a minute (audit_backlog_wait_time) where auditd does not keep up, and no flag of the
 * socket says otherwise. So a thread sends, one message at a time, and answers each with an error number, by a pair of
 * sockets: an event has got there when the kernel has taken it.
 */
#include <libaudit.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "audit/fields.h"
#include "audit/message.h"
#include "audit/output.h"
#include "base/cleanup.h"

/* The kernel cuts a message at AUDIT_MESSAGE_TEXT_MAX (8560); libaudit adds its fields to ours. */
#define TEXT_MAX 7800
/* What a value is cut to, so that an event with nothing but long ones fits: hexadecimal takes twice of it. */
#define VALUE_MAX 360
/* For the thread's answer, which comes much sooner unless the kernel holds it up. */
#define ANSWER_MS 1

/* ---- an event as audit's fields ---- */

/*
 * Names are those of the audit field dictionary where it has one: opid, ouid and ocomm are of the process acted upon. None
 * may end like one that ausearch looks for ("exe", "res").
 */
static const struct field fields[] = {
	{"op", NULL, "type"},
	{"seq", NULL, "seq"},
	{"action", NULL, "action"},
	{"verdict", NULL, "verdict"},
	{"restriction", NULL, "restriction"},
	{"item", NULL, "item"},
	{"detail", NULL, "detail"},
	{"call", NULL, "syscall"},
	{"opid", "process", "pid"},
	{"ouid", "process", "uid"},
	{"ocomm", "process", "comm"},
	{"program", "process", "exe"},
	{"cgroup", "subject", "cgroup"},
	{"binding", "subject", "binding"},
	{"container", "subject", "container"},
	{"container_name", "subject", "name"},
	{"image", "subject", "image"},
	{"unit", "subject", "unit"},
	{"policy", NULL, "policy"},
	{"revision", NULL, "revision"},
	{"mode", NULL, "mode"},
	{"suppressed", NULL, "suppressed"},
	{"sink", NULL, "sink"},
	{"reason", NULL, "reason"},
};

/*
 * As audit writes what it does not trust: in quotes, or hexadecimal where a byte could end that. libaudit does not look for
 * single quotes, between which the whole message stands, nor for "=": ausearch takes the first "res=" for the result,
 * wherever it stands.
 */
static void put_text(FILE *f, const char *name, const char *value)
{
	char cut[VALUE_MAX + sizeof("...")], hex[2 * sizeof(cut)];
	unsigned int len;

	snprintf(cut, sizeof(cut), "%.*s%s", VALUE_MAX, value,
		 strlen(value) > VALUE_MAX ? "..." : "");
	len = (unsigned int)strlen(cut);
	if (audit_value_needs_encoding(cut, len) || strpbrk(cut, "'="))
		fprintf(f, "%s=%s", name, audit_encode_value(hex, cut, len));
	else
		fprintf(f, "%s=\"%s\"", name, cut);
}

static void put_field(FILE *f, const char *name, const char *value, bool number)
{
	if (ftell(f))
		fputc(' ', f);
	if (number)
		fprintf(f, "%s=%s", name, value);
	else
		put_text(f, name, value);
}

static char *audit_text(const json_t *event, const char *line, size_t len, size_t *ret_len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);
	bool failed;

	if (!f)
		return NULL;
	fields_put(f, event, fields, ARRAY_SIZE(fields), put_field);
	failed = ferror(f);
	if (!fclose(f) && !failed)
		return text;
	free(text);
	return NULL;
}

/* ---- the thread ---- */

/* libaudit's own codes: -EPERM and the like, and 0 where nobody has said why. */
static int failure(int code)
{
	return code < 0 ? code : errno ? -errno : -EIO;
}

/* Nobody gets what is sent while auditing is off, and the kernel says nothing of it. */
static int look(int fd)
{
	int on;

	errno = 0;
	on = audit_is_enabled(fd);
	if (on < 0)
		return errno ? -errno : -EPERM;
	return on ? 0 : -ENOLINK;
}

static int hand_over(int *fd, const char *text)
{
	static const char denied[] = "op=\"denied\"";
	bool refused = !strncmp(text, denied, strlen(denied));
	int err;

	if (*fd < 0)
		*fd = audit_open();
	if (*fd < 0)
		return failure(0);
	err = look(*fd);
	if (err)
		return err;
	errno = 0;
	err = audit_log_user_message(*fd, AUDIT_TRUSTED_APP, text, NULL, NULL, "", !refused);
	return err > 0 ? 0 : failure(err);
}

/* Until the other end is closed. */
static void *sender(void *arg)
{
	_cleanup_close_ int link = (int)(intptr_t)arg, fd = -EBADF;
	char text[TEXT_MAX + 1];
	ssize_t n;

	while ((n = recv(link, text, TEXT_MAX, 0)) > 0) {
		int err;

		text[n] = '\0';
		err = hand_over(&fd, text);
		if (send(link, &err, sizeof(err), MSG_NOSIGNAL) < 0)
			break;
	}
	return NULL;
}

static int start_thread(int link)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, sender, (void *)(intptr_t)link);
	pthread_attr_destroy(&attr);
	if (!err)
		(void)pthread_setname_np(thread, "leastcapd-audit");
	return -err;
}

static int audit_output_open(struct output *o)
{
	int ends[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	err = start_thread(ends[1]);
	if (err) {
		close(ends[0]);
		close(ends[1]);
		return err;
	}
	o->fd = ends[0];
	o->sent = o->late = false;
	return 0;
}

/* What came of the message that is on its way. -EAGAIN: not known yet. */
static int answer(struct output *o)
{
	struct pollfd fd = {.fd = o->fd, .events = POLLIN};
	int err;

	/* A thread that is held up is waited for once. */
	if (poll(&fd, 1, o->late ? 0 : ANSWER_MS) <= 0) {
		o->late = true;
		return -EAGAIN;
	}
	o->sent = o->late = false;
	return recv(o->fd, &err, sizeof(err), MSG_DONTWAIT) == sizeof(err) ? err : -EPIPE;
}

static ssize_t audit_output_write(struct output *o, const char *text, size_t len)
{
	int err;

	if (len > TEXT_MAX)
		return -EMSGSIZE;
	if (!o->sent && send(o->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	o->sent = true;
	err = answer(o);
	return err ? err : (ssize_t)len;
}

static const char *audit_reason(int err)
{
	switch (err) {
	case -EPROTONOSUPPORT:
	case -EAFNOSUPPORT:
	case -EINVAL:
		return "this kernel has no audit subsystem, or was booted with audit=0";
	case -EPERM:
		return "CAP_AUDIT_WRITE and CAP_AUDIT_CONTROL are needed";
	case -ENOLINK:
		return "auditing is off: start auditd, or run auditctl -e 1";
	default:
		return NULL;
	}
}

const struct output_kind output_audit = {.name = "audit",
					 .open = audit_output_open,
					 .text = audit_text,
					 .write = audit_output_write,
					 .reason = audit_reason};
