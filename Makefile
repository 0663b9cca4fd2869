# SPDX-License-Identifier: GPL-2.0-only
# leastcap. `make help` lists the targets.
#
#   V=1         show the commands
#   O=DIR       build there instead of build/
#   W=1         warnings are errors
#   CC=clang    another compiler for the user side (BPF is always clang)
#   SAN=1       address and undefined behaviour sanitizers
MAKEFLAGS += -rR --no-print-directory
.DELETE_ON_ERROR:
.SECONDARY:
SHELL := /bin/bash

VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
O ?= build
ifeq ($(origin CC),default)
CC := gcc
endif
CC ?= gcc
CLANG ?= clang
PKG_CONFIG ?= pkg-config
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)
ARCH := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(shell uname -m)))

ifeq ($(V),1)
Q :=
say :=
else
Q := @
say = @printf '  %-7s %s\n' '$(1)' '$(2)'
endif

# ---- flags ----

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	-Wformat-nonliteral -Wundef -Wvla -Wwrite-strings -Wpointer-arith -Wno-unused-parameter
ifeq ($(W),1)
WARNINGS += -Werror
endif
ifeq ($(SAN),1)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
LIBS := libbpf libelf zlib libfyaml jansson libsystemd libmicrohttpd libcap libseccomp audit
# Debian's http_parser has no file for pkg-config.
OTHER_LIBS := -lhttp_parser
PKG_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(LIBS) 2>/dev/null)
PKG_LIBS = $(shell $(PKG_CONFIG) --libs $(LIBS) 2>/dev/null) $(OTHER_LIBS)
CLI_LIBS = $(shell $(PKG_CONFIG) --libs libcurl ncursesw 2>/dev/null)
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu17 $(WARNINGS) -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
	-DLEASTCAP_VERSION='"$(VERSION)"' $(BUILD_ABI:%=-DLEASTCAP_ABI=%) -fstack-protector-strong -Iinclude -Iuser -I$(O) \
	$(PKG_CFLAGS) $(CFLAGS) $(SANITIZE)
ALL_LDFLAGS = $(LDFLAGS) $(SANITIZE) -Wl,-z,relro,-z,now
BPF_CFLAGS := -g -O2 -std=gnu17 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-address-of-packed-member \
	-target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) -Iinclude -Ibpf \
	-idirafter /usr/include/$(shell uname -m)-linux-gnu \
	$(if $(BUILD_TAG),-DLEASTCAP_BUILD_TAG='"$(BUILD_TAG)"') $(BUILD_ABI:%=-DLEASTCAP_ABI=%)

# ---- what is built ----

