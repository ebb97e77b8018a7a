# SPDX-License-Identifier: BSD-2-Clause
# rollcall's build. GNU make; everything lands in $(BUILD), nothing in the tree.
#
#   make            programs, modules, man pages         make install DESTDIR=...
#   make check      unit, fuzz and system tests (root)   make check-unit  (no root)
#   make demo       the story, on the real sshd (root)   make bench       (root)
#   make demo-fleet the same for a hub, a directory and three hosts (root)
#   make lint       clang-format, clang-tidy, cppcheck   make SANITIZE=1 ...
#   make torture    make power-loss    make tsan         (tests/torture/build.mk)
#
# Each folder has a build.mk that adds to these lists:
#   LIB_SRCS        sources of librollcall.a
#   PROGRAMS        NAME, with NAME_SRCS, NAME_LIBS (linker words), NAME_DIR
#   MODULES         NAME, with NAME_SRCS, NAME_LIBS, NAME_MAP, NAME_DIR; these do
#                   not link librollcall.a: they name each file they need
#   UNIT_TESTS      NAME, with NAME_SRCS, NAME_LIBS; linked with cmocka
#   MAN_PAGES       files to install
# Objects are compiled once, all position independent.

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
PKG_CONFIG ?= pkg-config
INSTALL ?= install

prefix ?= /usr
bindir ?= $(prefix)/bin
sbindir ?= $(prefix)/sbin
multiarch := $(shell $(CC) -print-multiarch 2>/dev/null)
libdir ?= $(prefix)/lib$(if $(multiarch),/$(multiarch))
pamdir ?= $(libdir)/security
libexecdir ?= $(prefix)/libexec
sysconfdir ?= /etc
localstatedir ?= /var
runstatedir ?= /run
mandir ?= $(prefix)/share/man
docdir ?= $(prefix)/share/doc/rollcall
datadir ?= $(prefix)/share
unitdir ?= $(prefix)/lib/systemd/system
DESTDIR ?=

ifdef SANITIZE
BUILD ?= build-sanitize
SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer \
	-DROLLCALL_SANITIZE=1
SAN_SRCS := tests/sanitizer.c
# Modules live in strangers' processes, so no sanitizer runtime there: undefined
# behaviour traps instead.
SAN_MODULE_FLAGS := -fsanitize=undefined -fsanitize-undefined-trap-on-error
OPT ?= -O1 -g
else
BUILD ?= build
OPT ?= -O2 -g
FORTIFY := -D_FORTIFY_SOURCE=2
endif

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	-Wvla -Wpointer-arith -Wwrite-strings -Wundef -Wcast-qual
HARDEN := -fstack-protector-strong -fcf-protection $(FORTIFY) $(if $(findstring clang,$(CC)),,-fstack-clash-protection)
PATHS := -DROLLCALL_SYSCONFDIR='"$(sysconfdir)/rollcall"' \
	-DROLLCALL_STATEDIR='"$(localstatedir)/lib/rollcall"' \
	-DROLLCALL_RUNDIR='"$(runstatedir)/rollcall"' \
	-DROLLCALL_LOGDIR='"$(localstatedir)/log/rollcall"' \
	-DROLLCALL_LIBEXECDIR='"$(libexecdir)/rollcall"' \
	-DROLLCALL_DATADIR='"$(datadir)/rollcall"' \
	-DROLLCALL_PAM_CONFIGS='"$(datadir)/pam-configs"' \
	-DROLLCALL_PAMDIR='"$(pamdir)"' -DROLLCALL_NSSDIR='"$(libdir)"'
VERSION := 0.1.0
HAVE_SYSTEMD := $(shell $(PKG_CONFIG) --exists libsystemd 2>/dev/null && echo 1)
SYSTEMD_LIBS := $(if $(HAVE_SYSTEMD),-lsystemd)
BASE_CFLAGS := -std=gnu17 -D_GNU_SOURCE -I. -Iinclude $(WARN) $(HARDEN) $(OPT) -fPIC -MMD -MP \
	$(PATHS) -DROLLCALL_VERSION='"$(VERSION)"' $(if $(HAVE_SYSTEMD),-DHAVE_SYSTEMD=1)
ALL_CFLAGS = $(BASE_CFLAGS) $(SAN_FLAGS) $(CFLAGS)
MODULE_CFLAGS = $(BASE_CFLAGS) $(SAN_MODULE_FLAGS) $(CFLAGS)
ALL_LDFLAGS = -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)

.DEFAULT_GOAL := all
LIB_SRCS :=
PROGRAMS :=
MODULES :=
UNIT_TESTS :=
MAN_PAGES :=
include $(wildcard lib/build.mk nss_module/build.mk pam_module/build.mk syncd/build.mk cli/build.mk \
	docs/build.mk packaging/build.mk tests/unit/build.mk tests/faults/build.mk tests/system/build.mk \
	tests/torture/build.mk tests/fuzz/build.mk tests/bench/build.mk)

LIB := $(BUILD)/librollcall.a
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
modobj = $(patsubst %.c,$(BUILD)/modobj/%.o,$(1))
program_path = $(BUILD)/$($(1)_DIR)/$(1)
module_path = $(BUILD)/lib/$(1)
test_path = $(BUILD)/tests/$(1)

