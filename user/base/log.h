/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log: what the program says about itself, on standard error. Audit events never come here.
 *
 * Modules return -errno and do not log above debug; the caller at the top logs once:
 *	return log_err(err, "cannot read %s", path);
 */
#ifndef LEASTCAP_LOG_H
#define LEASTCAP_LOG_H

enum log_level { LOG_LEVEL_ERR = 0, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Messages above this level are dropped. Default: info. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* Prefix of each line ("leastcap: "). With `journal` levels become <N> prefixes as sd-daemon(3) has them. */
void log_set_prefix(const char *prefix, int journal);

/* One line, control characters escaped. err: -errno, its text is added; 0: none. Returns err. */
int log_at(enum log_level level, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_err(err, ...) log_at(LOG_LEVEL_ERR, err, __VA_ARGS__)
#define log_warn(err, ...) log_at(LOG_LEVEL_WARN, err, __VA_ARGS__)
#define log_info(...) ((void)log_at(LOG_LEVEL_INFO, 0, __VA_ARGS__))
#define log_debug(...) ((void)log_at(LOG_LEVEL_DEBUG, 0, __VA_ARGS__))

#endif
