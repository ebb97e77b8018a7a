# What reads the cache inside other people's processes: libc only.
CACHE_READER := lib/cache_map.c lib/cache_find.c lib/account.c lib/utf8.c

MODULES += libnss_rollcall.so.2
libnss_rollcall.so.2_SRCS := nss_module/map.c nss_module/passwd.c nss_module/group.c \
	nss_module/initgroups.c nss_module/shadow.c $(CACHE_READER)
libnss_rollcall.so.2_MAP := nss_module/nss.map
# Code and constants in one mapping: two page faults and two calls less where it is loaded.
libnss_rollcall.so.2_LIBS := -Wl,-z,noseparate-code
libnss_rollcall.so.2_DIR := $(libdir)

PROGRAMS += rollcall-authorized-keys
rollcall-authorized-keys_SRCS := nss_module/authorized_keys.c
rollcall-authorized-keys_LIBS :=
rollcall-authorized-keys_DIR := libexec/rollcall

# gcc gathers the members of an answer in vectors before it stores them, by way of moves
# that take longer than the stores: 2 ns of a lookup. Calls go by the table, which is bound
# and read-only from the start, without a stub in between.
$(BUILD)/modobj/nss_module/%.o: MODULE_CFLAGS += -fno-tree-slp-vectorize -fno-plt
