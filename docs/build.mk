# SPDX-License-Identifier: BSD-2-Clause
MAN_PAGES += docs/man/rollcall.8 docs/man/pam_rollcall.8 docs/man/rollcall-syncd.8 docs/man/rollcall-enforcer.8 \
	docs/man/rollcall-source-csv.8 docs/man/rollcall-sink-ldap.8 $(BUILD)/man/rollcall.conf.5

# rollcall.conf(5) comes out of the table that the parser reads: it cannot say otherwise.
# A folder under tests/ keeps the program that prints it out of the installation.
PROGRAMS += conf_page
conf_page_SRCS := docs/man/conf_page.c
conf_page_LIBS := -linih -ljansson
conf_page_DIR := tests/man
$(BUILD)/man/rollcall.conf.5: $(BUILD)/tests/man/conf_page
	@mkdir -p $(@D)
	$< >$@.new && mv -f $@.new $@
MAN_PAGES += docs/man/rollcall-source-ldap.8
MAN_PAGES += docs/man/rollcall-source-pingone.8
MAN_PAGES += docs/man/rollcall-source-okta.8
MAN_PAGES += docs/man/rollcall-source-scim.8
MAN_PAGES += docs/man/rollcall-source-graph.8
MAN_PAGES += docs/man/rollcall-source-json.8
