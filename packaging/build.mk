# SPDX-License-Identifier: BSD-2-Clause
# What packages bring beside programs. The PAM profile and the drop-ins of sshd and
# sudo are only put where they can be taken from: nothing guards a login before an
# admin turns it on.
UNITS += $(wildcard packaging/systemd/*.service packaging/systemd/*.socket)
INSTALL_DATA += packaging/sysusers/rollcall.conf:$(prefix)/lib/sysusers.d/rollcall.conf \
	packaging/tmpfiles/rollcall.conf:$(prefix)/lib/tmpfiles.d/rollcall.conf \
	packaging/udev/71-rollcall-security-key.rules:$(prefix)/lib/udev/rules.d/71-rollcall-security-key.rules \
	packaging/pam-configs/rollcall:$(datadir)/pam-configs/rollcall \
	packaging/pam-configs/rollcall-password:$(datadir)/pam-configs/rollcall-password \
	packaging/sshd/10-rollcall.conf:$(datadir)/rollcall/sshd/10-rollcall.conf \
	packaging/sudoers/rollcall:$(datadir)/rollcall/sudoers/rollcall \
	packaging/rollcall.conf.example:$(docdir)/rollcall.conf.example
# For whoever sets up a fleet's directory.
INSTALL_DATA += $(foreach f,README.md access.conf indexes.conf rollcall.schema rollcall.ldif openssh-lpk.schema \
	openssh-lpk.ldif,packaging/ldap/$(f):$(docdir)/ldap/$(f))
