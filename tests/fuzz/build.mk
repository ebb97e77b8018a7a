# Fuzz targets: clang and libFuzzer. `make fuzz FUZZ_SECONDS=60` runs each for that long and
# keeps what it finds; `make check` runs each for a few seconds from tests/fuzz/corpus.
FUZZ_SECONDS ?= 60
# What a target over the cache reads it through; see memory_files.h.
FUZZ_IN_MEMORY := tests/fuzz/memory_files.c tests/fuzz/cache_shape.c
FUZZ_WRAPPED := open close read fstat stat lstat statx mmap munmap time __libc_single_threaded
FUZZ_IN_MEMORY_LIBS := $(foreach f,$(FUZZ_WRAPPED),-Wl,--wrap=$(f))
FUZZ_WRITERS := lib/safeio.c lib/cache_build.c lib/cache_index.c lib/cache_members.c lib/cache_keys_writer.c \
	lib/cache_snapshot_writer.c lib/cache_private_writer.c lib/cache_board_writer.c

FUZZ_TARGETS += fuzz_nss
fuzz_nss_SRCS := tests/fuzz/fuzz_nss.c tests/fuzz/fuzz_nss_seed.c $(FUZZ_IN_MEMORY) \
	$(libnss_rollcall.so.2_SRCS) $(FUZZ_WRITERS) lib/cache_handles.c lib/cache_private.c
fuzz_nss_LIBS := $(FUZZ_IN_MEMORY_LIBS)
fuzz_nss_LEN := 8192

FUZZ_TARGETS += fuzz_cache
fuzz_cache_SRCS := tests/fuzz/fuzz_cache.c tests/unit/cache_fixture.c $(FUZZ_IN_MEMORY) $(CACHE_READER) \
	$(FUZZ_WRITERS) lib/cache_handles.c lib/cache_private.c
fuzz_cache_LIBS := $(FUZZ_IN_MEMORY_LIBS)
fuzz_cache_LEN := 8192

FUZZ_TARGETS += fuzz_graph
fuzz_graph_SRCS := tests/fuzz/fuzz_graph.c syncd/sources/graph_map.c syncd/sources/graph_assigned.c syncd/sources/person.c \
	lib/source_message.c lib/timeparse.c lib/parse.c lib/account.c lib/utf8.c lib/random.c
fuzz_graph_LIBS := -ljansson
fuzz_graph_LEN := 4096

FUZZ_TARGETS += fuzz_source_message
fuzz_source_message_SRCS := tests/fuzz/fuzz_source_message.c lib/source_message.c lib/timeparse.c lib/parse.c
fuzz_source_message_LIBS := -ljansson
fuzz_source_message_LEN := 4096

FUZZ_TARGETS += fuzz_config
fuzz_config_SRCS := tests/fuzz/fuzz_config.c tests/fuzz/memory_files.c $(filter lib/config%,$(LIB_SRCS)) \
	lib/parse.c lib/timeparse.c lib/safeio.c lib/account.c lib/utf8.c
fuzz_config_LIBS := $(FUZZ_IN_MEMORY_LIBS) -linih -ljansson
fuzz_config_LEN := 4096

# The verifier's door from both sides, and the file behind it. fuzz_door_verifier includes the
# verifier's main.c.
FUZZ_TARGETS += fuzz_door_module
fuzz_door_module_SRCS := tests/fuzz/fuzz_door_module.c tests/fuzz/packets.c pam_module/relay.c $(VERIFIER_DOOR)
fuzz_door_module_LIBS := -lpam $(foreach f,connect getsockopt pam_syslog posix_spawn,-Wl,--wrap=$(f))
fuzz_door_module_LEN := 4096

