# SPDX-License-Identifier: BSD-2-Clause
CLI_TEXT_SRCS := cli/text.c cli/suggest.c cli/progress.c
CLI_VIEW_SRCS := cli/complain.c cli/control.c cli/cache_view.c cli/audit_log.c
CLI_SETUP_SRCS := cli/run.c cli/sshd.c cli/setup.c cli/setup_edit.c cli/setup_plan.c cli/setup_keep.c cli/setup_host.c \
	cli/setup_witness.c
CLI_DOCTOR_SRCS := cli/doctor.c cli/doctor_sshd.c cli/doctor_pam.c cli/doctor_sudo.c cli/doctor_names.c cli/doctor_files.c \
	cli/doctor_house.c cli/pam_stack.c
CLI_ADOPT_SRCS := cli/adopt.c cli/adopt_plan.c cli/adopt_input.c
CLI_SOURCE_SRCS := cli/source.c cli/source_child.c cli/source_run.c cli/source_test.c cli/source_people.c \
	cli/source_add.c cli/source_secret.c
PROGRAMS += rollcall
rollcall_SRCS := cli/main.c $(CLI_TEXT_SRCS) $(CLI_VIEW_SRCS) cli/status.c cli/user.c cli/sync.c cli/lock.c \
	cli/held.c cli/lease.c cli/explain.c cli/check_config.c cli/enroll.c cli/enroll_key.c cli/silent.c cli/desk.c cli/report.c cli/fleet.c \
	cli/breakglass.c cli/doctor_breakglass.c \
	$(CLI_SETUP_SRCS) $(CLI_DOCTOR_SRCS) $(CLI_ADOPT_SRCS) $(CLI_SOURCE_SRCS) $(SOURCE_START_SRCS)
rollcall_LIBS := -ljansson -lyajl -lseccomp -lcrypto -linih -lqrencode -lpam
rollcall_DIR := bin
INSTALL_DATA += packaging/completion/rollcall.bash:$(datadir)/bash-completion/completions/rollcall

UNIT_TESTS += test_cli_text test_cli_audit_log
test_cli_text_SRCS := tests/unit/test_cli_text.c $(CLI_TEXT_SRCS)
test_cli_audit_log_SRCS := tests/unit/test_cli_audit_log.c cli/audit_log.c
test_cli_audit_log_LIBS := -ljansson -lcrypto
UNIT_TESTS += test_cli_cache_view test_qr
test_cli_cache_view_SRCS := tests/unit/test_cli_cache_view.c tests/unit/four_people.c cli/complain.c cli/cache_view.c cli/control.c \
	cli/suggest.c cli/text.c
test_cli_cache_view_LIBS := -ljansson
test_qr_SRCS := tests/unit/test_qr.c
test_qr_LIBS := -lqrencode
UNIT_TESTS += test_verifier_door
test_verifier_door_SRCS := tests/unit/test_verifier_door.c
UNIT_TESTS += test_setup_edit
test_setup_edit_SRCS := tests/unit/test_setup_edit.c cli/setup_edit.c cli/sshd.c cli/run.c
test_setup_edit_LIBS := -ljansson
UNIT_TESTS += test_pam_stack
test_pam_stack_SRCS := tests/unit/test_pam_stack.c cli/pam_stack.c
UNIT_TESTS += test_adopt_plan
test_adopt_plan_SRCS := tests/unit/test_adopt_plan.c cli/adopt_plan.c

PROGRAMS += four_people
four_people_SRCS := tests/system/four_people_main.c tests/unit/four_people.c
four_people_DIR := tests/tools
