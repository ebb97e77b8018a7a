VERIFIER_DOOR := lib/packet.c lib/verifier_dial.c

MODULES += pam_rollcall.so
pam_rollcall.so_SRCS := pam_module/pam_rollcall.c pam_module/whose_name.c pam_module/relay.c pam_module/breakglass.c \
	lib/breakglass.c lib/breakglass_file.c lib/breakglass_account.c lib/local_users.c lib/safeio.c \
	lib/cache_map.c lib/cache_find.c lib/cache_handles.c lib/cache_private.c lib/account.c lib/utf8.c lib/admission.c \
	lib/lifecycle_names.c lib/audit.c \
	$(VERIFIER_DOOR)
pam_rollcall.so_MAP := pam_module/pam.map
pam_rollcall.so_LIBS := -lpam
pam_rollcall.so_DIR := $(pamdir)

# The pure and the sealed parts are in the library too, for unit tests and fuzzers.
LIB_SRCS += pam_module/verifier/credential.c pam_module/verifier/credential_seal.c \
	pam_module/verifier/credential_v2.c pam_module/verifier/totp.c pam_module/verifier/throttle.c \
	pam_module/verifier/strength.c pam_module/verifier/ssh_evidence.c pam_module/verifier/password.c \
	pam_module/verifier/tickets.c pam_module/verifier/prompts.c pam_module/verifier/codes.c \
	pam_module/verifier/fido2.c pam_module/verifier/fido2_maker.c pam_module/verifier/fido2_model.c \
	pam_module/verifier/directory_place.c pam_module/verifier/password_cache.c

PROGRAMS += rollcall-verifier
rollcall-verifier_SRCS := pam_module/verifier/main.c pam_module/verifier/privilege.c \
	pam_module/verifier/session.c pam_module/verifier/attempt.c pam_module/verifier/addresses.c \
	pam_module/verifier/welcome.c pam_module/verifier/choose.c pam_module/verifier/enrol.c pam_module/verifier/desk.c \
	pam_module/verifier/touch.c pam_module/verifier/key_talk.c pam_module/verifier/enrol_key.c \
	pam_module/verifier/ssh_marks.c pam_module/verifier/resident.c pam_module/verifier/stamp.c \
	pam_module/verifier/rare.c pam_module/verifier/network.c pam_module/verifier/network_child.c \
	pam_module/verifier/directory.c pam_module/verifier/users.c pam_module/verifier/request.c pam_module/verifier/passwd.c
rollcall-verifier_LIBS := -lseccomp -lcrypto -lcrypt -loath -linih
rollcall-verifier_DIR := libexec/rollcall

# Libraries that few logins need: loading them is most of the start of a process.
RARE_SRCS := pam_module/verifier/rare_module.c pam_module/verifier/fido2.c pam_module/verifier/fido2_maker.c \
	pam_module/verifier/fido2_model.c lib/qr.c
RARE_LIBS := $(SYSTEMD_LIBS) -lfido2 -lcrypto -lqrencode
# For builds that hold it in the program.
VERIFIER_WHOLE_SRCS := $(filter-out %/rare.c,$(rollcall-verifier_SRCS)) pam_module/verifier/rare_module.c tests/faults/rare_linked.c
VERIFIER_WHOLE_LIBS := $(rollcall-verifier_LIBS) $(RARE_LIBS)
MODULES += rollcall-verifier-rare.so
rollcall-verifier-rare.so_SRCS := $(RARE_SRCS)
rollcall-verifier-rare.so_MAP := pam_module/rare.map
rollcall-verifier-rare.so_LIBS := $(RARE_LIBS)
rollcall-verifier-rare.so_DIR := $(libexecdir)/rollcall

# Talks to FIDO2 devices for the verifier. hidraw.c is the one file that tests replace.
SECURITY_KEY_SRCS := pam_module/security_key/main.c pam_module/security_key/device.c \
	pam_module/security_key/confine.c
PROGRAMS += rollcall-security-key
rollcall-security-key_SRCS := $(SECURITY_KEY_SRCS) pam_module/security_key/hidraw.c
rollcall-security-key_LIBS := -lfido2 -lseccomp
rollcall-security-key_DIR := libexec/rollcall

