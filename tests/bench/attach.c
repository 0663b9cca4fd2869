/* SPDX-License-Identifier: GPL-2.0-only */
/* attach OBJECT: loads and attaches all programs of a BPF object, says "attached", stays until standard input ends. */
#include <stdio.h>
#include <unistd.h>

#include <bpf/libbpf.h>

int main(int argc, char **argv)
{
	struct bpf_object *object = argc == 2 ? bpf_object__open_file(argv[1], NULL) : NULL;
	struct bpf_program *program;
	char c;

	if (!object || bpf_object__load(object))
		return 1;
	bpf_object__for_each_program(program, object)
	{
		if (!bpf_program__attach(program))
			return 1;
	}
	puts("attached");
	fflush(stdout);
	return read(STDIN_FILENO, &c, 1) < 0;
}
