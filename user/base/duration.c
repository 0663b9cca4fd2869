/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/duration.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/escape.h"

#define NSEC_PER_SEC 1000000000ULL

static const struct {
	char letter;
	uint32_t seconds;
} units[] = {{'h', 3600}, {'m', 60}, {'s', 1}};

__attribute__((format(printf, 2, 3))) static int wrong(char **ret_error, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(ret_error, fmt, args);
	va_end(args);
	if (n >= 0)
		return -EINVAL;
	*ret_error = NULL;
	return -ENOMEM;
}

/* One "10m" at *p. False: there is none. The units come in order, each once: *next is the first that may come. */
static bool take_part(const char **p, size_t *next, uint64_t *sum)
{
	uint64_t n = 0;
	const char *c = *p;

	/* More digits than any span has change nothing any more. */
	for (; isdigit((unsigned char)*c); c++)
		n = n > DURATION_MAX_S ? n : n * 10 + (uint64_t)(*c - '0');
	if (c == *p)
		return false;
	for (size_t i = *next; i < ARRAY_SIZE(units); i++) {
		if (*c != units[i].letter)
			continue;
		*sum += n * units[i].seconds;
		*next = i + 1;
		*p = c + 1;
		return true;
	}
	return false;
}

int duration_parse(const char *text, uint64_t *ret, char **ret_error)
{
	const char *p = text;
	uint64_t sum = 0;
	size_t next = 0;
	char shown[48];

	*ret_error = NULL;
	escape_text(shown, sizeof(shown), text, strlen(text));
	if (*text && strspn(text, "0123456789") == strlen(text))
		return wrong(ret_error, "'%s' has no unit: '%ss', '%sm' or '%sh'?", shown, shown,
			     shown, shown);
	while (*p && take_part(&p, &next, &sum))
		;
	if (!*text || *p)
		return wrong(ret_error, "'%s' is no span of time: one is '60s', '10m' or '1h30m'",
			     shown);
	if (!sum)
		return wrong(ret_error, "'%s' is no time at all: at least '1s' is needed", shown);
	if (sum > DURATION_MAX_S)
		return wrong(ret_error, "'%s' is too long: at most '24h'", shown);
	*ret = sum;
	return 0;
}

const char *duration_text(uint64_t seconds, char buf[DURATION_TEXT])
{
	uint64_t h = seconds / 3600, m = seconds % 3600 / 60, s = seconds % 60;

	/* Nobody counts the seconds of hours. */
	if (h && s) {
		seconds += 60 - s;
		h = seconds / 3600;
		m = seconds % 3600 / 60;
	}
	if (h && m)
		snprintf(buf, DURATION_TEXT, "%lluh%llum", (unsigned long long)h,
			 (unsigned long long)m);
	else if (h)
		snprintf(buf, DURATION_TEXT, "%lluh", (unsigned long long)h);
	else if (m && s)
		snprintf(buf, DURATION_TEXT, "%llum%llus", (unsigned long long)m,
			 (unsigned long long)s);
	else
		snprintf(buf, DURATION_TEXT, "%llu%c", (unsigned long long)(m ?: s), m ? 'm' : 's');
	return buf;
}

/* ---- clocks and deadlines ---- */

static uint64_t nanoseconds(clockid_t clock)
{
	struct timespec now = {0};

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

uint64_t boot_now(void)
{
	return nanoseconds(CLOCK_BOOTTIME);
}

uint64_t now_usec(void)
{
	return nanoseconds(CLOCK_MONOTONIC) / 1000;
}

void boot_id(char ret[37])
{
	_cleanup_close_ int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, 36);

	ret[n == 36 ? 36 : 0] = '\0';
}

uint64_t deadline_left(const char *boot, uint64_t deadline, const char *this_boot, uint64_t now)
{
	uint64_t left;

	if (!boot || !*boot || strcmp(boot, this_boot) || deadline <= now)
		return 0;
	left = deadline - now;
	if (left > DURATION_MAX_S * NSEC_PER_SEC)
		return 0;
	return left / NSEC_PER_SEC + !!(left % NSEC_PER_SEC);
}