UNIT_TESTS += test_verifier_parts
test_verifier_parts_SRCS := tests/unit/test_verifier_parts.c
test_verifier_parts_LIBS := -lcrypto -loath -ljansson -linih
UNIT_TESTS += test_verifier_throttle
test_verifier_throttle_SRCS := tests/unit/test_verifier_throttle.c
test_verifier_throttle_LIBS := -lcrypto -loath
UNIT_TESTS += test_verifier_strength
test_verifier_strength_SRCS := tests/unit/test_verifier_strength.c
test_verifier_strength_LIBS := -lcrypto -linih -ljansson
UNIT_TESTS += test_verifier_password
test_verifier_password_SRCS := tests/unit/test_verifier_password.c
test_verifier_password_LIBS := -lcrypt
UNIT_TESTS += test_verifier_totp
test_verifier_totp_SRCS := tests/unit/test_verifier_totp.c
test_verifier_totp_LIBS := -lcrypto -loath
UNIT_TESTS += test_verifier_stamp test_verifier_network
test_verifier_stamp_SRCS := tests/unit/test_verifier_stamp.c pam_module/verifier/stamp.c
test_verifier_network_SRCS := tests/unit/test_verifier_network.c pam_module/verifier/network.c
test_verifier_network_LIBS := -lseccomp
UNIT_TESTS += test_verifier_codes
test_verifier_codes_SRCS := tests/unit/test_verifier_codes.c
test_verifier_codes_LIBS := -lcrypto -loath
UNIT_TESTS += test_verifier_credential
test_verifier_credential_SRCS := tests/unit/test_verifier_credential.c
test_verifier_credential_LIBS := -lcrypto

SOFTKEY_SRCS := tests/softkey/softkey.c tests/softkey/softkey_hid.c tests/softkey/softkey_crypto.c
FIDO2_TEST_SRCS := tests/unit/fido2_fixture.c pam_module/security_key/device.c $(SOFTKEY_SRCS)
UNIT_TESTS += test_fido2 test_fido2_enrol
test_fido2_SRCS := tests/unit/test_fido2.c $(FIDO2_TEST_SRCS)
test_fido2_LIBS := -lfido2 -lcbor -lcrypto
test_fido2_enrol_SRCS := tests/unit/test_fido2_enrol.c $(FIDO2_TEST_SRCS)
test_fido2_enrol_LIBS := -lfido2 -lcbor -lcrypto

# For system tests: the same program over keys that are files, and what makes such files.
# No part of `all`: what is shipped is built without them.
TEST_KEY_TOOLS := $(BUILD)/tests/tools/soft_security_key $(BUILD)/tests/tools/softkey
softkey_objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1) $(SOFTKEY_SRCS) $(SAN_SRCS)) $(BUILD)/librollcall.a
$(BUILD)/tests/tools/soft_security_key: $(call softkey_objects,$(SECURITY_KEY_SRCS) tests/softkey/plugged.c)
$(BUILD)/tests/tools/softkey: $(call softkey_objects,tests/softkey/softkey_main.c)
$(TEST_KEY_TOOLS):
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -pie $(ALL_LDFLAGS) -o $@ $^ -lfido2 -lseccomp -lcbor -lcrypto
tests: $(TEST_KEY_TOOLS)

# ssh's middleware for hardware keys, of software: tests/system/test_ssh_hardware_keys.py
SSH_SK_PROVIDER := $(BUILD)/tests/tools/ssh_sk_provider.so
$(SSH_SK_PROVIDER): tests/softkey/ssh_sk_provider.c tests/softkey/softkey_crypto.c tests/softkey/softkey_crypto.h \
	tests/softkey/softkey.h
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(BASE_CFLAGS)) $(CFLAGS) -shared $(ALL_LDFLAGS) -o $@ $(filter %.c,$^) -lcrypto
tests: $(SSH_SK_PROVIDER)

LIB_SRCS += pam_module/breakglass/sealed_code.c pam_module/breakglass/use_code.c
PROGRAMS += rollcall-breakglass
rollcall-breakglass_SRCS := pam_module/breakglass/main.c pam_module/breakglass/loud.c pam_module/breakglass/end.c \
	syncd/enforcer/sweep.c syncd/enforcer/process.c
rollcall-breakglass_LIBS := -ljansson -lcrypto
rollcall-breakglass_DIR := libexec/rollcall
UNIT_TESTS += test_breakglass
test_breakglass_SRCS := tests/unit/test_breakglass.c pam_module/breakglass/record.c
test_breakglass_LIBS := -lcrypto
# Asks a directory about a password, for the verifier, which links no LDAP library.
PASSWORD_LDAP_SRCS := pam_module/password_ldap/directory.c pam_module/password_ldap/said.c
PROGRAMS += rollcall-password-ldap
rollcall-password-ldap_SRCS := pam_module/password_ldap/main.c pam_module/password_ldap/confine.c $(PASSWORD_LDAP_SRCS)
rollcall-password-ldap_LIBS := -lldap -llber -lseccomp
rollcall-password-ldap_DIR := libexec/rollcall
UNIT_TESTS += test_password_said
test_password_said_SRCS := tests/unit/test_password_said.c pam_module/password_ldap/said.c
test_password_said_LIBS := -lldap -llber
UNIT_TESTS += test_verifier_directory
test_verifier_directory_SRCS := tests/unit/test_verifier_directory.c
