/* SPDX-License-Identifier: GPL-2.0-only */
/* Spans of time as people write them: "60s", "10m", "1h30m". And clocks, and deadlines that hold for one boot. */
#ifndef LEASTCAP_DURATION_H
#define LEASTCAP_DURATION_H

#include <stddef.h>
#include <stdint.h>

/* The longest span that anything here takes. */
#define DURATION_MAX_S (24U * 60 * 60)

/*
 * Seconds of a text, 1 to DURATION_MAX_S. -EINVAL: *ret_error says what is wrong and how it would be right, to be freed;
 * -ENOMEM: *ret_error is NULL.
 */
int duration_parse(const char *text, uint64_t *ret, char **ret_error);

/* "1h30m", "45s", "0s". At most the two largest units, rounded up. Returns buf. */
#define DURATION_TEXT 32
const char *duration_text(uint64_t seconds, char buf[DURATION_TEXT]);

/* CLOCK_BOOTTIME in nanoseconds: goes on while the machine sleeps, and nobody sets it. */
uint64_t boot_now(void);

/* CLOCK_MONOTONIC in microseconds, as sd-event and sd-bus take it: stands still while the machine sleeps. */
uint64_t now_usec(void);

/* Which boot this is: 36 characters and a NUL; "" where the kernel does not tell. */
void boot_id(char ret[37]);

/*
 * What is left of a deadline on CLOCK_BOOTTIME, in seconds, rounded up; 0: it is over. A deadline of another boot, of one
 * that is not known, or further away than DURATION_MAX_S, is over: who has written it is not to be trusted.
 */
uint64_t deadline_left(const char *boot, uint64_t deadline, const char *this_boot, uint64_t now);

#endif
