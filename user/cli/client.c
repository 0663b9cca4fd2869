// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <curl/curl.h>

#include "base/escape.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"
#include "policy/policy.h"

/* An answer that is longer than any state of a host: something else listens there. */
#define ANSWER_MAX (256UL * 1024 * 1024)

/* Loading and detaching programs takes seconds on a slow machine. */
#define TIMEOUT_S 120L

struct transfer {
	CURL *curl;
	char *buffer;
	size_t len, size;
	int err;
	long patience_s; /* 0: without end */
	/* Streaming: each line goes here while the status is good. */
	int (*fn)(const char *line, size_t len, void *ctx);
	void *ctx;
};

static const char *socket_path(void)
{
	const char *path = getenv("LEASTCAP_SOCKET");

	return path && *path ? path : API_SOCKET;
}

bool api_alive(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *path = socket_path();

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return false;
	memcpy(address.sun_path, path, strlen(path) + 1);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

char *api_path(const char *prefix, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	char *path = malloc(strlen(prefix) + 3 * strlen(text) + 1), *p;

	if (!path)
		return NULL;
	p = stpcpy(path, prefix);
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if ((*c >= '0' && *c <= '9') || ((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z') ||
		    strchr("-._~", *c)) {
			*p++ = (char)*c;
			continue;
		}
		*p++ = '%';
		*p++ = hex[*c >> 4];
		*p++ = hex[*c & 15];
	}
	*p = '\0';
	return path;
}

static int append(struct transfer *t, const char *data, size_t n)
{
	size_t size = t->size ? t->size : 4096;
	char *buffer;

	if (n > ANSWER_MAX || t->len + n > ANSWER_MAX)
		return -EMSGSIZE;
	while (size < t->len + n)
		size *= 2;
	if (size != t->size) {
		buffer = realloc(t->buffer, size);
		if (!buffer)
			return -ENOMEM;
		t->buffer = buffer;
		t->size = size;
	}
	memcpy(t->buffer + t->len, data, n);
	t->len += n;
	return 0;
}

/* Hands over the whole lines of the buffer and keeps the rest. */
static int hand_over_lines(struct transfer *t)
{
	size_t done = 0;

	for (char *end; (end = memchr(t->buffer + done, '\n', t->len - done));) {
		size_t next = (size_t)(end - t->buffer) + 1;

		*end = '\0';
		if (t->fn(t->buffer + done, next - done - 1, t->ctx))
			return -ECANCELED;
		done = next;
		if (done == t->len)
			break;
	}
	t->len -= done;
	memmove(t->buffer, t->buffer + done, t->len);
	return 0;
}

static size_t received(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	long status = 0;

	t->err = append(t, data, size * n);
	if (!t->err && t->fn && t->len > 0) {
		curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
		if (status == 200)
			t->err = hand_over_lines(t);
	}
	return t->err ? CURL_WRITEFUNC_ERROR : size * n;
}

static void curl_donep(CURL **curl)
{
	curl_easy_cleanup(*curl);
}

static void slist_donep(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

static int curl_errno(CURL *curl, CURLcode code, const struct transfer *t)
{
	long os = 0;

	if (t->err)
		return t->err;
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &os);
		return os == EACCES || os == EPERM ? -EACCES : -ENOTCONN;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return -ECONNRESET;
	default:
		log_debug("libcurl: %s", curl_easy_strerror(code));
		return -EPROTO;
	}
}

static int prepare(CURL *curl, const char *method, const char *path, const char *body, size_t len,
		   struct curl_slist **headers, struct transfer *t)
{
	_cleanup_free_ char *url = NULL;
	bool post = !strcmp(method, "POST");

	if (asprintf(&url, "http://localhost%s", path) < 0) {
		url = NULL;
		return -ENOMEM;
	}
	/* No 100-continue: the whole body fits the socket's patience. */
	*headers = curl_slist_append(NULL, "Expect:");
	if (!*headers || !curl_slist_append(*headers, "Content-Type: application/yaml"))
		return -ENOMEM;
	if (curl_easy_setopt(curl, CURLOPT_URL, url) ||
	    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path()) ||
	    /* The environment's proxies are for the network, not for this socket. */
	    curl_easy_setopt(curl, CURLOPT_PROXY, "") ||
	    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) ||
	    curl_easy_setopt(curl, CURLOPT_TIMEOUT, t->patience_s) ||
	    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, received) ||
	    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t) ||
	    curl_easy_setopt(curl, CURLOPT_USERAGENT, "leastcap/" LEASTCAP_VERSION))
		return -ENOMEM;
	if (post && (curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *headers) ||
		     curl_easy_setopt(curl, CURLOPT_POST, 1L) ||
		     curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len) ||
		     curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body ? body : "")))
		return -ENOMEM;
	if (!post && strcmp(method, "GET") && curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method))
		return -ENOMEM;
	return 0;
}

static int transfer(const char *method, const char *path, const char *body, size_t len,
		    struct transfer *t, struct api_reply *ret)
{
	_cleanup_(slist_donep) struct curl_slist *headers = NULL;
	_cleanup_(curl_donep) CURL *curl = curl_easy_init();
	CURLcode code;
	int err;

