/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/options.h"

#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/address.h"
#include "base/log.h"
#include "base/nearest.h"

#define USAGE 2

#define NS_PER_MS 1000000ULL
#define NS_PER_S 1000000000ULL

/* The kernel refuses larger ring buffers on its own grounds; this keeps a slip of the pen from trying. */
#define RING_MAX (1ULL << 30)
#define BINDINGS_MAX (1ULL << 20)
#define LOG_SIZE_MIN (64ULL << 10)
#define LOG_SIZE_MAX (1ULL << 40)

enum {
	OPT_HELP = 0x100,
	OPT_VERSION,
	OPT_CONFIG_DIR,
	OPT_STATE_DIR,
	OPT_SOCKET,
	OPT_LOG_FILE,
	OPT_LOG_SIZE,
	OPT_LOG_KEEP,
	OPT_NO_JOURNAL,
	OPT_STDOUT,
	OPT_SYSLOG,
	OPT_AUDIT,
	OPT_METRICS,
	OPT_RING_SIZE,
	OPT_MAX_BINDINGS,
	OPT_ENTERING_LIMIT,
	OPT_SAMPLE_INTERVAL,
	OPT_QUIET_AFTER,
	OPT_WATCH,
	OPT_HOLD_START,
	OPT_HOLD_LIMIT,
	OPT_PROVE_EVERY,
	OPT_ON_UNPROVEN,
	OPT_LET_GO,
};

static const struct option longs[] = {
	{"config-dir", required_argument, NULL, OPT_CONFIG_DIR},
	{"state-dir", required_argument, NULL, OPT_STATE_DIR},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"log-file", required_argument, NULL, OPT_LOG_FILE},
	{"log-size", required_argument, NULL, OPT_LOG_SIZE},
	{"log-keep", required_argument, NULL, OPT_LOG_KEEP},
	{"no-journal", no_argument, NULL, OPT_NO_JOURNAL},
	{"stdout", no_argument, NULL, OPT_STDOUT},
	{"syslog", required_argument, NULL, OPT_SYSLOG},
	{"audit", no_argument, NULL, OPT_AUDIT},
	{"metrics", required_argument, NULL, OPT_METRICS},
	{"ring-size", required_argument, NULL, OPT_RING_SIZE},
	{"max-bindings", required_argument, NULL, OPT_MAX_BINDINGS},
	{"entering-limit", required_argument, NULL, OPT_ENTERING_LIMIT},
	{"sample-interval", required_argument, NULL, OPT_SAMPLE_INTERVAL},
	{"quiet-after", required_argument, NULL, OPT_QUIET_AFTER},
	{"watch", required_argument, NULL, OPT_WATCH},
	{"hold-start", no_argument, NULL, OPT_HOLD_START},
	{"hold-limit", required_argument, NULL, OPT_HOLD_LIMIT},
	{"prove-every", required_argument, NULL, OPT_PROVE_EVERY},
	{"on-unproven", required_argument, NULL, OPT_ON_UNPROVEN},
	{"let-go", no_argument, NULL, OPT_LET_GO},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

