/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"

/* A line is one write(2) of at most PIPE_BUF bytes, so that lines of two processes never mix in a pipe. */
#define LINE_MAX_BYTES 4096

/* The kernel's ENOTSUPP, which is none of libc's numbers but reaches user space from bpf(2). */
#define KERNEL_ENOTSUPP 524

static enum log_level max_level = LOG_LEVEL_INFO;
static const char *line_prefix = "";
static int journal_levels;

void log_set_level(enum log_level level)
{
	max_level = level;
}

enum log_level log_get_level(void)
{
	return max_level;
}

void log_set_prefix(const char *prefix, int journal)
{
	line_prefix = prefix ? prefix : "";
	journal_levels = journal;
}

static const char *journal_prefix(enum log_level level)
{
	/* sd-daemon(3): the levels of syslog */
	switch (level) {
	case LOG_LEVEL_ERR:
		return "<3>";
	case LOG_LEVEL_WARN:
		return "<4>";
	case LOG_LEVEL_DEBUG:
		return "<7>";
	case LOG_LEVEL_INFO:
	default:
		return "<6>";
	}
}

static const char *error_text(int err, char *buf, size_t size)
{
	if (err == KERNEL_ENOTSUPP)
		return "operation not supported by this kernel";
	return strerror_r(err, buf, size);
}

int log_at(enum log_level level, int err, const char *fmt, ...)
{
	char text[2048], line[LINE_MAX_BYTES], error[128];
	size_t used;
	int saved = errno, n;
	va_list ap;

	if (level > max_level)
		return err;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		snprintf(text, sizeof(text), "(a message that cannot be formatted)");
	else if ((size_t)n >= sizeof(text))
		memcpy(text + sizeof(text) - 4, "...", 4);

	used = (size_t)snprintf(line, 256, "%s%.200s", journal_levels ? journal_prefix(level) : "",
				line_prefix);
	/* Room for the error's text and the newline is kept whatever the message holds. */
	used += escape_text(line + used, sizeof(line) - used - sizeof(error) - 4, text,
			    strlen(text));
	if (err) {
		const char *why = error_text(err < 0 ? -err : err, error, sizeof(error));

		used += (size_t)snprintf(line + used, sizeof(error) + 2, ": %.120s", why);
	}
	line[used++] = '\n';
	/* There is nobody to tell that the log cannot be written. */
	while (write(STDERR_FILENO, line, used) < 0 && errno == EINTR)
		;
	errno = saved;
	return err;
}