FUZZ_TARGETS += fuzz_door_verifier
fuzz_door_verifier_SRCS := tests/fuzz/fuzz_door_verifier.c tests/fuzz/packets.c tests/faults/cheap_scrypt.c \
	$(filter-out %/main.c %/privilege.c %/resident.c %/stamp.c %/network.c,$(VERIFIER_WHOLE_SRCS)) \
	$(filter pam_module/verifier/%,$(LIB_SRCS)) $(filter-out lib/audit.c lib/admission.c lib/json_% lib/erasing.c lib/source_message.c lib/ldap_%,$(filter lib/%,$(LIB_SRCS)))
fuzz_door_verifier_LIBS := -lseccomp -lcrypto -lcrypt -lfido2 -loath -lqrencode -ljansson -linih -lxxhash -lsqlite3 $(SYSTEMD_LIBS) \
	$(foreach f,posix_spawn syslog fdatasync oath_totp_generate2 EVP_PBE_scrypt,-Wl,--wrap=$(f))
fuzz_door_verifier_LEN := 4096

FUZZ_TARGETS += fuzz_credential
fuzz_credential_SRCS := tests/fuzz/fuzz_credential.c tests/faults/cheap_scrypt.c pam_module/verifier/attempt.c \
	pam_module/verifier/addresses.c $(filter pam_module/verifier/%,$(LIB_SRCS)) lib/random.c lib/safeio.c lib/packet.c lib/security_key.c \
	$(filter lib/config%,$(LIB_SRCS)) lib/parse.c lib/timeparse.c lib/account.c lib/utf8.c
fuzz_credential_SRCS += lib/password_check.c
fuzz_credential_LIBS := -lcrypto -lcrypt -lfido2 -loath -linih -ljansson \
	$(foreach f,syslog fdatasync EVP_PBE_scrypt EVP_DecryptUpdate EVP_DecryptFinal_ex,-Wl,--wrap=$(f))
fuzz_credential_LEN := 8193

FUZZ_TARGETS += fuzz_security_key
fuzz_security_key_SRCS := tests/fuzz/fuzz_security_key.c pam_module/verifier/fido2.c pam_module/verifier/fido2_maker.c \
	pam_module/verifier/fido2_model.c \
	lib/security_key.c lib/packet.c
fuzz_security_key_LIBS := -lfido2 -lcrypto
# A library that is told of an array of billions asks for room; in the verifier it gets none
# (RLIMIT_AS), and so here.
fuzz_security_key_FLAGS := -malloc_limit_mb=1000000

FUZZ_TARGETS += fuzz_ldap_entry
fuzz_ldap_entry_SRCS := tests/fuzz/fuzz_ldap_entry.c $(LDAP_MAP_SRCS) syncd/sources/ldap_control.c lib/source_message.c \
	lib/timeparse.c lib/parse.c
fuzz_ldap_entry_LIBS := -lldap -llber -ljansson
fuzz_ldap_entry_LEN := 4096
FUZZ_TARGETS += fuzz_pingone
fuzz_pingone_SRCS := tests/fuzz/fuzz_pingone.c syncd/sources/pingone_map.c syncd/sources/person.c lib/source_message.c \
	lib/timeparse.c lib/parse.c
fuzz_pingone_LIBS := -ljansson
fuzz_pingone_LEN := 2048
FUZZ_TARGETS += fuzz_password_said
fuzz_password_said_SRCS := tests/fuzz/fuzz_password_said.c pam_module/password_ldap/said.c lib/password_check.c lib/packet.c
fuzz_password_said_LIBS := -lldap -llber
fuzz_password_said_LEN := 1024
FUZZ_TARGETS += fuzz_web
fuzz_web_SRCS := tests/fuzz/fuzz_web.c $(filter-out syncd/sources/web.c,$(WEB_SRCS)) lib/parse.c lib/random.c lib/timeparse.c lib/utf8.c
fuzz_web_LIBS := $(WEB_LIBS)
fuzz_web_LEN := 2048
FUZZ_TARGETS += fuzz_scim
fuzz_scim_SRCS := tests/fuzz/fuzz_scim.c $(SCIM_MAP_SRCS) lib/source_message.c lib/timeparse.c lib/parse.c
fuzz_scim_LIBS := -ljansson
fuzz_scim_LEN := 4096