static const char help[] =
	"usage: leastcapd [OPTION...]\n\n"
	"Holds containers, services and cgroups to the capabilities they need: loads the\n"
	"kernel side, binds the policies, serves 'leastcap', reports what was refused.\n\n"
	"      --config-dir DIR      policies (/etc/leastcap/policies.d)\n"
	"      --state-dir DIR       what was applied over the API (/var/lib/leastcap)\n"
	"      --socket PATH         where 'leastcap' asks (/run/leastcap/leastcap.sock)\n"
	"      --log-file FILE       events as JSON lines (/var/log/leastcap/events.jsonl);\n"
	"                            none: no file\n"
	"      --log-size BYTES      where a new file is begun (64M); 0: never\n"
	"      --log-keep N          older files beside it, 1 to 100 (4)\n"
	"      --no-journal          events do not go to the journal\n"
	"      --stdout              events as JSON lines to standard output\n"
	"      --syslog TO           events as syslog, RFC 5424: a socket's path, or\n"
	"                            ADDRESS:PORT for UDP; up to 4 times\n"
	"      --audit               events to the kernel's audit subsystem, for ausearch(8)\n"
	"      --metrics ADDR:PORT   GET /metrics for Prometheus, on a loopback address\n"
	"      --ring-size BYTES     ring buffer of events, a power of two (64K, 1M)\n"
	"      --max-bindings N      most cgroups bound at once\n"
	"      --entering-limit S    how long a process may set up a container, 1 to 3600\n"
	"      --sample-interval MS  between two events of the same kind, 0 to 3600000\n"
	"      --quiet-after S       then tell what is in no event, 1 to 3600 (10)\n"
	"      --watch yes|no        follow changes of the files of policies at once (yes)\n"
	"      --hold-start          a container's program waits until its policy is bound\n"
	"      --hold-limit MS       at most so long, 100 to 60000 (2000)\n"
	"      --prove-every S       try what has to be refused, 1 to 86400 (60); 0: not\n"
	"      --on-unproven DO      where it is not refused: go-on (and tell), or exit\n"
	"      --let-go              let go what an earlier daemon held, and end\n"
	"  -v, --verbose             debug messages\n"
	"      --help                this text\n"
	"      --version             the version\n\n"
	"--ring-size and --max-bindings count only when nothing is loaded yet ('leastcap\n"
	"unload' first). Exit status: 0 ended as asked, 1 failed, 2 wrong use.\n"
	"More: leastcapd(8)\n";

static int usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int usage_error(const char *fmt, ...)
{
	char message[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	/* log_at() keeps control characters of a mistyped word off the terminal. */
	log_at(LOG_LEVEL_ERR, 0, "%s (see 'leastcapd --help')", message);
	return USAGE;
}

static int option_error(char **argv, int opt)
{
	const char *names[ARRAY_SIZE(longs)] = {NULL}, *word = argv[optind - 1], *near;
	size_t len;

	for (size_t i = 0; longs[i].name; i++) {
		names[i] = longs[i].name;
		if (!optopt || optopt != longs[i].val)
			continue;
		if (opt == ':')
			return usage_error("option '--%s' needs an argument", longs[i].name);
		return usage_error("option '--%s' takes no argument", longs[i].name);
	}
	if (optopt)
		return usage_error("unknown option '-%c'", optopt);
	len = strcspn(word + 2, "=");
	near = nearest_word(word + 2, len, names);
	if (near)
		return usage_error("unknown option '--%.*s', did you mean '--%s'?", (int)len,
				   word + 2, near);
	return usage_error("unknown option '--%.*s'", (int)len, word + 2);
}

/* Digits only: strtoull() would take signs, spaces and octal numbers. -EINVAL, -ERANGE. */
static int parse_number(const char *text, bool suffix, uint64_t *ret)
{
	uint64_t value = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *p - '0', &value))
			return -ERANGE;
	}
	if (p == text)
		return -EINVAL;
	if (suffix && *p) {
		static const char units[] = "KMG";
		const char *unit = strchr(units, *p & ~0x20);
		unsigned int shift = unit && *unit ? 10 * (unsigned int)(unit - units + 1) : 0;

		if (!shift)
			return -EINVAL;
		if (value > UINT64_MAX >> shift)
			return -ERANGE;
		value <<= shift;
		p++;
	}
	if (*p)
		return -EINVAL;
	*ret = value;
	return 0;
}

/* Returns OPTIONS_GO_ON or an exit status. */
static int number_option(const char *name, const char *text, bool suffix, uint64_t min,
			 uint64_t max, uint64_t *ret)
{
	int err = parse_number(text, suffix, ret);

	if (err == -EINVAL)
		return usage_error("--%s: '%s' is not a number", name, text);
	if (err || *ret < min || *ret > max)
		return usage_error("--%s: %s is not in %llu to %llu", name, text,
				   (unsigned long long)min, (unsigned long long)max);
	return OPTIONS_GO_ON;
}