LIB_SRCS := $(sort $(wildcard $(addsuffix /*.c,$(addprefix user/,base policy subject kernel audit trace explain suggest prove top))))
CLI_SRCS := $(sort $(wildcard user/cli/*.c))
DAEMON_SRCS := $(sort $(wildcard user/daemon/*.c))
UNIT_SRCS := $(sort $(wildcard tests/unit/test_*.c))
PROBE_SRCS := $(sort $(wildcard tests/guest/probes/*.c))
LIB_OBJS := $(LIB_SRCS:%.c=$(O)/%.o)
CLI_OBJS := $(CLI_SRCS:%.c=$(O)/%.o)
DAEMON_OBJS := $(DAEMON_SRCS:%.c=$(O)/%.o)
UNIT_TESTS := $(UNIT_SRCS:tests/unit/%.c=$(O)/tests/unit/%)
PROBES := $(PROBE_SRCS:tests/guest/probes/%.c=$(O)/tests/guest/probes/%)
# Probes that there are for 32-bit callers too, with 32 behind their name.
PROBES += $(patsubst %,$(O)/tests/guest/probes/%32,$(basename $(notdir $(filter-out %/probe.c %/first.c %/events.c %/moves.c,$(PROBE_SRCS)))))
SKEL := $(O)/leastcap.skel.h $(O)/trace.skel.h
MAN_RST := $(sort $(wildcard docs/*.[158].rst))
MAN_PAGES := $(MAN_RST:docs/%.rst=$(O)/man/%)

.PHONY: all FORCE
all: $(O)/leastcap $(O)/leastcapd

# Rewritten only when flags change that change the result: everything depends on it.
quote = '$(subst ','\'',$(1))'
$(O)/.flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(call quote,$(filter-out -Werror,$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS))) $(call quote,$(CLANG) $(BPF_CFLAGS)) >$@.tmp; \
	 if cmp -s $@.tmp $@; then rm $@.tmp; else mv $@.tmp $@; fi

# ---- the kernel side: one object that enforces, one that traces; a skeleton for each ----

$(O)/bpf/%.o: bpf/%.bpf.c $(O)/.flags
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@
$(O)/%.bpf.o: $(O)/bpf/%.o
	$(Q)$(BPFTOOL) gen object $@ $<
$(O)/%.skel.h: $(O)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf >$@

# ---- the user side ----

$(O)/user/%.o: user/%.c $(O)/.flags | $(SKEL)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@
$(O)/tests/unit/%.o: tests/unit/%.c $(O)/.flags | $(SKEL)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(O)/libleastcap.a: $(LIB_OBJS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^
$(O)/leastcap: $(CLI_OBJS) $(O)/libleastcap.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(PKG_LIBS) $(CLI_LIBS)
$(O)/leastcapd: $(DAEMON_OBJS) $(O)/libleastcap.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(PKG_LIBS)
$(O)/tests/unit/test_%: $(O)/tests/unit/test_%.o $(filter-out %/main.o,$(DAEMON_OBJS)) $(O)/libleastcap.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $(filter %.o,$^) $(O)/libleastcap.a -o $@ $(PKG_LIBS) $$($(PKG_CONFIG) --libs cmocka)

# Those with a kernel side of their own, in place of the library's.
$(addprefix $(O)/tests/unit/test_,answers births confirm dry_run fall_back killed modes transaction unfit): ALL_LDFLAGS += -Wl,--allow-multiple-definition

# Parts of the command, with what they call in the test.
$(O)/tests/unit/test_printed: $(addprefix $(O)/user/cli/,explain_print.o output.o report_html.o trace_print.o)
$(O)/tests/unit/test_learn: $(O)/user/cli/learn_conclude.o

# Programs that tests run in a guest, in containers without a libc: static. `first` is on its own entirely.
$(O)/tests/guest/probes/first: PROBE_FLAGS := -nostdlib -ffreestanding -fno-stack-protector
$(O)/tests/guest/probes/events: PROBE_LIBS := -ljansson
$(O)/tests/guest/probes/%32: tests/guest/probes/%.c $(O)/.flags
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -m32 -std=gnu17 $(WARNINGS) -D_GNU_SOURCE -D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64 -O2 -static -Iinclude -MMD -MP $< -o $@ -pthread

$(O)/tests/guest/probes/%: tests/guest/probes/%.c $(O)/.flags
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 $(WARNINGS) -D_GNU_SOURCE -O2 -static -Iinclude -MMD -MP $(PROBE_FLAGS) $< -o $@ -pthread $(PROBE_LIBS)

$(O)/man/%: docs/%.rst $(O)/.flags
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)rst2man $< >$@

# What measures, in a guest.
BENCH := $(addprefix $(O)/tests/bench/,check start reload attach replace floor.bpf.o selinux.policy selinux-other.policy)
$(addprefix $(O)/tests/bench/,check start reload): $(O)/tests/bench/%: tests/bench/%.c $(O)/.flags
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 $(WARNINGS) -D_GNU_SOURCE -O2 -static -Iinclude -MMD -MP $< -o $@
$(O)/tests/bench/attach: tests/bench/attach.c $(O)/.flags
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 $(WARNINGS) -O2 -MMD -MP $< -o $@ $(shell $(PKG_CONFIG) --libs libbpf)
$(O)/tests/bench/replace: tests/bench/replace.c $(O)/libleastcap.a $(O)/.flags
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $< $(ALL_LDFLAGS) $(O)/libleastcap.a -o $@ $(PKG_LIBS)
# On the machine itself.
NATIVE := $(addprefix $(O)/tests/bench/,native native.bpf.o)
$(O)/tests/bench/native: tests/bench/native.c $(O)/.flags
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 $(WARNINGS) -D_GNU_SOURCE -O2 -Iinclude -MMD -MP $< -o $@ $(shell $(PKG_CONFIG) --libs libbpf jansson)
$(O)/tests/bench/selinux.policy: tests/bench/selinux.cil
	@mkdir -p $(@D)
	$(Q)secilc --output $@ --filecontext /dev/null $<
# The same, but the domain "denied" is allowed it.
$(O)/tests/bench/selinux-other.policy: tests/bench/selinux.cil
	@mkdir -p $(@D)
	$(Q)sed s/dontaudit/allow/ $< >$(@:.policy=.cil)
	$(Q)secilc --output $@ --filecontext /dev/null $(@:.policy=.cil)
$(O)/tests/bench/%.bpf.o: tests/bench/%.bpf.c $(O)/.flags
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@

DEPS := $(SKEL:$(O)/%.skel.h=$(O)/bpf/%.d) $(LIB_OBJS:.o=.d) $(CLI_OBJS:.o=.d) $(DAEMON_OBJS:.o=.d) \
	$(addsuffix .d,$(UNIT_TESTS) $(PROBES)) $(addsuffix .d,$(basename $(BENCH) $(NATIVE)))
-include $(DEPS)

# ---- install ----

.PHONY: install
install: all
# The default is there from the first time on; who removes or changes it has said so.
	$(Q)[ -e $(DESTDIR)/etc/leastcap/policies.d ] || \
		install -D -m 644 policies/container.yaml $(DESTDIR)/etc/leastcap/policies.d/container.yaml
	$(Q)install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin \
		$(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/share/leastcap/policies \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)/etc/leastcap/policies.d
	$(Q)install -m 755 $(O)/leastcap $(DESTDIR)$(PREFIX)/bin/leastcap
	$(Q)install -m 755 $(O)/leastcapd $(DESTDIR)$(PREFIX)/sbin/leastcapd
	$(Q)install -m 644 policies/*.yaml policies/schema.json $(DESTDIR)$(PREFIX)/share/leastcap/policies/
	$(Q)install -m 644 deploy/bash-completion/leastcap \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/leastcap
	$(Q)install -D -m 644 deploy/leastcap.catalog $(DESTDIR)$(PREFIX)/lib/systemd/catalog/leastcap.catalog
	$(Q)install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/leastcap/monitoring deploy/prometheus/leastcap.rules.yml \
		deploy/grafana/leastcap.json
	$(Q)sed 's,@PREFIX@,$(PREFIX),g' deploy/leastcapd.service \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/leastcapd.service
	$(Q)if command -v rst2man >/dev/null; then \
		$(MAKE) $(MAN_PAGES) && for page in $(MAN_PAGES); do \
			section=$${page##*.}; \
			install -D -m 644 $$page \
				$(DESTDIR)$(PREFIX)/share/man/man$$section/$${page##*/}; \
		done; \
	else echo 'no rst2man (package python3-docutils): man pages are not installed'; fi

# ---- tests ----

.PHONY: unit-tests probes check check-unit check-guest soak bench bench-native demo lint fuzz deps
unit-tests: $(UNIT_TESTS)
probes: $(PROBES)

# The whole test: everything on 6.1, the smoke test on the other kernels; KERNEL=all: everything on all.
check:
	$(Q)tests/deps build guest bench
	$(Q)O=$(O) KERNEL=$(KERNEL) TEST=$(TEST) tests/check unit guest $(if $(TEST),,bench)
check-unit:
	$(Q)tests/deps build bench
	$(Q)O=$(O) tests/check unit
check-guest:
	$(Q)tests/deps build guest
	$(Q)O=$(O) KERNEL=$(KERNEL) TEST=$(TEST) tests/check guest
soak:
	$(Q)tests/deps build guest
	$(Q)O=$(O) KERNEL=$(KERNEL) TEST=$(TEST) tests/check soak
bench:
	$(Q)tests/deps build guest bench
	$(Q)$(MAKE) all $(BENCH)
	$(Q)O=$(O) KERNEL=$(KERNEL) tests/bench/bench $(BENCHFLAGS)
bench-native:
	$(Q)tests/deps build
	$(Q)$(MAKE) $(NATIVE)
	$(Q)$(O)/tests/bench/native $(O)/tests/bench/native.bpf.o $(O)/bench-native.json
demo:
	$(Q)tests/deps build guest
	$(Q)$(MAKE) all
	$(Q)O=$(O) tests/guest/run --kernel $(or $(KERNEL),6.1) tests/guest/demo
deps:
	$(Q)tests/deps

lint:
	$(Q)tests/deps build lint
	$(Q)tests/lint

FUZZ_SECONDS ?= 60
fuzz: $(SKEL)
	$(Q)tests/deps build lint
	$(Q)O=$(O) tests/fuzz/run $(FUZZ_SECONDS)

.PHONY: clean help
clean:
	$(Q)rm -rf $(O)

help:
	@printf '%s\n' \
	'make                   build leastcap and leastcapd in $(O)/' \
	'make demo              the main job, shown in a throw-away guest with real Docker' \
	'make check             all tests; ends with "N passed, N failed, N skipped"' \
	'  KERNEL=6.1|6.12|7|all  everything on that kernel, on all' \
	'  TEST=NAME              only tests/guest/NAME.bats' \
	'make check-unit        unit tests, under ASan and UBSan, gcc and clang' \
	'make check-guest       the tests in guests; KERNEL= and TEST= as above' \
	'make soak              the long form of the load tests' \
	'make bench             what it costs, in instructions: a table, and $(O)/bench.json; KERNEL= as above' \
	'  BENCHFLAGS=--check     fails where it costs more than tests/bench/figures.json says' \
	'  BENCHFLAGS=--short     the same for the rows that matter most, in one boot: a part of make check' \
	'make bench-native      the decision alone, in nanoseconds of this machine: a table, and $(O)/bench-native.json' \
	'make lint              formatting, shellcheck, spelling' \
	'make fuzz              libFuzzer on the policy parser and the resolver; FUZZ_SECONDS=60' \
	'make install           DESTDIR= PREFIX=/usr/local' \
	'make deps              say which Debian packages are missing, and install them' \
	'make clean             remove $(O)/' \
	'' \
	'V=1 show commands   O=DIR build there   W=1 warnings are errors   CC=clang   SAN=1 sanitizers'