FUZZ_TARGETS += fuzz_json
fuzz_json_SRCS := tests/fuzz/fuzz_json.c syncd/sources/rows.c $(HR_MAP_SRCS) lib/source_message.c lib/timeparse.c lib/parse.c
fuzz_json_LIBS := -ljansson
fuzz_json_LEN := 4096
FUZZ_TARGETS += fuzz_okta
fuzz_okta_SRCS := tests/fuzz/fuzz_okta.c $(OKTA_MAP_SRCS) lib/source_message.c lib/timeparse.c lib/parse.c
fuzz_okta_LIBS := -ljansson
fuzz_okta_LEN := 4096

FUZZ_TARGETS += fuzz_ldap_ad
fuzz_ldap_ad_SRCS := tests/fuzz/fuzz_ldap_ad.c syncd/sources/ldap_ad.c syncd/sources/ldap_entry.c syncd/sources/ldap_control.c
fuzz_ldap_ad_LIBS := -lldap -llber -ljansson
fuzz_ldap_ad_LEN := 4096

# What a stranger's server says is read, and what is said of a person written, by this in each.
VALUE_SRCS := lib/json_scan.c lib/json_guard.c syncd/sources/value.c syncd/sources/value_read.c \
	syncd/sources/value_json.c lib/erasing.c syncd/sources/json_text.c lib/json_value.c \
	lib/json_writer.c lib/parse.c
$(foreach f,source_message ldap_entry web graph scim json okta pingone,$(eval fuzz_$(f)_SRCS += $(filter-out $(fuzz_$(f)_SRCS),$(VALUE_SRCS)))\
	$(eval fuzz_$(f)_LIBS += -lyajl -lm))

FUZZ_CC ?= clang
# Without FORTIFY: its open is another name, and the sanitizers see more.
FUZZ_CFLAGS := $(filter-out -fstack-clash-protection -D_FORTIFY_SOURCE=% -DROLLCALL_STATEDIR=%,$(BASE_CFLAGS)) \
	-fsanitize-coverage-ignorelist=tests/fuzz/uncovered -O1 -DROLLCALL_STATEDIR='"fuzz"' \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
fuzzobj = $(patsubst %.c,$(BUILD)/fuzzobj/%.o,$(1))
$(BUILD)/fuzzobj/%.o: %.c tests/fuzz/uncovered
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -c -o $@ $<
# What a target is run with stands beside it, for tests/run too.
define fuzz_rule
$(BUILD)/fuzz/$(1): $$(call fuzzobj,$$($(1)_SRCS)) tests/fuzz/build.mk
	@mkdir -p $$(@D)
	@echo "-max_len=$$(or $$($(1)_LEN),8192) $$($(1)_FLAGS)" >$$@.flags
	$$(FUZZ_CC) $$(FUZZ_CFLAGS) -o $$@ $$(call fuzzobj,$$($(1)_SRCS)) $$($(1)_LIBS)
fuzz: fuzz-$(1)
.PHONY: fuzz-$(1)
fuzz-$(1): $(BUILD)/fuzz/$(1)
	@mkdir -p $(BUILD)/fuzz/corpus-$(1)
	@cp -n tests/fuzz/corpus/$(1)/* $(BUILD)/fuzz/corpus-$(1)/ 2>/dev/null || true
	$(BUILD)/fuzz/$(1) -max_total_time=$$(FUZZ_SECONDS) $$$$(cat $(BUILD)/fuzz/$(1).flags) -print_final_stats=1 \
		-artifact_prefix=$(abspath $(BUILD))/fuzz/ $(BUILD)/fuzz/corpus-$(1)
endef
$(foreach f,$(FUZZ_TARGETS),$(eval $(call fuzz_rule,$(f))))
FUZZ_FILES := $(foreach f,$(FUZZ_TARGETS),$(BUILD)/fuzz/$(f))
.PHONY: fuzzers
fuzzers: $(FUZZ_FILES)
