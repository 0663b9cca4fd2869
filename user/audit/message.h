/* SPDX-License-Identifier: GPL-2.0-only */
/* An event as one line for people. Pure. */
#ifndef LEASTCAP_MESSAGE_H
#define LEASTCAP_MESSAGE_H

#include <jansson.h>

/* "denied SYS_ADMIN by mount[12] in /a/b, policy web". To be freed. */
char *message_text(const json_t *event);

/* As syslog(3) has them: 4 for refusals and losses, else 6. */
int message_priority(const json_t *event);

/* A member of an object that is a string; else "". */
const char *message_member(const json_t *object, const char *key);

#endif
