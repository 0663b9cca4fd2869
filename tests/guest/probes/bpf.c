/* SPDX-License-Identifier: GPL-2.0-only */
/* Acts that the bpf restriction is about: bpf ACT [PATH]. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/bpf.h>
#include <linux/filter.h>

#include "acts.h"

static int bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int create_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};

	return bpf(BPF_MAP_CREATE, &attr);
}

static int load_program(void)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K}, /* r0 = 0 */
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
			       .insns = (uintptr_t)insns,
			       .insn_cnt = 2,
			       .license = (uintptr_t) "GPL"};

	return bpf(BPF_PROG_LOAD, &attr);
}

static int act_map(const char *arg)
{
	return create_map() < 0 ? errno : 0;
}

static int act_program(const char *arg)
{
	return load_program() < 0 ? errno : 0;
}

/* What leads to maps of others. */
static int act_map_by_id(const char *arg)
{
	union bpf_attr attr = {};

	if (bpf(BPF_MAP_GET_NEXT_ID, &attr))
		return errno;
	attr = (union bpf_attr){.map_id = attr.next_id};
	return bpf(BPF_MAP_GET_FD_BY_ID, &attr) < 0 ? errno : 0;
}

static int act_get(const char *arg)
{
	union bpf_attr attr = {.pathname = (uintptr_t)arg};

	return bpf(BPF_OBJ_GET, &attr) < 0 ? errno : 0;
}

/* Every command, also those that there are not: either all are refused, or none. */
static int act_every_command(const char *arg)
{
	int refused = 0, n = 64;

	for (int cmd = 0; cmd < n; cmd++) {
		union bpf_attr attr = {};

		refused += bpf(cmd, &attr) < 0 && errno == EPERM;
	}
	return !refused ? 0 : refused == n ? EPERM : EIO;
}

/* For the tests: a program at PATH and a map at PATH-map. */
static void pin(int fd, const char *path)
{
	union bpf_attr attr = {.pathname = (uintptr_t)path, .bpf_fd = (uint32_t)fd};

	if (fd < 0 || bpf(BPF_OBJ_PIN, &attr))
		fail(path);
}

static int act_pin(const char *arg)
{
	char map[256];

	snprintf(map, sizeof(map), "%s-map", arg);
	pin(load_program(), arg);
	pin(create_map(), map);
	return 0;
}

/* Classic BPF is none of it. */
static int act_filter(const char *arg)
{
	struct sock_filter accept = {.code = BPF_RET | BPF_K, .k = 0xffff};
	struct sock_fprog program = {.len = 1, .filter = &accept};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? errno : 0;
}

/* ---- pins ---- */

static int act_read(const char *arg)
{
	int fd = open(arg, O_RDONLY);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int act_unlink(const char *arg)
{
	return unlink(arg) ? errno : 0;
}

static int act_rename(const char *arg)
{
	char to[256];

	snprintf(to, sizeof(to), "%s-new", arg);
	return rename(arg, to) ? errno : 0;
}

static int act_rmdir(const char *arg)
{
	return rmdir(arg) ? errno : 0;
}

static int act_mkdir(const char *arg)
{
	return mkdir(arg, 0700) ? errno : 0;
}

static int act_chmod(const char *arg)
{
	return chmod(arg, 0666) ? errno : 0;
}

static const struct act acts[] = {
	{"map", act_map, EPERM},
	{"program", act_program, EPERM},
	{"map-by-id", act_map_by_id, EPERM},
	{"get", act_get, EPERM},
	{"every-command", act_every_command, EPERM},
	{"pin", act_pin, EPERM},
	{"filter", act_filter, EPERM},
	{"read", act_read, EPERM},
	{"unlink", act_unlink, EPERM},
	{"rename", act_rename, EPERM},
	{"rmdir", act_rmdir, EPERM},
	{"mkdir", act_mkdir, EPERM},
	{"chmod", act_chmod, EPERM},
};

int main(int argc, char **argv)
{
	if (argc < 2)
		return NOT_TRIED;
	return do_act(acts, sizeof(acts) / sizeof(*acts), argv + 1);
}