PROGRAM_FILES := $(foreach p,$(PROGRAMS),$(call program_path,$(p)))
MODULE_FILES := $(foreach m,$(MODULES),$(call module_path,$(m)))
TEST_FILES := $(foreach t,$(UNIT_TESTS),$(call test_path,$(t)))

.PHONY: all install uninstall check check-unit check-system demo demo-fleet bench lint clean tests fuzz
all: $(PROGRAM_FILES) $(MODULE_FILES) $(MAN_PAGES)
tests: $(TEST_FILES)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<
$(BUILD)/modobj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(MODULE_CFLAGS) -fvisibility=hidden -c -o $@ $<

$(LIB): $(call obj,$(LIB_SRCS))
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

define program_rule
$$(call program_path,$(1)): $$(call obj,$$($(1)_SRCS) $$(SAN_SRCS)) $$(LIB)
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_CFLAGS) -pie $$(ALL_LDFLAGS) -o $$@ $$(call obj,$$($(1)_SRCS) $$(SAN_SRCS)) $$(LIB) $$($(1)_LIBS)
endef
define module_rule
$$(call module_path,$(1)): $$(call modobj,$$($(1)_SRCS)) $$($(1)_MAP)
	@mkdir -p $$(@D)
	$$(CC) $$(MODULE_CFLAGS) -shared -Wl,-soname,$(1) -Wl,-z,nodelete -Wl,-z,defs \
		-Wl,--version-script,$$($(1)_MAP) $$(ALL_LDFLAGS) -o $$@ $$(call modobj,$$($(1)_SRCS)) $$($(1)_LIBS)
endef
define test_rule
$$(call test_path,$(1)): $$(call obj,$$($(1)_SRCS)) $$(LIB)
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_CFLAGS) -pie $$(ALL_LDFLAGS) -o $$@ $$(call obj,$$($(1)_SRCS)) $$(LIB) $$($(1)_LIBS) -lcmocka
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_rule,$(p))))
$(foreach m,$(MODULES),$(eval $(call module_rule,$(m))))
$(foreach t,$(UNIT_TESTS),$(eval $(call test_rule,$(t))))

-include $(shell [ -d $(BUILD) ] && find $(BUILD) -name '*.d')

# Programs and modules are replaced by rename: a running process keeps the old file,
# and nobody ever maps half of a new one.
define put
	$(INSTALL) -d $(DESTDIR)$(dir $(2))
	$(INSTALL) -m $(3) $(1) $(DESTDIR)$(2).new && mv -f $(DESTDIR)$(2).new $(DESTDIR)$(2)

endef
bin_DEST := $(bindir)
sbin_DEST := $(sbindir)
dest_of = $(if $(filter bin,$(1)),$(bindir),$(if $(filter sbin,$(1)),$(sbindir),$(patsubst libexec/%,$(libexecdir)/%,$(1))))
installed_program = $(call dest_of,$($(1)_DIR))/$(1)
installed_module = $($(1)_DIR)/$(1)
man_dest = $(mandir)/man$(subst .,,$(suffix $(1)))/$(notdir $(1))

install: all
	$(foreach p,$(PROGRAMS),$(if $(filter tests%,$($(p)_DIR)),,$(call put,$(call program_path,$(p)),$(call installed_program,$(p)),755)))
	$(foreach m,$(MODULES),$(call put,$(call module_path,$(m)),$(call installed_module,$(m)),644))
	$(foreach f,$(MAN_PAGES),$(call put,$(f),$(call man_dest,$(f)),644))
	$(foreach f,$(UNITS),$(call put,$(f),$(unitdir)/$(notdir $(f)),644))
	$(foreach f,$(INSTALL_DATA),$(call put,$(firstword $(subst :, ,$(f))),$(lastword $(subst :, ,$(f))),644))

uninstall:
	rm -f $(foreach p,$(PROGRAMS),$(DESTDIR)$(call installed_program,$(p))) \
		$(foreach m,$(MODULES),$(DESTDIR)$(call installed_module,$(m))) \
		$(foreach f,$(MAN_PAGES),$(DESTDIR)$(call man_dest,$(f))) \
		$(foreach f,$(UNITS),$(DESTDIR)$(unitdir)/$(notdir $(f))) \
		$(foreach f,$(INSTALL_DATA),$(DESTDIR)$(lastword $(subst :, ,$(f))))

# The fuzz targets have sanitizers of their own in any case.
check: all tests $(if $(SANITIZE),,fuzzers)
	BUILD=$(BUILD) tests/run $(TESTS)
check-unit: all tests
	BUILD=$(BUILD) tests/run unit
check-system: all tests
	BUILD=$(BUILD) tests/run system
demo: all
	BUILD=$(BUILD) tests/sandbox/run /usr/bin/python3 tests/system/demo.py
demo-fleet: all
	BUILD=$(BUILD) tests/sandbox/run /usr/bin/python3 tests/system/demo_fleet.py
bench: all
	BUILD=$(BUILD) tests/bench/run
lint:
	tests/lint
clean:
	rm -rf $(BUILD)
