UNIT_TESTS += test_cache_files test_record_logs
test_cache_files_SRCS := tests/unit/test_cache_files.c tests/unit/cache_fixture.c
test_record_logs_SRCS := tests/unit/test_record_logs.c

# The modules over a cache of the test's own, in its working folder; with SANITIZE=1 under
# ASan, for these host programs have its runtime. Its soname is the
# real one, so that glibc takes it when nsswitch asks for "rollcall".
NSS_UNDER_TEST := $(BUILD)/tests/nss/libnss_rollcall.so.2
$(NSS_UNDER_TEST): $(libnss_rollcall.so.2_SRCS) $(libnss_rollcall.so.2_MAP) nss_module/map.h lib/cache_find.h \
	include/rollcall/cache_map.h include/rollcall/cache_format.h
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP -DROLLCALL_STATEDIR=%,$(ALL_CFLAGS)) -DROLLCALL_STATEDIR='"state"' \
		-fvisibility=hidden -shared -Wl,-soname,libnss_rollcall.so.2 -Wl,-z,nodelete -Wl,-z,defs \
		-Wl,--version-script,$(libnss_rollcall.so.2_MAP) $(ALL_LDFLAGS) -o $@ \
		$(libnss_rollcall.so.2_SRCS)
tests: $(NSS_UNDER_TEST) $(BUILD)/lib/libnss_rollcall.so.2
UNIT_TESTS += test_nss_first
test_nss_first_SRCS := tests/unit/test_nss_first.c tests/unit/cache_fixture.c
UNIT_TESTS += test_nss_module
test_nss_module_SRCS := tests/unit/test_nss_module.c tests/unit/cache_fixture.c
UNIT_TESTS += test_nss_contract
test_nss_contract_SRCS := tests/unit/test_nss_contract.c tests/unit/cache_fixture.c
UNIT_TESTS += test_linkage
test_linkage_SRCS := tests/unit/test_linkage.c
$(BUILD)/tests/test_linkage: $(BUILD)/lib/libnss_rollcall.so.2 $(BUILD)/lib/pam_rollcall.so \
	$(BUILD)/libexec/rollcall/rollcall-authorized-keys
UNIT_TESTS += test_cache_broken
test_cache_broken_SRCS := tests/unit/test_cache_broken.c tests/unit/broken_files.c tests/unit/cache_fixture.c
UNIT_TESTS += test_nss_hosts
test_nss_hosts_SRCS := tests/unit/test_nss_hosts.c tests/unit/cache_fixture.c
UNIT_TESTS += test_nss_options
test_nss_options_SRCS := tests/unit/test_nss_options.c
UNIT_TESTS += test_nss_mappings
test_nss_mappings_SRCS := tests/unit/test_nss_mappings.c tests/unit/cache_fixture.c
UNIT_TESTS += test_account_gate
test_account_gate_SRCS := tests/unit/test_account_gate.c
UNIT_TESTS += test_admission
test_admission_SRCS := tests/unit/test_admission.c

UNIT_TESTS += test_audit_queue
test_audit_queue_SRCS := tests/unit/test_audit_queue.c

# The same for sshd's command.
KEYS_UNDER_TEST := $(BUILD)/tests/keys/rollcall-authorized-keys
$(KEYS_UNDER_TEST): nss_module/authorized_keys.c $(BUILD)/librollcall.a
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP -DROLLCALL_STATEDIR=%,$(ALL_CFLAGS)) -DROLLCALL_STATEDIR='"state"' -pie \
		$(ALL_LDFLAGS) -o $@ $^
tests: $(KEYS_UNDER_TEST)
UNIT_TESTS += test_authorized_keys
test_authorized_keys_SRCS := tests/unit/test_authorized_keys.c tests/unit/cache_fixture.c

UNIT_TESTS += test_config
test_config_SRCS := tests/unit/test_config.c tests/unit/config_fixture.c
test_config_LIBS := -linih -ljansson

UNIT_TESTS += test_time_text
test_time_text_SRCS := tests/unit/test_time_text.c

PAM_UNDER_TEST := $(BUILD)/tests/pam/pam_rollcall.so
$(PAM_UNDER_TEST): $(pam_rollcall.so_SRCS) $(pam_rollcall.so_MAP) pam_module/module.h \
	include/rollcall/cache_map.h include/rollcall/cache_format.h include/rollcall/protocol.h
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP -DROLLCALL_STATEDIR=% -DROLLCALL_RUNDIR=% -DROLLCALL_LIBEXECDIR=%,$(ALL_CFLAGS)) \
		-DROLLCALL_STATEDIR='"state"' -DROLLCALL_RUNDIR='"run"' -DROLLCALL_LIBEXECDIR='"libexec"' \
		-fvisibility=hidden -shared -Wl,-z,defs -Wl,--version-script,$(pam_rollcall.so_MAP) $(ALL_LDFLAGS) \
		-o $@ $(pam_rollcall.so_SRCS) $(pam_rollcall.so_LIBS)
tests: $(PAM_UNDER_TEST)
UNIT_TESTS += test_pam_module
test_pam_module_SRCS := tests/unit/test_pam_module.c tests/unit/four_people.c tests/unit/broken_files.c
test_pam_module_LIBS := -lpam
UNIT_TESTS += test_ldap_session
test_ldap_session_SRCS := tests/unit/test_ldap_session.c
test_ldap_session_LIBS := -lldap -llber

UNIT_TESTS += test_cache_ids
test_cache_ids_SRCS := tests/unit/test_cache_ids.c tests/unit/cache_fixture.c

UNIT_TESTS += test_config_web
test_config_web_SRCS := tests/unit/test_config_web.c tests/unit/config_fixture.c
test_config_web_LIBS := -linih -ljansson

UNIT_TESTS += test_admission_look
test_admission_look_SRCS := tests/unit/test_admission_look.c tests/unit/cache_fixture.c
UNIT_TESTS += test_confinement
test_confinement_SRCS := tests/unit/test_confinement.c
test_confinement_LIBS := -lseccomp

UNIT_TESTS += test_local_users
test_local_users_SRCS := tests/unit/test_local_users.c