	if (!curl)
		return -ENOMEM;
	t->curl = curl;
	err = prepare(curl, method, path, body, len, &headers, t);
	if (err)
		return err;
	code = curl_easy_perform(curl);
	err = curl_errno(curl, code, t);
	if (err)
		return err;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ret->status);
	if (t->fn && ret->status == 200)
		return 0;
	/* An error without a body, or with one that is no JSON, is still an error with a number. */
	ret->json = t->len ? json_loadb(t->buffer, t->len, 0, NULL) : NULL;
	if (ret->json && !json_is_object(ret->json)) {
		json_decref(ret->json);
		ret->json = NULL;
	}
	return api_ok(ret) && !ret->json ? -EPROTO : 0;
}

static int request(const char *method, const char *path, const char *body, size_t len,
		   long patience_s, struct api_reply *ret)
{
	struct transfer t = {.patience_s = patience_s};
	int err = transfer(method, path, body, len, &t, ret);

	free(t.buffer);
	return err;
}

int api_request(const char *method, const char *path, const char *body, size_t len,
		struct api_reply *ret)
{
	return request(method, path, body, len, TIMEOUT_S, ret);
}

int api_get(const char *path, unsigned int patience_s, struct api_reply *ret)
{
	return request("GET", path, NULL, 0, patience_s, ret);
}

int api_stream(const char *path, int (*fn)(const char *line, size_t len, void *ctx), void *ctx,
	       struct api_reply *ret)
{
	struct transfer t = {.fn = fn, .ctx = ctx};
	int err = transfer("GET", path, NULL, 0, &t, ret);

	free(t.buffer);
	return err;
}

int api_unreachable(int err)
{
	switch (err) {
	case -ENOTCONN:
		log_err(0,
			"the daemon is not running (nobody listens on %s): start it with "
			"'systemctl start leastcapd'",
			socket_path());
		break;
	case -EACCES:
		log_err(0, "no permission for %s: be root, or in the group of the socket to read",
			socket_path());
		break;
	case -ETIMEDOUT:
		log_err(0,
			"the daemon did not answer in minutes: 'journalctl -u leastcapd' may say why");
		break;
	case -ECONNRESET:
		log_err(0,
			"the daemon ended before it answered: 'journalctl -u leastcapd' may say why");
		break;
	case -EPROTO:
	case -EMSGSIZE:
		log_err(0, "what listens on %s does not answer as leastcapd does", socket_path());
		break;
	default:
		log_err(err, "cannot talk to the daemon");
	}
	return CLI_FAILED;
}

static char *member_copy(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? escape_dup(text, strlen(text)) : NULL;
}

static unsigned int member_number(const json_t *object, const char *key)
{
	return (unsigned int)json_integer_value(json_object_get(object, key));
}

int api_errors_print(const json_t *array, const char *file)
{
	struct policy_errors errs = {0};
	const json_t *each;
	size_t i;

	errs.errors = calloc(json_array_size(array), sizeof(*errs.errors));
	if (!errs.errors)
		return -ENOMEM;
	json_array_foreach(array, i, each) {
		struct policy_error *e = &errs.errors[errs.n_errors];

		e->message = member_copy(each, "message");
		if (!e->message)
			continue;
		e->pos.line = member_number(each, "line");
		e->pos.column = member_number(each, "column");
		e->hint = member_copy(each, "hint");
		e->source_line = member_copy(each, "source_line");
		e->file = member_copy(each, "file");
		errs.n_errors++;
	}
	policy_errors_print(&errs, file, stderr);
	policy_errors_done(&errs);
	return 0;
}

int api_refused(const struct api_reply *reply, const char *file)
{
	const char *text = json_string_value(json_object_get(reply->json, "error"));
	const json_t *errors = json_object_get(reply->json, "errors");

	/* Each has a file of its own, if not this one. */
	if (json_array_size(errors) > 0 && !api_errors_print(errors, file ?: "?"))
		return CLI_FAILED;
	if (text)
		log_err(0, "%s", text);
	else if (reply->status == 403)
		log_err(0,
			"the daemon refused this: changing needs root, reading root or the socket's group");
	else
		log_err(0, "the daemon answered with HTTP status %ld", reply->status);
	return CLI_FAILED;
}

int api_told(const struct api_reply *reply, bool json, void (*print)(const json_t *answer))
{
	if (!api_ok(reply)) {
		if (json && reply->json)
			out_json(reply->json);
		return api_refused(reply, NULL);
	}
	if (json)
		return out_json(reply->json);
	print(reply->json);
	return CLI_DONE;
}

int api_ask(const char *method, const char *path, bool json, void (*print)(const json_t *answer))
{
	_cleanup_(api_reply_done) struct api_reply reply = {0};
	int err = path ? api_request(method, path, NULL, 0, &reply) : -ENOMEM;

	return err ? api_unreachable(err) : api_told(&reply, json, print);
}
