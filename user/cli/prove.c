// SPDX-License-Identifier: GPL-2.0-only
/* The proof of `doctor`: an operation that is allowed, then refused, with leastcap's own record of it. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/doctor.h"
#include "cli/sandbox.h"
#include "prove/prove.h"

/* Exit statuses of the probe. */
enum { PROBE_ALLOWED = 10, PROBE_REFUSED = 11, PROBE_OTHER = 12 };

/* The act by which the daemon proves the same: it asks for one capability, and then finds no such file. */
int doctor_probe(void)
{
	int result = prove_try(PROVE_CAPABILITIES, NULL);

	if (result == prove_free(PROVE_CAPABILITIES))
		return PROBE_ALLOWED;
	return result == EPERM ? PROBE_REFUSED : PROBE_OTHER;
}

/* A new process, since one that was moved in is entering until it executes something. */
static int probe_in(const struct sandbox *s)
{
	static char self[] = "/proc/self/exe", word[] = CLI_DOCTOR_PROBE;
	char *argv[] = {self, word, NULL};
	struct sandbox_child child;
	sigset_t mask;
	bool entered;
	int status, err;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	err = sandbox_spawn(s, argv, &mask, &child);
	if (err)
		return err;
	while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
		;
	err = sandbox_child_failure(&child, &entered);
	if (err)
		return log_err(err, "cannot run the probe in %s", s->path);
	return WIFEXITED(status) ? WEXITSTATUS(status) : PROBE_OTHER;
}

static const char *outcome(int probe)
{
	return probe == PROBE_ALLOWED ? "ESTALE" : probe == PROBE_REFUSED ? "EPERM" : "other";
}

static bool step(json_t *proof, bool ok, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static bool step(json_t *proof, bool ok, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_array_append_new(json_object_get(proof, "steps"),
			      json_pack("{s:b, s:s}", "ok", ok, "text", text));
	return ok;
}

static bool check_ledger(json_t *proof, const struct kernel_ledger *ledger)
{
	_cleanup_free_ char *denied = caps_to_text(ledger->denied);

	json_object_set_new(proof, "denied", caps_to_json(ledger->denied));
	json_object_set_new(proof, "refused", json_integer((json_int_t)ledger->n_denied[0]));
	return step(proof, ledger->denied == 1ULL << PROVE_CAP && ledger->n_denied[0] == 1,
		    "leastcap's ledger: refused %s, %llu check%s", denied ? denied : "?",
		    (unsigned long long)ledger->n_denied[0], ledger->n_denied[0] == 1 ? "" : "s");
}

static int try(json_t *proof, struct sandbox *s)
{
	struct leastcap_policy nothing = {
		.mode = LEASTCAP_ENFORCE, .revision = 1, .name = "run:doctor"};
	struct kernel_ledger ledger = {0};
	int before, confined, err;

	before = probe_in(s);
	if (before < 0)
		return before;
	json_object_set_new(proof, "before", json_string(outcome(before)));
	if (!step(proof, before == PROBE_ALLOWED,
		  "without a policy open_by_handle_at() is allowed, and finds that no file has the handle: %s",
		  outcome(before)))
		return -EPERM;

	err = sandbox_bind(s, &nothing, NULL);
	if (err)
		return err;
	confined = probe_in(s);
	if (confined < 0)
		return confined;
	json_object_set_new(proof, "confined", json_string(outcome(confined)));
	if (!step(proof, confined == PROBE_REFUSED, "under an empty whitelist it is refused: %s",
		  outcome(confined)))
		return -EPERM;

	err = kernel_ledger_get(s->kernel, s->id, &ledger);
	if (err)
		return log_err(err, "cannot read the ledger of %s", s->path);
	return check_ledger(proof, &ledger) ? 0 : -EPERM;
}

int doctor_prove(json_t **ret_proof)
{
	_cleanup_(sandbox_closep) struct sandbox s = SANDBOX_EMPTY;
	json_t *proof = json_pack("{s:s, s:[]}", "operation", "open_by_handle_at", "steps");
	struct sandbox_end end = {0};
	int err;

	*ret_proof = proof;
	if (!proof)
		return -ENOMEM;
	/* All of it under the lock: nobody changes the policies while we look. */
	err = sandbox_open(&s, true);
	if (err) {
		step(proof, false, "the programs could not be loaded, or no cgroup could be made");
		return err;
	}
	err = try(proof, &s);
	if (sandbox_close(&s, &end) || end.left)
		step(proof, false, "the cgroup of the proof could not be removed");
	return err;
}