static int ring_size_option(const char *text, uint32_t *ret)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), value = 0;
	int status = number_option("ring-size", text, true, page, RING_MAX, &value);

	if (status == OPTIONS_GO_ON && (value & (value - 1)))
		return usage_error("--ring-size: %s is not a power of two", text);
	*ret = (uint32_t)value;
	return status;
}

static int socket_option(const char *text, const char **ret)
{
	size_t len = strlen(text), max = sizeof(((struct sockaddr_un *)NULL)->sun_path);

	if (len == 0 || len >= max)
		return usage_error("--socket: a path of 1 to %zu bytes is needed", max - 1);
	*ret = text;
	return OPTIONS_GO_ON;
}

static int log_size_option(const char *text, uint64_t *ret)
{
	int status = number_option("log-size", text, true, 0, LOG_SIZE_MAX, ret);

	if (status == OPTIONS_GO_ON && *ret && *ret < LOG_SIZE_MIN)
		return usage_error("--log-size: %s is less than 64K; 0: never a new file", text);
	return status;
}

static int syslog_option(const char *text, const char *ret[SINK_SYSLOGS])
{
	size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path), n = 0;
	struct sockaddr_storage address;
	socklen_t len;

	while (n < SINK_SYSLOGS && ret[n])
		n++;
	if (n == SINK_SYSLOGS)
		return usage_error("--syslog: at most %d times", SINK_SYSLOGS);
	if (text[0] == '/' ? strlen(text) >= max : address_parse(text, &address, &len))
		return usage_error("--syslog: '%s' is neither the path of a socket nor a numeric "
				   "ADDRESS:PORT, as 192.0.2.1:514 or [2001:db8::1]:514",
				   text);
	ret[n] = text;
	return OPTIONS_GO_ON;
}

static int metrics_option(const char *text, const char **ret)
{
	struct sockaddr_storage address;
	socklen_t len;

	if (address_parse(text, &address, &len))
		return usage_error("--metrics: '%s' is no numeric ADDRESS:PORT, as 127.0.0.1:9000",
				   text);
	if (!address_is_loopback(&address))
		return usage_error("--metrics: %s is no loopback address: who may read is not "
				   "asked there; take 127.0.0.1 or [::1], or the control socket",
				   text);
	*ret = text;
	return OPTIONS_GO_ON;
}

static int path_option(const char *name, const char *text, const char **ret)
{
	if (!*text)
		return usage_error("--%s: an empty path", name);
	*ret = text;
	return OPTIONS_GO_ON;
}

static int bool_option(const char *name, const char *text, bool *ret)
{
	if (strcmp(text, "yes") && strcmp(text, "no"))
		return usage_error("--%s: '%s' is neither yes nor no", name, text);
	*ret = !strcmp(text, "yes");
	return OPTIONS_GO_ON;
}

static int on_unproven_option(const char *text, bool *ret_exit)
{
	const char *const words[] = {"go-on", "exit", NULL};
	const char *near = nearest_word(text, strlen(text), words);

	*ret_exit = !strcmp(text, "exit");
	if (*ret_exit || !strcmp(text, "go-on"))
		return OPTIONS_GO_ON;
	return usage_error("--on-unproven: '%s' is neither go-on nor exit%s%s", text,
			   near ? ", did you mean " : "", near ? near : "");
}

