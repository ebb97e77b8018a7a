# Faults: the n-th call of a function in the module or in the verifier fails. Both are linked once more,
# with the calls that can fail wrapped, over paths in the test's own folder.
FAULTS_WRAPPED := malloc calloc realloc strdup read write pread pwrite send recvmsg sendto getrandom __getdelim fdatasync fsync \
	posix_fallocate fstat mmap unlinkat renameat fdopendir socket socketpair connect getsockopt setsockopt poll \
	posix_spawn posix_spawnattr_init posix_spawn_file_actions_init posix_spawn_file_actions_adddup2 pidfd_open waitid \
	setgroups setresgid setresuid unshare getpwnam_r pam_set_data EVP_CIPHER_CTX_new EVP_PBE_scrypt \
	oath_totp_generate2 open openat fcntl fopen syslog pam_syslog
FAULTS_WRAP := $(FAULTS_WRAPPED:%=-Wl,--wrap=%)
# What the other of the two wraps is not there to be called.
FAULTS_CFLAGS = $(filter-out -MMD -MP -DROLLCALL_STATEDIR=% -DROLLCALL_RUNDIR=% -DROLLCALL_LIBEXECDIR=% \
	-DROLLCALL_SYSCONFDIR=% -D_FORTIFY_SOURCE=%,$(ALL_CFLAGS)) -U_FORTIFY_SOURCE -ffunction-sections \
	-DROLLCALL_STATEDIR='"state"' -DROLLCALL_RUNDIR='"run"' -DROLLCALL_LIBEXECDIR='"libexec"' -DROLLCALL_SYSCONFDIR='"etc"'
FAULTS_HEADERS := $(wildcard tests/faults/*.h pam_module/*.h pam_module/verifier/*.h include/rollcall/*.h)

PAM_FAULTS := $(BUILD)/tests/faults/pam_rollcall.so
FAULTS_SRCS := tests/faults/faults.c tests/faults/cheap_scrypt.c
$(PAM_FAULTS): $(FAULTS_SRCS) $(pam_rollcall.so_SRCS) $(FAULTS_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(FAULTS_CFLAGS) -DROLLCALL_PASSWD_FILE='"state/passwd"' -fvisibility=hidden -shared $(FAULTS_WRAP) -Wl,--gc-sections -o $@ $(FAULTS_SRCS) \
		$(pam_rollcall.so_SRCS) -lpam -lcrypto -loath

VERIFIER_FAULTS := $(BUILD)/tests/faults/rollcall-verifier
$(VERIFIER_FAULTS): $(FAULTS_SRCS) tests/faults/faults_program.c $(VERIFIER_WHOLE_SRCS) $(BUILD)/librollcall.a $(FAULTS_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(FAULTS_CFLAGS) -pie $(FAULTS_WRAP) -Wl,--gc-sections -o $@ $(FAULTS_SRCS) tests/faults/faults_program.c \
		$(SAN_SRCS) $(VERIFIER_WHOLE_SRCS) $(BUILD)/librollcall.a $(VERIFIER_WHOLE_LIBS) -lpam
tests: $(PAM_FAULTS) $(VERIFIER_FAULTS)

UNIT_TESTS += test_faults_module test_faults_verifier
test_faults_module_SRCS := tests/faults/test_faults_module.c tests/unit/four_people.c
test_faults_module_LIBS := -lpam
test_faults_verifier_SRCS := tests/faults/test_faults_verifier.c tests/faults/cheap_scrypt.c tests/unit/four_people.c
test_faults_verifier_LIBS := -Wl,--wrap=EVP_PBE_scrypt -lcrypto -loath