static int take(int opt, const char *arg, struct options *o)
{
	uint64_t value = 0;
	int status = OPTIONS_GO_ON;

	switch (opt) {
	case OPT_CONFIG_DIR:
		return path_option("config-dir", arg, &o->config_dir);
	case OPT_STATE_DIR:
		return path_option("state-dir", arg, &o->state_dir);
	case OPT_SOCKET:
		return socket_option(arg, &o->socket);
	case OPT_LOG_FILE:
		status = path_option("log-file", arg, &o->sink.file);
		if (!strcmp(arg, "none"))
			o->sink.file = NULL;
		return status;
	case OPT_LOG_SIZE:
		return log_size_option(arg, &o->sink.file_size);
	case OPT_LOG_KEEP:
		status = number_option("log-keep", arg, false, 1, 100, &value);
		o->sink.file_keep = (unsigned int)value;
		return status;
	case OPT_NO_JOURNAL:
		o->sink.journal = NULL;
		return OPTIONS_GO_ON;
	case OPT_STDOUT:
		o->sink.standard_output = true;
		return OPTIONS_GO_ON;
	case OPT_SYSLOG:
		return syslog_option(arg, o->sink.syslog);
	case OPT_AUDIT:
		o->sink.audit = true;
		return OPTIONS_GO_ON;
	case OPT_METRICS:
		return metrics_option(arg, &o->metrics);
	case OPT_RING_SIZE:
		return ring_size_option(arg, &o->kernel.ring_size);
	case OPT_MAX_BINDINGS:
		status = number_option("max-bindings", arg, true, 1, BINDINGS_MAX, &value);
		o->kernel.max_bindings = (uint32_t)value;
		return status;
	case OPT_ENTERING_LIMIT:
		status = number_option("entering-limit", arg, false, 1, 3600, &value);
		o->kernel.entering_limit_ns = value * NS_PER_S;
		return status;
	case OPT_SAMPLE_INTERVAL:
		status = number_option("sample-interval", arg, false, 0, 3600000, &value);
		/* 0 would leave what the kernel has. */
		o->kernel.sample_interval_ns = value ? value * NS_PER_MS : 1;
		return status;
	case OPT_QUIET_AFTER:
		status = number_option("quiet-after", arg, false, 1, 3600, &value);
		o->quiet_ns = value * NS_PER_S;
		return status;
	case OPT_WATCH:
		return bool_option("watch", arg, &o->watch);
	case OPT_HOLD_START:
		o->hold_start = true;
		return OPTIONS_GO_ON;
	case OPT_HOLD_LIMIT:
		status = number_option("hold-limit", arg, false, 100, 60000, &value);
		o->hold_limit_ns = value * NS_PER_MS;
		return status;
	case OPT_PROVE_EVERY:
		status = number_option("prove-every", arg, false, 0, 86400, &value);
		o->prove_ns = value * NS_PER_S;
		return status;
	case OPT_ON_UNPROVEN:
		return on_unproven_option(arg, &o->prove_exit);
	case OPT_LET_GO:
		o->let_go = true;
		return OPTIONS_GO_ON;
	case 'v':
		o->debug = true;
		return OPTIONS_GO_ON;
	default:
		return USAGE;
	}
}

/* A full disk must not look like success. */
static int print(const char *text)
{
	if (fputs(text, stdout) >= 0 && !fflush(stdout))
		return EXIT_SUCCESS;
	log_err(-errno, "cannot write to standard output");
	return EXIT_FAILURE;
}

int options_parse(int argc, char **argv, struct options *ret)
{
	int opt, status;

	*ret = (struct options){
		.config_dir = "/etc/leastcap/policies.d",
		.state_dir = "/var/lib/leastcap",
		.socket = "/run/leastcap/leastcap.sock",
		.watch = true,
		.sink = {.file = "/var/log/leastcap/events.jsonl",
			 .file_size = 64UL << 20,
			 .file_keep = 4,
			 .journal = SINK_JOURNAL_SOCKET},
		.hold_limit_ns = 2 * NS_PER_S,
		.quiet_ns = 10 * NS_PER_S,
		.prove_ns = 60 * NS_PER_S,
	};
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":v", longs, NULL)) >= 0) {
		switch (opt) {
		case OPT_HELP:
			return print(help);
		case OPT_VERSION:
			return print("leastcapd " LEASTCAP_VERSION "\n");
		case '?':
		case ':':
			return option_error(argv, opt);
		default:
			status = take(opt, optarg, ret);
			if (status != OPTIONS_GO_ON)
				return status;
		}
	}
	if (optind < argc)
		return usage_error("unexpected argument '%s'", argv[optind]);
	return OPTIONS_GO_ON;
}
